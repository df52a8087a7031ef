"""Files that a task names: fields, table cells, titles (rule R14)."""

import re
from functools import lru_cache

from cc4tui.domain.plan import FileOp, FileRef


_TICKED = re.compile(r"`([^`\n]{1,300})`((?:\s*(?:,|and)?\s*:?\d+(?:-\d+)?)*)")
_BARE = re.compile(
    r"((?<![\w@.+~()*\[\]/`-])(?:[\w@.+~()*\[\]-]++/)++[\w@.+()*\[\]-]*+"
    r"|(?<![\w/.`@+-])[\w@+-][\w@.+-]*\.[A-Za-z]\w{0,7})"
    r"(:\d[\d,: –-]*)?"
)
_LINES = re.compile(r"^(.*?)[:#](L?\d+(?:\s*[-–]\s*L?\d+)?(?:\s*,\s*L?\d+(?:\s*[-–]\s*L?\d+)?)*)$")
_EXTENSION = re.compile(r"(?:^|[^./])\.[A-Za-z]\w{0,9}$|^\.[A-Za-z][\w.-]+$")
_PATH = re.compile(r"[\w@.+~ ()*{},\[\]$/\\:-]+$")
_OPS = {
    "create": FileOp.CREATE,
    "created": FileOp.CREATE,
    "new": FileOp.CREATE,
    "add": FileOp.CREATE,
    "modify": FileOp.MODIFY,
    "modified": FileOp.MODIFY,
    "modifies": FileOp.MODIFY,
    "update": FileOp.MODIFY,
    "updated": FileOp.MODIFY,
    "edit": FileOp.MODIFY,
    "change": FileOp.MODIFY,
    "changed": FileOp.MODIFY,
    "extend": FileOp.MODIFY,
    "test": FileOp.TEST,
    "tests": FileOp.TEST,
}
_OP_BEFORE = re.compile(rf"[\s*_-]*({'|'.join(_OPS)})\b[\s*_]*:?", re.I)
_OP_AFTER = re.compile(rf"[^`\w]{{0,4}}\(({'|'.join(_OPS)})\b[^)`]*\)", re.I)


@lru_cache(maxsize=512)
def op_of(text: str) -> FileOp | None:
    """What a field name such as ``Files to create`` says is done to its files."""
    words = re.findall(r"[a-z]+", text.casefold())
    return next((_OPS[word] for word in words if word in _OPS), None)


def field_files(text: str, op: FileOp | None = None) -> list[FileRef]:
    """Files of a Files field or cell; bare paths count where nothing is in backticks."""
    before = _OP_BEFORE.match(text)
    if before:
        op = _OPS[before[1].casefold()]
    out: list[FileRef] = []
    if "`" in text:
        for found in _TICKED.finditer(text):
            out += _refs(found[1], found[2], text, found.end(), op)
        if out:
            return out
    for found in _BARE.finditer(text[before.end() if before else 0 :][:2000]):
        path = found[1].rstrip(".,;")
        after = _OP_AFTER.match(text, text.find(path) + len(path))
        ranges = (found[2] or "").strip(": ,") or None
        out.append(FileRef(path, _OPS[after[1].casefold()] if after else op, ranges))
    return out


def title_files(title: str) -> list[FileRef]:
    """Files in backticks in a title; routes such as ``/api/x`` are no files."""
    if "`" not in title:
        return []
    out: list[FileRef] = []
    for found in _TICKED.finditer(title):
        token = found[1].strip()
        if token.startswith(("@", "-")) or not _looks_like_path(token) or " " in token:
            continue
        if leaves_repository(token):
            continue  # a word about a route or another place, not a file to work on
        out += _refs(token, found[2], title, found.end(), None)
    return out


def parse_file(text: str) -> FileRef:
    """One path of a `files:` key, with its lines and its ``(create)``."""
    found = re.match(r"\s*`?(.*?)`?\s*(?:\((\w+)\))?\s*$", text)
    path, word = (found[1], found[2]) if found else (text, None)
    refs = _split(path)
    op = _OPS.get(word.casefold()) if word else None
    return FileRef(refs[0], op, refs[1])


def leaves_repository(path: str) -> bool:
    """Whether a path points outside of the repository: absolute, at home, or up and out."""
    if path.startswith(("/", "~")) or re.match(r"[A-Za-z]:[\\/]", path):
        return True
    depth = 0
    for part in path.replace("\\", "/").split("/"):
        depth += -1 if part == ".." else (0 if part in (".", "") else 1)
        if depth < 0:
            return True
    return False


def _looks_like_path(token: str) -> bool:
    if "://" in token or len(token) > 250 or not _PATH.match(token):
        return False
    head = _split(token)[0]
    return "/" in head.strip("/") or head.endswith("/") or _EXTENSION.search(head) is not None


def _refs(token: str, tail: str, text: str, end: int, op: FileOp | None) -> list[FileRef]:
    token = token.strip()
    if not _looks_like_path(token) and not token.startswith("/"):
        return []
    after = _OP_AFTER.match(text, end)
    path, lines = _split(token)
    if lines is None and tail.strip().startswith(":"):
        lines = tail.strip().strip(":, ") or None
    return [FileRef(path, _OPS[after[1].casefold()] if after else op, lines)]


def _split(token: str) -> tuple[str, str | None]:
    if ":" not in token and "#" not in token:
        return token.strip(), None
    found = _LINES.match(token.strip())
    return (found[1], found[2].replace("L", "")) if found else (token.strip(), None)
