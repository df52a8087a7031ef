"""A git folder of our own beside the repository's: its objects, our configuration.

Filters, diff and merge drivers have free names, so no list of options switches off those that an
agent planted in the repository's configuration. Git run with this folder never reads that file.
"""

import asyncio
import os
import secrets
import tempfile
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cc4tui.services.git.environment import sealed_environment
from cc4tui.services.git.files import make_private, read_regular, write_atomic
from cc4tui.services.git.lfs import lfs_settings
from cc4tui.services.git.objects import Object, loose_object, object_id, pack
from cc4tui.services.git.process import GitResult
from cc4tui.services.git.repository import Repository


COPIED_KEYS = (
    "core.autocrlf",
    "core.eol",
    "core.filemode",
    "core.ignorecase",
    "core.symlinks",
    "core.precomposeunicode",
    "core.sharedrepository",
    "core.protecthfs",
    "core.protectntfs",
    "core.excludesfile",
    "core.attributesfile",
    "core.bigfilethreshold",
    "core.compression",
    "core.loosecompression",
    "core.trustctime",
    "core.checkstat",
    "merge.renames",
    "merge.directoryrenames",
)
"""What changes content, or who may read it, but cannot run anything."""
HALF_MADE = ".git-"
"""How names of folders begin that are to become `git/`."""


class PrivateGit:
    """Runs git on objects and work trees, never with the repository's own configuration.

    Args:
        repository: Whose objects are shared.
        state_dir: Holds `git/` and `index/`; outside the repository.
    """

    def __init__(self, repository: Repository, state_dir: Path) -> None:
        self.repository = repository
        self.state_dir = state_dir
        self.git_dir = state_dir / "git"
        self.index_dir = state_dir / "index"
        self.kept_dir = state_dir / "kept"
        """Where folders go that nobody may delete: see `doctor`."""
        self.trash_dir = state_dir / "trash"
        """Where worktrees go whose content is safe, to be deleted."""
        self._trees: dict[str, str] = {}

    async def prepare(self) -> None:
        """Make the folder if it is missing, and bring its settings up to date.

        Raises:
            GitError: `git init` failed.
        """
        make_private(self.state_dir)
        make_private(self.index_dir)
        if not (self.git_dir / "HEAD").is_file():
            await self._init()
        await asyncio.to_thread(self._write_settings)

    async def run(
        self,
        args: Sequence[str],
        *,
        worktree: Path | None = None,
        index: Path | None = None,
        objects: Path | None = None,
        stdin: bytes | None = None,
        ok: Collection[int] = (0,),
    ) -> GitResult:
        """Run git on the shared objects and, if given, a work tree with an index of ours.

        Args:
            args: The subcommand and its arguments.
            worktree: The work tree, and the folder it runs in.
            index: A file in `index_dir`.
            objects: Instead of the repository's objects: those of a submodule.
            stdin: What it reads.
            ok: Exit codes that are answers.

        Raises:
            GitError: any other exit code.
        """
        env = self._environment()
        if objects is not None:
            env["GIT_OBJECT_DIRECTORY"] = str(objects)
        if worktree is not None:
            env["GIT_WORK_TREE"] = str(worktree)
        if index is not None:
            env["GIT_INDEX_FILE"] = str(index)
        cwd = worktree or self.git_dir
        return await self.repository.runner.run(args, env=env, cwd=cwd, stdin=stdin, ok=ok)

    def half_made(self) -> Iterator[Path]:
        """What a process that was killed in its first moments left of the folder."""
        return self.state_dir.glob(f"{HALF_MADE}*")

    @contextmanager
    def passing_index(self, purpose: str) -> Iterator[Path]:
        """An index for one question, under a name of its own; gone afterwards, with its lock.

        Under a fixed name the lock of a git that was killed with us would be in the way for ever.
        """
        index = self.index_dir / f"{purpose}.{secrets.token_hex(4)}"
        try:
            yield index
        finally:
            for left in (index, index.with_name(f"{index.name}.lock")):
                left.unlink(missing_ok=True)

    async def tree_of(self, commit: str) -> str:
        """The tree of a commit; asked once, for it never changes."""
        if commit not in self._trees:
            result = await self.run(["rev-parse", "--verify", f"{commit}^{{tree}}"])
            self._trees[commit] = result.text
        return self._trees[commit]

    async def is_commit(self, oid: str) -> bool:
        """Whether a commit of this id exists."""
        result = await self.run(["cat-file", "-e", f"{oid}^{{commit}}"], ok=(0, 1, 128))
        return result.returncode == 0

    async def is_ancestor(self, old: str, new: str) -> bool:
        """Whether `new` holds everything of `old`."""
        result = await self.run(["merge-base", "--is-ancestor", old, new], ok=(0, 1))
        return result.returncode == 0

    async def merge_base(self, one: str, other: str) -> str | None:
        """The newest commit that both hold; None without any."""
        result = await self.run(["merge-base", one, other], ok=(0, 1))
        return result.text or None

    async def commit(
        self, tree: str, parents: Sequence[str], message: str, *, new: Sequence[Object] = ()
    ) -> str:
        """Write a commit object; no ref moves. What a message cannot hold is left out.

        Args:
            tree: Of its files.
            parents: Its parents.
            message: Whole.
            new: Objects of the tree that are stored with it, by the same call.
        """
        who = self.repository.identity
        when = f"{int(time.time())} {time.strftime('%z')}"
        head = [f"tree {tree}", *(f"parent {parent}" for parent in parents)]
        head += [f"{role} {who.name} <{who.email}> {when}" for role in ("author", "committer")]
        lines = os.fsencode("\n".join([*head, "", ""]))  # a name may be in Latin-1
        commit = ("commit", lines + message.replace("\0", "").encode("utf-8", "replace"))
        things = [*new, commit]
        await self.run(["unpack-objects", "-q"], stdin=pack(things, self.object_format))
        oid = object_id(commit, self.object_format)
        self._trees[oid] = tree
        return oid

    @property
    def object_format(self) -> str:
        """The algorithm that names the repository's objects."""
        return self.repository.location.object_format

    def loose(self, oid: str) -> Object | None:
        """An object that can be read without git; None if git has to be asked."""
        return loose_object(self.repository.common_dir / "objects", oid, self.object_format)

    def _environment(self) -> dict[str, str]:
        env = sealed_environment() | self.repository.identity.environment()
        common_dir = self.repository.common_dir
        env["GIT_DIR"] = str(self.git_dir)
        env["GIT_OBJECT_DIRECTORY"] = str(common_dir / "objects")
        if self.repository.location.shallow:
            env["GIT_SHALLOW_FILE"] = str(common_dir / "shallow")
        return env

    async def _init(self) -> None:
        """Made aside and renamed: whoever is killed leaves no half of it, nor a lock in it."""
        object_format = f"--object-format={self.repository.location.object_format}"
        with tempfile.TemporaryDirectory(prefix=HALF_MADE, dir=self.state_dir) as folder:
            made = make_private(Path(folder, "git"))
            args = ["init", "-q", "--bare", "--template=", object_format, str(made)]
            await self.repository.runner.run(args, cwd=self.state_dir)
            if self.git_dir.exists():
                self.git_dir.rename(Path(folder, "spoiled"))
            made.rename(self.git_dir)

    def _write_settings(self) -> None:
        write_atomic(self.git_dir / "config", self._settings().encode("utf-8", "surrogateescape"))
        make_private(self.git_dir / "info")
        for name in ("exclude", "attributes"):
            data = read_regular(self.repository.common_dir / "info" / name) or b""
            write_atomic(self.git_dir / "info" / name, data)

    def _settings(self) -> str:
        sha1 = self.repository.location.object_format == "sha1"
        lines = ["[core]", f"\trepositoryformatversion = {0 if sha1 else 1}", "\tbare = false"]
        for key in COPIED_KEYS:
            value = self.repository.config.get(key)
            if value is not None:
                section, _, name = key.partition(".")
                lines += [f"[{section}]", f"\t{name} = {_quoted(value)}"]
        if not sha1:
            lines += ["[extensions]", f"\tobjectformat = {self.repository.location.object_format}"]
        lines += lfs_settings(self.repository.config, self.repository.common_dir)
        return "\n".join([*lines, ""])


def _quoted(value: str) -> str:
    """A value as git's configuration reads it back."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
