"""Any program as an agent: real programs, started as the backend says."""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from cc4tui.domain.agent import AgentJob, ExitStatus, LinesSaid, TextSaid
from cc4tui.domain.agent_spec import AgentSpec
from cc4tui.domain.run import AttemptOutcome, ReasonCode
from cc4tui.errors import UsageError
from cc4tui.services.agents.command import CommandBackend
from cc4tui.services.agents.environment import VALUE_LIMIT, job_environment


def python(code: str) -> AgentSpec:
    return AgentSpec("mine", "command", (sys.executable, "-c", code))


def test_prompt_folder_and_variables(job: AgentJob, run_agent: Callable) -> None:
    code = (
        "import os, sys\n"
        "print(sys.stdin.read(), end='')\n"
        "print(os.getcwd())\n"
        "for name in sorted(os.environ):\n"
        "    if name.startswith('CC4_'): print(name, os.environ[name])\n"
    )
    ended = run_agent(CommandBackend(), job, python(code))
    assert ended.result.outcome is AttemptOutcome.SUCCEEDED
    assert [e.text for e in ended.events if isinstance(e, TextSaid)] == [
        "Do it.",
        str(job.worktree),
        "CC4_ATTEMPT 1",
        "CC4_PLAN plans/demo.md",
        f"CC4_PROMPT_FILE {job.prompt_file}",
        "CC4_RUN r1",
        "CC4_TASK 1.1",
        "CC4_TASK_TITLE Write a module",
    ]


def test_failure_with_its_own_words(job: AgentJob, run_agent: Callable) -> None:
    ended = run_agent(CommandBackend(), job, python("import sys; sys.exit('error: no disk left')"))
    assert ended.result.outcome is AttemptOutcome.FAILED
    assert ended.result.reason_code is ReasonCode.AGENT
    assert ended.result.reason == (
        f"{Path(sys.executable).name} ended with exit code 1: error: no disk left"
    )


def test_killed(job: AgentJob, run_agent: Callable) -> None:
    ended = run_agent(CommandBackend(), job, python("import os; os.kill(os.getpid(), 15)"))
    assert ended.result.reason.endswith("was killed by SIGTERM")


def test_no_shell_reads_the_arguments(job: AgentJob, run_agent: Callable) -> None:
    spec = AgentSpec("mine", "command", ("printf", "%s|", "$HOME", "; touch x", "a b", "`id`"))
    ended = run_agent(CommandBackend(), job, spec)
    assert ended.output == "$HOME|; touch x|a b|`id`|"
    assert list(job.worktree.iterdir()) == []


def test_secrets_of_the_person_do_not_reach_it(job: AgentJob, run_agent: Callable) -> None:
    person = {"PATH": "/usr/bin:/bin", "HOME": "/home/x", "GITHUB_TOKEN": "s", "AWS_SECRET": "s"}
    code = "import os; print(sorted(n for n in os.environ if not n.startswith(('CC4_', 'LC_')))) "
    ended = run_agent(CommandBackend(person), job, python(code), person)
    assert ended.output.strip() == "['HOME', 'PATH']"


def test_bytes_that_are_no_text(job: AgentJob) -> None:
    stream = CommandBackend().stream(python(""), job)
    assert stream.feed(b"\xff\xfe ok\n\nlast") == [LinesSaid("\ufffd\ufffd ok\n")]
    assert stream.finish(ExitStatus(0), "").outcome is AttemptOutcome.SUCCEEDED


def test_a_program_named_from_the_current_folder(
    tmp_path: Path, job: AgentJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = tmp_path / "agent.sh"
    agent.write_text("#!/bin/sh\n")
    agent.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    spec = AgentSpec("mine", "command", ("./agent.sh", "x"), args=("y",))
    assert CommandBackend().check(spec) is None
    assert CommandBackend().launch(spec, job).argv == (str(agent), "x", "y")
    in_worktree = AgentSpec("mine", "command", ("./other.sh",))
    assert CommandBackend().check(in_worktree) is None
    assert CommandBackend().launch(in_worktree, job).argv == ("./other.sh",)


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ((), 'agent mine has no command; set command = ["PROGRAM", "ARGUMENT"]'),
        (
            ("no-such-program",),
            (
                "the agent's program no-such-program was not found on the PATH; "
                "check its name, or give its full path"
            ),
        ),
        (
            ("/nowhere/agent",),
            (
                "the agent's program /nowhere/agent does not exist; "
                "check its name, or give its full path"
            ),
        ),
    ],
)
def test_what_cannot_be_used(command: tuple[str, ...], sentence: str) -> None:
    assert CommandBackend().check(AgentSpec("mine", "command", command)) == sentence


def test_no_command_cannot_be_launched(job: AgentJob) -> None:
    with pytest.raises(UsageError, match="agent mine has no command"):
        CommandBackend().launch(AgentSpec("mine", "command"), job)


def test_hostile_titles_fit_into_an_environment(job: AgentJob, run_agent: Callable) -> None:
    hostile = replace(job, title="a\0b\ud800\n[@click=app.quit]" + "x" * 200_000)
    title = job_environment(hostile)["CC4_TASK_TITLE"]
    assert title.startswith("ab\n[@click=app.quit]")
    assert len(title) == VALUE_LIMIT
    assert run_agent(CommandBackend(), hostile, AgentSpec("mine", "command", ("true",))).code == 0


def test_undecodable_paths_stay_as_they_are(job: AgentJob) -> None:
    plan = b"plans/\xff.md".decode("utf-8", "surrogateescape")
    assert job_environment(replace(job, plan=plan))["CC4_PLAN"] == plan
