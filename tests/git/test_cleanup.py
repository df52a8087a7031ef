"""At the end of a run nothing is left that the target holds, and nothing else is lost."""

from typing import Any

import pytest

from cc4tui.errors import GitError
from cc4tui.services.git.cleanup import finish_run
from cc4tui.services.git.refs import merged_ref, task_ref


async def _commit(session: Any, parent: str, text: str) -> str:
    tree = await session.private.tree_of(parent)
    return str(await session.private.commit(tree, [parent], f"{text}\n"))


async def test_what_the_target_holds_goes(session: Any) -> None:
    refs, head = session.repository.refs, session.repo.head
    inside = await _commit(session, head, "inside")
    tip = await _commit(session, inside, "tip")
    for name, oid in {
        task_ref("r1", "a", 1): inside,
        merged_ref("r1"): tip,
        task_ref("r2", "a", 1): inside,
    }.items():
        await refs.create(name, oid, "m")
    done = await finish_run(session.private, "r1", tip)
    assert set(done.deleted) == {task_ref("r1", "a", 1), merged_ref("r1")}
    assert (done.saved, done.kept) == ({}, ())
    assert [*session.repo.refs("refs/heads/cc4/")] == [task_ref("r2", "a", 1)], "another run's"
    assert not session.repo.refs("refs/cc4/")


async def test_what_it_does_not_hold_is_saved(session: Any) -> None:
    refs, head = session.repository.refs, session.repo.head
    first, second = await _commit(session, head, "1"), await _commit(session, head, "2")
    await refs.create(task_ref("r1", "a", 1), first, "m")
    await refs.create(task_ref("r1", "a", 2), second, "m")
    done = await finish_run(session.private, "r1", head)
    assert session.repo.refs("refs/heads/cc4/") == {}
    assert session.repo.refs("refs/cc4/saved/") == {
        "refs/cc4/saved/r1/a/1/1": first,
        "refs/cc4/saved/r1/a/2/1": second,
    }
    assert done.saved[task_ref("r1", "a", 2)] == "refs/cc4/saved/r1/a/2/1"


async def test_saved_twice_needs_one_ref(session: Any) -> None:
    refs, head = session.repository.refs, session.repo.head
    oid = await _commit(session, head, "1")
    await refs.create(task_ref("r1", "a", 1), oid, "m")
    await refs.create("refs/cc4/saved/r1/a/1/1", oid, "m")
    await refs.create("refs/heads/cc4/r1/agents-own", await _commit(session, head, "2"), "m")
    done = await finish_run(session.private, "r1", head)
    assert done.saved[task_ref("r1", "a", 1)] == "refs/cc4/saved/r1/a/1/1"
    assert len(session.repo.refs("refs/cc4/saved/")) == 2


async def test_what_a_person_is_to_look_at_stays(session: Any) -> None:
    refs, head = session.repository.refs, session.repo.head
    oid = await _commit(session, head, "conflict")
    for name in (task_ref("r1", "a", 1), task_ref("r1", "b", 1)):
        await refs.create(name, oid, "m")
    done = await finish_run(session.private, "r1", head, keep={task_ref("r1", "a", 1)})
    assert done.kept == (task_ref("r1", "a", 1),)
    assert session.repo.refs("refs/heads/cc4/") == {task_ref("r1", "a", 1): oid}


async def test_nothing_landed_saves_everything(session: Any) -> None:
    await session.repository.refs.create(merged_ref("r1"), session.repo.head, "m")
    done = await finish_run(session.private, "r1", None)
    assert done.saved == {merged_ref("r1"): "refs/cc4/saved/r1/merged/0/1"}


async def test_branch_of_a_worktree_by_hand_is_no_obstacle(session: Any, tmp_path: Any) -> None:
    refs, head = session.repository.refs, session.repo.head
    await refs.create(task_ref("r1", "a", 1), await _commit(session, head, "x"), "m")
    await finish_run(session.private, "r1", head)
    await finish_run(session.private, "r1", head)
    assert session.repo.refs("refs/heads/cc4/") == {}


async def test_failure_deletes_nothing(session: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    refs, head = session.repository.refs, session.repo.head
    for task in ("a", "b"):
        await refs.create(task_ref("r1", task, 1), await _commit(session, head, task), "m")
    lock = session.repository.common_dir / "packed-refs.lock"  # of a git that lives
    lock.write_text("")
    before = session.repo.refs()
    monkeypatch.setattr("cc4tui.services.git.runner.LOCK_RETRIES", 1)
    with pytest.raises(GitError):
        await finish_run(session.private, "r1", head)
    lock.unlink()
    assert session.repo.refs() == before
