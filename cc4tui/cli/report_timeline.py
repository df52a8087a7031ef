"""The timeline of a run as inline SVG: a row per worker, and one for what is checked and merged."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from cc4tui.cli.output import duration
from cc4tui.cli.report_facts import Phase


WIDTH, LEFT, ROW, BAR = 1000, 90, 26, 18
"""In units of the drawing: all of it, the rows' names, a row, a bar."""
WORKED = ("set-up", "agent")
"""Phases that occupy a worker; all others are the merge queue's."""
TICKS = 5

Span = tuple[Phase, ...]


def timeline(phases: Sequence[Phase], shown: Callable[[str], str]) -> str:
    """The drawing, or nothing when nothing took time.

    Args:
        phases: In the order of their beginnings.
        shown: Makes a task's id fit for a page.
    """
    if not phases:
        return ""
    begin = min(phase.start for phase in phases)
    seconds = max((phase.end - begin).total_seconds() for phase in phases) or 1.0
    workers = rows(spans([phase for phase in phases if phase.kind in WORKED]))
    queue = rows([(phase,) for phase in phases if phase.kind not in WORKED])
    named = [(f"worker {number}", row) for number, row in enumerate(workers, 1)]
    named += [("merging" if not number else "", row) for number, row in enumerate(queue)]
    height = len(named) * ROW + 24
    drawn = [
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="Timeline of the attempts">',
        *_scale(seconds, height),
    ]
    for number, (name, row) in enumerate(named):
        drawn.append(f'<text class="row" x="0" y="{number * ROW + 15}">{name}</text>')
        for span in row:
            drawn += [
                _bar(phase, shown(phase.task), begin, seconds, number * ROW + 2) for phase in span
            ]
    return "\n".join([*drawn, "</svg>"])


def spans(phases: Sequence[Phase]) -> list[Span]:
    """Phases of the same attempt together, in the order of their beginnings."""
    found: dict[tuple[str, int], list[Phase]] = {}
    for phase in phases:
        found.setdefault((phase.task, phase.attempt), []).append(phase)
    return sorted((tuple(span) for span in found.values()), key=lambda span: span[0].start)


def rows(found: Sequence[Span]) -> list[list[Span]]:
    """Each span in the first row that is free by then: as many rows as worked at the same time."""
    made: list[list[Span]] = []
    for span in found:
        free = (row for row in made if row[-1][-1].end <= span[0].start)
        row = next(free, None)
        if row is None:
            made.append([span])
        else:
            row.append(span)
    return made


def _scale(seconds: float, height: int) -> Iterator[str]:
    for tick in range(TICKS + 1):
        x = LEFT + (WIDTH - LEFT) * tick / TICKS
        side = "end" if tick == TICKS else "middle" if tick else "start"
        yield f'<line class="tick" x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{height - 18}"/>'
        yield (
            f'<text class="tick" x="{x:.1f}" y="{height - 5}" text-anchor="{side}">'
            f"{duration(seconds * tick / TICKS)}</text>"
        )


def _bar(phase: Phase, name: str, begin: datetime, seconds: float, y: int) -> str:
    scale = (WIDTH - LEFT) / seconds
    x = LEFT + (phase.start - begin).total_seconds() * scale
    took = (phase.end - phase.start).total_seconds()
    width = max(took * scale, 1.0)
    label = ""
    if phase.kind in WORKED and width > 8 * len(phase.task) + 8:
        label = f'<text class="bar" x="{x + 4:.1f}" y="{y + 13}">{name}</text>'
    told = f"{name}, attempt {phase.attempt}: {phase.kind}, {duration(took)}"
    return (
        f'<g><title>{told}</title><rect class="{phase.kind}" x="{x:.1f}" y="{y}"'
        f' width="{width:.1f}" height="{BAR}" rx="2"/>{label}</g>'
    )
