"""The one door to git: every git process of the program is started by `GitRunner.run`."""

import asyncio
import random
import re
import shutil
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol, TypeVar

from cc4tui.errors import GitError, UnfitError
from cc4tui.services.git.environment import safe_arguments, sealed_environment
from cc4tui.services.git.process import GitCall, GitProcess, GitResult


T = TypeVar("T")

MINIMUM_VERSION = (2, 38)
"""The first with `merge-tree --write-tree`."""
LOCK_RETRIES = 7
"""Tries after the first; the waits add up to about two seconds."""
CANCEL_GRACE = 2.0
"""Seconds a running call may take to finish after its caller was cancelled."""
TIMEOUT = 40.0
"""Seconds after which a call that does nothing is stopped; one that works may take far longer."""

_FIT: set[str] = set()
"""Programs whose version this process has looked at."""

_LOCKED = re.compile(
    r"Unable to create '.*\.lock': File exists"
    r"|could not lock config file"
    r"|unable to create temporary file: No such file or directory",
    re.DOTALL,
)


class Through(Protocol):
    """Makes a call, and may make it again."""

    async def __call__(self, step: Callable[[], Awaitable[T]]) -> T: ...


async def _at_once(step: Callable[[], Awaitable[T]]) -> T:
    return await step()


class GitRunner:
    """Runs git with explicit arguments and folders; looks at every exit status.

    Args:
        program: Path of the git program.
        timeout: Seconds after which a call that does nothing is stopped.
        parallel: Most git processes at once; more would only slow each other.
    """

    def __init__(self, program: str, *, timeout: float = TIMEOUT, parallel: int = 8) -> None:
        self.program = program
        self.through: Through = _at_once
        """How every call is made: at once, or by somebody who waits while a disk is full."""
        self._timeout = timeout
        self._threads = ThreadPoolExecutor(parallel, thread_name_prefix="git")

    @classmethod
    async def find(cls, *, timeout: float = TIMEOUT) -> "GitRunner":
        """The git on PATH, when it is new enough.

        Raises:
            UnfitError: git is missing, does not start, or is older than MINIMUM_VERSION.
        """
        program = shutil.which("git")
        if program is None:
            raise UnfitError("git was not found on PATH; install git 2.38 or newer")
        runner = cls(program, timeout=timeout)
        if program not in _FIT:
            await runner.check_version()
            _FIT.add(program)
        return runner

    async def check_version(self) -> tuple[int, ...]:
        """The version of this git.

        Raises:
            UnfitError: it is too old, or says no version.
        """
        try:
            said = (await self.run(["version"], safe=False)).text
        except GitError as error:
            raise UnfitError(f"git does not run ({self.program}): {error}") from error
        match = re.search(r"(\d+)\.(\d+)", said)
        if match is None:
            raise UnfitError(f"{self.program} is not git: `git version` says {said[:60]!r}")
        version = tuple(int(part) for part in match.groups())
        if version < MINIMUM_VERSION:
            raise UnfitError(f"git {match.group()} is too old; install git 2.38 or newer")
        return version

    async def run(
        self,
        args: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path = Path("/"),
        stdin: bytes | None = None,
        ok: Collection[int] = (0,),
        safe: bool = True,
        again: bool = True,
    ) -> GitResult:
        """Run one git command; waits and tries again only while somebody holds a lock.

        Args:
            args: The subcommand and its arguments, options such as ``--git-dir`` first.
            env: The whole environment; the sealed one if None.
            cwd: Absolute; outside every repository unless the command needs its work tree.
            stdin: What it reads; nothing if None.
            ok: Exit codes that are answers.
            safe: Put the safe settings in front.
            again: It may be repeated as it is when it could not write for want of space.

        Raises:
            GitError: any other exit code, a signal, or no progress.
        """
        call = GitCall(
            argv=[self.program, *(safe_arguments() if safe else []), *args],
            env=sealed_environment() if env is None else env,
            cwd=cwd,
            stdin=stdin,
            timeout=self._timeout,
        )
        patient = self.through if again else _at_once
        return await patient(lambda: self._unlocked(call, args, ok))

    async def _unlocked(self, call: GitCall, args: Sequence[str], ok: Collection[int]) -> GitResult:
        for attempt in range(LOCK_RETRIES + 1):
            try:
                result = await self._once(call)
            except OSError as error:
                raise GitError(_readable(args), 127, f"it could not be started: {error}") from error
            if result.returncode in ok:
                return result
            if result.returncode < 0 or not _LOCKED.search(result.stderr):
                break
            await asyncio.sleep(0.015 * 2**attempt * random.uniform(0.7, 1.3))  # noqa: S311
        raise GitError(_readable(args), result.returncode, result.stderr)

    async def _once(self, call: GitCall) -> GitResult:
        process = GitProcess(call)
        future = asyncio.get_running_loop().run_in_executor(self._threads, process.run)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            # A half-done git call must not go on behind the back of whoever cleans up next.
            await _settle(future, CANCEL_GRACE)
            process.stop()
            await _settle(future, None)
            raise

    def close(self) -> None:
        """Let the threads go; the runner cannot be used afterwards."""
        self._threads.shutdown(wait=False)


async def _settle(future: "asyncio.Future[GitResult]", seconds: float | None) -> None:
    """Wait for the end of a call, whatever it is, even while being cancelled again."""
    loop = asyncio.get_running_loop()
    deadline = None if seconds is None else loop.time() + seconds
    while not future.done():
        left = None if deadline is None else deadline - loop.time()
        if left is not None and left <= 0:
            return
        try:
            await asyncio.wait([future], timeout=left)
        except asyncio.CancelledError:
            continue


def _readable(args: Sequence[str]) -> str:
    """The command as a person would type it: options before the subcommand left out."""
    words = list(args)
    while words and words[0].startswith("-"):
        words.pop(0)
    return " ".join(words)
