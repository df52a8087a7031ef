"""Writes what an agent is asked: its own task, never the whole plan.

Other tasks' texts are left out on purpose: an agent that reads them starts doing them.
"""

import re
from collections.abc import Iterable, Sequence

from cc4tui.domain.plan import FileOp, FileRef, Step, Task


GOAL_LIMIT = 600
"""Characters of the plan's or the batch's goal: the direction, not the text of the plan."""
FAILURE_LIMIT = 4000
"""Characters of what went wrong in the attempt before."""

RULES = """\
## How to work
- You are alone in a git worktree of your own, the current folder. Read and change files only here.
- Do this task and nothing beyond it; others do the rest of the plan at the same time.
- Stay on the branch that is checked out. Do not touch other branches, worktrees or git's settings,
  and do not push.
- You may commit, but need not: what you leave in the folder is committed for you."""
NOBODY_ANSWERS = """\
- Nobody can answer questions. Decide what is open yourself, and say at the end what you decided."""

_NO_WORD = re.compile(r"[\W_]+")
_VERBS = {FileOp.CREATE: "create", FileOp.MODIFY: "change", FileOp.TEST: "test"}


def build_prompt(
    plan_title: str,
    plan_goal: str,
    batch_title: str,
    batch_goal: str,
    task: Task,
    verify_commands: Sequence[str],
    attempt: int,
    previous_failure: str,
    messages: Sequence[str] = (),
    *,
    may_ask: bool = False,
) -> str:
    """The prompt for one attempt at one task.

    Args:
        plan_title: Title of the plan, for the wider aim.
        plan_goal: Its goal; only the beginning is used.
        batch_title: Title of the task's batch.
        batch_goal: Its goal; only the beginning is used.
        task: What is to be done.
        verify_commands: What will be run on the merged result.
        attempt: Counts from 1.
        previous_failure: Why the attempt before failed; empty in the first one.
        messages: What a person has said to it since.
        may_ask: Somebody answers questions.
    """
    said = "\n\n".join(filter(None, [f"# Task {task.id}: {task.title}", *_own_text(task)]))
    sections = [
        said,
        _steps([step for step in task.steps if not _says(said, step.text)]),
        _section("Files", map(_file, task.files)),
        _section("Done when", (text for text in task.acceptance if not _says(said, text))),
        _section("Checks that will be run on your result", (f"`{c}`" for c in verify_commands)),
        _wider_aim(plan_title, plan_goal, batch_title, batch_goal),
        _again(attempt, previous_failure),
        _section("The person who runs this says", messages),
        RULES if may_ask else f"{RULES}\n{NOBODY_ANSWERS}",
    ]
    return "\n\n".join(filter(None, sections)) + "\n"


def _own_text(task: Task) -> list[str]:
    """Goal and body; a body that holds the goal says it once."""
    body, goal = task.body.strip(), task.goal.strip()
    return [body] if _says(body, goal) else [goal, body]


def _says(said: str, text: str) -> bool:
    """Whether the words are there already, with or without Markdown's marks between them."""
    words = _NO_WORD.sub("", text)
    return words in _NO_WORD.sub("", said) if words else text in said


def _steps(steps: Sequence[Step]) -> str:
    return _section("Steps", (f"[{'x' if step.done else ' '}] {step.text}" for step in steps))


def _file(ref: FileRef) -> str:
    verb = f"{_VERBS[ref.op]} " if ref.op else ""
    lines = f" (lines {ref.lines})" if ref.lines else ""
    return f"{verb}`{ref.path}`{lines}"


def _wider_aim(plan_title: str, plan_goal: str, batch_title: str, batch_goal: str) -> str:
    entries = [
        f"Plan: {plan_title}" if plan_title else "",
        _shortened(plan_goal, GOAL_LIMIT),
        f"Part: {batch_title}" if batch_title else "",
        _shortened(batch_goal, GOAL_LIMIT),
    ]
    return _section("What it belongs to", filter(None, entries))


def _again(attempt: int, failure: str) -> str:
    if attempt <= 1 and not failure:
        return ""
    why = _shortened(failure, FAILURE_LIMIT) or "It did not reach its end."
    return (
        f"## This is attempt {attempt}\nThe one before failed. Do not repeat its mistake:\n\n{why}"
    )


def _section(title: str, entries: Iterable[str]) -> str:
    listed = [f"- {entry}" for entry in entries]
    return "\n".join([f"## {title}", *listed]) if listed else ""


def _shortened(text: str, limit: int) -> str:
    text = text.strip()
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
