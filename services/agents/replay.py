"""Reads an attempt's output again, knowing no more than its folder."""

from pathlib import Path

from cc4tui.domain.agent import AgentJob
from cc4tui.domain.agent_spec import AgentSpec
from cc4tui.errors import UsageError
from cc4tui.ports import OutputSize
from cc4tui.services.agents.output import FileOutputReader
from cc4tui.services.agents.redaction import Redactor
from cc4tui.services.agents.registry import backend_for


_DRIVER_FILE = "driver"
_FALLBACK = "command"
"""Reads any output as lines of text."""


def remember_driver(folder: Path, driver: str, worktree: Path) -> None:
    """Note in an attempt's folder which backend understands its output, and where it worked."""
    words = f"{driver}\n{worktree}"
    (folder / _DRIVER_FILE).write_text(words, encoding="utf-8", errors="surrogateescape")


def recorded_driver(folder: Path) -> str | None:
    """The driver that `remember_driver` noted; None when it cannot be read."""
    return _recorded(folder)[0] or None


def _recorded(folder: Path) -> tuple[str, str]:
    """Driver and worktree, as far as they were noted."""
    try:
        words = (folder / _DRIVER_FILE).read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return "", ""
    driver, _, worktree = words.partition("\n")
    return driver, worktree


def output_reader(
    folder: Path, redactor: Redactor | None = None, until: OutputSize | None = None
) -> FileOutputReader:
    """A reader from the first byte; lines of text where the backend is not there any more.

    Args:
        folder: Of the attempt.
        redactor: Masks what the files may still hold while the agent runs.
        until: Nothing after that is read; None = all.
    """
    driver, worktree = _recorded(folder)
    driver = driver or _FALLBACK
    try:
        backend = backend_for(driver)
    except UsageError:
        driver, backend = _FALLBACK, backend_for(_FALLBACK)
    job = AgentJob("", "", "", 0, "", "", folder / "prompt", Path(worktree or folder))
    stream = backend.stream(AgentSpec(driver, driver), job)
    return FileOutputReader(folder, stream, redactor, until)
