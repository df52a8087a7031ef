"""All readers, in the order in which a file is tried against them."""

from cc4tui.services.plans.readers import (
    beads,
    bmad,
    bullets,
    cc4,
    frontmatter_task,
    gsd,
    ralph,
    taskmaster,
)
from cc4tui.services.plans.readers.base import Reader
from cc4tui.services.plans.readers.markdown import MARKDOWN_READERS
from cc4tui.services.plans.source import Source


READERS: tuple[Reader, ...] = (
    cc4.READER,
    taskmaster.READER,
    ralph.READER,
    beads.READER,
    frontmatter_task.CCPM,
    frontmatter_task.BACKLOG,
    gsd.READER,
    bmad.READER,
    *MARKDOWN_READERS,
    bullets.READER,
)
DIALECTS = tuple(reader.name for reader in READERS)


def choose(source: Source, dialect: str | None) -> tuple[Reader, list[str]]:
    """The reader for a file, and why it was chosen: what was tried before it and why not.

    Raises:
        KeyError: `dialect` is not one of `DIALECTS`.
    """
    if dialect is not None:
        by_name = {reader.name: reader for reader in READERS}
        return by_name[dialect], [f"{dialect}: asked for"]
    tried: list[str] = []
    for reader in READERS:
        why = reader.detect(source)
        if why is not None:
            passed = [f"not {', '.join(tried)}"] if tried else []
            return reader, [f"{reader.name}: {why}", *passed]
        tried.append(reader.name)
    raise AssertionError("the offers reader takes everything")
