"""A plan as the JSON of `plan check --json`."""

from typing import Any

from cc4tui.domain.plan import Batch, Diagnostic, FileRef, Plan, PlanTaskState, Task


def plan_to_json(plan: Plan) -> dict[str, Any]:
    """The object of the contract with scripts, ready for json.dumps."""
    return {
        "path": plan.path,
        "dialect": plan.dialect,
        "title": plan.title,
        "goal": plan.goal,
        "batches": [_batch(batch) for batch in plan.batches],
        "counts": count(plan),
        "offers": [
            {
                "kind": offer.kind,
                "line": offer.line,
                "tasks": len(offer.batch.tasks),
                "batch": _batch(offer.batch),
            }
            for offer in plan.offers
        ],
        "diagnostics": [_diagnostic(diagnostic) for diagnostic in plan.diagnostics],
    }


def count(plan: Plan) -> dict[str, int]:
    """Tasks, those done, and the batches that hold any; without headings there are none (R17)."""
    tasks = list(plan.tasks())
    return {
        "batches": sum(bool(batch.id and batch.tasks) for batch in plan.batches),
        "tasks": len(tasks),
        "done": sum(task.state is PlanTaskState.DONE for task in tasks),
    }


def _batch(batch: Batch) -> dict[str, Any]:
    return {
        "id": batch.id,
        "title": batch.title,
        "name": batch.name,
        "goal": batch.goal,
        "depends_on": list(batch.depends_on),
        "acceptance": list(batch.acceptance),
        "line": batch.line,
        "tasks": [_task(task) for task in batch.tasks],
    }


def _task(task: Task) -> dict[str, Any]:
    return {
        "id": task.id,
        "title": task.title,
        "state": task.state.value,
        "line": task.line,
        "goal": task.goal,
        "depends_on": list(task.depends_on),
        "waits_for": list(task.waits_for),
        "files": [_file(file) for file in task.files],
        "acceptance": list(task.acceptance),
        "verify": list(task.verify),
        "run": list(task.run),
        "steps": len(task.steps),
        "optional": task.optional,
        "parallel": task.parallel,
        "id_is_made": task.id_is_made,
        "priority": task.priority,
        "agent": task.agent,
        "fallback": list(task.fallback or ()),
        "mode": task.mode,
        "labels": list(task.labels),
    }


def _file(file: FileRef) -> dict[str, Any]:
    return {"path": file.path, "op": file.op.value if file.op else None, "lines": file.lines}


def _diagnostic(diagnostic: Diagnostic) -> dict[str, Any]:
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity.value,
        "line": diagnostic.line,
        "col": diagnostic.col,
        "message": diagnostic.message,
        "hint": diagnostic.hint,
    }
