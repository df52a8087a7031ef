"""Every git process: its environment, its end, its retries, its errors."""

import asyncio
import os
import signal
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cc4tui.errors import ExitCode, GitError, UnfitError
from cc4tui.services.git.runner import GitRunner


@pytest.fixture
def fake_git(tmp_path: Path) -> Callable[[str], str]:
    """A program in place of git, from the body of a shell script."""

    def make(body: str) -> str:
        path = tmp_path / "bin" / "git"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return str(path)

    return make


async def test_missing_git_is_unfit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UnfitError, match=r"git was not found on PATH; install git 2\.38") as error:
        await GitRunner.find()
    assert error.value.exit_code is ExitCode.UNFIT


@pytest.mark.parametrize("said", ["git version 2.20.1", "git version 2.37.9.windows.1"])
async def test_old_git_is_unfit(fake_git: Callable[[str], str], said: str) -> None:
    runner = GitRunner(fake_git(f"echo {said}"))
    with pytest.raises(UnfitError, match="is too old; install git"):
        await runner.check_version()


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("git version 2.38.0", (2, 38)),
        ("git version 2.50.1 (Apple Git-155)", (2, 50)),
        ("git version 3.0.rc1", (3, 0)),
    ],
)
async def test_newer_git_is_fit(
    fake_git: Callable[[str], str], said: str, version: tuple[int, int]
) -> None:
    assert await GitRunner(fake_git(f"echo '{said}'")).check_version() == version


async def test_something_else_called_git_is_unfit(fake_git: Callable[[str], str]) -> None:
    with pytest.raises(UnfitError, match="is not git"):
        await GitRunner(fake_git("echo hello")).check_version()
    with pytest.raises(UnfitError, match="does not run"):
        await GitRunner(fake_git("exit 3")).check_version()


async def test_environment_is_scrubbed(
    fake_git: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", "/elsewhere")
    monkeypatch.setenv("GIT_SSH_COMMAND", "evil")
    monkeypatch.setenv("LD_PRELOAD_TEST", "x")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/home/evil")
    result = await GitRunner(fake_git("env; cat")).run(["status"])
    seen = dict(line.split("=", 1) for line in result.text.splitlines())
    assert seen["LC_ALL"] == "C"
    assert seen["GIT_CONFIG_GLOBAL"] == "/dev/null"
    assert seen["GIT_CONFIG_NOSYSTEM"] == "1"
    assert seen["GIT_TERMINAL_PROMPT"] == "0"
    assert not {"GIT_DIR", "GIT_SSH_COMMAND", "LD_PRELOAD_TEST"} & seen.keys()


async def test_safe_settings_come_first(fake_git: Callable[[str], str]) -> None:
    said = (await GitRunner(fake_git('printf "%s\\n" "$@"')).run(["add", "-A"])).text.splitlines()
    assert said[-2:] == ["add", "-A"]
    assert "core.hooksPath=/dev/null" in said
    assert "core.fsmonitor=false" in said
    assert "gc.auto=0" in said


async def test_bad_exit_is_an_error_with_the_command(fake_git: Callable[[str], str]) -> None:
    runner = GitRunner(fake_git("echo first >&2; echo 'fatal: no' >&2; exit 7"))
    with pytest.raises(GitError) as error:
        await runner.run(["--git-dir=/x", "update-ref", "a", "b"])
    assert error.value.command == "update-ref a b"
    assert error.value.returncode == 7
    assert str(error.value) == "`git update-ref a b` failed: fatal: no"


async def test_expected_exit_codes_are_answers(fake_git: Callable[[str], str]) -> None:
    assert (await GitRunner(fake_git("exit 1")).run(["x"], ok=(0, 1))).returncode == 1


async def test_input_and_bytes_pass_unchanged(fake_git: Callable[[str], str]) -> None:
    result = await GitRunner(fake_git("cat")).run(["x"], stdin=b"a\xff\0b\n")
    assert result.stdout == b"a\xff\0b\n"
    assert os.fsencode(result.text) == b"a\xff\0b"


async def test_nothing_is_read_from_the_terminal(fake_git: Callable[[str], str]) -> None:
    assert (await GitRunner(fake_git("cat; echo end"), timeout=20).run(["x"])).text == "end"


async def test_a_hang_ends_with_its_whole_group(
    fake_git: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cc4tui.services.git.process.KILL_AFTER", 0.3)
    pids = tmp_path / "pids"
    body = (
        f'trap "" TERM; (trap "" TERM; echo $$ >> {pids}; sleep 600) & echo $! >> {pids}; sleep 600'
    )
    for seconds in (0.3, 1, 3, 10):  # on a busy machine it may not have begun by then
        pids.write_text("")
        with pytest.raises(GitError, match="no progress within") as error:
            await GitRunner(fake_git(body), timeout=seconds).run(["hang"])
        assert error.value.returncode < 0
        if len(pids.read_text().splitlines()) == 2:
            break
    found = {int(line) for line in pids.read_text().split()}
    assert len(found) == 2
    for pid in found:
        await _until_gone(pid)


async def test_slow_work_is_no_hang(fake_git: Callable[[str], str]) -> None:
    body = "i=0; while [ $i -lt 1500000 ]; do i=$((i+1)); done; echo done"
    began = time.monotonic()
    assert (await GitRunner(fake_git(body), timeout=0.8).run(["x"])).text == "done"
    assert time.monotonic() - began > 0.8


async def test_endless_work_is_stopped_in_the_end(
    fake_git: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cc4tui.services.git.process.AT_MOST", 2)
    with pytest.raises(GitError, match="no progress within"):
        await GitRunner(fake_git("while :; do :; done"), timeout=0.2).run(["x"])


async def test_lock_contention_is_waited_out(
    fake_git: Callable[[str], str], tmp_path: Path
) -> None:
    count = tmp_path / "count"
    body = (
        f"echo x >> {count}; [ $(wc -l < {count}) -gt 3 ] && exit 0\n"
        "echo \"fatal: Unable to create '/r/.git/index.lock': File exists.\" >&2; exit 128"
    )
    await GitRunner(fake_git(body)).run(["x"])
    assert len(count.read_text().splitlines()) == 4


@pytest.mark.parametrize(
    "stderr",
    [
        "fatal: cannot lock ref 'refs/heads/x': is at 1 but expected 2",
        "fatal: cannot lock ref 'refs/heads/x': reference already exists",
        "error: something else",
    ],
)
async def test_other_failures_are_not_repeated(
    fake_git: Callable[[str], str], tmp_path: Path, stderr: str
) -> None:
    count = tmp_path / "count"
    with pytest.raises(GitError):
        await GitRunner(fake_git(f'echo x >> {count}; echo "{stderr}" >&2; exit 1')).run(["x"])
    assert len(count.read_text().splitlines()) == 1


async def test_killed_call_is_an_error(fake_git: Callable[[str], str]) -> None:
    with pytest.raises(GitError) as error:
        await GitRunner(fake_git("kill -9 $$")).run(["x"])
    assert error.value.returncode == -signal.SIGKILL


async def test_program_that_cannot_start_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(GitError, match="could not be started"):
        await GitRunner(str(tmp_path / "none")).run(["x"])
    with pytest.raises(GitError, match="could not be started"):
        await GitRunner("/bin/true").run(["x"], cwd=tmp_path / "no folder")


async def test_cancelled_call_has_ended_when_the_caller_goes_on(
    fake_git: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cc4tui.services.git.runner.CANCEL_GRACE", 0.2)
    started = tmp_path / "started"
    runner = GitRunner(
        fake_git(f"echo $$ > {started}.new; mv {started}.new {started}; exec sleep 60")
    )
    task = asyncio.create_task(runner.run(["x"]))
    while not started.exists():
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await _until_gone(int(started.read_text()))


async def test_cancelled_call_may_finish_in_its_grace(
    fake_git: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cc4tui.services.git.runner.CANCEL_GRACE", 20)
    started, done = tmp_path / "started", tmp_path / "done"
    runner = GitRunner(fake_git(f"touch {started}; sleep 0.2; touch {done}"))
    task = asyncio.create_task(runner.run(["x"]))
    while not started.exists():
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert done.exists()


async def test_event_loop_runs_on_meanwhile(fake_git: Callable[[str], str], tmp_path: Path) -> None:
    """Each call waits for something that only happens when the loop goes on."""
    body = f"echo x >> {tmp_path}/begun; while [ ! -e {tmp_path}/go ]; do sleep 0.01; done"
    (tmp_path / "begun").touch()
    runner = GitRunner(fake_git(body), parallel=2)
    calls = asyncio.gather(*(runner.run(["x"]) for _ in range(4)))
    while len((tmp_path / "begun").read_text()) < len("x\n") * 2:
        await asyncio.sleep(0.005)
    (tmp_path / "go").touch()
    await calls


async def _until_gone(pid: int) -> None:
    async with asyncio.timeout(20):
        while not _gone(pid):
            await asyncio.sleep(0.01)


def _gone(pid: int) -> bool:
    """No such process, or nothing but its entry waiting to be reaped."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        (
            "fatal: Unable to create '/r/x.lock': File exists.\n\nAnother git?\nremove the file.",
            "fatal: Unable to create '/r/x.lock': File exists.",
        ),
        ("warning: a\nerror: b\nfatal: c", "fatal: c"),
        ("nothing to commit\nworking tree clean", "working tree clean"),
        ("", "exit 128"),
    ],
)
def test_what_failed_is_told_by_the_line_that_names_it(said: str, cause: str) -> None:
    assert str(GitError("x", 128, said)) == f"`git x` failed: {cause}"
