"""The real Claude Code from npm does what the recordings say, against a scripted model."""

import contextlib
import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
import pytest

from cc4tui.domain.agent import (
    AgentEvent,
    AgentJob,
    Answer,
    Asked,
    BackingOff,
    ExitStatus,
    FileChanged,
    SessionStarted,
    TextSaid,
    ThinkingSaid,
    ToolCalled,
    ToolReturned,
)
from cc4tui.domain.agent_spec import AgentSpec
from cc4tui.domain.run import AttemptOutcome, ReasonCode
from cc4tui.domain.usage import TokenUsage
from cc4tui.ports import Conversation
from cc4tui.services.agents.claude import ClaudeBackend
from cc4tui.services.processes.environment import scrubbed_environment


pytestmark = [pytest.mark.agents, pytest.mark.timeout(120)]

SPEC = AgentSpec("claude", "claude")


@pytest.fixture
def ask(job: AgentJob, claude_environment: dict[str, str], run_agent: Callable) -> Callable:
    """Has Claude Code do a prompt in a git repository."""
    subprocess.run(["git", "init", "-q", str(job.worktree)], check=True)

    def run(
        prompt: str,
        spec: AgentSpec = SPEC,
        job: AgentJob = job,
        listen: Callable | None = None,
        **person: str | None,
    ):
        job = replace(job, prompt=prompt)
        environment = {
            name: value
            for name, value in {**claude_environment, **person}.items()
            if value is not None
        }
        backend = ClaudeBackend(environment)
        return run_agent(backend, job, spec, environment, timeout=100, listen=listen)

    return run


@pytest.fixture
def place(job: AgentJob, tmp_path: Path) -> Callable[..., AgentJob]:
    """Gives the job a folder of its own, known by a name."""
    numbers = count()

    def own(name: str = "") -> AgentJob:
        worktree = tmp_path / f"own-{name or next(numbers)}"
        worktree.mkdir(exist_ok=True)
        return replace(job, worktree=worktree)

    return own


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """What all of them return: agents mostly wait, for their model and for each other's start."""
    with ThreadPoolExecutor(len(calls)) as pool:
        return [done.result() for done in [pool.submit(call) for call in calls]]


def test_writes_edits_runs_and_commits(ask: Callable, job: AgentJob) -> None:
    ended = ask(
        "Do it. <<think hmm>> <<say Writing>> <<tokens in=1000 out=200 cache=5000>>"
        "<<write path=src/a.py lines=4>>"
        '<<tokens in=10 out=20>> <<edit path=src/a.py old="return 1" new="return 100">>'
        "<<tokens in=10 out=20>> <<bash ls src>> <<tokens in=10 out=20>> <<commit add a>>"
        "<<tokens in=10 out=20>> <<reply All done>>"
    )
    assert ended.result.outcome is AttemptOutcome.SUCCEEDED
    assert ended.result.usage == TokenUsage(1040, 5000, 280)
    assert ended.result.cost_usd > 0
    assert [e.summary for e in ended.events if isinstance(e, ToolCalled)] == [
        "Write src/a.py",
        "Edit src/a.py",
        "Bash ls src",
        "Bash git add -A && git commit -q -m 'add a'",
    ]
    assert all(e.ok for e in ended.events if isinstance(e, ToolReturned))
    assert [e for e in ended.events if isinstance(e, FileChanged)] == [
        FileChanged("src/a.py", created=True),
        FileChanged("src/a.py"),
    ]
    assert ThinkingSaid("hmm") in ended.events
    assert TextSaid("All done") in ended.events
    assert isinstance(ended.events[0], SessionStarted)
    assert "return 100" in (job.worktree / "src/a.py").read_text()
    log = subprocess.run(
        ["git", "-C", str(job.worktree), "log", "--format=%s"], capture_output=True, check=True
    )
    assert log.stdout == b"add a\n"


FAILURES = {
    "<<fail 401>>": (ReasonCode.LOGIN, "claude failed: "),
    "<<fail 429 after=1>>": (ReasonCode.QUOTA, "claude failed: API Error"),
    "<<fail 529>>": (ReasonCode.QUOTA, "claude failed: API Error"),
    "<<fail 500>>": (ReasonCode.AGENT, "claude failed: API Error"),
    "<<say x>> <<drop>> <<bash true>>": (ReasonCode.AGENT, "claude failed: "),
}


def test_eight_at_once_each_with_its_own_fate(
    ask: Callable, place: Callable, mock_model: Any
) -> None:
    """They share one HOME and one model: errors of it, overloads that pass, work."""
    retries = {"CLAUDE_CODE_MAX_RETRIES": "1"}
    *failed, overloaded, chosen, working = at_once(
        *(partial(ask, f"{marker} <<reply no>>", job=place(), **retries) for marker in FAILURES),
        partial(ask, "<<fail 529 times=2>> <<write path=b.txt lines=2>>", job=place("late")),
        partial(
            ask,
            "<<sleep 2>> <<reply hi>>",
            replace(SPEC, model="sonnet"),
            replace(place(), effort="high"),
        ),
        partial(ask, "<<sleep 2>> <<write path=c.txt lines=2>>", job=place("work")),
    )
    for ended, (code, words) in zip(failed, FAILURES.values(), strict=True):
        assert ended.code == 1, ended.output
        assert (ended.result.outcome, ended.result.reason_code) == (AttemptOutcome.FAILED, code)
        assert ended.result.reason.startswith(words)
    outcomes = [ended.result.outcome for ended in (overloaded, chosen, working)]
    assert outcomes == [AttemptOutcome.SUCCEEDED] * 3, (overloaded, chosen, working)
    waits = [e for e in overloaded.events if isinstance(e, BackingOff)]
    assert [w.reason for w in waits] == [
        "overloaded (529), try 1 of 4",
        "overloaded (529), try 2 of 4",
    ]
    assert "sonnet" in next(e.model for e in chosen.events if isinstance(e, SessionStarted))
    assert (place("late").worktree / "b.txt").exists()
    assert (place("work").worktree / "c.txt").exists()
    assert mock_model.stats()["max_active"] >= 2


def test_limits_of_its_own(ask: Callable, place: Callable) -> None:
    writes = "<<write path=a.txt lines=1>> <<write path=b.txt lines=1>>"
    turns, money = at_once(
        partial(ask, writes, replace(SPEC, args=("--max-turns", "1")), place()),
        partial(
            ask,
            f"<<tokens in=900000 out=9000>> {writes}",
            replace(SPEC, args=("--max-budget-usd", "0.01")),
            place(),
        ),
    )
    assert turns.result.reason == "claude stopped: Reached maximum number of turns (1)"
    assert money.result.reason_code is ReasonCode.BUDGET
    assert money.result.reason.startswith("claude stopped: ")


def test_resumes_a_session_in_the_same_folder_or_a_copy_of_it(ask: Callable, job: AgentJob) -> None:
    first = ask("<<write path=one.txt lines=1>>")
    known = replace(job, resume_session=first.result.session)
    copied, unknown = at_once(
        partial(ask, "<<write path=copy.txt lines=1>>", job=replace(known, copy_session=True)),
        partial(ask, "hello", job=replace(job, resume_session=str(UUID(int=0)))),
    )
    again = ask("<<write path=two.txt lines=1>>", job=known)
    assert again.result.outcome is AttemptOutcome.SUCCEEDED
    assert again.result.session == first.result.session
    assert copied.result.outcome is AttemptOutcome.SUCCEEDED
    assert copied.result.session not in (None, first.result.session)
    assert {path.name for path in job.worktree.glob("*.txt")} == {"one.txt", "copy.txt", "two.txt"}
    assert unknown.result.outcome is AttemptOutcome.FAILED
    assert "No conversation found with session ID" in unknown.result.reason


@pytest.mark.skipif(os.geteuid() != 0, reason="only root is refused")
def test_root_is_refused_in_its_own_words(ask: Callable) -> None:
    ended = ask("<<reply hi>>", IS_SANDBOX=None)
    assert ended.result.outcome is AttemptOutcome.FAILED
    assert "cannot be used with root/sudo privileges" in ended.result.reason


@pytest.fixture
def tree_of_this_test() -> Iterator[Callable[[], list[psutil.Process]]]:
    """Lists what carries this test's mark in its environment, and ends what is left of it."""
    mark = f"{os.getpid()}-{threading.get_ident()}"

    def alive() -> list[psutil.Process]:
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get("CLAUDE_TEST_MARK") == mark:
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def names() -> list[str]:
        found = []
        for process in alive():
            with contextlib.suppress(psutil.NoSuchProcess):
                found.append(process.name())
        return found

    alive.mark = mark
    alive.names = names
    yield alive
    for process in alive():
        process.kill()


def test_an_interrupt_leaves_no_shell(
    job: AgentJob, claude_environment: dict[str, str], tree_of_this_test: Callable
) -> None:
    """SIGINT while a command runs: the CLI says so, and ends the command itself."""
    environment = {**claude_environment, "CLAUDE_TEST_MARK": tree_of_this_test.mark}
    prompt = "<<say starting>> <<bash sleep 300>> <<write path=late.txt lines=1>>"
    job = replace(job, prompt=prompt)
    backend = ClaudeBackend(environment)
    launch = backend.launch(SPEC, job)
    stream = backend.stream(SPEC, job)
    with subprocess.Popen(
        launch.argv,
        cwd=job.worktree,
        env=scrubbed_environment(environment, launch.passes, launch.env),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        process.stdin.write(stream.outgoing())
        process.stdin.flush()
        while not any(isinstance(e, ToolCalled) for e in stream.feed(process.stdout.readline())):
            assert process.poll() is None
        while not any("sleep" in name for name in tree_of_this_test.names()):
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        rest, stderr = process.communicate(timeout=60)
    stream.feed(rest)
    result = stream.finish(ExitStatus(process.returncode), stderr.decode())
    assert (result.outcome, result.reason) == (AttemptOutcome.STOPPED, "claude was interrupted")
    assert (result.usage.output_tokens, result.session is not None) == (40, True)
    gone, alive = psutil.wait_procs(tree_of_this_test(), timeout=20)
    assert not alive, gone
    assert not (job.worktree / "late.txt").exists()


QUESTION = {
    "question": "Which database?",
    "header": "Store",
    "options": [
        {"label": "PostgreSQL", "description": "a server"},
        {"label": "SQLite", "description": "a file"},
    ],
    "multiSelect": False,
}


def test_asks_as_its_policy_says(ask: Callable, place: Callable) -> None:
    """`ask` before every change and with its question, `accept-edits` for the rest."""
    asked, accepted = [], []

    def answer(event: AgentEvent, stream: Conversation) -> None:
        if isinstance(event, Asked) and event.kind == "question":
            asked.append((event.kind, event.summary, event.choices))
            stream.answer(event.ref, Answer(True, "SQLite"))
        elif isinstance(event, Asked):
            asked.append((event.tool, event.summary, event.edits))
            stream.answer(event.ref, Answer(event.edits, "" if event.edits else "not that one"))

    def accept(event: AgentEvent, stream: Conversation) -> None:
        if isinstance(event, Asked):
            accepted.append(event.tool)
            stream.answer(event.ref, Answer(True))

    question = json.dumps({"questions": [QUESTION]})
    careful, bold = at_once(
        partial(
            ask,
            f"<<write path=a.txt lines=1>> <<tool AskUserQuestion {question}>>"
            " <<bash touch b.txt>> <<read path=a.txt>>",
            replace(SPEC, policy="ask"),
            place("careful"),
            answer,
        ),
        partial(
            ask,
            "<<write path=a.txt lines=1>> <<bash touch /tmp>>",
            replace(SPEC, policy="accept-edits"),
            place("bold"),
            accept,
        ),
    )
    assert careful.result.outcome is AttemptOutcome.SUCCEEDED, careful.stderr
    assert asked == [
        ("Write", "Write a.txt", True),
        ("question", "Which database?", ("PostgreSQL", "SQLite")),
        ("Bash", "Bash touch b.txt", False),
    ]
    assert (place("careful").worktree / "a.txt").exists()
    assert not (place("careful").worktree / "b.txt").exists()
    said = "".join(e.text for e in careful.events if isinstance(e, ToolReturned))
    assert "not that one" in said
    assert '"Which database?"="SQLite"' in said
    assert careful.result.reason == "claude was denied a tool call: Bash"
    assert bold.result.outcome is AttemptOutcome.SUCCEEDED
    assert accepted == ["Bash"]


def test_is_told_something_while_it_works(ask: Callable, place: Callable) -> None:
    """A message after the command that runs; an interrupt sends it elsewhere at once."""

    def add(event: AgentEvent, stream: Conversation) -> None:
        if isinstance(event, ToolCalled) and event.name == "Bash":
            stream.say("and one more <<write path=more.txt lines=1>>")

    def redirect(event: AgentEvent, stream: Conversation) -> None:
        if isinstance(event, ToolCalled) and event.name == "Bash":
            stream.interrupt()
            stream.say("rather this <<write path=other.txt lines=1>>")

    told, redirected = at_once(
        partial(ask, "<<bash sleep 1>> <<write path=a.txt lines=1>>", SPEC, place("told"), add),
        partial(
            ask, "<<bash sleep 60>> <<write path=late.txt lines=1>>", SPEC, place("sent"), redirect
        ),
    )
    assert told.result.outcome is AttemptOutcome.SUCCEEDED
    assert redirected.result.outcome is AttemptOutcome.SUCCEEDED
    assert (place("told").worktree / "more.txt").exists()
    assert {path.name for path in place("sent").worktree.glob("*.txt")} == {"other.txt"}
