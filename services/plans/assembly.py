"""Turns a draft into a frozen Plan: states, dependencies, checks."""

import hashlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, TypeVar

from cc4tui.domain.plan import Batch, Diagnostic, GroupMark, Offer, Plan, PlanTaskState, Task
from cc4tui.services.plans.checks import check_draft
from cc4tui.services.plans.dependencies import Resolution, resolve
from cc4tui.services.plans.draft import MAX_SAID, BatchDraft, PlanDraft, TaskDraft
from cc4tui.services.plans.states import settle_states


T = TypeVar("T")


def assemble(draft: PlanDraft, path: str, data: bytes, starts: list[int]) -> Plan:
    """Resolve, check and freeze.

    Args:
        draft: What a reader found.
        path: As the caller names the file.
        data: The file's bytes.
        starts: Byte offset of each line.
    """
    settle_states(draft)
    resolution = resolve(draft)
    check_draft(draft, resolution)
    for code, count in list(draft.said.items()):
        if count > MAX_SAID:
            draft.warn("W15", 0, f"{count - MAX_SAID} more of {code} are not shown")
    freezer = _Freezer(draft, resolution, starts)
    batches = tuple(freezer.batch(batch) for batch in draft.batches)
    offers = tuple(Offer(o.kind, o.line + 1, freezer.batch(o.batch)) for o in draft.offers)
    groups = tuple(
        GroupMark(freezer.offset(group.mark), group.done, tuple(t.id for t in group.tasks))
        for group in draft.groups
    )
    return Plan(
        path=path,
        title=draft.title,
        dialect=draft.dialect,
        batches=batches,
        offers=offers,
        diagnostics=tuple(sorted(draft.diagnostics, key=_position)),
        defaults=MappingProxyType(draft.defaults),
        goal=draft.goal,
        sha256=hashlib.sha256(data).hexdigest(),
        why=tuple(draft.why),
        groups=groups,
    )


def _position(diagnostic: Diagnostic) -> tuple[int, int, str]:
    return diagnostic.line, diagnostic.col, diagnostic.code


def _unique(values: list[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(values)) if len(values) > 1 else tuple(values)


class _Freezer:
    def __init__(self, draft: PlanDraft, resolution: Resolution, starts: list[int]) -> None:
        self.draft = draft
        self.resolution = resolution
        self.starts = starts

    def offset(self, mark: tuple[int, int]) -> int:
        """Byte offset of a mark: what stands before it on its line is ASCII."""
        return self.starts[mark[0]] + mark[1]

    def batch(self, draft: BatchDraft) -> Batch:
        return Batch(
            id=draft.id,
            title=draft.title,
            line=draft.line + 1,
            tasks=tuple(self.task(task) for task in draft.tasks),
            goal=draft.goal,
            depends_on=tuple(draft.depends or ()),
            parallel=draft.parallel is not False,
            acceptance=tuple(draft.acceptance),
            name=draft.name,
            above=tuple(draft.above),
            inherits=draft.family != 0 and draft.depends is not None,
            free=not draft.depends and (draft.depends is not None or not self.draft.ordered),
        )

    def task(self, draft: TaskDraft) -> Task:
        options = nearest(self.draft.defaults, draft.batch.options, draft.options)
        resolved = self.resolution.of(draft)
        verify = draft.verify or draft.batch.verify or self.draft.defaults.get("verify", [])
        return Task(
            id=draft.id,
            title=draft.title,
            state=draft.state or PlanTaskState.TODO,
            line=draft.line + 1,
            end_line=max(draft.end, draft.line + 1),
            batch=draft.batch.id,
            body=draft.body,
            goal=draft.goal,
            id_is_made=draft.id_is_made,
            steps=tuple(draft.steps),
            files=_unique(draft.files),
            depends_on=_unique(draft.depends),
            waits_for=resolved.waits_for,
            needs=resolved.needs,
            acceptance=tuple(draft.acceptance),
            verify=tuple(verify),
            run=tuple(draft.run),
            agent=options.get("agent"),
            fallback=options.get("fallback"),
            model=options.get("model"),
            effort=options.get("effort"),
            mode=options.get("mode"),
            priority=options.get("priority"),
            budget=options.get("budget"),
            timeout=options.get("timeout"),
            retries=options.get("retries"),
            rehearse=options.get("rehearse"),
            labels=_unique([*options.get("labels", ()), *draft.labels]),
            optional=draft.optional,
            parallel=resolved.parallel,
            mark_offset=self.offset(draft.mark) if draft.mark is not None else None,
            mirror_offsets=tuple(self.offset(mark) for mark in draft.mirrors),
        )


def nearest(*levels: Mapping[str, Any]) -> dict[str, Any]:
    """What holds after all levels, the widest first; a model belongs to its agent."""
    found: dict[str, Any] = {}
    for level in levels:
        before = found.get("agent")
        if before is not None and level.get("agent", before) != before:
            found.pop("model", None)
        found |= level
    return found
