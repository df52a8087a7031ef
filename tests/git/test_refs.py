"""Refs move by compare-and-swap only."""

import asyncio
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from cc4tui.errors import GitError
from cc4tui.services.git.refs import AttemptName, merged_ref, next_number, task_ref, tip_ref


async def test_names() -> None:
    assert merged_ref("r1") == "refs/heads/cc4/r1/merged"
    assert task_ref("r1", "t-1", 2) == "refs/heads/cc4/r1/task/t-1/2"
    assert AttemptName.of(task_ref("r1", "t-1", 2)) == AttemptName("r1", "t-1", 2)
    for other in (None, "", "refs/heads/main", merged_ref("r1"), "refs/heads/cc4/r1/task/t/x"):
        assert AttemptName.of(other) is None
    assert next_number("p/", ["p/1", "p/x", "q/9", "p/3"]) == "p/4"


async def test_create_and_move(session: Any) -> None:
    refs, first = session.repository.refs, session.repo.head
    second, third = session.repo.commit("second"), session.repo.commit("third")
    name = merged_ref("r1")
    assert await refs.value(name) is None
    assert await refs.create(name, first, "m")
    assert await refs.create(name, first, "m"), "the same again is done already"
    assert not await refs.create(name, second, "m")
    assert not await refs.move(name, third, second, "m")
    assert await refs.move(name, second, first, "m")
    assert await refs.move(name, second, first, "m"), "a repeated effect counts as done"
    assert await refs.value(name) == second


async def test_a_branch_begins_where_the_integration_branch_is(
    session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo, refs, name = session.repo, session.repository.refs, task_ref("r1", "t", 1)
    tip, second = repo.head, repo.commit("second")
    await refs.create(merged_ref("r1"), tip, "m")
    with monkeypatch.context() as patch:
        patch.setattr(refs, "create", None)  # no git is asked
        assert await refs.begin(name, tip, "m", like=merged_ref("r1"))
    assert repo.refs(name) == {name: tip}
    (repo.path / ".git" / name).write_text(f"{second}\n")  # as go-git and isomorphic-git commit
    assert repo.refs("refs/heads/cc4/") == {name: second, merged_ref("r1"): tip}
    assert not list((repo.path / ".git/refs").rglob("*.lock"))
    repo.assert_sound()


async def test_a_ref_of_zeros_is_none(session: Any) -> None:
    repo, refs, name = session.repo, session.repository.refs, task_ref("r1", "t", 1)
    repo.git("update-ref", name, repo.head)
    (repo.path / ".git" / name).write_text(f"{refs.zero}\n")
    assert await refs.value(name) is None


@pytest.mark.parametrize("packed", ["", "file", "link"])
async def test_a_branch_that_is_there_does_not_begin_again(session: Any, packed: str) -> None:
    repo, refs, name = session.repo, session.repository.refs, task_ref("r1", "t", 1)
    tip, other = repo.head, repo.commit("other")
    await refs.create(merged_ref("r1"), tip, "m")
    repo.git("update-ref", name, other)
    if packed:
        repo.git("pack-refs", "--all")
        repo.git("update-ref", merged_ref("r1"), other)
        repo.git("update-ref", merged_ref("r1"), tip)  # a file of its own again
    if packed == "link":  # as git-new-workdir makes it
        (repo.path / ".git/packed-refs").rename(repo.path / ".git/packed")
        (repo.path / ".git/packed-refs").symlink_to("packed")
    assert not await refs.begin(name, tip, "m", like=merged_ref("r1"))
    assert await refs.value(name) == other
    assert await refs.begin(name, other, "m", like=merged_ref("r1")), "done already"
    repo.assert_sound()


async def test_a_branch_begins_where_the_integration_branch_is_not(session: Any) -> None:
    repo, refs = session.repo, session.repository.refs
    first, second = repo.head, repo.commit("second")
    await refs.create(merged_ref("r1"), second, "m")
    assert await refs.begin(task_ref("r1", "a", 1), first, "m", like=merged_ref("r1"))
    repo.git("pack-refs", "--all")
    assert await refs.begin(task_ref("r1", "b", 1), second, "m", like=merged_ref("r1"))
    made = repo.refs("refs/heads/cc4/r1/task/")
    assert made == {task_ref("r1", "a", 1): first, task_ref("r1", "b", 1): second}
    repo.assert_sound()


async def test_race_has_one_winner(session: Any) -> None:
    refs, first = session.repository.refs, session.repo.head
    commits = [session.repo.commit(f"c{number}") for number in range(6)]
    name = merged_ref("r1")
    await refs.create(name, first, "m")
    won = await asyncio.gather(*(refs.move(name, commit, first, "m") for commit in commits))
    assert sum(won) == 1
    assert await refs.value(name) == commits[won.index(True)]


async def test_a_planted_symbolic_ref_does_not_move_its_target(session: Any) -> None:
    repo, refs = session.repo, session.repository.refs
    first, name = repo.head, task_ref("r1", "t", 1)
    repo.git("symbolic-ref", name, "refs/heads/main")
    tree = await session.private.tree_of(first)
    new = await session.private.commit(tree, [first], "x\n")
    assert await refs.move(name, new, first, "m")
    assert repo.head == first
    assert await refs.value(name) == new


async def test_following_moves_the_target(session: Any) -> None:
    repo, refs = session.repo, session.repository.refs
    first = repo.head
    repo.git("symbolic-ref", "refs/heads/alias", "refs/heads/other")
    repo.git("update-ref", "refs/heads/other", first)
    tree = await session.private.tree_of(first)
    new = await session.private.commit(tree, [first], "x\n")
    assert await refs.move("refs/heads/alias", new, first, "m", follow=True)
    assert repo.refs("refs/heads/other")["refs/heads/other"] == new


async def test_transaction_is_all_or_nothing(session: Any) -> None:
    repo, refs = session.repo, session.repository.refs
    first = repo.head
    for task in ("a", "b"):
        await refs.create(task_ref("r1", task, 1), first, "m")
    second = repo.commit("second")
    await refs.move(task_ref("r1", "b", 1), second, first, "m")
    both = {task_ref("r1", task, 1): first for task in ("a", "b")}
    with pytest.raises(GitError):
        await refs.transaction(delete=both, create={"refs/cc4/saved/x/1": first})
    assert len(repo.refs("refs/heads/cc4/")) == 2
    assert not repo.refs("refs/cc4/")
    await refs.transaction(
        delete=repo.refs("refs/heads/cc4/"), create={"refs/cc4/saved/x/1": first}
    )
    assert list(repo.refs("refs/heads/cc4/", "refs/cc4/")) == ["refs/cc4/saved/x/1"]
    await refs.transaction()


async def test_values_takes_names_literally(session: Any) -> None:
    refs = session.repository.refs
    assert await refs.values(["refs/heads/*", "refs/heads/ma", "refs/heads/main"]) == {
        "refs/heads/main": session.repo.head
    }
    assert await refs.values(["refs/heads", "refs"]) == {}


async def test_effect_of_a_call_that_was_killed_afterwards_counts(
    session: Any, tmp_path: Path
) -> None:
    _wrap_git(session, tmp_path, after="update-ref")
    assert await session.repository.refs.create(merged_ref("r1"), session.repo.head, "m")


async def test_lock_of_a_call_that_was_killed_is_freed(session: Any, tmp_path: Path) -> None:
    refs, name, head = session.repository.refs, merged_ref("r1"), session.repo.head
    lock = session.repository.common_dir / f"{name}.lock"
    restore = _wrap_git(session, tmp_path, before="update-ref", leaving=lock)
    with pytest.raises(GitError):
        await refs.create(name, head, "m")
    restore()
    assert not lock.exists()
    assert await refs.create(name, head, "m")


async def test_lock_that_a_dead_process_left_on_our_ref_is_taken_away(session: Any) -> None:
    refs, name, head = session.repository.refs, merged_ref("r1"), session.repo.head
    await refs.create(name, head, "m")
    lock = session.repository.common_dir / f"{name}.lock"
    for write in (
        lambda: refs.move(name, head, head, "m", also=tip_ref("r1")),
        lambda: refs.transaction(delete={name: head}),
    ):
        lock.touch()
        await write()
        assert not lock.exists()


def _wrap_git(
    session: Any, tmp_path: Path, before: str = "", after: str = "", leaving: Path | None = None
) -> Any:
    """A git that is killed before or after the work of one subcommand."""
    real = session.repository.runner.program
    wrapper = tmp_path / "wrapped-git"
    left = f'mkdir -p "{leaving.parent}"; touch "{leaving}";' if leaving else ""
    wrapper.write_text(
        f'#!/bin/sh\ncase " $* " in *" {before or "none"} "*) {left} kill -9 $$;; esac\n'
        f'"{real}" "$@"; rc=$?\n'
        f'case " $* " in *" {after or "none"} "*) kill -9 $$;; esac\nexit $rc\n'
    )
    wrapper.chmod(wrapper.stat().st_mode | stat.S_IXUSR)
    session.repository.runner.program = os.fspath(wrapper)

    def restore() -> None:
        session.repository.runner.program = real

    return restore
