"""The shorthand of captured notes: `fix the upload #api !high @limits`."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from cc4tui.ports import PlanSummary


PRIORITIES = ("urgent", "high", "medium", "low")
"""Most pressing first; a first letter is enough to name one."""

_TOKEN = re.compile(r"(?<!\S)(?:#([^\W\d_][\w/-]*)|!(\w+)|@([\w./-]+))(?=[\s,;.]|$)")
_SPACES = re.compile(r"[ \t]{2,}")


@dataclass(frozen=True, slots=True)
class Draft:
    """A note taken apart; what is no shorthand stays in the text."""

    text: str
    tags: tuple[str, ...] = ()
    priority: str | None = None
    plan: str | None = None
    """Path of the plan it is meant for."""


def parse(text: str, plans: Sequence[PlanSummary] = ()) -> Draft:
    """Take `#tags`, a `!priority` and an `@plan` out of a note.

    `#12` is an issue's number, `!important` and `@ann` name nothing known: they stay in the text.

    Args:
        text: As typed.
        plans: What `@` may name: by path, file name or the beginning of either.
    """
    tags: list[str] = []
    found: dict[str, str] = {}

    def take(match: re.Match[str]) -> str:
        tag, priority, plan = match.groups()
        if tag:
            tags.append(tag)
            return ""
        if priority and (level := _priority(priority)):
            found["priority"] = level
            return ""
        if plan and (path := find_plan(plan, plans)):
            found["plan"] = path
            return ""
        return match.group()

    body = "\n".join(_rest(line, take) for line in text.splitlines()).strip()
    return Draft(body, tuple(dict.fromkeys(tags)), found.get("priority"), found.get("plan"))


def _rest(line: str, take: Callable[[re.Match[str]], str]) -> str:
    """A line without its shorthand; its indentation stays: it may be code."""
    words = line.lstrip()
    return line[: len(line) - len(words)] + _SPACES.sub(" ", _TOKEN.sub(take, words)).strip()


def unparse(draft: Draft) -> str:
    """The note as a person would have typed it, to be edited."""
    tokens = [f"#{tag}" for tag in draft.tags]
    if draft.priority:
        tokens.append(f"!{draft.priority}")
    if draft.plan:
        tokens.append(f"@{draft.plan}")
    return " ".join([draft.text, *tokens])


def find_plan(name: str, plans: Sequence[PlanSummary]) -> str | None:
    """The path of the one plan that `name` means; None when there is none, or more than one."""
    name = name.rstrip(".").casefold()
    paths = {plan.path: plan.path.casefold() for plan in plans}
    for fits in (_is_path, _is_file, _begins):
        hits = [path for path, folded in paths.items() if fits(PurePosixPath(folded), name)]
        if hits:
            return hits[0] if len(hits) == 1 else None
    return None


def _is_path(path: PurePosixPath, name: str) -> bool:
    return str(path) == name


def _is_file(path: PurePosixPath, name: str) -> bool:
    return name in (path.name, path.stem)


def _begins(path: PurePosixPath, name: str) -> bool:
    return str(path).startswith(name) or path.name.startswith(name)


def _priority(word: str) -> str | None:
    word = word.casefold()
    return next((p for p in PRIORITIES if word in (p, p[0])), None)
