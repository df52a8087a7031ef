"""Where state lives: one private folder per repository, never inside it and never in /tmp."""

import hashlib
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cc4tui.errors import UnfitError


PRIVATE_FOLDER = 0o700
PRIVATE_FILE = 0o600


def state_root(environ: Mapping[str, str] | None = None) -> Path:
    """The folder that holds the state of all repositories; CC4TUI_STATE_DIR overrides it."""
    environ = os.environ if environ is None else environ
    if chosen := environ.get("CC4TUI_STATE_DIR"):
        return Path(chosen).expanduser().absolute()
    import platformdirs

    return platformdirs.user_state_path("cc4tui", appauthor=False)


def repository_key(common_dir: Path) -> str:
    """Name of a repository's folder: readable, and unique by the real path of its git directory."""
    real = common_dir.resolve()
    name = real.parent.name if real.name == ".git" else real.name.removesuffix(".git")
    readable = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip(".-")[:40] or "repository"
    return f"{readable}-{hashlib.sha256(os.fsencode(real)).hexdigest()[:12]}"


@dataclass(frozen=True, slots=True)
class StatePaths:
    """The state of one repository. All worktrees of a repository share it."""

    root: Path
    """State of all repositories."""
    folder: Path
    """State of this one."""

    @classmethod
    def of(cls, common_dir: Path, environ: Mapping[str, str] | None = None) -> "StatePaths":
        """Paths for the repository whose git common directory this is; makes nothing."""
        root = state_root(environ)
        return cls(root, root / repository_key(common_dir))

    @property
    def db(self) -> Path:
        """The database."""
        return self.folder / "cc4tui.db"

    @property
    def journal(self) -> Path:
        """One folder per attempt: what its agent was told and said."""
        return self.folder / "journal"

    @property
    def worktrees(self) -> Path:
        """The pool's slots."""
        return self.folder / "worktrees"

    @property
    def git(self) -> Path:
        """The private git directory that no agent can write configuration into."""
        return self.folder / "git"

    @property
    def index(self) -> Path:
        """One git index per slot."""
        return self.folder / "index"

    @property
    def lock(self) -> Path:
        """Held by the process that runs something in this repository."""
        return self.folder / "lock"

    @property
    def log(self) -> Path:
        """Warnings of the program itself."""
        return self.folder / "cc4tui.log"

    def prepare(self) -> None:
        """Make the folders that are missing, all of them 0700.

        `git` is left to git itself, which insists on making it.

        Raises:
            UnfitError: a folder cannot be made, is a link, or belongs to somebody else.
        """
        self.root.parent.mkdir(parents=True, exist_ok=True)
        for folder in (self.root, self.folder, self.journal, self.worktrees, self.index):
            private_folder(folder)

    def as_dict(self) -> dict[str, str]:
        """What `cc4tui paths --json` prints of the state."""
        names = ("folder", "db", "journal", "worktrees", "git", "index", "lock")
        return {name if name != "folder" else "state": str(getattr(self, name)) for name in names}


def private_folder(path: Path) -> None:
    """Make `path` if it is missing and see to it that only this user can use it.

    Raises:
        UnfitError: it cannot be made, is a link or no folder, or belongs to somebody else.
    """
    try:
        path.mkdir(mode=PRIVATE_FOLDER)
    except FileExistsError:
        pass
    except OSError as error:
        raise _unfit(path, f"cannot be made ({error.strerror})") from None
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        handle = os.open(path, flags)
    except OSError as error:
        kind = "is a link" if path.is_symlink() else f"cannot be used ({error.strerror})"
        raise _unfit(path, kind) from None
    try:
        status = os.fstat(handle)
        if status.st_uid != os.geteuid():
            raise _unfit(path, f"belongs to user {status.st_uid}")
        if stat.S_IMODE(status.st_mode) & 0o077:
            os.fchmod(handle, PRIVATE_FOLDER)
    except OSError as error:
        raise _unfit(path, f"cannot be made private ({error.strerror})") from None
    finally:
        os.close(handle)
    if not os.access(path, os.W_OK | os.X_OK):
        raise _unfit(path, "is not writable")


def _unfit(path: Path, problem: str) -> UnfitError:
    return UnfitError(
        f"the state folder {path} {problem}; set CC4TUI_STATE_DIR to a folder of your own"
    )
