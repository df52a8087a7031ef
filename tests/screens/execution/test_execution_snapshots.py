"""Pictures of the Execution tab: each view in three sizes and two themes, opened by keys."""

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from cc4tui import events as e
from cc4tui.domain.agent import (
    StderrSaid,
    TextSaid,
    ThinkingSaid,
    Todo,
    TodosChanged,
    ToolCalled,
    ToolReturned,
)
from cc4tui.domain.run import TaskRunState
from cc4tui.screens.app import CommandCenterApp
from cc4tui.screens.dialogs.choice import ChoiceDialog
from cc4tui.screens.execution import ExecutionTab
from cc4tui.screens.options import StartOptions, Tab


TASKS = {
    "1.1": "Settings model",
    "1.2": "Redis client",
    "1.3": "Request identity",
    "1.4": "Migration of the users table",
    "2.1": "Rate limiter",
    "2.2": "Quota page",
    "2.3": "[@click=app.quit]x[/] a [/] b",
    "2.4": "漢字 in a title",
    "3.1": "Docs",
}

URL = "URL = 'redis://localhost'\nPOOL = 8"
App = CommandCenterApp
Prepared = Callable[[tuple[int, int]], Any]


@pytest.fixture
def told(empty_center: Any, stage: Callable[..., Any]) -> Any:
    """Four agents at work; one task failed, one merged, some wait."""
    run = stage(empty_center, TASKS)
    run.center = empty_center
    run.start("1.1")
    run.use("1.1", 18_400, 0.12)
    run.end("1.1")
    run.add(e.TaskMerged, "1.1", commit="c", merged_as="m")
    run.start("1.4", agent="codex")
    run.end("1.4", outcome="failed", reason="tests red")
    run.add(e.TaskFailed, "1.4", reason_code="checks", reason="tests red after 2 tries")
    run.add(e.TaskBlocked, "3.1", by="1.4", reason="1.4 failed")
    for task, agent in (("1.2", "claude"), ("1.3", "codex"), ("2.1", "claude"), ("2.3", "claude")):
        run.start(task, agent=agent)
        run.use(task, 34_000, 0.41 if agent == "claude" else None)
    run.add(e.TaskStateChanged, "1.3", state="verifying")
    run.add(e.TaskReady, "2.2")
    run.say("1.2", TextSaid("I'll read the client first."), *_calls())
    run.say("1.3", TextSaid("\x1b[32mPASS\x1b[0m tests/test_identity.py \x1b[2m(12 tests)\x1b[0m"))
    run.say("2.1", ThinkingSaid("The limiter must not block the loop."), *_calls())
    run.say("2.3", StderrSaid("warning: 漢字 \x1b]52;c;aGFjaw==\x07are wide"))
    run.center.lines = {"1.2": (84, 3)}
    run.center.diffs["r-7f3", "1.2"] = (
        "diff --git a/tests/test_redis.py b/tests/test_redis.py\nnew file mode 100644\n"
        "--- /dev/null\n+++ b/tests/test_redis.py\n@@ -0,0 +1,4 @@\n+import redis\n+\n"
        '+def test_it() -> None:\n+    assert redis.URL != "none"  # as it was\n'
        "diff --git a/api/redis.py b/api/redis.py\nindex 1..2 100644\n--- a/api/redis.py\n"
        "+++ b/api/redis.py\n@@ -1,3 +1,4 @@ class Client:\n import redis\n-URL = None\n"
        "+URL = 'redis://localhost'\n+POOL = 8\n"
    )
    return run


def _calls() -> list[Any]:
    return [
        ToolCalled("1", "Read", {}, "Read api/redis.py"),
        ToolReturned("1", True, "import redis\nURL = None"),
        ToolCalled("2", "Bash", {}, "Bash pytest -q tests/test_redis.py"),
        ToolReturned("2", False, "1 failed\nassert None is not None"),
        ToolCalled(
            "3", "Edit", {"old_string": "URL = None", "new_string": URL}, "Edit api/redis.py"
        ),
        TodosChanged(
            (Todo("Read the client", True), Todo("Write a pool of connections", False, True))
        ),
    ]


@pytest.fixture
def app(told: Any, clock: Callable[[], Any]) -> App:
    return App(told.center, StartOptions(tab=Tab.EXECUTION, clock=clock))


async def settled(pilot: Pilot[None], *keys: str) -> None:
    """Wait until every pane shows what its agent said, then press keys."""
    tab = pilot.app.query_one(ExecutionTab)
    for _ in range(500):
        await pilot.pause(0.01)
        panes = tab.grid.panes
        counted = not pilot.app.center.lines or any(pane.changed for pane in panes)
        if panes and counted and all(pane.feed and pane.feed.source.size() for pane in panes):
            break
    else:
        raise AssertionError("the panes never showed what was said")
    for key in keys:
        await pilot.press(key)
    await pilot.pause()


@pytest.fixture
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Times of the day are the same wherever the pictures are taken."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


def test_the_terminals_own_colours(snap_compare: Any, told: Any, clock: Callable[[], Any]) -> None:
    app = App(told.center, StartOptions(tab=Tab.EXECUTION, clock=clock, theme="cc4-terminal"))
    assert snap_compare(app, terminal_size=(120, 36), run_before=settled)


def test_the_timeline_without_unicode(
    snap_compare: Any, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CC4TUI_ASCII", "1")

    async def timeline(pilot: Pilot[None]) -> None:
        await settled(pilot, "t", "home")

    assert snap_compare(app, terminal_size=(80, 24), run_before=timeline)


def test_only_ascii(snap_compare: Any, app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC4TUI_ASCII", "1")
    assert snap_compare(app, terminal_size=(80, 24), run_before=settled)


# --- every view in each size and each theme -------------------------------------------------------


class Written:
    """Implements cc4tui.ports.Terminal for a program that wrote something and waits."""

    title, note = "claude, session 0199-f2", ""

    def __init__(self, text: str) -> None:
        self._text = text.encode()

    async def read(self, limit: int) -> bytes:
        while not self._text:
            await asyncio.sleep(3600)
        text, self._text = self._text[:limit], self._text[limit:]
        return text

    async def ended(self) -> str:
        return ""

    def write(self, data: bytes) -> None: ...
    def resize(self, columns: int, rows: int) -> None: ...
    def hang_up(self) -> None: ...


@pytest.fixture
def view(open_app: Any, told: Any, looks: Any, until: Any, screen_text: Any) -> Any:
    """Opens a view by keys, waits until it shows what is expected, and compares its pictures."""

    async def compare(*keys: str, words: str = "") -> None:
        async with open_app(told.center, tab=Tab.EXECUTION, size=(120, 36)) as pilot:
            await settled(pilot)
            for key in keys:
                await pilot.press(key)
                await pilot.pause()
            await until(pilot, lambda: words in screen_text(pilot))
            await looks(pilot)

    return compare


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        pytest.param(["alt+1", "enter"], "Read api/redis.py", id="whole"),
        pytest.param(["alt+1", "enter", "enter"], "came back", id="tool-call"),
        pytest.param(["alt+1", "d"], "import redis", id="diff"),
        pytest.param(["alt+1", "d", "V"], "import redis", id="diff-other-way"),
        pytest.param(["t", "home"], "verifying", id="timeline"),
        pytest.param(["alt+1", "s"], "Stop 1.2?", id="stop"),
        pytest.param(["S"], "Stop", id="stop-run"),
        pytest.param(["alt+1", "m"], "Message to 1.2", id="message"),
        pytest.param(["T", "home", "f"], "Fork try 1 of 1.4", id="fork"),
        pytest.param(["T", "home", "R"], "again", id="retry"),
        pytest.param(["T", "home", "K"], "Skip 1.4?", id="skip"),
    ],
)
async def test_a_view_in_all_sizes_and_themes(view: Any, keys: list[str], words: str) -> None:
    await view(*keys, words=words)


async def test_the_panes_in_all_sizes_and_themes(view: Any) -> None:
    await view()


async def test_a_search_in_all_sizes_and_themes(view: Any) -> None:
    await view("alt+1", "enter", "slash", *"redis", words="hits of “redis”")


async def test_a_run_that_is_over_in_all_sizes_and_themes(
    told: Any, open_app: Any, looks: Any, until: Any
) -> None:
    for task, one in told.model.tasks.items():
        if one.is_active or one.state is TaskRunState.MERGED:
            told.end(task)
            told.add(e.TaskLanded, task, target="main")
    told.add(e.TaskNoChange, "2.2", reason="the agent changed nothing")
    told.finish("partly_failed", reason="1.4 failed; what merged landed on main")
    async with open_app(told.center, tab=Tab.EXECUTION) as pilot:
        tab = pilot.app.query_one(ExecutionTab)
        await until(pilot, lambda: tab.model is not None and tab.resting.display)
        await looks(pilot)


async def test_changes_to_judge_in_all_sizes_and_themes(
    quarantined: Any, open_app: Any, looks: Any, until: Any, screen_text: Any
) -> None:
    async with open_app(quarantined, tab=Tab.EXECUTION) as pilot:
        await until(pilot, lambda: "Landing waits" in screen_text(pilot))
        await pilot.press("a")
        await until(pilot, lambda: isinstance(pilot.app.screen, ChoiceDialog))
        await looks(pilot)


async def test_raw_output_in_all_sizes_and_themes(view: Any, told: Any, tmp_path: Path) -> None:
    text = "".join(
        f"\x1b[3{n % 8}m{n:4}\x1b[0m of 漢字 and \x1b[1mmore\x1b[0m\r\n" for n in range(80)
    )
    (tmp_path / "out").write_text(text)
    told.start("2.2", folder=str(tmp_path))
    told.say("2.2", TextSaid("structured"))
    await view("alt+4", "enter", "l", words="79 of 漢字")


async def test_the_past_in_all_sizes_and_themes(view: Any, utc: None) -> None:
    await view(*["left_square_bracket"] * 3, words="as of")


@pytest.fixture
def quarantined(empty_center: Any, stage: Any) -> Any:
    """A run whose landing waits, as a task may have planted something."""
    run = stage(empty_center, {"1.1": "Plants"})
    run.start("1.1")
    run.end("1.1")
    run.add(e.TaskMerged, "1.1", commit="c", merged_as="m")
    changes = ["config core.fsmonitor (local): none -> touch /tmp/x", ".git/hooks/pre-push: new"]
    run.add(e.RunQuarantined, tasks=["1.1"], reason="planted", changes=changes)
    run.finish("failed", landed=False, reason="planted")
    return empty_center


async def test_a_waiting_landing_in_all_sizes_and_themes(
    quarantined: Any, open_app: Any, looks: Any, until: Any, screen_text: Any
) -> None:
    async with open_app(quarantined, tab=Tab.EXECUTION, size=(120, 36)) as pilot:
        await until(pilot, lambda: "Landing waits" in screen_text(pilot))
        await looks(pilot)


async def test_a_terminal_in_all_sizes_and_themes(view: Any, told: Any) -> None:
    shown = "\x1b[1;34m~/slot-1\x1b[0m $ git status --short\r\n \x1b[31mM\x1b[0m api/redis.py\r\n"
    told.center.terminals["1.2"] = Written(shown + "漢字 \x1b[7mreversed\x1b[0m\r\n$ ")
    await view("alt+1", "A", words="reversed")
