"""Tells when files of the person's own checkout change while agents work.

Agents have worktrees of their own, but nothing keeps them from writing elsewhere. The person may
have made the change as well, so it is told, each file once, and stops nothing.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from cc4tui.domain.text import clean_line
from cc4tui.errors import Cc4tuiError, GitError
from cc4tui.services.git.checkout_watch import CheckoutState, CheckoutWatch
from cc4tui.services.git.private import PrivateGit
from cc4tui.services.git.refs import SAVED


log = logging.getLogger(__name__)

SHOWN = 5
"""Files that a sentence names."""


@dataclass(frozen=True, slots=True)
class CheckoutNews:
    """What changed, and who was at work meanwhile."""

    files: tuple[str, ...]
    """Paths, raw; `HEAD` when that moved."""
    tasks: tuple[str, ...]
    kept: tuple[str, ...] = ()
    """Saved refs with what branches, tags and stashes held and nothing else does."""

    @property
    def reason(self) -> str:
        """A sentence for people."""
        shown = ", ".join(clean_line(path) for path in self.files[:SHOWN])
        more = f" and {len(self.files) - SHOWN} more" if len(self.files) > SHOWN else ""
        return (
            f"your checkout changed while {', '.join(self.tasks)} ran: {shown}{more}; if that was"
            f" not you, an agent wrote outside of its worktree{self._kept}"
        )

    @property
    def _kept(self) -> str:
        names = (ref.removeprefix(SAVED) for ref in self.kept)
        return f"; what went is kept: cc4tui saved show {', '.join(names)}" if self.kept else ""


class CheckoutGuard:
    """Watches one checkout during one run. Use it through `open`.

    Args:
        watch: Looks at the checkout.
        run: Its id.
        base: As it was when the run began or went on; None = it cannot be looked at.
        spared: Paths that a person edits during runs: the plan.
    """

    def __init__(
        self,
        watch: CheckoutWatch,
        run: str,
        base: CheckoutState | None,
        spared: Collection[str],
    ) -> None:
        self._watch = watch
        self._run = run
        self._seen = base
        self._told = set(spared)
        self._ran: set[str] = set()
        self._turn = asyncio.Lock()
        self._asked = self._looked = 0

    @classmethod
    async def open(cls, private: PrivateGit, run: str, spared: Collection[str]) -> "CheckoutGuard":
        """Look for the first time."""
        watch = CheckoutWatch(private)
        return cls(watch, run, await _taken(watch), spared)

    def began(self, task: str) -> None:
        """An agent starts to work on this task."""
        self._ran.add(task)

    async def look(self, running: Callable[[], Iterable[str]]) -> CheckoutNews | None:
        """What changed since the last look and was not told before; None if nothing did.

        Callers that come while others look share one look.

        Args:
            running: Tells the tasks that are still worked on.
        """
        self._asked += 1
        mine = self._asked
        async with self._turn:
            if self._looked >= mine or self._seen is None:
                return None
            covered, gone = self._asked, self._ran.difference(running())
            now = await _taken(self._watch)
            if now is None:
                return None
            changed = self._seen.differences(now)
            files = tuple(path for path in changed if path not in self._told)
            kept = await self._kept(self._seen, now)
            tasks = tuple(sorted(self._ran))
            self._seen, self._looked = now, covered
            # Who ended meanwhile may have written after this look: the next one suspects it, too.
            self._ran -= gone.difference(running())
            self._told.update(path for path in files if path != "HEAD")
            return CheckoutNews(files, tasks, kept) if files else None

    async def _kept(self, before: CheckoutState, now: CheckoutState) -> tuple[str, ...]:
        try:
            return tuple(await self._watch.keep_lost(before, now, self._run))
        except GitError as error:
            log.warning("what a ref held cannot be kept: %s", error)
            return ()


async def _taken(watch: CheckoutWatch) -> CheckoutState | None:
    try:
        return await watch.take()
    except (Cc4tuiError, OSError) as error:
        log.warning("the checkout cannot be watched: %s", error)
        return None
