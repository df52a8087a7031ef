"""A worktree that is used again and again: its folder, its admin folder, its index of ours."""

import asyncio
import contextlib
import os
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cc4tui.errors import Cc4tuiError, GitError
from cc4tui.services.git.files import (
    POINTER_LIMIT,
    copy_atomic,
    free_name,
    identity,
    make_accessible,
    make_private,
    overwrite,
    read_regular,
    signature,
    write_atomic,
)
from cc4tui.services.git.private import PrivateGit


LOCK_REASON = "cc4tui"
"""First word of the reason that `git worktree list` shows for our worktrees."""
ADMIN_FILES = frozenset({"HEAD", "commondir", "gitdir", "index", "locked"})
"""What an admin folder holds while nothing is under way in its worktree."""


class WorktreeLostError(Cc4tuiError):
    """The folder of a worktree is gone or is no longer ours; what was committed in it remains."""


@dataclass(frozen=True, slots=True)
class Head:
    """Where a worktree's HEAD is."""

    ref: str | None
    """Full name of the branch; None if detached."""
    commit: str | None
    """The commit itself if detached."""


class Slot:
    """One worktree of the pool.

    An agent may have done anything to the folder, its `.git` file and the admin folder; the index
    in the state folder is ours alone, so what git believes of the files is never the agent's word.

    Args:
        private: Runs git on it.
        worktree: Its folder, real and absolute.
        admin: Its folder in the repository's `worktrees/`.
        base: The commit its files were last brought to.
    """

    def __init__(self, private: PrivateGit, worktree: Path, admin: Path, base: str) -> None:
        self.private = private
        self.worktree = worktree
        self.admin = admin
        self.base = base
        self.id = worktree.name
        self.index = private.index_dir / worktree.name
        self.may_have_submodules = True
        """False saves git calls, once it is known that there are none."""
        self.products: tuple[str, ...] = ()
        """Ignored files that the set-up made here, as paths; they survive the recycling."""
        self._given: tuple[object, object] | None = None
        """Signatures of our index, and of its copy in the admin folder, as it was handed over."""

    def trouble(self) -> str | None:
        """Why nothing may be written here any more; None if it is a real folder where we made it.

        A folder that was replaced by a link would lead `git clean` to somebody else's files.
        """
        if identity(self.worktree) is None:
            return "its folder was deleted or replaced"
        if self.worktree.resolve() != self.worktree:
            return "a folder above it was replaced by a link"
        return None

    def expect_intact(self) -> None:
        """Let nobody write where `trouble` is.

        Raises:
            WorktreeLostError: with the trouble.
        """
        trouble = self.trouble()
        if trouble:
            raise WorktreeLostError(f"the worktree {self.worktree} is lost: {trouble}")

    def repair_pointers(self) -> list[str]:
        """Put back what connects folder and repository, free our own locks; say what was wrong.

        Raises:
            WorktreeLostError: there is no folder of ours to put anything into.
        """
        self.expect_intact()
        self.free_index()
        if identity(self.admin) is None:
            return [f"{self.admin} was deleted or replaced"]
        note = self._put_back(self.worktree / ".git", f"gitdir: {self.admin}\n")
        return [*([note] if note else []), *self.repair_admin()]

    def free_index(self) -> None:
        """Take away the lock that a killed git of ours left on our index."""
        self._index_lock.unlink(missing_ok=True)

    def repair_admin(self) -> list[str]:
        """The part of `repair_pointers` on the repository's side."""
        wanted = {"gitdir": f"{self.worktree}/.git\n", "commondir": "../..\n"}
        notes = [self._put_back(self.admin / name, text) for name, text in wanted.items()]
        for name in ("index.lock", "HEAD.lock"):
            (self.admin / name).unlink(missing_ok=True)
        for path in (self.admin / name for name in ADMIN_FILES):
            # A FIFO here would hang every git that lists worktrees, the person's own too.
            if read_regular(path, 1) is None:
                self._move_away(path)
        if not (self.admin / "HEAD").exists():
            self.write_head(self.base or self.private.repository.head)
        return [note for note in notes if note]

    def read_head(self) -> Head:
        """What HEAD says, read without git; both parts None if it is unreadable."""
        data = read_regular(self.admin / "HEAD", POINTER_LIMIT) or b""
        text = data.decode("utf-8", "surrogateescape").strip()
        if text.startswith("ref: refs/"):
            return Head(text.removeprefix("ref: ").strip(), None)
        return Head(None, text if re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", text) else None)

    def last_logged(self) -> str | None:
        """The commit that HEAD's log names last: the way back after a branch was deleted."""
        lines = (read_regular(self.admin / "logs" / "HEAD") or b"").splitlines()
        match = re.match(rb"([0-9a-f]{40,}) ([0-9a-f]{40,}) ", lines[-1] if lines else b"")
        if match is None:
            return None
        old, new = match.groups()
        return (old if new.strip(b"0") == b"" else new).decode()  # zeros: a branch was deleted

    def purge_admin(self) -> None:
        """Delete what an agent's git left: a rebase half done, logs, settings of this worktree."""
        for path in self.admin.iterdir():
            if path.name in ADMIN_FILES:
                continue
            if identity(path) is None:
                path.unlink(missing_ok=True)
            else:
                shutil.rmtree(path)

    def note_owner(self, text: str) -> None:
        """Write down whose work is here, for us after a crash and for `git worktree list`.

        The slot's own id means that it is nobody's.
        """
        data = f"{text}\n".encode()
        write_atomic(self.owner_file, data)
        if identity(self.admin) is not None:
            with contextlib.suppress(OSError):  # an agent left something else there
                overwrite(self.admin / "locked", f"{LOCK_REASON} ".encode() + data, 0o644)

    def write_head(self, target: str) -> None:
        """Point HEAD at a branch (full name) or a commit."""
        text = f"ref: {target}" if target.startswith("refs/") else target
        write_atomic(self.admin / "HEAD", f"{text}\n".encode(), 0o644)

    def hold(self, commit: str) -> None:
        """Let HEAD name a commit that no branch holds yet, so that nobody's `git gc` takes it."""
        if identity(self.admin) is not None:
            self.write_head(commit)

    async def run(self, *args: str, stdin: bytes | None = None) -> bytes:
        """Run git on its files with our index; standard output.

        Raises:
            GitError: git failed; a lock that it left on our index is gone.
        """
        run = self.private.run
        try:
            done = await run(args, worktree=self.worktree, index=self.index, stdin=stdin)
        except GitError:
            self.free_index()
            raise
        return done.stdout

    async def insist(self, *args: str) -> bytes:
        """Like `run`; if git fails, once more after files and folders were made accessible.

        Raises:
            GitError: git failed again.
        """
        try:
            return await self.run(*args)
        except GitError:
            self.expect_intact()
            await asyncio.to_thread(make_accessible, self.worktree)
            return await self.run(*args)

    async def reset_to(self, commit: str) -> None:
        """Bring every tracked file to a commit; changed ones are overwritten."""
        await self.insist("read-tree", "--reset", "-u", commit)
        self.base = commit
        self.may_have_submodules |= (self.worktree / ".gitmodules").exists()

    async def read_again(self) -> None:
        """Forget what our index knows of the files, so that the next `add` reads every one.

        Objects of changed files that no commit held yet may be gone: another git's `gc --prune=now`
        takes them, and an index that believes in them would never write them again.
        """
        self.index.unlink(missing_ok=True)
        await self.run("read-tree", self.base)

    async def clean(self, keep: tuple[str, ...], *, ignored: bool = True) -> None:
        """Delete every untracked file but the set-up's products and what matches `keep`.

        Args:
            keep: Patterns.
            ignored: Those that git ignores too.
        """
        flags = "-ffdx" if ignored else "-ffd"
        await self.insist("clean", "-q", flags, *_excludes("-e", self._kept(keep)))

    async def dirt(self, keep: tuple[str, ...]) -> list[str]:
        """Paths that differ from the commit of the last reset, untracked ones included.

        `ls-files`, not `status`: the latter starts git inside of nested repositories.
        """
        excludes = _excludes("-x", self._kept(keep))
        out = await self.run("ls-files", "-z", "-m", "-d", "-o", "--directory", *excludes)
        return sorted({part.decode("utf-8", "surrogateescape") for part in out.split(b"\0")[:-1]})

    async def ignored(self) -> list[str]:
        """Paths that git ignores; of a folder that is ignored as a whole only its own, with `/`."""
        flags = ("-z", "-o", "-i", "--exclude-standard", "--directory")
        return [
            os.fsdecode(part) for part in (await self.run("ls-files", *flags)).split(b"\0")[:-1]
        ]

    def hide(self, paths: Iterable[str]) -> None:
        """Remember what we put here ourselves: it never is work, also after a crash."""
        wanted = b"".join(os.fsencode(path) + b"\0" for path in paths)
        if wanted != (read_regular(self.hidden_file) or b""):
            write_atomic(self.hidden_file, wanted)

    @property
    def hidden(self) -> tuple[str, ...]:
        """Paths that `hide` was told."""
        data = read_regular(self.hidden_file) or b""
        return tuple(os.fsdecode(part) for part in data.split(b"\0")[:-1])

    @property
    def hidden_file(self) -> Path:
        """Where `hide` writes; beside our index."""
        return self.index.with_name(f"{self.index.name}.hidden")

    @property
    def exclude_file(self) -> Path:
        """What the agent's git is told to ignore; beside our index."""
        return self.index.with_name(f"{self.index.name}.exclude")

    def _kept(self, keep: tuple[str, ...]) -> tuple[str, ...]:
        return (*keep, *map(literal_pattern, self.products))

    async def hand_over(self, head: str, owner: str = "") -> None:
        """Point HEAD at `head` and give the agent's git the index that fits the files.

        Args:
            owner: Whose work will be here, for `note_owner`; empty = as it was.
        """
        await asyncio.to_thread(self._hand_over, head, owner)

    def agent_used_index(self) -> bool:
        """Whether the index in the admin folder is another than the one handed over."""
        return self._given is None or signature(self.admin / "index") != self._given[1]

    @property
    def owner_file(self) -> Path:
        """Where `note_owner` writes; beside our index."""
        return self.index.with_name(f"{self.index.name}.owner")

    @property
    def _index_lock(self) -> Path:
        return self.index.with_name(f"{self.index.name}.lock")

    def _hand_over(self, head: str, owner: str) -> None:
        self.write_head(head)
        copy = self.admin / "index"
        if self._given != (signature(self.index), signature(copy)):
            copy_atomic(self.index, copy)
            self._given = signature(self.index), signature(copy)
        if owner:
            self.note_owner(owner)

    def _put_back(self, path: Path, text: str) -> str | None:
        """Write a pointer again if it is not as it was; a note about that."""
        data = text.encode("utf-8", "surrogateescape")
        if read_regular(path, POINTER_LIMIT) == data:
            return None
        note = f"{path} was changed; put back"
        if identity(path) is not None:
            # An agent ran `git init` here: its repository may hold work.
            aside = self._move_away(path)
            note = f"{path} was replaced by a folder, which was moved to {aside}"
        write_atomic(path, data, 0o644)
        return note

    def _move_away(self, path: Path) -> Path | None:
        """Make room for a file of git's; a folder that stood there may hold work: where it is."""
        if identity(path) is None:
            path.unlink(missing_ok=True)
            return None
        wanted = make_private(self.private.kept_dir) / f"{self.id}-{path.name.lstrip('.')}"
        return path.rename(free_name(wanted))


def literal_pattern(path: str) -> str:
    """A pattern of .gitignore that matches this path alone."""
    escaped = re.sub(r"([\\*?\[])", r"\\\1", path)
    return "/" + re.sub(r" (?= *$)", r"\\ ", escaped)


def _excludes(option: str, patterns: tuple[str, ...]) -> list[str]:
    return [part for pattern in patterns for part in (option, pattern)]
