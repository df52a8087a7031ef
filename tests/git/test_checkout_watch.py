"""An edit of the person's checkout is noticed, and nothing of the repository runs for it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cc4tui.services.git.checkout_watch import CheckoutWatch


async def _differences(session: Any, change: Callable[[], object]) -> tuple[str, ...]:
    watch = CheckoutWatch(session.private)
    before = await watch.take()
    assert before.differences(await watch.take()) == ()
    change()
    return before.differences(await watch.take())


async def test_edits_are_noticed(session: Any) -> None:
    repo = session.repo
    repo.write("dirty before", "x")
    assert await _differences(session, lambda: repo.write("src/a.txt", "other")) == ("src/a.txt",)
    assert await _differences(session, lambda: repo.write("new\nfile", "x")) == ("new\nfile",)
    assert await _differences(session, lambda: repo.write("dirty before", "yy")) == (
        "dirty before",
    )
    assert await _differences(session, lambda: (repo.path / "README.md").unlink()) == ("README.md",)


async def test_commits_are_noticed(session: Any) -> None:
    assert await _differences(session, lambda: session.repo.commit()) == ("HEAD",)


async def test_refs_that_move_or_go_are_noticed_with_where_they_were(session: Any) -> None:
    repo = session.repo
    for name in ("side", "other", "cc4/r1/merged"):
        repo.git("branch", name)
    old = repo.head[:12]
    repo.write("README.md", "stashed")
    repo.git("stash")
    stash = repo.git("rev-parse", "refs/stash")[:12]
    assert await _differences(session, lambda: repo.git("branch", "new")) == ()
    assert await _differences(session, lambda: repo.git("branch", "-D", "side")) == (
        f"refs/heads/side (was {old})",
    )
    assert await _differences(session, lambda: repo.git("stash", "drop")) == (
        f"refs/stash (was {stash})",
    )
    assert await _differences(session, lambda: repo.git("branch", "-D", "cc4/r1/merged")) == ()


async def test_what_nothing_else_holds_is_kept_once(session: Any) -> None:
    repo, watch = session.repo, CheckoutWatch(session.private)
    only = repo.git("commit-tree", "HEAD^{tree}", "-m", "only here")
    repo.git("branch", "side", only)
    repo.git("branch", "merged")
    before = await watch.take()
    repo.git("branch", "-D", "side", "merged")
    now = await watch.take()
    [kept] = await watch.keep_lost(before, now, "r1")
    assert repo.refs("refs/cc4/saved/") == {kept: only}
    assert await watch.keep_lost(before, now, "r1") == []


async def test_ignored_files_are_not(session: Any) -> None:
    session.repo.write(".gitignore", "*.log\n")
    assert await _differences(session, lambda: session.repo.write("x.log", "x")) == ()


async def test_a_task_in_its_worktree_is_no_edit(session: Any) -> None:
    watch = CheckoutWatch(session.private)
    before = await watch.take()
    async with session.pool(size=1) as pool:
        await session.attempt(pool, lambda lease: (lease.worktree / "n").write_text("x"))
    assert before.differences(await watch.take()) == ()
    assert not [*session.private.index_dir.iterdir()]


async def test_nothing_runs(session: Any, canary: Any) -> None:
    for key in ("core.fsmonitor", "filter.evil.clean", "filter.evil.process"):
        session.repo.git("config", key, str(canary.program))
    session.repo.write(".git/info/attributes", "* filter=evil\n")
    session.repo.write("src/a.txt", "other")
    index = (session.repo.path / ".git/index").read_bytes()
    await CheckoutWatch(session.private).take()
    assert not canary.sang
    assert (session.repo.path / ".git/index").read_bytes() == index


@pytest.mark.parametrize("kind", ["bare", "worktree"])
async def test_other_kinds(
    repo: Any, open_session: Callable[..., Any], tmp_path: Path, kind: str
) -> None:
    if kind == "bare":
        repo.git("clone", "-q", "--bare", ".", str(tmp_path / "other"))
    else:
        repo.git("worktree", "add", "-q", str(tmp_path / "other"))
    session = await open_session(type(repo)(tmp_path / "other"))
    state = await CheckoutWatch(session.private).take()
    assert state.files == {}
    assert (state.head is None) == (kind == "bare")
