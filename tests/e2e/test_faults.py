"""Any one call of git or SQLite may fail, be killed or hang in the middle of a real run."""

import asyncio
import os
import signal
import sqlite3
from typing import Any

import pytest

from cc4tui.domain.run import TaskRunState
from cc4tui.errors import Cc4tuiError
from cc4tui.ports import RunOptions, RunView
from cc4tui.runtime import Runtime
from cc4tui.services.git.process import GitCall, GitResult
from cc4tui.services.git.runner import GitRunner
from cc4tui.storage import writer


pytestmark = [pytest.mark.integration, pytest.mark.timeout(7200)]

EVERY = "CC4_EVERY_CALL" in os.environ
"""Spoil every single call of a run, one run each; else a sample."""
TASKS = 5
GIT_KINDS = ("fails", "killed before", "killed after", "hangs")
SQLITE_KINDS = {
    "busy": sqlite3.SQLITE_BUSY,
    "io": sqlite3.SQLITE_IOERR,
    "full": sqlite3.SQLITE_FULL,
    "readonly": sqlite3.SQLITE_READONLY,
}

PLAN = (
    "---\ncc4: 1\n---\n# Faults\n\n## Batch 1: B\n"
    + "".join(f"- [ ] 1.{n} Task\n" for n in range(1, TASKS))
    + f"- [ ] 1.{TASKS} Task\n  - Verify: test -f 1.{TASKS}.txt\n"
)


class Fault:
    """Counts calls and spoils one of them."""

    def __init__(self) -> None:
        self.at = self.count = 0
        self.spoiled = ""

    def arm(self, at: int) -> None:
        self.at, self.count, self.spoiled = at, 0, ""

    def hits(self, what: str) -> bool:
        self.count += 1
        if self.count != self.at:
            return False
        self.spoiled = what
        return True


class GitFault(Fault):
    def __init__(self, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
        super().__init__()
        real = GitRunner._once

        async def once(runner: GitRunner, call: GitCall) -> GitResult:
            if not self.hits(" ".join(call.argv)):
                return await real(runner, call)
            if kind == "fails":
                return GitResult(128, b"", "fatal: injected")
            if kind == "hangs":
                return await real(runner, call._replace(argv=["sleep", "1000"], timeout=0.1))
            if kind == "killed after":
                await real(runner, call)
            return GitResult(-signal.SIGKILL, b"", "")

        monkeypatch.setattr(GitRunner, "_once", once)


class SqliteFault(Fault):
    """Fails the n-th transaction with a real code of SQLite, inside of it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
        super().__init__()
        real = writer._attempt

        def attempt(connection: Any, job: Any) -> Any:
            result = real(connection, job)
            if self.hits("transaction"):
                error = sqlite3.OperationalError("injected")
                error.sqlite_errorcode = SQLITE_KINDS[kind]
                raise error
            return result

        monkeypatch.setattr(writer, "_attempt", attempt)


@pytest.fixture
def quick(project: Any, agent: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A project whose runs are done in this process; gives the one function that does one."""
    monkeypatch.setenv("CC4TUI_STATE_DIR", str(project.state))
    monkeypatch.setenv("CC4TUI_CONFIG_DIR", str(project.state.parent / "config"))
    monkeypatch.setattr("cc4tui.services.pipeline.patience.RETRY_SECONDS", 0.01)
    monkeypatch.setattr("cc4tui.services.git.locks.PATIENCE", 0.05)
    project.write("plan.md", PLAN)
    project.commit("plan")
    project.write("README.md", "mine\r\n")
    command = agent("pathlib.Path(f'{task}.txt').write_text(task)")

    def run() -> RunView | Cc4tuiError:
        async def work() -> RunView:
            options = RunOptions(agent_command=command, workers=3)
            async with Runtime.open(project.root) as center:
                return await center.wait(await center.start_run("plan.md", options))

        try:
            return asyncio.run(work())
        except BaseException as error:
            return innermost(error)

    return run


def innermost(error: BaseException) -> Cc4tuiError:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if not isinstance(error, Cc4tuiError):
        raise error
    return error


def again(project: Any) -> None:
    """As before the first run: an orphan branch with the plan alone."""
    project.git("checkout", "-q", "--orphan", "next")
    project.git("rm", "-q", "-r", "-f", "--ignore-unmatch", ".")
    project.write("README.md", "# Sample\n")
    project.write("plan.md", PLAN)
    project.commit("again")
    project.git("branch", "-q", "-M", "next", "main")
    for ref in project.git("for-each-ref", "--format=%(refname)", "refs/heads/cc4").split():
        project.git("update-ref", "-d", ref)
    project.write("README.md", "mine\r\n")


def sound(project: Any, where: Any, *views: RunView | Cc4tuiError) -> None:
    """Whatever came of the runs, nothing of them is left but the branch of a task that failed."""
    tasks = [task for view in views if isinstance(view, RunView) for task in view.tasks]
    kept = {task.branch for task in tasks if task.state is TaskRunState.FAILED}
    left = [item for item in project.left_behind() if item.removeprefix("refs/heads/") not in kept]
    assert left == [], (where, views)
    assert project.git("status", "--porcelain") == "M README.md", where
    assert (project.root / "README.md").read_bytes() == b"mine\r\n"
    assert project.fsck() == ""


def landed(view: RunView) -> set[str]:
    done = (TaskRunState.LANDED, TaskRunState.SKIPPED)
    return {task.task for task in view.tasks if task.state in done}


@pytest.mark.parametrize("kind", GIT_KINDS)
def test_one_spoiled_git_call_costs_at_most_one_task(
    project: Any, quick: Any, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    fault = GitFault(monkeypatch, kind)
    points = range(1, 10_000) if EVERY else sample(GIT_KINDS.index(kind))
    for at in points:
        fault.arm(at)
        view = quick()
        spoiled, reached = fault.spoiled, fault.count >= at
        fault.arm(0)
        if not reached:
            break
        if isinstance(view, RunView):
            failed = [task for task in view.tasks if task.task not in landed(view)]
            assert len(failed) <= 1, (at, spoiled, view)
            assert all("git" in task.reason for task in failed), (at, spoiled, failed)
            sound(project, (at, spoiled), view)
        else:
            assert "git" in str(view), (at, spoiled, view)
        finish(project, quick, view, (at, spoiled))
    assert not EVERY or at > 50


def finish(project: Any, quick: Any, first: RunView | Cc4tuiError, where: Any) -> None:
    """The same command again: everything has landed, once."""
    view = quick()
    assert isinstance(view, RunView), (where, view)
    assert len(landed(view)) == TASKS, (where, view)
    sound(project, where, first, view)
    merges = project.git("log", "--merges", "--format=%(trailers:key=Cc4-Task,valueonly)")
    assert sorted(merges.split()) == [f"1.{n}" for n in range(1, TASKS + 1)], where
    again(project)


def sample(offset: int) -> list[int]:
    """Two calls: in the first and in the second half of about 150, others for each kind."""
    return [4 + 19 * offset, 80 + 19 * offset]


@pytest.mark.parametrize("kind", SQLITE_KINDS)
def test_one_failed_transaction_costs_nothing(
    project: Any, quick: Any, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    fault = SqliteFault(monkeypatch, kind)
    offset = list(SQLITE_KINDS).index(kind)
    for at in range(1, 10_000) if EVERY else (1 + 9 * offset,):
        fault.arm(at)
        view = quick()
        reached = fault.count >= at
        fault.arm(0)
        if not reached:
            break
        if at > 1:  # the first makes the run: it is refused, and nothing was started
            assert isinstance(view, RunView), (at, view)
            assert len(landed(view)) == TASKS, (at, view)
            sound(project, at, view)
        finish(project, quick, view, at)
    assert not EVERY or at > 20
