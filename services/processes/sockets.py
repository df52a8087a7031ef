"""Connects to sockets whose path is longer than a unix socket address can hold."""

import os
import socket
import sys
from pathlib import Path

from cc4tui.services.processes.supervision import records


def connect(sock: socket.socket, folder: Path) -> None:
    """Connect to the supervisor of an attempt folder, however deep it lies.

    The address holds 107 bytes, so on Linux the folder is named by a descriptor instead. Elsewhere
    (103 bytes on macOS) too deep a folder raises OSError.

    Raises:
        OSError: nobody listens there.
    """
    if sys.platform != "linux":
        sock.connect(str(folder / records.SOCK))
        return
    fd = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        sock.connect(f"/proc/self/fd/{fd}/{records.SOCK}")
    finally:
        os.close(fd)
