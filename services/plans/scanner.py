"""A one-pass scanner for the block structure of Markdown.

Why not markdown-it-py: on a plan of 10,000 tasks it costs 8 s where one pass costs a fraction of
one, and it gives no byte positions. The rules are CommonMark's (containers, lazy lines, fences,
HTML blocks, setext) plus GFM tables; tests compare it with markdown-it-py. It differs in one thing
on purpose: a line that is plainly a checkbox is an item also where CommonMark takes it for text of
the paragraph above (`Item.lenient`), because a task that is dropped is a task that is lost.
"""

import re

from cc4tui.services.plans.blocks import (
    Block,
    Document,
    Fence,
    Heading,
    Html,
    Item,
    Row,
    Table,
    Text,
)
from cc4tui.services.plans.html_blocks import HtmlKind, html_start


MAX_MARKS = 60_000
"""Boxes and headings in one file (R16); behind them nothing is read, and that is said."""
MAX_CONTAINERS = 32
"""Nesting of quotes and lists beyond which a line is text; keeps hostile input linear."""

_ATX = re.compile(r"(#{1,6})(?: +|$)")
_ATX_CLOSE = re.compile(r"(?:^| )#+$")
_FENCE = re.compile(r"(`{3,}+)([^`]*)$|(~{3,}+)(.*)$")
_RULE = re.compile(r"(?:(?:\* *+){3,}+|(?:- *+){3,}+|(?:_ *+){3,}+)$")
_ITEM = re.compile(r"([-*+]|\d{1,9}[.)])( +|$)")
_SETEXT = re.compile(r"(?:=++|-++) *$")
_DELIMITER = re.compile(r"\|?(?: *+:?-++:? *+\|)*+(?: *+:?-++:? *+)?$")
_BOX = re.compile(r"\[([^\]\[])\ufe0f?\](\*?)(?=\s|$|[^\s(\[:])")
_LOOSE_BOX = re.compile(r"(?:[-*+]|\d{1,9}[.)]) +\[[ xX~/>!?-]\] +\S")
_PIPE = re.compile(r"(?<!\\)\|")


def split_lines(text: str) -> list[str]:
    """Lines as CommonMark counts them: ended by LF, CRLF or CR."""
    return text.split("\n") if "\r" not in text else re.split(r"\r\n|\n|\r", text)


def split_cells(row: str) -> list[str]:
    """Cells of a table row; `\\|` is a pipe inside a cell."""
    row = row.strip()
    row = row.removeprefix("|")
    if row.endswith("|") and not row.endswith("\\|"):
        row = row[:-1]
    return [cell.strip().replace("\\|", "|") for cell in _PIPE.split(row)]


def scan(lines: list[str], first: int = 0) -> Document:
    """Find the blocks of `lines` from line `first` on. Linear in the size of the text."""
    scanner = _Scanner(lines, first)
    scanner.run()
    cut = scanner.at if scanner.at < len(lines) else None
    return Document(lines, scanner.root, first, cut, scanner.hidden)


class _Scanner:
    """Holds the open containers: list items, or None for a block quote.

    In all methods `rest` is what is left of the current line and `col` the column at which it
    begins, tabs expanded; `base` is the column at which the innermost open container begins.
    """

    def __init__(self, lines: list[str], first: int) -> None:
        self.lines = lines
        self.count = len(lines)
        self.at = first
        self.last = first - 1  # the last line that was not blank
        self.root: list[Block] = []
        self.stack: list[Item | None] = []
        self.quotes = 0
        self.here = self.root  # where the next block goes
        self.para: Text | None = None
        self.para_home: list[Block] = self.root
        self.hidden: list[Fence | Html] = []
        self.budget = MAX_MARKS
        self.own = Text(0, 0)  # the paragraph on an item's first line: no block of its own
        self.split: Text | None = None

    def run(self) -> None:
        lines, count = self.lines, self.count
        at = self.at
        while at < count and self.budget > 0:
            line = lines[at]
            if "\t" in line:
                line = line.expandtabs(4)
            rest = line.lstrip(" ")
            self.at = at
            if not rest:
                self.para = None
                if self.stack:
                    self.blank()
            elif self.para is not None and rest[0].isalpha() and "|" not in rest:
                self.para.end = at + 1  # the most frequent line: a paragraph goes on
                self.last = at
            elif rest[:2] != "- " or self.quotes or not self.bullet(rest, len(line) - len(rest)):
                self.line(rest, len(line) - len(rest))
                if self.last < at:
                    self.last = at
                at = max(at, self.at - 1)
            at += 1
        self.at = at
        self.close(0)

    def bullet(self, rest: str, col: int) -> bool:
        """The second most frequent line, a `-` item with text; False = it needs a closer look."""
        text = rest[2:]
        first = text[:1]
        plain = first.isalpha() or first == "[" or (first in "*`" and text[:2] not in ("* ", "``"))
        if not plain or "|" in text or len(self.stack) >= MAX_CONTAINERS:
            return False
        stack = self.stack
        parent: Item | None = None
        depth = len(stack)
        while depth:
            parent = stack[depth - 1]
            if parent is not None and col >= parent.content:
                break
            depth -= 1
            parent = None
        if col - (parent.content if parent is not None else 0) >= 4:
            return False
        if depth < len(stack):
            self.close(depth)
        item = Item(self.at, self.at + 1, col, col + 2, "", text, None, parent)
        if first == "[" and _read_box(item):
            self.budget -= 1
        self.here.append(item)
        stack.append(item)
        self.here = item.children
        self.para, self.para_home = self.own, self.here
        self.own.line, self.own.end = self.at, self.at + 1
        self.last = self.at
        return True

    def blank(self) -> None:
        """A blank line inside of containers: it ends quotes, and items that are still empty."""
        item = self.stack[-1]
        if self.quotes:
            self.close(self.stack.index(None))
        elif item is not None and item.line == self.at - 1 and not (item.text or item.children):
            self.close(len(self.stack) - 1)  # an item may begin with one blank line only

    def close(self, depth: int) -> None:
        """Close the containers from `depth` on; they end at the last line with text."""
        stack = self.stack
        end = self.last + 1
        while len(stack) > depth:
            item = stack.pop()
            if item is None:
                self.quotes -= 1
            else:
                item.end = max(end, item.line + 1)
        home = self.home()
        self.here = self.root if home is None else home.children

    def home(self) -> Item | None:
        """The innermost open list item."""
        if not self.quotes:
            return self.stack[-1] if self.stack else None
        return next((item for item in reversed(self.stack) if item is not None), None)

    def match(self, rest: str, col: int) -> tuple[int, int, str, int]:
        """How many open containers the line continues, `base`, and what is left of it."""
        base = depth = 0
        for item in self.stack:
            if item is not None:
                if col < item.content:
                    break
                base = item.content
            else:
                if not rest or rest[0] != ">" or col - base > 3:
                    break
                rest, col, base = _unquote(rest, col)
            depth += 1
        return depth, base, rest, col

    def line(self, rest: str, col: int) -> None:
        base = depth = 0
        if self.stack:
            depth, base, rest, col = self.match(rest, col)
        whole = depth == len(self.stack)
        if not rest:  # a quote's empty line
            if not whole:
                self.close(depth)
            self.para = None
            return
        self.blocks(rest, col, base, depth, whole)

    def blocks(self, rest: str, col: int, base: int, depth: int, whole: bool) -> None:
        """Open what the rest of the line opens, containers first."""
        while rest:
            if col - base >= 4:
                self.indented(rest, col, base, depth)
                return
            first = rest[0]
            if first == ">" and len(self.stack) < MAX_CONTAINERS:
                self.leave(depth)
                rest, col, base = _unquote(rest, col)
                self.stack.append(None)
                self.quotes += 1
            elif first in "-*+0123456789" and not (first in "-*" and self.ruled(rest, whole)):
                item = self.item(rest, col, depth, whole)
                if item is None:
                    self.leaf(rest, base, depth, whole)
                    return
                rest, col, base = item
            else:
                self.leaf(rest, base, depth, whole)
                return
            depth, whole = len(self.stack), True

    def leave(self, depth: int) -> None:
        """A new block starts in container `depth`: what is deeper ends."""
        if depth < len(self.stack):
            self.close(depth)
        self.para = None

    def ruled(self, rest: str, whole: bool) -> bool:
        """Whether the line is a thematic break or underlines a setext heading, not an item."""
        if self.para is not None and whole and _SETEXT.match(rest):
            return True
        return rest[1:2] in (" ", rest[0]) and _RULE.match(rest) is not None

    def indented(self, rest: str, col: int, base: int, depth: int) -> None:
        if self.para is None:
            self.leave(depth)
            self.code(base)
        elif _LOOSE_BOX.match(rest):
            self.lenient(rest, col)
        else:
            self.para.end = self.at + 1

    def lenient(self, rest: str, col: int) -> None:
        """A checkbox indented too far for CommonMark: a child of what it is indented under."""
        while self.stack and self.stack[-1] is not None and self.stack[-1].column >= col:
            self.close(len(self.stack) - 1)
        self.para = None
        self.item(rest, col, len(self.stack), True, lenient=True)

    def code(self, base: int) -> None:
        """Indented code: up to the first line that is not blank and not indented enough."""
        begin = self.at
        end = begin + 1
        for number in range(begin + 1, self.count):
            line = self.lines[number].expandtabs(4)
            rest = line.lstrip(" ")
            if not rest:
                if self.quotes:
                    break
                continue
            depth, inner, rest, col = self.match(rest, len(line) - len(rest))
            if depth < len(self.stack) or col - inner < 4:
                break
            end = number + 1
        self.hide(Fence(begin, end, indented=True))
        self.at = end
        self.last = end - 1

    def item(
        self, rest: str, col: int, depth: int, whole: bool, *, lenient: bool = False
    ) -> tuple[str, int, int] | None:
        """Open a list item; None = this line does not begin one."""
        found = _ITEM.match(rest)
        if found is None or len(self.stack) >= MAX_CONTAINERS:
            return None
        marker, gap = found.groups()
        text = rest[found.end() :]
        if self.para is not None and whole and (not text or (marker[1:] and marker[:-1] != "1")):
            if not _LOOSE_BOX.match(rest):
                return None  # an empty item, or one not numbered 1, cannot interrupt a paragraph
            lenient = True
        behind = col + len(marker)
        content = behind + (len(gap) if text and len(gap) < 5 else 1)
        self.leave(depth)
        number = marker if marker[1:] else ""
        item = Item(self.at, self.at + 1, col, content, number, text, None, self.home())
        item.lenient = lenient
        self.here.append(item)
        self.stack.append(item)
        self.here = item.children
        if text[:1] == "[" and _read_box(item):
            self.budget -= 1
        return text, behind + len(gap), content

    def leaf(self, rest: str, base: int, depth: int, whole: bool) -> None:
        first = rest[0]
        if first == "#" and (found := _ATX.match(rest)):
            self.leave(depth)
            self.budget -= 2
            text = _ATX_CLOSE.sub("", rest[found.end() :].rstrip()).rstrip()
            self.here.append(Heading(self.at, self.at + 1, len(found[1]), text))
        elif first in "`~" and (found := _FENCE.match(rest)):
            self.leave(depth)
            self.fence(found[1] or found[3], (found[2] or found[4] or "").strip(), base)
        elif first in "=-" and self.para is not None and whole and _SETEXT.match(rest):
            self.setext(1 if first == "=" else 2)
        elif first in "-*_" and _RULE.match(rest):
            self.leave(depth)
        elif first == "<" and (kind := html_start(rest, interrupts=self.para is not None)):
            self.leave(depth)
            self.html(kind, rest)
        elif "|" not in rest or not self.table(rest, depth):
            if whole and self.para is self.own and rest.startswith(("**", "__")):
                self.bold_line()
            else:
                self.paragraph(depth)

    def setext(self, level: int) -> None:
        para = self.para
        assert para is not None
        home = self.para_home
        if home and home[-1] is para:
            home.pop()
        if para is self.split:
            para.line = self.own.line  # for CommonMark it is one paragraph
        text = " ".join(line.strip() for line in self.lines[para.line : para.end])
        home.append(Heading(para.line, self.at + 1, level, text, setext=True))
        self.budget -= 2
        self.para = None

    def paragraph(self, depth: int) -> None:
        if self.para is not None:  # a lazy line keeps deeper containers open
            self.para.end = self.at + 1
            return
        self.leave(depth)
        opened = self.stack[-1] if self.stack else None
        if opened is not None and opened.line == self.at:
            self.para, self.own.line, self.own.end = self.own, self.at, self.at + 1
        else:
            self.para = Text(self.at, self.at + 1)
            self.here.append(self.para)
        self.para_home = self.here

    def bold_line(self) -> None:
        """A bold line right below an item's first line may be a field: a block of its own."""
        self.para = self.split = Text(self.at, self.at + 1)
        self.here.append(self.para)

    def fence(self, marker: str, info: str, base: int) -> None:
        begin = self.at
        end, closed = self.count, False
        plain = not base and not self.quotes
        for number in range(begin + 1, self.count):
            line = self.lines[number]
            if plain and marker not in line:
                continue
            if "\t" in line:
                line = line.expandtabs(4)
            rest = line.lstrip(" ")
            if not rest:
                if self.quotes:
                    end = number
                    break
                continue
            depth, inner, rest, col = self.match(rest, len(line) - len(rest))
            if depth < len(self.stack):
                end = number
                break
            near = col - inner < 4 and rest.startswith(marker)
            if near and not rest.rstrip().strip(marker[0]):
                end, closed = number + 1, True
                break
        self.hide(Fence(begin, end, info, closed))
        self.at = end
        self.last = end - 1

    def html(self, kind: HtmlKind, rest: str) -> None:
        begin = self.at
        end, closed = self.count, kind.until is None
        if kind.until is not None and kind.until.search(rest, kind.skip):
            end, closed = begin + 1, True
        else:
            for number in range(begin + 1, self.count):
                line = self.lines[number].expandtabs(4)
                stripped = line.lstrip(" ")
                if not stripped and (kind.until is None or self.quotes):
                    end = number
                    break
                matched = self.match(stripped, len(line) - len(stripped))[0] if stripped else None
                if matched is not None and matched < len(self.stack):
                    end = number
                    break
                if kind.until is not None and kind.until.search(line):
                    end, closed = number + 1, True
                    break
        self.hide(Html(begin, end, kind.comment, closed))
        self.at = end
        self.last = end - 1

    def hide(self, block: Fence | Html) -> None:
        self.here.append(block)
        self.hidden.append(block)

    def table(self, rest: str, depth: int) -> bool:
        """A header row whose next line is its delimiter row begins a table."""
        below = self.below(self.at + 1, depth)
        if below is None or "-" not in below or not _DELIMITER.match(below.rstrip()):
            return False
        header = split_cells(rest)
        if len(split_cells(below)) != len(header) or (len(header) == 1 and "|" not in below):
            return False
        self.leave(depth)
        table = Table(self.at, self.at + 2, header)
        number = self.at + 2
        while (row := self.below(number, depth)) is not None and not _begins_block(row):
            table.rows.append(Row(number, split_cells(row)))
            number += 1
        table.end = number
        self.here.append(table)
        self.at = number
        self.last = number - 1
        return True

    def below(self, number: int, depth: int) -> str | None:
        """Line `number` inside the same containers, or None when it is blank or outside."""
        if number >= self.count:
            return None
        line = self.lines[number].expandtabs(4)
        rest = line.lstrip(" ")
        base, col = 0, len(line) - len(rest)
        if self.stack:
            saved, self.stack = self.stack, self.stack[:depth]
            matched, base, rest, col = self.match(rest, col)
            self.stack = saved
            if matched < depth:
                return None
        return rest if rest and col - base < 4 else None


def _read_box(item: Item) -> bool:
    box = _BOX.match(item.text)
    if box is not None and (not box[1].isalnum() or box[1] in "xX"):
        item.mark = box[1]
    return item.mark is not None


def _begins_block(row: str) -> bool:
    """Whether a line begins another block, so that it ends the table above it."""
    first = row[0]
    if first == ">" or (first == "#" and _ATX.match(row)):
        return True
    if first in "`~" and _FENCE.match(row):
        return True
    if first in "-*_" and _RULE.match(row):
        return True
    if first == "<" and html_start(row, interrupts=True):
        return True
    return first in "-*+0123456789" and _ITEM.match(row) is not None


def _unquote(rest: str, col: int) -> tuple[str, int, int]:
    """Take off a `>` and the space behind it: what is left, its column, and the quote's."""
    base = col + (2 if rest[1:2] == " " else 1)
    inner = rest[1:].lstrip(" ")
    return inner, col + len(rest) - len(inner), base
