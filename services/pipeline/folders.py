"""Where a run keeps its files; a reader needs nothing else of the pipeline."""

from pathlib import Path

from cc4tui.services.git.slug import task_slug


def run_folder(state: Path, run_id: str) -> Path:
    """Where a run's copy of its plan and its attempts' files are."""
    return state / "journal" / run_id


def attempt_folder(run_folder: Path, task: str, attempt: int) -> Path:
    """Where an attempt's files are."""
    return run_folder / f"{task_slug(task)}-{attempt}"
