"""The rehearsal agent's own process: acts out a task in the current folder, in JSON lines.

It is started in isolation, without site-packages, so it uses the standard library only.
"""

import hashlib
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from cc4tui.services.agents.rehearsal_content import Job, UnfitFileError, slug, write_file


SHARED_FILE = "notes/rehearsal-conflict.md"
"""What every task that acts out a conflict writes, each in its own way."""
SECONDS = (2.0, 6.0)
"""A task takes between these at speed 1, always the same for the same id."""
LOOK = 1.0
"""An interrupt that comes just before a long sleep begins would wait for its end."""


def main(description: str) -> int:
    """Act out a job and return the exit code.

    Args:
        description: The fields of a Job as a JSON object.
    """
    try:
        return _act(Job(**json.loads(description)))
    except KeyboardInterrupt:
        return 130


def _act(job: Job) -> int:
    pause = step_seconds(job.task, steps=3 + max(len(job.files), 1))
    _tell("say", text=f"Rehearsing task {job.task}: {job.title}")
    time.sleep(pause)
    _tell("say", text="No model is asked and no token is spent; the files are made up.")
    time.sleep(pause)
    match job.rehearse:
        case "hang":
            return _hang()
        case "fail":
            sys.stderr.write("error: the plan asks this task to fail ({rehearse: fail})\n")
            return 1
        case "nothing":
            _tell("say", text="Changing nothing, as the plan asks ({rehearse: nothing}).")
        case _:
            _make_files(job, pause)
    time.sleep(pause)
    _tell("say", text="Done.")
    _tell("done")
    return 0


def _hang() -> int:
    _tell("say", text="Hanging, as the plan asks ({rehearse: hang}): somebody has to stop this.")
    while True:
        time.sleep(LOOK)


def _make_files(job: Job, pause: float) -> None:
    for number, name in enumerate(job.files or [f"notes/{slug(job)}.md"], 1):
        _as_tool(str(number), name, lambda path: write_file(path, job))
        time.sleep(pause)
    if job.rehearse == "conflict":
        _as_tool("conflict", SHARED_FILE, lambda path: _disagree(path, job))


def _disagree(path: Path, job: Job) -> None:
    """Write the shared file so that no two tasks' versions can be merged."""
    path.write_text(f"# Who is right\n\nTask {job.task} is right.\n", encoding="utf-8")


def _as_tool(call: str, name: str, write: Callable[[Path], None]) -> None:
    """Write one file and tell it as a tool call with its outcome."""
    _tell("tool", id=call, name="Write", path=name)
    try:
        path = place_in_worktree(name)
        created = not path.exists()
        write(path)
    except (OSError, UnfitFileError) as error:
        _tell("tool_done", id=call, ok=False, path=name, text=f"left alone: {error}")
    else:
        _tell("tool_done", id=call, ok=True, path=name, created=created)


def place_in_worktree(name: str) -> Path:
    """The file to write for a name in a plan; for a folder or a pattern, one inside it.

    Raises:
        UnfitFileError: the name leads out of the worktree or into git's own folder, by its
            spelling or by a symbolic link.
    """
    pure = PurePosixPath(name)
    if pure.is_absolute() or ".." in pure.parts or ".git" in map(str.lower, pure.parts):
        raise UnfitFileError("it lies outside the worktree")
    path = Path.cwd() / pure
    if any(sign in path.name for sign in "*?["):
        path = path.parent / "rehearsal.md"
    elif name.endswith("/") or path.is_dir():
        path = path / "rehearsal.md"
    root = Path.cwd().resolve()
    if path.is_symlink() or not path.resolve().is_relative_to(root):
        raise UnfitFileError("a symbolic link leads out of the worktree")
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def step_seconds(task: str, steps: int) -> float:
    """How long each of a task's steps takes."""
    low, high = SECONDS
    digest = hashlib.sha256(task.encode("utf-8", "replace")).digest()
    total = low + (high - low) * int.from_bytes(digest[:4], "big") / 2**32
    return total / speed(os.environ.get("CC4_REHEARSAL_SPEED", "1")) / steps


def speed(setting: str) -> float:
    """How many times faster than usual; 1 when the setting is no positive number."""
    try:
        value = float(setting)
    except ValueError:
        return 1.0
    return value if value > 0 else 1.0


def _tell(kind: str, **values: str | bool) -> None:
    sys.stdout.write(json.dumps({"type": kind, **values}) + "\n")
    sys.stdout.flush()
