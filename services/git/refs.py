"""Refs of the person's repository: read them, and move them by compare-and-swap only."""

import asyncio
import logging
import os
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cc4tui.errors import GitError
from cc4tui.services.git.files import read_regular
from cc4tui.services.git.locks import free_unchanged, freeing_locks
from cc4tui.services.git.process import GitResult


log = logging.getLogger(__name__)

BRANCHES = "refs/heads/"
OURS = "refs/heads/cc4/"
HIDDEN = "refs/cc4/"
SAVED = f"{HIDDEN}saved/"
TIPS = f"{HIDDEN}tips/"
PACKED = "packed-refs"
"""The file that holds most refs; writing it is one lock, whatever the ref."""
_PLAIN = re.compile(r"refs(/[\w+@=,-][\w.+@=,-]*)+")
"""Names whose file we may look at ourselves."""


def merged_ref(run: str) -> str:
    """The integration branch of a run."""
    return f"{OURS}{run}/merged"


def tip_ref(run: str) -> str:
    """Holds the tip of the integration branch too: an agent may delete every branch it sees."""
    return f"{TIPS}{run}"


def task_ref(run: str, slug: str, attempt: int) -> str:
    """The branch of one attempt; in a folder of its own, which a sandbox can be given."""
    return f"{OURS}{run}/task/{slug}/{attempt}"


def saved_prefix(run: str, slug: str, attempt: int) -> str:
    """Where work of an attempt goes that no lasting ref holds; a number follows."""
    return f"{SAVED}{run}/{slug}/{attempt}/"


def next_number(prefix: str, taken: Collection[str]) -> str:
    """The first free name below a prefix."""
    numbers = [int(tail) for name in taken if (tail := name.removeprefix(prefix)).isdigit()]
    return f"{prefix}{max(numbers, default=0) + 1}"


@dataclass(frozen=True, slots=True)
class AttemptName:
    """What the name of a task branch says."""

    run: str
    slug: str
    attempt: int

    @property
    def ref(self) -> str:
        """Its task branch."""
        return task_ref(self.run, self.slug, self.attempt)

    @classmethod
    def of(cls, ref: str | None) -> "AttemptName | None":
        """From a task branch's full name; None for any other ref."""
        match = re.fullmatch(r"refs/heads/cc4/([^/]+)/task/([a-z0-9-]+)/(\d+)", ref or "")
        return cls(match[1], match[2], int(match[3])) if match else None


class RunsOnRefs(Protocol):
    """Runs git on the real repository; `Repository.git`."""

    async def __call__(
        self, args: Sequence[str], *, stdin: bytes | None = None, ok: Iterable[int] = (0,)
    ) -> GitResult: ...


class Refs:
    """The refs of one repository.

    Args:
        git: Runs git on it, hooks off.
        common_dir: Where it keeps refs; to free the locks of a call of ours that was killed.
        zero: The object id that means "does not exist".
    """

    def __init__(self, git: RunsOnRefs, common_dir: Path, zero: str) -> None:
        self._git = git
        self._common_dir = common_dir
        self.zero = zero

    async def values(self, names: Sequence[str]) -> dict[str, str]:
        """Object ids of the refs that exist, by full name; git is asked for those without a file
        of their own, in one call."""
        found = {name: value for name in names if (value := self._loose(name)) is not None}
        if missing := [name for name in names if name not in found]:
            listed = await self.listed(missing)
            found |= {name: listed[name] for name in missing if name in listed}
        return found

    async def value(self, name: str) -> str | None:
        """Object id of one ref, by full name."""
        return (await self.values([name])).get(name)

    async def listed(self, prefixes: Sequence[str], *options: str) -> dict[str, str]:
        """Refs at or below the given names, with more `for-each-ref` options if wanted."""
        result = await self._git(
            ["for-each-ref", "--format=%(objectname) %(refname)", *options, *prefixes]
        )
        pairs = (line.split(" ", 1) for line in result.text.splitlines())
        return {name: value for value, name in pairs}

    async def create(self, name: str, value: str, message: str) -> bool:
        """Make a ref that must not exist yet; False if it exists with another value."""
        return await self.move(name, value, self.zero, message)

    async def begin(self, name: str, commit: str, message: str, *, like: str) -> bool:
        """Like `create`, for a branch of ours that an agent waits for: without git, if possible.

        Args:
            name: Full name.
            commit: Where it begins.
            message: For the reflog.
            like: Full name of a ref that probably has that value: then the commit is there.
        """
        known = name.startswith(OURS) and self._loose(like) == commit
        made = known and await asyncio.to_thread(self._write_new, name, commit)
        return made or await self.create(name, commit, message)

    async def move(
        self,
        name: str,
        new: str,
        old: str,
        message: str,
        *,
        also: str | None = None,
        follow: bool = False,
    ) -> bool:
        """Set `name` to `new` if it is `old`; False if it is something else.

        A call that failed or was killed after its effect counts as done: the ref says so.

        Args:
            name: Full name.
            new: Object id it gets.
            old: Object id it must have; `zero` = it must not exist.
            message: For the reflog.
            also: Full name of a second ref that gets `new` in the same step, whatever it was.
            follow: Move what a symbolic ref leads to; only right for a branch of the person's.

        Raises:
            GitError: it failed although the ref still is `old`.
        """
        mode = [] if follow else ["--no-deref"]
        names = [name] if also is None else [name, also]
        lines = f"update {name} {new} {old}\n" + (f"update {also} {new}\n" if also else "")
        args = ["update-ref", *mode, "--create-reflog", "-m", message, "--stdin"]
        try:
            await self._write(args, names, lines)
        except GitError:
            now = await self.value(name)
            if now == new:
                return True
            if (now or self.zero) != old:
                return False
            raise
        return True

    async def transaction(
        self, *, delete: Mapping[str, str] | None = None, create: Mapping[str, str] | None = None
    ) -> None:
        """Create and delete refs in one step: all of it happens, or none.

        Raises:
            GitError: a ref was not as expected, or is locked.
        """
        lines = [f"create {name} {value}\n" for name, value in (create or {}).items()]
        lines += [f"delete {name} {value}\n" for name, value in (delete or {}).items()]
        if lines:
            args = ["update-ref", "--no-deref", "--stdin", "-m", "cc4tui"]
            await self._write(args, [*(create or {}), *(delete or {})], "".join(lines))

    async def _write(self, args: Sequence[str], names: Sequence[str], lines: str) -> None:
        """Run a git that writes these refs; a dead git's lock on one of ours is taken away."""
        await free_unchanged(self._lock(name) for name in names if name.startswith((OURS, HIDDEN)))
        async with freeing_locks(map(self._lock, (*names, PACKED))):
            await self._git(args, stdin=os.fsencode(lines))

    def _loose(self, name: str) -> str | None:
        """The value of a ref that has a file of its own, which outranks the packed one."""
        if not _PLAIN.fullmatch(name) or ".." in name:
            return None
        data = read_regular(self._common_dir / name, len(self.zero) + 2)
        match = re.fullmatch(rb"([0-9a-f]+)\n", data or b"")
        value = match[1].decode() if match else ""
        return value if len(value) == len(self.zero) and value != self.zero else None

    def _write_new(self, name: str, commit: str) -> bool:
        """Make a ref as git does: locked, synced, then renamed. False = nothing was done: it is
        there already, or locked, or what is in its way is for git to say.

        In a file of its own: a second name for that of another ref would spare the sync, but some
        gits (go-git, isomorphic-git) write into a ref's file, and all its names would move.
        """
        lock, path, parts = self._lock(name), self._common_dir / name, name.split("/")
        packed = read_regular(self._common_dir / PACKED)
        if packed is None and os.path.lexists(self._common_dir / PACKED):
            return False
        taken = ("/".join(parts[:depth]) for depth in range(3, len(parts) + 1))
        if any(f" {ref}\n".encode() in (packed or b"") for ref in taken):
            return False
        made = False
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = lock.open("xb")
        except OSError:
            return made
        try:
            with file:
                file.write(f"{commit}\n".encode())
                file.flush()
                os.fsync(file.fileno())
            if not os.path.lexists(path):
                lock.rename(path)
                made = True
        except OSError as error:
            log.warning("git is to make %s: %s", name, error)
        finally:
            if not made:
                lock.unlink(missing_ok=True)
        return made

    def _lock(self, name: str) -> Path:
        """What a git holds while it writes this ref."""
        return self._common_dir / f"{name}.lock"
