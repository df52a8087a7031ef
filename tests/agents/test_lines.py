"""The line splitter gives the same lines for any pieces, and bounds what it holds."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from cc4tui.services.agents.lines import LineSplitter


def split(pieces: list[bytes], cap: int = 1 << 20) -> list[bytes]:
    splitter = LineSplitter(cap)
    lines = [line for piece in pieces for line in splitter.feed(piece)]
    last = splitter.flush()
    return lines if last is None else [*lines, last]


@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=8))
def test_pieces_do_not_matter(data: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(data)]
    pieces = [data[a:b] for a, b in pairwise(edges)]
    assert split(pieces) == split([data])


@given(st.lists(st.binary(max_size=30).map(lambda b: b.replace(b"\n", b"").rstrip(b"\r"))))
def test_lines_come_back(lines: list[bytes]) -> None:
    assert split([b"".join(line + b"\n" for line in lines)]) == lines
    assert split([b"".join(line + b"\r\n" for line in lines)]) == lines


@given(st.binary(min_size=1, max_size=400), st.integers(2, 40), st.integers(1, 50))
def test_long_lines_keep_head_and_tail(data: bytes, cap: int, size: int) -> None:
    line = data.replace(b"\n", b"").replace(b"\r", b"") or b"x"
    pieces = [line[i : i + size] for i in range(0, len(line), size)]
    (kept,) = split([*pieces, b"\n"], cap)
    half = cap // 2
    if len(line) <= 2 * half:
        assert kept == line
    else:
        left_out = b"%d bytes left out" % (len(line) - 2 * half)
        assert kept.startswith(line[:half])
        assert kept.endswith(line[-half:])
        assert left_out in kept


def test_memory_is_bounded_without_a_line_end() -> None:
    splitter = LineSplitter(1000)
    for _ in range(1000):
        assert splitter.feed(b"x" * 999) == []
    (line,) = splitter.feed(b"\n")
    assert len(line) < 1100


def test_a_line_cut_by_the_end_is_flushed_once() -> None:
    splitter = LineSplitter()
    assert splitter.feed(b"a\nb") == [b"a"]
    assert splitter.flush() == b"b"
    assert splitter.flush() is None
