"""`cc4tui report --html`: one page, whatever agents and plans wrote."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from cc4tui import events as e
from cc4tui.cli.report_facts import Phase, phases
from cc4tui.cli.report_timeline import WORKED, rows, spans, timeline
from tests.cli.conftest import ended_run


pytestmark = pytest.mark.integration

SECRET = "sk-live/0123456789+abc<def"
EVIL = (
    '</title></td></pre><script src="https://evil.example/x.js">alert(1)</script>'
    "<img onerror='x'>"
)
PLAN = f"""# Report <b>me</b>
## Batch 1: First
- [ ] 1.1 Write {EVIL}
- [ ] 1.2 Break \u202eslleps
## Batch 2: Second
- [ ] 2.1 Never starts
"""
AGENT = f"""
import os, pathlib, sys
sys.stdin.read()
print("\\x1b]52;c;AAAA\\x07\\u202e", os.environ["CC4_TASK"])
for number in range(300):
    print("line", number)
print({EVIL!r}, {SECRET!r})
if os.environ["CC4_TASK"] == "1.2":
    sys.exit("it broke " + {EVIL!r})
pathlib.Path("a&b<i>\\u202e.txt").write_text({EVIL!r} + "\\n\\u202egpj\\n" + {SECRET!r} + "\\n")
"""
TAGS = {
    "html", "head", "meta", "title", "style", "body", "h1", "h2", "dl", "dt", "dd", "div", "p", "i",
    "table", "thead", "tbody", "tr", "th", "td", "span", "data", "details", "summary", "pre",
    "svg", "g", "rect", "text", "line",
}  # fmt: skip
ATTRIBUTES = {
    "lang", "charset", "http-equiv", "content", "name", "id", "class", "title", "value", "viewbox",
    "role", "aria-label", "x", "y", "x1", "x2", "y1", "y2", "width", "height", "rx", "text-anchor",
}  # fmt: skip
VOID = {"meta"}


class Read(HTMLParser):
    """Notes tags, attributes and the cells of the tasks; every tag is closed in its order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.table: list[list[Any]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.table.append([])
        elif tag == "td":
            self.table[-1].append("")
        elif tag == "data" and "td" in self.open:
            self.table[-1][-1] = json.loads(dict(attrs)["value"] or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
        if "td" in self.open and "data" not in self.open:
            self.table[-1][-1] += data


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with a run: one task landed, one failed, one blocked; all texts are hostile."""
    folder = tmp_path_factory.mktemp("hostile")
    ended_run(folder, PLAN, AGENT)
    return folder


@pytest.fixture
def here(ended: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That repository is the current folder; the person has a secret."""
    monkeypatch.setenv("CC4TUI_STATE_DIR", str(ended / "state"))
    monkeypatch.setenv("DEPLOY_TOKEN", SECRET)
    monkeypatch.chdir(ended / "project")


@pytest.fixture
def page(call: Callable[..., Any], here: None, tmp_path: Path) -> str:
    file = tmp_path / "report.html"
    answer = call("report", "--html", str(file))
    assert (answer.code, answer.out) == (0, ""), answer.err
    return file.read_text()


def test_nothing_that_others_wrote_is_markup(page: str) -> None:
    read = Read(page)
    assert read.tags <= TAGS
    assert read.attributes <= ATTRIBUTES
    for part in ("alert(1)", "Write </title>", "+</title>", "a&b<i>", "it broke </title>"):
        assert part in read.text
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", page)
    assert "⟨U+202E⟩slleps" in read.text
    assert "+⟨U+202E⟩gpj" in read.text


def test_it_needs_nothing_else(page: str) -> None:
    markup = re.sub(r"<(title|pre|summary|td|dd|h1)\b.*?</\1>", "", page, flags=re.DOTALL)
    assert "evil" not in markup
    assert not re.search(r"https?:|//|url\(|@import|\ssrc=|\shref=", markup)
    assert "default-src 'none'" in page


def test_secrets_are_masked(page: str) -> None:
    assert SECRET not in page
    assert SECRET not in Read(page).text
    assert Read(page).text.count("*" * len(SECRET)) >= 3  # two logs, one difference


def test_numbers_are_those_of_the_status(page: str, call: Callable[..., Any]) -> None:
    status = json.loads(call("status", "--json").out)
    rows = [row for row in Read(page).table if row]
    assert len(rows) == len(status["tasks"]) == 3
    for row, task in zip(rows, status["tasks"], strict=True):
        state, ident, title, reason, *numbers = row
        assert state.endswith(task["state"].replace("_", " "))
        assert ident == task["id"]
        assert title.replace("⟨U+202E⟩", "") == task["title"].replace("\u202e", "")
        assert (task["reason_code"] or "") in reason
        told = [task["attempts"], task["seconds"], *task["usage"].values(), task["cost_usd"]]
        assert numbers == ["?" if number is None else number for number in told]
    assert [row[-1] for row in rows] == ["?", "?", "?"]


def test_only_the_end_of_a_long_log(page: str) -> None:
    assert page.count("line 299") == 2
    assert "line 50\n" not in page
    assert "prints all 30" in page


def test_only_a_report_is_overwritten(call: Callable[..., Any], here: None, tmp_path: Path) -> None:
    file = tmp_path / "mine.html"
    file.write_text("my own")
    answer = call("report", "--html", str(file))
    assert answer.code == 2
    assert "--force" in answer.err
    assert file.read_text() == "my own"
    assert call("report", "--html", str(file), "--force").code == 0
    first = file.stat().st_ino
    assert call("report", "--html", str(file)).code == 0
    assert file.stat().st_ino != first
    link = tmp_path / "link.html"
    link.symlink_to(file)
    assert call("report", "--html", str(link)).code == 2
    assert call("report", "--html", str(tmp_path)).code == 2
    answer = call("report", "--html", str(tmp_path / "none" / "x.html"))
    assert answer.code == 3
    assert "No such file" in answer.err
    assert sorted(path.name for path in tmp_path.glob("*.html")) == ["link.html", "mine.html"]
    assert not list(tmp_path.glob(".cc4tui-*"))


BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def told(kind: type[e.Event], second: float, task: str | None, **more: Any) -> e.Event:
    return kind(run="r", task=task, ts=BEGIN + timedelta(seconds=second), **more)


def started(second: float, task: str, attempt: int) -> e.Event:
    more = {"agent": "a", "model": None, "worktree": "w", "pid": 1, "folder": "f"}
    return told(e.AttemptStarted, second, task, attempt=attempt, **more)


def finished(second: float, task: str, attempt: int) -> e.Event:
    more = {"outcome": "failed", "reason_code": None, "reason": "", "exit_code": 1}
    return told(e.AttemptFinished, second, task, attempt=attempt, **more)


def seconds(found: tuple[Phase, ...]) -> list[tuple[str, int, str, float, float]]:
    return [
        (p.task, p.attempt, p.kind, (p.start - BEGIN).total_seconds(),
         (p.end - BEGIN).total_seconds())
        for p in found
    ]  # fmt: skip


def test_phases_follow_the_events() -> None:
    story = [
        started(0, "a", 1), started(1, "b", 1), finished(4, "a", 1), started(5, "a", 2),
        finished(7, "a", 2), told(e.TaskCommitted, 8, "a", commit="c", branch="b"),
        told(e.TaskStateChanged, 9, "a", state="verifying"),
        told(e.TaskMerged, 11, "a", commit="c", merged_as="m"),
        told(e.RunRecovered, 50, None, done=0, adopted=0, retried=1),
        started(51, "b", 2),
    ]  # fmt: skip
    found = phases(story, BEGIN + timedelta(seconds=60))
    assert seconds(found) == [
        ("a", 1, "agent", 0, 4), ("b", 1, "agent", 1, 11), ("a", 2, "agent", 5, 7),
        ("a", 2, "merging", 8, 9), ("a", 2, "verifying", 9, 11), ("b", 2, "agent", 51, 60),
    ]  # fmt: skip
    assert seconds(phases(story, None))[-1] == ("b", 2, "agent", 51, 51)
    workers = rows(spans([phase for phase in found if phase.kind in WORKED]))
    assert [[span[0].task + str(span[0].attempt) for span in row] for row in workers] == [
        ["a1", "a2", "b2"], ["b1"],
    ]  # fmt: skip
    drawn = timeline(found, str)
    assert drawn.count("<rect") == len(found)
    assert "worker 2" in drawn
    assert "worker 3" not in drawn
    assert timeline((), str) == ""
