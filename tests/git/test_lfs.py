"""Git LFS: what an agent makes is stored as an LFS object, what is stored stays a pointer."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cc4tui.services.git.config import ConfigEntry
from cc4tui.services.git.landing import Landed, Refused, land
from cc4tui.services.git.landing_checkout import Refusal
from cc4tui.services.git.lfs import is_lfs, lfs_settings
from cc4tui.services.git.person_checkout import neutral_settings


needs_lfs = pytest.mark.skipif(shutil.which("git-lfs") is None, reason="git-lfs is not installed")


def _config(repo: Any, *where: str) -> None:
    for key, value in {
        "clean": "git-lfs clean -- %f",
        "smudge": "git-lfs smudge -- %f",
        "process": "git-lfs filter-process",
        "required": "true",
    }.items():
        repo.git("config", *where, f"filter.lfs.{key}", value)


@pytest.mark.parametrize(
    ("key", "value", "known"),
    [
        ("filter.lfs.process", "git-lfs filter-process", True),
        ("filter.lfs.process", "git-lfs filter-process; evil", False),
        ("filter.lfs.process", "/tmp/git-lfs filter-process", False),
        ("filter.lfs.clean", "git-lfs filter-process", False),
        ("filter.other.process", "git-lfs filter-process", False),
        ("filter.lfs.clean", "git-lfs clean -- %f", True),
    ],
)
def test_known_by_its_exact_commands(key: str, value: str, known: bool) -> None:
    assert is_lfs(ConfigEntry("local", "file:x", key, value)) is known


async def test_only_where_the_person_uses_it(repo: Any, open_session: Callable[..., Any]) -> None:
    session = await open_session(repo)
    assert lfs_settings(session.repository.config, session.repository.common_dir) == []
    repo.git("config", "filter.lfs.process", "git-lfs filter-process && evil")
    session = await open_session(repo)
    assert lfs_settings(session.repository.config, session.repository.common_dir) == []
    assert neutral_settings(session.repository.config) == {"filter.lfs.process": ""}


async def test_a_program_that_only_looks_like_it_never_runs(
    repo: Any, open_session: Callable[..., Any], canary: Any
) -> None:
    repo.git("config", "filter.lfs.process", str(canary.program))
    repo.git("config", "filter.lfs.smudge", str(canary.program))
    repo.write(".gitattributes", "*.psd filter=lfs -text\n")
    repo.git("add", ".gitattributes")
    repo.git("commit", "-qm", "attributes")
    session = await open_session(repo)

    async with session.pool(size=2) as pool:
        base = await session.merger.start(session.repository.head)
        lease = await pool.acquire(session.name("merge"))
        work = await session.attempt(
            pool, lambda at: (at.worktree / "a.psd").write_bytes(b"\x00big"), base=base
        )
        await session.merge(work, lease)
    refused = await land(session.private, session.merger.tip, "main", branch=session.merger.branch)
    assert isinstance(refused, Refused)
    assert refused.code is Refusal.FILTERS
    assert not canary.sang


@needs_lfs
@pytest.mark.parametrize("where", ["--global", "--local"])
async def test_new_content_becomes_an_object(
    repo: Any, open_session: Callable[..., Any], where: str
) -> None:
    _config(repo, where)
    repo.write(".gitattributes", "*.psd filter=lfs diff=lfs merge=lfs -text\n")
    repo.write("old.psd", b"old content")
    repo.commit()
    session = await open_session(repo)
    seen: list[bytes] = []

    def act(lease: Any) -> None:
        seen.append((lease.worktree / "old.psd").read_bytes())
        (lease.worktree / "new.psd").write_bytes(b"\x00new content")

    async with session.pool(size=2) as pool:
        base = await session.merger.start(session.repository.head)
        lease = await pool.acquire(session.name("merge"))
        work = await session.attempt(pool, act, base=base)
        await session.merge(work, lease)
    assert seen[0].startswith(b"version https://git-lfs"), "nothing is downloaded for a worktree"
    assert [change.path for change in work.changed] == ["new.psd"]
    assert repo.content(work.oid, "new.psd").startswith(b"version https://git-lfs")
    landed = await land(session.private, session.merger.tip, "main", branch=session.merger.branch)
    assert isinstance(landed, Landed)
    assert (repo.path / "new.psd").read_bytes() == b"\x00new content"
    assert (repo.path / "old.psd").read_bytes() == b"old content"
    assert repo.git("status", "--porcelain") == ""
    assert Path(repo.path / ".git/lfs/objects").is_dir()
