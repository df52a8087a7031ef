"""`cc4tui demo`, and the app itself in a terminal of its own."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


pytestmark = pytest.mark.integration


def test_headless_everything_lands(
    call: Callable[..., Any], tmp_path: Path, git: Callable[..., str]
) -> None:
    folder = tmp_path / "tally"
    answer = call("demo", "--headless", "--dir", str(folder))
    assert answer.code == 0
    assert f"sample repository: {folder}" in answer.err
    assert "10 landed on main" in answer.out
    assert "- [ ] 1.1" not in (folder / "plans" / "demo.md").read_text()
    assert (folder / "tally" / "VERSION").read_text() == "1.0\n"
    assert git(folder, "status", "--porcelain") == ""
    assert len(git(folder, "worktree", "list").splitlines()) == 1
    assert git(folder, "for-each-ref", "refs/heads/cc4") == ""
    assert git(folder, "fsck", "--strict", "--no-dangling") == ""


def test_json_is_events_only(call: Callable[..., Any], tmp_path: Path) -> None:
    answer = call("demo", "--json", "--dir", str(tmp_path / "tally"))
    told = [json.loads(line)["event"] for line in answer.out.splitlines()]
    assert (answer.code, told[0], told[-1]) == (0, "run_started", "run_finished")
    assert told.count("task_landed") == 10


def test_a_folder_with_something_in_it_is_left_alone(
    call: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("x")
    answer = call("demo", "--headless", "--dir", str(tmp_path / "full"))
    assert (answer.code, answer.out) == (2, "")
    assert "is not empty" in answer.err
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["mine"]


def test_a_folder_that_cannot_be_made(call: Callable[..., Any]) -> None:
    answer = call("demo", "--headless", "--dir", "/proc/nope/tally")
    assert (answer.code, answer.out) == (3, "")
    assert "cannot be made" in answer.err


LEAVE_ALTERNATE_SCREEN = b"\x1b[?1049l"
SHOW_CURSOR = b"\x1b[?25h"


def test_the_demo_in_the_app(
    terminal: Callable[..., Any], tmp_path: Path, git: Callable[..., str]
) -> None:
    folder = tmp_path / "tally"
    app = terminal("demo", "--dir", str(folder))
    app.shows("10/10")
    app.shows("succeeded")
    app.type("q")
    assert app.ended() == 0
    assert LEAVE_ALTERNATE_SCREEN in app.raw
    assert f"delete: {folder}".encode() in app.raw
    assert len(git(folder, "log", "--oneline", "--merges").splitlines()) == 10


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_restores_the_terminal(
    terminal: Callable[..., Any], repository: Path, number: signal.Signals, code: int
) -> None:
    app = terminal()
    app.shows("4 Memory")
    os.kill(app.pid, number)
    assert app.ended() == code
    assert app.raw.rindex(LEAVE_ALTERNATE_SCREEN) > app.raw.index(b"Memory")
    assert app.raw.rindex(SHOW_CURSOR) > app.raw.index(b"Memory")


def test_a_signal_while_agents_work_leaves_none(
    terminal: Callable[..., Any],
    tmp_path: Path,
    git: Callable[..., str],
    call: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CC4_REHEARSAL_SPEED", "0.1")
    folder = tmp_path / "tally"
    app = terminal("demo", "--dir", str(folder))
    app.shows("4/4")
    os.kill(app.pid, signal.SIGTERM)
    assert app.ended() == 143
    assert len(git(folder, "worktree", "list").splitlines()) == 1
    status = json.loads(call("-C", str(folder), "status", "--json").out)
    assert status["status"] == "interrupted"
    monkeypatch.setenv("CC4_REHEARSAL_SPEED", "50")
    monkeypatch.chdir(folder)
    assert call("resume").code == 0


def test_an_unfit_place_is_one_sentence_in_a_terminal_too(
    terminal: Callable[..., Any], tmp_path: Path
) -> None:
    app = terminal("-C", str(tmp_path))
    assert app.ended() == 3
    assert b"is not in a git repository" in app.raw
    assert b"Traceback" not in app.raw
