"""Landings that were cut short: what they had begun in the person's checkout is taken back.

git writes files first, then the index, and moves the branch last. Killed in between, it leaves
files that the next `git merge` takes for the person's changes. So a record is written before, and
where it is found again, every path that holds nothing but the landing's own old or new content (or
a beginning of it) is put back; what holds anything else is the person's and is not touched.
"""

import asyncio
import json
import os
import stat
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from cc4tui.services.git.diff import ChangedFile, changed_files
from cc4tui.services.git.files import read_regular, signature, write_atomic
from cc4tui.services.git.locks import free_unchanged
from cc4tui.services.git.orphans import end_orphaned_git, git_works_in
from cc4tui.services.git.person_checkout import PersonCheckout
from cc4tui.services.git.private import PrivateGit
from cc4tui.services.git.submodules import GITLINK


FILE = "landing"


@dataclass(frozen=True, slots=True)
class LandingRecord:
    """What a landing is about to do to a checkout."""

    checkout: str
    """The person's work tree; empty when none shows the branch and only a ref moves."""
    ref: str
    """The branch that moves, full name."""
    old: str
    new: str
    theirs: tuple[str, ...]
    """Changed paths that held something of the person's before: never touched."""
    locks: tuple[str, ...]
    """Locks that were there before: somebody else's."""


async def begin_landing(checkout: PersonCheckout, ref: str, old: str, new: str) -> None:
    """Write down what a landing is about to do; `end_landing` or `take_back` ends the record.

    Raises:
        GitError: git cannot compare the checkout.
        OSError: the state folder cannot be written.
    """
    private = checkout.private
    paths = _Paths(checkout, await changed_files(private, old, new))
    theirs = [path for path, found in (await paths.look()).items() if not found.is_old]
    locks = [str(lock) for lock in checkout.locks(ref) if signature(lock) is not None]
    record = LandingRecord(
        os.fspath(checkout.root), ref, old, new, tuple(sorted(theirs)), tuple(locks)
    )
    await _write_down(private, record)


async def begin_moving(private: PrivateGit, ref: str, old: str, new: str) -> None:
    """The same where no work tree shows the branch: all that can be left is a lock.

    Raises:
        OSError: the state folder cannot be written.
    """
    there = [str(lock) for lock in _ref_locks(private, ref) if signature(lock) is not None]
    await _write_down(private, LandingRecord("", ref, old, new, (), tuple(there)))


async def _write_down(private: PrivateGit, record: LandingRecord) -> None:
    data = json.dumps(asdict(record)).encode()
    await asyncio.to_thread(write_atomic, private.state_dir / FILE, data)


def _ref_locks(private: PrivateGit, ref: str) -> list[Path]:
    """Locks of a git that moves a branch; HEAD's too, where HEAD is on it in a bare repository."""
    return [private.repository.common_dir / f"{name}.lock" for name in (ref, "HEAD")]


def end_landing(private: PrivateGit) -> None:
    """The landing ended whole, or git refused it before it wrote anything."""
    (private.state_dir / FILE).unlink(missing_ok=True)


async def take_back_landing(private: PrivateGit) -> bool:
    """Undo what a landing that was cut short left in the person's checkout; whether there was one.

    May itself be cut short and done again. The repository's lock must be held.

    Raises:
        GitError: git failed; the record stays, and the next start tries again.
    """
    record = _load(private.state_dir / FILE)
    if record is None:
        end_landing(private)
        return False
    if not record.checkout:
        folders = [entry.path for entry in await private.repository.worktrees()]
        await _free_locks(_ref_locks(private, record.ref), record, folders)
        end_landing(private)
        return True
    root = Path(record.checkout)
    checkout = await _checkout(private, root)
    if checkout is None:
        end_landing(private)
        return False
    await end_orphaned_git(root)
    await _free_locks(checkout.locks(record.ref), record, [root])
    if await private.repository.refs.value(record.ref) != record.new:
        changes = await changed_files(private, record.old, record.new)
        ours = [change for change in changes if change.path not in record.theirs]
        await _Paths(checkout, ours).put_back()
    end_landing(private)
    return True


async def _checkout(private: PrivateGit, root: Path) -> PersonCheckout | None:
    """None when it is gone, or belongs to another repository now."""
    if not root.is_dir():
        return None
    checkout = await PersonCheckout.open(private, root)
    same = checkout.location.common_dir == private.repository.common_dir
    return checkout if same else None


def _load(file: Path) -> LandingRecord | None:
    data = read_regular(file)
    try:
        values = json.loads(data or b"")
        values |= {key: tuple(values[key]) for key in ("theirs", "locks")}
        return LandingRecord(**values)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


async def _free_locks(
    locks: Iterable[Path], record: LandingRecord, folders: Collection[Path]
) -> None:
    """Locks that our dead git left. A person's git that waits in an editor holds its own."""
    ours = [lock for lock in locks if str(lock) not in record.locks and signature(lock)]
    if ours and not await asyncio.to_thread(git_works_in, folders):
        await free_unchanged(ours)


@dataclass(frozen=True, slots=True)
class _Found:
    """What one path of the landing holds now."""

    is_old: bool
    """File and index are as before the landing."""
    is_ours: bool
    """Both hold nothing but the landing's own content, old or new, whole or begun."""


class _Paths:
    """The paths that a landing changes, in one checkout."""

    def __init__(self, checkout: PersonCheckout, changes: Iterable[ChangedFile]) -> None:
        self._checkout = checkout
        self._changes = {
            change.path: change
            for change in changes
            if GITLINK not in (change.old_mode, change.new_mode)  # git makes at most a folder
        }
        self._old = {p: c.old for p, c in self._changes.items() if c.old is not None}
        self._new = {p: c.new for p, c in self._changes.items() if c.new is not None}

    async def look(self) -> dict[str, _Found]:
        """What each path holds."""
        if not self._changes:
            return {}
        index = await self._checkout.index_entries(self._changes)
        as_old = await self._checkout.unchanged(self._old)
        as_new = await self._checkout.unchanged(self._new)
        found: dict[str, _Found] = {}
        for path in self._changes:
            known = (self._old.get(path), self._new.get(path))
            there = _kind(self._checkout.root / path)
            no_file = there in (None, stat.S_IFDIR)
            file_old = path in as_old or (no_file and path not in self._old)
            ours = file_old or no_file or path in as_new
            if not ours and there == stat.S_IFREG:
                ours = await self._begun(path)
            staged = index.get(path)
            found[path] = _Found(
                is_old=file_old and staged == known[0], is_ours=ours and staged in known
            )
        return found

    async def put_back(self) -> None:
        """Make every path of ours what it was before the landing."""
        found = await self.look()
        ours = [path for path, what in found.items() if what.is_ours and not what.is_old]
        if not ours:
            return
        root = self._checkout.root
        for path in ours:
            if path not in self._old and _kind(root / path) not in (None, stat.S_IFDIR):
                (root / path).unlink()
        await self._checkout.set_index({path: self._old.get(path) for path in ours})
        back = [path for path in ours if path in self._old and _has_room(root, path)]
        await self._checkout.check_out(back)

    async def _begun(self, path: str) -> bool:
        """Whether a file is the beginning of what git was writing there."""
        data = await asyncio.to_thread(read_regular, self._checkout.root / path)
        sides = (self._new.get(path), self._old.get(path))
        for entry in sides:
            if entry is None or data is None:
                continue
            if (await self._checkout.content(path, entry)).startswith(data):
                return True
        return False


def _kind(path: Path) -> int | None:
    """The type of what has this name; None where nothing has."""
    try:
        return stat.S_IFMT(path.lstat().st_mode)
    except OSError:
        return None


def _has_room(root: Path, path: str) -> bool:
    """Whether a file can be put there without removing anything: git's own force would."""
    above = Path(path).parents
    if any(_kind(root / parent) not in (None, stat.S_IFDIR) for parent in above):
        return False
    if _kind(root / path) != stat.S_IFDIR:
        return True
    try:
        (root / path).rmdir()  # left empty by the landing
    except OSError:
        return False
    return True
