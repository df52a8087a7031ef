"""The cap on output: head and tail stay, the middle is freed, offsets stay true."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cc4tui.ports import ProcessSpec
from cc4tui.services.agents.output import FileTail
from cc4tui.services.processes import supervision
from cc4tui.services.processes.host import Supervisors
from cc4tui.services.processes.launcher import OrderFiles
from cc4tui.services.processes.supervision.cap import BLOCK, CappedFile, OutputCap


Spec = Callable[..., ProcessSpec]
LIMIT = 16 * BLOCK

FLOOD = """
import os, sys
line = 0
for _ in range(int(sys.argv[1])):
    block = b"".join(b"%015d\\n" % n for n in range(line, line + 4096))
    line += 4096
    os.write(int(sys.argv[2]), block)
"""


def on_disk(path: Path) -> int:
    return path.stat().st_blocks * 512


class Holes:
    """Stands in for the kernel: remembers what was freed."""

    def __init__(self) -> None:
        self.ranges: list[tuple[int, int]] = []

    def __call__(self, fd: int, start: int, length: int) -> None:
        assert length > 0
        assert start % BLOCK == length % BLOCK == 0
        self.ranges.append((start, start + length))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 3 * LIMIT), max_size=30))
def test_what_stays_is_the_head_and_the_tail(tmp_path_factory, pieces: list[int]):
    path = tmp_path_factory.mktemp("cap") / "out"
    holes = Holes()
    with path.open("wb") as file:
        capped = CappedFile(file.fileno(), LIMIT, holes)
        size = 0
        for piece in pieces:
            size += piece
            file.truncate(size)
            capped.enforce()
            freed = sum(end - start for start, end in holes.ranges)
            assert size - freed <= LIMIT
            assert capped.room == LIMIT - (size - freed)
            if holes.ranges:
                assert holes.ranges[0][0] == LIMIT // 2
                assert size - holes.ranges[-1][1] >= min(LIMIT // 4, size)
    for (_, end), (start, _) in zip(holes.ranges, holes.ranges[1:], strict=False):
        assert start == end


def test_a_file_that_was_cut_begins_anew(tmp_path: Path):
    holes = Holes()
    with (tmp_path / "out").open("wb") as file:
        capped = CappedFile(file.fileno(), LIMIT, holes)
        file.truncate(3 * LIMIT)
        capped.enforce()
        file.truncate(10)
        capped.enforce()
        assert capped.room == LIMIT - 10
        file.truncate(3 * LIMIT)
        capped.enforce()
    assert holes.ranges[0] == holes.ranges[1]


def test_it_looks_more_often_the_faster_it_grows(tmp_path: Path):
    now = [0.0]
    with (tmp_path / "out").open("wb") as out, (tmp_path / "err").open("wb") as err:
        cap = OutputCap((out.fileno(), err.fileno()), LIMIT, lambda: now[0], Holes())

        def look(size: int) -> float:
            err.truncate(size)
            now[0] += 0.1
            cap.enforce()
            return cap.seconds

        assert look(0) == 0.5
        assert look(10) == 0.5
        slow = look(LIMIT // 10)
        fast = look(LIMIT // 2)
        assert 0.01 <= fast < slow <= 0.5
        assert look(LIMIT // 2) == 0.5


@pytest.mark.parametrize("fd", [1, 2], ids=["out", "err"])
async def test_a_flood_takes_up_a_bounded_part_of_the_disk(host: Supervisors, make_spec: Spec, fd):
    spec = make_spec(sys.executable, "-c", FLOOD, "2000", str(fd), output_cap=2 * 1024 * 1024)
    end = await (await host.spawn(spec)).ended()
    assert end.status.code == 0
    path = spec.folder / ("out" if fd == 1 else "err")
    size = 2000 * 4096 * 16
    assert path.stat().st_size == size
    assert on_disk(path) <= 4 * 1024 * 1024
    with path.open("rb") as file:
        head = file.read(1024 * 1024)
        file.seek(-512 * 1024, os.SEEK_END)
        tail = file.read()
    assert head == b"".join(b"%015d\n" % n for n in range(65536))
    assert tail == b"".join(b"%015d\n" % n for n in range(size // 16 - 32768, size // 16))


async def test_whoever_reads_along_gets_head_and_tail(host: Supervisors, make_spec: Spec):
    spec = make_spec(sys.executable, "-c", FLOOD, "1000", "1", output_cap=1024 * 1024)
    await (await host.spawn(spec)).ended()
    tail, lines = FileTail(spec.folder / "out"), []
    while tail.has_news():
        lines += tail.read(over=True).splitlines()
    numbers = [int(line) for line in lines if len(line) == 15]
    assert len(lines) - len(numbers) <= 2  # the two that the hole cut
    assert numbers == sorted(numbers)
    assert (numbers[0], numbers[-1]) == (0, 1000 * 4096 - 1)
    assert len(numbers) < 200_000


async def test_without_a_cap_everything_stays(host: Supervisors, make_spec: Spec):
    spec = make_spec(sys.executable, "-c", FLOOD, "50", "1", output_cap=None)
    await (await host.spawn(spec)).ended()
    assert on_disk(spec.folder / "out") >= 50 * 4096 * 16


CANNOT_PUNCH = """
import errno, os, socket, sys
sys.path.append(sys.argv[1])
from supervision import cap, supervisor
def refuse(fd, start, length):
    raise OSError(errno.EOPNOTSUPP, "no")
cap.CappedFile.__init__.__defaults__ = (refuse,)
cap.OutputCap.__init__.__defaults__ = (*cap.OutputCap.__init__.__defaults__[:1], refuse)
order, folder, control = map(int, sys.argv[2:])
supervisor.supervise(order, folder, socket.socket(fileno=control), None)
"""


def test_where_no_middle_can_be_freed_the_attempt_ends_at_the_cap(make_spec: Spec):
    spec = make_spec(sys.executable, "-c", FLOOD, "100000000", "1", output_cap=1024 * 1024)
    spec.folder.mkdir()
    ours, theirs = socket.socketpair()
    program = str(Path(supervision.__file__).parent.parent)
    with ours, theirs, OrderFiles(spec) as order:
        fds = (order.order, order.folder, theirs.fileno())
        done = subprocess.run(
            [sys.executable, "-c", CANNOT_PUNCH, program, *map(str, fds)],
            pass_fds=fds,
            timeout=30,
            check=False,
            capture_output=True,
            text=True,
        )
    ended = json.loads((spec.folder / "ended").read_text())
    assert (ended["why"], ended["code"]) == ("output-cap", -9), done.stderr
    assert "could not free" in done.stderr
