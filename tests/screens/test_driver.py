"""The terminal goes away while the app still has much to show."""

import errno
import io
import threading

from textual.drivers import linux_driver

from cc4tui.screens.driver import TerminalDriver, TerminalWriter, mended


class GoneTerminal(io.StringIO):
    """Takes one text, and is gone then."""

    def write(self, text: str) -> int:
        if self.getvalue():
            raise OSError(errno.EIO, "Input/output error")
        return super().write(text)


def test_who_writes_to_a_terminal_that_is_gone_never_waits() -> None:
    terminal = GoneTerminal()
    writer = TerminalWriter(terminal)
    writer.start()

    def leave() -> None:
        for number in range(500):  # the queue takes 30
            writer.write(f"frame {number}")
        writer.stop()

    leaving = threading.Thread(target=leave, daemon=True)
    leaving.start()
    leaving.join(20)
    assert not leaving.is_alive()
    assert not writer.is_alive()
    assert terminal.getvalue() == "frame 0"


def test_all_that_is_written_arrives() -> None:
    class Slow(io.StringIO):
        flushed = ""

        def flush(self) -> None:
            self.flushed = self.getvalue()

    terminal = Slow()
    writer = TerminalWriter(terminal)
    writer.start()
    for number in range(100):
        writer.write(f"{number},")
    writer.stop()
    assert terminal.flushed == "".join(f"{number}," for number in range(100))


def test_textuals_driver_makes_this_one() -> None:
    assert mended(linux_driver.LinuxDriver) is TerminalDriver
    assert vars(linux_driver)["WriterThread"] is TerminalWriter
