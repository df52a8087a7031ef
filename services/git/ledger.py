"""Reads the no-loss ledger: what `refs/cc4/saved/` keeps, what is in it, and a way back to it."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from cc4tui.errors import NotFoundError, UsageError
from cc4tui.services.git.diff import changed_files, unified_diff
from cc4tui.services.git.private import PrivateGit
from cc4tui.services.git.refs import BRANCHES, SAVED, merged_ref


_FORMAT = "%00".join(
    ("%(refname)", "%(objectname)", "%(committerdate:unix)", "%(contents:subject)")
)
_NAME = re.compile(r"([^/]+)/([a-z0-9-]+)/(\d+)/(\d+)")


@dataclass(frozen=True, slots=True)
class Entry:
    """Work that no branch held when it was saved."""

    name: str
    """What a person calls it by: ``<run>/<task>/<attempt>/<n>``, its ref without the beginning."""
    run: str
    slug: str
    """The task, as names of refs spell it."""
    attempt: int
    commit: str
    date: datetime
    subject: str
    """Of the commit; raw, clean it to show."""

    @property
    def ref(self) -> str:
        """Full name."""
        return f"{SAVED}{self.name}"


class Ledger:
    """What was saved in one repository. Reading changes nothing; nothing here deletes."""

    def __init__(self, private: PrivateGit) -> None:
        self.private = private
        self._refs = private.repository.refs

    async def entries(self) -> list[Entry]:
        """Everything that is saved, newest first.

        Raises:
            GitError: git cannot list it.
        """
        result = await self.private.repository.git(
            ["for-each-ref", "--sort=-committerdate", f"--format={_FORMAT}", SAVED]
        )
        found = (_entry(line) for line in result.text.split("\n") if line)
        return [entry for entry in found if entry is not None]

    async def find(self, name: str) -> Entry:
        """The one entry of a name, or of the beginning of one: ``r-7f3`` or ``r-7f3/2-1``.

        Raises:
            NotFoundError: there is none, or several.
        """
        wanted = name.removeprefix(SAVED).rstrip("/")
        entries = await self.entries()
        matching = [entry for entry in entries if entry.name.startswith(wanted)]
        exact = [entry for entry in matching if entry.name == wanted]
        if len(exact or matching) != 1:
            what = "fits several of what is saved" if matching else "fits nothing that is saved"
            raise NotFoundError(f'"{name}" {what}; `cc4tui saved list` shows all')
        return (exact or matching)[0]

    async def files(self, entry: Entry) -> tuple[str, ...]:
        """Paths that it changes; raw, clean them to show."""
        base = await self._base(entry)
        changes = await changed_files(self.private, base, entry.commit)
        return tuple(change.path for change in changes)

    async def diff(self, entry: Entry) -> str:
        """What it changes as a unified diff; raw text."""
        return await unified_diff(self.private, await self._base(entry), entry.commit)

    async def restore(self, entry: Entry, branch: str | None = None) -> str:
        """Make a branch of it and return its short name; no work tree is touched.

        Args:
            entry: What to restore.
            branch: Short name; by default ``saved/<run>-<task>``, numbered where that is taken.

        Raises:
            UsageError: the name is no name of a branch, or another branch has it.
            GitError: git could not make it.
        """
        if branch is not None:
            await self._check_name(branch)
            if not await self._make(branch, entry):
                raise UsageError(f"the branch {branch} exists already; choose another name")
            return branch
        stem = f"saved/{entry.run}-{entry.slug}"
        number, name = 1, stem
        while not await self._make(name, entry):
            number += 1
            name = f"{stem}-{number}"
        return name

    async def _make(self, branch: str, entry: Entry) -> bool:
        """Whether the branch is there with this commit now."""
        ref = f"{BRANCHES}{branch}"
        taken = await self._refs.value(ref)
        if taken is not None:
            return taken == entry.commit
        return await self._refs.create(ref, entry.commit, f"cc4tui: restored {entry.name}")

    async def _check_name(self, branch: str) -> None:
        args = ["check-ref-format", f"{BRANCHES}{branch}"]
        result = await self.private.run(args, ok=(0, 1))
        if result.returncode != 0 or branch.startswith("-"):
            raise UsageError(f"{branch!r} cannot be the name of a branch")

    async def _base(self, entry: Entry) -> str:
        """What it is compared with: where it left the person's branch or its run's; if one of
        them holds all of it, what it was made on."""
        heads = await self._refs.values([merged_ref(entry.run)])
        lasting = [self.private.repository.head, *heads.values()]
        found = await self.private.run(["merge-base", entry.commit, *lasting], ok=(0, 1))
        if found.text and found.text != entry.commit:
            return found.text
        parent = await self.private.run(
            ["rev-parse", "--verify", "--quiet", f"{entry.commit}^1"], ok=(0, 1)
        )
        return parent.text or await self._empty_tree()

    async def _empty_tree(self) -> str:
        return (await self.private.run(["mktree"], stdin=b"")).text


def _entry(line: str) -> Entry | None:
    """None for a ref that somebody else put there."""
    ref, commit, seconds, subject = line.split("\0", 3)
    match = _NAME.fullmatch(ref.removeprefix(SAVED))
    if match is None or not seconds:
        return None
    date = datetime.fromtimestamp(int(seconds), UTC)
    return Entry(match[0], match[1], match[2], int(match[3]), commit, date, subject)
