"""The person's repository: what is known about it, and its refs. Never its files or its index."""

import asyncio
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from cc4tui.errors import UnfitError
from cc4tui.services.git.config import GitConfig
from cc4tui.services.git.discovery import Location, locate
from cc4tui.services.git.environment import person_environment, sealed_environment
from cc4tui.services.git.process import GitResult
from cc4tui.services.git.refs import BRANCHES, Refs
from cc4tui.services.git.runner import GitRunner
from cc4tui.services.git.second_chance import second_chance


class WorktreeEntry(NamedTuple):
    """A line of `git worktree list`."""

    path: Path
    head: str | None
    branch: str | None
    """Full name; None if detached or bare."""
    locked: str | None = None
    """The reason; empty if none was given; None if it is not locked."""
    prunable: bool = False
    bare: bool = False


class Repository:
    """An opened repository. Its own configuration is obeyed by no call that could run a program.

    `git` is for refs and worktrees only; whatever reads objects or files goes through
    `cc4tui.services.git.private.PrivateGit`, whose configuration no agent can write.
    """

    def __init__(
        self,
        runner: GitRunner,
        location: Location,
        config: GitConfig,
        head: str,
        branch: str | None,
    ) -> None:
        self.runner = runner
        self.location = location
        self.config = config
        self.head = head
        """The commit HEAD was at when it was opened."""
        self.branch = branch
        """The branch HEAD was on, without refs/heads/; None if detached."""
        self._gitlinks: bool | None = None
        self.zero = "0" * len(head)
        self.identity = config.identity()
        self.refs = Refs(self.git, location.common_dir, self.zero)
        self.lock = asyncio.Lock()
        """Held around what git does not do well twice at once: adding and removing worktrees."""

    @property
    def root(self) -> Path | None:
        """The work tree the person stands in; None in a bare repository."""
        return self.location.root

    @property
    def common_dir(self) -> Path:
        """Real path of the common git folder."""
        return self.location.common_dir

    @property
    def name(self) -> str:
        """For people and folder names."""
        if self.root is not None:
            return self.root.name
        return self.common_dir.name.removesuffix(".git") or self.common_dir.parent.name

    @classmethod
    async def open(cls, start: Path, runner: GitRunner | None = None) -> "Repository":
        """The repository that holds `start`: any folder of it, a worktree, or a bare one.

        Raises:
            UnfitError: git is missing or too old; no repository; no commit yet; a partial clone.
        """
        runner = runner or await GitRunner.find()
        return await second_chance(lambda: cls._open(start, runner))

    @classmethod
    async def _open(cls, start: Path, runner: GitRunner) -> "Repository":
        location = await locate(runner, start)
        config, branch, head = await asyncio.gather(
            read_config(runner, location),
            _head_branch(runner, location),
            _commit_of(runner, location.git_dir, "HEAD"),
        )
        _refuse_partial_clone(config, location)
        _refuse_reftable(config, location)
        if head is None:
            raise _no_commit(location, branch)
        return cls(runner, location, config, head, branch)

    async def git(
        self, args: Sequence[str], *, stdin: bytes | None = None, ok: Iterable[int] = (0,)
    ) -> GitResult:
        """Run git on refs and worktrees of the real repository, hooks off."""
        env = sealed_environment() | self.identity.environment()
        options = [f"--git-dir={self.common_dir}"]
        return await self.runner.run([*options, *args], env=env, stdin=stdin, ok=tuple(ok))

    async def resolve(self, revision: str) -> str | None:
        """The commit that a revision a person typed names; None if there is none."""
        if revision.startswith("-") or not revision.strip():
            return None
        return await _commit_of(self.runner, self.location.git_dir, revision)

    async def branch_tip(self, branch: str) -> str | None:
        """The commit of a branch, by short name."""
        return await self.refs.value(f"{BRANCHES}{branch}")

    async def worktrees(self) -> list[WorktreeEntry]:
        """All work trees, the main one first."""
        result = await self.git(["worktree", "list", "--porcelain", "-z"])
        main, *linked = _parse_worktrees(result.fields)
        return [main._replace(path=self._main_path(main.path)), *linked]

    async def is_checked_out(self, branch: str) -> Path | None:
        """The work tree that has a branch (short name) checked out."""
        name = f"{BRANCHES}{branch}"
        for entry in await self.worktrees():
            if entry.branch == name and not entry.bare and entry.path.exists():
                return entry.path
        return None

    def _main_path(self, listed: Path) -> Path:
        """Where the main work tree is: git lists the git folder if that lies elsewhere."""
        if self.root is not None and self.location.git_dir == self.common_dir:
            return self.root
        configured = self.config.get("core.worktree")
        return (self.common_dir / configured).resolve() if configured else listed

    async def has_submodules(self) -> bool:
        """Whether HEAD has one, declared or not; looked for once, as it reads every folder."""
        if self._gitlinks is None:
            listed = await self.git(["ls-tree", "-r", "-d", self.head])
            self._gitlinks = any(line.startswith("160000 ") for line in listed.text.splitlines())
        return self._gitlinks


async def read_config(runner: GitRunner, location: Location) -> GitConfig:
    """The configuration that the person's own git obeys in this repository.

    Raises:
        GitError: a configuration file cannot be read.
    """
    args = [f"--git-dir={location.git_dir}", "config", "--list", "-z"]
    options = ["--show-scope", "--show-origin", "--includes"]
    result = await runner.run([*args, *options], env=person_environment(), safe=False)
    return GitConfig.parse(result.stdout)


def _refuse_partial_clone(config: GitConfig, location: Location) -> None:
    promisors = [*config.matching("remote.", ".promisor")]
    filtered = [*config.matching("remote.", ".partialclonefilter")]
    if (
        config.get("extensions.partialclone")
        or filtered
        or any(e.value != "false" for e in promisors)
    ):
        raise UnfitError(
            f"{location.root or location.common_dir} is a partial clone, whose missing objects "
            "cannot be read in worktrees; use a clone made without --filter"
        )


def _refuse_reftable(config: GitConfig, location: Location) -> None:
    if config.get("extensions.refstorage") == "reftable":
        raise UnfitError(
            f"{location.root or location.common_dir} keeps its branches as reftable, which cc4tui "
            "does not know yet; `git refs migrate --ref-format=files` converts it"
        )


async def _head_branch(runner: GitRunner, location: Location) -> str | None:
    args = [f"--git-dir={location.git_dir}", "symbolic-ref", "-q", "HEAD"]
    result = await runner.run(args, ok=(0, 1))
    return result.text.removeprefix(BRANCHES) if result.returncode == 0 else None


def _no_commit(location: Location, branch: str | None) -> UnfitError:
    return UnfitError(
        f"no commit yet on {branch or 'HEAD'} in {location.root or location.common_dir}; "
        "make a first one: git commit --allow-empty -m 'Start'"
    )


async def _commit_of(runner: GitRunner, git_dir: Path, revision: str) -> str | None:
    question = f"{revision}^{{commit}}"
    args = [f"--git-dir={git_dir}", "rev-parse", "-q", "--verify", "--end-of-options", question]
    result = await runner.run(args, ok=(0, 1))
    return result.text if result.returncode == 0 else None


def _parse_worktrees(fields: Sequence[str]) -> list[WorktreeEntry]:
    """Attributes one a field, an empty field after each worktree."""
    entries: list[WorktreeEntry] = []
    known: dict[str, str] = {}
    for field in fields:
        if field:
            key, _, value = field.partition(" ")
            known[key] = value
        elif known:
            entries.append(_worktree_entry(known))
            known = {}
    return entries


def _worktree_entry(known: dict[str, str]) -> WorktreeEntry:
    return WorktreeEntry(
        path=Path(known["worktree"]),
        head=known.get("HEAD"),
        branch=known.get("branch"),
        locked=known.get("locked"),
        prunable="prunable" in known,
        bare="bare" in known,
    )
