"""Makes up content for the rehearsal agent: valid in the language of the file, new or added to."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Job:
    """What the rehearsal agent's process is told."""

    task: str
    title: str
    attempt: int
    files: list[str]
    rehearse: str | None


class UnfitFileError(Exception):
    """A file that cannot be added to without breaking it, or that must not be written at all."""


Writer = Callable[[Job, Path], str]


def write_file(path: Path, job: Job) -> None:
    """Make the file, or add to it.

    Raises:
        UnfitFileError: nothing can be added to it.
        OSError: it cannot be written.
    """
    if not path.exists():
        path.write_text(new_content(job, path), encoding="utf-8")
    elif path.suffix.lower() == ".json":
        path.write_text(_extended_json(job, path), encoding="utf-8")
    else:
        before = path.read_bytes()
        gap = b"" if before.endswith(b"\n") or not before else b"\n"
        path.write_bytes(before + gap + added_content(job, path).encode())


def new_content(job: Job, path: Path) -> str:
    """A whole file."""
    return _NEW.get(path.suffix.lower(), added_content)(job, path)


def added_content(job: Job, path: Path) -> str:
    """Lines that may follow whatever such a file holds."""
    kind = path.suffix.lower() or path.name
    if kind in _ADDED:
        return _ADDED[kind](job, path)
    start, end = _COMMENTS.get(kind, ("\nRehearsed: ", ""))
    title = one_line(job.title).replace("*/", "* /").replace("--", "- -")
    return f"{start}{title}{end}\n"


def slug(job: Job) -> str:
    """The task as a short name of a-z, 0-9 and dashes that begins with a letter."""
    words = re.sub(r"[^a-z0-9]+", "-", f"task {job.task} {job.title}".lower())
    return words.strip("-")[:40].strip("-")


def one_line(text: str) -> str:
    """Without line breaks and control characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _extended_json(job: Job, path: Path) -> str:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UnfitFileError(f"it holds no valid JSON ({error})") from error
    if isinstance(value, dict):
        value[f"{slug(job)}-{len(value)}"] = job.title
    elif isinstance(value, list):
        value.append(job.title)
    else:
        value = [value, job.title]
    return _json_text(value)


def _json_text(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _unique(job: Job, path: Path) -> str:
    """Differs between tasks, and between two additions of one task to a file."""
    size = path.stat().st_size if path.exists() else 0
    return hashlib.sha256(f"{job.task}/{job.attempt}/{size}".encode()).hexdigest()[:6]


def _name(job: Job) -> str:
    return slug(job).replace("-", "_")


def _quoted(text: str) -> str:
    """A string literal that Python, JavaScript and TOML read alike."""
    return json.dumps(one_line(text), ensure_ascii=False)


def _escaped(text: str) -> str:
    return one_line(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _python(job: Job, path: Path) -> str:
    """A function; a test where the file is one of tests."""
    told = f"    {_quoted(job.title)}\n"
    if path.stem.startswith("test_") or path.stem.endswith("_test"):
        return f"\n\ndef test_{_name(job)}():\n{told}    assert True\n"
    return f"\n\ndef rehearsed_{_name(job)}():\n{told}    return {_quoted(slug(job))}\n"


def _javascript(job: Job, path: Path) -> str:
    name = f"rehearsed_{_name(job)}_{_unique(job, path)}"
    return f"\nfunction {name}() {{\n  return {_quoted(job.title)};\n}}\n"


def _shell(job: Job, path: Path) -> str:
    return f"echo 'rehearsed {slug(job)}'\n"


def _toml(job: Job, path: Path) -> str:
    return f"\n[rehearsed-{slug(job)}-{_unique(job, path)}]\ntitle = {_quoted(job.title)}\n"


def _document(job: Job, path: Path) -> str:
    return f"# {one_line(job.title)}\n\nRehearsed by task {one_line(job.task)}.\n"


def _html(job: Job, path: Path) -> str:
    title = _escaped(job.title)
    return f"<!doctype html>\n<title>{title}</title>\n<p>Rehearsed: {title}</p>\n"


def _go(job: Job, path: Path) -> str:
    package = re.sub(r"[^a-z]", "", path.parent.name.lower()) or "main"
    return f"// {one_line(job.title)}\npackage {package}\n"


_SCRIPTS = (".js", ".mjs", ".cjs", ".jsx", ".ts", ".tsx")
_ADDED: Mapping[str, Writer] = {
    ".py": _python,
    ".pyi": _python,
    ".sh": _shell,
    ".bash": _shell,
    ".toml": _toml,
    **dict.fromkeys(_SCRIPTS, _javascript),
}
_NEW: Mapping[str, Writer] = {
    ".json": lambda job, path: _json_text({slug(job): job.title}),
    ".py": lambda job, path: f'"""Rehearsed."""\n{_python(job, path)}',
    ".sh": lambda job, path: f"#!/bin/sh\n{_shell(job, path)}",
    ".html": _html,
    ".xml": lambda job, path: f"<rehearsed>{_escaped(job.title)}</rehearsed>\n",
    ".yaml": lambda job, path: f"rehearsed: {_quoted(job.title)}\n",
    ".yml": lambda job, path: f"rehearsed: {_quoted(job.title)}\n",
    ".go": _go,
    **dict.fromkeys((".md", ".markdown", ".txt", ".rst"), _document),
}
_COMMENTS: Mapping[str, tuple[str, str]] = {
    **dict.fromkeys((".go", ".rs", ".c", ".h", ".cpp", ".hpp", ".cs"), ("// ", "")),
    **dict.fromkeys((".java", ".kt", ".swift", ".scss", ".dart"), ("// ", "")),
    ".css": ("/* ", " */"),
    **dict.fromkeys((".sql", ".lua", ".hs"), ("-- ", "")),
    **dict.fromkeys((".html", ".xml", ".svg", ".vue"), ("<!-- ", " -->")),
    **dict.fromkeys((".yaml", ".yml", ".cfg", ".ini", ".rb", ".pl", ".tf", ".mk"), ("# ", "")),
    **dict.fromkeys(("Makefile", "Dockerfile", ".gitignore", ".env"), ("# ", "")),
}
