"""Rules allow what they say and nothing else."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cc4tui.domain.agent import Asked
from cc4tui.services.pipeline.rules import RuleBook, matches, rule_for


def bash(command: str) -> Asked:
    return Asked("1", "Bash", {"command": command})


@pytest.mark.parametrize(
    ("rule", "asked", "allowed"),
    [
        ("Bash: git status", bash("git status"), True),
        ("Bash: git status", bash(" git status\n"), True),
        ("Bash: git status", bash("git status --short"), False),
        ("Bash: git *", bash("git status --short"), True),
        ("Bash: git *", bash("git"), False),
        ("Bash: git *", bash("gitx status"), False),
        ("Bash: git *", bash("git status; rm -rf ~"), False),
        ("Bash: git *", bash("git log | sh"), False),
        ("Bash: git *", bash("git log $(reboot)"), False),
        ("Bash: git *", bash("git log\nreboot"), False),
        ("Bash: git *", bash("git log > ~/.profile"), False),
        ("Bash", bash("git status"), False),
        ("Write", Asked("1", "Write", {"file_path": "a"}), True),
        ("Write", Asked("1", "Edit", {"file_path": "a"}), False),
    ],
)
def test_what_a_rule_allows(rule: str, asked: Asked, allowed: bool):
    assert matches(rule, asked) is allowed


@given(st.text(min_size=1).filter(str.strip), st.text(min_size=1))
def test_a_rule_allows_the_request_it_was_made_of_and_no_longer_command(command: str, more: str):
    rule = rule_for(bash(command))
    if command.strip().endswith(" *"):
        assert rule == ""
        return
    assert matches(rule, bash(command))
    if more.strip():
        assert not matches(rule, bash(command + more))


def test_a_command_that_looks_like_a_pattern_makes_no_rule():
    assert rule_for(bash("rm *")) == ""
    assert not matches("", bash("rm *"))


def test_a_book_remembers(tmp_path: Path):
    path = tmp_path / "rules.json"
    book = RuleBook(path)
    assert not book.allows(bash("ls"))
    book.add("Bash: ls")
    book.add("Bash: ls")
    assert RuleBook(path).rules == ("Bash: ls",)
    assert RuleBook(path).allows(bash("ls"))
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_broken_book_allows_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    path = tmp_path / "rules.json"
    path.write_text('["Bash: ls"')
    assert not RuleBook(path).allows(bash("ls"))
    assert "cannot be read" in caplog.text
