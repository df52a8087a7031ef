"""The git folder of our own: made whole or not at all."""

from pathlib import Path
from typing import Any

import pytest

from cc4tui.services.git.private import PrivateGit


@pytest.mark.parametrize("left", ["HEAD.lock", "config.lock", "refs/heads/x"])
async def test_one_that_was_half_made_is_made_again(
    session: Any, tmp_path: Path, left: str
) -> None:
    """By a git that was killed together with us."""
    private = PrivateGit(session.repository, tmp_path / "other")
    (private.git_dir / left).parent.mkdir(parents=True)
    (private.git_dir / left).touch()
    await private.prepare()
    assert await private.tree_of(session.repository.head)
    assert {path.name for path in private.state_dir.iterdir()} == {"git", "index"}
    assert not (private.git_dir / left).exists()


async def test_one_that_is_there_stays(session: Any) -> None:
    note = session.private.git_dir / "note"
    note.touch()
    await session.private.prepare()
    assert note.exists()


async def test_objects_of_a_shared_repository_are_the_groups_too(
    repo: Any, open_session: Any
) -> None:
    repo.git("config", "core.sharedRepository", "group")
    private = (await open_session(repo)).private
    tree = await private.tree_of(repo.head)
    folder = repo.path / ".git/objects"
    before = {path.name for path in folder.iterdir()}
    for number in range(4):
        await private.commit(tree, [repo.head], f"{number}")
    made = [path for path in folder.iterdir() if path.name not in before]
    assert made
    assert all(path.stat().st_mode & 0o2070 == 0o2070 for path in made)
