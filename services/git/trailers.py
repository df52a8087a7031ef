"""What merge commits say about tasks, so that git alone tells what was done."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

from cc4tui.services.git.private import PrivateGit


KEYS = ("Cc4-Plan", "Cc4-Run", "Cc4-Task", "Cc4-Attempt", "Cc4-Title")
_FIELD = "%(trailers:key={key},valueonly,unfold,separator=%x1f)"
FORMAT = "--format=%H%x00" + "%x00".join(_FIELD.format(key=key) for key in KEYS)


@dataclass(frozen=True, slots=True)
class MergedTask:
    """A task as its merge commit names it."""

    commit: str
    plan: str
    run: str
    task: str
    attempt: int
    title: str


def one_line(text: str) -> str:
    """Text as a trailer holds it: white space and control characters become single spaces."""
    return " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", " ", text).split())


def merge_message(
    *, plan: str, run: str, task: str, attempt: int, title: str, body: str = ""
) -> str:
    """The message of the merge commit that brings a task into the integration branch."""
    values = (plan, run, task, str(attempt), title)
    trailers = [f"{key}: {one_line(value)}" for key, value in zip(KEYS, values, strict=True)]
    subject = one_line(f"{task}: {title}") or "A task"
    return (
        "\n\n".join([subject, *([body.strip()] if body.strip() else []), "\n".join(trailers)])
        + "\n"
    )


async def merged_tasks(
    private: PrivateGit, tip: str, *options: str, paths: tuple[str, ...] = ()
) -> list[MergedTask]:
    """Tasks whose merge commits `tip` holds, newest first; more `git log` options narrow it down.

    Commits of agents do not count: only merges are looked at.
    """
    args = ["--literal-pathspecs", "log", "-z", "--merges", "--grep=^Cc4-Task: ", FORMAT, *options]
    result = await private.run([*args, tip, "--", *paths])
    return list(_parsed(result.stdout))


async def done_tasks(private: PrivateGit, target: str, plan: str) -> dict[str, MergedTask]:
    """Tasks of a plan (its key) that a commit holds already, by id; the newest merge counts."""
    wanted = one_line(plan)
    tasks = [task for task in await merged_tasks(private, target) if task.plan == wanted]
    return {task.task: task for task in reversed(tasks)}


def _parsed(output: bytes) -> Iterator[MergedTask]:
    fields = [os.fsdecode(part).split("\x1f", 1)[0].strip() for part in output.split(b"\0")]
    for start in range(0, len(fields) - len(KEYS), len(KEYS) + 1):
        commit, plan, run, task, attempt, title = fields[start : start + len(KEYS) + 1]
        if task:
            yield MergedTask(
                commit, plan, run, task, int(attempt) if attempt.isdigit() else 0, title
            )
