"""A run as one HTML page that needs nothing else: no network, no script.

Whatever it shows was written by agents and plans: each piece goes through `_shown`, which masks
secrets, makes hidden characters visible and escapes the rest. Nothing of it becomes an attribute's
name, a style or an address.
"""

from collections.abc import Callable, Iterator
from html import escape

from cc4tui.cli.output import counted, duration, moment
from cc4tui.cli.report_facts import PHASES, Excerpt, RunFacts
from cc4tui.cli.report_timeline import timeline
from cc4tui.cli.runs import totals
from cc4tui.cli.wording import counts_text
from cc4tui.domain.run import TaskRunRecord
from cc4tui.domain.text import visible


MARK = "<!doctype html>\n<!-- made by cc4tui report, which may write it again -->\n"
"""What a file begins with that this program made."""
UNKNOWN = '<span title="unknown">?</span>'
STYLE = """
:root { color-scheme: light dark; --back: #fff; --text: #1f2328; --dim: #59636e; --line: #d1d9e0;
  --soft: #f6f8fa; --added: #dafbe1; --removed: #ffebe9; --set-up: #a371f7; --agent: #2f81f7;
  --merging: #8b949e; --verifying: #bf8700; --reviewing: #1b7c83; --good: #1a7f37; --bad: #c62828; }
@media (prefers-color-scheme: dark) { :root { --back: #0d1117; --text: #e6edf3; --dim: #9198a1;
  --line: #3d444d; --soft: #151b23; --added: #12361f; --removed: #4a1a1a; --good: #3fb950;
  --bad: #ff7b72; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--text); background: var(--back);
  max-width: 75rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
h1, h2, td, summary, dd { overflow-wrap: anywhere; unicode-bidi: isolate; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; }
dt, .dim { color: var(--dim); } dd { margin: 0; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem;
  border-bottom: 1px solid var(--line); }
td { min-width: 2.5rem; } td.long { min-width: 12rem; }
.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.good { color: var(--good); } .bad { color: var(--bad); }
details { border: 1px solid var(--line); border-radius: 6px; margin: .5rem 0; }
summary { cursor: pointer; padding: .4rem .7rem; background: var(--soft); border-radius: 6px; }
details p { margin: .5rem .7rem; }
pre { margin: 0; padding: .7rem; overflow-x: auto; font: 12.5px/1.45 ui-monospace, monospace; }
pre span { display: inline-block; min-width: 100%; unicode-bidi: isolate; }
.added { background: var(--added); } .removed { background: var(--removed); }
.hunk { color: var(--dim); } .head { font-weight: bold; }
svg { width: 100%; min-width: 40rem; }
svg text { font: 11px system-ui, sans-serif; fill: var(--dim); } svg text.bar { fill: #fff; }
line.tick { stroke: var(--line); }
""" + "\n".join(
    f"rect.{kind} {{ fill: var(--{kind}); }} i.{kind} {{ background: var(--{kind}); }}"
    for kind in PHASES
)
STYLE += "\n.key i { display: inline-block; width: .8rem; height: .8rem; margin: 0 .3rem 0 1rem; }"
POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""Whatever should get past the escaping is not loaded and not run."""
_GOOD = ("landed", "merged", "skipped", "succeeded")
_BAD = ("failed", "cancelled", "blocked", "no_change", "partly_failed", "interrupted")


def page(facts: RunFacts) -> str:
    """The whole file."""
    return "\n".join(_Page(facts).lines()) + "\n"


class _Page:
    def __init__(self, facts: RunFacts) -> None:
        self._facts = facts
        self._view = facts.view

    def lines(self) -> Iterator[str]:
        run = self._view.run
        title = f"Run {self._shown(run.id)}: {self._shown(run.plan)}"
        yield f'{MARK}<html lang="en"><head><meta charset="utf-8">'
        yield f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
        yield f"<title>{title}</title><style>{STYLE}</style></head><body>"
        yield f"<h1>{title}</h1>"
        yield from self._summary()
        yield from self._timeline()
        yield from self._tasks()
        yield from self._details("Differences", self._facts.diffs, _coloured)
        yield from self._details("Ends of the logs", self._facts.logs, escape)
        yield "</body></html>"

    def _shown(self, text: str, limit: int = 2000) -> str:
        """Any text from outside, safe between tags and in a quoted value."""
        text = visible(self._facts.mask(text))
        return escape(text if len(text) <= limit else text[: limit - 1] + "…")

    def _summary(self) -> Iterator[str]:
        run = self._view.run
        spent = totals(self._view)
        usage = spent.usage
        took = "not finished"
        if run.finished is not None:
            took = f"took {_time((run.finished - run.started).total_seconds())}"
        facts = [
            ("Status", _state(run.status.value)),
            ("Tasks", escape(counts_text(self._view.counts()))),
            ("Started", f"{escape(moment(run.started))}, {took}"),
            ("Agent", (f"{self._shown(run.agent)}, {counted(run.workers, 'worker')},"
                      f" {self._shown(run.mode)} mode")),
            ("From", (f"{self._shown(run.base[:10])}, branch {self._shown(run.branch)},"
                     f" target {self._shown(run.target)}")),
            ("Tokens", (f"{_count(usage.input_tokens)} in, {_count(usage.cached_input_tokens)}"
                       f" cached, {_count(usage.output_tokens)} out")),
            ("Cost", _cost(spent.cost_usd, spent.cost_estimated)),
        ]  # fmt: skip
        if run.reason:
            facts.append(("Reason", self._shown(run.reason)))
        yield '<dl id="summary">'
        yield from (f"<dt>{name}</dt><dd>{value}</dd>" for name, value in facts)
        yield "</dl>"

    def _timeline(self) -> Iterator[str]:
        drawn = timeline(self._facts.phases, self._shown)
        if drawn:
            keys = "".join(f'<i class="{kind}"></i>{kind}' for kind in PHASES)
            yield f'<h2>Timeline</h2><div class="wide">{drawn}</div>'
            yield f'<p class="key dim">{keys} (merging: with the wait for it)</p>'

    def _tasks(self) -> Iterator[str]:
        yield '<h2>Tasks</h2><div class="wide"><table id="tasks"><thead><tr>'
        for name in ("State", "Task", "Title", "Reason"):
            yield f"<th>{name}</th>"
        for name in ("Attempts", "Time", "In", "Cached", "Out", "Cost"):
            yield f'<th class="number">{name}</th>'
        yield "</tr></thead><tbody>"
        yield from map(self._row, self._view.tasks)
        yield "</tbody></table></div>"

    def _row(self, task: TaskRunRecord) -> str:
        reason = self._shown(task.reason)
        if task.reason_code:
            reason += f" ({task.reason_code.value})"
        usage = task.usage
        numbers = (
            f'<data value="{task.attempts}">{task.attempts}</data>',
            _time(task.seconds),
            _count(usage.input_tokens),
            _count(usage.cached_input_tokens),
            _count(usage.output_tokens),
            _cost(task.cost_usd, task.cost_estimated),
        )
        return (
            f"<tr><td>{_state(task.state.value)}</td><td>{self._shown(task.task)}</td>"
            f'<td class="long">{self._shown(task.title)}</td><td class="long">{reason}</td>'
            + "".join(f'<td class="number">{number}</td>' for number in numbers)
            + "</tr>"
        )

    def _details(
        self, title: str, parts: dict[str, Excerpt], form: Callable[[str], str]
    ) -> Iterator[str]:
        titles = {task.task: task.title for task in self._view.tasks}
        shown = {task: part for task, part in parts.items() if part.text.strip() or part.note}
        if shown:
            yield f"<h2>{title}</h2>"
        for task, part in shown.items():
            named = f"{self._shown(task)} {self._shown(titles[task], 200)}"
            note = f"<p>{self._shown(part.note)}</p>" if part.note else ""
            text = visible(part.text)
            block = f"<pre>{form(text)}</pre>" if text else ""
            yield f"<details><summary>{named}</summary>{note}{block}</details>"


def _coloured(diff: str) -> str:
    """Each line of a difference with its colour; a file's head is told from what was removed."""
    out, in_head = [], True
    for line in diff.rstrip("\n").split("\n"):
        if line.startswith("diff "):
            in_head = True
        elif line.startswith("@@"):
            in_head = False
        kind = "head" if in_head else _KINDS.get(line[:1], "")
        out.append(f'<span class="{kind}">{escape(line)}</span>' if kind else escape(line))
    return "\n".join(out)


_KINDS = {"+": "added", "-": "removed", "@": "hunk"}


def _state(state: str) -> str:
    kind = "good" if state in _GOOD else "bad" if state in _BAD else "dim"
    sign = {"good": "✓", "bad": "✗"}.get(kind, "·")
    return f'<span class="{kind}">{sign} {state.replace("_", " ")}</span>'


def _time(seconds: float | None) -> str:
    if seconds is None:
        return UNKNOWN
    return f'<data value="{seconds}">{duration(seconds)}</data>'


def _count(number: int | None) -> str:
    return UNKNOWN if number is None else f'<data value="{number}">{number:,}</data>'


def _cost(dollars: float | None, estimated: bool) -> str:
    if dollars is None:
        return UNKNOWN
    about = "about " if estimated else ""
    return f'{about}<data value="{dollars}">${dollars:.4f}</data>'
