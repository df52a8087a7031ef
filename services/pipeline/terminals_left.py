"""Terminals whose cc4tui was killed: what still runs at them is ended, and their folders go.

What was changed at them is in worktrees that nobody occupies any more; these are saved as all
others are, see `workspace.rescue`.
"""

import os
import shutil
from pathlib import Path

from cc4tui.services.processes.looking import look
from cc4tui.services.processes.recovery import reap_orphans
from cc4tui.services.processes.supervision import records


def terminals_folder(state: Path) -> Path:
    """Where every open terminal of a repository has a folder, named by its token."""
    return state / "terminals"


def left_terminals(state: Path) -> list[Path]:
    """Folders of terminals that no cc4tui has any more. Blocks.

    Those of another cc4tui that is open are none, nor what is just being started.
    """
    try:
        with os.scandir(terminals_folder(state)) as entries:
            folders = sorted(Path(entry.path) for entry in entries if entry.is_dir())
    except FileNotFoundError:
        return []
    return [folder for folder in folders if _is_left(folder)]


def _is_left(folder: Path) -> bool:
    if records.load(str(folder), records.AGENT) is None:
        return False
    sight = look(folder)
    return sight is None or sight.stopping is not None


def end_terminals(folders: list[Path]) -> None:
    """End whatever still runs at them. Blocks.

    Raises:
        ProcessError: something at one of them cannot be ended.
    """
    for folder in folders:
        reap_orphans(folder, folder.name)


def forget_terminals(folders: list[Path]) -> None:
    """Delete the folders, once what was changed at them is saved. Blocks."""
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
