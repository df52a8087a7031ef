"""Ends every descendant, however it tried to get away."""

import errno
import os
import signal
import sys
from collections.abc import Callable, Container

from . import procfs


class Sweeper:
    """Kills direct children round by round, until none is left.

    Only *direct* children are signalled: one that is not reaped yet cannot have a reused pid. As
    this process is a subreaper, grandchildren become its children when their own parent dies, so
    a few rounds reach everything: other sessions, double forks and empty environments included.
    STOP goes to all before KILL goes to any, which gives a fork bomb less time to breed.
    """

    def __init__(self, spare: Container[int] = ()) -> None:
        self._spare = spare
        self._struck: set[int] = set()
        self.killed = 0
        """Children that ended by our SIGKILL."""
        self.immune: set[int] = set()
        """Children that we may not signal (they run as another user) and have to leave."""

    def strike(self) -> bool:
        """Stop and kill the present children; False when there was none that we could."""
        targets = [
            pid for pid in procfs.children() if pid not in self._spare and pid not in self.immune
        ]
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in targets:
                self._signal(pid, number)
        self._struck.update(targets)
        return bool(targets)

    def _signal(self, pid: int, number: signal.Signals) -> None:
        try:
            os.kill(pid, number)
        except OSError as error:
            if error.errno == errno.EPERM:
                self.immune.add(pid)
            elif error.errno != errno.ESRCH:
                raise

    def reap(self, ended: Callable[[int, int], None]) -> bool:
        """Collect every child that has ended, telling its pid and wait status.

        Returns:
            False when no child is left at all.
        """
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            self._count(pid, status)
            ended(pid, status)

    def _count(self, pid: int, status: int) -> None:
        self.immune.discard(pid)
        if pid in self._struck:
            self._struck.discard(pid)
            if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
                self.killed += 1


def kill_group(leader: int) -> None:
    """Kill the process group of an agent that was just reaped, where children cannot be listed.

    On Linux `Sweeper` does better, and does it without touching a pid that may be reused.
    """
    if sys.platform == "linux":
        return
    try:
        os.killpg(leader, signal.SIGKILL)
    except OSError:
        pass
