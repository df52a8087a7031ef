"""The rehearsal agent: a real process that makes valid files and acts out what it is told."""

import ast
import json
import os
import signal
import subprocess
import tomllib
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from cc4tui.domain.agent import (
    AgentFinished,
    AgentJob,
    FileChanged,
    TextSaid,
    ToolCalled,
    ToolReturned,
)
from cc4tui.domain.agent_spec import AgentSpec
from cc4tui.domain.run import AttemptOutcome
from cc4tui.services.agents.rehearsal import RehearsalBackend
from cc4tui.services.agents.rehearsal_acting import SHARED_FILE, speed, step_seconds
from cc4tui.services.agents.rehearsal_content import Job, slug, write_file


HOSTILE = 'Say "hi" \\ {x} </title> */ -- \' $HOME `id` \n[red]ö\x1b[31m'


@pytest.fixture
def rehearse(job: AgentJob, run_agent: Callable) -> Callable:
    """Acts out the job at high speed."""

    def run(**changes: object):
        person = {**os.environ, "CC4_REHEARSAL_SPEED": "1000"}
        return run_agent(RehearsalBackend(person), replace(job, **changes), person=person)

    return run


def test_makes_the_files_and_talks(rehearse: Callable, job: AgentJob) -> None:
    ended = rehearse(files=("src/limits.py", "docs/limits.md"))
    assert ended.result.outcome is AttemptOutcome.SUCCEEDED
    assert ended.stderr == ""
    assert ended.events == [
        TextSaid("Rehearsing task 1.1: Write a module"),
        TextSaid("No model is asked and no token is spent; the files are made up."),
        ToolCalled("1", "Write", {"path": "src/limits.py"}, "Write src/limits.py"),
        ToolReturned("1", ok=True),
        FileChanged("src/limits.py", created=True),
        ToolCalled("2", "Write", {"path": "docs/limits.md"}, "Write docs/limits.md"),
        ToolReturned("2", ok=True),
        FileChanged("docs/limits.md", created=True),
        TextSaid("Done."),
        AgentFinished(ok=True),
    ]
    assert "rehearsed_task_1_1_write_a_module" in (job.worktree / "src/limits.py").read_text()
    assert (job.worktree / "docs/limits.md").read_text().startswith("# Write a module\n")


def test_without_files_it_leaves_a_note(rehearse: Callable, job: AgentJob) -> None:
    rehearse()
    assert [p.name for p in job.worktree.rglob("*") if p.is_file()] == [
        "task-1-1-write-a-module.md"
    ]


def test_fail(rehearse: Callable, job: AgentJob) -> None:
    ended = rehearse(rehearse="fail")
    assert ended.result.outcome is AttemptOutcome.FAILED
    assert ended.result.reason == (
        "the rehearsal agent ended with exit code 1: "
        "error: the plan asks this task to fail ({rehearse: fail})"
    )
    assert list(job.worktree.iterdir()) == []


def test_nothing(rehearse: Callable, job: AgentJob) -> None:
    ended = rehearse(rehearse="nothing", files=("a.py",))
    assert ended.result.outcome is AttemptOutcome.SUCCEEDED
    assert list(job.worktree.iterdir()) == []


def test_conflicting_tasks_write_different_lines_into_one_file(
    rehearse: Callable, job: AgentJob
) -> None:
    shared = job.worktree / SHARED_FILE
    rehearse(task="A", rehearse="conflict", files=("a.py",))
    first = shared.read_text()
    rehearse(task="B", rehearse="conflict", files=("b.py",))
    second = shared.read_text()
    assert first != second
    assert len(first.splitlines()) == len(second.splitlines())
    assert (job.worktree / "a.py").exists()
    assert (job.worktree / "b.py").exists()


def test_hang_until_interrupted(job: AgentJob) -> None:
    backend = RehearsalBackend({"CC4_REHEARSAL_SPEED": "1000"})
    launch = backend.launch(AgentSpec("r", "rehearsal"), replace(job, rehearse="hang"))
    with subprocess.Popen(
        launch.argv,
        cwd=job.worktree,
        env=launch.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        while b"Hanging" not in process.stdout.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=20)
    assert process.returncode == 130
    assert stderr == b""


@pytest.mark.parametrize(
    "name", ["../out.py", "/abs.py", "a/../../b.py", ".git/config", "sub/.GIT/hooks/x", "link/x.py"]
)
def test_never_writes_outside_the_worktree(
    name: str, rehearse: Callable, job: AgentJob, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (job.worktree / "link").symlink_to(outside)
    ended = rehearse(files=(name,))
    returned = [e for e in ended.events if isinstance(e, ToolReturned)]
    assert [e.ok for e in returned] == [False]
    assert "left alone" in returned[0].text
    assert list(outside.iterdir()) == []
    assert {p.name for p in tmp_path.iterdir()} == {"outside", "worktree", "prompt"}


def test_a_dangling_link_is_left_alone(rehearse: Callable, job: AgentJob, tmp_path: Path) -> None:
    (job.worktree / "a.py").symlink_to(tmp_path / "elsewhere.py")
    rehearse(files=("a.py",))
    assert not (tmp_path / "elsewhere.py").exists()


@pytest.mark.parametrize(
    ("name", "made"),
    [("docs/", "docs/rehearsal.md"), ("src", "src/rehearsal.md"), ("src/*.py", "src/rehearsal.md")],
)
def test_folders_and_patterns(name: str, made: str, rehearse: Callable, job: AgentJob) -> None:
    (job.worktree / "src").mkdir()
    rehearse(files=(name,))
    assert (job.worktree / made).is_file()


def test_the_worktree_cannot_shadow_what_it_imports(rehearse: Callable, job: AgentJob) -> None:
    for name in ("json.py", "cc4tui.py", "services/__init__.py", "sitecustomize.py"):
        path = job.worktree / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("raise SystemExit('shadowed')")
    assert rehearse(files=("a.txt",)).result.outcome is AttemptOutcome.SUCCEEDED


def python_is_valid(text: str) -> None:
    ast.parse(text)


CHECKS = {
    "mod.py": python_is_valid,
    "test_mod.py": python_is_valid,
    "data.json": json.loads,
    "conf.toml": tomllib.loads,
    "conf.yaml": lambda text: YAML(typ="safe").load(text),
    "page.xml": ET.fromstring,
    "run.sh": lambda text: subprocess.run(["sh", "-n"], input=text, text=True, check=True),
}
"""How a file of each kind is proven valid."""


@pytest.mark.parametrize("name", CHECKS)
@given(title=st.text(max_size=60) | st.just(HOSTILE), task=st.text(min_size=1, max_size=12))
def test_content_is_valid_when_made_and_when_added_to(
    name: str, title: str, task: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / name
    path.unlink(missing_ok=True)
    for attempt in (1, 2, 3):
        write_file(path, Job(task, title, attempt, [], None))
        CHECKS[name](path.read_text(encoding="utf-8"))


def test_additions_keep_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(b"no line end \xff")
    write_file(path, Job("1", "Add", 1, [], None))
    assert path.read_bytes() == b"no line end \xff\n\nRehearsed: Add\n"


def test_json_of_every_shape_stays_json(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    for text in ("{}", "[1]", "7", '"x"'):
        path.write_text(text)
        write_file(path, Job("1", "Add", 1, [], None))
        assert "Add" in json.dumps(json.loads(path.read_text()))


def test_broken_json_is_left_alone(rehearse: Callable, job: AgentJob) -> None:
    (job.worktree / "a.json").write_text("{ // comment\n}")
    ended = rehearse(files=("a.json",))
    assert (job.worktree / "a.json").read_text() == "{ // comment\n}"
    returned = next(e for e in ended.events if isinstance(e, ToolReturned))
    assert "it holds no valid JSON" in returned.text


@given(st.text(min_size=1), st.text())
def test_slugs_are_safe_names(task: str, title: str) -> None:
    name = slug(Job(task, title, 1, [], None))
    assert name.replace("-", "_").isidentifier()
    assert name.isascii()
    assert len(name) <= 40


@given(st.text(min_size=1), st.integers(1, 50))
def test_the_pace_is_realistic_and_the_same_each_time(task: str, steps: int) -> None:
    assert 2.0 <= step_seconds(task, steps) * steps <= 6.0001
    assert step_seconds(task, steps) == step_seconds(task, steps)


@pytest.mark.parametrize(
    ("setting", "expected"), [("4", 4.0), ("0.5", 0.5), ("0", 1.0), ("-1", 1.0), ("fast", 1.0)]
)
def test_speed(setting: str, expected: float) -> None:
    assert speed(setting) == expected
