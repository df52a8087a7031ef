"""Searching finds what a person sees, in any log, however it is cut into pieces."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cc4tui.screens.widgets import log_search
from cc4tui.screens.widgets.ansi import PLAIN, Pen
from cc4tui.screens.widgets.log_lines import LineReader
from cc4tui.screens.widgets.log_search import LogSearch, lit
from cc4tui.screens.widgets.log_source import MemorySource


def reader_of(text: str) -> LineReader:
    source = MemorySource(limit=2**26)
    source.append(text)
    reader = LineReader(source)
    reader.refresh()
    return reader


@pytest.fixture
def small_pieces() -> Iterator[None]:
    """Pieces of few bytes, so that hits lie across their borders."""
    saved, log_search._PIECE = log_search._PIECE, 7
    yield
    log_search._PIECE = saved


LINES = st.lists(st.text(alphabet="abAB é", max_size=12), min_size=1, max_size=25)
NEEDLE = st.text(alphabet="abAB é", min_size=1, max_size=3)


def starts(lines: list[str]) -> list[int]:
    out, at = [], 0
    for line in lines:
        out.append(at)
        at += len(line.encode()) + 1
    return out


def holds(line: str, needle: str) -> bool:
    return needle in (line.lower() if needle == needle.lower() else line)


@given(LINES, NEEDLE, st.integers(1, 30), st.integers(0, 200))
async def test_the_nearest_line_is_found_in_both_directions(
    lines: list[str], needle: str, piece: int, offset: int
) -> None:
    saved, log_search._PIECE = log_search._PIECE, piece
    try:
        reader = reader_of("\n".join(lines) + "\n")
        search = LogSearch(reader, needle)
        begins = starts(lines)
        here = reader.line_at(min(offset, reader.size - 1))
        hits = [at for at, line in zip(begins, lines, strict=True) if holds(line, needle)]
        after = [at for at in hits if at >= here]
        before = [at for at in hits if at < here]
        assert await search.find(here, forward=True) == (after[0] if after else None)
        assert await search.find(here, forward=False) == (before[-1] if before else None)
    finally:
        log_search._PIECE = saved


@given(LINES, NEEDLE, st.integers(1, 30), st.booleans())
async def test_all_hits_are_counted_once(
    lines: list[str], needle: str, piece: int, ends: bool
) -> None:
    saved, log_search._PIECE = log_search._PIECE, piece
    try:
        reader = reader_of("\n".join(lines) + ("\n" if ends else ""))
        search = LogSearch(reader, needle)
        await search.count_all()
        folded = [line.lower() if needle == needle.lower() else line for line in lines]
        longest = max(len(line.encode()) for line in lines)
        if longest < piece:  # a line that is longer than a piece may lose hits at its cuts
            assert search.count == sum(line.count(needle) for line in folded)
    finally:
        log_search._PIECE = saved


async def test_capitals_make_the_search_exact() -> None:
    reader = reader_of("Error\nerror\nERROR\n")
    lower, exact = LogSearch(reader, "error"), LogSearch(reader, "Error")
    await lower.count_all()
    await exact.count_all()
    assert (lower.count, exact.count) == (3, 1)
    assert await exact.find(reader.size, forward=False) == 0


@pytest.mark.usefixtures("small_pieces")
async def test_what_stands_in_escapes_is_not_found() -> None:
    reader = reader_of("\x1b[31mred\x1b[0m\n31 is a number\n\x1b]0;31\x07title\n")
    search = LogSearch(reader, "31")
    line = await search.find(0, forward=True)
    assert line == reader.line_at(14)
    assert await search.find(reader.line_end(line) + 1, forward=True) is None


async def test_colour_within_a_word_does_not_hide_a_count() -> None:
    search = LogSearch(reader_of("na\x1b[31mme\x1b[0m name\n"), "name")
    await search.count_all()
    assert search.count == 2


async def test_a_search_tells_how_it_went() -> None:
    reader = reader_of("one two one\n")
    search = LogSearch(reader, "one")
    assert search.told == "searching “one”"
    await search.count_all()
    assert search.told == "2 hits of “one”, n N"
    nothing = LogSearch(reader, "three")
    await nothing.count_all()
    assert nothing.told == "“three” does not occur"
    single = LogSearch(reader, "two")
    await single.count_all()
    assert single.told == "1 hit of “two”, n N"


async def test_an_empty_log_has_no_hits() -> None:
    search = LogSearch(reader_of(""), "x")
    assert await search.find(0, forward=True) is None
    assert await search.find(0, forward=False) is None
    await search.count_all()
    assert search.count == 0


def test_hits_are_lit_and_the_line_gone_to_differently() -> None:
    search = LogSearch(reader_of("x\n"), "ab")
    spans = (("xa", PLAIN), ("by ab", Pen(ink=1)))
    found = 1 << log_search.FOUND
    assert search.mark(0, spans) == (
        ("x", PLAIN),
        ("a", Pen(flags=found)),
        ("b", Pen(1, None, found)),
        ("y ", Pen(ink=1)),
        ("ab", Pen(1, None, found)),
    )
    search.here = 0
    assert {pen.flags for _, pen in search.mark(0, spans)} == {0, 1 << log_search.FOUND_HERE}
    assert search.mark(5, (("nothing", PLAIN),)) == (("nothing", PLAIN),)


SPANS = st.lists(st.tuples(st.text(max_size=8), st.just(PLAIN)), max_size=5).map(tuple)


@given(SPANS, st.lists(st.integers(0, 40), max_size=8))
def test_lighting_keeps_the_text_and_lights_what_was_asked(
    spans: tuple[tuple[str, Pen], ...], cuts: list[int]
) -> None:
    edges = sorted(set(cuts))
    ranges = list(zip(edges[::2], edges[1::2], strict=False))
    after = lit(spans, ranges, 10)
    text = "".join(piece for piece, _ in spans)
    assert "".join(piece for piece, _ in after) == text
    lights = [pen.has(10) for piece, pen in after for _ in piece]
    assert lights == [any(a <= n < b for a, b in ranges) for n in range(len(text))]
