"""The seven kinds of HTML blocks that CommonMark knows, as far as the scanner needs them."""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HtmlKind:
    """How a block of HTML ends."""

    until: re.Pattern[str] | None
    """Ends with the line that holds it; None = before the next blank line."""
    comment: bool = False
    skip: int = 0
    """Characters of the first line in which the end cannot lie."""


_BLOCK_TAGS = (
    "address article aside base basefont blockquote body caption center col colgroup dd details "
    "dialog dir div dl dt fieldset figcaption figure footer form frame frameset h1 h2 h3 h4 h5 h6 "
    "head header hr html iframe legend li link main menu menuitem nav noframes ol optgroup option "
    "p param search section source summary table tbody td tfoot th thead title tr track ul"
).replace(" ", "|")

_RAW = re.compile(r"<(?:script|pre|style|textarea)(?:\s|>|$)", re.I)
_RAW_KIND = HtmlKind(re.compile(r"</(?:script|pre|style|textarea)>", re.I))
_COMMENT_KIND = HtmlKind(re.compile("-->"), comment=True, skip=2)
_INSTRUCTION_KIND = HtmlKind(re.compile(r"\?>"))
_DECLARATION = re.compile(r"<![A-Za-z]")
_DECLARATION_KIND = HtmlKind(re.compile(">"))
_CDATA_KIND = HtmlKind(re.compile(r"\]\]>"))
_TAG = re.compile(rf"</?(?:{_BLOCK_TAGS})(?:\s|/?>|$)", re.I)
_TAG_KIND = HtmlKind(None)
_ATTRIBUTE = r"""\s++[A-Za-z_:][\w.:-]*+(?:\s*+=\s*+(?:[^"'=<>`\s]++|'[^']*+'|"[^"]*+"))?"""
_ALONE = re.compile(
    rf"<(?:[A-Za-z][A-Za-z0-9-]*+(?:{_ATTRIBUTE})*+\s*+/?|/[A-Za-z][A-Za-z0-9-]*+\s*+)>\s*$"
)


def html_start(text: str, *, interrupts: bool) -> HtmlKind | None:
    """Which kind of HTML block `text` begins; a lone unknown tag cannot interrupt a paragraph."""
    if text.startswith("<!--"):
        return _COMMENT_KIND
    if _RAW.match(text):
        return _RAW_KIND
    if text.startswith("<?"):
        return _INSTRUCTION_KIND
    if text.startswith("<![CDATA["):
        return _CDATA_KIND
    if _DECLARATION.match(text):
        return _DECLARATION_KIND
    if _TAG.match(text):
        return _TAG_KIND
    if not interrupts and _ALONE.match(text):
        return _TAG_KIND
    return None
