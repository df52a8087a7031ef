"""Changes one file of a tree without a checkout: how a plan's tick joins a merge commit."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass

from cc4tui.services.git.objects import Object, object_id
from cc4tui.services.git.private import PrivateGit


@dataclass(frozen=True, slots=True)
class FileEdit:
    """A change of one file on the way into a merge commit."""

    path: str
    """Relative to the root of the tree."""
    apply: Callable[[bytes], bytes]
    """New content from old; equal content means that nothing is to change."""


@dataclass(frozen=True, slots=True)
class EditedTree:
    """A tree with an edit in it."""

    oid: str
    new: tuple[Object, ...] = ()
    """What of it is not stored yet."""


async def edit_tree(private: PrivateGit, tree: str, edit: FileEdit) -> EditedTree:
    """The tree with the edit in it; the same tree if the file is missing or does not change.

    Raises:
        GitError: git could not read an object.
    """
    parts = edit.path.split("/")
    objects = await asyncio.to_thread(_loose, private, tree, parts)
    if objects is None:
        names = [f"{tree}:{'/'.join(parts[:depth])}" for depth in range(len(parts) + 1)]
        objects = await _read(private, names)
    if objects is None or objects[-1][0] != "blob":
        return EditedTree(tree)
    old = objects[-1][1]
    changed = await asyncio.to_thread(edit.apply, old)
    if changed == old:
        return EditedTree(tree)
    new: list[Object] = [("blob", changed)]
    for name, (_, content) in zip(reversed(parts), reversed(objects[:-1]), strict=True):
        oid = object_id(new[-1], private.object_format)
        start, end = _entry(content, name, len(oid) // 2)
        new.append(("tree", content[:start] + bytes.fromhex(oid) + content[end:]))
    return EditedTree(object_id(new[-1], private.object_format), tuple(new))


def _loose(private: PrivateGit, tree: str, parts: list[str]) -> list[Object] | None:
    """The trees on the way to a file, and the file; None if git has to be asked."""
    found: list[Object] = []
    oid = tree
    for name in (*parts, ""):
        thing = private.loose(oid)
        if thing is None or (name and thing[0] != "tree"):
            return None
        found.append(thing)
        if name:
            try:
                start, end = _entry(thing[1], name, len(tree) // 2)
            except KeyError:
                return None
            oid = thing[1][start:end].hex()
    return found


async def _read(private: PrivateGit, names: list[str]) -> list[Object] | None:
    """Kind and content of each object, in one call; None if one of them is missing."""
    data = b"".join(name.encode("utf-8", "surrogateescape") + b"\0" for name in names)
    output = (await private.run(["cat-file", "--batch", "-z"], stdin=data)).stdout
    found: list[Object] = []
    while output:
        header = re.match(rb"[0-9a-f]+ (blob|tree) (\d+)\n", output)
        if header is None:
            return None
        start, size = header.end(), int(header[2])
        found.append((header[1].decode(), output[start : start + size]))
        output = output[start + size + 1 :]
    return found


def _entry(tree: bytes, name: str, size: int) -> tuple[int, int]:
    """Where in a raw tree the object id of one of its names lies; KeyError if it has no such."""
    wanted = name.encode("utf-8", "surrogateescape")
    start = 0
    while start < len(tree):
        end = tree.index(b"\0", start) + 1
        if tree[start : end - 1].split(b" ", 1)[1] == wanted:
            return end, end + size
        start = end + size
    raise KeyError(name)
