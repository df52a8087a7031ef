"""What an attempt leaves is on its branch, whatever the agent did."""

import os
import shutil
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from cc4tui.errors import GitError
from cc4tui.services.git.refs import task_ref
from cc4tui.services.git.saving import UnsavableError
from cc4tui.services.git.slot import WorktreeLostError
from cc4tui.services.git.trailers import merge_message, merged_tasks


Act = Callable[[Any], object]


async def _one(session: Any, act: Act, **options: Any) -> Any:
    async with session.pool(size=2) as pool:
        return await session.attempt(pool, act, **options)


async def test_uncommitted_files_are_committed_on_the_branch(session: Any) -> None:
    def act(lease: Any) -> None:
        (lease.worktree / "new.txt").write_text("new\n")
        (lease.worktree / "src/a.txt").write_text("changed\n")
        (lease.worktree / "README.md").unlink()

    work = await _one(session, act)
    assert {(c.status, c.path) for c in work.changed} == {
        ("A", "new.txt"),
        ("M", "src/a.txt"),
        ("D", "README.md"),
    }
    assert session.repo.refs("refs/heads/cc4/") == {task_ref("r1", "t", 1): work.oid}
    assert session.repo.files(work.oid).keys() == {"new.txt", "src/a.txt"}
    assert session.repo.git("rev-parse", f"{work.oid}^") == work.base
    assert not work.notes
    session.repo.assert_sound()


async def test_author_is_the_person(session: Any) -> None:
    work = await _one(session, lambda lease: (lease.worktree / "n").write_text("x"))
    author = session.repo.git("log", "-1", "--format=%an <%ae> %cn <%ce>", work.oid)
    assert author == "Pat Person <pat@example.org> Pat Person <pat@example.org>"


async def test_nothing_changed_is_no_change(session: Any) -> None:
    work = await _one(session, lambda lease: None)
    assert work.no_change
    assert work.oid == work.base


async def test_ignored_files_are_not_kept(session: Any) -> None:
    def act(lease: Any) -> None:
        (lease.worktree / ".gitignore").write_text("*.log\n")
        (lease.worktree / "big.log").write_text("x")

    work = await _one(session, act)
    assert [c.path for c in work.changed] == [".gitignore"]


async def test_sockets_and_fifos_are_no_work(session: Any) -> None:
    def act(lease: Any) -> None:
        os.mkfifo(lease.worktree / "fifo")
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(f"/proc/self/fd/{os.open(lease.worktree, os.O_PATH)}/socket")
        (lease.worktree / "n").write_text("x")

    work = await _one(session, act)
    assert [change.path for change in work.changed] == ["n"]
    session.repo.assert_sound()


async def test_own_commits_of_the_agent_are_kept(session: Any, agent_git: Any) -> None:
    def act(lease: Any) -> None:
        (lease.worktree / "one").write_text("1")
        agent_git(lease, "add", "-A")
        agent_git(lease, "commit", "-qm", "agent's own")
        (lease.worktree / "two").write_text("2")

    work = await _one(session, act)
    subjects = session.repo.git("log", "--format=%s", f"{work.base}..{work.oid}").splitlines()
    assert subjects == ["t: leftovers", "agent's own"]
    assert work.agent_committed
    assert {c.path for c in work.changed} == {"one", "two"}


async def test_clean_commit_of_the_agent_needs_none_of_ours(session: Any, agent_git: Any) -> None:
    commits = []

    def act(lease: Any) -> None:
        (lease.worktree / "one").write_text("1")
        agent_git(lease, "add", "-A")
        agent_git(lease, "commit", "-qm", "agent's own")
        commits.append(agent_git(lease, "rev-parse", "HEAD"))

    work = await _one(session, act)
    assert work.oid == commits[0]
    assert [c.path for c in work.changed] == ["one"]


async def test_commit_and_revert_is_no_change(session: Any, agent_git: Any) -> None:
    def act(lease: Any) -> None:
        (lease.worktree / "one").write_text("1")
        agent_git(lease, "add", "-A")
        agent_git(lease, "commit", "-qm", "a")
        agent_git(lease, "revert", "--no-edit", "HEAD")

    work = await _one(session, act)
    assert work.no_change
    assert work.oid != work.base


async def test_force_added_ignored_file_of_a_commit_stays(session: Any, agent_git: Any) -> None:
    session.repo.write(".gitignore", "*.bin\n")
    base = session.repo.commit()

    def act(lease: Any) -> None:
        (lease.worktree / "x.bin").write_text("1")
        agent_git(lease, "add", "-f", "x.bin")
        agent_git(lease, "commit", "-qm", "binary")
        (lease.worktree / "more").write_text("2")

    work = await _one(session, act, base=base)
    assert {"x.bin", "more"} <= session.repo.files(work.oid).keys()


async def test_staged_content_that_differs_is_saved_apart(session: Any, agent_git: Any) -> None:
    def act(lease: Any) -> None:
        (lease.worktree / "s").write_text("staged\n")
        agent_git(lease, "add", "s")
        (lease.worktree / "s").write_text("on disk\n")

    work = await _one(session, act)
    assert session.repo.content(work.oid, "s") == b"on disk\n"
    (saved,) = work.saved_refs
    assert session.repo.content(saved, "s") == b"staged\n"
    assert any("staged" in note for note in work.notes)


async def test_ignored_file_that_was_staged_by_force_is_work(session: Any, agent_git: Any) -> None:
    session.repo.write(".gitignore", "*.bin\n")
    base = session.repo.commit()

    def act(lease: Any) -> None:
        (lease.worktree / "wanted :(top)*.bin").write_text("1")
        (lease.worktree / "other.bin").write_text("2")
        (lease.worktree / "plain").write_text("3")
        agent_git(lease, "--literal-pathspecs", "add", "-f", "wanted :(top)*.bin", "plain")

    work = await _one(session, act, base=base)
    assert {change.path for change in work.changed} == {"wanted :(top)*.bin", "plain"}
    assert not work.saved_refs


async def test_staged_file_that_was_deleted_again_is_saved_apart(
    session: Any, agent_git: Any
) -> None:
    def act(lease: Any) -> None:
        (lease.worktree / "gone").write_text("only staged")
        agent_git(lease, "add", "gone")
        (lease.worktree / "gone").unlink()

    work = await _one(session, act)
    assert work.no_change
    assert session.repo.content(work.saved_refs[0], "gone") == b"only staged"


async def test_merges_with_forged_trailers_do_not_become_history(
    session: Any, agent_git: Any
) -> None:
    """Else an agent could have other tasks skipped as done."""
    lie = merge_message(plan="p", run="r1", task="other", attempt=1, title="never done")

    def act(lease: Any) -> None:
        (lease.worktree / "n").write_text("x")
        agent_git(lease, "add", "-A")
        agent_git(lease, "commit", "-qm", "work")
        tree = agent_git(lease, "rev-parse", "HEAD^{tree}")
        forged = agent_git(
            lease, "commit-tree", tree, "-p", "HEAD", "-p", session.repository.head, "-m", lie
        )
        agent_git(lease, "reset", "-q", "--hard", forged)

    work = await _one(session, act)
    assert [change.path for change in work.changed] == ["n"]
    assert await merged_tasks(session.private, work.oid) == []
    assert any("claim to be merges" in note for note in work.notes)
    assert session.repo.git("log", "-1", "--format=%s", work.saved_refs[0]) == "other: never done"


async def test_another_branch_is_kept_and_said(session: Any, agent_git: Any) -> None:
    def act(lease: Any) -> None:
        agent_git(lease, "switch", "-q", "-c", "feature/x")
        (lease.worktree / "one").write_text("1")
        agent_git(lease, "add", "-A")
        agent_git(lease, "commit", "-qm", "on my branch")
        (lease.worktree / "two").write_text("2")

    work = await _one(session, act)
    assert {c.path for c in work.changed} == {"one", "two"}
    feature = session.repo.refs("refs/heads/feature/x")["refs/heads/feature/x"]
    assert session.repo.git("rev-parse", f"{work.oid}^") == feature
    assert any("feature/x" in note for note in work.notes)


async def test_commits_on_both_branches_are_kept(session: Any, agent_git: Any) -> None:
    own = []

    def act(lease: Any) -> None:
        (lease.worktree / "mine").write_text("1")
        agent_git(lease, "add", "-A")
        agent_git(lease, "commit", "-qm", "on the task's branch")
        own.append(agent_git(lease, "rev-parse", "HEAD"))
        agent_git(lease, "switch", "-q", "-c", "other", session.repository.head)
        (lease.worktree / "theirs").write_text("2")

    work = await _one(session, act)
    assert {c.path for c in work.changed} == {"theirs"}
    assert session.repo.git("rev-parse", work.saved_refs[0]) == own[0]


async def test_detached_head_is_kept(session: Any, agent_git: Any) -> None:
    def act(lease: Any) -> None:
        agent_git(lease, "checkout", "-q", "--detach")
        (lease.worktree / "one").write_text("1")
        agent_git(lease, "add", "-A")
        agent_git(lease, "commit", "-qm", "nowhere")

    work = await _one(session, act)
    assert [c.path for c in work.changed] == ["one"]
    assert any("detached" in note for note in work.notes)


async def test_deleted_branch_comes_back_with_its_commits(session: Any, agent_git: Any) -> None:
    def act(lease: Any) -> None:
        (lease.worktree / "one").write_text("1")
        agent_git(lease, "add", "-A")
        agent_git(lease, "commit", "-qm", "then gone")
        agent_git(lease, "update-ref", "-d", task_ref("r1", "t", 1))

    work = await _one(session, act)
    assert session.repo.git("log", "-1", "--format=%s", work.oid) == "then gone"
    assert session.repo.refs(task_ref("r1", "t", 1))
    assert any("deleted" in note for note in work.notes)


async def test_unrelated_history_keeps_files_and_saves_commits(
    session: Any, agent_git: Any
) -> None:
    def act(lease: Any) -> None:
        agent_git(lease, "checkout", "-q", "--orphan", "fresh")
        agent_git(lease, "commit", "-qm", "a new root")
        agent_git(lease, "checkout", "-q", "--detach")
        agent_git(lease, "branch", "-qD", "fresh")
        (lease.worktree / "one").write_text("1")

    work = await _one(session, act)
    assert session.repo.git("rev-parse", f"{work.oid}^") == work.base
    assert [c.path for c in work.changed] == ["one"]
    assert session.repo.git("log", "-1", "--format=%s", work.saved_refs[0]) == "a new root"


async def test_reset_to_an_older_commit_counts_as_files(session: Any, agent_git: Any) -> None:
    session.repo.write("later", "x")
    base = session.repo.commit()

    def act(lease: Any) -> None:
        agent_git(lease, "reset", "-q", "--hard", "HEAD~1")

    work = await _one(session, act, base=base)
    assert [(c.status, c.path) for c in work.changed] == [("D", "later")]
    assert session.repo.git("rev-parse", f"{work.oid}^") == base


@pytest.mark.parametrize("name", [".git", "admin"])
async def test_deleted_pointers_lose_nothing(session: Any, name: str) -> None:
    def act(lease: Any) -> None:
        (lease.worktree / "one").write_text("1")
        if name == ".git":
            (lease.worktree / ".git").unlink()
        else:
            shutil.rmtree(lease.slot.admin)

    work = await _one(session, act)
    assert [c.path for c in work.changed] == ["one"]
    assert work.notes
    session.repo.assert_sound()


async def test_a_repository_made_over_the_pointer_is_moved_aside(
    session: Any, agent_git: Any, state_dir: Path
) -> None:
    def act(lease: Any) -> None:
        (lease.worktree / ".git").unlink()
        agent_git(lease, "init", "-q")
        (lease.worktree / "one").write_text("1")
        agent_git(lease, "add", "-A")
        agent_git(lease, "commit", "-qm", "in a repository of my own")

    work = await _one(session, act)
    assert [c.path for c in work.changed] == ["one"]
    (kept,) = (state_dir / "kept").iterdir()
    assert (kept / "HEAD").exists()
    assert any(str(kept) in note for note in work.notes)


async def test_deleted_worktree_is_lost_but_its_commits_are_not(
    session: Any, agent_git: Any
) -> None:
    def act(lease: Any) -> None:
        (lease.worktree / "one").write_text("1")
        agent_git(lease, "add", "-A")
        agent_git(lease, "commit", "-qm", "before the end")
        shutil.rmtree(lease.worktree)

    with pytest.raises(WorktreeLostError, match="is lost: its folder was deleted"):
        await _one(session, act)
    oid = session.repo.refs("refs/heads/cc4/")[task_ref("r1", "t", 1)]
    assert session.repo.git("log", "-1", "--format=%s", oid) == "before the end"
    session.repo.assert_sound()


async def test_worktree_replaced_by_a_link_touches_nothing_behind_it(
    session: Any, tmp_path: Path
) -> None:
    treasure = tmp_path / "treasure"
    treasure.mkdir()
    (treasure / "gold").write_text("mine")

    def act(lease: Any) -> None:
        shutil.rmtree(lease.worktree)
        lease.worktree.symlink_to(treasure)

    with pytest.raises(WorktreeLostError):
        await _one(session, act)
    assert (treasure / "gold").read_text() == "mine"
    session.repo.assert_sound()


async def test_nested_repository_is_refused_and_its_folder_kept(
    session: Any, agent_git: Any
) -> None:
    def act(lease: Any) -> None:
        inner = lease.worktree / "inner"
        inner.mkdir()
        agent_git(lease, "init", "-q", "inner")
        (inner / "work").write_text("precious")
        agent_git(lease, "-C", "inner", "add", "-A")
        agent_git(lease, "-C", "inner", "commit", "-qm", "inside")

    pool = session.pool(size=2)
    async with pool:
        with pytest.raises(UnsavableError, match="inner"):
            await session.attempt(pool, act)
    (kept,) = pool.kept
    assert (kept.path / "inner" / "work").read_text() == "precious"
    assert "inner" in kept.why


async def test_index_lock_left_behind_stops_nobody(session: Any) -> None:
    def act(lease: Any) -> None:
        (lease.slot.admin / "index.lock").write_text("")
        (lease.worktree / "one").write_text("1")

    async with session.pool(size=1) as pool:
        await session.attempt(pool, act)
        work = await session.attempt(
            pool, lambda lease: (lease.worktree / "two").write_text("2"), task="u"
        )
    assert [c.path for c in work.changed] == ["two"]


async def test_branch_that_exists_with_other_content_is_not_reused(session: Any) -> None:
    async with session.pool(size=2) as pool:
        await session.attempt(pool, lambda lease: (lease.worktree / "one").write_text("1"))
        with pytest.raises(GitError, match="exists already"):
            await session.attempt(pool, lambda lease: None)


async def test_task_starts_from_the_given_base(
    session: Any, open_session: Callable[..., Awaitable[Any]]
) -> None:
    session.repo.write("later", "x")
    later = session.repo.commit()
    seen = []
    work = await _one(
        session, lambda lease: seen.append((lease.worktree / "later").read_text()), base=later
    )
    assert seen == ["x"]
    assert work.base == later


async def test_agents_status_is_clean_at_the_start(session: Any, agent_git: Any) -> None:
    said = []
    async with session.pool(size=1) as pool:
        for task in ("a", "b"):
            await session.attempt(
                pool,
                lambda lease: said.append(
                    (
                        agent_git(lease, "status", "--porcelain", "--ignored"),
                        agent_git(lease, "branch", "--show-current"),
                    )
                ),
                task=task,
            )
    assert said == [("", "cc4/r1/task/a/1"), ("", "cc4/r1/task/b/1")]
