"""A whole run, from worktree to landing, on every kind of repository."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cc4tui.services.git.cleanup import finish_run
from cc4tui.services.git.diff import FileStat, changed_files, numstat, unified_diff
from cc4tui.services.git.landing import Landed, land
from cc4tui.services.git.merging import MergeCandidate
from cc4tui.services.git.trailers import merge_message


ODD = [
    "with space", "new\nline", 'quo"te\\', "ünï/cödé", "-dash", ":(top)x", "*",
    "tab\t", " lead", "e\u0301", "\u00e9", "Case", "case",
]  # fmt: skip


def _write(lease: Any, name: str, data: bytes) -> Path:
    path = Path(os.fsdecode(os.fsencode(lease.worktree) + b"/" + os.fsencode(name)))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


async def whole_run(session: Any, *acts: Callable[[Any], object], target: str = "main") -> str:
    """Each act is a task; all of them start from the base and are merged and landed."""
    async with session.pool(size=3) as pool:
        base = await session.merger.start(session.repository.head)
        lease = await pool.acquire(session.name("merge"))
        for number, act in enumerate(acts):
            task = f"t{number}"
            work = await session.attempt(pool, act, task=task, base=base)
            message = merge_message(plan="p", run="r1", task=task, attempt=1, title=task)
            found = await session.merger.prepare(work.oid, message, lease)
            assert isinstance(found, MergeCandidate)
            await session.merger.checkout(found, lease)
            assert await session.merger.advance(found)
    assert not pool.kept
    landed = await land(session.private, session.merger.tip, target, branch=session.merger.branch)
    assert isinstance(landed, Landed), landed
    done = await finish_run(session.private, "r1", session.merger.tip)
    assert not done.saved
    session.repo.assert_sound()
    return str(session.merger.tip)


async def _plain_run(session: Any, **options: Any) -> str:
    before = session.repo.files(session.repository.head)
    tip = await whole_run(
        session,
        lambda lease: _write(lease, "src/a.txt", b"one\ntwo\nthree\nfour\n"),
        lambda lease: _write(lease, "new/file", b"\x00\xff\r\n"),
        **options,
    )
    after = session.repo.files(tip)
    assert after.keys() == before.keys() | {"new/file"}
    assert {path for path in before if before[path] != after[path]} == {"src/a.txt"}
    assert session.repo.content(tip, "new/file") == b"\x00\xff\r\n"
    return tip


@pytest.mark.parametrize("name", ["plain", "with space", "new\nline", "ünï", "-dash", "tr\n"])
async def test_name_of_the_folder(make_repo: Any, open_session: Any, name: str) -> None:
    session = await open_session(make_repo(name))
    tip = await _plain_run(session)
    assert session.repo.head == tip
    assert session.repo.git("status", "--porcelain") == ""


async def test_sha256(make_repo: Any, open_session: Any) -> None:
    await _plain_run(await open_session(make_repo("r", "--object-format=sha256")))


async def test_through_a_link(repo: Any, open_session: Any, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(repo.path)
    await _plain_run(await open_session(type(repo)(tmp_path / "link")))


async def test_dirty(session: Any) -> None:
    session.repo.write("README.md", "dirty")
    session.repo.write("untracked", "x")
    status = session.repo.git("status", "--porcelain")
    await _plain_run(session)
    assert session.repo.git("status", "--porcelain") == status


async def test_detached(repo: Any, open_session: Any) -> None:
    repo.git("checkout", "-q", "--detach")
    session = await open_session(repo)
    head = repo.head
    tip = await _plain_run(session)
    assert (repo.head, repo.refs("refs/heads/main")["refs/heads/main"]) == (head, tip)


async def test_bare(repo: Any, open_session: Any, tmp_path: Path) -> None:
    repo.git("clone", "-q", "--bare", ".", str(tmp_path / "bare.git"))
    await _plain_run(await open_session(type(repo)(tmp_path / "bare.git")))


async def test_shallow(repo: Any, open_session: Any, tmp_path: Path) -> None:
    repo.commit("second")
    repo.git("clone", "-q", "--depth=1", f"file://{repo.path}", str(tmp_path / "shallow"))
    await _plain_run(await open_session(type(repo)(tmp_path / "shallow")))


async def test_worktree_of_the_person(repo: Any, open_session: Any, tmp_path: Path) -> None:
    repo.git("worktree", "add", "-q", "-b", "side", str(tmp_path / "side"))
    side = type(repo)(tmp_path / "side")
    tip = await _plain_run(await open_session(side), target="side")
    assert side.head == tip
    assert side.git("status", "--porcelain") == ""


async def test_objects_of_another_repository(repo: Any, open_session: Any, tmp_path: Path) -> None:
    repo.git("clone", "-q", "--shared", ".", str(tmp_path / "shared"))
    await _plain_run(await open_session(type(repo)(tmp_path / "shared")))


async def test_worktree_configuration(repo: Any, open_session: Any) -> None:
    repo.git("config", "extensions.worktreeConfig", "true")
    repo.git("config", "--worktree", "core.eol", "lf")
    await _plain_run(await open_session(repo))


async def test_packed_refs_and_objects(repo: Any, open_session: Any) -> None:
    repo.git("gc", "-q")
    repo.git("pack-refs", "--all")
    await _plain_run(await open_session(repo))


async def test_sparse_checkout_of_the_person(repo: Any, open_session: Any) -> None:
    repo.write("other/big", "x")
    repo.commit()
    repo.git("sparse-checkout", "set", "src")
    session = await open_session(repo)
    await _plain_run(session)
    assert not (repo.path / "other").exists()
    assert repo.git("status", "--porcelain") == ""


async def test_submodule(repo: Any, make_repo: Any, open_session: Any) -> None:
    repo.git("submodule", "--quiet", "add", str(make_repo("inner").path), "lib")
    repo.commit("with a submodule")
    session = await open_session(repo)
    await _plain_run(session)
    assert repo.git("status", "--porcelain") == ""


async def test_inside_a_submodule(repo: Any, make_repo: Any, open_session: Any) -> None:
    repo.git("submodule", "--quiet", "add", str(make_repo("inner").path), "lib")
    repo.commit("with a submodule")
    inner = type(repo)(repo.path / "lib")
    await _plain_run(await open_session(inner))
    assert inner.git("status", "--porcelain") == ""
    assert repo.git("status", "--porcelain") == " M lib"


async def test_git_folder_that_lies_elsewhere(
    make_repo: Any, open_session: Any, tmp_path: Path
) -> None:
    repo = make_repo("here", f"--separate-git-dir={tmp_path / 'there'}")
    await _plain_run(await open_session(repo))


async def test_odd_names_of_files(repo: Any, open_session: Any) -> None:
    for name in ODD:
        repo.write(name, "base\n")
    repo.commit()
    session = await open_session(repo)

    def act(lease: Any) -> None:
        for name in ODD:
            assert (lease.worktree / name).read_text() == "base\n"
            _write(lease, name, b"changed\n")
            _write(lease, f"new{name}", b"new\n")
        _write(lease, os.fsdecode(b"not-utf8-\xff"), b"x")

    tip = await whole_run(session, act)
    for name in ODD:
        assert repo.content(tip, name) == b"changed\n"
        assert (repo.path / f"new{name}").read_text() == "new\n"
    assert os.fsdecode(b"not-utf8-\xff") in repo.files(tip)
    assert repo.git("status", "--porcelain") == ""
    base = session.repository.head
    assert len(await changed_files(session.private, base, tip)) == 2 * len(ODD) + 1
    stats = await numstat(session.private, base, tip)
    assert FileStat("new\nline", 1, 1) in stats
    assert "changed" in await unified_diff(session.private, base, tip)


async def test_modes_and_links(repo: Any, open_session: Any) -> None:
    repo.write("run.sh", "#!/bin/sh\n").chmod(0o755)
    repo.write("plain", "x")
    (repo.path / "link").symlink_to("plain")
    repo.commit()

    def act(lease: Any) -> None:
        (lease.worktree / "plain").chmod(0o755)
        (lease.worktree / "run.sh").chmod(0o644)
        (lease.worktree / "link").unlink()
        (lease.worktree / "link").symlink_to("/etc/passwd")
        (lease.worktree / "dangling").symlink_to("nowhere")
        (lease.worktree / "src/a.txt").unlink()
        (lease.worktree / "src/a.txt").mkdir()
        (lease.worktree / "src/a.txt/now-a-folder").write_text("x")

    tip = await whole_run(await open_session(repo), act)
    modes = {path: entry.split()[0] for path, entry in repo.files(tip).items()}
    assert modes == {
        "README.md": "100644", "plain": "100755", "run.sh": "100644", "link": "120000",
        "dangling": "120000", "src/a.txt/now-a-folder": "100644",
    }  # fmt: skip
    assert (repo.path / "link").readlink() == Path("/etc/passwd")
    assert repo.git("status", "--porcelain") == ""


async def test_line_endings(repo: Any, open_session: Any) -> None:
    repo.write(".gitattributes", "*.txt text eol=crlf\n*.bin -text\n")
    repo.write("w.txt", b"a\r\n")
    repo.write("b.bin", b"a\r\n")
    repo.commit()
    session = await open_session(repo)

    def act(lease: Any) -> None:
        assert (lease.worktree / "w.txt").read_bytes() == b"a\r\n"
        _write(lease, "w.txt", b"a\r\nb\r\n")
        _write(lease, "b.bin", b"a\r\n\nb")

    tip = await whole_run(session, act)
    assert repo.content(tip, "w.txt") == b"a\nb\n"
    assert repo.content(tip, "b.bin") == b"a\r\n\nb"


async def test_autocrlf_of_the_person(repo: Any, open_session: Any) -> None:
    repo.git("config", "--global", "core.autocrlf", "true")
    session = await open_session(repo)
    tip = await whole_run(session, lambda lease: _write(lease, "n", b"a\r\nb\r\n"))
    assert repo.content(tip, "n") == b"a\nb\n"


async def test_ignore_files_of_the_person_count(repo: Any, open_session: Any, person: Path) -> None:
    (person / ".config/git").mkdir(parents=True)
    (person / ".config/git/ignore").write_text("*.swp\n")
    repo.write(".git/info/exclude", "*.mine\n")
    session = await open_session(repo)

    def act(lease: Any) -> None:
        for name in ("a.swp", "a.mine", "a.real"):
            _write(lease, name, b"x")

    tip = await whole_run(session, act)
    assert repo.files(tip).keys() == {"README.md", "src/a.txt", "a.real"}


@pytest.mark.parametrize("size", [1200])
async def test_many_files(repo: Any, open_session: Any, size: int) -> None:
    for number in range(size):
        repo.write(f"d{number % 50}/f{number}", f"{number}\n")
    repo.commit()
    await _plain_run(await open_session(repo))


async def test_the_persons_repository_is_untouched_but_for_the_landing(session: Any) -> None:
    """Configuration, hooks, index, HEAD and stash are byte-equal; refs differ by the landing."""
    repo = session.repo
    repo.write("README.md", "stashed")
    repo.git("stash")
    kept = ("config", "HEAD", "index", "refs/stash", "logs/refs/stash", "description")
    before = {name: (repo.path / ".git" / name).read_bytes() for name in kept}
    refs = repo.refs()
    hooks = sorted((repo.path / ".git/hooks").iterdir())
    repo.git("checkout", "-q", "-b", "elsewhere")
    before["HEAD"] = (repo.path / ".git/HEAD").read_bytes()
    before["index"] = (repo.path / ".git/index").read_bytes()
    tip = await _plain_run(session)
    assert {name: (repo.path / ".git" / name).read_bytes() for name in kept} == before
    assert sorted((repo.path / ".git/hooks").iterdir()) == hooks
    assert repo.refs() == refs | {
        "refs/heads/main": tip,
        "refs/heads/elsewhere": refs["refs/heads/main"],
    }
    assert not (repo.path / ".git/worktrees").exists()


async def test_large_file(session: Any) -> None:
    data = os.urandom(3_000_000)
    tip = await whole_run(session, lambda lease: _write(lease, "big", data))
    assert session.repo.content(tip, "big") == data


async def test_git_lfs_pointers_are_kept_as_they_are(repo: Any, open_session: Any) -> None:
    """Without git-lfs nothing is converted: an untouched pointer stays the same blob."""
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 3\n"
    repo.write(".gitattributes", "*.psd filter=lfs diff=lfs merge=lfs -text\n")
    repo.write("a.psd", pointer)
    subprocess.run(["git", "add", "-A"], cwd=repo.path, check=True)
    repo.commit()
    tip = await _plain_run(await open_session(repo))
    assert repo.content(tip, "a.psd") == pointer
