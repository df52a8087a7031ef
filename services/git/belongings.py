"""What git does not hold but every worktree needs: copies of and links to files of the checkout.

They are put there anew for every task, never become part of a task's work, and git does not show
them to the agent as new files.
"""

import asyncio
import hashlib
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cc4tui.errors import Cc4tuiError, UsageError
from cc4tui.services.git.files import identity, write_atomic
from cc4tui.services.git.repository import Repository
from cc4tui.services.git.slot import Slot, literal_pattern


_ENV_LIMIT = 1 << 20
_ASSIGNMENT = re.compile(r"^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=(.*)$", re.MULTILINE)


class PlacingError(Cc4tuiError):
    """A file could not be brought into a worktree."""


@dataclass(frozen=True, slots=True)
class Belongings:
    """What was found in the checkout; paths relative to it."""

    root: Path | None = None
    copies: tuple[str, ...] = ()
    links: tuple[str, ...] = ()

    @property
    def paths(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.copies, *self.links)


def find_belongings(root: Path | None, copy: Iterable[str], link: Iterable[str]) -> Belongings:
    """Look for what the configuration names; `*`, `?`, `[...]` and `**` stand for several.

    Raises:
        UsageError: something that is named is not there.
    """
    wanted = {"copy": tuple(copy), "link": tuple(link)}
    if not any(wanted.values()):
        return Belongings()
    if root is None:
        raise UsageError(
            "run.copy and run.link need a checkout to take files from, and this repository is"
            " bare; take them out of the configuration"
        )
    found = {key: tuple(_found(root, key, patterns)) for key, patterns in wanted.items()}
    twice = sorted(set(found["copy"]) & set(found["link"]))
    if twice:
        raise UsageError(f"run.copy and run.link both name {twice[0]}; leave it in one of them")
    return Belongings(root, found["copy"], found["link"])


def _found(root: Path, key: str, patterns: Iterable[str]) -> Iterator[str]:
    seen: set[str] = set()
    for pattern in patterns:
        literal = root / pattern  # `[slug]` is a name, too
        paths = [literal] if literal.exists() else sorted(root.glob(pattern))
        names = [os.path.relpath(path, root) for path in paths if path.exists()]
        if not names:
            raise UsageError(
                f"run.{key}: there is no {pattern} in {root}; make it, or take it out of the"
                " configuration"
            )
        yield from (name for name in names if name not in seen)
        seen.update(names)


def settings_in(belongings: Belongings) -> dict[str, str]:
    """Variables that copied files of the kind `.env` set: their secrets are to be masked."""
    found: dict[str, str] = {}
    for path in belongings.copies:
        assert belongings.root is not None
        file = belongings.root / path
        if file.name.startswith(".env") and file.is_file() and file.stat().st_size < _ENV_LIMIT:
            for name, value in _ASSIGNMENT.findall(file.read_text(errors="replace")):
                found[f"{name}_{path}"] = value.strip().strip("'\"")
    return found


async def place(slot: Slot, belongings: Belongings) -> str:
    """Put copies and links into a worktree whose files are those of a commit.

    What git tracks there stays as it is.

    Returns:
        A digest of what was put there.

    Raises:
        PlacingError: something could not be read or written.
    """
    if not belongings.paths:
        slot.hide(())
        return ""
    tracked = await _tracked(slot, belongings.paths)
    ours = [path for path in belongings.paths if path not in tracked]
    slot.hide(ours)
    return await asyncio.to_thread(_put, slot, belongings, frozenset(ours))


async def _tracked(slot: Slot, paths: tuple[str, ...]) -> set[str]:
    """Those of the paths that git tracks, or below which it tracks something."""
    listed = await slot.run("--literal-pathspecs", "ls-files", "-z", "--", *paths)
    names = [os.fsdecode(name) for name in listed.split(b"\0")[:-1]]
    return {p for p in paths if any(name == p or name.startswith(f"{p}/") for name in names)}


def _put(slot: Slot, belongings: Belongings, ours: frozenset[str]) -> str:
    assert belongings.root is not None
    digest = hashlib.sha256()
    for path in belongings.paths:
        if path not in ours:
            continue
        source, target = belongings.root / path, slot.worktree / path
        try:
            _make_room(slot.worktree, target)
            if path in belongings.links:
                target.symlink_to(source)
                digest.update(b"link\0" + os.fsencode(path) + b"\0")
            else:
                _copy(source, target)
                for part in _described(target, path):
                    digest.update(part)
        except (OSError, shutil.Error) as error:
            raise PlacingError(
                f"{path} could not be brought into {target.parent}: {error}"
            ) from None
    return digest.hexdigest()


def _make_room(worktree: Path, target: Path) -> None:
    """Make the folders above and remove what is in its place; a commit's links lead nowhere."""
    existing = next(folder for folder in target.parents if folder.exists())
    if not existing.resolve().is_relative_to(worktree):
        raise OSError(f"{existing} leads out of the worktree")
    target.parent.mkdir(parents=True, exist_ok=True)
    if identity(target) is not None:
        shutil.rmtree(target)
    else:
        target.unlink(missing_ok=True)


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True)
    else:
        shutil.copy2(source, target)


def _described(target: Path, name: str) -> Iterator[bytes]:
    """What of a copy counts for the set-up: names and content."""
    files = [target] if not target.is_dir() else sorted(target.rglob("*"))
    for file in files:
        yield os.fsencode(f"{name}/{os.path.relpath(file, target)}") + b"\0"
        if file.is_file():
            with file.open("rb") as opened:
                yield hashlib.file_digest(opened, "sha256").digest()


def excludes(slot: Slot, repository: Repository) -> Path | None:
    """A file for `core.excludesFile` of the agent's git; None when nothing has to be hidden.

    The person's own file of that kind comes first in it. Without this, `git add -A` would commit
    what was put there for the agent, and a `node_modules/` in .gitignore means folders, not links.
    """
    hidden = slot.hidden
    if not hidden:
        return None
    own = repository.config.get("core.excludesfile")
    config_home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    source = Path(own).expanduser() if own else config_home / "git" / "ignore"
    try:
        text = source.read_bytes()
    except OSError:
        text = b""
    lines = [text.rstrip(b"\n"), *(os.fsencode(literal_pattern(path)) for path in hidden), b""]
    write_atomic(slot.exclude_file, b"\n".join(lines))
    return slot.exclude_file
