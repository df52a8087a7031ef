"""Parts of the supervisor program, one by one."""

import json
import os
import select
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cc4tui.services.processes import supervision
from cc4tui.services.processes.supervision import procfs, records, sweep, wire
from cc4tui.services.processes.supervision.stopping import (
    INTERRUPT,
    KILL,
    TERMINATE,
    TERMINATE_SECONDS,
    StopSequence,
)


PROGRAM = Path(supervision.__file__).parent

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


# --- the program as a whole ------------------------------------------------------------------


def test_it_imports_the_standard_library_only(python: Callable[..., str]):
    """It has no site-packages, and each import would delay the first agent."""
    program = (
        "import sys; sys.path.append(sys.argv[1]); before = set(sys.modules)\n"
        "import supervision.zygote\n"
        "new = {name.partition('.')[0] for name in set(sys.modules) - before} - {'supervision'}\n"
        "print(sorted(new - sys.stdlib_module_names), sorted(new & set(sys.argv[2:])))\n"
    )
    expensive = [
        "asyncio",
        "dataclasses",
        "inspect",
        "logging",
        "pathlib",
        "subprocess",
        "tempfile",
    ]
    told = python("-S", "-E", "-s", "-c", program, str(PROGRAM.parent), *expensive)
    assert told == "[] []\n"


def test_its_modules_shadow_nothing_of_the_standard_library():
    names = {path.stem for path in PROGRAM.parent.iterdir()} - {"__init__"}
    assert not names & set(sys.stdlib_module_names)


def test_without_an_app_it_ends_at_once(python: Callable[..., str]):
    assert python("-S", "-E", "-s", str(PROGRAM / "__main__.py"), "0", "1") == ""


# --- stopping --------------------------------------------------------------------------------


class Clock:
    """A clock that tests turn."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_steps_of_a_stop_come_in_time():
    clock = Clock()
    stop = StopSequence(clock)
    assert (stop.take(), stop.seconds_left(), stop.why) == ([], None, None)
    stop.begin("timeout", 2.0)
    assert stop.take() == [INTERRUPT]
    assert stop.seconds_left() == 2.0
    clock.now += 1.9
    assert stop.take() == []
    clock.now += 0.2
    assert stop.take() == [TERMINATE]
    clock.now += TERMINATE_SECONDS
    assert stop.take() == [KILL]
    assert (stop.take(), stop.seconds_left(), stop.why) == ([], None, "timeout")


def test_a_second_stop_changes_neither_reason_nor_time():
    clock = Clock()
    stop = StopSequence(clock)
    stop.begin("first", 1.0)
    clock.now += 0.9
    stop.begin("second", 60.0)
    assert stop.why == "first"
    clock.now += 1.0
    assert stop.take() == [INTERRUPT, TERMINATE, KILL]


def test_hurrying_skips_to_the_kill():
    stop = StopSequence(Clock())
    stop.begin("first", 1.0)
    stop.hurry("second")
    assert (stop.take(), stop.why) == ([KILL], "first")
    alone = StopSequence(Clock())
    alone.hurry("only")
    assert (alone.take(), alone.why) == ([KILL], "only")


@given(st.floats(0, 100), st.lists(st.floats(0, 10), max_size=30))
def test_whenever_it_is_looked_at_each_step_comes_once_and_in_order(
    interrupt: float, turns: list[float]
):
    clock = Clock()
    stop = StopSequence(clock)
    stop.begin("x", interrupt)
    taken = stop.take()
    for turn in turns:
        left = stop.seconds_left()
        clock.now += turn
        steps = stop.take()
        assert bool(steps) == (left is not None and clock.now >= clock.now - turn + left)
        taken += steps
    assert [INTERRUPT, TERMINATE, KILL][: len(taken)] == taken


# --- messages --------------------------------------------------------------------------------


@given(st.lists(st.dictionaries(st.text(), JSON, max_size=4)), st.integers(1, 40))
def test_messages_survive_being_cut_anywhere(messages: list[dict[str, object]], size: int):
    data = b"".join(map(wire.encode, messages))
    decoder = wire.Decoder()
    got = []
    for start in range(0, len(data), size):
        got += decoder.feed(data[start : start + size])
    assert got == messages


@pytest.mark.parametrize("line", [b"{\n", b"[]\n", b"1\n", b"null\n", b"\xff\n", b"\n", b"{}x\n"])
def test_a_line_that_is_no_object_is_refused(line: bytes):
    with pytest.raises(ValueError):
        wire.Decoder().feed(line)


# --- records ---------------------------------------------------------------------------------


@given(record=st.dictionaries(st.text(), JSON, max_size=4), durable=st.booleans())
def test_records_come_back(
    tmp_path_factory: pytest.TempPathFactory, record: dict[str, object], durable: bool
):
    folder = str(tmp_path_factory.mktemp("records"))
    records.save(folder, "name", record, durable=durable)
    assert records.load(folder, "name") == record
    assert [path.name for path in Path(folder).iterdir()] == ["name"]


def test_a_record_that_is_not_there(tmp_path: Path):
    assert records.load(str(tmp_path), "none") is None
    assert records.load(str(tmp_path / "none"), "none") is None
    assert records.size(str(tmp_path), "none") == 0


def test_a_record_that_cannot_be_written_leaves_the_old_one(tmp_path: Path):
    records.save(str(tmp_path), "name", {"a": 1}, durable=False)
    with pytest.raises(TypeError):
        records.save(str(tmp_path), "name", {"a": object()}, durable=False)
    assert json.loads((tmp_path / "name").read_text()) == {"a": 1}


# --- /proc -----------------------------------------------------------------------------------


@pytest.fixture
def forked() -> Iterator[Callable[[str], int]]:
    """Forks a process with that name (any characters), which waits to be killed."""
    pids: list[int] = []

    def fork(name: str) -> int:
        reads, writes = os.pipe()
        pid = os.fork()
        if pid == 0:
            Path("/proc/self/comm").write_text(name)
            os.write(writes, b"+")
            select.select([], [], [])
        os.read(reads, 1)
        os.close(reads)
        os.close(writes)
        pids.append(pid)
        return pid

    yield fork
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


@pytest.mark.parametrize("name", ["x", ") S 1 (", "a b) Z 0 0 0", "(((", ")))"])
def test_a_name_cannot_disguise_a_process(forked: Callable[[str], int], name: str):
    pid = forked(name)
    start = procfs.start_time(pid)
    assert start is not None
    assert start >= (procfs.start_time(os.getpid()) or 0)
    assert procfs.is_running(pid, start)
    assert not procfs.is_running(pid, start + 1)
    assert pid in procfs.children()


def test_children_are_found_where_the_kernel_lists_none(
    forked: Callable[[str], int], monkeypatch: pytest.MonkeyPatch
):
    pid = forked("x")
    assert pid in procfs.children()
    listed = set(procfs.children())
    monkeypatch.setattr(procfs, "_listed_children", lambda: None)
    assert set(procfs.children()) == listed


def test_a_pid_that_nobody_has():
    nobody = 2**22 - 1
    assert procfs.start_time(nobody) is None
    assert not procfs.is_running(nobody, 0)
    assert procfs.environment(nobody) == []
    assert procfs.descriptors(nobody) == []
    assert not procfs.holds_for_writing(nobody, "1")


def test_descriptors_tell_how_they_were_opened(tmp_path: Path):
    path = tmp_path / "file"
    path.touch()
    stat = path.stat()
    for mode, writes in (("rb", False), ("ab", True), ("r+b", True)):
        with path.open(mode) as file:
            fd = str(file.fileno())
            assert (fd, (stat.st_dev, stat.st_ino)) in procfs.descriptors(os.getpid())
            assert procfs.holds_for_writing(os.getpid(), fd) is writes


# --- the sweep -------------------------------------------------------------------------------


def test_a_sweep_spares_whom_it_shall_and_counts_whom_it_killed(
    forked: Callable[[str], int], monkeypatch: pytest.MonkeyPatch
):
    spared, target = forked("spared"), os.fork()
    if target == 0:
        select.select([], [], [])
    monkeypatch.setattr(procfs, "children", lambda: [spared, target])
    sweeper = sweep.Sweeper(spare={spared})
    assert sweeper.strike()
    assert os.waitpid(target, 0)[1] == signal.SIGKILL
    monkeypatch.setattr(procfs, "children", lambda: [spared])
    assert not sweeper.strike()
    assert procfs.is_running(spared, procfs.start_time(spared) or 0)


def test_a_child_that_may_not_be_signalled_is_left(monkeypatch: pytest.MonkeyPatch):
    def refuse(pid: int, number: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(procfs, "children", lambda: [4711])
    monkeypatch.setattr(os, "kill", refuse)
    sweeper = sweep.Sweeper()
    sweeper.strike()
    assert sweeper.immune == {4711}
    assert not sweeper.strike()
