"""What differs between two commits: for the screens, for landing, and for `save`."""

import os
from collections.abc import Iterator
from dataclasses import dataclass

from cc4tui.services.git.private import PrivateGit


Entry = tuple[str, str]
"""Mode and object id, as an index or a tree holds a path."""


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """One path that differs."""

    status: str
    """A added, D deleted, M modified, T another type (file, link, submodule)."""
    path: str
    """Bytes that are not UTF-8 are surrogates; clean it before it is shown."""
    old_mode: str = ""
    new_mode: str = ""
    old_oid: str = ""
    new_oid: str = ""

    @property
    def old(self) -> Entry | None:
        """What there was; None if it was added."""
        return None if self.status == "A" else (self.old_mode, self.old_oid)

    @property
    def new(self) -> Entry | None:
        """What there is; None if it was deleted."""
        return None if self.status == "D" else (self.new_mode, self.new_oid)


@dataclass(frozen=True, slots=True)
class FileStat:
    """Lines that came and went in one path; None for binary content."""

    path: str
    added: int | None
    deleted: int | None


async def changed_files(private: PrivateGit, old: str, new: str) -> tuple[ChangedFile, ...]:
    """Paths that differ between two commits or trees."""
    result = await private.run(["diff-tree", "-r", "--raw", "-z", "--no-renames", old, new, "--"])
    return parse_raw(result.stdout)


async def numstat(private: PrivateGit, old: str, new: str) -> tuple[FileStat, ...]:
    """Lines added and deleted in each path that differs."""
    result = await private.run(
        ["diff-tree", "-r", "--numstat", "-z", "--no-renames", old, new, "--"]
    )
    return tuple(_stat(field) for field in result.fields)


async def unified_diff(private: PrivateGit, old: str, new: str) -> str:
    """The difference as a person reads it; raw text, clean it before it is shown."""
    result = await private.run(["diff-tree", "-r", "-p", "--no-color", "-M", old, new, "--"])
    return result.stdout.decode("utf-8", "replace")


def parse_raw(output: bytes) -> tuple[ChangedFile, ...]:
    """From ``--raw -z --no-renames``."""
    return tuple(_changes(output))


def _changes(output: bytes) -> Iterator[ChangedFile]:
    fields = iter(output.split(b"\0")[:-1])
    for header in fields:
        old_mode, new_mode, old, new, status = header.decode("ascii").removeprefix(":").split(" ")
        yield ChangedFile(status[0], os.fsdecode(next(fields)), old_mode, new_mode, old, new)


def _stat(field: str) -> FileStat:
    added, deleted, path = field.split("\t", 2)
    return FileStat(path, _count(added), _count(deleted))


def _count(text: str) -> int | None:
    return None if text == "-" else int(text)
