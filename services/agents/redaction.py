"""Masks the person's secrets, known by their values, wherever an agent's text enters.

A mask is as long as what it hides: offsets into output files stay true, and JSON stays JSON.
"""

import json
import logging
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from cc4tui.domain.agent import AgentEvent


SHORTEST = 8
"""Characters; anything shorter would be found in innocent words."""
LINE = 16
"""Characters from which a line of a longer secret (a private key) counts by itself."""
CHUNK = 1024 * 1024

log = logging.getLogger(__name__)

Event = TypeVar("Event", bound=AgentEvent)

_SECRET_NAME = re.compile(
    r"TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIAL|COOKIE"
    r"|(?:^|_)(?:AUTH|BEARER|PAT|PASS)(?:_|$)|(?:^|_|API|ACCESS|PRIVATE)KEYS?(?:_|\d|$)",
    re.IGNORECASE,
)
_LOGIN_IN_ADDRESS = re.compile(r"://[^/\s:@]*:([^/\s@]+)@")
_PLAIN_NUMBER = re.compile(r"[\d.,]{1,15}")


def secret_values(*environments: Mapping[str, str]) -> set[str]:
    """Values that must not be shown: of variables whose names say so, and passwords in addresses.

    Settings are left out that only sound like secrets: numbers (limits of tokens) and existing
    files (which hold the secret, but are none).
    """
    found: set[str] = set()
    for name, value in (pair for environment in environments for pair in environment.items()):
        found.update(_LOGIN_IN_ADDRESS.findall(value))
        if _SECRET_NAME.search(name) and not _is_setting(value):
            found.add(value.strip())
    return {value for value in found if len(value) >= SHORTEST and value.strip("*")}


class Redactor:
    """Knows the secrets of one person. Without any it gives everything back as it came.

    Args:
        secrets: Their values.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        spellings = {spelling for secret in secrets for spelling in _spellings(secret)}
        texts = sorted(spellings, key=lambda text: (-len(text), text))
        raw = sorted({os.fsencode(text) for text in texts}, key=lambda data: (-len(data), data))
        self._text = re.compile("|".join(map(re.escape, texts))) if texts else None
        self._raw = raw
        self._bytes = re.compile(b"|".join(map(re.escape, raw))) if raw else None
        self._firsts = frozenset(data[0] for data in raw)
        self._reach = len(raw[0]) - 1 if raw else 0

    def text(self, text: str) -> str:
        """The text with every secret masked."""
        return text if self._text is None else self._text.sub(lambda m: "*" * len(m[0]), text)

    @property
    def is_idle(self) -> bool:
        """Whether there is no secret to mask."""
        return self._text is None

    def event(self, event: Event) -> Event:
        """The event with every text of it masked."""
        return event if self.is_idle else self._value(event)

    def stream(self) -> "RedactedStream":
        """For bytes that come piece by piece."""
        return RedactedStream(self)

    def scan(self, data: bytes, *, over: bool) -> tuple[list[tuple[int, int]], int]:
        """Where secrets are, and up to where that is certain whatever follows.

        Args:
            data: The bytes.
            over: Nothing follows.
        """
        if self._bytes is None:
            return [], len(data)
        found: list[tuple[int, int]] = []
        position = 0
        known = any(secret in data for secret in self._raw)
        while True:
            open_end = len(data) if over else self._open_end(data, position)
            match = self._bytes.search(data, position) if known else None
            if match is None or match.start() >= open_end:
                return found, open_end
            found.append(match.span())
            position = match.end()

    def mask_file(self, path: Path) -> None:
        """Mask secrets in a finished output file, in place. Blocks: call it in a thread.

        A file that is none of ours any more (a link, or one with other names) is left alone.

        Raises:
            OSError: it cannot be written to.
        """
        if self._bytes is None:
            return
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return
        try:
            status = os.fstat(descriptor)
            if stat.S_ISREG(status.st_mode) and status.st_nlink == 1:
                self._mask(descriptor)
        finally:
            os.close(descriptor)

    def _mask(self, descriptor: int) -> None:
        rest, begin = b"", 0
        for start, piece in _pieces(descriptor):
            if start != begin + len(rest):  # a hole: what came before has ended
                rest, begin = b"", start
            data = rest + piece
            found, certain = self.scan(data, over=False)
            self._write_masks(descriptor, begin, found)
            rest, begin = data[certain:], begin + certain
        self._write_masks(descriptor, begin, self.scan(rest, over=True)[0])

    def _write_masks(self, descriptor: int, begin: int, found: list[tuple[int, int]]) -> None:
        for start, end in found:
            os.pwrite(descriptor, b"*" * (end - start), begin + start)

    def _open_end(self, data: bytes, position: int) -> int:
        """Where the end of the data may be the beginning of a secret that is not complete."""
        for start in range(max(position, len(data) - self._reach), len(data)):
            if data[start] in self._firsts:
                end = data[start:]
                if any(len(s) > len(end) and s.startswith(end) for s in self._raw):
                    return start
        return len(data)

    def _value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self._value(key): self._value(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(self._value(item) for item in value)
        if is_dataclass(value) and not isinstance(value, type):
            return replace(
                value, **{f.name: self._value(getattr(value, f.name)) for f in fields(value)}
            )
        return value


def mask_outputs(folder: Path, redactor: Redactor) -> None:
    """Mask the output files of an attempt that has ended. Blocks: call it in a thread."""
    for name in ("out", "err"):
        try:
            redactor.mask_file(folder / name)
        except OSError as error:
            log.warning("secrets in %s could not be masked: %s", folder / name, error)


class RedactedStream:
    """Masks secrets in bytes that are cut anywhere: what may begin one waits for what follows."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._rest = b""

    @property
    def waits(self) -> bool:
        """Whether something is held back."""
        return bool(self._rest)

    def feed(self, data: bytes, *, over: bool = False) -> bytes:
        """The next bytes, masked, as far as they are certain; all of them when it is `over`."""
        data = self._rest + data
        found, certain = self._redactor.scan(data, over=over)
        masked = bytearray(data)
        for start, end in found:
            masked[start:end] = b"*" * (end - start)
        self._rest = data[certain:]
        return bytes(masked[:certain])


def _is_setting(value: str) -> bool:
    if _PLAIN_NUMBER.fullmatch(value):
        return True
    return value.startswith(("/", "~")) and Path(value).expanduser().exists()


def _spellings(secret: str) -> Iterator[str]:
    """As it is, as JSON writes it, and its long lines."""
    for text in {secret, *(line.strip() for line in secret.splitlines() if len(line) > LINE)}:
        if len(text) >= SHORTEST:
            yield text
            for ascii_only in (True, False):
                spelled = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
                yield spelled
                yield spelled.replace("/", "\\/")


def _pieces(descriptor: int) -> Iterator[tuple[int, bytes]]:
    """The data of a file with its offsets; holes are left out."""
    offset, size = 0, os.fstat(descriptor).st_size
    while offset < size:
        try:
            offset = os.lseek(descriptor, offset, os.SEEK_DATA)
            end = os.lseek(descriptor, offset, os.SEEK_HOLE)
        except OSError:  # only a hole follows, or the file system cannot tell
            end = size
        data = os.pread(descriptor, min(CHUNK, end - offset), offset)
        if not data:
            return
        yield offset, data
        offset += len(data)
