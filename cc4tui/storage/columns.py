"""Column types that hold the same on SQLite and PostgreSQL, and give Python values ready to use."""

import json
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def storable(text: str) -> str:
    """The text as every database takes it.

    Lone surrogates (undecodable bytes of file names and agents) become ``\\udcXX``, NUL becomes its
    picture: both would be refused by a driver, and one bad character must not fail a run.
    """
    if "\0" in text:
        text = text.replace("\0", "\u2400")
    if text.isascii():
        return text
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def dump_json(value: Any) -> str:
    """JSON with readable letters, so that searches see them; escapes what UTF-8 cannot hold."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":"))
    return text


class Words(sa.types.TypeDecorator[str]):
    """Text of any origin."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:
        """Make it storable."""
        return None if value is None else storable(value)


class Instant(sa.types.TypeDecorator[datetime]):
    """A point in time: microseconds since 1970 UTC, as an integer that sorts and loses nothing."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> int | None:
        """Count; a time without a zone raises ValueError, because nobody knows which one it is."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"A time to store needs a time zone: {value.isoformat()}")
        return (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: int | None, dialect: sa.Dialect) -> datetime | None:
        """Aware, in UTC."""
        return None if value is None else _EPOCH + value * _MICROSECOND


class Choice(sa.types.TypeDecorator[StrEnum]):
    """A member of an enumeration, stored as its value: readable, and free to grow."""

    impl = sa.Text
    cache_ok = True

    def __init__(self, kind: type[StrEnum]) -> None:
        super().__init__()
        self.kind = kind

    def process_bind_param(self, value: StrEnum | None, dialect: sa.Dialect) -> str | None:
        """Only members get in: ValueError for any other text."""
        return None if value is None else self.kind(value).value

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> StrEnum | None:
        """The member."""
        return None if value is None else self.kind(value)


class Strings(sa.types.TypeDecorator[tuple[str, ...]]):
    """A short list of texts, as JSON."""

    impl = sa.JSON
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> list[str]:
        """Any iterable of texts."""
        return list(value)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> tuple[str, ...]:
        """As the records have it."""
        return tuple(value or ())


class Document(sa.types.TypeDecorator[dict[str, Any]]):
    """A JSON object."""

    impl = sa.JSON
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> dict[str, Any]:
        """Any mapping whose values JSON can hold."""
        return dict(value)
