"""Changes one file of a tree without a checkout: how a plan's tick joins a merge commit."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass

from cc4tui.services.git.private import PrivateGit


@dataclass(frozen=True, slots=True)
class FileEdit:
    """A change of one file on the way into a merge commit."""

    path: str
    """Relative to the root of the tree."""
    apply: Callable[[bytes], bytes]
    """New content from old; equal content means that nothing is to change."""


async def edit_tree(private: PrivateGit, tree: str, edit: FileEdit) -> str:
    """The tree with the edit in it; the same tree if the file is missing or does not change.

    Raises:
        GitError: git could not write an object.
    """
    parts = edit.path.split("/")
    names = [f"{tree}:{'/'.join(parts[:depth])}" for depth in range(len(parts) + 1)]
    objects = await _read(private, names)
    if objects is None or objects[-1][0] != "blob":
        return tree
    old = objects[-1][1]
    new = await asyncio.to_thread(edit.apply, old)
    if new == old:
        return tree
    oid = await _write(private, "blob", new)
    for name, (_, content) in zip(reversed(parts), reversed(objects[:-1]), strict=True):
        oid = await _write(private, "tree", _with_entry(content, name, oid))
    return oid


async def _read(private: PrivateGit, names: list[str]) -> list[tuple[str, bytes]] | None:
    """Kind and content of each object, in one call; None if one of them is missing."""
    data = b"".join(name.encode("utf-8", "surrogateescape") + b"\0" for name in names)
    output = (await private.run(["cat-file", "--batch", "-z"], stdin=data)).stdout
    found: list[tuple[str, bytes]] = []
    while output:
        header = re.match(rb"[0-9a-f]+ (blob|tree) (\d+)\n", output)
        if header is None:
            return None
        start, size = header.end(), int(header[2])
        found.append((header[1].decode(), output[start : start + size]))
        output = output[start + size + 1 :]
    return found


async def _write(private: PrivateGit, kind: str, content: bytes) -> str:
    args = ["hash-object", "-t", kind, "-w", "--stdin"]
    return (await private.run(args, stdin=content)).text


def _with_entry(tree: bytes, name: str, oid: str) -> bytes:
    """A raw tree with another object under one of its names; the mode stays."""
    raw = bytes.fromhex(oid)
    wanted = name.encode("utf-8", "surrogateescape")
    start = 0
    while start < len(tree):
        end = tree.index(b"\0", start)
        if tree[start:end].split(b" ", 1)[1] == wanted:
            return tree[: end + 1] + raw + tree[end + 1 + len(raw) :]
        start = end + 1 + len(raw)
    raise KeyError(name)
