"""Failures of the database as one sentence for a person."""

import sqlite3
from pathlib import Path

import sqlalchemy as sa

from cc4tui.errors import BlockedError, UnfitError


_SENTENCES = {
    sqlite3.SQLITE_FULL: "The disk of {path} is full: free some space. What was stored is safe",
    sqlite3.SQLITE_READONLY: "{path} cannot be written: make the folder writable, "
    "or name another with CC4TUI_STATE_DIR",
    sqlite3.SQLITE_BUSY: "{path} was locked by another program for too long: "
    "end that program, then try again",
    sqlite3.SQLITE_LOCKED: "{path} was locked by another program for too long: "
    "end that program, then try again",
    sqlite3.SQLITE_CORRUPT: "The database {path} is damaged",
    sqlite3.SQLITE_NOTADB: "The database {path} is damaged",
    sqlite3.SQLITE_IOERR: "Reading or writing {path} failed: check the disk",
    sqlite3.SQLITE_CANTOPEN: "{path} cannot be opened: check that its folder exists "
    "and can be written",
    sqlite3.SQLITE_PERM: "{path} cannot be opened: check its permissions",
    sqlite3.SQLITE_NOMEM: "There was not enough memory to work on {path}",
    sqlite3.SQLITE_PROTOCOL: "The lock of {path} could not be taken: is it on a network disk?",
}
"""By SQLite's primary result code: failures of the surroundings, not of one statement."""

UNREADABLE = (ValueError, TypeError, OverflowError)
"""What the columns' types raise for values that they never wrote."""

_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


def of_surroundings(error: Exception) -> bool:
    """Whether the disk, the file or a lock failed, so that other writes fail with it."""
    return _code(error) in _SENTENCES


def is_damage(error: Exception) -> bool:
    """Whether the file is not, or not any more, a sound database."""
    # The driver fails to decode what SQLite says, or gives, of broken text.
    return _code(error) in _DAMAGED or isinstance(_cause(error), UnicodeDecodeError)


def readable(error: Exception, path: Path) -> Exception:
    """The failure as callers know it: no error of a database library leaves the storage."""
    cause = _cause(error)
    if isinstance(cause, UnicodeDecodeError):
        return UnfitError(f"The database {path} is damaged ({cause})")
    if not isinstance(cause, sqlite3.Error):
        return cause
    code = _code(cause)
    sentence = _SENTENCES.get(code, "The database {path} refused this")
    passes = code in _SENTENCES and code not in _DAMAGED
    return (BlockedError if passes else UnfitError)(f"{sentence.format(path=path)} ({cause})")


def _cause(error: Exception) -> Exception:
    """What SQLAlchemy wrapped."""
    if isinstance(error, sa.exc.StatementError) and isinstance(error.orig, Exception):
        return error.orig
    return error


def _code(error: Exception) -> int:
    """SQLite's primary result code; -1 for other errors."""
    code = getattr(_cause(error), "sqlite_errorcode", None)
    return -1 if code is None else code & 0xFF
