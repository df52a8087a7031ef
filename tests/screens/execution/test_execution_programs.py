"""The person's own pager and editor, opened by keys: real programs, no terminal."""

import shlex
from collections.abc import Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.drivers.headless_driver import HeadlessDriver

from cc4tui.domain.agent import TextSaid
from cc4tui.screens.execution import ExecutionTab
from cc4tui.screens.options import Tab


DIFF = (
    "diff --git a/a.py b/a.py\nindex 1..2 100644\n--- a/a.py\n+++ b/a.py\n"
    "@@ -7,2 +7,3 @@ class Client:\n import redis\n+URL = 'redis://localhost'\n POOL = 8\n"
    "diff --git a/gone.py b/gone.py\ndeleted file mode 100644\n--- a/gone.py\n+++ /dev/null\n"
    "@@ -1 +0,0 @@\n-x\n"
)


@pytest.fixture
def noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Programs in the place of pager and editor write what they got into this file."""
    script, file = tmp_path / "program", tmp_path / "noted"
    script.write_text('printf "%s|" "$PWD" "$@" >> "$0.tmp"; cat "$1" >> "$0.tmp"\n'
                      f"mv \"$0.tmp\" {shlex.quote(str(file))}\n")  # fmt: skip
    for name in ("PAGER", "EDITOR"):
        monkeypatch.setenv(name, shlex.join(["/bin/sh", str(script)]))
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setattr(HeadlessDriver, "can_suspend", True)
    monkeypatch.setattr(HeadlessDriver, "suspend_application_mode", lambda self: None)
    monkeypatch.setattr(HeadlessDriver, "resume_application_mode", lambda self: None)
    return file


@pytest.fixture
def watch(
    open_app: Any, empty_center: Any, stage: Callable[..., Any], until: Any, tmp_path: Path
) -> Any:
    """Opens the app on a run whose only agent is at work in a folder of the test."""
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "a.py").write_text("what the agent wrote\n")
    run = stage(empty_center, {"1.1": "Settings model"})
    run.start("1.1", worktree=str(tree))
    run.say("1.1", TextSaid("Reading \x1b[31msettings\x1b[0m \x1b]52;c;b3duZWQ=\x07now"))
    empty_center.diffs["r-7f3", "1.1"] = DIFF

    @asynccontextmanager
    async def opened() -> Any:
        async with open_app(empty_center, tab=Tab.EXECUTION, size=(80, 24)) as pilot:
            tab = pilot.app.query_one(ExecutionTab)
            await until(pilot, lambda: tab.grid.panes and tab.grid.panes[0].feed is not None)
            await until(pilot, lambda: tab.grid.panes[0].feed.source.size())
            await pilot.press("alt+1")
            yield pilot

    return opened


async def test_the_log_is_opened_in_the_pager(watch: Any, noted: Path, until: Any) -> None:
    async with watch() as pilot:
        await pilot.press("O")
        await until(pilot, noted.exists)
        text = noted.read_text()
        assert "Reading" in text
        assert "settings" in text
        assert "b3duZWQ" not in text
        noted.unlink()
        await pilot.press("enter", "O")  # and of a log that fills the tab
        await until(pilot, noted.exists)


async def test_what_the_agent_changed_is_opened_in_the_editor(
    watch: Any, noted: Path, until: Any, tmp_path: Path
) -> None:
    async with watch() as pilot:
        await pilot.press("E")
        await until(pilot, noted.exists)
        tree = tmp_path / "tree"
        expected = f"{tree}|{tree / 'a.py'}|what the agent wrote\n"  # nothing of what it deleted
        assert noted.read_text() == expected
        noted.unlink()
        await pilot.press("d")
        await until(pilot, lambda: pilot.app.query_one(ExecutionTab).diff.is_open)
        await pilot.press("E")
        await until(pilot, noted.exists)
        assert noted.read_text() == expected


async def test_without_such_a_program_it_is_said(
    watch: Any, noted: Path, until: Any, toasts: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAGER", "/no/such/pager")
    async with watch() as pilot:
        await pilot.press("O")
        await until(pilot, lambda: any("Set PAGER to yours" in it for it in toasts(pilot)))
    assert not noted.exists()
