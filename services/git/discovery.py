"""Finds the repository that holds a folder, and refuses those whose parts lie elsewhere."""

from pathlib import Path
from typing import NamedTuple

from cc4tui.errors import GitError, UnfitError
from cc4tui.services.git.environment import person_environment
from cc4tui.services.git.runner import GitRunner


class Location(NamedTuple):
    """Where the parts of a repository are; all paths real and absolute."""

    git_dir: Path
    """Of the work tree the person stands in: its HEAD and index."""
    common_dir: Path
    """Refs, objects and configuration, shared by all work trees."""
    root: Path | None
    """The work tree; None in a bare repository."""
    object_format: str
    shallow: bool


async def locate(runner: GitRunner, start: Path) -> Location:
    """Walk up from `start` as git does.

    Raises:
        UnfitError: no repository, not a folder, refused by git, or redirected by a planted file.
    """
    folder = _folder(start)
    bare, inside, shallow, object_format, git_dir = await _facts(runner, folder)
    common_dir = common_dir_of(git_dir)
    root = None
    if inside:
        root = await _top_level(runner, folder)
    elif not bare:
        root = await _owner_of(runner, git_dir)
    if bare and (common_dir / "index").exists() and common_dir.name == ".git":
        raise UnfitError(
            f"{common_dir}/config says core.bare = true although there is a checkout; "
            "run `git config core.bare false` if nobody meant that"
        )
    return Location(git_dir, common_dir, root, object_format, shallow)


def common_dir_of(git_dir: Path) -> Path:
    """The common folder of a git folder, which only a linked work tree has elsewhere.

    git follows a `commondir` file wherever it points; a crafted one would make every command
    obey a foreign configuration.

    Raises:
        UnfitError: it leads out of the repository.
    """
    pointer = git_dir / "commondir"
    if not pointer.exists() and not pointer.is_symlink():
        return git_dir
    if pointer.is_symlink():
        raise UnfitError(f"{pointer} is a symbolic link, which git never makes; look at it first")
    common = (git_dir / pointer.read_text("utf-8", "surrogateescape").rstrip("\r\n")).resolve()
    if git_dir.parent != common / "worktrees":
        raise UnfitError(
            f"{pointer} leads out of its repository, to {common}; cc4tui does not follow it"
        )
    return common


def _folder(start: Path) -> Path:
    try:
        path = start.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise UnfitError(f"{start} cannot be opened: {error}") from error
    return path if path.is_dir() else path.parent


async def _facts(runner: GitRunner, folder: Path) -> tuple[bool, bool, bool, str, Path]:
    questions = ["is-bare-repository", "is-inside-work-tree", "is-shallow-repository"]
    options = [f"--{name}" for name in questions]
    args = ["rev-parse", *options, "--show-object-format", "--absolute-git-dir"]
    try:
        result = await runner.run(args, env=person_environment(), cwd=folder)
    except GitError as error:
        if "not a git repository" in error.stderr:
            raise _no_repository(folder) from None
        raise UnfitError(f"git does not open {folder}: {error.stderr or error}") from error
    *answers, git_dir = result.text.split("\n", 4)  # a path may hold newlines, so it comes last
    bare, inside, shallow = (answer == "true" for answer in answers[:3])
    return bare, inside, shallow, answers[3], Path(git_dir).resolve()


def _no_repository(folder: Path) -> UnfitError:
    return UnfitError(
        f"{folder} is not in a git repository; start cc4tui inside one, or run `git init`"
    )


async def _top_level(runner: GitRunner, folder: Path) -> Path:
    result = await runner.run(
        ["rev-parse", "--show-toplevel"], env=person_environment(), cwd=folder
    )
    return Path(result.text).resolve()


async def _owner_of(runner: GitRunner, git_dir: Path) -> Path | None:
    """The work tree of a git folder that somebody stands inside of."""
    backpointer = git_dir / "gitdir"
    if backpointer.is_file():
        return Path(backpointer.read_text("utf-8", "surrogateescape").rstrip("\n")).parent.resolve()
    if git_dir.name == ".git":
        return await _top_level(runner, git_dir.parent)
    return None
