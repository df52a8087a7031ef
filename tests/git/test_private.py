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
