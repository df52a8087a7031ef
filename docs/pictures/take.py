"""Takes the pictures of the README from the real app at work on the sample: `make pictures`."""

import asyncio
import os
import tempfile
from pathlib import Path

from textual.pilot import Pilot


HERE = Path(__file__).parent
SIZE = (120, 34)
IDEAS = (
    ("rate-limit the upload endpoint", ("api",), "high"),
    ("flaky test in the worker, about one run in twenty", ("test",), None),
    ("dark theme for the report", ("ui",), None),
)
LESSONS = (
    ("The build needs node 20", "With 18 it fails in the last step without a message."),
    ("Tests of the report need a fixed clock", "Freeze it in the fixture, not in each test."),
)


async def take() -> None:
    """Run the sample's plan in the app and save one picture of each tab."""
    from cc4tui.ports import RunOptions
    from cc4tui.runtime import Runtime
    from cc4tui.screens.app import CommandCenterApp
    from cc4tui.screens.options import StartOptions
    from cc4tui.services.sample import PLAN, make_sample_repository

    root = await make_sample_repository(Path(tempfile.mkdtemp()) / "tally")
    async with Runtime.open(root) as center:
        for text, tags, priority in IDEAS:
            await center.notebook.add_idea(text, tags, priority)
        for title, text in LESSONS:
            await center.notebook.add_lesson(text, title)
        question = await center.trust_question(PLAN, RunOptions())
        if question is not None:
            await center.trust(question)
        app = CommandCenterApp(center, StartOptions(plan=PLAN, run_options=RunOptions()))
        async with app.run_test(size=SIZE) as pilot:
            await until_merged(pilot, 3)
            for key, name in (("3", "execution"), ("2", "plans"), ("1", "ideas"), ("4", "memory")):
                await pilot.press(key)
                await pilot.pause(0.5)
                app.save_screenshot(f"{name}.svg", path=str(HERE))
            await pilot.press("3", "alt+1", "d")
            await until_seen(pilot, "DiffView")
            app.save_screenshot("diff.svg", path=str(HERE))
            await center.stop("the pictures are taken")


async def until_merged(pilot: Pilot[None], count: int) -> None:
    """Wait until the run has merged some tasks and others are being worked on."""
    center = pilot.app.center  # type: ignore[attr-defined]
    while True:
        await pilot.pause(0.1)
        for run in await center.journal.runs(1):
            if (await center.run_view(run.id)).counts().get("merged", 0) >= count:
                return


async def until_seen(pilot: Pilot[None], widget: str) -> None:
    """Wait until a widget of this kind is drawn."""
    while not any(it.size for it in pilot.app.query(widget)):
        await pilot.pause(0.1)
    await pilot.pause(0.5)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as state:
        os.environ["CC4TUI_STATE_DIR"] = state
        asyncio.run(take())
