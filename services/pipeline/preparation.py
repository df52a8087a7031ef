"""Makes worktrees fit for work: copies, links, and set-up commands when their inputs are new.

It happens before an attempt's branch exists, so whatever a set-up does to files or HEAD never
becomes part of a task.
"""

import hashlib
import logging
import os
import shlex
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from cc4tui.domain.text import clean_line
from cc4tui.errors import Cc4tuiError
from cc4tui.ports import Process
from cc4tui.services.git.belongings import Belongings, PlacingError, excludes, place
from cc4tui.services.git.repository import Repository
from cc4tui.services.git.slot import Slot, literal_pattern
from cc4tui.services.pipeline.free_ports import first_free
from cc4tui.services.pipeline.verification import CheckResult, Verifier


log = logging.getLogger(__name__)

INPUTS = (
    "*.lock",
    "*.lockb",
    "*-lock.*",
    "package.json",
    "npm-shrinkwrap.json",
    "pyproject.toml",
    "requirements*.txt",
    "Pipfile",
    "setup.py",
    "setup.cfg",
    "environment.y*ml",
    "go.mod",
    "go.sum",
    "Cargo.toml",
    "Gemfile",
    "composer.json",
    "build.gradle*",
    "pom.xml",
    ".tool-versions",
    ".nvmrc",
    ".python-version",
    "Makefile",
    "justfile",
)
"""Names of files, in any folder, whose change makes the set-up run again; and those in commands."""
SHOWN_TAIL = 400
"""Characters of a failed command's output that its sentence quotes."""


class SetupWatch(Protocol):
    """Is told what happens while a worktree is set up."""

    async def begins(self, worktree: Path, commands: Sequence[str]) -> None:
        """The commands are about to run."""

    def runs(self, process: Process) -> None:
        """One of them runs; it may be stopped."""

    async def ended(self, results: Sequence[CheckResult]) -> None:
        """They ran, up to the first that failed."""


class SetupError(Cc4tuiError):
    """A worktree could not be made fit; one sentence with the end of the command's output."""


@dataclass(frozen=True, slots=True)
class SetupPlan:
    """What every worktree needs before anybody works in it."""

    commands: tuple[str, ...] = ()
    belongings: Belongings = field(default_factory=Belongings)


class Preparation:
    """Prepares the worktrees of one run.

    Args:
        repository: Whose worktrees.
        plan: What is to be done.
        verifier: Runs the commands; its time limit counts.
        state: State folder: different repositories begin with different ports.
        keep: Patterns of files that survive cleaning.
    """

    def __init__(
        self,
        repository: Repository,
        plan: SetupPlan,
        verifier: Verifier,
        state: Path,
        keep: tuple[str, ...] = (),
    ) -> None:
        self._repository = repository
        self._plan = plan
        self._verifier = verifier
        self._keep = keep
        self._offset = zlib.crc32(os.fsencode(state))
        self._ports: dict[str, int] = {}
        self._done: dict[str, str] = {}

    @property
    def costs(self) -> bool:
        """Whether a new worktree needs more than its files."""
        return bool(self._plan.commands)

    async def prepare(
        self, slot: Slot, folder: Path, watch: SetupWatch | None = None
    ) -> Mapping[str, str]:
        """Make a clean worktree fit; the variables that programs in it get.

        Args:
            slot: Holds the files of a commit and nothing of a task.
            folder: Gets the outputs of commands.
            watch: Is told when commands have to run.

        Raises:
            SetupError: a command failed, or a file could not be brought.
            GitError: git failed.
        """
        try:
            placed = await place(slot, self._plan.belongings)
        except PlacingError as error:
            raise SetupError(f"the worktree could not be set up: {error}") from None
        environment = self._environment(slot)
        if self._plan.commands:
            wanted = await self._inputs(slot, placed)
            whole = all(os.path.lexists(slot.worktree / path) for path in slot.products)
            if self._done.get(slot.id) != wanted or not whole:
                self._done.pop(slot.id, None)
                await self._set_up(slot, folder, environment, watch)
                self._done[slot.id] = wanted
        return environment

    async def _set_up(
        self,
        slot: Slot,
        folder: Path,
        environment: Mapping[str, str],
        watch: SetupWatch | None,
    ) -> None:
        commands = self._plan.commands
        if watch is not None:
            await watch.begins(slot.worktree, commands)
        results = await self._verifier.run(
            commands,
            slot.worktree,
            folder,
            environment,
            name="setup",
            started=watch.runs if watch else None,
        )
        if watch is not None:
            await watch.ended(results)
        failed = next((result for result in results if result.exit_code != 0), None)
        if failed is not None:
            raise SetupError(_sentence(failed))
        ignored = [path for path in await slot.ignored() if path.rstrip("/") not in slot.hidden]
        slot.products = tuple(ignored)
        await slot.reset_to(slot.base)
        lent = tuple(map(literal_pattern, slot.hidden))
        left = await slot.dirt((*self._keep, *lent))
        if left:
            log.warning("the set-up left what git does not ignore; removed: %s", ", ".join(left))
            await slot.clean((*self._keep, *lent), ignored=False)

    async def _inputs(self, slot: Slot, placed: str) -> str:
        """A digest of everything that the set-up's result depends on."""
        globs = (f":(top,glob)**/{name}" for name in INPUTS)
        named = (f":(top,literal){path}" for path in _paths_in(self._plan.commands, slot.worktree))
        tracked = await slot.run("ls-files", "-s", "-z", "--", *globs, *named)
        parts = (*map(os.fsencode, self._plan.commands), placed.encode(), tracked)
        return hashlib.sha256(b"\0\0".join(parts)).hexdigest()

    def _environment(self, slot: Slot) -> dict[str, str]:
        taken = {port for name, port in self._ports.items() if name != slot.id}
        port = first_free(self._ports.get(slot.id), taken, self._offset)
        self._ports[slot.id] = port
        values = {"CC4_PORT": str(port)}
        hidden = excludes(slot, self._repository)
        if hidden is not None:
            values |= {
                "GIT_CONFIG_COUNT": "1",
                "GIT_CONFIG_KEY_0": "core.excludesFile",
                "GIT_CONFIG_VALUE_0": str(hidden),
            }
        return values


def _paths_in(commands: Sequence[str], worktree: Path) -> list[str]:
    """Files of the worktree that commands name: `sh scripts/setup.sh`."""
    words: list[str] = []
    for command in commands:
        try:
            words += shlex.split(command)
        except ValueError:
            words += command.split()
    return [word for word in words if "\0" not in word and (worktree / word).is_file()]


def _sentence(failed: CheckResult) -> str:
    tail = clean_line(failed.output_tail.strip()[-SHOWN_TAIL:])
    said = f"; the end of its output: {tail}" if tail else "; it printed nothing"
    return f"the set-up of the worktree failed: {failed.sentence}{said}"
