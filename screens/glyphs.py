"""Signs that every terminal can show: others where it only has ASCII."""

import os


def ascii_only() -> bool:
    """Whether the person asked for ASCII with ``CC4TUI_ASCII=1``."""
    return os.environ.get("CC4TUI_ASCII", "") not in ("", "0")


def sign(glyph: str, plain: str) -> str:
    """`glyph`, or `plain` where the terminal only has ASCII."""
    return plain if ascii_only() else glyph


_PLAIN = str.maketrans("…·‹›↑↓←→–×─│", "~-<>^v<>-x-|")


def plain(text: str) -> str:
    """Our own wording without signs that an ASCII terminal lacks; each keeps its cell."""
    return text.translate(_PLAIN) if ascii_only() else text
