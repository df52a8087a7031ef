"""The shell agent does a task's commands in one shell and names the one that failed."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from cc4tui.domain.agent import AgentJob, ExitStatus, TextSaid, ToolCalled, ToolReturned
from cc4tui.domain.agent_spec import AgentSpec
from cc4tui.domain.run import AttemptOutcome, ReasonCode
from cc4tui.errors import UsageError
from cc4tui.services.agents.shell import ShellBackend


@pytest.fixture
def run(job: AgentJob, run_agent: Callable) -> Callable:
    """Runs commands in the job's worktree."""
    return lambda *commands: run_agent(ShellBackend(), replace(job, commands=commands))


def test_all_commands_in_one_shell(run: Callable, job: AgentJob) -> None:
    ended = run("mkdir sub", "cd sub", "name=file", 'echo "$name" > "$name.txt"')
    assert ended.result.outcome is AttemptOutcome.SUCCEEDED
    assert (job.worktree / "sub" / "file.txt").read_text() == "file\n"
    assert ended.stderr == ""


def test_commands_are_told_as_they_start(run: Callable) -> None:
    events = run("echo one", "echo two").events
    assert events == [
        ToolCalled("1", "Run", {"command": "echo one"}, "$ echo one"),
        TextSaid("one"),
        ToolReturned("1", ok=True),
        ToolCalled("2", "Run", {"command": "echo two"}, "$ echo two"),
        TextSaid("two"),
    ]


def test_stops_at_the_first_failure_and_names_it(run: Callable, job: AgentJob) -> None:
    ended = run("echo one", "cat nothing-here", "touch never")
    assert ended.result.outcome is AttemptOutcome.FAILED
    assert ended.result.reason_code is ReasonCode.AGENT
    assert ended.result.reason == (
        "command 2 of 3 ended with exit code 1: cat nothing-here "
        "(cat: nothing-here: No such file or directory)"
    )
    assert ended.code == 1
    assert not (job.worktree / "never").exists()


@pytest.mark.parametrize(
    ("commands", "number", "code"),
    [
        (("exit 7",), 1, 7),
        (("true", "false; true"), 2, 1),
        (("true", "no-such-command-here"), 2, 127),
        (("true", "sh -c 'exit 42'", "true"), 2, 42),
        (("(exit 3)",), 1, 3),
        (("set -u; echo $nothing_is_set",), 1, 2),
        (("echo 'unclosed",), 1, 2),
    ],
)
def test_ways_to_fail(commands: tuple[str, ...], number: int, code: int, run: Callable) -> None:
    ended = run(*commands)
    start = f"command {number} of {len(commands)} ended with exit code {code}: "
    assert ended.result.reason.startswith(start)


@pytest.mark.parametrize(
    "command",
    [
        "if false; then exit 9; fi",
        "false || true",
        "# only a comment",
        "echo a\necho b",
        "f() { echo in; }; f",
        "set -- a b; test $# = 2",
        "printf '%s' 'a\nb'",
    ],
)
def test_commands_that_do_not_fail(command: str, run: Callable) -> None:
    assert run(command, "true").result.outcome is AttemptOutcome.SUCCEEDED


def test_killed_by_a_signal(run: Callable) -> None:
    ended = run("kill -9 $$")
    assert ended.result.reason == "the shell was killed by SIGKILL"


def test_data_of_the_task_is_never_part_of_the_script(job: AgentJob, run_agent: Callable) -> None:
    evil = "\"; touch pwned; echo $(touch pwned2) `touch pwned3` '; touch pwned4"
    ended = run_agent(
        ShellBackend(), replace(job, title=evil, commands=('printf "%s" "$CC4_TASK_TITLE"',))
    )
    assert ended.output.endswith(evil)
    assert list(job.worktree.iterdir()) == []


def test_output_that_looks_like_our_marks(run: Callable, job: AgentJob) -> None:
    ended = run("echo '$ echo two'; echo 'cc4: command 9 of 9 ended with exit code 9' >&2", "false")
    assert ended.result.reason == "command 2 of 2 ended with exit code 1: false"
    stream = ShellBackend().stream(AgentSpec("shell", "shell"), job)
    told = stream.finish(ExitStatus(3), "cc4: command 9 of 9 ended with exit code 3\n")
    assert told.reason == "command 9 of 9 ended with exit code 3: ?"


def test_standard_input_is_empty(run: Callable) -> None:
    assert run('test -z "$(cat)"').result.outcome is AttemptOutcome.SUCCEEDED


def test_what_cannot_be_run(job: AgentJob) -> None:
    spec = AgentSpec("shell", "shell")
    with pytest.raises(UsageError, match=r"task 1\.1 has no Run: commands"):
        ShellBackend().launch(spec, job)
    with pytest.raises(UsageError, match="holds a NUL byte"):
        ShellBackend().launch(spec, replace(job, commands=("echo \0",)))
    assert ShellBackend().check(spec) is None
