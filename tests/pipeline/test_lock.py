"""The lock of a repository: the kernel decides, the file names the holder, nothing expires."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cc4tui.errors import UnfitError
from cc4tui.services.pipeline.lock import RepositoryLock


HOLDER = """
import sys
from pathlib import Path
from cc4tui.services.pipeline.lock import RepositoryLock
sys.argv = ["cc4tui", "run", "a plan.md", "\\x1b[31m--json"]
RepositoryLock(Path({path!r})).acquire()
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "lock"


@pytest.fixture
def other(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER.format(path=str(path))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_lock_that_nobody_holds(path: Path) -> None:
    lock = RepositoryLock(path)
    assert lock.is_free()
    assert lock.holder() is None
    assert lock.try_acquire()
    assert lock.held
    assert lock.holder() is None, "we are nobody else"
    lock.release()
    assert lock.is_free()
    assert path.stat().st_size == 0
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_holder_is_named_with_what_it_does_and_since_when(
    path: Path, other: subprocess.Popen[str]
) -> None:
    lock = RepositoryLock(path)
    assert not lock.is_free()
    assert not lock.try_acquire()
    found = lock.holder()
    assert found is not None
    assert found.pid == other.pid
    assert found.since is not None
    assert found.command.startswith("cc4tui run 'a plan.md'")
    assert found.command.isprintable()
    with pytest.raises(
        UnfitError, match=rf"process {other.pid}, since .* works in this repository"
    ):
        lock.acquire()
    record = json.loads(path.read_text())
    assert record.keys() >= {"pid", "start", "boot", "since", "command"}


def test_a_killed_holder_holds_nothing(path: Path, other: subprocess.Popen[str]) -> None:
    other.kill()
    other.wait()
    lock = RepositoryLock(path)
    assert path.stat().st_size > 0, "what it wrote about itself is still there"
    assert lock.is_free()
    assert lock.holder() is None
    lock.acquire()
    lock.release()


def test_a_lock_whose_file_was_deleted_is_taken_on_the_new_one(path: Path) -> None:
    first = RepositoryLock(path)
    first.acquire()
    path.unlink()
    second = RepositoryLock(path)
    second.acquire()
    assert path.stat().st_ino == os.fstat(second._fd or 0).st_ino
    third = RepositoryLock(path)
    assert not third.try_acquire()
    first.release()
    assert not third.try_acquire()
    second.release()
    assert third.try_acquire()
    third.release()


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff", b'{"pid": "x", "since": 5}'])
def test_a_holder_that_cannot_be_read_is_still_a_holder(path: Path, content: bytes) -> None:
    held = RepositoryLock(path)
    held.acquire()
    path.write_bytes(content)
    other = RepositoryLock(path)
    assert not other.is_free()
    with pytest.raises(UnfitError, match="works in this repository"):
        other.acquire()
    held.release()


def test_what_was_given_back_is_free_though_a_child_still_has_the_file_open(path: Path) -> None:
    """Another thread may have forked in that moment: until its exec the child has a copy of all."""
    lock = RepositoryLock(path)
    lock.acquire()
    assert lock._fd is not None
    copy = os.dup(lock._fd)
    try:
        lock.release()
        assert lock.is_free()
        assert RepositoryLock(path).try_acquire()
    finally:
        os.close(copy)
