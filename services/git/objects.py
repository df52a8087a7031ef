"""Objects of git's as bytes: read without a process where they lie loose, stored many by one call.

git itself stores them: a pack of whole objects is the one form in which it takes several at once.
"""

import hashlib
import re
import zlib
from collections.abc import Sequence
from pathlib import Path

from cc4tui.services.git.files import read_regular


Object = tuple[str, bytes]
"""Kind and content."""

_LIMIT = 1 << 24
"""Bytes; git reads what is larger. Whoever can write the repository must not make us read more."""
_KINDS = {"commit": 1, "tree": 2, "blob": 3}


def object_id(thing: Object, algorithm: str) -> str:
    """The name git gives it."""
    kind, content = thing
    return hashlib.new(algorithm, f"{kind} {len(content)}\0".encode() + content).hexdigest()


def loose_object(folder: Path, oid: str, algorithm: str) -> Object | None:
    """An object that has a file of its own in the `objects` folder; None if git has to be asked."""
    packed = read_regular(folder / oid[:2] / oid[2:], _LIMIT)
    try:
        raw = zlib.decompressobj().decompress(packed or b"", _LIMIT)
    except zlib.error:
        return None
    header = re.match(rb"(commit|tree|blob) \d+\0", raw)
    if header is None or hashlib.new(algorithm, raw).hexdigest() != oid:
        return None
    return header[1].decode(), raw[header.end() :]


def pack(things: Sequence[Object], algorithm: str) -> bytes:
    """A pack of whole objects, as `git unpack-objects` reads it."""
    parts = [b"PACK", (2).to_bytes(4, "big"), len(things).to_bytes(4, "big")]
    for kind, content in things:
        parts += [_entry_header(_KINDS[kind], len(content)), zlib.compress(content, 1)]
    body = b"".join(parts)
    return body + hashlib.new(algorithm, body).digest()


def _entry_header(kind: int, size: int) -> bytes:
    """Kind and size, the lowest four bits first, then seven at a time."""
    byte, size = kind << 4 | size & 15, size >> 4
    header = bytearray()
    while size:
        header.append(byte | 128)
        byte, size = size & 127, size >> 7
    return bytes([*header, byte])
