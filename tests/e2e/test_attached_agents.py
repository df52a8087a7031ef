"""The interactive screens of the real agents, in their sessions, in the app's emulation."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from cc4tui.ports import RunOptions, Terminal
from cc4tui.runtime import Runtime
from cc4tui.screens.terminal.emulator import Emulator


pytestmark = [pytest.mark.integration, pytest.mark.agents, pytest.mark.timeout(180)]

PLAN = """\
# Plan

## Batch 1: All
- [ ] 1.1 Only {agent: %s}
  <<bash echo made > made.txt>> <<reply All of it is made>>
"""
FIRST_SCREENS = ("trust this folder", "Trust and continue")
"""What they ask in a folder that is new to them; Enter is yes."""


class Shown:
    """A terminal with its emulation, read all the time."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self.emulator = Emulator(terminal.write, terminal.resize)
        self.emulator.resize(100, 31)
        self.reading = asyncio.ensure_future(self._read())

    async def _read(self) -> None:
        while data := await self.terminal.read(16384):
            self.emulator.feed(data)

    @property
    def lines(self) -> list[str]:
        rows = (self.emulator.row(y) for y in range(self.emulator.rows))
        return ["".join(text for text, _ in row) for row in rows]

    async def until(self, condition: Callable[[list[str]], object]) -> None:
        try:
            async with asyncio.timeout(60):
                while not condition(self.lines):
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError("\n".join(["it was not shown:", *self.lines])) from None

    async def type(self, text: str) -> None:
        """Type a word until it is shown: Gemini drops keys while it still reads its session."""
        for _ in range(20):
            for sign in text:
                self.emulator.press(sign, sign)
            for _ in range(60):
                if any(text in line for line in self.lines):
                    return
                await asyncio.sleep(0.05)
        raise AssertionError("\n".join([f"{text} was not taken:", *self.lines]))

    async def past_first_screens(self, shown: Callable[[list[str]], object]) -> None:
        """Say yes where it asks, until it shows its session."""
        answered: set[str] = set()

        def answer(lines: list[str]) -> bool:
            asked = {words for words in FIRST_SCREENS if any(words in line for line in lines)}
            if asked - answered:
                answered.update(asked)
                self.emulator.press("enter", "\r")
            return bool(shown(lines))

        await self.until(answer)


def _home_of_somebody_who_knows_claude(home: Path) -> None:
    """Its first start ever asks Anthropic's servers whether they can be reached."""
    known = {
        "hasCompletedOnboarding": True,
        "theme": "dark",
        "customApiKeyResponses": {"approved": ["no-real-key"], "rejected": []},
    }
    (home / ".claude.json").write_text(json.dumps(known))


def _ours(project) -> dict[str, str]:
    return {k: v for k, v in project.environment.items() if k.startswith("CC4TUI_")}


@pytest.mark.parametrize("agent", ["claude", "codex", "gemini", "opencode"])
async def test_its_screen_goes_on_in_the_session_of_its_task(
    agent: str,
    project,
    agent_environment: Callable[..., dict[str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    person = agent_environment(agent) | _ours(project)
    for name, value in person.items():
        monkeypatch.setenv(name, value)
    _home_of_somebody_who_knows_claude(Path(person["HOME"]))
    project.write("plan.md", PLAN % agent)
    project.commit("plan")

    async with Runtime.open(project.root) as center:
        run = await center.start_run("plan.md", RunOptions(workers=1))
        await center.wait(run)
        (attempt,) = await center.journal.attempts(run, "1.1")
        shown = Shown(await center.attach(run, "1.1"))
        assert shown.terminal.title == f"{agent}, session {attempt.session}"
        answered = "All of it is made"
        await shown.past_first_screens(
            lambda lines: any(answered in line and "<<" not in line for line in lines)
        )
        await shown.type("zebra")
        shown.emulator.press("alt+enter", "\r")
        await shown.type("giraffe")
        assert any("zebra" in line for line in shown.lines)  # a line break sent nothing
        shown.emulator.resize(80, 19)
        await shown.until(
            lambda lines: any("giraffe" in line for line in lines) and len(lines) == 19
        )
        shown.terminal.hang_up()
        assert await shown.terminal.ended() == "It changed nothing."
        await shown.reading
    assert project.left_behind() == []
