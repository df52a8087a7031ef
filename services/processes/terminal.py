"""A program at a pseudo terminal of its own, watched over as agents are."""

import asyncio
import fcntl
import os
import pty
import shutil
import struct
import termios
from dataclasses import replace

from cc4tui.ports import Process, ProcessHost, ProcessSpec


_AT_TERMINAL = 'tty=$1; shift; exec "$@" <>"$tty" >&0 2>&0'
"""A supervised program leads a session without a terminal: the first one it opens becomes its."""
COLUMNS, ROWS = 80, 24
"""Until somebody looks."""


class TerminalProcess:
    """The master side of the pseudo terminal, and the program at the other one.

    What is not read waits: the kernel stops a program that writes more than a few kilobytes ahead.
    """

    def __init__(self, process: Process, folder: ProcessSpec, master: int, slave: int) -> None:
        self._process = process
        self._folder = folder.folder
        self._master = master
        self._slave = slave
        self._unsent = bytearray()
        self._over = False
        self._closed = False
        self._news = asyncio.Event()

    @classmethod
    async def start(cls, host: ProcessHost, spec: ProcessSpec) -> "TerminalProcess":
        """Start a program.

        Args:
            host: Has it die with us, and whatever it starts with it.
            spec: Its `stdin` counts for nothing; its folder is deleted when it has ended.

        Raises:
            ProcessError: it could not be started.
            OSError: there is no pseudo terminal left.
        """
        master, slave = pty.openpty()
        try:
            os.set_blocking(master, False)
            _set_size(master, COLUMNS, ROWS)
            command = ("sh", "-c", _AT_TERMINAL, "sh", os.ttyname(slave), *spec.argv)
            process = await host.spawn(replace(spec, argv=command, stdin="null"))
        except BaseException:
            os.close(master)
            os.close(slave)
            raise
        return cls(process, spec, master, slave)

    async def read(self, limit: int) -> bytes:
        """What it wrote next, as soon as there is something; nothing when it has ended.

        One reader at a time.
        """
        loop = asyncio.get_running_loop()
        while not self._closed:
            over = self._over
            try:
                return os.read(self._master, limit)
            except BlockingIOError:
                if over:
                    break
            except OSError:  # EIO: nobody has it open any more
                break
            self._news.clear()
            loop.add_reader(self._master, self._news.set)
            try:
                await self._news.wait()
            finally:
                if not self._closed:
                    loop.remove_reader(self._master)
        self.close()
        return b""

    def write(self, data: bytes) -> None:
        """Type; what it does not take yet waits here."""
        if self._closed or self._over:
            return
        self._unsent += data
        self._send()

    def _send(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            sent = os.write(self._master, self._unsent)
            del self._unsent[:sent]
        except BlockingIOError:
            pass
        except OSError:
            self._unsent.clear()
        if self._unsent:
            loop.add_writer(self._master, self._send)
        else:
            loop.remove_writer(self._master)

    def resize(self, columns: int, rows: int) -> None:
        """Tell it how large its terminal is."""
        if not self._closed:
            _set_size(self._master, columns, rows)

    async def ended(self) -> None:
        """Wait until it and all that it started are gone. To be awaited once."""
        try:
            await self._process.ended()
        finally:
            self._over = True
            self._news.set()
            await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    def hang_up(self) -> None:
        """Take the terminal away, and have it end; what it wrote last is lost."""
        self.close()
        self._process.stop("its terminal was closed")

    def close(self) -> None:
        """Give the terminal back to the system; nothing happens when that was done before."""
        if self._closed:
            return
        self._closed = True
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._master)
        loop.remove_writer(self._master)
        os.close(self._master)
        os.close(self._slave)
        self._news.set()


def _set_size(terminal: int, columns: int, rows: int) -> None:
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
