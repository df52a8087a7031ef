"""Reading a part gives what reading the whole gives, whatever was edited."""

import os
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cc4tui.domain.plan import PlanTaskState
from cc4tui.services.plans import rereading
from cc4tui.services.plans.reading import read_plan
from cc4tui.services.plans.rereading import PlanReader


EDITS = int(os.environ.get("CC4_PLAN_EDITS", "150"))
"""Sequences of edits; more with CC4_PLAN_EDITS."""

SPECKIT = "# Tasks: Shop\n\nInput: specs\n\n" + "".join(
    f"## Phase {phase}: Part {phase}\n\n**Goal:** goal {phase}\n\n"
    + "".join(
        f"- [{'x' if n % 3 else ' '}] T{phase}{n:02} [P] Do `src/f{phase}{n}.py` now\n"
        f"  - detail {n}\n\n  ```sh\n  # run {n}\n  ```\n\n"
        for n in range(1, 5)
    )
    + "**Checkpoint**: ready\n\n"
    for phase in range(1, 5)
)
KIRO = "# Implementation Plan\n\n" + "".join(
    f"- [ ] {n}. Group {n}\n"
    + "".join(
        f"  - [ ] {n}.{k} Child {k}\n    - write it\n    - _Requirements: {n}.{k}_\n"
        for k in range(1, 4)
    )
    for n in range(1, 5)
)
SUPERPOWERS = "# Feature Plan\n\n**Goal:** a feature\n\n" + "".join(
    f"### Task {n}: Part {n}\n\n**Files:**\n- Create: `a{n}.py`\n\n"
    f"- [ ] **Step 1: Test**\n\n```python\ndef test_{n}():\n    pass\n```\n\n"
    f"- [ ] **Step 2: Code**\n\n"
    for n in range(1, 7)
)
OWN = (
    "---\ncc4: 1\ntitle: Own\nverify: make test\n---\n# Own\n\n"
    + "".join(
        f"## Batch {b}: Part {b}\n**Goal:** g{b}\n"
        + "".join(
            f"- [ ] {b}.{n} Task {n} {{priority: P1}}\n  - Files: `x{b}{n}.py`\n"
            f"  - Acceptance:\n    - [ ] works {n}\n  - Text of it.\n"
            for n in range(1, 4)
        )
        for b in range(1, 5)
    )
)  # fmt: skip
BOXES = (
    "# Todo\n\n## Now\n\n- [ ] one\n  - [ ] a step\n- [ ] two\n\n"
    "## Then\n\n- [x] three\n- [ ] four\n"
)
PLANS = (SPECKIT, KIRO, SUPERPOWERS, OWN, BOXES)

LINES = (
    "- [ ] extra box", "  - [ ] a step", "## Heading", "```", "text", "", "- bullet", "**Goal:** x",
    "- [x] 1.1 Done thing", "  more text", "<!-- c", "-->", "    code", "| a | b |",
    "- [ ] T999 new", "Acceptance:", "---", "# c", "1. one", "> - [ ] quoted", "Depends on: T101",
    "  - Depends on: 1.1", "  - Files: `src/f11.py`", "✅ T101 done", "### Task 9: Nine",
)  # fmt: skip
INSERTS = ("x", " word", "*", " `a.py`", "  ", "**", "[P] ", " ✅", "\t")


@pytest.fixture(autouse=True)
def small_plans_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts pay only in large files; here small ones are read in parts, too."""
    monkeypatch.setattr(rereading, "WORTH_IT", 0)
    monkeypatch.setattr(rereading, "HEAD", 0)


def edited(data: bytes, chance: random.Random) -> bytes:
    """What a person does to a file in one go."""
    lines = data.decode().split("\n")
    at = chance.randrange(len(lines))
    kind = chance.randrange(6)
    boxes = [n for n, line in enumerate(lines) if "[ ]" in line or "[x]" in line]
    if kind == 0:
        cut = chance.randrange(len(lines[at]) + 1)
        lines[at] = lines[at][:cut] + chance.choice(INSERTS) + lines[at][cut:]
    elif kind == 1:
        lines.insert(at, chance.choice(LINES))
    elif kind == 2 and len(lines) > 1:
        del lines[at]
    elif kind == 3 and boxes:
        at = chance.choice(boxes)
        old, new = chance.sample(["[ ]", "[x]"], 2)
        lines[at] = lines[at].replace(old, new, 1)
    elif kind == 4 and boxes:
        lines[chance.choice(boxes)] += " and more"
    elif lines[at]:
        cut = chance.randrange(len(lines[at]))
        lines[at] = lines[at][:cut] + lines[at][cut + 1 :]
    return "\n".join(lines).encode()


@pytest.mark.timeout(60 + EDITS)
@given(st.sampled_from(PLANS), st.integers(0, 2**32), st.integers(1, 6))
@settings(max_examples=EDITS, deadline=None)
def test_any_edits_give_the_plan_that_a_fresh_reading_gives(
    text: str, seed: int, count: int
) -> None:
    chance = random.Random(seed)
    data = text.encode()
    reader = PlanReader("plan.md")
    reader.read(data)
    for _ in range(count):
        data = edited(data, chance)
        assert reader.read(data) == read_plan(data, "plan.md"), data.decode()


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [
        (SPECKIT, "- [ ] T203", "- [x] T203"),
        (SPECKIT, "Do `src/f22.py` now", "Do `src/f22.py` at last"),
        (SPECKIT, "# run 3\n", "# run 3\n  make all\n"),
        (KIRO, "3.2 Child 2", "3.2 Second child"),
        (KIRO, "- [ ] 3.2", "- [x] 3.2"),
        (SUPERPOWERS, "def test_4():\n", "def test_4() -> None:\n"),
        (OWN, "2.2 Task 2 {priority: P1}", "2.2 Task 2 {priority: P0}"),
        (OWN, "Text of it.\n- [ ] 3.2", "Another text.\n- [ ] 3.2"),
    ],
)
def test_an_edit_inside_of_a_task_needs_only_its_part(text: str, old: str, new: str) -> None:
    assert text.count(old) >= 1
    data = text.encode()
    after = text.replace(old, new, 1).encode()
    reader = PlanReader("plan.md")
    before = reader.read(data)
    read = reader.read(after)
    assert reader.parts == 1
    assert read == read_plan(after, "plan.md") != before


def test_the_same_bytes_are_not_read_at_all() -> None:
    reader = PlanReader("plan.md")
    assert reader.read(SPECKIT.encode()) is reader.read(SPECKIT.encode())


def test_the_plan_that_was_read_before_stays_as_it_is() -> None:
    reader = PlanReader("plan.md")
    before = reader.read(SPECKIT.encode())
    task = before.task("T404")
    after = reader.read(SPECKIT.replace("detail 2", "detail 2\n  - new", 1).encode())
    assert reader.parts == 1
    assert before == read_plan(SPECKIT.encode(), "plan.md")
    assert before.task("T404") is task
    assert after.task("T404").line == task.line + 1  # type: ignore[union-attr]


def test_criteria_that_are_tasks_are_told_with_their_batch_too() -> None:
    text = (
        "# Loop\n\n## Phase 1: Core\n\nText.\n\n"
        "## Acceptance\n\n- [ ] one\n- [ ] two\n- [ ] three\n"
    )
    reader = PlanReader("plan.md")
    reader.read(text.encode())
    after = text.replace("two", "two and more").encode()
    assert reader.read(after) == read_plan(after, "plan.md")


def test_what_reaches_other_tasks_is_read_as_a_whole() -> None:
    text = SPECKIT.replace("T202 [P]", "T202 [P] (depends on T101)")
    reader = PlanReader("plan.md")
    reader.read(text.encode())
    after = text.replace("T202 [P] (depends on T101)", "T202 [P] (depends on T102)").encode()
    task = reader.read(after).task("T202")
    assert reader.parts == 0
    assert task is not None
    assert "T102" in task.needs
    assert task.state is PlanTaskState.DONE
