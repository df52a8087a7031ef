"""Finds the plans of a repository."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

from cc4tui.domain.plan import Plan, PlanTaskState
from cc4tui.ports import PlanSummary
from cc4tui.services.plans.reading import MAX_BYTES, read_plan


PLAN_NAMES = frozenset({
    "plan", "plans", "todo", "tasks", "task", "roadmap", "implementation_plan",
    "implementation-plan", "work_plan", "work-plan", "workplan", "master_plan", "master-plan",
    "project_plan", "project-plan", "backlog", "milestones",
})  # fmt: skip
"""Names, without ``.md``, that hold plans wherever they lie."""
PLAN_FOLDERS = frozenset({
    "plans", "plan", "specs", ".specify", ".kiro", "openspec", "conductor", "tracks",
    ".planning", ".taskmaster", "backlog", "stories", "epics", "tasks", "superpowers",
    "changes",
})  # fmt: skip
"""Folders whose Markdown files are looked into."""
PLAN_DATA = frozenset({"tasks.json", "prd.json", "issues.jsonl"})
SKIPPED = frozenset({
    ".git", ".hg", ".svn", ".venv", "venv", "env", "node_modules", "bower_components",
    "vendor", "target", "dist", "build", "out", "__pycache__", ".mypy_cache", ".ruff_cache",
    ".pytest_cache", ".tox", ".nox", ".cache", ".gradle", ".idea", ".vscode", ".next", ".nuxt",
    ".svelte-kit", "site-packages", "coverage", "htmlcov", ".terraform", ".direnv", "Pods",
    "DerivedData", "archive", "templates",
})  # fmt: skip
"""Folders that are never looked into: other people's code, caches, output."""
MAX_DEPTH = 6
MAX_ENTRIES = 50_000
MAX_PLANS = 500


def find_plans(root: Path, *, seconds: float = 3.0) -> list[Path]:
    """Files below `root` that parse to tasks or offer some, most recently changed first.

    Args:
        root: The repository.
        seconds: After this time what was found so far is returned; a huge tree never blocks.
    """
    deadline = time.monotonic() + seconds
    found: list[tuple[float, Path]] = []
    for path in _candidates(root, deadline):
        changed = _plan_time(root, path)
        if changed is not None:
            found.append((changed, path))
        if len(found) >= MAX_PLANS or time.monotonic() > deadline:
            break
    found.sort(key=lambda pair: (-pair[0], pair[1]))
    return [path for _, path in found]


def summarize(root: Path, path: Path) -> PlanSummary:
    """A plan in one line, for lists.

    Raises:
        OSError: it cannot be read.
    """
    name = path.relative_to(root).as_posix()
    return summary_of(read_plan(path.read_bytes(), name))


def summary_of(plan: Plan) -> PlanSummary:
    """The same for a plan that was read already."""
    tasks = list(plan.tasks())
    return PlanSummary(
        path=plan.path,
        title=plan.title,
        dialect=plan.dialect,
        tasks=len(tasks),
        done=sum(task.state is PlanTaskState.DONE for task in tasks),
        errors=len(plan.errors),
        offers=len(plan.offers),
    )


def _plan_time(root: Path, path: Path) -> float | None:
    """When a plan was changed; None = it holds no task, or cannot be read."""
    try:
        status = path.stat()
        if not 0 < status.st_size <= MAX_BYTES:
            return None
        data = path.read_bytes()
    except OSError:
        return None
    plan = read_plan(data, path.relative_to(root).as_posix())
    if next(plan.tasks(), None) is None and not plan.offers:
        return None
    return status.st_mtime


def _candidates(root: Path, deadline: float) -> Iterator[Path]:
    """Files by name and folder, the likely folders first."""
    todo: list[tuple[Path, int, bool]] = [(root, 0, False)]
    seen = 0
    while todo:
        folder, depth, inside = todo.pop(0)
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError:
            continue
        for entry in entries:
            seen += 1
            if seen > MAX_ENTRIES or time.monotonic() > deadline:
                return
            if entry.is_dir(follow_symlinks=False):
                if depth < MAX_DEPTH and entry.name not in SKIPPED:
                    todo.append((Path(entry.path), depth + 1, inside or entry.name in PLAN_FOLDERS))
            elif _is_candidate(entry.name, inside):
                yield Path(entry.path)


def _is_candidate(name: str, inside: bool) -> bool:
    stem, dot, suffix = name.rpartition(".")
    if name in PLAN_DATA:
        return True
    if not dot or suffix.casefold() not in ("md", "markdown"):
        return False
    plain = stem.casefold().replace(" ", "-")
    return inside or plain in PLAN_NAMES or "plan" in plain
