"""A person joins in: an agent's own screen in its session, or a shell, in files of the task.

While an agent is at work nothing of it is touched: a shell is opened beside it, and goes when its
try has ended, because the worktree is then another's. Otherwise the task's work is checked out for
the person, in the same folder as before if that is free, since some agents find their session only
there. Whatever changes in it is saved when the program has ended.
"""

import asyncio
import logging
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

from cc4tui.domain.run import AttemptRecord, RunRecord
from cc4tui.errors import Cc4tuiError, UsageError
from cc4tui.events import AttemptFinished
from cc4tui.ports import ProcessSpec, ScreenBackend
from cc4tui.services.git.occupied import Occupation
from cc4tui.services.git.private import PrivateGit
from cc4tui.services.git.refs import AttemptName, merged_ref
from cc4tui.services.git.saving import left_by, preserve
from cc4tui.services.git.slot import Slot
from cc4tui.services.git.slot_life import make_slot, remove_slot
from cc4tui.services.git.slug import task_slug
from cc4tui.services.pipeline.bus import EventBus
from cc4tui.services.pipeline.session import RunSession
from cc4tui.services.pipeline.surroundings import Surroundings
from cc4tui.services.pipeline.terminals_left import terminals_folder
from cc4tui.services.processes.environment import scrubbed_environment
from cc4tui.services.processes.terminal import TerminalProcess


log = logging.getLogger(__name__)

_TERMINAL = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
"""What the screens emulate, whatever they are shown in themselves."""
_OUTER = re.compile("LINES|COLUMNS|TMUX|TMUX_PANE|STY|TERM_PROGRAM.*|VTE_VERSION|WT_.*|KITTY_.*")
"""What tells of the terminal that we are in."""
SESSION = re.compile(r"\w[\w.:-]*")
"""Agents tell their ids themselves: none may pass for an option."""


@dataclass(frozen=True, slots=True)
class _Call:
    """What is started at the terminal."""

    title: str
    argv: tuple[str, ...]
    env: dict[str, str]
    note: str = ""


class AttachedTerminal:
    """Implements `cc4tui.ports.Terminal`.

    Args:
        call: What runs in it.
        process: It.
        place: The worktree that is made for it; None = it is in an agent's.
    """

    def __init__(self, call: _Call, process: TerminalProcess, place: "_Place | None") -> None:
        self.title = call.title
        self.note = call.note
        self._process = process
        self._place = place
        self._told = asyncio.get_running_loop().create_future()
        self.read = process.read
        self.write = process.write
        self.resize = process.resize
        self.hang_up = process.hang_up

    async def ended(self) -> str:
        """Wait until it is gone and what it changed is saved; what became of that, a sentence."""
        told: str = await asyncio.shield(self._told)
        return told

    async def attend(self) -> None:
        """Wait for its end, and clear up after it."""
        try:
            await self._process.ended()
            told = "" if self._place is None else await self._place.leave()
        except Exception as error:
            log.exception("a terminal was not cleared up")
            told = f"Its worktree is kept: {error}."
        self._told.set_result(told)


@dataclass(frozen=True, slots=True)
class _Place:
    """A worktree that is a person's for a while."""

    slot: Slot
    owner: AttemptName
    """Whose work it holds."""
    occupation: Occupation

    async def leave(self) -> str:
        """Save what was changed, and take the worktree away; what was done."""
        try:
            saved = await preserve(self.slot, self.owner)
            await remove_slot(self.slot)
        except (Cc4tuiError, OSError) as error:
            return f"The worktree is kept: {error}."
        finally:
            self.occupation.end()
        if saved is None:
            return "It changed nothing."
        return f"What it changed is saved, Memory shows it and brings it back: {saved}."


class Attachments:
    """The terminals of this process.

    Args:
        session: Knows whether a run goes on, and owns what waits for the terminals' ends.
        bus: Tells when an attempt has ended.
        state: State folder of the repository.
    """

    def __init__(self, session: RunSession, bus: EventBus, state: Path) -> None:
        self._session = session
        self._bus = bus
        self._folder = terminals_folder(state)
        self._open: set[AttachedTerminal] = set()

    async def close(self) -> None:
        """End all of them, and wait until what they changed is saved."""
        for terminal in self._open:
            terminal.hang_up()
        await asyncio.gather(*(terminal.ended() for terminal in self._open))

    async def open(self, s: Surroundings, run: RunRecord, task: str) -> AttachedTerminal:
        """Open a terminal for a task; see `cc4tui.ports.CommandCenter.attach`.

        Raises:
            UsageError: nobody has worked on it yet, or its worktree is just being made.
            ProcessError, GitError: it could not be started.
        """
        attempts = await s.journal.attempts(run.id, task)
        if not attempts:
            raise UsageError(f"nobody has worked on {task} yet; there is nothing to attach to")
        record = attempts[-1]
        if record.finished is None and record.worktree is not None:
            return await self._beside(s, record)
        if record.finished is None:
            raise UsageError(f"the worktree of {task} is just being made; try again in a moment")
        private = PrivateGit(s.repository, s.state)
        await private.prepare()
        name = AttemptName(run.id, task_slug(task), record.attempt)
        place = await self._place(private, run, name, record)
        try:
            call = _call(s, record, in_folder=str(place.slot.worktree) == record.worktree)
            process = await self._start(s, call, place.slot.worktree)
        except BaseException:
            await place.leave()
            raise
        return self._attended(AttachedTerminal(call, process, place))

    async def _beside(self, s: Surroundings, record: AttemptRecord) -> AttachedTerminal:
        folder = Path(record.worktree or "")
        if not folder.is_dir():
            raise UsageError(f"{folder} is not there any more; try again in a moment")
        note = (
            f"{record.agent} works on: a shell beside it until its try ends; then A: its session."
        )
        call = _shell(s, f"shell beside {record.agent}", note)
        terminal = AttachedTerminal(call, await self._start(s, call, folder), None)
        self._session.begin(self._end_with(record, terminal))
        return self._attended(terminal)

    def _attended(self, terminal: AttachedTerminal) -> AttachedTerminal:
        self._open.add(terminal)
        self._session.begin(self._attend(terminal))
        return terminal

    async def _attend(self, terminal: AttachedTerminal) -> None:
        await terminal.attend()
        self._open.discard(terminal)

    async def _end_with(self, record: AttemptRecord, terminal: AttachedTerminal) -> None:
        """Its worktree goes to another task soon."""
        ended = asyncio.ensure_future(terminal.ended())
        finished = asyncio.ensure_future(self._finished(record))
        await asyncio.wait([ended, finished], return_when=asyncio.FIRST_COMPLETED)
        finished.cancel()
        terminal.hang_up()
        await asyncio.gather(ended, finished, return_exceptions=True)

    async def _finished(self, record: AttemptRecord) -> None:
        with self._bus.subscribe() as subscription:
            async for event in subscription:
                if (
                    isinstance(event, AttemptFinished)
                    and (event.run, event.task) == (record.run, record.task)
                    and event.attempt == record.attempt
                ):
                    return

    async def _start(self, s: Surroundings, call: _Call, folder: Path) -> TerminalProcess:
        token = secrets.token_hex(16)
        env = {key: value for key, value in call.env.items() if not _OUTER.fullmatch(key)}
        spec = ProcessSpec(
            folder=self._folder / token,
            argv=call.argv,
            env={**env, **_TERMINAL},
            cwd=folder,
            token=token,
            interrupt_seconds=0.5,
        )
        return await TerminalProcess.start(s.host, spec)

    async def _place(
        self, private: PrivateGit, run: RunRecord, name: AttemptName, record: AttemptRecord
    ) -> _Place:
        """The task's work as it was left, in the folder where it was done if nobody has that."""
        refs = private.repository.refs
        commit = (
            record.commit
            or await left_by(refs, name)
            or await refs.value(merged_ref(run.id))
            or run.base
        )
        with self._session.quiet() as quiet:
            before = Path(record.worktree) if record.worktree and quiet else None
            if before is not None and not os.path.lexists(before):
                occupation = Occupation(private, before.name)
                if occupation.begin():
                    return await _made(private, before.name, commit, name, occupation)
        folder = f"slot-by-hand-{secrets.token_hex(4)}"
        occupation = Occupation(private, folder)
        occupation.begin()
        return await _made(private, folder, commit, name, occupation)


async def _made(
    private: PrivateGit, folder: str, commit: str, name: AttemptName, occupation: Occupation
) -> _Place:
    try:
        slot = await make_slot(private, folder, commit)
        slot.note_owner(f"{name.run}/{name.slug}/{name.attempt} {commit}")
    except BaseException:
        occupation.end()
        raise
    return _Place(slot, name, occupation)


def _call(s: Surroundings, record: AttemptRecord, *, in_folder: bool) -> _Call:
    """The agent's own screen in its session, or a shell and why."""
    title = f"shell in the work of {record.task}"
    try:
        spec = s.agents(record.agent)
        backend = s.backend(spec.driver)
    except Cc4tuiError:
        return _shell(s, title, f"{record.agent} is not configured any more: this is a shell.")
    if not isinstance(backend, ScreenBackend):
        return _shell(s, title, f"{record.agent} has no screen of its own: this is a shell.")
    session = record.session
    if session is None or not SESSION.fullmatch(session):
        return _shell(s, title, f"{record.agent} told of no session: this is a shell.")
    if backend.session_in_folder and not in_folder:
        return _shell(
            s,
            title,
            f"{record.agent} finds its session only in {Path(record.worktree or '').name}, which"
            " the run uses now: this is a shell.",
        )
    if (problem := backend.check(spec)) is not None:
        return _shell(s, title, f"{problem}. This is a shell.")
    launch = backend.on_screen(spec, session)
    env = scrubbed_environment(s.environment, launch.passes, {**launch.env, **spec.env})
    return _Call(f"{record.agent}, session {session}", launch.argv, env)


def _shell(s: Surroundings, title: str, note: str) -> _Call:
    env = scrubbed_environment(s.environment, ("*",), {})
    return _Call(title, (s.environment.get("SHELL") or "sh",), env, note)
