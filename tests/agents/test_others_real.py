"""The real Codex, Gemini and opencode from npm do what their recordings say, offline."""

import asyncio
import os
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
import pytest

from cc4tui.domain.agent import (
    AgentEvent,
    AgentJob,
    Answer,
    Asked,
    FileChanged,
    SessionStarted,
    TextSaid,
    ToolCalled,
    ToolReturned,
)
from cc4tui.domain.agent_spec import AgentSpec
from cc4tui.domain.run import AttemptOutcome, ReasonCode
from cc4tui.domain.usage import TokenUsage
from cc4tui.ports import AgentBackend, Conversation, ProcessSpec
from cc4tui.services.agents.acp import AcpBackend
from cc4tui.services.agents.codex import CodexBackend
from cc4tui.services.agents.gemini import GeminiBackend
from cc4tui.services.agents.opencode import OpencodeBackend
from cc4tui.services.processes.environment import scrubbed_environment
from cc4tui.services.processes.host import Supervisors


pytestmark = [pytest.mark.agents, pytest.mark.timeout(180)]

BACKENDS = {"codex": CodexBackend, "gemini": GeminiBackend, "opencode": OpencodeBackend}
OVER_ACP = "claude-agent-acp"


@dataclass
class Agent:
    """One of them, with everything it needs to reach the model."""

    backend: AgentBackend
    environment: dict[str, str]
    job: AgentJob
    run_agent: Callable

    @property
    def spec(self) -> AgentSpec:
        driver = self.backend.driver
        return AgentSpec(driver, driver, command=(OVER_ACP,) if driver == "acp" else ())

    @property
    def program(self) -> str:
        return OVER_ACP if self.backend.driver == "acp" else self.backend.driver

    def do(self, prompt: str):
        self.job.prompt_file.write_text(prompt, encoding="utf-8")
        job = replace(self.job, prompt=prompt)
        return self.run_agent(self.backend, job, self.spec, self.environment, timeout=150)


@pytest.fixture
def made(
    job: AgentJob, agent_environment: Callable[..., dict[str, str]], run_agent: Callable
) -> Callable[[str], Agent]:
    """Makes an agent with a repository and a person's whole environment."""

    def make(program: str) -> Agent:
        subprocess.run(["git", "init", "-q", str(job.worktree)], check=True)
        environment = agent_environment(program)
        kind = BACKENDS.get(program, AcpBackend)
        return Agent(kind(environment), environment, job, run_agent)

    return make


@pytest.fixture(params=BACKENDS)
def agent(request: pytest.FixtureRequest, made: Callable[[str], Agent]) -> Agent:
    return made(request.param)


@pytest.fixture(params=[*BACKENDS, OVER_ACP])
def any_agent(request: pytest.FixtureRequest, made: Callable[[str], Agent]) -> Agent:
    return made(request.param)


def test_writes_edits_runs_and_commits(agent: Agent) -> None:
    ended = agent.do(
        "Do it. <<tokens in=1000 out=200 cache=500>> <<write path=src/a.py lines=4>>"
        '<<tokens in=10 out=20>> <<edit path=src/a.py old="return 1" new="return 100">>'
        "<<tokens in=10 out=20>> <<bash ls src>> <<tokens in=10 out=20>> <<commit add a>>"
        "<<tokens in=10 out=20>> <<reply All done>>"
    )
    assert ended.result.outcome is AttemptOutcome.SUCCEEDED, ended
    assert ended.result.usage == TokenUsage(1040, 500, 280)
    # Only opencode knows a price; the others leave it unknown.
    knows_price = agent.backend.driver == "opencode"
    assert (ended.result.cost_usd is not None) == knows_price
    calls = [event for event in ended.events if isinstance(event, ToolCalled)]
    assert len(calls) == 4
    assert "ls src" in calls[2].summary
    returned = [event for event in ended.events if isinstance(event, ToolReturned)]
    assert [event.ok for event in returned] == [True] * 4
    changed = {event.path for event in ended.events if isinstance(event, FileChanged)}
    assert changed <= {"src/a.py"}
    assert "All done" in "".join(e.text for e in ended.events if isinstance(e, TextSaid))
    assert ended.result.session
    assert SessionStarted in {type(event) for event in ended.events}
    assert "return 100" in (agent.job.worktree / "src/a.py").read_text()
    log = subprocess.run(
        ["git", "-C", str(agent.job.worktree), "log", "--format=%s"],
        capture_output=True,
        check=True,
    )
    assert log.stdout == b"add a\n"


def test_codex_goes_on_in_its_session_and_in_a_copy_of_it(made: Callable[[str], Agent]) -> None:
    """Its totals are those of the whole thread, also in a copy."""
    agent = made("codex")
    first = agent.do("<<tokens in=1000 out=200>> <<write path=one.txt lines=1>>").result
    used = replace(agent.job, resume_session=first.session, session_usage=first.usage)
    agent.job = replace(used, copy_session=True)
    copied = agent.do("<<tokens in=10 out=20>> <<write path=copy.txt lines=1>>").result
    agent.job = used
    again = agent.do("<<tokens in=10 out=20>> <<write path=two.txt lines=1>>").result
    assert {r.outcome for r in (first, copied, again)} == {AttemptOutcome.SUCCEEDED}
    assert copied.session not in (None, first.session)
    assert again.session == first.session
    assert (copied.usage.output_tokens, again.usage.output_tokens) == (60, 60)
    assert {path.stem for path in used.worktree.glob("*.txt")} == {"one", "copy", "two"}


def test_a_refused_key_is_a_matter_of_login(any_agent: Agent) -> None:
    any_agent.environment["CLAUDE_CODE_MAX_RETRIES"] = "1"
    ended = any_agent.do("<<fail 401>> <<write path=a.txt lines=1>>")
    assert ended.result.outcome is AttemptOutcome.FAILED
    assert ended.result.reason_code is ReasonCode.LOGIN, ended
    assert ended.result.reason.startswith(f"{any_agent.program} failed: ")
    assert not (any_agent.job.worktree / "a.txt").exists()


async def test_a_stop_during_a_command_leaves_no_process(any_agent: Agent, tmp_path: Path) -> None:
    """Their shells survive any signal to the agent itself; the supervisor's sweep ends them."""
    backend, prompt = any_agent.backend, "<<bash touch began; sleep 300; touch late>> <<reply no>>"
    job = replace(any_agent.job, prompt=prompt)
    began, out = job.worktree / "began", tmp_path / "attempt/out"
    job.prompt_file.write_text(prompt)
    launch, stream = backend.launch(any_agent.spec, job), backend.stream(any_agent.spec, job)
    host = Supervisors(tmp_path / "log")
    await host.start()
    try:
        process = await host.spawn(
            ProcessSpec(
                folder=tmp_path / "attempt",
                argv=launch.argv,
                env=scrubbed_environment(any_agent.environment, launch.passes, launch.env),
                cwd=job.worktree,
                token=(token := f"{os.getpid():032x}"),
                stdin=launch.stdin if launch.stdin == "pipe" else str(job.prompt_file),
                interrupt_seconds=launch.interrupt_seconds,
            )
        )
        read = 0
        while not began.exists():
            if isinstance(stream, Conversation):
                said = out.read_bytes()[read:] if out.exists() else b""
                read += len(said)
                for event in stream.feed(said):
                    if isinstance(event, Asked):
                        stream.answer(event.ref, Answer(allow=True))
                process.send(stream.outgoing())
            await asyncio.sleep(0.05)
        process.stop("stopped")
        end = await process.ended()
    finally:
        await host.close()
    stream.feed(out.read_bytes()[read:])
    result = stream.finish(end.status, (tmp_path / "attempt/err").read_text())
    assert (result.outcome, result.reason) == (AttemptOutcome.STOPPED, "stopped")
    assert left_of(token) == []
    assert not (job.worktree / "late").exists()


def left_of(token: str) -> list[str]:
    """Processes of the attempt with this token."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("CC4_TOKEN") == token:
                found.append(" ".join(process.cmdline()))
        except psutil.Error:
            continue
    return found


def test_claude_over_the_agent_client_protocol(
    job: AgentJob, agent_environment: Callable[..., dict[str, str]], run_agent: Callable
) -> None:
    subprocess.run(["git", "init", "-q", str(job.worktree)], check=True)
    environment = agent_environment("claude-agent-acp")
    asked = []

    def listen(event: AgentEvent, stream: Conversation) -> None:
        if isinstance(event, Asked):
            asked.append((event.summary, event.edits))
            stream.answer(event.ref, Answer("b.txt" not in event.summary))

    prompt = (
        "Do it. <<tokens in=1000 out=200>> <<write path=a.txt text=one>>"
        "<<tokens in=10 out=20>> <<edit path=a.txt old=one new=two>>"
        "<<tokens in=10 out=20>> <<bash touch b.txt>> <<tokens in=10 out=20>> <<commit add a>>"
        "<<tokens in=10 out=20>> <<reply All done>>"
    )
    spec = AgentSpec("claude", "acp", command=("claude-agent-acp",), policy="ask")
    ended = run_agent(
        AcpBackend(environment),
        replace(job, prompt=prompt),
        spec,
        environment,
        timeout=150,
        listen=listen,
    )
    assert ended.result.outcome is AttemptOutcome.SUCCEEDED, ended
    assert ended.result.usage == TokenUsage(1040, 0, 280)
    assert ended.result.cost_usd > 0
    assert ("Write a.txt", True) in asked
    assert ("Bash touch b.txt", False) in asked
    assert not (job.worktree / "b.txt").exists()
    shown = subprocess.run(
        ["git", "-C", str(job.worktree), "show", "HEAD:a.txt"], capture_output=True, check=True
    )
    assert shown.stdout.strip() == b"two"


EDITS = "<<write path=a.txt lines=1>> <<bash touch b.txt>> <<reply done>>"


def test_each_keeps_to_its_policy(
    job: AgentJob,
    agent_environment: Callable[..., dict[str, str]],
    run_agent: Callable,
    tmp_path: Path,
) -> None:
    """Read-only ones change nothing; what accepts edits changes files, codex by any command."""
    environment = agent_environment(*BACKENDS)

    def files_after(case: tuple[str, str]) -> set[str]:
        driver, policy = case
        folder = tmp_path / f"{driver}-{policy}"
        worktree = folder / "worktree"
        worktree.mkdir(parents=True)
        subprocess.run(["git", "init", "-q", str(worktree)], check=True)
        prompt = folder / "prompt"
        prompt.write_text(EDITS)
        mine = replace(job, worktree=worktree, prompt=EDITS, prompt_file=prompt)
        spec = AgentSpec(driver, driver, policy=policy)
        run_agent(BACKENDS[driver](environment), mine, spec, environment, timeout=150)
        return {path.name for path in worktree.glob("*.txt")}

    expected = {
        ("codex", "read-only"): set(),
        ("codex", "accept-edits"): {"a.txt", "b.txt"},
        ("gemini", "read-only"): set(),
        ("gemini", "accept-edits"): {"a.txt"},
        ("opencode", "read-only"): set(),
    }
    with ThreadPoolExecutor(len(expected)) as pool:
        found = dict(zip(expected, pool.map(files_after, expected), strict=True))
    assert found == expected
