"""What the scanner finds in a Markdown text: a light tree of blocks that know their lines.

Lines count from 0 here and `end` is exclusive; only what leaves the package counts from 1. The
classes are plain and mutable because a large plan makes a hundred thousand of them.
"""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Heading:
    """An ATX or setext heading."""

    line: int
    end: int
    level: int
    text: str
    setext: bool = False


@dataclass(slots=True)
class Text:
    """A paragraph; for a list item, also what continues its first line."""

    line: int
    end: int


@dataclass(slots=True)
class Fence:
    """Fenced or indented code; its content is never structure."""

    line: int
    end: int
    info: str = ""
    closed: bool = True
    indented: bool = False


@dataclass(slots=True)
class Html:
    """A block of raw HTML, comments included."""

    line: int
    end: int
    comment: bool = False
    closed: bool = True


@dataclass(slots=True)
class Row:
    """A row of a table."""

    line: int
    cells: list[str]


@dataclass(slots=True)
class Table:
    """A GFM table; `rows` without header and delimiter."""

    line: int
    end: int
    header: list[str]
    rows: list[Row] = field(default_factory=list)


@dataclass(slots=True)
class Item:
    """A list item with all that is inside it."""

    line: int
    end: int
    column: int
    """Of the bullet, after expanding tabs."""
    content: int
    """Column from which a line belongs to the item."""
    number: str
    """``3.`` of an ordered item; empty for a bullet."""
    text: str
    """The first line behind the bullet, without the box."""
    mark: str | None = None
    """The character in the brackets of a box; None = no box."""
    parent: "Item | None" = None
    children: list["Block"] = field(default_factory=list)
    lenient: bool = False
    """A box that CommonMark would take for text of the paragraph above it."""
    field: "tuple[str, str, str] | bool | None" = True
    """Key, name and value where it is a field; None where not; True = not looked at yet."""

    @property
    def label(self) -> str:
        """The first line without the box and without the star of an optional one."""
        if self.mark is None:
            return self.text.strip()
        text = self.text[self.text.index("]") + 1 :]
        return (text[1:] if self.optional else text).strip()

    @property
    def optional(self) -> bool:
        """A star right behind the box: ``- [ ]* 1.3 text``."""
        if self.mark is None:
            return False
        at = self.text.index("]") + 1
        return self.text.startswith("*", at) and not self.text.startswith("**", at)


Block = Heading | Text | Fence | Html | Table | Item


@dataclass(slots=True)
class Document:
    """A scanned text."""

    lines: list[str]
    blocks: list[Block]
    first: int = 0
    """First line behind the front matter."""
    cut: int | None = None
    """Line from which nothing was read any more, because there is too much (R16)."""
    hidden: "list[Fence | Html]" = field(default_factory=list)
    """Code and comments, wherever they stand: what is in them is never structure."""


def walk_items(blocks: list[Block]) -> "list[Item]":
    """Every list item, parents before children, in document order."""
    found: list[Item] = []
    todo = [block for block in reversed(blocks) if isinstance(block, Item)]
    while todo:
        item = todo.pop()
        found.append(item)
        todo.extend(child for child in reversed(item.children) if isinstance(child, Item))
    return found
