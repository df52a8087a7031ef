"""What a worktree holds is read while somebody works in it, and no work is written."""

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cc4tui.domain.run import AttemptRecord, RunRecord, RunStatus, TaskRunRecord, TaskRunState
from cc4tui.ports import Against, TaskChanges
from cc4tui.services.git.live_diff import compare, keep_work_so_far
from cc4tui.services.pipeline.diffs import TaskDiffs


EMPTY = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
"""What git writes for a file that is only meant to be added."""


async def test_files_of_every_kind(session: Any) -> None:
    async with session.pool(size=1) as pool:
        lease = await pool.acquire(session.name())
        tree, slot = lease.worktree, lease.slot
        base = slot.base
        tracked = next(path for path in tree.iterdir() if path.is_file() and path.name != ".git")
        tracked.write_text("other\n")
        (tree / "new file").write_text("one\ntwo\n")
        (tree / "binary").write_bytes(bytes(range(256)))
        (tree / "-n \x1b[31m\nname").write_text("hostile\n")
        os.mkfifo(tree / "pipe")
        (tree / "link").symlink_to("/etc/passwd")
        (tree / ".gitignore").write_text("secret\n")
        (tree / "secret").write_text("hidden\n")
        (tree / "nested" / ".git").mkdir(parents=True)
        (tree / "nested" / "x").write_text("x\n")
        before = _state(session)
        text = await compare(session.private, base, slot, "--patch")
        assert "+two" in text
        assert "+other" in text
        assert "+hostile" in text
        assert "+/etc/passwd" in text
        assert "Binary files /dev/null and b/binary differ" in text
        assert "hidden" not in text
        stat = await compare(session.private, base, slot, "--shortstat")
        assert "insertions(+)" in stat
        assert _state(session) == before
        tracked.unlink()
        (tree / "nested" / ".git").rmdir()
        text = await compare(session.private, base, slot, "--patch")
        assert "deleted file mode" in text
        lease.saved = True


async def test_what_the_agent_committed_counts_too(session: Any, agent_git: Any) -> None:
    async with session.pool(size=1) as pool:
        lease = await pool.acquire(session.name())
        base = lease.slot.base
        (lease.worktree / "done").write_text("committed\n")
        agent_git(lease, "add", "done")
        agent_git(lease, "commit", "-qm", "mine")
        (lease.worktree / "more").write_text("not yet\n")
        text = await compare(session.private, base, lease.slot, "--patch")
        assert "+committed" in text
        assert "+not yet" in text
        lease.saved = True


async def test_the_work_so_far_is_kept_and_nothing_of_it_is_touched(
    session: Any, agent_git: Any
) -> None:
    async with session.pool(size=1) as pool:
        lease = await pool.acquire(session.name())
        tree, slot = lease.worktree, lease.slot
        tracked = next(path for path in tree.iterdir() if path.is_file() and path.name != ".git")
        name = session.name("fork")
        assert await keep_work_so_far(slot, name) == slot.base  # nothing was done yet
        (tree / ".gitignore").write_text("secret\nforced\n")
        (tree / "forced").write_text("by the agent\n")
        agent_git(lease, "add", "-f", "forced")
        agent_git(lease, "commit", "-qm", "mine")
        (tree / "-n \x1b[31m\nname").write_text("hostile\n")
        (tree / "secret").write_text("hidden\n")
        (tree / "nested" / ".git").mkdir(parents=True)
        tracked.unlink()
        os.mkfifo(tree / "pipe")
        before = (tree / ".git").read_bytes(), slot.index.read_bytes(), sorted(tree.iterdir())
        commit = await keep_work_so_far(slot, name)
        assert before == (
            (tree / ".git").read_bytes(),
            slot.index.read_bytes(),
            sorted(tree.iterdir()),
        )
        listed = (await session.private.run(["ls-tree", "-rz", "--name-only", commit])).fields
        assert {".gitignore", "forced", "-n \x1b[31m\nname"} <= set(listed)
        assert not {"secret", "pipe", tracked.name} & set(listed)
        assert not [path for path in listed if path.startswith("nested")]
        saved = await session.repository.refs.listed(["refs/cc4/saved/"])
        assert commit in saved.values()
        lease.saved = True


async def test_from_the_first_line_to_the_merge(session: Any) -> None:
    """The same task at work, committed, and merged beside another one."""
    async with session.pool(size=2) as pool:
        merging = await pool.acquire(session.name("merge", 0))
        await session.merger.start(session.repository.head)
        other = await session.attempt(pool, lambda it: _write(it, "other"), "other")

        lease = await pool.acquire(session.name("mine"))
        branch = await session.branches.begin(lease, "r1", "mine", 1, session.repository.head)
        task = _task("mine", TaskRunState.RUNNING)
        tries = [AttemptRecord("r1", "mine", 1, "a", 1, "", "", worktree=str(lease.worktree))]
        assert (
            await TaskDiffs(session.private, _run(session), task, tries).changes(None)
        ).text == ""
        _write(lease, "mine")
        told = await TaskDiffs(session.private, _run(session), task, tries).changes(None)
        assert (told.live, told.against, told.commit) == (
            True,
            Against.START,
            session.repository.head,
        )
        assert "+mine" in told.text
        assert await TaskDiffs(session.private, _run(session), task, tries).lines() == (1, 0)

        await session.merge(other, merging, "other")
        told = await TaskDiffs(session.private, _run(session), task, tries).changes(Against.MERGED)
        assert (told.live, told.commit) == (True, session.merger.tip)
        assert "-other" in told.text

        work = await session.branches.save(lease, branch, "mine\n")
        pool.release(lease)
        task = replace(task, state=TaskRunState.MERGING, commit=work.oid)
        tries = [replace(tries[0], commit=work.oid)]
        told = await TaskDiffs(session.private, _run(session), task, tries).changes(None)
        assert (told.live, told.commit) == (False, session.repository.head)
        assert "other" not in told.text
        assert "+mine" in await TaskDiffs(session.private, _run(session), task, tries).unified()

        await session.merge(work, merging, "mine")
        task = replace(task, state=TaskRunState.MERGED, merged_as=session.merger.tip)
        for against in (None, *Against):
            told = await TaskDiffs(session.private, _run(session), task, tries).changes(against)
            assert told.against is (against or Against.MERGED)
            assert "+mine" in told.text
            assert "other" not in told.text
        merging.saved = True
    none = TaskDiffs(session.private, _run(session), _task("none", TaskRunState.PENDING))
    assert await none.changes(None) == TaskChanges("", Against.START, "")


def _write(lease: Any, name: str) -> None:
    (lease.worktree / name).write_text(f"{name}\n")


def _run(session: Any) -> RunRecord:
    head, now = session.repository.head, datetime.now(UTC)
    branch = "cc4/r1/merged"
    return RunRecord(
        "r1", "p.md", "p.md", RunStatus.RUNNING, head, branch, "main", 2, "worktree", "a", now
    )


def _task(name: str, state: TaskRunState) -> TaskRunRecord:
    return TaskRunRecord("r1", name, 0, name, "1", state)


def _state(session: Any) -> tuple[set[str], set[Path]]:
    """All objects but the empty one, and our indexes."""
    objects = (session.repository.common_dir / "objects").rglob("*")
    names = {path.parent.name + path.name for path in objects if path.is_file()}
    return names - {EMPTY}, set(session.private.index_dir.iterdir())
