"""Ideas and lessons on the command line: they survive, and they are found again."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


pytestmark = pytest.mark.usefixtures("repository")


def test_an_idea_is_kept_and_listed(call: Callable[..., Any]) -> None:
    answer = call("idea", "add", " dark theme ", "--tag", "ui", "--tag", "later", "--json")
    assert answer.code == 0
    kept = json.loads(answer.out)
    assert kept["text"] == "dark theme"
    assert kept["tags"] == ["ui", "later"]
    assert kept["status"] == "inbox"
    assert (
        call("idea", "add", "second", "--priority", "high").out
        == f"kept as idea {kept['id'] + 1}\n"
    )
    listed = json.loads(call("idea", "list", "--json").out)
    assert [idea["text"] for idea in listed] == ["second", "dark theme"]
    assert set(listed[0]) == {
        "id", "text", "tags", "priority", "status", "plan", "task", "created",
    }  # fmt: skip
    shown = call("idea", "list").out
    assert "#ui #later" in shown


def test_without_ideas_the_list_says_how_to_begin(call: Callable[..., Any]) -> None:
    answer = call("idea", "list")
    assert (answer.code, answer.out) == (0, "")
    assert "cc4tui idea add" in answer.err


@pytest.mark.parametrize("group", ["idea", "memory"])
@pytest.mark.parametrize("text", ["", "  \n "])
def test_nothing_is_no_note(call: Callable[..., Any], group: str, text: str) -> None:
    answer = call(group, "add", text)
    assert (answer.code, answer.out) == (2, "")
    assert "needs some text" in answer.err


def test_an_idea_becomes_a_task(call: Callable[..., Any], repository: Path) -> None:
    (repository / "plans").mkdir()
    plan = repository / "plans" / "api.md"
    plan.write_text("# API\n\n## Batch 1: Core\n\n- [ ] 1.1 Start\n")
    call("idea", "add", "rate-limit the upload")
    answer = call("idea", "promote", "1", "--plan", "plans/api.md")
    assert answer.code == 0
    task = answer.out.split("task ")[1].split(" of")[0]
    checked = json.loads(call("plan", "check", "plans/api.md", "--json").out)
    tasks = {t["id"]: t["title"] for batch in checked["batches"] for t in batch["tasks"]}
    assert tasks[task] == "rate-limit the upload"
    [idea] = json.loads(call("idea", "list", "--json").out)
    assert (idea["status"], idea["plan"], idea["task"]) == ("planned", "plans/api.md", task)


@pytest.mark.parametrize(
    "arguments", [["idea", "promote", "9", "--plan", "p.md"], ["memory", "forget", "9"]]
)
def test_what_is_not_there_is_exit_2(call: Callable[..., Any], arguments: list[str]) -> None:
    answer = call(*arguments)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("cc4tui: ")
    assert answer.err.count("\n") == 1


def test_lessons_are_found_by_beginnings_of_words(call: Callable[..., Any]) -> None:
    call("memory", "add", "run ruff before pytest", "--title", "Checks", "--tag", "ci")
    call("memory", "add", "the API needs UTC")
    found = json.loads(call("memory", "search", "pyt", "--json").out)
    assert [lesson["title"] for lesson in found] == ["Checks"]
    assert "Checks: run ruff before pytest  #ci" in call("memory", "search", "ruff").out
    answer = call("memory", "search", 'nothing "like* this')
    assert (answer.code, answer.out) == (0, "")
    assert "no lesson about" in answer.err


def test_a_forgotten_lesson_is_gone(call: Callable[..., Any]) -> None:
    lesson = json.loads(call("memory", "add", "wrong", "--json").out)["id"]
    assert call("memory", "forget", str(lesson)).out == f"lesson {lesson} is forgotten\n"
    assert json.loads(call("memory", "list", "--json").out) == []
    assert "no lesson yet" in call("memory", "list").err


def test_hostile_notes_are_shown_harmless(call: Callable[..., Any]) -> None:
    hostile = "a\x1b]52;c;AAAA\x07b\x9b6n\u202ec [@click=app.quit]d[/]"
    call("idea", "add", hostile, "--tag", hostile)
    call("memory", "add", hostile, "--title", hostile)
    for command in (["idea", "list"], ["memory", "list"], ["idea", "list", "--json"]):
        out = call(*command).out
        assert out.replace("\n", "").isprintable()
        assert "\u202e" not in out
        assert "[@click=app.quit]d[/]" in out
