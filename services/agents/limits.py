"""When a limit is over, from the words in which agents tell that they have met it.

There is no common form: a number of seconds, a span (`3h21m4s`, `3 days 4 hours`), a time of day in
some zone, a date, seconds since 1970 behind a bar.
"""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo
from functools import partial
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


LONGEST = 370 * 86400.0
"""Seconds; what lies further away was misread."""

_CUE = r"(?:resets?|again|retry|retry.after|until|available|wait|renews?)"
_UNIT = r"(?:ms|milliseconds?|days?|d|hours?|hrs?|h|minutes?|mins?|m|seconds?|secs?|s)"
_PART = re.compile(rf"(\d+(?:\.\d+)?)\s*({_UNIT})(?![a-z])", re.IGNORECASE)
_SPAN = re.compile(
    rf"\b{_CUE}\b[^\d\n]{{0,24}}?((?:\d+(?:\.\d+)?\s*{_UNIT}(?![a-z])?(?:\s*,?\s*(?:and\s+)?)?)+)",
    re.IGNORECASE,
)
_BARE_SECONDS = re.compile(r"\bretry.after\W{1,4}(\d+(?:\.\d+)?)\b(?!\s*[-/:\w])", re.IGNORECASE)
_EPOCH = re.compile(r"\|(\d{10})\b")
_ISO = re.compile(
    r"\b(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d)?)(?:\.\d+)?\s?(Z|UTC|[+-]\d\d:?\d\d)?",
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_CLOCK = re.compile(
    rf"\b{_CUE}\s+(?:at\s+|on\s+)?"
    rf"(?:({'|'.join(_MONTHS)})[a-z]*\.?\s+(\d{{1,2}})(?:st|nd|rd|th)?,?\s*(\d{{4}})?,?\s*(?:at\s+)?)?"
    r"(\d{1,2})(?::(\d\d))?\s*(?:([ap])\.?m\b\.?)?\s*(?:\(?(UTC|GMT|[A-Z][A-Za-z_]+/[\w/+-]+)\)?)?",
    re.IGNORECASE,
)
_SCALE = {"ms": 0.001, "d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0}


def reset_time(words: str, now: float) -> float | None:
    """Seconds since the epoch; None when the words tell no time that can be meant.

    Args:
        words: What an agent said when it met the limit.
        now: By the same count, for spans and times of day.
    """
    for read in (_epoch, _date, _span, _clock):
        for when in read(words, now):
            if now < when <= now + LONGEST:
                return when
    return None


def _epoch(words: str, now: float) -> Iterator[float]:
    yield from (float(found[1]) for found in _EPOCH.finditer(words))


def _date(words: str, now: float) -> Iterator[float]:
    for found in _ISO.finditer(words):
        zone = (found[3] or "").replace("UTC", "Z").replace("Z", "+00:00")
        try:
            yield datetime.fromisoformat(f"{found[1]}T{found[2]}{zone}").timestamp()
        except ValueError:
            continue


def _span(words: str, now: float) -> Iterator[float]:
    for found in _SPAN.finditer(words):
        parts = _PART.findall(found[1])
        yield now + sum(float(number) * _scale(unit.lower()) for number, unit in parts)
    yield from (now + float(found[1]) for found in _BARE_SECONDS.finditer(words))


def _scale(unit: str) -> float:
    return _SCALE["ms"] if unit in ("ms",) or unit.startswith("milli") else _SCALE[unit[0]]


def _clock(words: str, now: float) -> Iterator[float]:
    for found in _CLOCK.finditer(words):
        month, day, year, hour, minute, half, zone = found.groups()
        if half is None and minute is None:
            continue  # a bare number is no time of day
        try:
            today = datetime.fromtimestamp(now, _zone(zone)).astimezone(_zone(zone))
            hours = int(hour) % 12 + (12 if half in ("p", "P") else 0) if half else int(hour)
            when = today.replace(hour=hours, minute=int(minute or 0), second=0, microsecond=0)
            if month is not None:
                number = _MONTHS.index(month.lower()) + 1
                dated = partial(when.replace, month=number, day=int(day))
                when = dated(year=int(year) if year else today.year)
                if year is None and when < today - timedelta(days=1):
                    when = dated(year=today.year + 1)
            elif when <= today:
                when += timedelta(days=1)
        except (ValueError, OverflowError):
            continue
        yield when.timestamp()


def _zone(name: str | None) -> tzinfo | None:
    if name is None:
        return None
    try:
        return ZoneInfo("UTC" if name.upper() in ("UTC", "GMT") else name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
