"""Edits that wait for a person, as the app starts its runs: held, taken back, applied."""

import asyncio
from typing import Any

import pytest

from cc4tui.events import AttemptStarted, Event, PlanChanged
from cc4tui.ports import RunOptions
from cc4tui.runtime import Runtime


pytestmark = pytest.mark.integration

PLAN = "---\ncc4: 1\n---\n# P\n\n## Batch 1: A\n- [ ] 1.1 One\n- [ ] 1.2 Two {depends_on: [1.1]}\n"
EDITED = PLAN + "- [ ] 1.3 Three {depends_on: [1.2]}\n"

WAITS = """
for _ in range(1200):
    if task != "1.1" or pathlib.Path({go!r}).exists():
        break
    time.sleep(0.05)
pathlib.Path(f"{{task}}.txt").write_text(prompt)
"""


def _all(queue: asyncio.Queue[Event]) -> list[Event]:
    return [queue.get_nowait() for _ in range(queue.qsize())]


async def test_an_edit_waits_until_it_is_taken_back_or_applied(
    project: Any, agent: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write("plan.md", PLAN)
    project.commit("plan")
    for name, value in project.environment.items():
        monkeypatch.setenv(name, value)
    go, plan = tmp_path / "go", project.root / "plan.md"
    options = RunOptions(agent_command=agent(WAITS.format(go=str(go))), hold_edits=True)
    told: asyncio.Queue[Event] = asyncio.Queue()

    async with Runtime.open(project.root) as center:

        async def listen() -> None:
            async for event in center.subscribe():
                if isinstance(event, PlanChanged | AttemptStarted):
                    told.put_nowait(event)

        listening = asyncio.create_task(listen())
        run = await center.start_run("plan.md", options)

        async def heard() -> Any:
            return await asyncio.wait_for(told.get(), 30)

        assert isinstance(await heard(), AttemptStarted)
        plan.write_text(EDITED)
        held = await heard()
        assert (held.added, held.applied) == (["1.3"], False)

        plan.write_text(PLAN)
        back = await heard()
        assert (back.added, back.changed, back.removed, back.applied) == ([], [], [], True)

        plan.write_text(EDITED)
        assert (await heard()).applied is False
        assert [task.task for task in (await center.run_view(run)).tasks] == ["1.1", "1.2"]
        await center.apply_plan_edit(run)
        applied = await heard()
        assert (applied.added, applied.applied) == (["1.3"], True)

        go.touch()
        view = await asyncio.wait_for(center.wait(run), 50)
        assert view.counts() == {"landed": 3}
        listening.cancel()
        assert not [event for event in _all(told) if isinstance(event, PlanChanged)]
    assert "- [x] 1.3 Three" in plan.read_text()
