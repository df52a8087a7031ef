"""Notices when an agent edits the person's own checkout or refs instead of its worktree."""

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cc4tui.services.git.files import POINTER_LIMIT, copy_atomic, read_regular, signature
from cc4tui.services.git.private import PrivateGit
from cc4tui.services.git.refs import OURS, AttemptName
from cc4tui.services.git.saving import is_held, keep_commit


PERSONS = ("refs/heads/", "refs/tags/", "refs/stash")
"""Refs that hold a person's work."""


@dataclass(frozen=True, slots=True)
class CheckoutState:
    """HEAD, the person's refs, and every file that differs from the index, by its signature."""

    head: str | None
    files: Mapping[str, object]
    refs: Mapping[str, str] = field(default_factory=dict)
    """Branches, tags and the stash; none of ours."""

    def differences(self, later: "CheckoutState") -> tuple[str, ...]:
        """What changed since then: ``HEAD``, refs that moved or went, and paths, sorted."""
        paths = sorted(self.files.keys() | later.files.keys())
        changed = [path for path in paths if self.files.get(path) != later.files.get(path)]
        moved = [f"{ref} (was {self.refs[ref][:12]})" for ref in self.moved(later)]
        return (*(["HEAD"] if self.head != later.head else []), *moved, *changed)

    def moved(self, later: "CheckoutState") -> list[str]:
        """Refs with another value; not the branch that moved along with HEAD, nor new ones."""
        return [
            ref
            for ref, before in sorted(self.refs.items())
            if before != (after := later.refs.get(ref))
            and (before, after) != (self.head, later.head)
        ]


class CheckoutWatch:
    """Looks at the checkout of the person without any configuration of the repository.

    Args:
        private: Runs git; the person's index is read from a copy.
    """

    def __init__(self, private: PrivateGit) -> None:
        self._private = private

    async def take(self) -> CheckoutState:
        """The state now; empty for a bare repository.

        Raises:
            GitError: git cannot read the index.
        """
        root = self._private.repository.root
        if root is None:
            return CheckoutState(None, {})
        git_dir = self._private.repository.location.git_dir
        with self._private.passing_index("checkout") as index:
            await asyncio.to_thread(copy_atomic, git_dir / "index", index)
            result, refs = await asyncio.gather(
                self._private.run(
                    ["ls-files", "-z", "-m", "-d", "-o", "--exclude-standard"],
                    worktree=root,
                    index=index,
                ),
                self._private.repository.refs.listed(PERSONS),
            )
        files = await asyncio.to_thread(_signatures, root, result.fields)
        theirs = {ref: value for ref, value in refs.items() if not ref.startswith(OURS)}
        return CheckoutState(await self._head(git_dir, refs), files, theirs)

    async def keep_lost(self, before: CheckoutState, now: CheckoutState, run: str) -> list[str]:
        """Save what refs of the person's held that moved or went, unless a ref holds it; the refs.

        Raises:
            GitError: git failed, or it was collected as garbage before anybody looked.
        """
        refs, name = self._private.repository.refs, AttemptName(run, "yours", 0)
        lost = {before.refs[ref] for ref in before.moved(now)}
        return [await keep_commit(refs, name, at) for at in lost if not await is_held(refs, at)]

    async def _head(self, git_dir: Path, refs: Mapping[str, str]) -> str | None:
        """The commit of HEAD; git is asked only when it is on none of the listed branches."""
        text = (read_regular(git_dir / "HEAD", POINTER_LIMIT) or b"").strip()
        branch = os.fsdecode(text).removeprefix("ref: ")
        if branch in refs:
            return refs[branch]
        runner = self._private.repository.runner
        args = [f"--git-dir={git_dir}", "rev-parse", "-q", "--verify", "HEAD"]
        result = await runner.run(args, ok=(0, 1))
        return result.text or None


def _signatures(root: Path, names: list[str]) -> dict[str, object]:
    return {name: signature(root / name) or "gone" for name in names}
