"""What a dependency field says: ids and names of batches, nothing from prose (rule R7)."""

import re

from cc4tui.services.plans.text import calm


_EMPTY = re.compile(
    r"\W*(?:none|nothing|n/?a|no(?: dependencies)?|-+|—|–|nil|keine|aucune?|ninguna?"
    r"|无|なし|없음)\b|\W*$",
    re.I,
)
_ALL = re.compile(
    r"\W*(?:all|everything|all (?:tasks|previous|earlier|of the above|above|prior).*)\W*$", re.I
)
_IGNORED = re.compile(r"\b(?:parallel|not|no dependency on|independent|without)\b.*", re.I)
_PARENTHESES = re.compile(r"\([^()]*\)")
_KIND = r"(?:batch(?:es)?|phases?|milestones?|stages?|sprints?|waves?|epics?|groups?|tracks?)"
_WORD = r"(?:(?:sub)?tasks?|stor(?:y|ies)|steps?|issues?|tickets?)"
_ID = (
    r"(?:\#?\d{1,7}(?:\.\d{1,4})*[a-zA-Z]?"
    r"|(?:[A-Z][A-Z0-9]*-)*[A-Z]{1,10}-?\d{1,5}(?:\.\d+)*[a-z]?"
    r"|[a-z][a-z0-9]*(?:-[a-z0-9.]+)+|\d+(?:-\d+)+)"
)
_REFERENCE = re.compile(
    rf"(?<![\w.#/-])(?:(?P<kind>{_KIND})\s+|(?P<word>{_WORD})\s+)?"
    rf"(?P<id>{_ID})(?![\w/]|\.\d|-\w)"
    rf"(?:\s*(?:-|–|—|to|through|\.\.\.?)\s*(?:{_KIND}\s+|{_WORD}\s+)?(?P<last>{_ID})(?![\w/]))?",
    re.I,
)
_TRAILING = re.compile(
    r"(?<!\W)\W*+(?:(?:is|are|must be|to be)\s+)?"
    r"(?:complete[d]?|done|finished|merged|ready|passed)?\W*$",
    re.I,
)
_SPLIT = re.compile(r"[;\n]|\.\s|,|\band\b|&|\+")
_JOINED = re.compile(r"(([A-Z]+)\d+)-(\2\d+)$")
"""``T001-T004`` without spaces: a span, not one id."""
_PLAIN = r"(?:\#?\d{1,7}(?:\.\d{1,4})*|T\d{1,5})"
_PLAIN_IDS = re.compile(rf"{_PLAIN}(?: *, *{_PLAIN})*$")
MAX_LENGTH = 4000


def read_references(text: str) -> tuple[list[str], bool, bool]:
    """References in a dependency value.

    Returns:
        The references as written (an id, or a batch such as ``Phase 1``); whether the text is
        nothing but references, so that an unknown one is a mistake and not prose; and whether it
        says that there are none.
    """
    text = calm(text[:MAX_LENGTH].strip())
    if _PLAIN_IDS.match(text):
        return list(dict.fromkeys(part.strip() for part in text.split(","))), True, False
    if _EMPTY.match(text):
        return [], True, True
    if _ALL.match(text):
        return ["all"], True, False
    refs: list[str] = []
    strict = True
    kind = ""
    for part in _SPLIT.split(_PARENTHESES.sub(" ", text)):
        part = _IGNORED.sub("", part).strip().strip("*_`[]{}\"' ")
        if not part:
            continue
        rest, kind = _take(part, refs, kind)
        strict = strict and not rest
    return list(dict.fromkeys(refs)), strict, False


def listed_references(parts: list[str]) -> list[str]:
    """References of a `depends_on` list: ids, spans, or names of batches word for word."""
    out: list[str] = []
    for part in parts:
        refs, strict, none = read_references(part)
        if refs and strict and (" " in part or ".." in refs[0]):
            out += refs
        elif not none:
            out.append(part)
    return list(dict.fromkeys(out))


def _take(part: str, refs: list[str], kind: str) -> tuple[str, str]:
    """Add the references of one part; returns what is left of it, and the last kind of batch."""
    rest = part
    for found in _REFERENCE.finditer(part):
        if found["kind"]:
            kind = _singular(found["kind"])
        elif found["word"] or not found["id"][0].isdigit():
            kind = ""
        first, last = found["id"], found["last"]
        if (joined := _JOINED.match(first)) is not None:
            first, last = joined[1], joined[3]
        name = f"{kind} {first}" if kind else first
        refs.append(f"{name}..{last}" if last else name)
        rest = rest.replace(found[0], " ", 1)
    return _TRAILING.sub("", rest.strip("*_`[]\"' ")).strip(), kind


def _singular(kind: str) -> str:
    kind = kind[:-2] if kind.casefold() == "batches" else kind.removesuffix("s")
    return kind[0].upper() + kind[1:].casefold()
