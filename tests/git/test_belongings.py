"""Copies and links that worktrees get: there for the agent, never part of its work."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cc4tui.errors import UsageError
from cc4tui.services.git.belongings import (
    PlacingError,
    excludes,
    find_belongings,
    place,
    settings_in,
)
from cc4tui.services.git.leftovers import find_leftovers, remove_leftover
from cc4tui.services.git.private import PrivateGit


@pytest.fixture
def checkout(repo: Any) -> Any:
    """The person's checkout with what git does not hold; only some of it is ignored."""
    repo.write(".gitignore", "node_modules/\n*.log\n")
    repo.commit("ignore")
    repo.write(".env", "API_KEY=abcdefgh1234\nPORT=1\n")
    repo.write("packages/one/.env", "A=1\n")
    repo.write("node_modules/left-pad/index.js", "pad")
    repo.write("odd [name]* /x.cfg", "odd")
    return repo


def test_nothing_is_looked_for_without_being_asked(tmp_path: Path) -> None:
    assert find_belongings(None, (), ()).paths == ()
    assert find_belongings(tmp_path / "missing", (), ()).paths == ()


@pytest.mark.parametrize(
    ("copy", "link", "sentence"),
    [
        ([".envv"], [], r"run.copy: there is no .envv in .*; make it, or take it out"),
        ([], ["**/.venv"], "run.link: there is no"),
        ([".env"], [".en?"], "run.copy and run.link both name .env"),
    ],
)
def test_what_is_missing_is_told_before_anything_starts(
    checkout: Any, copy: list[str], link: list[str], sentence: str
) -> None:
    with pytest.raises(UsageError, match=sentence):
        find_belongings(checkout.path, copy, link)


def test_a_bare_repository_has_nothing_to_copy() -> None:
    with pytest.raises(UsageError, match="bare"):
        find_belongings(None, [".env"], [])


def test_patterns_find_several_and_each_once(checkout: Any) -> None:
    found = find_belongings(checkout.path, [".env", "**/.env"], [])
    assert found.copies == (".env", "packages/one/.env")


def test_settings_of_copied_files_are_known(checkout: Any) -> None:
    found = settings_in(find_belongings(checkout.path, [".env"], ["node_modules"]))
    assert sorted(found.values()) == ["1", "abcdefgh1234"]


async def test_they_are_there_but_no_work(
    checkout: Any, open_session: Any, agent_git: Callable[..., str]
) -> None:
    session = await open_session(checkout)
    belongings = find_belongings(
        checkout.path, [".env", "odd [name]* /x.cfg", "packages"], ["node_modules"]
    )
    seen: dict[str, Any] = {}

    def act(lease: Any) -> None:
        tree = lease.worktree
        seen["env"] = (tree / ".env").read_text()
        seen["linked"] = (tree / "node_modules/left-pad/index.js").read_text()
        (tree / ".env").write_text("changed by the agent")
        (tree / "packages/one/new.txt").write_text("in a folder that was lent")
        (tree / "work.txt").write_text("work")

    async with session.pool(size=1) as pool:
        for number in range(2):
            lease = await pool.acquire(session.name(str(number)))
            await place(lease.slot, belongings)
            branch = await session.branches.begin(
                lease, "r1", str(number), 1, session.repository.head
            )
            act(lease)
            work = await session.branches.save(lease, branch, "work\n")
            pool.release(lease)
            assert seen == {"env": "API_KEY=abcdefgh1234\nPORT=1\n", "linked": "pad"}
            assert [change.path for change in work.changed] == ["work.txt"]
            assert work.saved_refs == ()
    assert (checkout.path / "node_modules/left-pad/index.js").read_text() == "pad"
    assert (checkout.path / ".env").read_text().startswith("API_KEY")
    checkout.assert_sound()


async def test_an_agent_that_commits_everything_does_not_commit_them(
    checkout: Any, open_session: Any, monkeypatch: pytest.MonkeyPatch, agent_git: Any, person: Path
) -> None:
    (person / ".config/git").mkdir(parents=True)
    (person / ".config/git/ignore").write_text("*.mine\n")
    session = await open_session(checkout)
    belongings = find_belongings(checkout.path, ["odd [name]* /x.cfg", ".env"], ["node_modules"])

    async with session.pool(size=1) as pool:
        lease = await pool.acquire(session.name())
        await place(lease.slot, belongings)
        branch = await session.branches.begin(lease, "r1", "t", 1, session.repository.head)
        hidden = excludes(lease.slot, session.repository)
        monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
        monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.excludesFile")
        monkeypatch.setenv("GIT_CONFIG_VALUE_0", str(hidden))
        (lease.worktree / "work.txt").write_text("work")
        (lease.worktree / "note.mine").write_text("ignored by the person's own file")
        agent_git(lease, "add", "-A")
        agent_git(lease, "commit", "-qm", "everything")
        work = await session.branches.save(lease, branch, "work\n")
        assert work.agent_committed
        assert [change.path for change in work.changed] == ["work.txt"]
        assert work.notes == ()
        pool.release(lease)


async def test_a_secret_that_was_committed_by_force_stays_out_of_the_branch(
    checkout: Any, open_session: Any, agent_git: Any
) -> None:
    session = await open_session(checkout)
    belongings = find_belongings(checkout.path, [".env"], [])

    def act(lease: Any) -> None:
        (lease.worktree / "work.txt").write_text("work")
        agent_git(lease, "add", "-f", ".env", "work.txt")
        agent_git(lease, "commit", "-qm", "with the secret")
        agent_git(lease, "rm", "-q", "--cached", ".env")
        agent_git(lease, "commit", "-qm", "without it, but history knows")

    async with session.pool(size=1) as pool:
        lease = await pool.acquire(session.name())
        await place(lease.slot, belongings)
        branch = await session.branches.begin(lease, "r1", "t", 1, session.repository.head)
        act(lease)
        work = await session.branches.save(lease, branch, "work\n")
        pool.release(lease)
    assert [change.path for change in work.changed] == ["work.txt"]
    assert not work.agent_committed
    assert "hold .env, which was only lent to the worktree" in work.notes[0]
    assert len(work.saved_refs) == 1
    reachable = checkout.git("log", "--format=", "--name-only", work.oid)
    assert ".env" not in reachable.splitlines()


async def test_what_git_tracks_is_left_alone(checkout: Any, open_session: Any) -> None:
    checkout.write("tracked.cfg", "from the commit")
    checkout.commit("more")
    checkout.write("tracked.cfg", "edited in the checkout")
    session = await open_session(checkout)
    async with session.pool(size=1) as pool:
        lease = await pool.acquire(session.name())
        await place(lease.slot, find_belongings(checkout.path, ["tracked.cfg"], ["src"]))
        assert (lease.worktree / "tracked.cfg").read_text() == "from the commit"
        assert not (lease.worktree / "src").is_symlink()
        pool.release(lease)


async def test_a_link_in_a_commit_leads_nobody_out_of_the_worktree(
    checkout: Any, open_session: Any, tmp_path: Path
) -> None:
    checkout.write("config/local.env", "A=1")
    belongings = find_belongings(checkout.path, ["config/local.env"], [])
    (checkout.path / "config/local.env").rename(tmp_path / "aside")
    (checkout.path / "config").rmdir()
    outside = tmp_path / "outside"
    outside.mkdir()
    (checkout.path / "config").symlink_to(outside)
    checkout.git("add", "config")
    checkout.git("commit", "-qm", "a link")
    (checkout.path / "config").unlink()
    (checkout.path / "config").mkdir()
    (tmp_path / "aside").rename(checkout.path / "config/local.env")
    session = await open_session(checkout)
    async with session.pool(size=1) as pool:
        lease = await pool.acquire(session.name())
        with pytest.raises(PlacingError, match="leads out of the worktree"):
            await place(lease.slot, belongings)
        lease.saved = True
        pool.release(lease)
    assert list(outside.iterdir()) == []


async def test_after_a_crash_they_are_not_taken_for_work(
    checkout: Any, open_session: Any, state_dir: Path
) -> None:
    session = await open_session(checkout)
    pool = session.pool(size=1)
    await pool.__aenter__()
    lease = await pool.acquire(session.name())
    await place(lease.slot, find_belongings(checkout.path, [".env"], ["node_modules"]))
    await session.branches.begin(lease, "r1", "t", 1, session.repository.head)
    again = PrivateGit(session.repository, state_dir)  # another process: it knows only the disk
    await again.prepare()
    [leftover] = find_leftovers(again)
    assert await remove_leftover(again, leftover) is None
    assert not [*(state_dir / "index").glob("slot*")]
    pool._slots.clear()
    await pool.__aexit__(None, None, None)
