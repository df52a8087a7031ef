"""The plans of one repository: found, read, watched, and added to."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

from cc4tui.domain.plan import Plan
from cc4tui.errors import PlanError, UsageError
from cc4tui.ports import PlanSummary
from cc4tui.services.plans.files import locked, swap
from cc4tui.services.plans.insertion import add_task
from cc4tui.services.plans.library import find_plans, summarize
from cc4tui.services.plans.reading import read_plan
from cc4tui.services.plans.rereading import PlanReader
from cc4tui.services.plans.template import new_plan


MAX_KEPT = 4
"""Plans that are kept as they were read, to read only what is edited."""


class PlanCatalog:
    """Plans below a folder, by path relative to it or absolute.

    Summaries are kept per file and read again only when its size or time of change differs.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._summaries: dict[Path, tuple[tuple[int, int], PlanSummary]] = {}
        self._readers: dict[tuple[str, bool], PlanReader] = {}
        self._reading = threading.Lock()
        self._undo: dict[Path, list[tuple[bytes, bytes]]] = {}

    def path(self, plan: str) -> Path:
        """Where a plan is."""
        return self._root / plan

    def key(self, plan: str) -> str:
        """What identifies a plan between runs: below the repository its relative real path."""
        real = self.path(plan).resolve()
        try:
            return real.relative_to(self._root.resolve()).as_posix()
        except ValueError:
            return str(real)

    def data(self, plan: str) -> bytes:
        """The plan's bytes.

        Raises:
            PlanError: there is no such file, or it cannot be read.
        """
        try:
            return self.path(plan).read_bytes()
        except OSError as error:
            raise PlanError(f"{plan} cannot be read: {error.strerror}") from None

    async def summaries(self) -> list[PlanSummary]:
        """Every plan, most recently changed first."""
        return await asyncio.to_thread(self._scan)

    async def read(self, plan: str, *, accept_offers: bool = False) -> Plan:
        """Read one plan, off the event loop."""
        return await asyncio.to_thread(self._read, plan, accept_offers)

    def _read(self, plan: str, accept_offers: bool) -> Plan:
        """The plan; of one that was read before only what was edited since is read."""
        data = self.data(plan)
        with self._reading:
            key = plan, accept_offers
            reader = self._readers.pop(key, None) or PlanReader(plan, accept_offers=accept_offers)
            self._readers[key] = reader
            while len(self._readers) > MAX_KEPT:
                self._readers.pop(next(iter(self._readers)))
            return reader.read(data)

    async def watch(self) -> AsyncIterator[set[str]]:
        """Relative paths of Markdown and JSON files that changed, as they change."""
        from watchfiles import awatch

        async for changes in awatch(self._root):
            paths = {Path(path) for _, path in changes}
            plans = {path for path in paths if path.suffix in (".md", ".json", ".jsonl")}
            if plans:
                yield {path.relative_to(self._root).as_posix() for path in plans}

    async def add(self, plan: str, title: str, body: str = "") -> str:
        """Write a task into the plan, which is made when there is none; returns its id."""
        return await asyncio.to_thread(self._add, plan, title, body)

    async def create(self, plan: str, title: str) -> None:
        """Write a new plan from the template.

        Raises:
            UsageError: there is such a file already, or it would not be found as a plan.
        """
        await asyncio.to_thread(self._create, plan, title)

    async def undo_add(self, plan: str) -> None:
        """Take the last `add` back; called again, the one before it.

        Raises:
            UsageError: nothing was added, or the file was changed since.
        """
        await asyncio.to_thread(self._undo_add, plan)

    def _create(self, plan: str, title: str) -> None:
        path = self.path(plan)
        if path.suffix.lower() != ".md":
            raise UsageError(f"{plan}: a plan is a Markdown file; let its name end with .md")
        try:
            if not path.resolve().is_relative_to(self._root.resolve()):
                raise UsageError(f"{plan} lies outside the repository")
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8", newline="\n") as file:
                file.write(new_plan(title, datetime.now().astimezone().date()))
        except OSError as error:
            if os.path.lexists(path):
                raise UsageError(f"{plan} is there already; choose another name") from None
            raise UsageError(f"{plan} cannot be written: {error.strerror}") from None

    def _add(self, plan: str, title: str, body: str) -> str:
        path = self.path(plan)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        with locked(path) as real:
            before = real.read_bytes()
            after, task = add_task(before, read_plan(before, plan), title, body)
            swap(real, before, after)
        self._undo.setdefault(path, []).append((before, after))
        return task

    def _undo_add(self, plan: str) -> None:
        path = self.path(plan)
        if not self._undo.get(path):
            raise UsageError(f"nothing was added to {plan}")
        before, after = self._undo[path][-1]
        with locked(path) as real:
            if real.read_bytes() != after:
                raise UsageError(f"{plan} was changed since; take the task out by hand")
            swap(real, after, before)
        self._undo[path].pop()

    def _scan(self) -> list[PlanSummary]:
        found: list[tuple[int, PlanSummary]] = []
        for path in find_plans(self._root):
            try:
                status = path.stat()
            except OSError:
                continue  # gone since it was found
            stamp = (status.st_mtime_ns, status.st_size)
            known = self._summaries.get(path)
            if known is None or known[0] != stamp:
                known = (stamp, summarize(self._root, path))
                self._summaries[path] = known
            found.append((status.st_mtime_ns, known[1]))
        return [summary for _, summary in sorted(found, key=lambda item: -item[0])]
