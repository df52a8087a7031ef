"""Runs a program with a pipe as its standard output, and passes on what comes through it.

A program of its own. An agent's output goes straight into a file, which is what survives a crash;
but some libraries (asyncio among them) refuse to write their protocol into a file. Signals reach
the program, and its end is the end of this one.
"""

import os
import signal
import subprocess
import sys


def main() -> int:
    """Run the command line's arguments; the program's own exit code or signal."""
    with subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE) as child:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda n, _: child.send_signal(n))
        assert child.stdout is not None
        source = child.stdout.fileno()
        while data := os.read(source, 1 << 16):
            view = memoryview(data)
            while view:
                view = view[os.write(1, view) :]
        code = child.wait()
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    return code


if __name__ == "__main__":
    sys.exit(main())
