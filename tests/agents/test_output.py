"""Following an attempt's files gives the same events as reading them at once."""

import asyncio
import ctypes
import errno
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cc4tui.domain.agent import (
    AgentEvent,
    AgentJob,
    LinesSaid,
    StderrSaid,
    TextSaid,
    ToolCalled,
)
from cc4tui.domain.agent_spec import AgentSpec
from cc4tui.services.agents.claude import ClaudeBackend
from cc4tui.services.agents.command import CommandStream
from cc4tui.services.agents.output import CHUNK, FileOutputReader, stderr_tail
from cc4tui.services.agents.redaction import Redactor
from cc4tui.services.agents.replay import output_reader, recorded_driver, remember_driver


def apart(events: list[AgentEvent]) -> list[AgentEvent]:
    """One event for each line, however many came at once."""
    found: list[AgentEvent] = []
    for event in events:
        several = event.text.split("\n") if isinstance(event, LinesSaid) else None
        found += [event] if several is None else map(TextSaid, several)
    return found


async def read_all(reader: FileOutputReader) -> list[AgentEvent]:
    events: list[AgentEvent] = []
    while news := await reader.read():
        events += apart(news)
    return events


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


async def test_nothing_yet(tmp_path: Path) -> None:
    assert await FileOutputReader(tmp_path, CommandStream("x")).read() == []


async def test_follows_while_it_grows(tmp_path: Path) -> None:
    reader = FileOutputReader(tmp_path, CommandStream("x"))
    assert not reader.has_news()
    append(tmp_path / "out", b"one\ntw")
    assert reader.has_news()
    assert await read_all(reader) == [TextSaid("one")]
    assert not reader.has_news()
    append(tmp_path / "out", b"o\nthree\n")
    append(tmp_path / "err", b"warning\n")
    assert await read_all(reader) == [TextSaid("two"), TextSaid("three"), StderrSaid("warning")]
    assert await reader.read() == []


async def test_a_last_line_without_an_end_is_told_when_it_is_over(tmp_path: Path) -> None:
    reader = FileOutputReader(tmp_path, CommandStream("x"))
    append(tmp_path / "out", b"first\nlast")
    append(tmp_path / "err", b"cause")
    assert await read_all(reader) == [TextSaid("first")]
    (tmp_path / "ended").touch()
    assert await read_all(reader) == [TextSaid("last"), StderrSaid("cause")]
    assert await reader.read() == []


async def test_secrets_are_masked_however_they_arrive(tmp_path: Path) -> None:
    reader = FileOutputReader(tmp_path, CommandStream("x"), Redactor(["swordfish-42"]))
    append(tmp_path / "out", b"it is sword")
    append(tmp_path / "err", b"swordfish-42\nsword")
    assert await read_all(reader) == [StderrSaid("*" * 12)]
    append(tmp_path / "out", b"fish-42\nnot swordfish-4")
    assert await read_all(reader) == [TextSaid("it is " + "*" * 12)]
    (tmp_path / "ended").touch()
    assert await read_all(reader) == [TextSaid("not swordfish-4"), StderrSaid("sword")]


async def test_secrets_that_json_spells_in_its_own_way_are_masked(
    tmp_path: Path, taped_job: AgentJob
) -> None:
    spelled = "".join(f"\\u{ord(letter):04x}" for letter in "swordfish-42")
    line = f'{{"type":"assistant","message":{{"content":[{{"type":"text","text":"{spelled}"}}]}}}}'
    append(tmp_path / "out", line.encode() + b"\n")
    stream = ClaudeBackend({}).stream(AgentSpec("claude", "claude"), taped_job)
    reader = FileOutputReader(tmp_path, stream, Redactor(["swordfish-42"]))
    assert await read_all(reader) == [TextSaid("*" * 12)]


async def test_a_finished_attempt_is_read_the_same(tmp_path: Path) -> None:
    append(tmp_path / "out", b"first\nlast")
    (tmp_path / "ended").touch()
    reader = FileOutputReader(tmp_path, CommandStream("x"))
    assert await read_all(reader) == [TextSaid("first"), TextSaid("last")]


async def test_one_call_reads_a_bounded_piece(tmp_path: Path) -> None:
    line = b"x" * 1023 + b"\n"
    append(tmp_path / "out", line * 1000)
    reader = FileOutputReader(tmp_path, CommandStream("x"))
    assert len(apart(await reader.read())) == CHUNK // 1024
    assert len(await read_all(reader)) == 1000 - CHUNK // 1024


async def test_no_events_means_that_nothing_is_left(tmp_path: Path) -> None:
    """Also when one line is longer than what is read at once."""
    append(tmp_path / "out", b"x" * (3 * CHUNK) + b"\nend\n")
    reader = FileOutputReader(tmp_path, CommandStream("x"))
    assert await read_all(reader) == [TextSaid("x" * (3 * CHUNK)), TextSaid("end")]


@pytest.mark.parametrize("name", ["claude-success", "claude-long"])
async def test_recordings_through_files(
    name: str, tmp_path: Path, recording: Callable, taped_job: AgentJob
) -> None:
    taped = recording(name)
    spec = AgentSpec("claude", "claude")
    expected = list(ClaudeBackend({}).stream(spec, taped_job).feed(taped.output))
    reader = FileOutputReader(tmp_path, ClaudeBackend({}).stream(spec, taped_job))
    events: list[AgentEvent] = []
    for start in range(0, len(taped.output), 100_000):
        append(tmp_path / "out", taped.output[start : start + 100_000])
        events += await reader.read()
    assert events + await read_all(reader) == expected


async def test_a_line_of_many_megabytes_does_not_block_the_loop(
    tmp_path: Path, taped_job: AgentJob
) -> None:
    body = {
        "type": "assistant",
        "message": {"content": [{"type": "text", "text": "x" * 20_000_000}]},
    }
    append(tmp_path / "out", json.dumps(body).encode() + b"\n")
    stream = ClaudeBackend({}).stream(AgentSpec("claude", "claude"), taped_job)
    reader = FileOutputReader(tmp_path, stream)
    ours, every = time.thread_time(), time.process_time()
    events: list[AgentEvent] = []
    while not events:
        events += await reader.read()
    ours, every = time.thread_time() - ours, time.process_time() - every
    assert events == [TextSaid("x" * 20_000_000)]
    assert ours < every / 4, "the work is another thread's"


async def test_two_callers_share_one_stream(tmp_path: Path) -> None:
    append(tmp_path / "out", b"".join(b"%d\n" % n for n in range(100_000)))
    reader = FileOutputReader(tmp_path, CommandStream("x"))
    first, second = await asyncio.gather(read_all(reader), read_all(reader))
    told = sorted(int(e.text) for e in [*first, *second] if isinstance(e, TextSaid))
    assert told == list(range(100_000))


async def test_freed_middle_of_a_huge_output_is_skipped(tmp_path: Path) -> None:
    path = tmp_path / "out"
    append(path, b"head\n" + b"x" * (8 << 20) + b"\ntail\n")
    free_middle(path, 4096, (8 << 20) - 8192)
    reader = FileOutputReader(tmp_path, CommandStream("x"))
    texts = [e.text for e in await read_all(reader) if isinstance(e, TextSaid)]
    assert texts[0] == "head"
    assert texts[-1] == "tail"
    assert sum(map(len, texts)) < 100_000
    assert not any("\0" in text for text in texts)


def free_middle(path: Path, start: int, length: int) -> None:
    """Punches a hole, as a cap on disk does; skips where the file system cannot."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]
    descriptor = os.open(path, os.O_RDWR)
    try:
        if libc.fallocate(descriptor, 1 | 2, start, length):
            code = ctypes.get_errno()
            pytest.skip(f"this file system frees no space: {errno.errorcode.get(code, code)}")
    finally:
        os.close(descriptor)


def test_stderr_of_an_attempt(tmp_path: Path) -> None:
    assert stderr_tail(tmp_path) == ""
    append(tmp_path / "err", b"short \xff\n")
    assert stderr_tail(tmp_path) == "short \ufffd\n"
    append(tmp_path / "err", b"middle\n" * 100_000 + b"the end\n")
    told = stderr_tail(tmp_path)
    assert told.startswith("short ")
    assert told.endswith("the end\n")
    assert len(told) < 8500


@pytest.mark.parametrize(("noted", "path"), [(True, "api/a.py"), (False, "/w t/\u00e4/api/a.py")])
async def test_files_are_told_as_seen_from_the_worktree(
    tmp_path: Path, noted: bool, path: str
) -> None:
    worktree = Path("/w t/ä")
    if noted:
        remember_driver(tmp_path, "claude", worktree)
    else:  # by a cc4tui that did not note it
        (tmp_path / "driver").write_text("claude")
    edit = {
        "type": "tool_use",
        "id": "1",
        "name": "Edit",
        "input": {"file_path": f"{worktree}/api/a.py"},
    }
    line = {"type": "assistant", "message": {"id": "m", "content": [edit]}}
    append(tmp_path / "out", json.dumps(line).encode() + b"\n")
    events = await read_all(output_reader(tmp_path))
    assert [event.summary for event in events if isinstance(event, ToolCalled)] == [f"Edit {path}"]
    assert recorded_driver(tmp_path) == "claude"
