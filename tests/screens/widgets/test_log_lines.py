"""Lines of a growing source are found by offset, as if it had been split at its line ends."""

import os
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cc4tui.screens.widgets import log_lines
from cc4tui.screens.widgets.ansi import PLAIN, Pen
from cc4tui.screens.widgets.log_lines import LINE_CAP, LineReader
from cc4tui.screens.widgets.log_source import FileSource, MemorySource


def memory(text: str) -> MemorySource:
    source = MemorySource(limit=2**24)
    source.append(text)
    return source


def reader_of(text: str) -> LineReader:
    reader = LineReader(memory(text))
    reader.refresh()
    return reader


def forwards(reader: LineReader) -> list[str]:
    out = []
    start = reader.begin if reader.size > reader.begin else None
    while start is not None:
        out.append(reader.text(start, reader.line_end(start)))
        start = reader.line_after(start)
    return out


def backwards(reader: LineReader) -> list[str]:
    out = []
    start = reader.last_line()
    while start is not None:
        out.append(reader.text(start, reader.line_end(start)))
        start = reader.line_before(start)
    return out[::-1]


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def expected(text: str) -> list[str]:
    lines = text.split("\n")
    return lines[:-1] if lines[-1] == "" else lines


@given(st.lists(st.text(alphabet="ab\né", max_size=40), max_size=6), st.integers(2, 20))
def test_lines_are_those_of_split_however_they_come(pieces: list[str], block: int) -> None:
    source = MemorySource()
    reader = LineReader(source)
    text = ""
    saved, log_lines.BLOCK = log_lines.BLOCK, block
    try:
        for piece in pieces:
            source.append(piece)
            text += piece
            assert reader.refresh() == bool(piece)
            assert forwards(reader) == expected(text)
            assert backwards(reader) == expected(text)
            assert forwards(reader) == expected(text)
    finally:
        log_lines.BLOCK = saved


def test_every_byte_lies_in_its_line() -> None:
    text = "one\n\ntwo three\nlast"
    reader = reader_of(text)
    starts = [0, 4, 5, 15]
    for offset in range(len(text)):
        assert reader.line_at(offset) == max(start for start in starts if start <= offset)


def test_nothing_after_the_last_refresh_is_seen() -> None:
    source = memory("one\ntw")
    reader = LineReader(source)
    reader.refresh()
    source.append("o\nthree\n")
    assert forwards(reader) == ["one", "tw"]
    reader.refresh()
    assert forwards(reader) == ["one", "two", "three"]


def test_a_log_larger_than_a_block_is_read_in_parts(tmp_path: Path) -> None:
    path = tmp_path / "out"
    lines = [f"line {n} {'x' * (n % 300)}" for n in range(4_000)]
    path.write_text("\n".join(lines) + "\n")
    reader = LineReader(FileSource(path))
    reader.refresh()
    assert reader.size > 4 * log_lines.BLOCK
    assert backwards(reader) == lines
    offsets = random.Random(7).sample(range(reader.size), 200)
    raw = path.read_bytes()
    for offset in offsets:
        assert reader.line_at(offset) == raw.rfind(b"\n", 0, offset) + 1
    reader.close()


def test_a_file_may_come_later_and_grow(tmp_path: Path) -> None:
    path = tmp_path / "out"
    reader = LineReader(FileSource(path))
    assert not reader.refresh()
    assert reader.last_line() is None
    with path.open("a") as file:
        for number in range(3):
            file.write(f"line {number}\n")
            file.flush()
            assert reader.refresh()
            assert forwards(reader)[-1] == f"line {number}"
    reader.close()


def test_closing_gives_the_file_back(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_text("x\n")
    before = open_files()
    reader = LineReader(FileSource(path))
    reader.refresh()
    assert forwards(reader) == ["x"]
    reader.close()
    assert open_files() == before


def test_what_is_no_file_is_an_error_not_a_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for name in ("fifo", "."):
        with pytest.raises(OSError, match="is not a file"):
            FileSource(tmp_path / name).size()


def test_an_error_while_drawing_is_told_at_the_next_look(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_text("line\n")
    source = FileSource(path)
    assert source.size() == 5
    assert source._fd is not None
    os.close(source._fd)
    assert source.read(0, 5) == b""
    with pytest.raises(OSError, match="Bad file descriptor"):
        source.size()


def test_a_line_of_megabytes_is_cut_and_says_so() -> None:
    reader = reader_of("short\n" + "x" * 5_000_000 + "\nend\n")
    start = 6
    end = reader.line_end(start)
    text = reader.text(start, end)
    assert text.startswith("x" * LINE_CAP)
    assert f"+{(5_000_000 - LINE_CAP) // 1024} KiB" in text
    assert forwards(reader)[-1] == "end"
    assert backwards(reader)[0] == "short"


def test_a_growing_line_without_end_is_not_read_again_and_again() -> None:
    class Counting(MemorySource):
        reads = 0

        def read(self, offset: int, count: int) -> bytes:
            self.reads += 1
            return super().read(offset, count)

    source = Counting(limit=2**24)
    source.append("first\n")
    reader = LineReader(source)
    for _ in range(100):
        source.append("x" * 65_536)
        reader.refresh()
        start = reader.last_line()
        assert start == 6
        assert reader.line_end(start) == reader.size
    assert source.reads < 1_000  # looking at all of it each time would take 5,000


def test_progress_of_megabytes_shows_its_last_state() -> None:
    reader = reader_of("".join(f"{n:6} of 100000\r" for n in range(100_000)))
    assert reader.text(0, reader.line_end(0)) == " 99999 of 100000"


def test_memory_keeps_the_newest_lines() -> None:
    source = MemorySource(limit=1_000)
    reader = LineReader(source)
    for number in range(500):
        source.append(f"line {number}\n")
        reader.refresh()
    lines = forwards(reader)
    assert lines == [f"line {n}" for n in range(500 - len(lines), 500)]
    assert 900 <= sum(len(line) + 1 for line in lines) <= 1_000
    assert backwards(reader) == lines
    assert reader.line_at(reader.begin) == reader.begin


@given(st.lists(st.integers(0, 120_000), max_size=12), st.integers(0, 400_000))
def test_memory_holds_the_end_of_what_was_added(sizes: list[int], offset: int) -> None:
    source, whole = MemorySource(limit=200_000), b""
    for number, size in enumerate(sizes):
        line = f"{number:04}" + chr(97 + number) * size + "\n"
        source.append(line)
        whole += line.encode()
        assert source.size() == len(whole)
        assert source.begin() == 0 or whole[source.begin() - 1 : source.begin()] == b"\n"
        assert source.size() - source.begin() <= 200_000
    begin = source.begin()
    assert source.read(begin, len(whole)) == whole[begin:]
    assert source.read(offset, 70_000) == whole[max(offset, begin) : offset + 70_000]


@pytest.mark.parametrize(
    ("before", "pen"),
    [
        ("", PLAIN),
        ("plain\n", PLAIN),
        ("\x1b[31mred\n", Pen(ink=1)),
        ("\x1b[31mred\x1b[0m\n", PLAIN),
        ("\x1b[31mred\x1b[m\n\x1b[1mbold\n", Pen(flags=2)),
        ("\x1b[1mbold\n" + "plain\n" * 1_000, Pen(flags=2)),
    ],
)
def test_the_pen_of_the_lines_before(before: str, pen: Pen) -> None:
    assert reader_of(before + "here").pen_at(len(before)) == pen
