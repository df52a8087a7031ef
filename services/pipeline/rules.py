"""What agents may do without asking again, because a person said so: for a run or a repository.

A rule is a line: ``Bash: git status`` allows exactly that command, ``Bash: git *`` every command
that begins so and is one command, ``Write`` every use of the tool.
"""

import json
import logging
import re
from pathlib import Path

from cc4tui.domain.agent import Asked
from cc4tui.services.git.files import read_regular, write_atomic


log = logging.getLogger(__name__)

_CHAIN = re.compile(r"[;&|`$<>\n\r(){}\\]")
"""What may start another command than the one that the rule names."""


class RuleBook:
    """Rules in a file.

    Args:
        path: Below the state folder; made with the first rule.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rules = _load(path)

    @property
    def rules(self) -> tuple[str, ...]:
        """In the order they were made."""
        return tuple(self._rules)

    def add(self, rule: str) -> None:
        """Remember a rule."""
        if rule not in self._rules:
            self._rules = [*self._rules, rule]
            write_atomic(self._path, json.dumps(self._rules, indent=1).encode())

    def allows(self, asked: Asked) -> bool:
        """Whether a rule answers the request with yes."""
        return any(matches(rule, asked) for rule in self._rules)


def rule_for(asked: Asked) -> str:
    """The narrowest rule that would have answered this request; empty if there is none.

    A command that ends as a pattern does would allow more than itself.
    """
    command = _command(asked)
    if command.endswith(" *"):
        return ""
    return f"{asked.tool}: {command}" if command else asked.tool


def matches(rule: str, asked: Asked) -> bool:
    """Whether the rule is about this request."""
    tool, colon, pattern = rule.partition(": ")
    if tool != asked.tool:
        return False
    command = _command(asked)
    if not colon:
        return not command
    if pattern.endswith(" *"):
        begin = pattern[:-1]
        return command.startswith(begin) and not _CHAIN.search(command[len(begin) :])
    return command == pattern


def _command(asked: Asked) -> str:
    command = asked.arguments.get("command")
    return command.strip() if isinstance(command, str) else ""


def _load(path: Path) -> list[str]:
    data = read_regular(path)
    try:
        found = json.loads(data) if data else []
        return [rule for rule in found if isinstance(rule, str)]
    except ValueError as error:
        log.warning("the rules in %s cannot be read and count as none: %s", path, error)
        return []
