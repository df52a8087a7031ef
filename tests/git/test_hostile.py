"""Traps that an agent leaves in the repository never run anything on the host."""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cc4tui.services.git.cleanup import finish_run
from cc4tui.services.git.diff import changed_files, numstat, unified_diff
from cc4tui.services.git.fingerprint import Fingerprinter
from cc4tui.services.git.landing import Refused, land
from cc4tui.services.git.landing_checkout import Refusal
from cc4tui.services.git.merging import Conflict, MergeCandidate
from cc4tui.services.git.saving import UnsavableError
from cc4tui.services.git.trailers import done_tasks, merge_message


HOOKS = [
    "applypatch-msg", "commit-msg", "fsmonitor-watchman", "post-applypatch", "post-checkout",
    "post-commit", "post-index-change", "post-merge", "post-rewrite", "pre-applypatch",
    "pre-auto-gc", "pre-commit", "pre-merge-commit", "pre-push", "pre-rebase",
    "prepare-commit-msg", "proc-receive", "push-to-checkout", "reference-transaction",
    "sendemail-validate", "update",
]  # fmt: skip

PROGRAM_KEYS = [
    "core.fsmonitor", "core.pager", "core.editor", "core.sshCommand", "core.askPass",
    "core.alternateRefsCommand", "diff.external", "diff.evil.command", "diff.evil.textconv",
    "filter.evil.clean", "filter.evil.smudge", "filter.evil.process", "merge.evil.driver",
    "gpg.program", "gpg.ssh.program", "credential.helper", "sequence.editor",
    "uploadpack.packObjectsHook", "trailer.cc4-task.command", "interactive.diffFilter",
]  # fmt: skip


def plant_config(repo: Any, canary: Any, *where: str) -> None:
    for key in PROGRAM_KEYS:
        repo.git("config", *where, key, str(canary.program))
    repo.git("config", *where, "filter.evil.required", "true")
    repo.git("config", *where, "log.showSignature", "true")
    repo.git("config", *where, "alias.status", f"!{canary.program}")
    repo.git("config", *where, "core.hooksPath", str(canary.program.parent / "hooks"))


def plant_hooks(canary: Any, *folders: Path) -> None:
    for folder in folders:
        folder.mkdir(exist_ok=True)
        for hook in HOOKS:
            shutil.copy(canary.program, folder / hook)


def attributes(lease: Any) -> None:
    (lease.worktree / ".gitattributes").write_text("* filter=evil diff=evil merge=evil text\n")


def trap_config(lease: Any, repo: Any, canary: Any) -> None:
    plant_config(repo, canary)


def trap_hooks(lease: Any, repo: Any, canary: Any) -> None:
    plant_hooks(canary, repo.path / ".git/hooks", canary.program.parent / "hooks")


def trap_attributes(lease: Any, repo: Any, canary: Any) -> None:
    plant_config(repo, canary)
    attributes(lease)
    repo.write(".git/info/attributes", "* filter=evil diff=evil merge=evil\n")


def trap_worktree_config(lease: Any, repo: Any, canary: Any) -> None:
    repo.git("config", "extensions.worktreeConfig", "true")
    plant_config(type(repo)(lease.worktree), canary, "--worktree")
    attributes(lease)


def trap_included(lease: Any, repo: Any, canary: Any) -> None:
    other = type(repo)(lease.worktree)
    other.git("config", "-f", "evil.cfg", "core.fsmonitor", str(canary.program))
    repo.git("config", "include.path", str(lease.worktree / "evil.cfg"))


def _evil_repository(repo: Any, canary: Any) -> Any:
    path = canary.program.parent / "evil"
    path.mkdir()
    evil = type(repo)(path)
    evil.git("init", "-q")
    evil.write("x", "x")
    evil.commit()
    plant_config(evil, canary)
    plant_hooks(canary, path / ".git/hooks")
    return evil


def trap_git_file(lease: Any, repo: Any, canary: Any) -> None:
    evil = _evil_repository(repo, canary)
    (lease.worktree / ".git").write_text(f"gitdir: {evil.path}/.git\n")
    attributes(lease)


def trap_git_link(lease: Any, repo: Any, canary: Any) -> None:
    evil = _evil_repository(repo, canary)
    (lease.worktree / ".git").unlink()
    (lease.worktree / ".git").symlink_to(evil.path / ".git")


def trap_commondir(lease: Any, repo: Any, canary: Any) -> None:
    evil = _evil_repository(repo, canary)
    (lease.slot.admin / "commondir").write_text(f"{evil.path}/.git\n")
    (lease.slot.admin / "gitdir").write_text(f"{evil.path}/.git\n")


def trap_head(lease: Any, repo: Any, canary: Any) -> None:
    (lease.slot.admin / "HEAD").unlink()
    (lease.slot.admin / "HEAD").symlink_to("/etc/passwd")


TRAPS = [
    trap_config, trap_hooks, trap_attributes, trap_worktree_config, trap_included, trap_git_file,
    trap_git_link, trap_commondir, trap_head,
]  # fmt: skip


@pytest.mark.parametrize("trap", TRAPS, ids=lambda trap: trap.__name__.removeprefix("trap_"))
async def test_no_trap_runs_on_the_host(
    session: Any, canary: Any, trap: Callable[[Any, Any, Any], None]
) -> None:
    repo, private = session.repo, session.private
    printer = Fingerprinter(session.repository)
    before = await printer.take()
    pool = session.pool(size=2)

    def hostile(lease: Any) -> None:
        (lease.worktree / "src/a.txt").write_text("hostile\n")
        trap(lease, repo, canary)

    def honest(lease: Any) -> None:
        (lease.worktree / "b.txt").write_text("honest\n")

    async with pool:
        base = await session.merger.start(session.repository.head)
        lease = await pool.acquire(session.name("merge"))
        for task, act in {"a": hostile, "b": honest}.items():
            work = await session.attempt(pool, act, task=task, base=base)
            message = merge_message(plan="p", run="r1", task=task, attempt=1, title=task)
            candidate = await session.merger.prepare(work.oid, message, lease)
            assert isinstance(candidate, MergeCandidate)
            await session.merger.checkout(candidate, lease)
            assert await session.merger.advance(candidate)
        rival = await session.attempt(
            pool, lambda at: (at.worktree / "src/a.txt").write_text("rival\n"), task="c", base=base
        )
        assert isinstance(await session.merge(rival, lease, "c"), Conflict)
    tip = session.merger.tip
    await changed_files(private, base, tip)
    await numstat(private, base, tip)
    assert "honest" in await unified_diff(private, base, tip)
    assert (await done_tasks(private, tip, "p")).keys() == {"a", "b"}
    planted = before.differences(await printer.take())
    landed = await land(private, tip, "main", branch=session.merger.branch, before=before)
    if planted:
        assert isinstance(landed, Refused)
        assert landed.code is Refusal.TAMPERED
    await finish_run(private, "r1", tip)
    assert not canary.sang, canary.log.read_text()
    assert not pool.kept
    assert repo.content(tip, "src/a.txt") == b"hostile\n"


async def test_nested_repository_in_a_submodules_place_runs_nothing(
    repo: Any, make_repo: Callable[..., Any], open_session: Callable[..., Any], canary: Any
) -> None:
    repo.git("submodule", "--quiet", "add", str(make_repo("inner").path), "sub")
    repo.commit("with a submodule")
    session = await open_session(repo)

    def act(lease: Any) -> None:
        inner = type(repo)(lease.worktree / "sub")
        inner.git("init", "-q")
        inner.write("precious", "x")
        inner.commit()
        plant_config(inner, canary)
        inner.write(".gitattributes", "* filter=evil\n")
        inner.write("precious", "dirty")
        (lease.worktree / "n").write_text("x")

    pool = session.pool(size=1)
    async with pool:
        with pytest.raises(UnsavableError, match="sub"):
            await session.attempt(pool, act)
    assert not canary.sang, canary.log.read_text()
    (kept,) = pool.kept
    assert (kept.path / "sub/precious").read_text() == "dirty"


async def test_fifo_in_place_of_git_files_hangs_nobody(session: Any) -> None:
    import os

    def act(lease: Any) -> None:
        for path in (
            lease.slot.admin / "HEAD",
            lease.worktree / ".git",
            lease.slot.admin / "index",
        ):
            path.unlink()
            os.mkfifo(path)
        (lease.worktree / "n").write_text("x")

    async with asyncio.timeout(30):
        async with session.pool(size=1) as pool:
            work = await session.attempt(pool, act)
    assert [change.path for change in work.changed] == ["n"]
    session.repo.assert_sound()


async def test_replaced_and_grafted_objects_fool_nobody(session: Any, agent_git: Any) -> None:
    repo = session.repo

    def act(lease: Any) -> None:
        agent_git(lease, "checkout", "-q", "--orphan", "lie")
        agent_git(lease, "commit", "-qm", "no history")
        lie = agent_git(lease, "rev-parse", "HEAD")
        fake = agent_git(
            lease, "commit-tree", f"{lie}^{{tree}}", "-p", session.repository.head, "-m", "f"
        )
        repo.git("replace", lie, fake)
        (lease.worktree / "n").write_text("x")

    async with session.pool(size=1) as pool:
        work = await session.attempt(pool, act)
    parents = repo.git("--no-replace-objects", "log", "-1", "--format=%P", work.oid)
    assert parents == session.repository.head


async def test_commits_of_an_agent_on_main_are_seen(session: Any, agent_git: Any) -> None:
    """It can move any ref; the landing notices that the target is not what it was."""

    def act(lease: Any) -> None:
        (lease.worktree / "n").write_text("x")
        tree = agent_git(lease, "write-tree")
        bad = agent_git(lease, "commit-tree", tree, "-p", session.repository.head, "-m", "on main")
        agent_git(lease, "update-ref", "refs/heads/main", bad)

    async with session.pool(size=2) as pool:
        base = await session.merger.start(session.repository.head)
        lease = await pool.acquire(session.name("merge"))
        await session.merge(await session.attempt(pool, act, base=base), lease)
    refused = await land(session.private, session.merger.tip, "main", branch=session.merger.branch)
    assert isinstance(refused, Refused)
    assert refused.code is Refusal.MOVED
