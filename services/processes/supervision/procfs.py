"""What /proc tells of processes. Where there is no /proc every answer is empty."""

import os


def boot_id() -> str:
    """Changes with every boot, so that a pid of an earlier boot is never taken for a live one."""
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:
            return file.read().strip()
    except OSError:
        return ""


def _stat_fields(pid: int) -> list[bytes]:
    """Fields of /proc/PID/stat from the third on; the second may hold spaces and parentheses."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            stat = file.read()
    except OSError:
        return []
    return stat[stat.rindex(b")") + 2 :].split()


def start_time(pid: int) -> int | None:
    """Start of a process in clock ticks since boot; None when it is gone."""
    fields = _stat_fields(pid)
    return int(fields[19]) if fields else None


def is_running(pid: int, start: int) -> bool:
    """Whether that very process still runs; one that only waits to be reaped does not."""
    fields = _stat_fields(pid)
    return bool(fields) and fields[0] not in (b"Z", b"X") and int(fields[19]) == start


def pids() -> list[int]:
    """Every process that can be seen."""
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return []


def children() -> list[int]:
    """Direct children of this single-threaded process, those that ended but are not reaped too."""
    listed = _listed_children()
    if listed is not None:
        return listed
    parent = str(os.getpid()).encode()
    return [pid for pid in pids() if _stat_fields(pid)[1:2] == [parent]]


def _listed_children() -> list[int] | None:
    """As the kernel lists them; None where it was built without."""
    me = os.getpid()
    try:
        with open(f"/proc/{me}/task/{me}/children", "rb") as file:
            return [int(pid) for pid in file.read().split()]
    except OSError:
        return None


def environment(pid: int) -> list[bytes]:
    """``NAME=value`` as the process was started with; empty when gone or not ours to read."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return file.read().split(b"\0")
    except OSError:
        return []


def command(pid: int) -> str:
    """Its command line; empty when it is gone or not ours to read."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().replace(b"\0", b" ").decode("utf-8", "replace").strip()
    except OSError:
        return ""


def holds_for_writing(pid: int, fd: str) -> bool:
    """Whether that descriptor of the process is open for writing."""
    try:
        with open(f"/proc/{pid}/fdinfo/{fd}") as file:
            flags = next((line.split()[1] for line in file if line.startswith("flags:")), "0")
    except OSError:
        return False
    return int(flags, 8) & os.O_ACCMODE != os.O_RDONLY


def descriptors(pid: int) -> list[tuple[str, tuple[int, int]]]:
    """Number and (device, inode) of each open descriptor; empty when gone or not ours to read."""
    found = []
    try:
        names = os.listdir(f"/proc/{pid}/fd")
    except OSError:
        return []
    for name in names:
        try:
            stat = os.stat(f"/proc/{pid}/fd/{name}")
        except OSError:
            continue
        found.append((name, (stat.st_dev, stat.st_ino)))
    return found
