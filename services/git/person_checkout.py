"""A checkout of the person's, as far as a landing has to look into it and write to it.

The person's own configuration counts there, as if they typed the commands; what the repository's
configuration would run is switched off for every call.
"""

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cc4tui.services.git.config import GitConfig
from cc4tui.services.git.diff import Entry
from cc4tui.services.git.discovery import Location, locate
from cc4tui.services.git.environment import person_environment
from cc4tui.services.git.lfs import is_lfs
from cc4tui.services.git.orphans import LANDING_MARK
from cc4tui.services.git.private import PrivateGit
from cc4tui.services.git.process import GitResult
from cc4tui.services.git.repository import read_config


REPOSITORY_SCOPES = frozenset({"local", "worktree"})
"""Scopes that whoever can write the repository can write."""

OTHER: Entry = ("", "")
"""An index entry that no landing makes: a conflict, or a path outside a sparse checkout."""


@dataclass(frozen=True, slots=True)
class PersonCheckout:
    """One work tree that is not ours. Made by `open`."""

    private: PrivateGit
    location: Location
    root: Path
    config: GitConfig

    @classmethod
    async def open(cls, private: PrivateGit, root: Path) -> "PersonCheckout":
        """Look at a work tree; the caller compares its repository with the one it expects.

        Raises:
            UnfitError, GitError: there is none, or git does not open it.
        """
        runner = private.repository.runner
        location = await locate(runner, root)
        return cls(private, location, location.root or root, await read_config(runner, location))

    async def run(
        self,
        args: Sequence[str],
        *,
        settings: Mapping[str, str] | None = None,
        index: Path | None = None,
        stdin: bytes | None = None,
    ) -> GitResult:
        """Run git as the person would, without programs of the repository's configuration.

        Args:
            args: The subcommand and its arguments.
            settings: More configuration for this call.
            index: Instead of the person's own.
            stdin: What it reads.

        Raises:
            GitError: git failed.
        """
        folders = [f"--git-dir={self.location.git_dir}", f"--work-tree={self.root}"]
        overrides = neutral_settings(self.config) | dict(settings or {})
        env = person_environment() | _as_environment(overrides) | LANDING_MARK
        if index is not None:
            env["GIT_INDEX_FILE"] = str(index)
        return await self.private.repository.runner.run(
            [*folders, *args], env=env, cwd=self.root, stdin=stdin, again=False
        )

    def locks(self, ref: str) -> list[Path]:
        """The locks that a fast-forward of `ref` (full name) takes here."""
        git_dir, common_dir = self.location.git_dir, self.location.common_dir
        names = (git_dir / "index", git_dir / "HEAD", git_dir / "ORIG_HEAD", common_dir / ref)
        return [name.with_name(f"{name.name}.lock") for name in names]

    async def index_entries(self, paths: Collection[str]) -> dict[str, Entry]:
        """What the person's index holds of some paths."""
        result = await self.run(["ls-files", "-s", "-t", "-z"])
        found: dict[str, Entry] = {}
        for field in result.fields:
            facts, path = field.split("\t", 1)
            if path in paths:
                tag, mode, oid, _ = facts.split(" ")
                found[path] = (mode, oid) if tag == "H" else OTHER
        return found

    async def unchanged(self, entries: Mapping[str, Entry]) -> set[str]:
        """Paths whose files are what git would write for these entries."""
        if not entries:
            return set()
        with self.private.passing_index("landing-look") as index:
            await self.set_index(entries, index=index)
            result = await self.run(["ls-files", "-z", "-m", "-d"], index=index)
        return entries.keys() - set(result.fields)

    async def set_index(
        self, entries: Mapping[str, Entry | None], *, index: Path | None = None
    ) -> None:
        """Put entries into an index (the person's own by default); None takes one out."""
        zero = self.private.repository.refs.zero
        gone = [f"0 {zero}\t{path}" for path, entry in entries.items() if entry is None]
        there = [f"{e[0]} {e[1]}\t{path}" for path, e in entries.items() if e is not None]
        await self.run(
            ["update-index", "-z", "--index-info"], index=index, stdin=_lines([*gone, *there])
        )

    async def check_out(self, paths: Sequence[str]) -> None:
        """Write files as the person's index has them."""
        if paths:
            await self.run(
                ["checkout-index", "-f", "-u", "-q", "-z", "--stdin"], stdin=_lines(paths)
            )

    async def content(self, path: str, entry: Entry) -> bytes:
        """The bytes that git would write for an entry."""
        return (await self.run(["cat-file", "--filters", f"--path={path}", entry[1]])).stdout


def neutral_settings(config: GitConfig) -> dict[str, str]:
    """Settings that undo every filter of the repository's own; the person's, and LFS, stay."""
    own: dict[str, str] = {}
    theirs: dict[str, str] = {}
    for entry in config.matching("filter.", ""):
        if is_lfs(entry):
            continue
        (own if entry.scope in REPOSITORY_SCOPES else theirs)[entry.key] = entry.value
    fallback = {key: "false" if key.endswith(".required") else "" for key in own}
    return fallback | {key: value for key, value in theirs.items() if key in own}


def _as_environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Settings as variables: keys may hold any character, other than with ``-c``."""
    env = {"GIT_CONFIG_COUNT": str(len(settings))}
    for number, (key, value) in enumerate(settings.items()):
        env |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return env


def _lines(texts: Sequence[str]) -> bytes:
    return b"".join(os.fsencode(text) + b"\0" for text in texts)
