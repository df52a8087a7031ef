"""Marks, ticks and status words: what says that something is done (rules R4 and R5)."""

import re

from cc4tui.domain.plan import PlanTaskState


S = PlanTaskState

_BOX_STATES = {
    " ": S.TODO,
    "\t": S.TODO,
    "\xa0": S.TODO,
    "x": S.DONE,
    "X": S.DONE,
    "-": S.IN_PROGRESS,
    "~": S.IN_PROGRESS,
    "/": S.IN_PROGRESS,
    ">": S.IN_PROGRESS,
    "!": S.BLOCKED,
    "?": S.TODO,
}
EMOJI_STATES = {
    "✅": S.DONE,
    "☑": S.DONE,
    "✔": S.DONE,
    "✓": S.DONE,
    "🟢": S.DONE,
    "âœ…": S.DONE,
    "âœ”": S.DONE,
    "âœ“": S.DONE,
    "â˜‘": S.DONE,
    "⬜": S.TODO,
    "☐": S.TODO,
    "🔲": S.TODO,
    "⏸": S.TODO,
    "⚪": S.TODO,
    "📋": S.TODO,
    "❌": S.TODO,
    "âŒ": S.TODO,
    "⏳": S.IN_PROGRESS,
    "🔄": S.IN_PROGRESS,
    "🚧": S.IN_PROGRESS,
    "🟡": S.IN_PROGRESS,
    "🔵": S.IN_PROGRESS,
    "🚫": S.BLOCKED,
    "⛔": S.BLOCKED,
    "🔴": S.BLOCKED,
}
"""Signs that stand for a box at the start of a line; mojibake of the common ones included."""

BOX_STATES = EMOJI_STATES | _BOX_STATES
"""What stands between the brackets; any other sign is not done, and said (W03)."""

_EMOJI = "|".join(re.escape(sign) for sign in sorted(EMOJI_STATES, key=len, reverse=True))
LEADING_EMOJI = re.compile(rf"\s*({_EMOJI})\ufe0f?\s*")
_DONE_SIGNS = [sign for sign, state in EMOJI_STATES.items() if state is S.DONE and sign != "🟢"]
_DONE_EMOJI = "|".join(re.escape(sign) for sign in sorted(_DONE_SIGNS, key=len, reverse=True))
TICK = re.compile(rf"(?:{_DONE_EMOJI})\ufe0f?")
TICK_CHARACTERS = frozenset(sign[0] for sign in _DONE_SIGNS)

_DONE_WORD = r"(?i:(?:100% )?(?:completed?|done|finished|shipped|implemented|merged|closed|landed))"
_CLOSING = re.compile(
    rf"(?:(?<![\s:–—-])[\s:–—-]*+[(\[]\s*+{_DONE_WORD}\b[^a-z)\]]*[)\]]"
    rf"|(?<!\s)\s++[-–—]++\s*+{_DONE_WORD}|(?<!NOT)(?<!not)\s+(?:COMPLETED?|DONE))\W*$"
)
"""``(COMPLETE)``, ``[Completed 2026-01-13]``, ``- done`` or ``COMPLETE`` at the end."""

_WORDS = {
    S.DONE: "done complete completed finished closed merged shipped implemented resolved passed",
    S.IN_PROGRESS: "in-progress wip started active doing ongoing review in-review partial",
    S.BLOCKED: "blocked on-hold stuck waiting",
    S.CANCELLED: "cancelled canceled tombstone dropped obsolete wontfix abandoned rejected",
    S.TODO: "todo to-do open pending planned not-started backlog ready draft deferred new",
}
STATUS_WORDS = {word: state for state, words in _WORDS.items() for word in words.split()}

_SECTION_STATES = {
    "completed": S.DONE,
    "complete": S.DONE,
    "completed tasks": S.DONE,
    "done": S.DONE,
    "done tasks": S.DONE,
    "finished": S.DONE,
    "archived": S.DONE,
    "completed & archived": S.DONE,
    "completed and archived": S.DONE,
    "in progress": S.IN_PROGRESS,
    "in-progress": S.IN_PROGRESS,
    "in progress tasks": S.IN_PROGRESS,
    "doing": S.IN_PROGRESS,
    "blocked": S.BLOCKED,
    "blocked tasks": S.BLOCKED,
    "on hold": S.BLOCKED,
    "pending": S.TODO,
    "pending tasks": S.TODO,
    "to do": S.TODO,
    "todo": S.TODO,
    "not started": S.TODO,
    "cancelled": S.CANCELLED,
    "canceled": S.CANCELLED,
}
_NOT_WORD = re.compile(r"^\W+|\W+$")
_COUNT = re.compile(r"\s*\(\d+[^)]*\)\s*$")


def status_of_word(text: str) -> PlanTaskState | None:
    """State that a status value names (``**Done**``, ``In Progress``); None if it names none."""
    found = LEADING_EMOJI.match(text.strip().strip("*_` "))
    word = _NOT_WORD.sub("", text).casefold().replace(" ", "-").replace("_", "-")
    if word in STATUS_WORDS:
        return STATUS_WORDS[word]
    if found:
        return EMOJI_STATES[found[1]]
    first = re.split(r"[-(:,;]", word, maxsplit=1)[0].strip("-* ")
    return STATUS_WORDS.get(first)


def status_of_section(title: str) -> PlanTaskState | None:
    """State that a section named after a status gives its tasks (R5, R17)."""
    plain = _NOT_WORD.sub("", _COUNT.sub("", title)).casefold()
    return _SECTION_STATES.get(plain)


def says_done(heading: str) -> bool:
    """Whether a batch heading says that all of it is done: (COMPLETE), DONE or a tick."""
    if not heading.isascii() and TICK.search(heading):
        return True
    return _CLOSING.search(heading[-80:]) is not None


def strip_done(heading: str) -> str:
    """The heading without what says that it is done."""
    text = TICK.sub("", heading) if not heading.isascii() else heading
    return _CLOSING.sub("", text).strip()
