"""The one place where a checkout of the person's is changed: `git merge --ff-only` in it.

The person's own configuration counts there, as if they typed the command; what the repository's
configuration would run is switched off for the call.
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from cc4tui.errors import Cc4tuiError, GitError
from cc4tui.services.git.config import GitConfig
from cc4tui.services.git.diff import changed_files
from cc4tui.services.git.discovery import Location, locate
from cc4tui.services.git.environment import person_environment
from cc4tui.services.git.lfs import is_lfs
from cc4tui.services.git.locks import freeing_locks
from cc4tui.services.git.private import PrivateGit
from cc4tui.services.git.refs import BRANCHES
from cc4tui.services.git.repository import read_config


REPOSITORY_SCOPES = frozenset({"local", "worktree"})
"""Scopes that whoever can write the repository can write."""

_BUSY = re.compile(r"index\.lock|MERGE_HEAD|unmerged|not concluded|CHERRY_PICK_HEAD|conflict")


class Refusal(StrEnum):
    """Why a landing was refused, for programs."""

    MOVED = "moved"
    """The target has commits that are not merged; merge its tip and try again."""
    MISSING = "missing"
    """The target branch is gone."""
    CLASH = "clash"
    """Files of the person are in the way."""
    TAMPERED = "tampered"
    """What executes or redirects changed since the run began."""
    FILTERS = "filters"
    """Files go through a program that the repository's own configuration names."""
    BUSY = "busy"
    """Another git command, a merge or a rebase is under way there."""


class CheckoutRefusedError(Cc4tuiError):
    """The checkout was left as it was."""

    def __init__(self, code: Refusal, reason: str, files: tuple[str, ...] = ()) -> None:
        super().__init__(reason)
        self.code = code
        self.files = files


async def merge_into(private: PrivateGit, checkout: Path, old: str, new: str, target: str) -> None:
    """Fast-forward a work tree that has `target` checked out.

    Raises:
        CheckoutRefusedError: files are in the way, or something else is under way there.
        GitError: git failed for another reason.
    """
    location = await locate(private.repository.runner, checkout)
    if location.common_dir != private.repository.common_dir:
        raise CheckoutRefusedError(
            Refusal.TAMPERED, f"{checkout} belongs to another repository, {location.common_dir}"
        )
    config = await read_config(private.repository.runner, location)
    await _refuse_filters(private, config, old, new)
    overrides = neutral_settings(config) | {f"branch.{target}.mergeOptions": ""}
    try:
        await _merge(private, location, f"{BRANCHES}{target}", new, overrides)
    except GitError as error:
        raise _explained(error, checkout) from error


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


async def _merge(
    private: PrivateGit, location: Location, ref: str, new: str, overrides: Mapping[str, str]
) -> None:
    folders = [f"--git-dir={location.git_dir}", f"--work-tree={location.root}"]
    options = ["-q", "--ff-only", "--no-autostash", "--no-verify-signatures"]
    env = person_environment() | _as_environment(overrides) | {"GIT_REFLOG_ACTION": "cc4tui land"}
    names = (location.git_dir / "index", location.git_dir / "HEAD", location.common_dir / ref)
    async with freeing_locks(path.with_name(f"{path.name}.lock") for path in names):
        await private.repository.runner.run(
            [*folders, "merge", *options, new], env=env, cwd=location.root or location.git_dir
        )


async def _refuse_filters(private: PrivateGit, config: GitConfig, old: str, new: str) -> None:
    """Files that need a program of the repository's configuration are left to the person."""
    drivers = {key.split(".", 1)[1].rpartition(".")[0] for key in _without_value(config)}
    if not drivers:
        return
    paths = [change.path for change in await changed_files(private, old, new)]
    attributes = await _filter_attributes(private, new, paths)
    files = tuple(path for path, driver in attributes.items() if driver in drivers)
    if files:
        raise CheckoutRefusedError(
            Refusal.FILTERS,
            f"{', '.join(files[:5])} would go through a filter program that the repository's "
            "own configuration names",
            files,
        )


def _without_value(config: GitConfig) -> list[str]:
    return [key for key, value in neutral_settings(config).items() if value in {"", "false"}]


async def _filter_attributes(private: PrivateGit, commit: str, paths: list[str]) -> dict[str, str]:
    """The `filter` attribute of each path, as the files of `commit` say."""
    index = private.index_dir / "landing"
    try:
        await private.run(["read-tree", commit], index=index)
        result = await private.run(
            ["check-attr", "--cached", "--stdin", "-z", "filter"],
            index=index,
            stdin=b"".join(path.encode("utf-8", "surrogateescape") + b"\0" for path in paths),
        )
    finally:
        index.unlink(missing_ok=True)
    return dict(zip(result.fields[0::3], result.fields[2::3], strict=True))


def _as_environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Settings as variables: keys may hold any character, other than with ``-c``."""
    env = {"GIT_CONFIG_COUNT": str(len(settings))}
    for number, (key, value) in enumerate(settings.items()):
        env |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return env


def _explained(error: GitError, checkout: Path) -> Cc4tuiError:
    files = tuple(re.findall(r"^\t(.+)$", error.stderr, re.MULTILINE))
    if "would be overwritten" in error.stderr or "would lose untracked" in error.stderr:
        shown = ", ".join(files[:5]) + (", ..." if len(files) > 5 else "")
        reason = f"your changes to {shown} in {checkout} would be overwritten"
        return CheckoutRefusedError(Refusal.CLASH, reason, files)
    if _BUSY.search(error.stderr):
        last = error.stderr.splitlines()[0]
        return CheckoutRefusedError(Refusal.BUSY, f"git says about {checkout}: {last}")
    return error
