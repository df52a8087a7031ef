"""git's configuration as the person sees it, read by plumbing."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple


class ConfigEntry(NamedTuple):
    """One line of configuration and where it stands."""

    scope: str
    """system, global, local, worktree or command."""
    origin: str
    """``file:<path>`` for files."""
    key: str
    """Section and name in lower case, a subsection as written."""
    value: str
    """``true`` for a key that stands alone."""


class Identity(NamedTuple):
    """Who commits."""

    name: str
    email: str

    def environment(self) -> dict[str, str]:
        """The four variables that `git commit-tree` reads."""
        return {
            "GIT_AUTHOR_NAME": self.name,
            "GIT_AUTHOR_EMAIL": self.email,
            "GIT_COMMITTER_NAME": self.name,
            "GIT_COMMITTER_EMAIL": self.email,
        }


@dataclass(frozen=True, slots=True)
class GitConfig:
    """All entries in the order git applies them: the last one of a key counts."""

    entries: tuple[ConfigEntry, ...] = ()
    _last: dict[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_last", {entry.key: entry.value for entry in self.entries})

    @classmethod
    def parse(cls, output: bytes) -> "GitConfig":
        """From ``git config --list -z --show-scope --show-origin``."""
        fields = [os.fsdecode(part) for part in output.split(b"\0")[:-1]]
        triples = zip(fields[0::3], fields[1::3], fields[2::3], strict=True)
        return cls(tuple(_entry(*triple) for triple in triples))

    def get(self, key: str) -> str | None:
        """The value that counts; `key` as `ConfigEntry.key`."""
        return self._last.get(key)

    def is_true(self, key: str) -> bool:
        """Whether git would read the key as true."""
        return (self.get(key) or "false").lower() in {"true", "yes", "on", "1"}

    def matching(self, prefix: str, suffix: str) -> Iterator[ConfigEntry]:
        """Entries such as ``remote.<anything>.promisor``."""
        for entry in self.entries:
            if entry.key.startswith(prefix) and entry.key.endswith(suffix):
                yield entry

    def identity(self) -> Identity:
        """The person's name and address as git itself would take them, else cc4tui's own."""
        name = os.environ.get("GIT_AUTHOR_NAME") or self.get("user.name")
        email = os.environ.get("GIT_AUTHOR_EMAIL") or self.get("user.email")
        return Identity(_usable(name) or "cc4tui", _usable(email) or "cc4tui@localhost")


def _entry(scope: str, origin: str, text: str) -> ConfigEntry:
    key, separator, value = text.partition("\n")
    return ConfigEntry(scope, origin, key, value if separator else "true")


def _usable(text: str | None) -> str:
    """What is left after git drops the characters that delimit an identity."""
    return (text or "").translate(str.maketrans("", "", "<>\n\0")).strip(" .,:;\"'\\\t\r")
