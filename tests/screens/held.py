"""Answers that come when a test lets them, in any order."""

import asyncio
from typing import Any


class Held:
    """Takes the place of a method; each answer is as true as it was when it was asked for.

    Args:
        owner: Whose method it is.
        name: Of the method.
        monkeypatch: Puts the method back.
    """

    def __init__(self, owner: Any, name: str, monkeypatch: Any) -> None:
        self.gates: list[asyncio.Event] = []
        """One for each answer that was asked for."""
        self._answer = getattr(owner, name)
        self._open = False
        monkeypatch.setattr(owner, name, self)

    async def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Answer, once that is let."""
        gate = asyncio.Event()
        self.gates.append(gate)
        answer = await self._answer(*args, **kwargs)
        if not self._open:
            await gate.wait()
        return answer

    def let(self, at: int) -> None:
        """Let one answer come."""
        self.gates[at].set()

    def let_all(self) -> None:
        """Let all others come, and hold no more."""
        self._open = True
        for gate in self.gates:
            gate.set()
