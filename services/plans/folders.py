"""Plans that are a folder: one task a file, as Backlog.md and ccpm have them."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from cc4tui.domain.plan import Plan
from cc4tui.errors import PlanError
from cc4tui.services.plans.assembly import assemble
from cc4tui.services.plans.draft import PlanDraft
from cc4tui.services.plans.files import changed
from cc4tui.services.plans.readers.base import Options, Reader
from cc4tui.services.plans.readers.frontmatter_task import BACKLOG, CCPM
from cc4tui.services.plans.reading import MAX_BYTES, read_plan
from cc4tui.services.plans.source import Source
from cc4tui.services.plans.writeback import Ticked, tick_file


MAX_FILES = 5_000
_READERS = (CCPM, BACKLOG)


def read_path(
    path: Path,
    name: str | None = None,
    *,
    dialect: str | None = None,
    granularity: str | None = None,
    accept_offers: bool = False,
) -> Plan:
    """Read a plan from a file, or from a folder of task files.

    Args:
        path: The file or folder.
        name: What messages call it; default: the path.
        dialect: As for `read_plan`; like the rest without effect on a folder.
        granularity: As for `read_plan`.
        accept_offers: As for `read_plan`.

    Raises:
        PlanError: it cannot be read, or the folder holds no task file.
    """
    shown = name or str(path)
    if path.is_dir():
        return read_folder(path, shown)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise PlanError(f"{shown} cannot be read: {error.strerror}") from None
    return read_plan(
        data, shown, dialect=dialect, granularity=granularity, accept_offers=accept_offers
    )


def read_folder(folder: Path, name: str) -> Plan:
    """All task files of a folder as one plan with the dependencies between them.

    Lines are those of each task's own file.

    Raises:
        PlanError: the folder holds no task file, or cannot be read.
    """
    draft = PlanDraft("backlog", title=folder.resolve().name)
    digest = hashlib.sha256()
    for path, data, source, reader in _task_files(folder):
        draft.dialect = reader.name
        digest.update(str(path.name).encode() + b"\0" + data)
        reader.read(source, draft, Options())
        draft.order[-1].mark = None  # an offset means nothing without its file
    if not draft.order:
        raise PlanError(f"{name}: no task file here; they have front matter with id, title, status")
    for task in draft.order:
        task.outside = False
    draft.why = [f"{draft.dialect}: a folder with {len(draft.order)} task files"]
    plan = assemble(draft, name, b"", [])
    return replace(plan, sha256=digest.hexdigest())


def tick_in_folder(folder: Path, task_id: str) -> Ticked:
    """Mark a task as done in its own file.

    Raises:
        PlanError: E10, no file of the folder holds the task any more.
    """
    for path, _, source, reader in _task_files(folder):
        draft = PlanDraft(reader.name)
        reader.read(source, draft, Options())
        if draft.order[-1].id == task_id:
            return tick_file(path, task_id)
    raise changed(folder)


def _task_files(folder: Path) -> Iterator[tuple[Path, bytes, Source, Reader]]:
    for path in sorted(folder.glob("*.md"))[:MAX_FILES]:
        try:
            data = path.read_bytes()
        except OSError:
            continue  # gone, or not for us
        if len(data) > MAX_BYTES:
            continue
        source = Source(data, str(path))
        reader = next((one for one in _READERS if one.detect(source)), None)
        if reader is not None:
            yield path, data, source, reader
