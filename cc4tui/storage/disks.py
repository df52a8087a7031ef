"""What kind of disk a path lies on: SQLite's write-ahead log needs one of this machine."""

import re
from pathlib import Path


NETWORK = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ceph", "lustre", "fuse.sshfs"})
"""File systems that several machines may write to, as the kernel names them."""

_MOUNTS = Path("/proc/self/mountinfo")


def network_disk(path: Path, mounts: Path = _MOUNTS) -> str | None:
    """The kind of network disk that holds `path`; None for local ones and where Linux is not."""
    try:
        lines = mounts.read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return None
    kinds = dict(map(_mount, lines))
    real = path.resolve()
    holder = next((p for p in (real, *real.parents) if p in kinds), None)
    kind = kinds[holder] if holder else ""
    return kind if kind in NETWORK else None


def _mount(line: str) -> tuple[Path, str]:
    """Mount point and file system of one line; later lines lie over earlier ones (proc(5))."""
    before, _, after = line.partition(" - ")
    point = re.sub(r"\\([0-7]{3})", lambda m: chr(int(m[1], 8)), before.split(" ")[4])
    return Path(point), after.split(" ")[0]
