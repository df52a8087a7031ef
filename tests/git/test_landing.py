"""Landing takes exactly what `git merge --ff-only` would take, and leaves everything else alone."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cc4tui.services.git.fingerprint import Fingerprinter
from cc4tui.services.git.landing import Landed, Refused, land
from cc4tui.services.git.landing_checkout import Refusal


async def _run_one(session: Any, files: dict[str, str | bytes]) -> str:
    """A run with one task that writes these files; the integration tip."""

    def act(lease: Any) -> None:
        for name, data in files.items():
            path = lease.worktree / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data.encode() if isinstance(data, str) else data)

    async with session.pool() as pool:
        base = await session.merger.start(session.repository.head)
        lease = await pool.acquire(session.name("merge"))
        await session.merge(await session.attempt(pool, act, base=base), lease)
    return str(session.merger.tip)


async def _land(session: Any, new: str, target: str = "main", **options: Any) -> Landed | Refused:
    return await land(session.private, new, target, branch=session.merger.branch, **options)


def _state(repo: Any) -> dict[str, bytes]:
    """Every byte of the checkout and of git's own files; ORIG_HEAD is written by every merge."""
    names = [
        path for path in repo.path.rglob("*") if path.is_file() and ".git/objects" not in str(path)
    ]
    kept = [name for name in names if name.name != "ORIG_HEAD"]
    return {str(path): path.read_bytes() for path in kept}


async def test_checked_out_target_gets_files_and_ref(session: Any) -> None:
    new = await _run_one(session, {"new": "x", "src/a.txt": "changed\n"})
    old = session.repo.head
    assert await _land(session, new) == Landed("main", old, new, session.repo.path)
    assert session.repo.head == new
    assert (session.repo.path / "new").read_text() == "x"
    assert session.repo.git("status", "--porcelain") == ""
    assert "cc4tui land" in session.repo.git("reflog", "-1")


async def test_landing_twice_is_done_already(session: Any) -> None:
    new = await _run_one(session, {"new": "x"})
    await _land(session, new)
    assert await _land(session, new) == Landed("main", new, new, session.repo.path)


async def test_unrelated_dirt_stays_byte_equal(session: Any) -> None:
    repo = session.repo
    new = await _run_one(session, {"new": "x"})
    repo.write("README.md", b"my own\r\nedit\xff")
    repo.write("untracked", b"\x00\x01")
    repo.write("staged", "s")
    repo.git("add", "staged")
    repo.git("rm", "-q", "--cached", "src/a.txt")
    before = repo.git("status", "--porcelain")
    assert isinstance(await _land(session, new), Landed)
    assert repo.git("status", "--porcelain") == before
    assert (repo.path / "README.md").read_bytes() == b"my own\r\nedit\xff"
    assert (repo.path / "untracked").read_bytes() == b"\x00\x01"
    assert (repo.path / "new").read_text() == "x"


@pytest.mark.parametrize("kind", ["modified", "untracked", "staged", "folder", "deleted"])
async def test_clash_refuses_and_changes_nothing(session: Any, kind: str) -> None:
    repo = session.repo
    new = await _run_one(session, {"src/a.txt": "theirs\n", "fresh": "theirs\n", "sub": "file\n"})
    clash = {"modified": "src/a.txt", "untracked": "fresh", "staged": "fresh", "folder": "sub/mine"}
    if kind == "deleted":
        repo.git("rm", "-q", "src/a.txt")
    else:
        repo.write(clash[kind], "mine\n")
    if kind == "staged":
        repo.git("add", "fresh")
    before = _state(repo)
    refused = await _land(session, new)
    assert isinstance(refused, Refused)
    assert refused.code is Refusal.CLASH
    assert refused.command == f"git -C {repo.path} merge --ff-only cc4/r1/merged"
    assert clash.get(kind, "src/a.txt").split("/")[0] in refused.reason
    assert _state(repo) == before


async def test_the_command_finishes_it(session: Any) -> None:
    new = await _run_one(session, {"fresh": "theirs\n"})
    mine = session.repo.write("fresh", "mine\n")
    refused = await _land(session, new)
    assert isinstance(refused, Refused)
    assert refused.files == ("fresh",)
    mine.unlink()
    subprocess.run(refused.command, shell=True, check=True, capture_output=True)
    assert session.repo.head == new


@pytest.mark.parametrize(
    "dirt", ["none", "modified", "untracked", "staged", "same", "ignored", "unmerged"]
)
async def test_agrees_with_git(
    make_repo: Callable[..., Any], open_session: Callable[..., Any], tmp_path: Path, dirt: str
) -> None:
    repo = make_repo()
    repo.write(".gitignore", "ignored\n")
    repo.commit()
    session = await open_session(repo)
    new = await _run_one(session, {"src/a.txt": "theirs\n", "fresh": "theirs\n", "deep/er": "x"})
    if dirt == "unmerged":
        repo.git("switch", "-qc", "other", "HEAD~1")
        repo.write("README.md", "a\n")
        repo.commit()
        repo.git("switch", "-q", "main")
        repo.write("README.md", "b\n")
        repo.git("stash", "-q")
        repo.git("merge", "-q", "--no-commit", "--no-ff", "other", check=False)
    elif dirt != "none":
        name, text = {
            "modified": ("src/a.txt", "mine\n"),
            "untracked": ("fresh", "mine\n"),
            "staged": ("fresh", "theirs\n"),
            "same": ("src/a.txt", "theirs\n"),
            "ignored": ("ignored", "mine\n"),
        }[dirt]
        repo.write(name, text)
        if dirt == "staged":
            repo.git("add", "fresh")
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-a", repo.path, copy], check=True)
    theirs = subprocess.run(
        ["git", "-C", copy, "merge", "-q", "--ff-only", new], check=False, capture_output=True
    )
    ours = await _land(session, new)
    assert isinstance(ours, Landed) == (theirs.returncode == 0), theirs.stderr
    status = ["status", "--porcelain", "--ignored"]
    assert repo.git(*status) == repo.git("-C", str(copy), *status)


async def test_idle_target_moves_by_ref_alone(session: Any) -> None:
    session.repo.git("branch", "idle")
    new = await _run_one(session, {"new": "x"})
    before = (session.repo.head, session.repo.git("status", "--porcelain"))
    assert await _land(session, new, "idle") == Landed("idle", session.repository.head, new, None)
    assert session.repo.refs("refs/heads/idle") == {"refs/heads/idle": new}
    assert (session.repo.head, session.repo.git("status", "--porcelain")) == before


async def test_target_in_another_worktree_of_the_person(session: Any, tmp_path: Path) -> None:
    side = tmp_path / "my side"
    session.repo.git("worktree", "add", "-q", "-b", "side", str(side))
    new = await _run_one(session, {"new": "x"})
    assert await _land(session, new, "side") == Landed("side", session.repository.head, new, side)
    assert (side / "new").read_text() == "x"
    assert not (session.repo.path / "new").exists()


async def test_bare_repository(repo: Any, open_session: Callable[..., Any], tmp_path: Path) -> None:
    repo.git("clone", "-q", "--bare", ".", str(tmp_path / "bare.git"))
    bare = type(repo)(tmp_path / "bare.git")
    session = await open_session(bare)
    new = await _run_one(session, {"new": "x"})
    assert isinstance(await _land(session, new), Landed)
    assert bare.head == new
    bare.assert_sound()


async def test_target_that_moved_is_refused(session: Any) -> None:
    new = await _run_one(session, {"new": "x"})
    moved = session.repo.commit("meanwhile")
    refused = await _land(session, new)
    assert isinstance(refused, Refused)
    assert refused.code is Refusal.MOVED
    assert moved[:12] in refused.reason
    assert session.repo.head == moved
    subprocess.run(refused.command, shell=True, check=True, capture_output=True)
    session.repo.git("merge-base", "--is-ancestor", new, "main")


async def test_target_that_is_gone_is_refused(session: Any) -> None:
    session.repo.git("branch", "gone")
    new = await _run_one(session, {"new": "x"})
    session.repo.git("branch", "-D", "gone")
    refused = await _land(session, new, "gone")
    assert isinstance(refused, Refused)
    assert refused.code is Refusal.MISSING
    subprocess.run(refused.command, shell=True, check=True, cwd=session.repo.path)
    assert session.repo.refs("refs/heads/gone") == {"refs/heads/gone": new}


async def test_target_under_rebase_is_refused(session: Any) -> None:
    repo = session.repo
    repo.write("README.md", "mine\n")
    repo.commit()
    repo.git("switch", "-qc", "upstream", "HEAD~1")
    repo.write("README.md", "theirs\n")
    repo.commit()
    repo.git("switch", "-q", "main")
    repo.git("rebase", "-q", "upstream", check=False)
    tree = await session.private.tree_of(repo.refs("refs/heads/main")["refs/heads/main"])
    main = repo.refs("refs/heads/main")["refs/heads/main"]
    new = await session.private.commit(tree, [main], "x\n")
    refused = await _land(session, new)
    assert isinstance(refused, Refused)
    assert refused.code is Refusal.BUSY
    assert repo.refs("refs/heads/main")["refs/heads/main"] == main


async def test_index_lock_of_the_person_is_waited_for_then_refused(
    session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cc4tui.services.git.runner.LOCK_RETRIES", 2)
    new = await _run_one(session, {"new": "x"})
    lock = session.repo.write(".git/index.lock", "")
    refused = await _land(session, new)
    assert isinstance(refused, Refused)
    assert refused.code is Refusal.BUSY
    assert lock.exists(), "a lock of unknown owner is never removed"
    lock.unlink()
    assert isinstance(await _land(session, new), Landed)


async def test_planted_configuration_stops_the_landing(session: Any, canary: Any) -> None:
    before = await Fingerprinter(session.repository).take()
    new = await _run_one(session, {"new": "x"})
    session.repo.git("config", "core.fsmonitor", str(canary.program))
    refused = await _land(session, new, before=before)
    assert isinstance(refused, Refused)
    assert refused.code is Refusal.TAMPERED
    assert "core.fsmonitor" in refused.reason
    assert not canary.sang
    session.repo.git("config", "--unset", "core.fsmonitor")
    assert isinstance(await _land(session, new, before=before), Landed)


async def test_hooks_and_drivers_of_the_repository_never_run(session: Any, canary: Any) -> None:
    repo = session.repo
    for hook in ("post-merge", "post-checkout", "reference-transaction", "post-index-change"):
        (repo.path / ".git/hooks").mkdir(exist_ok=True)
        (repo.path / ".git/hooks" / hook).symlink_to(canary.program)
    for key in ("core.fsmonitor", "gpg.program", "merge.evil.driver", "diff.external"):
        repo.git("config", key, str(canary.program))
    repo.git("config", "merge.verifySignatures", "true")
    repo.git("config", "branch.main.mergeOptions", "--squash -s evil")
    repo.git("config", "filter.evil.clean", str(canary.program))
    repo.git("config", "filter.evil.smudge", str(canary.program))
    repo.git("config", "filter.evil.required", "true")
    repo.write(".git/info/attributes", "other filter=evil merge=evil\n")
    new = await _run_one(session, {"new": "x"})
    os.utime(repo.path / "README.md")
    assert isinstance(await _land(session, new), Landed)
    assert session.repo.refs("refs/heads/main")["refs/heads/main"] == new
    assert not canary.sang


async def test_file_behind_a_filter_of_the_repository_is_left_to_the_person(
    session: Any, canary: Any
) -> None:
    session.repo.git("config", "filter.crypt.smudge", str(canary.program))
    new = await _run_one(session, {"secret.key": "x", ".gitattributes": "*.key filter=crypt\n"})
    refused = await _land(session, new)
    assert isinstance(refused, Refused)
    assert refused.code is Refusal.FILTERS
    assert refused.files == ("secret.key",)
    assert not canary.sang


async def test_filters_of_the_persons_own_configuration_run(session: Any, person: Path) -> None:
    program = person / "upper.sh"
    program.write_text("#!/bin/sh\ntr a-z A-Z\n")
    program.chmod(0o755)
    session.repo.git("config", "--global", "filter.upper.smudge", str(program))
    new = await _run_one(session, {"x.up": "abc\n", ".gitattributes": "*.up filter=upper\n"})
    assert isinstance(await _land(session, new), Landed)
    assert (session.repo.path / "x.up").read_text() == "ABC\n"


async def test_line_endings_of_the_person_count(session: Any) -> None:
    session.repo.write(".gitattributes", "*.txt text eol=crlf\n*.sh text eol=lf\n")
    session.repo.commit()
    new = await _run_one_from(session, {"n.txt": b"a\r\nb\r\n", "n.sh": b"a\nb\n"})
    assert isinstance(await _land(session, new), Landed)
    assert session.repo.content("main", "n.txt") == b"a\nb\n"
    assert (session.repo.path / "n.txt").read_bytes() == b"a\r\nb\r\n"
    assert session.repo.git("status", "--porcelain") == ""


async def _run_one_from(session: Any, files: dict[str, str | bytes]) -> str:
    session.repository.head = session.repo.head
    return await _run_one(session, files)
