"""How much an agent had written at a time."""

from pathlib import Path

import pytest

from cc4tui.ports import OutputSize
from cc4tui.services.agents.output import FileTail
from cc4tui.services.pipeline import output_times
from cc4tui.services.pipeline.output_times import OutputTimes, read_times, sizes


def test_what_was_written_when(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]
    monkeypatch.setattr(output_times.time, "time", lambda: clock[0])
    monkeypatch.setattr(output_times.time, "monotonic", lambda: clock[0])
    assert read_times(tmp_path) == []
    times = OutputTimes(tmp_path)
    for clock[0], size in ((1000.0, 5), (1000.2, 7), (1001.5, 9), (1001.6, 9)):
        times.note(OutputSize(size, 1))
    times.note(OutputSize(12, 1), last=True)
    told = [(when.timestamp(), size) for when, size in read_times(tmp_path)]
    assert told == [  # not more than once a second
        (1000.0, OutputSize(5, 1)),
        (1001.5, OutputSize(9, 1)),
        (1001.6, OutputSize(12, 1)),
    ]


def test_notes_that_were_cut_off_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "times").write_bytes(b"10.0 4 0\nx\n12.0 9\n13.0 20 \xff\n1e99 9 9\n14.0 30 0\n15")
    assert [size.out for _, size in read_times(tmp_path)] == [4, 30]


def test_without_a_folder_nothing_is_noted(tmp_path: Path) -> None:
    OutputTimes(tmp_path / "gone").note(OutputSize(1, 1))
    assert sizes(tmp_path / "gone") == OutputSize(0, 0)


def test_a_reader_of_an_earlier_time_reads_no_further(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_bytes(b"one\ntwo\nthree\n")
    tail = FileTail(path, 6)
    assert tail.has_news()
    assert tail.read(over=False) == b"one\ntw"
    assert not tail.has_news()
    assert tail.read(over=False) == b""
