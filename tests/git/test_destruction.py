"""The audit of everything that deletes: each place is known, and what proves it is named.

A place that is new here fails until somebody says why nothing can be lost there.
"""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cc4tui.errors import GitError
from cc4tui.services.git.cleanup import finish_run
from cc4tui.services.git.leftovers import find_leftovers, remove_leftover
from cc4tui.services.git.refs import Refs
from cc4tui.services.git.saving import keep_commit


ROOT = Path(__file__).parents[2]
CALLS = {"rmtree", "unlink", "rmdir", "rename"}
WORDS = {
    "clean", "remove", "--hard", "--reset", "-D", "--prune", "prune", "gc", "checkout-index",
    "--force", "-f", "checkout", "stash", "reset", "delete",
}  # fmt: skip

SCRATCH = {
    ("files.py", "write_atomic"), ("private.py", "passing_index"), ("private.py", "_init"),
    ("occupied.py", "end"),  # its own lock
    ("interrupted.py", "end_landing"), ("slot.py", "read_again"),
    ("refs.py", "_write_new"),  # its own lock
    ("slot_life.py", "_make_folders"),  # `rmdir` of what it made
    ("checkout_watch.py", "take"),  # the name of an index
    ("saving.py", "_add_forced"),  # `add -f`
    ("known_limits.py", "forget"),  # what an earlier run met, and only that
    ("terminals_left.py", "forget_terminals"),  # folders of sockets and pids, saved before
    ("plan_copies.py", "withdraw"),  # a copy of the plan that was not taken over
    # `read-tree --reset` without `-u`: an index of ours, no file
    ("saving.py", "snapshot"), ("leftovers.py", "_know_what_is_tracked"), ("live_diff.py", "_tree"),
}  # fmt: skip
"""Files that we made ourselves a moment before, such as indexes in the state folder."""

PROOFS = {
    ("belongings.py", "_make_room"): ["test_what_git_tracks_is_left_alone"],
    ("interrupted.py", "_has_room"): [
        "test_a_folder_with_something_of_the_persons_is_not_replaced"
    ],
    ("interrupted.py", "put_back"): ["test_what_the_person_did_meanwhile_stays_byte_equal"],
    ("person_checkout.py", "check_out"): ["test_what_the_person_did_meanwhile_stays_byte_equal"],
    ("locks.py", "free_unchanged"): ["test_a_lock_of_our_dead_git_is_removed_and_no_other"],
    ("slot.py", "free_index"): ["test_index_lock_left_behind_stops_nobody"],
    ("slot.py", "repair_admin"): ["test_index_lock_left_behind_stops_nobody"],
    ("slot.py", "_move_away"): ["test_a_folder_in_place_of_a_file_of_git_is_moved_aside"],
    ("slot.py", "purge_admin"): ["test_commits_on_both_branches_are_kept"],
    ("slot.py", "reset_to"): ["test_unsaved_work_is_saved_when_a_lease_is_released"],
    ("slot.py", "clean"): ["test_unsaved_work_is_saved_when_a_lease_is_released"],
    ("slot_life.py", "_delete_special_files"): ["test_sockets_and_fifos_are_no_work"],
    ("slot_life.py", "_drop_link"): ["test_worktree_replaced_by_a_link_touches_nothing_behind_it"],
    ("slot_life.py", "_remove"): ["test_unsaved_work_is_saved_when_the_pool_closes"],
    ("slot_life.py", "_delete_files"): ["test_damage_loses_no_file"],
    ("slot_life.py", "delete"): ["test_worktree_replaced_by_a_link_touches_nothing_behind_it"],
    ("submodules.py", "empty_submodules"): [
        "test_nested_repository_in_a_submodules_place_runs_nothing"
    ],
    ("restoring.py", "open_worktree"): [
        "test_a_worktree_is_opened_without_anything_of_the_repository_running"
    ],
    ("refs.py", "transaction"): ["test_what_it_does_not_hold_is_saved"],
    ("remnants.py", "_remove_files"): [
        "test_files_of_worktrees_that_are_gone_go_and_those_of_others_stay"
    ],
    ("cleanup.py", "_finish_run"): ["test_failure_deletes_nothing"],
    ("terminals_left.py", "forget_terminals"): [
        "test_a_shell_ends_with_the_app_and_what_was_changed_is_saved"
    ],
}
"""What destroys something that is not ours, and the tests that prove that nothing gets lost."""


def _sites() -> Iterator[tuple[str, str]]:
    """Functions that delete, overwrite or move away."""
    files = [*ROOT.glob("services/git/*.py"), *ROOT.glob("services/pipeline/*.py")]
    for file in [*files, *ROOT.glob("services/*.py")]:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _destroys(node):
                yield file.name, node.name


def _destroys(function: ast.AST) -> bool:
    for node in ast.walk(function):
        if isinstance(node, ast.Attribute) and node.attr in CALLS:
            return True
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in WORDS:
            return True
        if isinstance(node, ast.keyword) and node.arg == "delete":
            return True
    return "delete " in ast.unparse(function).split('"""')[-1]


def test_every_place_that_destroys_is_known() -> None:
    known = SCRATCH | PROOFS.keys()
    assert set(_sites()) == known


def test_every_proof_exists() -> None:
    text = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    wanted = {name for names in PROOFS.values() for name in names}
    assert {name for name in wanted if f"def {name}(" not in text} == set()


async def test_a_folder_in_place_of_a_file_of_git_is_moved_aside(session: Any) -> None:
    """What an agent put into its place may be the only copy of something."""

    def act(lease: Any) -> None:
        for name in ("HEAD", "index"):
            (lease.slot.admin / name).unlink()
            (lease.slot.admin / name).mkdir()
            (lease.slot.admin / name / "precious").write_text("x")
        (lease.worktree / "n").write_text("x")

    async with session.pool(size=1) as pool:
        work = await session.attempt(pool, act)
    assert [change.path for change in work.changed] == ["n"]
    kept = [path.parent.name for path in session.private.kept_dir.rglob("precious")]
    assert sorted(kept) == ["slot-1-HEAD-1", "slot-1-index-1"]


@pytest.mark.parametrize("how", ["empty", "fails"])
async def test_a_listing_that_is_empty_or_fails_deletes_nothing(
    session: Any, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    async with session.pool(size=2) as pool:
        base = await session.merger.start(session.repository.head)
        await session.attempt(pool, lambda at: (at.worktree / "a").write_text("x"), base=base)
    before = session.repo.refs()

    async def listed(self: Refs, patterns: Any, *options: str) -> dict[str, str]:
        if how == "fails":
            raise GitError("for-each-ref", 128, "no")
        return {}

    with monkeypatch.context() as patch:
        patch.setattr(Refs, "listed", listed)
        if how == "fails":
            with pytest.raises(GitError):
                await finish_run(session.private, "r1", base)
        else:
            assert (await finish_run(session.private, "r1", base)).deleted == ()
    assert session.repo.refs() == before


async def test_an_empty_list_of_what_the_target_holds_saves_everything(
    session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--merged` that came back empty must not be taken for "nothing needs saving"."""
    async with session.pool(size=2) as pool:
        base = await session.merger.start(session.repository.head)
        work = await session.attempt(
            pool, lambda at: (at.worktree / "a").write_text("x"), base=base
        )
    real = Refs.listed

    async def listed(self: Refs, patterns: Any, *options: str) -> Any:
        return (
            {}
            if any("--merged" in option for option in options)
            else await real(self, patterns, *options)
        )

    monkeypatch.setattr(Refs, "listed", listed)
    done = await finish_run(session.private, "r1", work.oid)
    assert set(session.repo.refs("refs/cc4/saved/").values()) >= {work.oid}
    assert set(done.saved) == set(done.deleted)


async def test_age_plays_no_part(session: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work of 1971 is kept like that of today: saved refs, and worktrees that a crash left."""
    import os

    repo = session.repo
    monkeypatch.setenv("GIT_COMMITTER_DATE", "1971-01-01T00:00:00Z")
    monkeypatch.setenv("GIT_AUTHOR_DATE", "1971-01-01T00:00:00Z")
    old = repo.git("commit-tree", repo.git("write-tree"), "-m", "old")
    ref = await keep_commit(session.repository.refs, session.name(), old)
    pool = session.pool(size=1)
    await pool.__aenter__()
    lease = await pool.acquire(session.name("t"))
    await session.branches.begin(lease, "r1", "t", 1, session.repository.head)
    file = lease.worktree / "precious"
    file.write_text("x")
    for path in (file, lease.worktree, lease.slot.admin):
        os.utime(path, (86400, 86400))
    [leftover] = [it for it in find_leftovers(session.private) if it.path == lease.worktree]
    saved = await remove_leftover(session.private, leftover)
    assert saved is not None
    assert repo.content(saved, "precious") == b"x"
    await finish_run(session.private, "r1", None)
    assert repo.refs(ref)[ref] == old
    assert saved in repo.refs()
    await pool.__aexit__(None, None, None)
