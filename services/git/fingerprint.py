"""What of a repository executes or redirects: compared around every task and before landing."""

import asyncio
import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from cc4tui.errors import GitError
from cc4tui.services.git.config import ConfigEntry, GitConfig
from cc4tui.services.git.files import POINTER_LIMIT, read_regular, signature
from cc4tui.services.git.repository import Repository, read_config
from cc4tui.services.git.second_chance import second_chance


_DANGEROUS = re.compile(
    r"core\.(hookspath|fsmonitor|gitproxy|worktree|bare|attributesfile|alternaterefscommand)"
    r"|(alias|include|includeif|url|filter|pager|extensions|protocol|hook|instaweb)\..*"
    r"|remote\.(pushdefault|.*\.(url|pushurl|uploadpack|receivepack|vcs|proxy))"
    r"|branch\..*\.(mergeoptions|pushremote)|submodule\..*\.(url|update)|uploadpack\..*"
    r"|http\.(.*\.)?(proxy|sslverify|sslcainfo|sslcapath|curloptresolve)"
    r"|lfs\.(.*\.)?(url|pushurl|path|clean|smudge|standalonetransferagent)"
    r"|(mergetool|difftool|browser|man)\..*\.path|(merge|diff)\.(gui)?tool|init\.templatedir"
    r"|diff\.external|interactive\.difffilter|sendemail\.smtpserver"
    r"|.*\.(\w*command|\w*cmd|driver|textconv|helper|program|editor|pager|askpass)"
)
"""Keys whose value git runs as a program, or that lead it to other files or hosts. Editors, npm
and git itself write other keys all day; those do not count."""

READ_AT_MOST = 64 * 1024
"""Bytes of a hook that are read; a larger one is known by its size and times."""
_DATA_FILES = ("info/attributes", "info/grafts", "objects/info/alternates", "commondir")


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Values of everything that counts, by a name that a person understands."""

    items: Mapping[str, str]

    def differences(self, later: "Fingerprint") -> tuple[str, ...]:
        """What changed since then, one line each, sorted; empty if nothing did."""
        names = sorted(self.items.keys() | later.items.keys())
        return tuple(
            f"{name}: {self.items.get(name, 'none')} -> {later.items.get(name, 'none')}"
            for name in names
            if self.items.get(name) != later.items.get(name)
        )


class Fingerprinter:
    """Takes fingerprints of one repository; asks git only when a configuration file changed.

    Args:
        repository: Whose; its location at the time it was opened counts.
    """

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._config = repository.config
        self._seen: Mapping[Path, object] | None = None

    async def take(self) -> Fingerprint:
        """The fingerprint now; a configuration that git refuses to read is a difference too."""
        seen = self._signatures(self._config)
        if seen != self._seen:
            try:
                self._config = await second_chance(self._read_config)
            except GitError as error:
                return Fingerprint({"the configuration": f"git refuses it: {error.stderr}"})
            self._seen = self._signatures(self._config)
        files = await asyncio.to_thread(lambda: dict(self._files(self._config)))
        return Fingerprint(_dangerous(self._config) | files)

    async def _read_config(self) -> GitConfig:
        return await read_config(self._repository.runner, self._repository.location)

    def _signatures(self, config: GitConfig) -> dict[Path, object]:
        return {path: signature(path) for path in self._config_files(config)}

    def _config_files(self, config: GitConfig) -> set[Path]:
        """Files that were read, and those that would be read if they appeared."""
        location = self._repository.location
        read = {entry.origin.removeprefix("file:") for entry in config.entries}
        home = Path.home()
        return {Path(name) for name in read if name.startswith("/")} | {
            location.common_dir / "config",
            location.git_dir / "config.worktree",
            home / ".gitconfig",
            Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config") / "git" / "config",
            Path("/etc/gitconfig"),
        }

    def _files(self, config: GitConfig) -> Iterator[tuple[str, str]]:
        location = self._repository.location
        for name in _DATA_FILES:
            yield from _described(name, location.common_dir / name)
        if location.git_dir != location.common_dir:
            yield from _described("commondir of this worktree", location.git_dir / "commondir")
        if location.root is not None:
            yield ".git", _pointer(location.root / ".git")
        yield from _other_worktrees(location.common_dir)
        yield from _submodules(location.common_dir)
        for folder in {location.common_dir / "hooks", *self._hooks_path(config)}:
            yield from _hooks(folder)

    def _hooks_path(self, config: GitConfig) -> list[Path]:
        value = config.get("core.hookspath")
        if not value:
            return []
        root = self._repository.root or self._repository.common_dir
        return [root / Path(value).expanduser()]


def _dangerous(config: GitConfig) -> dict[str, str]:
    values: dict[str, list[str]] = {}
    for entry in config.entries:
        if _DANGEROUS.fullmatch(entry.key):
            values.setdefault(_name(entry), []).append(entry.value)
    return {name: _without_password(" | ".join(found)) for name, found in values.items()}


def _name(entry: ConfigEntry) -> str:
    return f"config {entry.key} ({entry.scope})"


def _without_password(text: str) -> str:
    """Addresses without their credentials: this is shown to people and stored."""
    return re.sub(r"//[^/@\s]+@", "//...@", text)


def _described(name: str, path: Path) -> Iterator[tuple[str, str]]:
    if path.is_symlink():
        yield name, f"link to {path.readlink()}"
    elif path.exists():
        yield name, _digest(read_regular(path))


def _pointer(path: Path) -> str:
    """What `.git` of the person's work tree is."""
    if path.is_symlink():
        return f"link to {path.readlink()}"
    return "folder" if path.is_dir() else _digest(read_regular(path))


def _other_worktrees(common_dir: Path) -> Iterator[tuple[str, str]]:
    """Pointers of linked work trees that lead elsewhere than git ever writes.

    A work tree that is being made or removed right now has an empty one, which git refuses to
    follow, or none.
    """
    for pointer in (common_dir / "worktrees").glob("*/commondir"):
        data = read_regular(pointer, POINTER_LIMIT)
        passing = data == b"" or (data is None and not os.path.lexists(pointer))
        if data != b"../..\n" and not passing:
            yield f"commondir of worktree {pointer.parent.name}", "leads out of the repository"


def _submodules(common_dir: Path) -> Iterator[tuple[str, str]]:
    """What git obeys inside of populated submodules, which `git status` visits."""
    for name, folders, files in os.walk(common_dir / "modules"):
        folder = Path(name)
        if "HEAD" in files and "config" in files:
            folders[:] = [inner for inner in folders if inner == "modules"]
            shown = folder.relative_to(common_dir)
            yield from _described(f"{shown}/config", folder / "config")
            yield from _hooks(folder / "hooks")


def _hooks(folder: Path) -> Iterator[tuple[str, str]]:
    if folder.is_symlink():
        yield f"{folder}", f"link to {folder.readlink()}"
    if not folder.is_dir():
        return
    for path in folder.iterdir():
        if path.suffix != ".sample":
            runs = "executable" if os.access(path, os.X_OK) else "not executable"
            yield f"hook {path}", f"{_content(path.resolve())}, {runs}"


def _content(path: Path) -> str:
    """The content, or what changes with it: whoever leads the hooks to a folder of gigabytes must
    not keep us reading."""
    data = read_regular(path, READ_AT_MOST + 1)
    if data is not None and len(data) > READ_AT_MOST:
        return f"large: {_digest(repr(signature(path)).encode())}"
    return _digest(data)


def _digest(data: bytes | None) -> str:
    return "unreadable" if data is None else f"sha256 {hashlib.sha256(data).hexdigest()[:16]}"
