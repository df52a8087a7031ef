"""The sample repository: a real project that works, whatever the person's git is set up to do."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cc4tui.errors import UnfitError, UsageError
from cc4tui.services.plans.reading import read_plan
from cc4tui.services.sample import PLAN, make_sample_repository, sample_plan


@pytest.fixture(autouse=True)
def no_person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


def git(folder: Path, *args: str) -> str:
    done = subprocess.run(
        ["git", *args], cwd=folder, capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout.strip()


async def test_it_is_a_clean_repository_with_one_commit(tmp_path: Path) -> None:
    root = await make_sample_repository(tmp_path / "a b" / "ключ")
    assert root == (tmp_path / "a b" / "ключ").resolve()
    assert git(root, "status", "--porcelain") == ""
    assert git(root, "rev-list", "--count", "main") == "1"
    assert git(root, "symbolic-ref", "HEAD") == "refs/heads/main"
    assert git(root, "log", "-1", "--format=%an <%ae>") == "cc4tui demo <demo@cc4tui.invalid>"
    assert git(root, "fsck", "--strict") == ""


async def test_the_project_works(tmp_path: Path) -> None:
    root = await make_sample_repository(tmp_path / "tally")
    run = {"cwd": root, "capture_output": True, "text": True, "timeout": 60}
    tests = subprocess.run(  # type: ignore[call-overload]
        [sys.executable, "-m", "unittest", "discover", "-s", "tests"], check=True, **run
    )
    assert "Ran 2 tests" in tests.stderr
    counted = subprocess.run(  # type: ignore[call-overload]
        [sys.executable, "-m", "tally", "README.md"], check=True, **run
    )
    assert len(counted.stdout.splitlines()) == 10
    assert git(root, "status", "--porcelain") == "", "what the tests leave is ignored"


def test_the_plan_shows_what_there_is_to_show() -> None:
    plan = read_plan(sample_plan().encode(), PLAN)
    assert plan.errors == ()
    tasks = list(plan.tasks())
    assert 8 <= len(tasks) <= 10
    assert 2 <= len(plan.batches) <= 3
    assert plan.defaults["agent"] == "rehearsal"
    assert any(task.run for task in tasks)
    assert any(task.verify for task in tasks)
    assert any(task.depends_on for task in tasks)
    files = [ref.path for task in tasks for ref in task.files]
    assert len(set(files)) < len(files), "two tasks name the same file"
    assert not any(task.rehearse for task in tasks), "everything lands"


async def test_the_persons_git_does_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    template = home / "template" / "hooks"
    template.mkdir(parents=True)
    (template / "pre-commit").write_text("#!/bin/sh\nexit 1\n")
    (template / "pre-commit").chmod(0o755)
    (home / ".gitconfig").write_text(
        f"[init]\n\ttemplateDir = {home / 'template'}\n\tdefaultBranch = trunk\n"
        "[commit]\n\tgpgSign = true\n[core]\n\tautocrlf = true\n\thooksPath = /nope\n"
    )
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
    root = await make_sample_repository(tmp_path / "tally")
    monkeypatch.delenv("GIT_DIR")
    monkeypatch.delenv("GIT_INDEX_FILE")
    assert git(root, "rev-list", "--count", "main") == "1"
    assert b"\r" not in (root / "README.md").read_bytes()
    assert not (tmp_path / "elsewhere").exists()


async def test_an_empty_folder_will_do(tmp_path: Path) -> None:
    (tmp_path / "tally").mkdir()
    assert (await make_sample_repository(tmp_path / "tally")).name == "tally"


@pytest.mark.parametrize("name", ["file", ".hidden", "folder/"])
async def test_a_folder_with_anything_in_it_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "tally").mkdir()
    path = tmp_path / "tally" / name
    path.mkdir() if name.endswith("/") else path.write_text("mine")
    with pytest.raises(UsageError, match="is not empty"):
        await make_sample_repository(tmp_path / "tally")
    assert [found.name for found in (tmp_path / "tally").iterdir()] == [name.rstrip("/")]


async def test_a_file_in_the_way_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "tally").write_text("mine")
    with pytest.raises(UnfitError, match="cannot be made"):
        await make_sample_repository(tmp_path / "tally")
    assert (tmp_path / "tally").read_text() == "mine"


async def test_without_git_nothing_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UnfitError, match="git was not found"):
        await make_sample_repository(tmp_path / "tally")
    assert not (tmp_path / "tally").exists()
