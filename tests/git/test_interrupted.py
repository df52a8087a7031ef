"""A landing that is killed half-way is taken back and done again; what is the person's stays."""

import os
import random
import signal
import stat
from pathlib import Path
from typing import Any

import pytest

from cc4tui.errors import GitError
from cc4tui.services.git.interrupted import FILE, begin_landing, take_back_landing
from cc4tui.services.git.landing import Landed, Refused, land
from cc4tui.services.git.landing_checkout import Refusal
from cc4tui.services.git.person_checkout import PersonCheckout


BIG = "".join(f"line {n} of a file that is long enough to be cut\n" for n in range(400))
BEFORE: dict[str, str | None] = {
    "same": "untouched\n",
    "changed": "one\n",
    "deleted": "going\n",
    "tool": "#!/bin/sh\n",
    "becomes/folder": "a file\n",
    "folder/becomes": "in a folder\n",
    "link": "a file first\n",
    "deep/er/file": "old\n",
}
AFTER: dict[str, str | None] = {
    "changed": BIG,
    "deleted": None,
    "tool": "#!/bin/sh\nexit 1\n",
    "becomes/folder": None,
    "becomes/folder/now": "was a file\n",
    "folder/becomes": None,
    "folder": "a file now\n",
    "link": None,
    "deep/er/file": "new\n",
    "added": BIG,
    "new/folder/é ü": "added\n",
}


def _put(root: Path, files: dict[str, str | None]) -> None:
    for name in [name for name, text in files.items() if text is None]:
        (root / name).unlink()
        parent = (root / name).parent
        if not any(parent.iterdir()):
            parent.rmdir()
    for name, text in files.items():
        if text is not None:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)


@pytest.fixture
def both(repo: Any) -> tuple[str, str]:
    """The commit that is checked out, and the one that is to land."""
    _put(repo.path, BEFORE)
    old = repo.commit("before")
    repo.git("switch", "-q", "-c", "cc4/r1/merged")
    _put(repo.path, AFTER)
    (repo.path / "link").symlink_to("changed")
    (repo.path / "tool").chmod(0o755)
    new = repo.commit("after")
    repo.git("switch", "-q", "main")
    return old, new


async def _begun(session: Any, old: str, new: str) -> PersonCheckout:
    checkout = await PersonCheckout.open(session.private, session.repo.path)
    await begin_landing(checkout, "refs/heads/main", old, new)
    return checkout


async def _land(session: Any, new: str) -> Landed | Refused:
    return await land(session.private, new, "main", branch="cc4/r1/merged")


def _record(session: Any) -> Path:
    return Path(session.private.state_dir) / FILE


def _cut(repo: Any, new: str, dice: random.Random) -> None:
    """Leave the checkout as a git that died somewhere: some files new, some begun, some removed."""
    changed = repo.git("diff", "--name-only", "-z", "--no-renames", "HEAD", new).split("\0")[:-1]
    listed = repo.files(new)
    for name in dice.sample(changed, dice.randrange(1, len(changed) + 1)):
        path = repo.path / name
        if path.is_symlink() or path.is_file():
            path.unlink()
        if name not in listed or dice.random() < 0.2:
            continue
        if path.is_dir():
            continue  # not emptied yet
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            continue
        content = repo.content(new, name)
        if listed[name].startswith("120000"):
            path.symlink_to(os.fsdecode(content))
            continue
        if dice.random() < 0.4:
            content = content[: dice.randrange(len(content))]
        path.write_bytes(content)
        if listed[name].startswith("100755"):
            path.chmod(0o755)


async def test_what_a_dead_git_locked_of_our_own_is_in_nobodys_way(
    session: Any, both: tuple[str, str]
) -> None:
    repo, (old, new) = session.repo, both
    repo.git("config", "filter.crypt.smudge", "cat")  # so that attributes are looked up
    await _begun(session, old, new)
    _cut(repo, new, random.Random(1))
    for name in ("landing.lock", "landing-look.lock"):
        (session.private.index_dir / name).touch()
    assert await _land(session, new) == Landed("main", old, new, repo.path)
    assert repo.git("status", "--porcelain") == ""


@pytest.mark.parametrize("seed", range(8))
async def test_whatever_was_written_is_taken_back_and_lands_after_all(
    session: Any, both: tuple[str, str], seed: int
) -> None:
    repo, (old, new) = session.repo, both
    await _begun(session, old, new)
    _cut(repo, new, random.Random(seed))
    if seed % 2:
        assert await take_back_landing(session.private)
        assert repo.git("status", "--porcelain") == ""
        assert not _record(session).exists()
        assert not await take_back_landing(session.private)
    assert await _land(session, new) == Landed("main", old, new, repo.path)
    assert repo.git("status", "--porcelain") == ""
    assert repo.head == new
    assert not _record(session).exists()


async def test_killed_after_the_index_was_written(session: Any, both: tuple[str, str]) -> None:
    repo, (old, new) = session.repo, both
    await _begun(session, old, new)
    repo.git("read-tree", "-m", "-u", old, new)
    assert await take_back_landing(session.private)
    assert repo.git("status", "--porcelain") == ""
    assert (repo.path / "changed").read_text() == "one\n"
    assert await _land(session, new) == Landed("main", old, new, repo.path)
    assert repo.git("status", "--porcelain") == ""


async def test_killed_after_the_branch_had_moved(session: Any, both: tuple[str, str]) -> None:
    repo, (old, new) = session.repo, both
    await _begun(session, old, new)
    repo.git("merge", "-q", "--ff-only", new)
    repo.write("changed", "the person went on\n")
    assert await _land(session, new) == Landed("main", new, new, repo.path)
    assert (repo.path / "changed").read_text() == "the person went on\n"
    assert not _record(session).exists()


async def test_another_run_may_land_after_one_that_was_cut(
    session: Any, both: tuple[str, str]
) -> None:
    repo, (old, new) = session.repo, both
    await _begun(session, old, new)
    _cut(repo, new, random.Random(3))
    await take_back_landing(session.private)
    other = repo.git("commit-tree", "-p", old, "-m", "other", f"{old}^{{tree}}")
    assert await _land(session, other) == Landed("main", old, other, repo.path)
    assert repo.git("status", "--porcelain") == ""


async def test_what_the_person_did_meanwhile_stays_byte_equal(
    session: Any, both: tuple[str, str]
) -> None:
    repo, (old, new) = session.repo, both
    await _begun(session, old, new)
    repo.git("read-tree", "-m", "-u", old, new)
    repo.git("read-tree", old)  # files new, index old: as killed before the index was written
    mine = {"added": BIG + "and mine\n", "deep/er/file": "mine\n", "new/folder/notes": "mine\n"}
    for name, text in mine.items():
        repo.write(name, text)
    repo.write("staged", "mine\n")
    repo.git("add", "staged")
    refused = await _land(session, new)
    assert isinstance(refused, Refused)
    assert refused.code is Refusal.CLASH
    assert set(refused.files) == {"added", "deep/er/file"}
    for name, text in mine.items():
        assert (repo.path / name).read_text() == text
    assert (repo.path / "changed").read_text() == "one\n", "ours was taken back"
    status = {" M deep/er/file", "A  staged", "?? added", "?? new/"}
    assert set(repo.git("status", "--porcelain").splitlines()) == status
    (repo.path / "added").unlink()
    repo.git("checkout", "-q", "deep/er/file")
    assert isinstance(await _land(session, new), Landed)
    assert (repo.path / "new/folder/notes").read_text() == "mine\n"


async def test_a_folder_with_something_of_the_persons_is_not_replaced(
    session: Any, both: tuple[str, str]
) -> None:
    repo, (old, new) = session.repo, both
    await _begun(session, old, new)
    repo.git("read-tree", "-m", "-u", old, new)
    repo.write("becomes/folder/mine", "mine\n")
    await take_back_landing(session.private)
    assert (repo.path / "becomes/folder/mine").read_text() == "mine\n"
    assert not (repo.path / "becomes/folder/now").exists()


async def test_what_was_the_persons_before_is_never_taken_for_ours(
    session: Any, both: tuple[str, str]
) -> None:
    """An equal file that git refuses to overwrite is refused, and left, after a crash too."""
    repo, (old, new) = session.repo, both
    repo.write("added", BIG[:100])
    await _begun(session, old, new)
    await take_back_landing(session.private)
    assert (repo.path / "added").read_text() == BIG[:100]
    refused = await _land(session, new)
    assert isinstance(refused, Refused)
    assert refused.files == ("added",)


async def test_a_lock_of_our_dead_git_is_removed_and_no_other(
    session: Any, both: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cc4tui.services.git.locks.PATIENCE", 0.05)
    repo, (old, new) = session.repo, both
    git_dir = repo.path / ".git"
    theirs = repo.write(".git/ORIG_HEAD.lock", "")
    await _begun(session, old, new)
    ours = [repo.write(f".git/{name}.lock", "") for name in ("index", "HEAD", "refs/heads/main")]
    await take_back_landing(session.private)
    assert theirs.exists()
    assert not any(lock.exists() for lock in ours)
    assert [*git_dir.rglob("*.lock")] == [theirs]


@pytest.mark.parametrize("left", ["HEAD", "refs/heads/main"])
async def test_a_lock_of_our_dead_git_is_removed_where_only_a_branch_moves(
    session: Any, both: tuple[str, str], monkeypatch: pytest.MonkeyPatch, left: str
) -> None:
    """A bare repository, whose HEAD is locked with the branch."""
    monkeypatch.setattr("cc4tui.services.git.locks.PATIENCE", 0.05)
    repo, (old, new) = session.repo, both
    repo.git("switch", "-q", "--detach")
    repo.git("symbolic-ref", "HEAD", "refs/heads/main")
    repo.git("config", "core.bare", "true")
    theirs = repo.write(".git/refs/heads/other.lock", "")

    async def dies(*_: object, **__: object) -> None:
        repo.write(f".git/{left}.lock", "")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(session.repository.refs, "move", dies)
        with pytest.raises(KeyboardInterrupt):
            await _land(session, new)
    assert await _land(session, new) == Landed("main", old, new, None)
    assert repo.head == new
    assert [*(repo.path / ".git").rglob("*.lock")] == [theirs]
    assert not _record(session).exists()


async def test_a_lock_stays_while_a_git_of_the_person_runs_there(
    session: Any, both: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cc4tui.services.git.locks.PATIENCE", 0.05)
    monkeypatch.setattr("cc4tui.services.git.interrupted.git_works_in", lambda _: True)
    repo, (old, new) = session.repo, both
    await _begun(session, old, new)
    lock = repo.write(".git/HEAD.lock", "")
    await take_back_landing(session.private)
    assert lock.exists()


@pytest.mark.parametrize("after", [1, 3, 5])
async def test_a_git_that_is_killed_while_it_writes(
    session: Any,
    both: tuple[str, str],
    person: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    after: int,
) -> None:
    """A real SIGKILL of a real `git merge`, from the smudge filter that it waits for."""
    monkeypatch.setattr("cc4tui.services.git.locks.PATIENCE", 0.05)
    killer, count = tmp_path / "killer.sh", tmp_path / "count"
    killer.write_text(
        f'#!/bin/sh\necho x >> {count}\nif [ "$(wc -l < {count})" -eq {after} ]; then\n'
        f"kill -9 $(cat {tmp_path}/pid); sleep 0.1; fi\ncat\n"
    )
    killer.chmod(killer.stat().st_mode | stat.S_IXUSR)
    with (person / ".gitconfig").open("a") as file:
        file.write(f'[filter "boom"]\n\tsmudge = {killer}\n\tclean = cat\n')
        file.write(f"[core]\n\tattributesFile = {tmp_path}/attributes\n")
    (tmp_path / "attributes").write_text("* filter=boom\n")
    repo, (old, new) = session.repo, both
    wrapper = tmp_path / "git"
    wrapper.write_text(f'#!/bin/sh\necho $$ > {tmp_path}/pid\nexec git "$@"\n')
    wrapper.chmod(0o755)
    runner = session.repository.runner
    monkeypatch.setattr(runner, "program", str(wrapper))
    checkout = await PersonCheckout.open(session.private, repo.path)
    await begin_landing(checkout, "refs/heads/main", old, new)
    count.unlink(missing_ok=True)
    with pytest.raises(GitError) as failed:
        await checkout.run(["merge", "-q", "--ff-only", new])
    assert failed.value.returncode == -signal.SIGKILL
    assert repo.git("status", "--porcelain", check=False) != ""
    assert (repo.path / ".git/index.lock").exists()
    assert await _land(session, new) == Landed("main", old, new, repo.path)
    assert repo.git("status", "--porcelain") == ""
    repo.assert_sound()


async def test_a_record_that_cannot_be_read_is_dropped(session: Any) -> None:
    _record(session).write_text("nonsense")
    assert not await take_back_landing(session.private)
    assert not _record(session).exists()
