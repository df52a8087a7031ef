"""Draws a diff, in one column or side by side: whatever its length, only the rows that are seen."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.binding import BindingType
from textual.message import Message
from textual.selection import Selection
from textual.strip import Strip

from cc4tui.domain.text import clean_line
from cc4tui.screens.bindings import bindings
from cc4tui.screens.execution.diff_colours import Colours
from cc4tui.screens.execution.diff_text import (
    Diff,
    FileDiff,
    Kind,
    Row,
    Side,
    changed_part,
)
from cc4tui.screens.glyphs import sign
from cc4tui.screens.ink import Ink
from cc4tui.screens.lines import Line, cleaned, spread, strip_of
from cc4tui.screens.verbs import Scope
from cc4tui.screens.widgets.ansi import row_starts
from cc4tui.screens.widgets.line_view import LineView


SPLIT_WIDTH = 150
"""Cells from which both sides have room beside each other."""
_STEP = 8
"""Cells of a step aside."""
_TINTS = {Side.OLD: "removed", Side.NEW: "added", Side.BOTH: ""}
_SIGNS = {Side.OLD: "bad", Side.NEW: "good", Side.BOTH: ""}


class DiffSearch:
    """Rows with a hit; any case when the needle is all lower case.

    Args:
        needle: What to find; not a pattern.
    """

    def __init__(self, needle: str) -> None:
        self.needle = needle
        self.rows: list[int] = []
        """Rows with a hit."""

    def hits(self, text: str) -> bool:
        """Whether it occurs there."""
        return self.needle in (text.lower() if self.needle.islower() else text)

    @property
    def told(self) -> str:
        """How it went, in a few words."""
        count = len(self.rows)
        if not count:
            return f"“{self.needle}” does not occur"
        return f"{count} line{'' if count == 1 else 's'} with “{self.needle}”, n N"


class DiffView(LineView, can_focus=True):
    """Shows a diff; its top row says which file a person reads."""

    DEFAULT_CSS = """
    DiffView { height: 1fr; width: 1fr; background: $background; overflow-x: hidden; }
    """
    BINDINGS: ClassVar[list[BindingType]] = bindings(Scope.DIFF)

    class Moved(Message):
        """Another file is at the top, or it is drawn in another way."""

    def __init__(self) -> None:
        super().__init__()
        self.diff = Diff()
        """What is shown."""
        self.search: DiffSearch | None = None
        self.empty: Line = ()
        """Shown when there is nothing."""
        self._wants_split: bool | None = None
        """What a person chose; None = where there is room."""
        self.wrapped = False
        """Whether long lines go on below; otherwise they are cut at the right edge."""
        self._rows: Sequence[Row] = ()
        self._is_split = False
        self._laid_width = 0
        self._starts: list[int] = []
        """Row of each file's head."""
        self._colours = Colours(self.diff)
        self._digits = 1
        self._aside = 0
        """Cells that are scrolled out at the left."""
        self._file = -1
        """File at the top."""

    # --- content ----------------------------------------------------------------------------

    def show(self, diff: Diff, *, keep_place: bool = False) -> None:
        """Show a diff from its begin, or a newer one where a person reads.

        Args:
            diff: What to show.
            keep_place: Whether it is a newer one of the same task.
        """
        anchor = self._anchor() if keep_place else None
        self.diff, self._colours = diff, Colours(diff)
        last = [hunk for file in diff.files for hunk in file.hunks[-1:]]
        most = max((max(it.old, it.new) + len(it.lines) for it in last), default=1)
        self._digits = len(str(most))
        if not keep_place:
            self._aside, self._file = 0, -1
        self._lay_out()
        self._return_to(anchor)

    def _lay_out(self) -> None:
        self._is_split, self._laid_width = self.is_split, self.scrollable_content_region.width
        rows = self.diff.split if self._is_split else self.diff.unified
        self._rows = list(self._with_parts(rows)) if self.wrapped else rows
        self._starts = [n for n, row in enumerate(self._rows) if row.kind is Kind.FILE]
        if self.search is not None:
            self._find(self.search)
        self.set_lines_count(len(self._rows))
        if self.wrapped and self.scrollable_content_region.width < self._laid_width:
            self._lay_out()  # the bar for scrolling has come
            return
        self.refresh()

    def _with_parts(self, rows: Sequence[Row]) -> Iterator[Row]:
        """The rows, those of long lines as often as they need."""
        left, right = self._rooms()
        for row in rows:
            yield row
            if row.kind is Kind.LINE:
                lines = self.diff.files[row.file].hunks[row.hunk].lines
                sides = (
                    [(row.left, left), (row.right, right)] if self._is_split else [(row.left, left)]
                )
                more = max(len(_breaks(lines[at], room)) for at, room in sides if at >= 0)
                for part in range(1, more + 1):
                    yield replace(row, part=part)

    def _rooms(self) -> tuple[int, int]:
        """Cells for the text of a line, at the left and at the right."""
        width = self._laid_width
        if not self._is_split:
            return width - 2 * self._digits - 5, 0
        left = width // 2
        return left - 1 - self._digits - 4, width - left - self._digits - 4

    @property
    def is_split(self) -> bool:
        """Whether old and new stand beside each other."""
        return self.size.width >= SPLIT_WIDTH if self._wants_split is None else self._wants_split

    @property
    def file(self) -> int:
        """Number of the file that a person reads; -1 without any."""
        return bisect_right(self._starts, round(self.scroll_y)) - 1

    @property
    def line(self) -> int:
        """Number, in the new file, of the first line that is seen."""
        anchor = self._anchor()
        return 1 if anchor is None else max(anchor[1], 1)

    def _anchor(self) -> tuple[str, int, int] | None:
        """Path, line and rows above it, of what is in the middle of a reader's eye: the top."""
        top = round(self.scroll_y)
        for at in range(top, min(top + max(self.size.height, 1), len(self._rows))):
            row = self._rows[at]
            if row.kind is Kind.LINE:
                file = self.diff.files[row.file]
                line = max(row.left, row.right) if self._is_split else row.left
                return file.path, file.hunks[row.hunk].numbers(line)[1], at - top
        return None

    def _return_to(self, anchor: tuple[str, int, int] | None) -> None:
        """Scroll to the line nearest to what was at the top, or to the begin."""
        found, rows_above = 0, 0
        if anchor is not None:
            path, number, rows_above = anchor
            file = next((n for n, it in enumerate(self.diff.files) if it.path == path), -1)
            for at in range(self._starts[file] if file >= 0 else len(self._rows), len(self._rows)):
                row = self._rows[at]
                if row.file != file:
                    break
                found = at
                line = max(row.left, row.right) if self._is_split else row.left
                if row.kind is Kind.LINE:
                    hunk = self.diff.files[file].hunks[row.hunk]
                    if hunk.numbers(line)[1] >= number:
                        break
        self.scroll_to(y=max(found - rows_above, 0), animate=False, force=True)
        self._tell_moved()

    # --- moving -----------------------------------------------------------------------------

    def go_to_file(self, number: int) -> None:
        """Bring a file's head to the top."""
        if 0 <= number < len(self._starts):
            self.scroll_to(y=self._starts[number], animate=False, force=True)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Another file may be at the top now."""
        super().watch_scroll_y(old_value, new_value)
        self._tell_moved()

    def _tell_moved(self) -> None:
        if self.file != self._file:
            self._file = self.file
            self.post_message(self.Moved())

    def on_resize(self) -> None:
        """Another width may have room for both sides."""
        width = self.scrollable_content_region.width
        if self.is_split is not self._is_split or (self.wrapped and width != self._laid_width):
            self._lay_out_anew()
        else:
            self.set_lines_count(len(self._rows))

    def action_row_up(self) -> None:
        """A row up."""
        self.scroll_relative(y=-1, animate=False, force=True)

    def action_row_down(self) -> None:
        """A row down."""
        self.scroll_relative(y=1, animate=False, force=True)

    def action_page_up(self) -> None:
        """A page up."""
        self.scroll_relative(y=-max(self.size.height - 1, 1), animate=False, force=True)

    def action_page_down(self) -> None:
        """A page down."""
        self.scroll_relative(y=max(self.size.height - 1, 1), animate=False, force=True)

    def action_begin(self) -> None:
        """The first row."""
        self.scroll_to(y=0, animate=False, force=True)

    def action_end(self) -> None:
        """The last row."""
        self.scroll_to(y=self.max_scroll_y, animate=False, force=True)

    def action_file(self, by: int) -> None:
        """The file after (1) or before (-1) the one that is read."""
        at = self.file
        if by < 0 and at >= 0 and round(self.scroll_y) > self._starts[at]:
            at += 1
        self.go_to_file(at + by)

    def action_aside(self, by: int) -> None:
        """What is cut at the right edge, or back."""
        self._aside = max(self._aside + by * _STEP, 0)
        self.refresh()

    def action_split(self) -> None:
        """Side by side, or in one column."""
        self._wants_split = not self.is_split
        self._lay_out_anew()

    def action_toggle_wrap(self) -> None:
        """Long lines whole, or cut."""
        self.wrapped = not self.wrapped
        self._aside = 0
        self._lay_out_anew()

    def _lay_out_anew(self) -> None:
        """Draw the same lines in another way."""
        anchor = self._anchor()
        self._lay_out()
        self._return_to(anchor)
        self.post_message(self.Moved())

    # --- searching --------------------------------------------------------------------------

    def start_search(self, needle: str) -> None:
        """Light up the rows with a hit and go to the next one."""
        if not needle:
            self.stop_search()
            return
        self.search = DiffSearch(needle)
        self._find(self.search)
        self._step(0)

    def stop_search(self) -> None:
        """Show all rows alike."""
        self.search = None
        self.refresh()
        self.post_message(self.Moved())

    def _find(self, search: DiffSearch) -> None:
        rows = enumerate(self._rows)
        search.rows = [n for n, row in rows if not row.part and self._is_hit(search, row)]

    def _is_hit(self, search: DiffSearch, row: Row) -> bool:
        """Whether it occurs in what stands there, on either side."""
        if search.hits(self._text(row)):
            return True
        if not self._is_split or row.kind is not Kind.LINE or row.left < 0 or row.left == row.right:
            return False
        return search.hits(self.diff.files[row.file].hunks[row.hunk].lines[row.left][1:])

    def _step(self, by: int) -> None:
        search = self.search
        if search is not None and search.rows:
            top = round(self.scroll_y) + self.size.height // 3
            at = bisect_right(search.rows, top - (by <= 0)) - (by < 0)
            if by < 0 and at >= 0 and search.rows[at] >= top:
                at -= 1
            row = search.rows[at % len(search.rows)]
            self.scroll_to(y=max(row - self.size.height // 3, 0), animate=False, force=True)
        self.refresh()
        self.post_message(self.Moved())

    def action_next_hit(self) -> None:
        """The next hit downwards."""
        self._step(1)

    def action_previous_hit(self) -> None:
        """The next hit upwards."""
        self._step(-1)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Going from hit to hit needs a search, from file to file two files, aside cut lines."""
        if action == "aside":
            return not self.wrapped
        if action in ("next_hit", "previous_hit"):
            return self.search is not None
        return action != "file" or len(self.diff.files) > 1

    # --- selecting --------------------------------------------------------------------------

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected code, without numbers and signs; side by side, that of the new file."""
        first = 0 if selection.start is None else selection.start.y
        last = len(self._rows) if selection.end is None else selection.end.y + 1
        text = ""
        for at, row in enumerate(self._rows[first:last], first):
            start, end = selection.get_span(at) or (0, 0)
            shown = self._text(row)
            if self.wrapped and row.kind is Kind.LINE:
                room = self._rooms()[self._is_split and row.right >= 0]
                shown = shown[slice(*_piece(shown, room, row.part))]
            text += ("\n" if at > first and not row.part else "") + shown[
                start : end % (len(shown) + 1)
            ]
        return text, "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        """Draw the selection."""
        self.refresh()

    def _text(self, row: Row) -> str:
        """What stands there, of a long line all of it."""
        match row.kind:
            case Kind.FILE:
                return clean_line(self.diff.files[row.file].path)
            case Kind.HUNK:
                return self.diff.files[row.file].hunks[row.hunk].about
            case Kind.LINE:
                lines = self.diff.files[row.file].hunks[row.hunk].lines
                at = row.left if not self._is_split or row.right < 0 else row.right
                return lines[at][1:]
            case _:
                return ""

    # --- drawing ----------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """Draw one visible row."""
        width = self.scrollable_content_region.width
        base, colours = self.paint
        at = round(self.scroll_y) + y
        if at >= len(self._rows):
            line = ((" ", ""), *self.empty) if y == 0 and not self._rows else ()
            return strip_of(line, width, colours, base)
        row = self._rows[at]
        if row.kind is not Kind.LINE:
            return strip_of(self._heading(row, width), width, colours, base).apply_offsets(0, at)
        found = self.search is not None and self._is_hit(self.search, row)
        if not self._is_split:
            return self._side(row, row.left, row.right, width, colours, base, found, at)
        left = width // 2
        halves = [self._side(row, row.left, row.right, left - 1, colours, base, found, None)]
        halves.append(Strip([Segment(sign("│", "|"), base + colours.style("faint"))], 1))
        halves.append(self._side(row, row.right, row.left, width - left, colours, base, found, at))
        return Strip.join(halves)

    def _heading(self, row: Row, width: int) -> Line:
        if row.kind is Kind.GAP:
            return ()
        if row.file < 0:
            words = f" {self.diff.left_out:,} more lines are left out; `cc4tui diff` prints all"
            return ((words, "wait"),)
        file = self.diff.files[row.file]
        if row.kind is Kind.FILE:
            left = ((f" {file.status} ", status_ink(file)), (_named(file), "heading"))
            return spread(cleaned(left), (*sums(file), (" ", "")), width)
        if row.kind is Kind.NOTE:
            return cleaned(((f"   {file.note}", "muted"),))
        hunk = file.hunks[row.hunk]
        place = f"line {hunk.new}" if hunk.new else f"line {hunk.old}"
        return cleaned(((f" {sign('┄', '-') * 3} {place}  ", "muted"), (hunk.about, "muted")))

    def _side(
        self,
        row: Row,
        at: int,
        other: int,
        width: int,
        colours: Ink,
        base: Style,
        found: bool,
        offset: int | None,
    ) -> Strip:
        """A line with its numbers, in exactly `width` cells."""
        if at < 0:
            blank = Strip.blank(width, base + colours.style("faint"))
            return blank if offset is None else blank.apply_offsets(0, offset)
        hunk = self.diff.files[row.file].hunks[row.hunk]
        side = Side(hunk.lines[at][0])
        gutter = self._gutter(hunk.numbers(at), side, at_left=offset is None)
        tint = base + colours.style(_TINTS[side])
        segments = [
            Segment(" " * len(gutter) if row.part else gutter, base + colours.style("muted")),
            Segment("  " if row.part else f"{side.value} ", tint + colours.style(_SIGNS[side])),
        ]
        part = _part(hunk.lines, at, other, side)
        spans = self._colours.line(row.file, row.hunk, at)
        if colours.theme.ansi and side is not Side.BOTH:
            spans = ((hunk.lines[at][1:], ""),)
        strong = base + colours.style(f"{_TINTS[side]}-part") if _TINTS[side] else base
        mark = Style(reverse=True) if found else Style.null()
        for text, ink, is_part in _pieces(spans, part):
            style = (strong if is_part else tint) + colours.style(ink)
            segments.append(Segment(text, style + mark))
        head, body = Strip(segments[:2]), Strip(segments[2:])
        begin, end = self._aside, self._aside + max(width - len(gutter) - 2, 0)
        if self.wrapped:
            text, room = hunk.lines[at][1:], self._rooms()[self._is_split and offset is not None]
            begin, end = (cell_len(text[:cut]) for cut in _piece(text, room, row.part))
        shown = body.crop(begin, end)
        strip = Strip.join([head, shown]).adjust_cell_length(width, tint)
        if offset is None:
            return strip
        return self._selected(strip, len(gutter) + 2, offset, width)

    def _gutter(self, numbers: tuple[int, int], side: Side, *, at_left: bool) -> str:
        old, new = numbers
        size = self._digits
        if self._is_split:
            return f" {old if at_left else new:>{size}} "
        before = f"{old}" if side is not Side.NEW else ""
        after = f"{new}" if side is not Side.OLD else ""
        return f" {before:>{size}} {after:>{size}} "

    def _selected(self, strip: Strip, gutter: int, row: int, width: int) -> Strip:
        """The strip with offsets for the mouse, and what is selected of it lit."""
        selection = self.text_selection
        span = None if selection is None else selection.get_span(row)
        if span is not None:
            start, end = (gutter + max(at - self._aside, 0) if at >= 0 else width for at in span)
            chosen = self.screen.get_component_rich_style("screen--selection")
            before, middle, after = strip.divide([min(start, width), min(end, width), width])
            strip = Strip.join([before, Strip(Segment.apply_style(middle, chosen)), after])
        return strip.apply_offsets(self._aside - gutter, row)


def _breaks(line: str, room: int) -> list[int]:
    """Where the text of a line goes on below, without its sign."""
    if room < 1 or (len(line) <= room + 1 and (line.isascii() or cell_len(line) <= room + 1)):
        return []
    return row_starts(line[1:], room)


def _piece(text: str, room: int, part: int) -> tuple[int, int]:
    """Begin and end of what of a line stands on one of its rows; empty where it has fewer."""
    cuts = [0, *_breaks(f" {text}", room), len(text)]
    return (cuts[part], cuts[part + 1]) if part + 1 < len(cuts) else (len(text), len(text))


def _part(lines: Sequence[str], at: int, other: int, side: Side) -> tuple[int, int]:
    """What of a line differs from its counterpart."""
    if side is Side.BOTH or other < 0 or other == at:
        return 0, 0
    return changed_part(lines[at][1:], lines[other][1:])


def _pieces(spans: Line, part: tuple[int, int]) -> Iterator[tuple[str, str, bool]]:
    """The spans, cut where the changed part begins and ends."""
    start, end = part
    at = 0
    for text, ink in spans:
        cuts = sorted({0, *(min(max(cut - at, 0), len(text)) for cut in part), len(text)})
        for first, last in pairwise(cuts):
            yield text[first:last], ink, start <= at + first < end
        at += len(text)


def _named(file: FileDiff) -> str:
    return f"{file.old_path} {sign('→', '->')} {file.path}" if file.old_path else file.path


def status_ink(file: FileDiff) -> str:
    """The colour of what became of a file."""
    return {"A": "good", "D": "bad"}.get(file.status, "run")


def sums(file: FileDiff) -> Line:
    """Lines that came and went."""
    parts = []
    if file.added:
        parts.append((f" +{file.added}", "good"))
    if file.removed:
        parts.append((f" {sign('−', '-')}{file.removed}", "bad"))
    return tuple(parts)
