"""Times as people say them."""

from datetime import datetime, timedelta


def ago(when: datetime, now: datetime) -> str:
    """How long ago, in at most nine cells: `now`, `5 min`, `3 h`, `yesterday`, `4 d`, `12 Nov`."""
    local = when.astimezone(now.tzinfo)
    passed = now - local
    if passed < timedelta(minutes=1):
        return "now"
    if passed < timedelta(hours=1):
        return f"{int(passed.total_seconds() // 60)} min"
    days = (now.date() - local.date()).days
    if days == 0:
        return f"{int(passed.total_seconds() // 3600)} h"
    if days == 1:
        return "yesterday"
    if days < 7:
        return f"{days} d"
    return f"{local.day} {local:%b}" if local.year == now.year else f"{local:%b %Y}"


def duration(seconds: float) -> str:
    """`42 s`, `2:41`, `1:02:03`."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
