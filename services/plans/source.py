"""A plan file's bytes, read as far as anybody asks: text, front matter, blocks, candidates."""

from functools import cached_property
from itertools import accumulate

from cc4tui.services.plans.blocks import Document
from cc4tui.services.plans.frontmatter import FrontMatter, read_front_matter
from cc4tui.services.plans.roles import assign_roles
from cc4tui.services.plans.scanner import scan, split_lines
from cc4tui.services.plans.survey import Survey, survey


BOM = b"\xef\xbb\xbf"


class Source:
    """The input of every reader. Nothing here raises, whatever the bytes are."""

    def __init__(self, data: bytes, path: str) -> None:
        self.data = data
        self.path = path
        self.bad_byte: int | None = None
        """Offset of the first byte that is not UTF-8."""
        self._surveys: dict[str, Survey] = {}
        body = data.removeprefix(BOM)
        try:
            self.text = body.decode("utf-8")
        except UnicodeDecodeError as error:
            self.bad_byte = error.start + len(data) - len(body)
            self.text = body.decode("utf-8", "replace")

    @cached_property
    def lines(self) -> list[str]:
        """Lines without their ends."""
        return split_lines(self.text)

    @cached_property
    def starts(self) -> list[int]:
        """Byte offset of each line."""
        first = len(BOM) if self.data.startswith(BOM) else 0
        lengths = map(len, self.data[first:].splitlines(keepends=True))
        return list(accumulate(lengths, initial=first))

    @cached_property
    def matter(self) -> FrontMatter:
        """Front matter; empty if there is none."""
        return read_front_matter(self.lines)

    @cached_property
    def document(self) -> Document:
        """The blocks behind the front matter."""
        return scan(self.lines, self.matter.lines)

    def survey(self, granularity: str = "auto") -> Survey:
        """Candidates for tasks with their roles."""
        if granularity not in self._surveys:
            found = survey(self.document, self.path, own="cc4" in self.matter.values)
            assign_roles(found, granularity)
            self._surveys[granularity] = found
        return self._surveys[granularity]
