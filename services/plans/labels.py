"""The label of a box, heading or row: id, flags and title taken apart (rules R4, R13)."""

import re
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from typing import Any

from cc4tui.domain.plan import PlanTaskState
from cc4tui.services.plans.marks import EMOJI_STATES, LEADING_EMOJI, TICK
from cc4tui.services.plans.meta import MetaError, parse_meta, split_meta
from cc4tui.services.plans.words import STEP, TASK, TASK_WORD


class IdStyle(Enum):
    """How sure the look of an id makes us that it is one."""

    NONE = "none"
    TNUM = "T001"
    """Three or more digits: always an id."""
    DOTTED = "1.1"
    NUMBER = "1."
    WORD = "Task 1"
    """The word Task or Story stands before it."""
    HASH = "#12"
    GIVEN = "{id: x}"
    PLAN = "01-02-PLAN.md"
    FILE = "001.md"
    """The file that holds the task."""
    FAMILY = "AB-12"
    """Letters and a number: an id only where the file holds several of the family."""


@dataclass(slots=True)
class Label:
    """A label taken apart."""

    raw: str
    id: str = ""
    style: IdStyle = IdStyle.NONE
    title: str = ""
    parallel: bool | None = None
    """Marked [P], (P) or (parallel: ...)."""
    optional: bool = False
    labels: list[str] = field(default_factory=list)
    meta: dict[str, Any] | None = None
    braces: str = ""
    """The text of `meta`."""
    bad_meta: str | None = None
    """Text in braces at the end that is no flow mapping."""
    depends: str | None = None
    """Text inside ``(depends on ...)``."""
    tick: PlanTaskState | None = None
    """What a sign such as a tick says."""
    step: bool = False
    """Begins with Step or Subtask: never a task under a task (R1)."""
    task: bool = False
    """Begins with ``Task:``: a task although it has no id (R21)."""
    struck: bool = False
    plain: str = ""
    """The title with the id left in, for when the id turns out to be none."""


_NUM = r"\d{1,4}(?:\.\d{1,4}){1,12}[a-jA-J]?"
_SIMPLE_ID = re.compile(r"(?:(T\d{3,5})|\d{1,4}(?:\.\d{1,4}){1,12})(?= [^-–—\s])")
_ORDINARY = re.compile(r"[A-Za-z0-9 &,;:.'\"/+%#@!?=<>|$^-]*[g-zG-Z.!?]$", re.ASCII)
"""Nothing in it needs cleaning: no markup, brackets, signs, nor a commit at the end."""
_SEPARATOR = (
    r"(?P<sep>\s*[.):]+[*_]{0,3}(?=\s|$|[*_`\[])|\s*[：、][*_]{0,3}"
    r"|\s+[-–—]+(?=\s)|\s*[–—](?=\s)|(?=\s|$))"
)
_ID = re.compile(
    rf"""(?P<open>[*_`\[(]{{0,4}})(?:
      (?P<word>(?i:{TASK})\s*)\#?
        (?P<wid>[A-Z]{{0,6}}-?\d{{1,4}}(?:[.-]\d{{1,4}})*[a-zA-Z]?|[A-Z](?=\s*[:：.)–—-]))
     |(?P<t>T\d{{3,5}}(?:\.\d+)*(?:[a-z]|-[A-Z]{{1,6}})?)
     |(?P<plan>\d{{2,3}}(?:\.\d{{1,2}})?-\d{{2,3}})(?=-PLAN|[*_`]{{0,3}}:)(?:-PLAN(?:\.md)?)?
     |(?P<file>\d{{1,6}})\.md
     |(?P<hash>\#\d{{1,7}})
     |(?P<dot>{_NUM})
     |(?P<int>\d{{1,4}}[a-zA-Z]?)(?=[*_`]{{0,3}}[.):：、])
     |(?P<fam>(?:[A-Z][A-Z0-9]{{0,9}}-)*[A-Z]{{1,10}}-?\d{{1,5}}(?:\.\d{{1,4}})*[a-z]?)
    )(?P<close>[*_`\])]{{0,4}}){_SEPARATOR}""",
    re.X,
)
_STEP = re.compile(rf"[*_`]{{0,3}}(?:{STEP})\s*(?:\d|#|[:：]|[A-Z]\b\s*[:：.)]|$)", re.I)
_TASK = re.compile(rf"[*_]{{0,3}}(?:{TASK_WORD})[*_]{{0,3}}\s*[:：]\s*[*_]{{0,3}}\s*", re.I)
_FLAG = re.compile(r"\s*(?:\[(\s*\w[\w .,:/&+-]{0,22}| ?)\](?![(\[:])|(\(P\)))\s*")
_DEPENDS = re.compile(r"\(([^()]*\bdepend(?:s|ent|encies|ency)?\b(?:\s+on)?\s*:?[^()]*)\)", re.I)
_DEPENDS_TEXT = re.compile(r"\bdepend(?:s|ent|encies|ency)?\b(?:\s+on)?\s*:?\s*(.*)$", re.I | re.S)
_PARALLEL = re.compile(r"\((\s*parallel\s*:[^()]*)\)\s*$", re.I)
_PARALLEL_SAID = re.compile(r"\bparallel\s*:\s*(true|false)", re.I)
_AC = re.compile(r"\s*\((?:AC|ACs|acceptance criteria)\s*[:#]?[^)]*\)\s*$", re.I)
_SHA = re.compile(
    r"\s*(?:\[[0-9a-f]{7,40}\]|(?<=\s)(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{7,40}|\((?:commit\s+)?`?[0-9a-f]{7,40}`?\))\s*$"
)
_MAY_BE_SHA = re.compile(r"[0-9a-f]{7}`?[\])]?$")
_STRUCK = re.compile(r"~~(.+?)~~")
_BOLD = re.compile(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1")
_WRAPPED = re.compile(r"^(\*\*|__|\*|_)(.*)\1$")
LONGEST = 1_000
"""Characters of a label that are looked at; a longer one is no title but text in one line."""
MANY_BOLD = 16
"""Signs of bold in a title; more are no emphasis, and pairing them would take long."""
_NOT_LABELS = frozenset({"p", "x", " ", ""})


def parse_label(text: str) -> Label:
    """Take a label apart. Whether a weak id (`IdStyle.FAMILY`) counts is decided by the caller."""
    if len(text) > LONGEST:
        label = parse_label(text[:LONGEST])
        label.raw, label.title = text, label.title + text[LONGEST:]
        return label
    label = Label(text)
    rest = text.strip()
    if _ORDINARY.match(rest):
        return _ordinary(rest, label)
    if rest.endswith("}"):
        rest = _take_meta(rest, label)
    if not rest.isascii():
        rest = _take_ticks(rest, label)
    if rest.startswith("~~"):
        rest, label.struck = _STRUCK.sub(r"\1", rest, count=1), True
    rest = _take_flags(rest, label)
    label.plain = rest
    if (simple := _SIMPLE_ID.match(rest)) is not None:
        label.id, label.style = simple[0], IdStyle.TNUM if simple[1] else IdStyle.DOTTED
        rest = rest[simple.end() :].lstrip()
    else:
        rest = _take_words(rest, label)
    if label.id:
        rest = _take_flags(rest, label)
        if rest.startswith("~~"):
            rest, label.struck = _STRUCK.sub(r"\1", rest, count=1), True
    if "(" in rest:
        rest = _take_depends(rest, label)
    label.title = clean_title(rest)
    if label.meta:
        _take_given(label, label.meta)
    return label


def _ordinary(text: str, label: Label) -> Label:
    """Plain words, perhaps behind an id: the most frequent label by far."""
    label.plain = text
    if (simple := _SIMPLE_ID.match(text)) is not None:
        label.id, label.style = simple[0], IdStyle.TNUM if simple[1] else IdStyle.DOTTED
        label.title = text[simple.end() :].lstrip()
    else:
        label.title = _take_words(text, label).lstrip(": ")
    return label


def _take_given(label: Label, meta: dict[str, Any]) -> None:
    """Id and title as the `{...}` gives them: any text, word for word."""
    if isinstance(meta.get("id"), str):
        label.id, label.style, label.step, label.task = meta["id"], IdStyle.GIVEN, False, False
    if isinstance(meta.get("title"), str):
        label.title = meta["title"]


def _take_words(rest: str, label: Label) -> str:
    """What begins with a word: Step, ``Task:``, or an id that is not plain."""
    if _STEP.match(rest):
        label.step = True
        return rest
    if (found := _TASK.match(rest)) is not None:
        label.task = True
        mark, rest = rest[:2], rest[found.end() :]
        if mark in ("**", "__") and mark not in found[0][2:]:
            rest = mark + rest  # the bold runs on into the title
        label.plain = rest
    return _take_id(rest, label)


def drop_id(label: Label) -> None:
    """The id turned out to be a word of the title."""
    label.id, label.style = "", IdStyle.NONE
    label.title = clean_title(label.plain)


def clean_title(text: str) -> str:
    """A title without bold, trailing commit, ``(AC: 1)`` and separators."""
    if text[-1:] == ")":
        text = _AC.sub("", text)
    if _MAY_BE_SHA.search(text[-10:]):
        text = _SHA.sub("", text) or text
    if "~~" in text:
        text = _STRUCK.sub(r"\1", text)
    if 0 < text.count("**") + text.count("__") <= MANY_BOLD:
        text = _BOLD.sub(r"\2", text)
    text = text.strip()
    if text[:1] in "*_" and (found := _WRAPPED.match(text)):
        text = found[2].strip()
    return text.lstrip(":：–—").strip()


def _take_meta(rest: str, label: Label) -> str:
    head, braces = split_meta(rest)
    if braces is None:
        return rest
    try:
        label.meta, label.braces = parse_meta(braces), braces
    except MetaError:
        label.bad_meta = braces
        return rest
    return head


def _take_ticks(rest: str, label: Label) -> str:
    found = LEADING_EMOJI.match(rest)
    if found is not None:
        label.tick = EMOJI_STATES[found[1]]
        rest = rest[found.end() :]
    if TICK.search(rest):
        cut = TICK.sub("", rest).strip()
        at_end = TICK.search(rest[-8:]) is not None
        if at_end or label.tick is not None:
            label.tick = PlanTaskState.DONE
            rest = cut
    return rest


def _take_flags(rest: str, label: Label) -> str:
    while rest[:1] in "[(" and (found := _FLAG.match(rest)) is not None:
        word = found[1]
        if found[2] or word.strip() == "P":
            label.parallel = True
        elif word.strip().casefold() not in _NOT_LABELS:
            label.labels.append(word.strip())
        rest = rest[found.end() :]
    return rest


def _take_id(rest: str, label: Label) -> str:
    found = _ID.match(rest)
    if found is None:
        return rest
    if found["word"]:
        label.id, label.style = found["wid"], IdStyle.WORD
    elif found["t"]:
        label.id, label.style = found["t"], IdStyle.TNUM
    elif found["plan"]:
        label.id, label.style = found["plan"], IdStyle.PLAN
    elif found["file"]:
        label.id, label.style = found["file"], IdStyle.FILE
    elif found["hash"]:
        label.id, label.style = found["hash"], IdStyle.HASH
    elif found["dot"]:
        label.id, label.style = found["dot"], IdStyle.DOTTED
    elif found["int"]:
        label.id, label.style = found["int"], IdStyle.NUMBER
    else:
        label.id, label.style = found["fam"], IdStyle.FAMILY
    opening = found["open"].replace("`", "")
    tail = rest[found.end() :].strip()
    sign = opening[: 2 if opening[:1] == opening[1:2] else 1]
    if sign[:1] in ("*", "_") and sign not in found["close"] + found["sep"]:
        tail = sign + tail  # the bold runs on into the title
    return tail


def _take_depends(rest: str, label: Label) -> str:
    found = _DEPENDS.search(rest) or _PARALLEL.search(rest)
    if found is None:
        return rest
    inner = _DEPENDS_TEXT.search(found[1])
    label.depends = inner[1] if inner else None
    if (said := _PARALLEL_SAID.search(found[1])) is not None:
        label.parallel = said[1].casefold() == "true"
    return (rest[: found.start()] + rest[found.end() :]).strip()


@lru_cache(maxsize=4096)
def family(task_id: str) -> str:
    """The letters of an id: ids of one family stand or fall together."""
    return task_id.rstrip("0123456789abcdefghijklmnopqrstuvwxyz.").rstrip("-")


def normal_id(task_id: str) -> str:
    """An id as it is compared: case, ``#`` and a trailing ``.0`` do not count."""
    out = task_id.casefold().lstrip("#").rstrip(".")
    return out[:-2] if out.endswith(".0") else out
