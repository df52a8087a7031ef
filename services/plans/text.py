"""Small helpers on a person's text."""

import re
from collections.abc import Iterable
from difflib import get_close_matches


_SLUG = re.compile(r"[^\w]+")
_SPACE = re.compile(r"\s+")
_RUN = re.compile(r"(\W)\1{3,}")


def quote(text: str, limit: int = 60) -> str:
    """Text of a plan for a message: on one line, control characters escaped, cut at `limit`."""
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    return ascii(cut) if any(not char.isprintable() for char in cut) else f'"{cut}"'


def printable(text: str) -> str:
    """Text with control characters escaped, so that a message cannot steer a terminal."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def slug(text: str, limit: int = 24) -> str:
    """Lower-case words joined by dashes, for made ids."""
    return _SLUG.sub("-", text.casefold())[:limit].strip("-_") or "batch"


def squeeze(text: str) -> str:
    """Text for comparing: case and runs of white space do not count."""
    return _SPACE.sub(" ", text).strip().casefold()


def nearest(word: str, choices: Iterable[str]) -> str | None:
    """The choice that a typo was probably meant to be, or None."""
    folded = {choice.casefold(): choice for choice in choices}
    found = get_close_matches(word.casefold(), folded, n=1, cutoff=0.6)
    return folded[found[0]] if found else None


def calm(text: str) -> str:
    """A text whose long runs of one sign are short: patterns need square time for such runs."""
    return _RUN.sub(r"\1\1\1", text)
