"""The pool of worktrees: made ahead, lent to one hand at a time, proven clean, removed at last."""

import asyncio
import contextlib
import logging
import os
from collections import deque
from collections.abc import Awaitable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from cc4tui.errors import Cc4tuiError, GitError
from cc4tui.services.git.private import PrivateGit
from cc4tui.services.git.refs import AttemptName
from cc4tui.services.git.saving import head_commit, preserve
from cc4tui.services.git.second_chance import second_chance
from cc4tui.services.git.slot import Slot
from cc4tui.services.git.slot_life import empty_trash, make_slot, recycle, remove_slot


log = logging.getLogger(__name__)

SPARE = 2
"""Worktrees made ahead of what is asked for."""
SMALL = 1024 * 1024
"""Bytes of an index, some 10,000 files: a worktree with fewer costs little, so that all are made
ahead."""
CALM = 0.1
"""Seconds without a new base after which worktrees are brought to it: merges come in bursts."""


@dataclass(eq=False, slots=True)
class Lease:
    """The right to use one worktree until it is released. Compared by identity."""

    slot: Slot
    owner: AttemptName
    """Whose work the worktree holds: names the saved ref if it must be saved in a hurry."""
    saved: bool = False
    """Everything in it is in a commit that a ref holds, or is nobody's work."""

    @property
    def worktree(self) -> Path:
        """The folder to work in."""
        return self.slot.worktree

    @property
    def id(self) -> str:
        """The slot's name."""
        return self.slot.id


@dataclass(frozen=True, slots=True)
class KeptWorktree:
    """A folder that was not removed, and why."""

    path: Path
    why: str


class WorktreePool:
    """Worktrees for one run; use it with ``async with``.

    Making, recycling and removing happen in background tasks of the pool's own task group, off
    the path of whoever acquires and releases.

    Args:
        private: Runs git on the worktrees.
        base: The commit that free worktrees are brought to; `rebase` moves it.
        size: Most worktrees at once.
        first: How many are needed as soon as it is open.
        keep: Patterns of ignored files that stay between tasks (caches), as `git clean -e` takes.
    """

    def __init__(
        self,
        private: PrivateGit,
        base: str,
        *,
        size: int,
        first: int = SPARE,
        keep: tuple[str, ...] = (),
    ) -> None:
        self.private = private
        self.kept: list[KeptWorktree] = []
        """Folders that nobody may delete; logged, and `doctor` lists them."""
        self._base = base
        self._size = size
        self._keep = keep
        self._free: deque[Slot] = deque()
        self._slots: dict[str, Slot] = {}
        self._leases: set[Lease] = set()
        self._unsaved: dict[str, AttemptName] = {}
        """Of slots that were given back: whose work is still to be saved."""
        self._waiting: deque[asyncio.Future[Slot]] = deque()
        self._hurry = asyncio.Event()
        """Somebody waits, or the end does."""
        self._tidying = asyncio.Semaphore(max((os.cpu_count() or 1) // 2, 1))
        """Made clean in the background, they are not to take all of the processor."""
        self._expected = size
        self._ahead, self._first = SPARE, first
        self._making = 0
        self._names: set[str] = set()
        """Of slots that are being made."""
        self._makers: set[asyncio.Task[None]] = set()
        self._cleaning: dict[Path, asyncio.Task[None]] = {}
        self._number = 0
        self._closing = False
        self._group = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        await self.private.prepare()
        await self._group.__aenter__()
        self._start(asyncio.to_thread(empty_trash, self.private))
        self._make_more()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing = True
        self._hurry.set()
        for waiting in self._waiting:
            waiting.cancel()
        for maker in self._makers:
            maker.cancel()
        try:
            await self._group.__aexit__(None, None, None)
        finally:
            await self._remove_all()

    def rebase(self, base: str) -> None:
        """Bring free worktrees to this commit, in the background."""
        if self._base != base and not self._closing:
            self._base = base
            self._start(self._follow(base))

    def expect(self, holders: int) -> None:
        """Keep no more worktrees than this many can hold from now on."""
        self._expected = holders
        while self._free and self._surplus() and not self._closing:
            self._discard(self._free.pop())

    def _surplus(self) -> bool:
        return not self._waiting and len(self._slots) > self._expected

    def _discard(self, slot: Slot) -> None:
        del self._slots[slot.id]
        self._start(self._remove(slot, None))

    async def _follow(self, base: str) -> None:
        """One after the other: whoever acquires finds the others. Not for a base that passes."""
        await self._calm()
        stale = [slot for slot in self._free if slot.base != base]
        for slot in stale:
            if self._base != base or self._closing:
                return
            if slot in self._free:
                self._free.remove(slot)
                await self._tidied(slot, slot.reset_to(base))

    async def _calm(self) -> None:
        """Wait until the base has not moved for a while, or somebody needs a worktree now."""
        while not self._hurry.is_set():
            base = self._base
            try:
                async with asyncio.timeout(CALM):
                    await self._hurry.wait()
            except TimeoutError:
                if self._base == base:
                    return

    async def acquire(self, owner: AttemptName, *, prefer: Path | None = None) -> Lease:
        """A clean worktree that nobody else has; waits until there is one.

        Args:
            owner: Whose work it will hold.
            prefer: The folder to take, if it is free, is just being cleaned, or can be made.

        Raises:
            GitError: no worktree can be made.
        """
        if prefer in self._cleaning:
            await asyncio.wait([self._cleaning[prefer]])
        if prefer is not None and (made := await self._preferred(prefer)) is not None:
            return self._lease(made, owner)
        if self._free:
            wanted = min(self._free, key=lambda s: (s.worktree != prefer, s.base != self._base))
            self._free.remove(wanted)
            lease = self._lease(wanted, owner)
            self._make_more()
            return lease
        future: asyncio.Future[Slot] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        self._hurry.set()
        self._make_more()
        try:
            slot = await future
        except asyncio.CancelledError:
            self._give_up(future)
            raise
        return self._lease(slot, owner)

    async def _preferred(self, path: Path) -> Slot | None:
        """A slot made in this folder; None when it is another's, or is there already."""
        folder = (self.private.state_dir / "worktrees").resolve()
        while path.name in self._names and self._makers:
            await asyncio.wait(self._makers, return_when=asyncio.FIRST_COMPLETED)
        known = any(slot.worktree == path for slot in self._slots.values())
        taken = known or path.name in self._names or os.path.lexists(path)
        if path.parent != folder or taken or self._closing:
            return None
        self._names.add(path.name)
        try:
            slot = await make_slot(self.private, path.name, self._base)
        except GitError as error:
            log.warning("%s cannot be made again: %s", path, error)
            return None
        finally:
            self._names.discard(path.name)
        self._slots[slot.id] = slot
        return slot

    def adopt(self, slot: Slot, owner: AttemptName) -> Lease:
        """Lend a worktree of an earlier process on to whoever continues the work in it."""
        self._slots[slot.id] = slot
        return self._lease(slot, owner)

    def leave(self, lease: Lease) -> None:
        """Let go of the worktree as it is: somebody works in it without us."""
        self._leases.remove(lease)
        del self._slots[lease.id]

    def release(self, lease: Lease) -> None:
        """Give the worktree back; it is saved if need be, made clean and reused in the background.

        Raises:
            ValueError: the lease was released before.
        """
        if lease not in self._leases:
            raise ValueError(f"lease of {lease.id} for {lease.owner} was released before")
        self._leases.remove(lease)
        if not lease.saved:
            self._unsaved[lease.id] = lease.owner
        cleaning = self._cleaning[lease.worktree] = self._start(self._take_back(lease))
        cleaning.add_done_callback(lambda _: self._cleaning.pop(lease.worktree, None))

    async def _take_back(self, lease: Lease) -> None:
        slot, unsaved = lease.slot, self._unsaved.get(lease.id)
        await self._tidied(slot, self._clean(slot, unsaved), unsaved)

    async def _clean(self, slot: Slot, unsaved: AttemptName | None) -> None:
        if unsaved is not None:
            await preserve(slot, unsaved)
            del self._unsaved[slot.id]
        if not self._surplus():
            await self._calm()
        async with self._tidying:
            # One that stays dirty is nobody's: nothing is awaited from here to `_offer`.
            if not self._closing and not self._surplus():
                await recycle(slot, self._base, self._keep)

    async def _tidied(
        self, slot: Slot, work: Awaitable[None], unsaved: AttemptName | None = None
    ) -> None:
        """Offer a slot once it is fit; one that cannot be proven clean is never lent again."""
        try:
            await work
        except Exception as error:
            # Whatever it is, it concerns one worktree: the other tasks of the run go on.
            log.warning("worktree %s is set aside: %s", slot.id, error, exc_info=_unexpected(error))
            del self._slots[slot.id]
            self._unsaved.pop(slot.id, None)
            await self._remove(slot, unsaved)
            self._make_more()
            return
        self._offer(slot)

    def _lease(self, slot: Slot, owner: AttemptName) -> Lease:
        lease = Lease(slot, owner)
        self._leases.add(lease)
        return lease

    def _offer(self, slot: Slot) -> None:
        while self._waiting and self._waiting[0].done():
            self._waiting.popleft()
        if self._waiting:
            self._waiting.popleft().set_result(slot)
        elif self._surplus() and not self._closing:
            self._discard(slot)
        else:
            self._free.append(slot)
        if not self._waiting and not self._closing:
            self._hurry.clear()

    def _give_up(self, future: "asyncio.Future[Slot]") -> None:
        """A cancelled `acquire` may have been handed a slot in the same moment."""
        if future in self._waiting:
            self._waiting.remove(future)
        elif future.done() and not future.cancelled() and future.exception() is None:
            self._offer(future.result())

    def _make_more(self) -> None:
        held = len(self._leases) + len(self._waiting)
        soon = max(held + SPARE, self._first)
        most = min(max(held + self._ahead, self._first), self._expected)
        wanted = min(self._size, max(held, most))
        while not self._closing and len(self._slots) + self._making < wanted:
            at_once = len(self._slots) + self._making < soon
            self._making += 1
            maker = self._start(self._make(at_once=at_once))
            self._makers.add(maker)
            maker.add_done_callback(self._makers.discard)

    async def _make(self, *, at_once: bool) -> None:
        try:
            if at_once:
                slot = await second_chance(self._made)
            else:
                async with self._tidying:
                    await self._calm()
                    slot = await second_chance(self._made)
        except Exception as error:
            self._making -= 1
            self._fail_one(error)
            return
        self._making -= 1
        self._slots[slot.id] = slot
        self._offer(slot)
        if self._ahead == SPARE and slot.index.stat().st_size < SMALL:
            self._ahead = self._size
            self._make_more()

    async def _made(self) -> Slot:
        name = self._unused_name()
        self._names.add(name)
        try:
            return await make_slot(self.private, name, self._base)
        finally:
            self._names.discard(name)

    def _fail_one(self, error: Exception) -> None:
        while self._waiting:
            future = self._waiting.popleft()
            if not future.done():
                future.set_exception(error)
                return

    def _unused_name(self) -> str:
        """A name that no folder has, not even one that a killed run left."""
        while True:
            self._number += 1
            path = self.private.state_dir / "worktrees" / f"slot-{self._number}"
            if path.name not in self._names and not os.path.lexists(path):
                return path.name

    def _start(self, work: Coroutine[object, object, None]) -> "asyncio.Task[None]":
        return self._group.create_task(work)

    async def _remove_all(self) -> None:
        """Remove every slot; one that is still leased, or was not saved yet, is saved first."""
        owners = {lease.id: lease.owner for lease in self._leases if not lease.saved}
        owners |= self._unsaved
        slots = [*self._slots.values()]
        await asyncio.gather(*(self._remove(slot, owners.get(slot.id)) for slot in slots))
        self._slots.clear()
        self._free.clear()
        self._leases.clear()

    async def _remove(self, slot: Slot, unsaved: AttemptName | None) -> None:
        """Save what is unsaved, then remove the folder; keep it if either cannot be done."""
        try:
            if unsaved is not None and slot.trouble() is None:
                await preserve(slot, unsaved)
            await second_chance(lambda: remove_slot(slot))
        except Exception as error:
            trace = _unexpected(error)
            log.warning("worktree %s is kept: %s", slot.worktree, error, exc_info=trace)
            self.kept.append(KeptWorktree(slot.worktree, str(error)))
            with contextlib.suppress(Cc4tuiError, OSError):
                slot.hold(await head_commit(slot) or slot.base)  # its branch may go, it stays


def _unexpected(error: Exception) -> Exception | None:
    """An error whose traceback belongs into the log, because it is a defect of ours."""
    return None if isinstance(error, (Cc4tuiError, OSError)) else error
