"""Values of keys and fields: from text to what the model holds.

Every scalar arrives as text (see meta.py, frontmatter.py). A value that cannot be read raises
`ValueError` with a sentence about what is allowed; the caller says where.
"""

import re
from collections.abc import Callable
from typing import Any


PRIORITIES = {
    "critical": "P0",
    "highest": "P0",
    "urgent": "P0",
    "high": "P1",
    "medium": "P2",
    "normal": "P2",
    "med": "P2",
    "low": "P3",
    "lowest": "P4",
}
EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
MODES = ("worktree", "local", "container", "dagger", "sandbox", "landlock")

_DURATION = re.compile(
    r"(\d+(?:\.\d+)?)\s*(s|sec|secs|seconds?|m|min|mins|minutes?|h|hours?|d|days?)?$", re.I
)
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_TOKENS = re.compile(r"(\d+(?:\.\d+)?)\s*([kKmM]?)\s*(?:tokens?|tok)?$")
_USD = re.compile(r"(?:\$\s*(\d+(?:\.\d+)?)|(\d+(?:\.\d+)?)\s*(?:usd|\$))$", re.I)
_NAME = re.compile(r"[A-Za-z][\w.-]{0,63}$")


def priority(value: Any) -> str:
    """P0 to P4; words and numbers are translated."""
    if value in ("P0", "P1", "P2", "P3", "P4"):
        return str(value)
    text = re.split(r"[\s(–—]", str(value).strip(), maxsplit=1)[0].strip("*`").casefold()
    if re.fullmatch(r"p?[0-4]", text):
        return f"P{text[-1]}"
    if text in PRIORITIES:
        return PRIORITIES[text]
    raise ValueError("allowed are P0 to P4, or critical, high, medium, low")


def duration(value: Any) -> float:
    """Seconds from ``90``, ``90s``, ``10m``, ``1.5h``."""
    found = _DURATION.match(str(value).strip())
    if found is None or float(found[1]) <= 0:
        raise ValueError("give seconds (600) or a number with s, m or h (10m)")
    return float(found[1]) * _UNITS[(found[2] or "s")[0].casefold()]


def budget(value: Any) -> dict[str, float]:
    """Tokens and dollars from ``50k``, ``$2``, ``{tokens: 200k, usd: 5}``."""
    if isinstance(value, dict):
        unknown = [key for key in value if key not in ("tokens", "usd")]
        if unknown or not value:
            raise ValueError("it takes the keys tokens and usd")
        out: dict[str, float] = {}
        for key, part in value.items():
            out |= budget(f"{part} usd" if key == "usd" and "$" not in str(part) else str(part))
        return out
    text = str(value).strip()
    if (found := _TOKENS.match(text)) is not None:
        scale = {"": 1, "k": 1_000, "m": 1_000_000}[found[2].casefold()]
        return {"tokens": float(found[1]) * scale}
    if (found := _USD.match(text)) is not None:
        return {"usd": float(found[1] or found[2])}
    raise ValueError("give tokens (50k) or dollars ($2), or {tokens: 200k, usd: 5}")


def boolean(value: Any) -> bool:
    """True or false as YAML writes them."""
    text = str(value).strip().casefold()
    if text in ("true", "yes", "on"):
        return True
    if text in ("false", "no", "off"):
        return False
    raise ValueError("give true or false")


def whole(value: Any) -> int:
    """A number that is not negative."""
    text = str(value).strip()
    if not re.fullmatch(r"\d{1,6}", text):
        raise ValueError("give a whole number that is not negative")
    return int(text)


def name(value: Any) -> str:
    """One word, such as the name of an agent."""
    text = str(value).strip().strip("`")
    if not _NAME.match(text):
        raise ValueError("give one name: letters, digits, dot, dash and underscore")
    return text


def names(value: Any) -> tuple[str, ...]:
    """Names set apart by spaces or commas, or a list of them; ``none`` for no name at all."""
    if isinstance(value, dict):
        raise ValueError("give names, such as codex gemini")
    parts = value if isinstance(value, (list, tuple)) else re.split(r"[\s,]+", str(value).strip())
    found = tuple(dict.fromkeys(name(part) for part in parts))
    return () if found == ("none",) else found


def one_line(value: Any) -> str:
    """Text without line breaks, such as the name of a model."""
    text = str(value).strip().strip("`")
    if not text or isinstance(value, (dict, list)) or "\n" in text or len(text) > 200:
        raise ValueError("give one line of text")
    return text


def one_of(*allowed: str) -> Callable[[Any], str]:
    """A reader for one of a few words."""

    def read(value: Any) -> str:
        text = str(value).strip().strip("`").casefold()
        if text not in allowed:
            raise ValueError(f"allowed are {', '.join(allowed)}")
        return text

    return read


def strings(value: Any) -> list[str]:
    """A list of texts; a single text is a list of one, or of several set apart by commas."""
    if isinstance(value, list):
        return [str(part).strip() for part in value if str(part).strip()]
    if isinstance(value, dict):
        raise ValueError("give a list")
    return [part.strip().strip("`") for part in str(value).split(",") if part.strip()]


def commands(value: Any) -> list[str]:
    """A command or a list of commands; a comma is part of a command."""
    if isinstance(value, dict):
        raise ValueError("give a command or a list of commands")
    parts = value if isinstance(value, list) else [value]
    return [text for part in parts if (text := str(part).strip())]


SINGLE: dict[str, Callable[[Any], Any]] = {
    "agent": name,
    "fallback": names,
    "model": one_line,
    "effort": one_of(*EFFORTS),
    "mode": one_of(*MODES),
    "priority": priority,
    "budget": budget,
    "timeout": duration,
    "retries": whole,
    "rehearse": one_line,
}
"""Keys with one value that batches and the front matter can default."""

TASK_KEYS = (
    *SINGLE, "labels", "parallel", "depends_on", "files", "verify", "run", "id", "title",
)  # fmt: skip
BATCH_KEYS = (*SINGLE, "labels", "parallel", "depends_on", "verify", "id")
PLAN_KEYS = (
    *SINGLE, "labels", "parallel", "verify", "cc4", "title", "max_parallel", "granularity",
    "goal", "status", "description", "created", "updated", "owner", "author", "date", "tags",
)  # fmt: skip
