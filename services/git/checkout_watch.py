"""Notices when an agent edits the person's own checkout instead of its worktree."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cc4tui.services.git.files import copy_atomic, signature
from cc4tui.services.git.private import PrivateGit


@dataclass(frozen=True, slots=True)
class CheckoutState:
    """HEAD and every file of the checkout that differs from the index, by its signature."""

    head: str | None
    files: Mapping[str, object]

    def differences(self, later: "CheckoutState") -> tuple[str, ...]:
        """What changed since then: paths, sorted, after ``HEAD`` if that moved."""
        paths = sorted(self.files.keys() | later.files.keys())
        changed = [path for path in paths if self.files.get(path) != later.files.get(path)]
        return ("HEAD", *changed) if self.head != later.head else tuple(changed)


class CheckoutWatch:
    """Looks at the checkout of the person without any configuration of the repository.

    Args:
        private: Runs git; the person's index is read from a copy.
    """

    def __init__(self, private: PrivateGit) -> None:
        self._private = private
        self._index = private.index_dir / "checkout"

    async def take(self) -> CheckoutState:
        """The state now; empty for a bare repository.

        Raises:
            GitError: git cannot read the index.
        """
        root = self._private.repository.root
        if root is None:
            return CheckoutState(None, {})
        git_dir = self._private.repository.location.git_dir
        try:
            await asyncio.to_thread(copy_atomic, git_dir / "index", self._index)
            result = await self._private.run(
                ["ls-files", "-z", "-m", "-d", "-o", "--exclude-standard"],
                worktree=root,
                index=self._index,
            )
        finally:
            self._index.unlink(missing_ok=True)
        files = await asyncio.to_thread(_signatures, root, result.fields)
        return CheckoutState(await self._head(git_dir), files)

    async def _head(self, git_dir: Path) -> str | None:
        runner = self._private.repository.runner
        args = [f"--git-dir={git_dir}", "rev-parse", "-q", "--verify", "HEAD"]
        result = await runner.run(args, ok=(0, 1))
        return result.text or None


def _signatures(root: Path, names: list[str]) -> dict[str, object]:
    return {name: signature(root / name) or "gone" for name in names}
