"""Every dialect: recognised, counted, and read into the one model."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from cc4tui.domain.plan import Plan, PlanTaskState
from cc4tui.errors import PlanError, UsageError
from cc4tui.services.plans.folders import read_folder, read_path
from cc4tui.services.plans.reading import read_plan
from cc4tui.services.plans.report import plan_to_json


Read = Callable[..., Plan]
S = PlanTaskState

CC4 = """\
---
cc4: 1
title: Pipeline MVP
agent: claude            # default agent; any key of a task can be defaulted here
mode: worktree           # worktree | local | container
max_parallel: 3
verify: pytest -q        # default verify command
budget: {tokens: 200k, usd: 5}
granularity: auto        # auto | leaf | group
---
# Pipeline MVP
## Batch 1: Core {depends_on: [], parallel: true}
**Goal:** one line
- [x] 0.2 Something before
- [ ] 1.1 Config validator {agent: codex, priority: P1, labels: [api], budget: 50k}
  - Files: `services/config.py` (create), `app.py:10-40` (modify)
  - Depends on: 0.2
  - Verify: `pytest tests/test_config.py`
  - Acceptance:
    - [ ] bad file gives exit 2
  - Any other text or fenced code is the body.
### Task 1.2: Health endpoint
**Depends on:** 1.1
**Files:** `api/health.py`
**Acceptance Criteria:**
- answers
"""

SPECKIT = """\
# Tasks: Limits

## Format: `[ID] [P?] [Story] Description`

- [P] tasks = different files, no dependencies

## Phase 1: Setup

- [X] T001 Create project
- [ ] T002 [P] Lint in `pyproject.toml`

**Checkpoint**: ready

## Phase 2: User Story 1 - Limits (Priority: P1)

### Tests for User Story 1

- [ ] T003 [P] [US1] Contract test in tests/contract/test_limits.py

### Implementation for User Story 1

- [ ] T004 [US1] Model (depends on T003)
- [ ] T016b [US1] [US4] Second half

## Dependencies & Execution Order

- T004 after T003
"""

KIRO = """\
# Implementation Plan

- [x] 1. Set up
  - [x] 1.1 Create structure
    - Write files
    - _Requirements: 1.2, 3.4_
  - [ ]* 1.2 Property test
    - **Validates: Requirements 2.1**
- [ ] 2. Build
- [-] 2.1 First half
- [ ] 2.2 (P) Second half
- [ ] 3. Checkpoint
  - Ensure all tests pass
"""

OPENSPEC = """\
## 1. Core

- [x] 1.1 Create file
- [ ] 1.2 Add command
  - detail

## 2. Tests

- [ ] 2.1 Cover it
"""

AIDEV = """\
## Relevant Files

- `a.ts` - main

## Tasks

- [ ] 1.0 Parent
  - [x] 1.1 Sub one
  - [ ] 1.2 Sub two
- [ ] 2.0 Other
  - [ ] 2.1 Sub
"""

SUPERPOWERS = """\
# Limits Implementation Plan

> **For Claude:** REQUIRED SUB-SKILL: Use superpowers:executing-plans.

**Goal:** Add limits

---

### Task 1: Parser

**Files:**
- Create: `src/limits.py`
- Test: `tests/test_limits.py`

- [ ] **Step 1: Write the failing test**

```python
# Task 9: not a heading
```

Run: `pytest tests/test_limits.py`
Expected: FAIL

- [x] **Step 2: Implement**

### Task 4A: Wire it

- [ ] **Step 1: Do it**
"""

CONDUCTOR = """\
# Implementation Plan

## Phase 1: Base [checkpoint: 97e1a43]

- [x] Task: Write tests [93760ce]
    - [ ] sub one
    - [ ] sub two
- [~] Task: Implement
- [ ] Task: Conductor - User Manual Verification 'Base' (Protocol in workflow.md)

## Phase 2: More

- [ ] Task: Polish
"""

HEADINGS = """\
# Test plan

## Batch 1: Files

### Task 1.1: Create module

**Files:**
- Create: `backend/app/x.py`

**Verification:**
- `pytest -xvs`
- look at it

### Task 1.2: Use module

**Depends on:** Task 1.1
**Run:** `make it`
"""

TABLE = """\
# Slices

| Task | Description | Files | Status |
|------|-------------|-------|--------|
| **S01** | First | `a.py` | ✅ Done |
| **S02** | Second | `b.py`, `c/` | Open |

## Index

| Task | Owner |
|---|---|
| S01 | x |
| S02 | y |
"""

BOXES = "# Todo\n\n- [ ] buy milk\n- [x] sell cow {priority: high}\n  - Run: `echo sold`\n"

BMAD = """\
# Story 1.1: Login

## Status

Ready for Review

## Acceptance Criteria

1. it works

## Tasks / Subtasks

- [x] Task 1: Build the form (AC: 1, 2)
  - [x] markup
  - [x] style
- [ ] Task 2 (AC: 3)
  - [ ] Wire it

## Dev Notes

- [ ] not a task

## QA Checklist

- [ ] checked
"""

BACKLOG = """\
---
id: BACK-12
title: 'Filter: the picker'
status: In Progress
labels: [web, ui]
dependencies: [BACK-11]
priority: high
---

## Description

Do it.

## Acceptance Criteria
<!-- AC:BEGIN -->
- [x] #1 only valid ones
- [ ] #2 error is shown
<!-- AC:END -->
"""

CCPM = """\
---
name: Add parser
status: closed
depends_on: [001]
parallel: true
conflicts_with: []
---

# Task: Add parser

## Acceptance Criteria
- [ ] parses
"""

GSD_PLAN = """\
---
phase: 04-commands
plan: 01
wave: 1
depends_on: ["03-01"]
---

<objective>
Build it.
</objective>

<tasks>

<task type="auto">
  <name>Task 1: Scaffold the test</name>
  <files>sdk/src/a.test.ts, sdk/src/b.ts</files>
  <action>
Write it:

```md
<task type="auto"> in a fence
```
  </action>
  <verify>npx vitest run</verify>
  <done>Tests fail for the right reason</done>
</task>

<task type="checkpoint:human-verify">
  <name>Look at it</name>
</task>

</tasks>
"""

GSD_ROADMAP = """\
# Roadmap

- [x] **Phase 1: Base** - done
- [ ] **Phase 2: More** - open

### Phase 1: Base
**Depends on**: Nothing (first phase)
**Success Criteria** (what must be TRUE):
  1. It exists
**Plans:** 2 plans
Plans:
- [x] 01-01-PLAN.md — Create it
- [x] 01-02-PLAN.md — Use it

### Phase 2: More
**Depends on**: Phase 1
Plans:
- [ ] 02-01: Extend it
"""

TASKMASTER = json.dumps(
    {
        "master": {
            "tasks": [
                {
                    "id": 1,
                    "title": "First",
                    "status": "done",
                    "priority": "high",
                    "dependencies": [],
                    "subtasks": [{"id": 1, "title": "a", "status": "pending"}],
                },
                {"id": "2", "title": "Second", "status": "in-progress", "dependencies": [1]},
                {
                    "id": 3,
                    "title": "Third",
                    "status": "deferred",
                    "details": "how",
                    "dependencies": [2],
                },
            ],
            "metadata": {},
        }
    },
    indent=2,
)

RALPH = json.dumps(
    {
        "project": "X",
        "userStories": [
            {"id": "US-002", "title": "Second", "priority": 2, "passes": False},
            {"id": "US-001", "title": "First", "priority": 1, "passes": True,
             "acceptanceCriteria": ["typecheck passes"]},
        ],
    }
)  # fmt: skip

BEADS = "\n".join(
    json.dumps(issue)
    for issue in [
        {"id": "p-1", "title": "Epic", "status": "open", "issue_type": "epic", "priority": 1},
        {"id": "p-2", "title": "Child", "status": "closed", "issue_type": "task", "priority": 2,
         "dependencies": [{"issue_id": "p-2", "depends_on_id": "p-1", "type": "parent-child"}]},
        {"id": "p-3", "title": "Blocked", "status": "in_progress", "priority": 0,
         "dependencies": [{"issue_id": "p-3", "depends_on_id": "p-2", "type": "blocks"}]},
        {"id": "p-4", "title": "Gone", "status": "tombstone"},
        {"id": "p-5", "title": "Lonely epic", "status": "open", "issue_type": "epic"},
    ]
)  # fmt: skip

SAMPLES = {
    "cc4": ("plan.md", CC4, (1, 3, 1)),
    "speckit": ("specs/001/tasks.md", SPECKIT, (3, 5, 1)),
    "kiro": (".kiro/specs/x/tasks.md", KIRO, (2, 5, 1)),
    "openspec": ("openspec/changes/x/tasks.md", OPENSPEC, (2, 3, 1)),
    "ai-dev-tasks": ("tasks/tasks-prd.md", AIDEV, (2, 3, 1)),
    "superpowers": ("docs/plans/2026-01-01-x.md", SUPERPOWERS, (0, 2, 0)),
    "conductor": ("conductor/tracks/x/plan.md", CONDUCTOR, (2, 4, 1)),
    "headings": ("docs/plans/test.md", HEADINGS, (1, 2, 0)),
    "boxes": ("TODO.md", BOXES, (0, 2, 1)),
    "bmad": ("docs/stories/1.1.story.md", BMAD, (1, 2, 1)),
    "backlog": ("backlog/tasks/back-12.md", BACKLOG, (0, 1, 0)),
    "ccpm": (".claude/epics/x/002.md", CCPM, (0, 1, 1)),
    "gsd": (".planning/phases/04/04-01-PLAN.md", GSD_PLAN, (0, 2, 0)),
    "taskmaster": (".taskmaster/tasks/tasks.json", TASKMASTER, (1, 3, 1)),
    "ralph": ("prd.json", RALPH, (0, 2, 1)),
    "beads": (".beads/issues.jsonl", BEADS, (1, 3, 1)),
}


@pytest.mark.parametrize("dialect", sorted(SAMPLES))
def test_recognised_and_counted(dialect: str) -> None:
    path, text, expected = SAMPLES[dialect]
    plan = read_plan(text.encode(), path)
    assert plan.dialect == dialect
    counts = plan_to_json(plan)["counts"]
    assert (counts["batches"], counts["tasks"], counts["done"]) == expected
    assert plan.errors == ()
    assert plan.why[0].startswith(f"{dialect}: ")


@pytest.mark.parametrize("dialect", sorted(SAMPLES))
def test_crlf_bom_and_no_final_newline_change_nothing(dialect: str) -> None:
    path, text, expected = SAMPLES[dialect]
    data = b"\xef\xbb\xbf" + text.rstrip("\n").replace("\n", "\r\n").encode()
    plan = read_plan(data, path)
    counts = plan_to_json(plan)["counts"]
    assert plan.dialect == dialect
    assert (counts["batches"], counts["tasks"], counts["done"]) == expected


@pytest.mark.parametrize("dialect", sorted(SAMPLES))
def test_the_json_is_json(dialect: str) -> None:
    path, text, _ = SAMPLES[dialect]
    shown = plan_to_json(read_plan(text.encode(), path))
    again = json.loads(json.dumps(shown))
    assert again == shown
    assert set(again) >= {"path", "dialect", "title", "batches", "counts", "offers", "diagnostics"}
    for batch in again["batches"]:
        assert set(batch) >= {"id", "title", "depends_on", "line", "tasks"}
        for task in batch["tasks"]:
            assert set(task) >= {
                "id", "title", "state", "line", "depends_on", "waits_for", "files", "acceptance",
                "verify", "run", "steps", "optional", "parallel",
            }  # fmt: skip


def test_cc4_values() -> None:
    plan = read_plan(CC4.encode(), "plan.md")
    task = plan.task("1.1")
    assert task is not None
    assert (plan.title, plan.defaults["max_parallel"]) == ("Pipeline MVP", 3)
    assert (task.agent, task.priority, task.mode) == ("codex", "P1", "worktree")
    assert task.labels == ("api",)
    assert task.budget == {"tokens": 50_000}
    assert [(f.path, f.op and f.op.value, f.lines) for f in task.files] == [
        ("services/config.py", "create", None), ("app.py", "modify", "10-40"),
    ]  # fmt: skip
    assert task.verify == ("pytest tests/test_config.py",)
    assert task.acceptance == ("bad file gives exit 2",)
    assert task.body == "- Any other text or fenced code is the body."
    other = plan.task("1.2")
    assert other is not None
    assert (other.agent, other.verify) == ("claude", ("pytest -q",))
    assert other.budget == {"tokens": 200_000, "usd": 5}
    assert other.waits_for == ("1.1",)
    assert plan.batches[0].goal == "one line"


def test_speckit_values() -> None:
    plan = read_plan(SPECKIT.encode(), "tasks.md")
    assert [batch.title for batch in plan.batches] == [
        "Setup", "Tests for User Story 1", "Implementation for User Story 1",
    ]  # fmt: skip
    task = plan.task("T016b")
    assert task is not None
    assert task.labels == ("US1", "US4")
    assert plan.batches[0].acceptance == ("ready",)


def test_kiro_values() -> None:
    plan = read_plan(KIRO.encode(), ".kiro/specs/x/tasks.md")
    states = {task.id: task.state for task in plan.tasks()}
    assert states == {
        "1.1": S.DONE, "1.2": S.TODO, "2.1": S.IN_PROGRESS, "2.2": S.TODO, "3": S.TODO,
    }  # fmt: skip
    test = plan.task("1.2")
    assert test is not None
    assert test.optional
    assert "_Requirements: 1.2, 3.4_" in (plan.task("1.1") or test).body


def test_superpowers_runs_nothing_of_its_steps() -> None:
    plan = read_plan(SUPERPOWERS.encode(), "plan.md")
    task = plan.task("1")
    assert task is not None
    assert (task.run, task.verify) == ((), ())
    assert [step.done for step in task.steps] == [False, True]
    assert "Run: `pytest tests/test_limits.py`" in task.body
    assert plan.goal == "Add limits"


def test_conductor_sub_boxes_are_steps_of_a_ticked_task() -> None:
    plan = read_plan(CONDUCTOR.encode(), "plan.md")
    first = plan.task("p1-1")
    assert first is not None
    assert (first.title, first.state, len(first.steps)) == ("Write tests", S.DONE, 2)
    assert [d.code for d in plan.diagnostics] == []


def test_headings_values() -> None:
    plan = read_plan(HEADINGS.encode(), "plan.md")
    first, second = plan.tasks()
    assert first.verify == ("pytest -xvs",)
    assert "look at it" not in first.verify
    assert (second.depends_on, second.run) == (("1.1",), ("make it",))


def test_table_with_a_second_index() -> None:
    plan = read_plan(TABLE.encode(), "plan.md")
    assert [(task.id, task.state) for task in plan.tasks()] == [("S01", S.DONE), ("S02", S.TODO)]
    assert [file.path for file in list(plan.tasks())[1].files] == ["b.py", "c/"]


def test_plain_boxes_may_run_commands() -> None:
    plan = read_plan(BOXES.encode(), "TODO.md")
    task = list(plan.tasks())[1]
    assert (task.run, task.priority) == (("echo sold",), "P1")


def test_bmad_values() -> None:
    plan = read_plan(BMAD.encode(), "1.1.story.md")
    first, second = plan.tasks()
    assert (first.id, first.title, len(first.steps)) == ("1", "Build the form", 2)
    assert second.title


def test_bmad_done_status_covers_tasks_without_a_mark() -> None:
    text = "## Status: \n\nDone\n\n## Tasks / Subtasks\n\n### Task 1: a\n\ntext\n"
    plan = read_plan(text.replace("## Status: ", "## Status").encode(), "x.story.md")
    assert [task.state for task in plan.tasks()] == [S.DONE]


def test_backlog_values() -> None:
    plan = read_plan(BACKLOG.encode(), "back-12.md")
    (task,) = plan.tasks()
    assert (task.id, task.title, task.state) == ("BACK-12", "Filter: the picker", S.IN_PROGRESS)
    assert (task.labels, task.priority) == (("web", "ui"), "P1")
    assert task.acceptance == ("#1 only valid ones", "#2 error is shown")
    assert task.depends_on == ("BACK-11",)
    assert "Do it." in task.body


def test_ccpm_values() -> None:
    plan = read_plan(CCPM.encode(), ".claude/epics/x/002.md")
    (task,) = plan.tasks()
    assert (task.id, task.title, task.parallel) == ("002", "Add parser", True)


def test_ccpm_epic() -> None:
    text = (
        "---\nname: x\nstatus: completed\nprogress: 100%\n---\n## Tasks Created\n"
        "- [ ] #36 - parse (parallel: true)\n- [ ] #37 - use (parallel: false, depends: #36)\n"
    )
    plan = read_plan(text.encode(), "epic.md")
    assert [(task.id, task.title, task.state) for task in plan.tasks()] == [
        ("#36", "parse", S.TODO), ("#37", "use", S.TODO),
    ]  # fmt: skip
    assert [task.needs for task in plan.tasks()] == [(), ("#36",)]


def test_gsd_values() -> None:
    plan = read_plan(GSD_PLAN.encode(), "04-01-PLAN.md")
    first, second = plan.tasks()
    assert (first.id, first.title) == ("1", "Scaffold the test")
    assert [file.path for file in first.files] == ["sdk/src/a.test.ts", "sdk/src/b.ts"]
    assert first.acceptance == ("Tests fail for the right reason",)
    assert (first.verify, first.run) == ((), ())
    assert (second.id_is_made, second.waits_for) == (True, ("1",))


def test_gsd_roadmap() -> None:
    plan = read_plan(GSD_ROADMAP.encode(), ".planning/ROADMAP.md")
    assert plan.dialect == "gsd"
    assert [(task.id, task.state) for task in plan.tasks()] == [
        ("01-01", S.DONE), ("01-02", S.DONE), ("02-01", S.TODO),
    ]  # fmt: skip
    assert (plan.task("02-01") or next(plan.tasks())).needs == ("01-01", "01-02")


def test_taskmaster_values() -> None:
    plan = read_plan(TASKMASTER.encode(), "tasks.json")
    first, second, third = plan.tasks()
    assert (first.id, first.priority, first.state) == ("1", "P1", S.DONE)
    assert [(step.text, step.done) for step in first.steps] == [("a", False)]
    assert (second.depends_on, second.state) == (("1",), S.IN_PROGRESS)
    assert "how" in third.body
    assert [task.line for task in plan.tasks()] == [4, 18, 26]


def test_taskmaster_tags_count_apart() -> None:
    tag = {"tasks": [{"id": 1, "title": "a"}, {"id": 2, "title": "b", "dependencies": [1]}]}
    plan = read_plan(json.dumps({"one": tag, "two": tag}).encode(), "tasks.json")
    assert [task.id for task in plan.tasks()] == ["one:1", "one:2", "two:1", "two:2"]
    assert [batch.id for batch in plan.batches] == ["one", "two"]
    assert plan.errors == ()
    assert (plan.task("two:2") or next(plan.tasks())).needs == ("two:1",)


def test_taskmaster_without_tags() -> None:
    plan = read_plan(b'{"tasks": [{"id": 1, "title": "a"}]}', "tasks.json")
    assert (plan.dialect, [batch.id for batch in plan.batches]) == ("taskmaster", [""])


def test_taskmaster_missing_dependency() -> None:
    plan = read_plan(b'{"tasks": [{"id": 1, "title": "a", "dependencies": [16]}]}', "tasks.json")
    assert [error.code for error in plan.errors] == ["E04"]


def test_a_record_that_does_not_fit_is_said() -> None:
    plan = read_plan(b'{"tasks": [{"id": 1, "title": ["x"]}, {"id": 2, "title": "b"}]}', "t.json")
    assert [task.id for task in plan.tasks()] == ["2"]
    assert [error.code for error in plan.errors] == ["E09"]


def test_ralph_goes_by_priority() -> None:
    plan = read_plan(RALPH.encode(), "prd.json")
    assert [(task.id, task.state) for task in plan.tasks()] == [
        ("US-001", S.DONE), ("US-002", S.TODO),
    ]  # fmt: skip
    assert (plan.task("US-002") or next(plan.tasks())).waits_for == ("US-001",)


def test_beads_values() -> None:
    plan = read_plan(BEADS.encode(), "issues.jsonl")
    assert [(batch.id, [task.id for task in batch.tasks]) for batch in plan.batches] == [
        ("p-1", ["p-2"]), ("", ["p-3", "p-5"]),
    ]  # fmt: skip
    blocked = plan.task("p-3")
    assert blocked is not None
    assert (blocked.needs, blocked.priority, blocked.state) == (("p-2",), "P0", S.IN_PROGRESS)


def test_beads_skips_a_broken_line() -> None:
    plan = read_plan((BEADS + "\n{broken\n").encode(), "issues.jsonl")
    assert len(list(plan.tasks())) == 3
    assert [d.code for d in plan.diagnostics] == ["W11"]


def test_bullets_only_on_request(read: Read) -> None:
    text = "# X\n\n## Stage 1\n- one\n- two\n  - part\n\n## Stage 2\n1. three\n"
    plain = read(text)
    assert plain.errors[0].code == "E02"
    assert "2 plain bullets under" in plain.errors[0].message
    forced = read(text, dialect="bullets")
    assert [task.title for task in forced.tasks()] == ["one", "two", "three"]
    assert [batch.title for batch in forced.batches] == ["Stage 1", "Stage 2"]


def test_forced_dialect(read: Read) -> None:
    plan = read("### Task 1: A\n### Task 2: B\n", dialect="superpowers")
    assert plan.dialect == "superpowers"
    assert plan.why == ("superpowers: asked for",)
    assert (plan.task("2") or next(plan.tasks())).waits_for == ("1",)


def test_unknown_dialect_is_a_wrong_call(read: Read) -> None:
    with pytest.raises(UsageError, match="did you mean speckit"):
        read("- [ ] a", dialect="spekit")
    with pytest.raises(UsageError, match="granularity"):
        read("- [ ] a", granularity="fine")


class TestFolder:
    """A folder of task files is one plan."""

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        for number, (status, needs) in enumerate([("Done", ""), ("To Do", "BACK-1")], 1):
            (tmp_path / f"back-{number}.md").write_text(
                f"---\nid: BACK-{number}\ntitle: Task {number}\nstatus: {status}\n"
                f"dependencies: [{needs}]\n---\n\nbody {number}\n"
            )
        (tmp_path / "readme.md").write_text("# not a task\n")
        return tmp_path

    def test_read(self, folder: Path) -> None:
        plan = read_folder(folder, "backlog/tasks")
        assert [(task.id, task.state) for task in plan.tasks()] == [
            ("BACK-1", S.DONE), ("BACK-2", S.TODO),
        ]  # fmt: skip
        assert (plan.task("BACK-2") or next(plan.tasks())).needs == ("BACK-1",)
        assert plan.errors == ()
        assert len(plan.sha256) == 64

    def test_a_dependency_that_is_in_no_file(self, folder: Path) -> None:
        (folder / "back-1.md").unlink()
        assert [error.code for error in read_folder(folder, "x").errors] == ["E04"]

    def test_empty(self, tmp_path: Path) -> None:
        with pytest.raises(PlanError, match="no task file"):
            read_folder(tmp_path, "x")

    def test_by_path(self, folder: Path) -> None:
        assert read_path(folder).dialect == "backlog"
        assert read_path(folder / "back-1.md").dialect == "backlog"
        with pytest.raises(PlanError, match="cannot be read"):
            read_path(folder / "missing.md")
