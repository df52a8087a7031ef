"""Makes the sample repository that `cc4tui demo` runs its plan on: small, but a real project."""

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from cc4tui.errors import UnfitError, UsageError
from cc4tui.services.git.environment import sealed_environment
from cc4tui.services.git.runner import GitRunner


PLAN = "plans/demo.md"
"""The sample's plan, relative to its top."""

_README = """\
# tally

Counts the words of a text: `python3 -m tally README.md`. Made by `cc4tui demo`; delete it when you
like. The plan in plans/demo.md was run here by cc4tui's rehearsal agent: the content of the files
it made is made up, the worktrees, commits and merges are real.
"""
_COUNTING = '''\
"""Counts words."""

import re
from collections import Counter


def count_words(text: str) -> Counter[str]:
    """How often each word occurs; upper and lower case are the same."""
    return Counter(re.findall(r"\\w+", text.lower()))
'''
_MAIN = '''\
"""`python3 -m tally FILE`: the ten most frequent words."""

import sys
from pathlib import Path

from tally.counting import count_words


for word, count in count_words(Path(sys.argv[1]).read_text()).most_common(10):
    print(f"{count:6} {word}")
'''
_TEST = '''\
"""Run with `python3 -m unittest discover -s tests`."""

import unittest

from tally.counting import count_words


class CountWords(unittest.TestCase):
    def test_upper_and_lower_case_are_the_same(self) -> None:
        self.assertEqual(count_words("A tally, a TALLY"), {"a": 2, "tally": 2})

    def test_an_empty_text_has_no_words(self) -> None:
        self.assertEqual(count_words(""), {})
'''
_FILES: Mapping[str, str] = {
    "README.md": _README,
    ".gitignore": "__pycache__/\n",
    "tally/__init__.py": '"""Counts words."""\n',
    "tally/__main__.py": _MAIN,
    "tally/counting.py": _COUNTING,
    "tally/VERSION": "0.1\n",
    "tests/__init__.py": "",
    "tests/test_counting.py": _TEST,
}


def sample_plan() -> str:
    """The text of the sample's plan."""
    return (files("cc4tui.services") / "demo.md").read_text(encoding="utf-8")


async def make_sample_repository(folder: Path) -> Path:
    """Make a git repository with a small project, its plan and one commit.

    Args:
        folder: Does not exist yet, or is empty.

    Raises:
        UsageError: `folder` holds something.
        UnfitError: git is missing or too old, or the folder cannot be made.

    Returns:
        The repository's real path.
    """
    runner = await GitRunner.find()
    try:
        _write_project(folder)
    except OSError as error:
        raise UnfitError(f"{folder} cannot be made: {error.strerror}") from None
    root = folder.resolve()
    who = {
        f"GIT_{role}_{part}": value
        for role in ("AUTHOR", "COMMITTER")
        for part, value in (("NAME", "cc4tui demo"), ("EMAIL", "demo@cc4tui.invalid"))
    }
    env = sealed_environment() | who
    await runner.run(["init", "-q", "-b", "main"], env=env, cwd=root)
    await runner.run(["add", "--all"], env=env, cwd=root)
    await runner.run(["commit", "-q", "-m", "Start the tally project"], env=env, cwd=root)
    runner.close()
    return root


def _write_project(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty; name a folder that does not exist yet")
    for name, text in {**_FILES, PLAN: sample_plan()}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
