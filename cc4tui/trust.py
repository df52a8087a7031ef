"""Whether the person has said yes to the commands that a repository brings along.

The answer is kept per repository and per hash of the commands: a changed command is a new question.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from cc4tui.errors import UnfitError
from cc4tui.paths import PRIVATE_FILE, private_folder, repository_key


if TYPE_CHECKING:
    from cc4tui.domain.plan import Plan
    from cc4tui.ports import TrustQuestion


class Answer(NamedTuple):
    """A yes that was given."""

    key: str
    commands: tuple[str, ...]
    accepted: datetime


class TrustStore:
    """One small file per yes below ``<state root>/trust/<repository>/``."""

    def __init__(self, root: Path, common_dir: Path) -> None:
        """For the repository with the git directory `common_dir`; reads and makes nothing."""
        self._repository = str(common_dir.resolve())
        self._root = root
        self._folder = root / "trust" / repository_key(common_dir)

    def question(
        self, config_commands: Sequence[str], plan_commands: Sequence[str]
    ) -> TrustQuestion | None:
        """What must be shown and confirmed before these commands may run; None = nothing.

        The repository's configuration and a plan are judged apart, so that a yes to one
        does not have to be repeated because the other changed.
        """
        parts = [tuple(part) for part in (config_commands, plan_commands) if part]
        open_parts = [part for part in parts if not self._accepted(self._hash(part))]
        if not open_parts:
            return None
        from cc4tui.ports import TrustQuestion

        keys = " ".join(self._hash(part) for part in open_parts)
        return TrustQuestion(keys, tuple(command for part in open_parts for command in part))

    def accept(self, question: TrustQuestion) -> None:
        """Remember the yes.

        Raises:
            UnfitError: the state folder cannot be written.
        """
        self._root.parent.mkdir(parents=True, exist_ok=True)
        for folder in (self._root, self._folder.parent, self._folder):
            private_folder(folder)
        for key in question.key.split():
            self._write(key, question.commands)

    def answers(self) -> list[Answer]:
        """Every yes given for this repository, oldest first."""
        found = [answer for file in self._files() if (answer := self._read(file))]
        return sorted(found, key=lambda answer: answer.accepted)

    def revoke(self) -> int:
        """Forget every yes for this repository; returns how many there were."""
        answers = self.answers()
        for file in self._files():
            file.unlink(missing_ok=True)
        return len(answers)

    def _hash(self, commands: Sequence[str]) -> str:
        text = json.dumps([self._repository, list(commands)])
        return hashlib.sha256(text.encode()).hexdigest()

    def _accepted(self, key: str) -> bool:
        return self._read(self._folder / f"{key}.json") is not None

    def _files(self) -> list[Path]:
        return list(self._folder.glob("*.json")) if self._folder.is_dir() else []

    def _read(self, file: Path) -> Answer | None:
        """The yes in a file; a damaged or foreign one is no yes: the question comes again."""
        try:
            data = json.loads(file.read_text())
            if data["repository"] != self._repository or file.lstat().st_uid != os.geteuid():
                return None
            accepted = datetime.fromisoformat(data["accepted"])
            return Answer(file.stem, tuple(data["commands"]), accepted)
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _write(self, key: str, commands: Sequence[str]) -> None:
        answer = {
            "repository": self._repository,
            "accepted": datetime.now(UTC).isoformat(timespec="seconds"),
            "commands": list(commands),
        }
        try:
            handle, name = tempfile.mkstemp(dir=self._folder, prefix=".new-")
            with os.fdopen(handle, "w") as file:
                os.fchmod(file.fileno(), PRIVATE_FILE)
                json.dump(answer, file, indent=1)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self._folder / f"{key}.json")
        except OSError as error:
            raise UnfitError(f"the answer cannot be kept in {self._folder}: {error}") from None


def plan_commands(plan: Plan) -> tuple[str, ...]:
    """The commands that a plan brings along: what trust is asked for."""
    front = plan.defaults.get("verify") or ()
    verify = (front,) if isinstance(front, str) else tuple(front)
    tasks = tuple(command for task in plan.tasks() for command in (*task.run, *task.verify))
    return tuple(dict.fromkeys((*verify, *tasks)))
