"""Names for task branches: safe in refs, on every file system, one per task id."""

import hashlib
import re


LENGTH = 40
_HASH = 8


def task_slug(task: str) -> str:
    """A name of ``[a-z0-9-]{1,40}`` for a task id.

    An id that already is such a name stays as it is; any other gets a hash of its text, so that
    ``1.1``, ``1-1`` and ``1_1`` never share a branch, not even where file names ignore case.
    """
    plain = re.sub(r"[^a-z0-9]+", "-", task.lower()).strip("-")
    if plain and plain == task and len(plain) <= LENGTH and not re.search(r"-[0-9a-f]{8}$", plain):
        return plain
    digest = hashlib.sha256(task.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH]
    head = plain[: LENGTH - _HASH - 1].strip("-")
    return f"{head}-{digest}" if head else digest
