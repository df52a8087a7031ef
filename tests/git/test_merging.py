"""The integration branch: merge commits made without a checkout, moved by compare-and-swap."""

import asyncio
from typing import Any

import pytest

from cc4tui.errors import GitError
from cc4tui.services.git.merging import Conflict, MergeCandidate
from cc4tui.services.git.refs import merged_ref
from cc4tui.services.git.trailers import merge_message
from cc4tui.services.git.tree_edit import FileEdit


def _writes(**files: str) -> Any:
    def act(lease: Any) -> None:
        for name, text in files.items():
            path = lease.worktree / name.replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    return act


MESSAGE = merge_message(plan="p.md", run="r1", task="t", attempt=1, title="T")


async def test_each_task_is_one_merge_commit(session: Any) -> None:
    async with session.pool() as pool:
        base = await session.merger.start(session.repository.head)
        lease = await pool.acquire(session.name("merge"))
        for task in ("a", "b"):
            work = await session.attempt(pool, _writes(**{task: task}), task=task, base=base)
            await session.merge(work, lease, task)
    repo, tip = session.repo, session.merger.tip
    assert repo.refs(merged_ref("r1")) == {merged_ref("r1"): tip}
    assert repo.git("log", "--first-parent", "--format=%s", tip).splitlines() == [
        "b: b",
        "a: a",
        "first",
    ]
    assert repo.git("log", "--merges", "--format=%P", tip).count(" ") == 2
    assert {"a", "b", "README.md"} <= repo.files(tip).keys()
    repo.assert_sound()


async def test_merge_of_the_same_file_in_different_places(session: Any) -> None:
    async with session.pool() as pool:
        base = await session.merger.start(session.repository.head)
        lease = await pool.acquire(session.name("merge"))
        for task, text in {"a": "ONE\ntwo\nthree\n", "b": "one\ntwo\nthree\nfour\n"}.items():
            work = await session.attempt(pool, _writes(src__a_txt=text), task=task, base=base)
            assert work.changed
            work = await session.attempt(
                pool,
                lambda lease, text=text: (lease.worktree / "src/a.txt").write_text(text),
                task=task,
                base=base,
                attempt=2,
            )
            await session.merge(work, lease, task)
    assert session.repo.content(session.merger.tip, "src/a.txt") == b"ONE\ntwo\nthree\nfour\n"


async def test_conflict_names_files_and_tasks_and_moves_nothing(session: Any) -> None:
    async with session.pool() as pool:
        base = await session.merger.start(session.repository.head)
        lease = await pool.acquire(session.name("merge"))
        for task, files in {
            "1.1": {"same": "a"},
            "other": {"else": "b"},
            "1.2": {"also [x]*\n": "c", "clean": "c"},
        }.items():
            await session.merge(
                await session.attempt(pool, _writes(**files), task=task, base=base), lease, task
            )
        before = session.merger.tip
        work = await session.attempt(
            pool, _writes(**{"same": "z", "also [x]*\n": "z", "fine": "z"}), task="late", base=base
        )
        conflict = await session.merge(work, lease, "late")
    assert conflict == Conflict(("also [x]*\n", "same"), ("1.1", "1.2"))
    assert session.repo.refs(merged_ref("r1"))[merged_ref("r1")] == before
    session.repo.assert_sound()


async def test_a_commit_that_is_gone_is_no_conflict(session: Any) -> None:
    async with session.pool() as pool:
        base = await session.merger.start(session.repository.head)
        lease = await pool.acquire(session.name("merge"))
        session.merger.tip = "1" * len(base)
        work = await session.attempt(pool, _writes(a="a"), base=base)
        with pytest.raises(GitError):
            await session.merger.prepare(work.oid, MESSAGE, lease)


async def test_conflict_with_a_deletion(session: Any) -> None:
    async with session.pool() as pool:
        base = await session.merger.start(session.repository.head)
        lease = await pool.acquire(session.name("merge"))
        work = await session.attempt(
            pool, lambda at: (at.worktree / "src/a.txt").unlink(), task="a", base=base
        )
        await session.merge(work, lease, "a")
        work = await session.attempt(
            pool,
            lambda at: (at.worktree / "src/a.txt").write_text("changed\n"),
            task="b",
            base=base,
        )
        assert await session.merge(work, lease, "b") == Conflict(("src/a.txt",), ("a",))


async def test_union_of_the_targets_attributes_counts(session: Any) -> None:
    session.repo.write(".gitattributes", "CHANGES merge=union\n")
    session.repo.write("CHANGES", "start\n")
    base = session.repo.commit()
    async with session.pool() as pool:
        await session.merger.start(base)
        lease = await pool.acquire(session.name("merge"))
        for task in ("a", "b", "c"):
            work = await session.attempt(
                pool, _writes(CHANGES=f"start\n{task}\n"), task=task, base=base
            )
            assert isinstance(await session.merge(work, lease, task), MergeCandidate)
    lines = session.repo.content(session.merger.tip, "CHANGES").decode().split()
    assert sorted(lines) == ["a", "b", "c", "start"]


async def test_checks_see_exactly_the_merged_tree(session: Any, agent_git: Any) -> None:
    async with session.pool() as pool:
        base = await session.merger.start(session.repository.head)
        lease = await pool.acquire(session.name("merge"))
        for task in ("a", "b"):
            work = await session.attempt(pool, _writes(**{task: task}), task=task, base=base)
            candidate = await session.merger.prepare(work.oid, MESSAGE, lease)
            await session.merger.checkout(candidate, lease)
            assert agent_git(lease, "status", "--porcelain", "--ignored") == ""
            assert agent_git(lease, "rev-parse", "HEAD") == candidate.new
            (lease.worktree / "README.md").write_text("made by a check")
            (lease.worktree / "build").mkdir()
            (lease.worktree / "build" / ".gitattributes").write_text("* -merge\n")
            assert await session.merger.advance(candidate)
    files = session.repo.files(session.merger.tip)
    assert files.keys() == {"README.md", "src/a.txt", "a", "b"}
    assert not session.repo.refs("refs/cc4/saved/"), "what checks leave behind is nobody's work"


async def test_only_one_of_two_candidates_gets_in(session: Any) -> None:
    async with session.pool() as pool:
        base = await session.merger.start(session.repository.head)
        lease = await pool.acquire(session.name("merge"))
        works = [
            await session.attempt(pool, _writes(**{task: task}), task=task, base=base)
            for task in ("a", "b")
        ]
        first, second = [await session.merger.prepare(work.oid, MESSAGE, lease) for work in works]
        won = await asyncio.gather(session.merger.advance(first), session.merger.advance(second))
        assert sorted(won) == [False, True]
        loser = works[won.index(False)]
        again = await session.merger.prepare(
            loser.oid, MESSAGE, lease, base=loser.base, tree=loser.tree
        )
        assert await session.merger.advance(again)
    assert {"a", "b"} <= session.repo.files(session.merger.tip).keys()


async def test_edit_joins_the_merge_commit(session: Any) -> None:
    session.repo.write("plans/deep/p.md", b"- [ ] a\r\n- [ ] b\r\n")
    (session.repo.path / "plans/deep/p.md").chmod(0o755)
    base = session.repo.commit()

    def tick(data: bytes) -> bytes:
        return data.replace(b"[ ] a", b"[x] a")

    async with session.pool() as pool:
        await session.merger.start(base)
        lease = await pool.acquire(session.name("merge"))
        work = await session.attempt(pool, _writes(n="n"), base=base)
        candidate = await session.merger.prepare(
            work.oid,
            MESSAGE,
            lease,
            base=work.base,
            tree=work.tree,
            edit=FileEdit("plans/deep/p.md", tick),
        )
        await session.merger.advance(candidate)
    repo = session.repo
    assert repo.content(candidate.new, "plans/deep/p.md") == b"- [x] a\r\n- [ ] b\r\n"
    assert repo.files(candidate.new)["plans/deep/p.md"].startswith("100755")
    assert repo.git("diff", "--name-only", work.oid, candidate.new) == "plans/deep/p.md"
    repo.assert_sound()


@pytest.mark.parametrize("path", ["none.md", "plans/none.md", "src", "no\nsuch/x", "README.md/x"])
async def test_edit_of_what_is_no_file_changes_nothing(session: Any, path: str) -> None:
    async with session.pool() as pool:
        base = await session.merger.start(session.repository.head)
        lease = await pool.acquire(session.name("merge"))
        work = await session.attempt(pool, _writes(n="n"))
        edit = FileEdit(path, lambda data: data + b"x")
        candidate = await session.merger.prepare(
            work.oid, MESSAGE, lease, base=base, tree=work.tree, edit=edit
        )
    assert candidate.tree == work.tree


async def test_edit_in_a_sha256_repository_with_an_odd_name(
    make_repo: Any, open_session: Any
) -> None:
    repo = make_repo("r", "--object-format=sha256")
    repo.write("plän e\n/p.md", "old")
    repo.commit()
    session = await open_session(repo)
    async with session.pool() as pool:
        base = await session.merger.start(session.repository.head)
        lease = await pool.acquire(session.name("merge"))
        work = await session.attempt(pool, _writes(n="n"))
        edit = FileEdit("plän e\n/p.md", lambda data: b"new")
        candidate = await session.merger.prepare(work.oid, MESSAGE, lease, base=base, edit=edit)
        await session.merger.advance(candidate)
    assert repo.content(candidate.new, "plän e\n/p.md") == b"new"
    repo.assert_sound()


async def test_tip_of_a_target_that_moved_is_merged(session: Any) -> None:
    async with session.pool() as pool:
        base = await session.merger.start(session.repository.head)
        lease = await pool.acquire(session.name("merge"))
        await session.merge(await session.attempt(pool, _writes(n="n"), base=base), lease)
        session.repo.write("by-hand", "x")
        moved = session.repo.commit("by hand")
        candidate = await session.merger.prepare(moved, "Merge main\n", lease)
        assert await session.merger.advance(candidate)
    assert {"n", "by-hand"} <= session.repo.files(session.merger.tip).keys()
    session.repo.git("merge-base", "--is-ancestor", moved, session.merger.tip)


async def test_start_goes_on_with_the_branch_that_is_there(session: Any) -> None:
    async with session.pool() as pool:
        base = await session.merger.start(session.repository.head)
        lease = await pool.acquire(session.name("merge"))
        await session.merge(await session.attempt(pool, _writes(n="n"), base=base), lease)
        tip = session.merger.tip
        assert await session.merger.start(base) == tip


async def test_unknown_integration_branch_is_said(session: Any) -> None:
    with pytest.raises(GitError, match="integration branch was deleted"):
        await session.merger.refresh()
