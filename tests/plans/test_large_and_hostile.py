"""Texts that nobody would write: each is read, or refused in a sentence, for little work."""

import json
from collections.abc import Callable

import pytest

from cc4tui.domain.plan import Plan
from cc4tui.services.plans.labels import LONGEST, parse_label
from cc4tui.services.plans.reading import read_plan


Codes = Callable[[Plan], list[str]]
MANY = 20_003

MASTER = json.dumps({"tasks": [{"id": n, "title": "a"} for n in range(MANY)]})
TAGS = json.dumps({f"t{n}": {"tasks": [{"id": 1, "title": "a"}]} for n in range(MANY)})
STORIES = json.dumps({"userStories": [{"id": f"U-{n}", "title": "a"} for n in range(MANY)]})
BEADS = "".join(f'{{"id": "b-{n}", "title": "a", "status": "open"}}\n' for n in range(MANY))
ELEMENTS = "<task><name>a</name></task>\n" * MANY
BOXES = "- [ ] a\n" * MANY


@pytest.mark.parametrize("text", [MASTER, TAGS, STORIES, BEADS, ELEMENTS, BOXES])
def test_too_many_tasks_are_said_in_every_dialect(text: str, codes: Codes) -> None:
    path = "plan.json" if text[0] == "{" else "plan.md"
    plan = read_plan(text.encode(), path)
    assert len(list(plan.tasks())) == 20_000
    assert codes(plan).count("E09") == 1


def test_aliases_in_front_matter_do_not_multiply(codes: Codes) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    text = "\n".join(["---", *lines, "---", "- [ ] 1.1 a"])
    assert [task.id for task in read_plan(text.encode(), "plan.md").tasks()] == ["1.1"]


def test_a_label_of_a_megabyte_keeps_its_id_and_text() -> None:
    label = parse_label("1.1 **" + "x" * LONGEST * 1000)
    assert label.id == "1.1"
    assert label.title.endswith("x" * LONGEST * 999)


def test_waiting_for_all_in_a_large_plan_names_the_last_that_does() -> None:
    text = "".join(f"- [ ] 1.{n} a\n  - Depends on: all\n" for n in range(1, 400))
    plan = read_plan(text.encode(), "plan.md")
    tasks = list(plan.tasks())
    assert tasks[150].waits_for == tuple(task.id for task in tasks[:150])
    assert tasks[300].waits_for == ("1.300",)
