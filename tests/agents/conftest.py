"""Recordings of real agents, and a plain way to run a backend's program without supervisor."""

import contextlib
import json
import os
import subprocess
import tempfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from cc4tui.domain.agent import AgentEvent, AgentJob, AgentResult, ExitStatus
from cc4tui.domain.agent_spec import AgentSpec
from cc4tui.ports import AgentBackend, AgentStream, Conversation
from cc4tui.services.processes.environment import scrubbed_environment


RECORDINGS = Path(__file__).parent / "recordings"


@dataclass(frozen=True)
class Recording:
    """What a real agent printed once, and how it ended."""

    name: str
    output: bytes
    stderr: str
    code: int

    @property
    def status(self) -> ExitStatus:
        return ExitStatus(self.code)


@dataclass(frozen=True)
class Ended:
    """A program that was run to its end."""

    events: list[AgentEvent]
    result: AgentResult
    output: str
    stderr: str
    code: int


@pytest.fixture(scope="session")
def recording() -> Callable[[str], Recording]:
    """Loads a recording by its name, for example ``claude-success``."""

    def load(name: str) -> Recording:
        meta = json.loads((RECORDINGS / f"{name}.meta.json").read_text("utf-8"))
        output = (RECORDINGS / f"{name}.jsonl").read_bytes()
        return Recording(name, output, "\n".join(meta["stderr"]), meta["rc"])

    return load


@pytest.fixture(scope="session")
def replay() -> Callable[[AgentStream, Recording, int], tuple[list[AgentEvent], AgentResult]]:
    """Feeds a recording to a decoder in pieces of a size."""

    def play(
        stream: AgentStream, taped: Recording, size: int
    ) -> tuple[list[AgentEvent], AgentResult]:
        events: list[AgentEvent] = []
        for start in range(0, len(taped.output), size):
            events += stream.feed(taped.output[start : start + size])
        return events, stream.finish(taped.status, taped.stderr)

    return play


@pytest.fixture(scope="session")
def taped_job() -> AgentJob:
    """The job of the recordings: their worktree was called /repo."""
    return AgentJob(
        run="r1",
        task="1.1",
        title="Write a module",
        attempt=1,
        plan="plans/demo.md",
        prompt="Do it.\n",
        prompt_file=Path("/state/prompt"),
        worktree=Path("/repo"),
    )


@pytest.fixture
def job(tmp_path: Path, taped_job: AgentJob) -> AgentJob:
    """A job with a worktree and a prompt file that exist."""
    worktree = tmp_path / "worktree"
    worktree.mkdir()
    prompt_file = tmp_path / "prompt"
    prompt_file.write_text(taped_job.prompt, encoding="utf-8")
    return replace(taped_job, worktree=worktree, prompt_file=prompt_file)


@pytest.fixture
def run_agent() -> Callable[..., Ended]:
    """Starts what a backend launches and decodes its output, to the end.

    `listen` gets every event and the stream, to answer what is asked.
    """

    def run(
        backend: AgentBackend,
        job: AgentJob,
        spec: AgentSpec | None = None,
        person: Mapping[str, str] = os.environ,
        timeout: float = 50,
        listen: Callable[[AgentEvent, AgentStream], None] | None = None,
    ) -> Ended:
        spec = spec or AgentSpec(backend.driver, backend.driver)
        launch = backend.launch(spec, job)
        stream = backend.stream(spec, job)
        with (
            tempfile.TemporaryFile() as errors,
            subprocess.Popen(
                launch.argv,
                cwd=job.worktree,
                env=scrubbed_environment(person, launch.passes, {**launch.env, **spec.env}),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
            ) as process,
        ):
            killer = threading.Timer(timeout, process.kill)
            killer.start()
            output, events = b"", []
            if launch.stdin == "prompt":
                process.stdin.write(job.prompt_file.read_bytes())
            talks = stream if isinstance(stream, Conversation) else None
            converse(talks, process)
            for line in process.stdout:
                output += line
                for event in stream.feed(line):
                    events.append(event)
                    if listen is not None:
                        listen(event, stream)
                converse(talks, process)
            code = process.wait()
            killer.cancel()
            errors.seek(0)
            stderr = errors.read().decode("utf-8", "replace")
        result = stream.finish(ExitStatus(code), stderr)
        return Ended(events, result, output.decode("utf-8", "replace"), stderr, code)

    def converse(talks: Conversation | None, process: subprocess.Popen) -> None:
        with contextlib.suppress(BrokenPipeError):
            if talks is not None and not process.stdin.closed:
                process.stdin.write(talks.outgoing())
                process.stdin.flush()
            if talks is None or talks.over:
                process.stdin.close()

    return run
