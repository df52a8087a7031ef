"""Shapes that were met in public plans, told again in a few lines each.

What is counted is what a person would count: tasks, done ones, and the batches that hold them.
"""

import json

import pytest

from cc4tui.domain.plan import Plan, PlanTaskState
from cc4tui.services.plans.reading import read_plan
from cc4tui.services.plans.writeback import tick


DONE = PlanTaskState.DONE


def read(text: str, path: str = "plan.md") -> Plan:
    return read_plan(text.encode(), path)


def counts(plan: Plan) -> tuple[int, int, int]:
    """Tasks, done, batches."""
    tasks = list(plan.tasks())
    return (
        len(tasks),
        sum(task.state is DONE for task in tasks),
        sum(bool(batch.tasks and (batch.id or batch.title)) for batch in plan.batches),
    )


def ids(plan: Plan) -> list[str]:
    return [task.id for task in plan.tasks()]


class TestSpecKit:
    def test_an_id_may_have_a_word_behind_it(self) -> None:
        plan = read(
            "## Phase 1: Setup\n- [X] T001 One\n- [X] T002 Two\n- [X] T003-MIN [P] Three\n"
            "## Phase 2: Logs\n- [ ] T004-MIN Four\n"
        )
        assert ids(plan) == ["T001", "T002", "T003-MIN", "T004-MIN"]
        assert counts(plan) == (4, 3, 2)
        assert plan.task("T003-MIN").parallel  # type: ignore[union-attr]

    def test_boxes_of_a_phase_without_ids_are_not_lost(self) -> None:
        plan = read(
            "### Phase 0: Analysis [COMPLETED]\n- [x] Review the specification\n- [x] List tasks\n"
            "### Phase 1: Code\n#### T001: Struct [P]\n- [ ] compiles\n"
            "#### T002: Event\n- [ ] emits\n"
            "## Success Criteria\n- [ ] all green\n"
        )
        assert counts(plan) == (4, 2, 2)

    def test_criteria_with_names_are_no_tasks(self) -> None:
        plan = read(
            "## Phase 1: Core\n- [ ] T001 A\n- [ ] T002 B\n- [ ] T003 C\n"
            "## Success Criteria Validation\n- [ ] **SC-001**: 95%\n- [ ] **SC-002**: 2 min\n"
        )
        assert counts(plan) == (3, 0, 1)


class TestEpics:
    def test_tasks_created_tells_the_breakdown_again(self) -> None:
        text = (
            "---\nname: audit\nstatus: completed\nprogress: 100%\n---\n# Epic: audit\n"
            "## Task Breakdown Preview\n- [ ] Task 1: Guards (FR-6)\n- [ ] Task 2: Backoff\n"
            "## Tasks Created\n- [x] #36 - Guards (parallel: true)\n"
            "- [ ] #37 - Backoff (parallel: false, depends: #36)\n"
        )
        plan = read(text, ".claude/epics/audit/epic.md")
        assert ids(plan) == ["#36", "#37"]
        assert counts(plan) == (2, 1, 1)
        assert plan.task("#37").waits_for == ("#36",)  # type: ignore[union-attr]
        assert "W06" in {note.code for note in plan.diagnostics}

    def test_headings_of_the_breakdown_count_once_too(self) -> None:
        plan = read(
            "## Task Breakdown\n### Task 1: Models\ntext\n### Task 2: Queries\ntext\n"
            "## Tasks Created\n- [ ] #430 - Models\n- [ ] #431 - Queries\n"
        )
        assert ids(plan) == ["#430", "#431"]

    def test_files_are_ids_before_the_issues_exist(self) -> None:
        plan = read(
            "## Tasks Created\n- [ ] 001.md - Schema (parallel: true)\n"
            "- [ ] 002.md - Service (parallel: false, depends: 001)\n"
            "- [ ] 003.md - Page (parallel: true, depends on 001, 002)\n"
        )
        assert ids(plan) == ["001", "002", "003"]
        assert plan.task("003").title == "Page"  # type: ignore[union-attr]
        assert plan.task("003").depends_on == ("001", "002")  # type: ignore[union-attr]
        assert not plan.diagnostics

    def test_a_task_file_of_an_older_epic(self) -> None:
        text = (
            "---\nname: Schema\nstatus: closed\ndepends_on: []\nparallel: false\n---\n"
            "# Task: Schema\n## Acceptance Criteria\n- [x] migrated\n"
        )
        plan = read(text, ".claude/epics/hub/001.md")
        assert plan.dialect == "ccpm"
        assert ids(plan) == ["001"]
        assert counts(plan)[:2] == (1, 1)

    def test_a_numbered_file_of_an_epic(self) -> None:
        text = (
            "---\nname: Seed\nstatus: closed\nphase: 1\n---\n"
            "# Task: Seed\n- [ ] T-1 a\n- [ ] T-2 b\n"
        )
        plan = read(text, ".claude/epics/table/001.md")
        assert (plan.dialect, counts(plan)[:2]) == ("ccpm", (1, 1))
        assert read(text, "notes/001.md").dialect != "ccpm"


class TestHeadings:
    def test_a_task_may_be_about_quality_gates(self) -> None:
        plan = read(
            "## Task 1: Code\n- [ ] **Step 1: Write**\n## Task 2: Final quality gates\n"
            "- [ ] **Step 1: Run**\n## Self-review\n"
        )
        assert ids(plan) == ["1", "2"]
        assert not plan.diagnostics

    def test_tickets_below_acceptance_are_no_tasks(self) -> None:
        plan = read(
            "## APP-1 — Dedup\ntext\n## APP-2 — Links\ntext\n## Acceptance criteria checklist\n"
            "### APP-1\n- [ ] in order\n### APP-2\n- [ ] clickable\n"
        )
        assert ids(plan) == ["APP-1", "APP-2"]
        assert not plan.errors

    def test_a_heading_about_verification_is_no_task(self) -> None:
        plan = read(
            "# Plan\n## PR 1 — Layout\n### Step 1 — Flag\n### Step 2 — Helper\n"
            "### PR-1 verification\ntext\n## PR 2 — Rest\n"
            "### Step 3 — Config\n### PR-2 verification\n"
        )
        assert [task.title for task in plan.tasks()] == ["Flag", "Helper", "Config"]

    def test_decisions_are_no_tasks(self) -> None:
        plan = read(
            "# Plan\n## Decisions\n### ADR-1: Postgres\n### ADR-2: Redis\n"
            "## Phase 1: Base\n- [ ] Create branch\n- [ ] Run tests\n"
        )
        assert counts(plan) == (2, 0, 1)


class TestChecklists:
    def test_phases_of_a_checklist_hold_work(self) -> None:
        plan = read(
            "# Voice\n## ✅ Implementation Checklist\n### Phase 1: Setup\n- [x] Create folder\n"
            "- [ ] Configure\n### Phase 2: Core\n- [x] Extract\n"
            "## Success Criteria\n- [x] It works\n## Files Created\n- [x] `a.json`\n"
        )
        assert counts(plan) == (4, 3, 3)

    def test_a_checklist_of_phases_that_are_told_elsewhere_is_an_account(self) -> None:
        plan = read(
            "# Master Plan\n## Project Phases\n### Phase 0: Base ✅ COMPLETE\n- [x] Scaffold\n"
            "- [x] Theme\n### Phase 1: Editor\n- [x] Canvas\n- [ ] Undo\n"
            "## Progress Tracking\n### Milestone Checklist\n#### Phase 0: Base ✅\n"
            "- [x] Research done\n#### Phase 1: Editor (Core)\n- [x] Canvas works\n"
        )
        assert counts(plan) == (4, 3, 2)

    def test_phases_of_criteria_do_not(self) -> None:
        plan = read(
            "## Work\n- [ ] 1.1 Do\n- [ ] 1.2 Go on\n## Acceptance Checklist\n"
            "### Phase 1: Setup\n- [ ] runs\n### Phase 2: Core\n- [ ] stops\n"
        )
        assert counts(plan) == (2, 0, 1)


class TestWeakIds:
    def test_a_rank_is_no_name(self) -> None:
        plan = read(
            "## Task Checklist\n- [x] Create proposal\n- [x] P0: Reproduce\n- [x] P0: Document\n"
            "- [ ] P1: Integrate\n"
        )
        assert counts(plan) == (4, 3, 1)
        assert not plan.errors

    def test_a_few_named_boxes_do_not_hide_the_others(self) -> None:
        boxes = "".join(f"- [ ] do thing {n}\n" for n in range(10))
        plan = read(f"# Plan\n## Streams\n- [x] W1 Derive\n- [x] W2 Resolve\n## Work\n{boxes}")
        assert counts(plan) == (12, 2, 2)

    def test_a_name_inside_of_a_criterion_is_no_id(self) -> None:
        plan = read(
            "## Acceptance Criteria\n- [ ] `make test` green\n- [ ] WS1 covers delivery\n"
            "- [ ] WS2 covers cards\n"
        )
        assert counts(plan) == (3, 0, 1)
        assert all(task.id_is_made for task in plan.tasks())

    def test_boxes_apart_from_the_tasks_are_said(self) -> None:
        plan = read("- [ ] 1.1 Do\n- [ ] 1.2 Go on\n## Follow-ups\n- [ ] Ask Ann\n- [ ] Tell Bo\n")
        assert counts(plan)[:2] == (2, 0)
        [note] = plan.diagnostics
        assert (note.code, note.line) == ("W11", 4)
        assert note.message == '2 boxes without an id under "Follow-ups" are not read as tasks'


class TestBmad:
    def test_a_step_that_begins_with_issue_makes_no_group(self) -> None:
        plan = read(
            "## Tasks / Subtasks\n- [x] Task 1: Hook (AC: 1)\n  - [ ] Review\n"
            "    - [ ] Issue: runs on all files\n- [ ] Task 2: Docs\n  - [ ] Write\n",
            "docs/stories/10.2.story.md",
        )
        assert ids(plan) == ["1", "2"]
        assert counts(plan)[:2] == (2, 1)


class TestConductor:
    def test_batches_in_a_phase_without_task_boxes_count(self) -> None:
        plan = read(
            "## Phase 1: Diagnosis\n- [x] **Task: Audit**\n  - [x] Create `a.py`\n"
            "## Phase 2: Verification\n- [x] **Batch 1: High**\n  - [x] one\n"
            "- [ ] **Batch 2: Low**\n"
        )
        assert counts(plan) == (3, 2, 2)
        assert [task.title for task in plan.tasks()] == ["Audit", "Batch 1: High", "Batch 2: Low"]

    def test_a_phase_told_twice_counts_once(self) -> None:
        plan = read(
            "## Phase 5: Clarity\n- [ ] **Task: Labels**\n  - [ ] update\n- [ ] Tail\n"
            "## Phase 5: Clarity\n- [ ] **Task: Labels**\n  - [ ] update\n"
        )
        assert counts(plan) == (2, 0, 1)
        assert "W06" in {note.code for note in plan.diagnostics}


class TestTables:
    def test_status_in_other_languages_and_as_signs(self) -> None:
        plan = read(
            "# 任务列表\n\n| ID | 描述 | Owner | 状态 |\n|---|---|---|---|\n"
            "| T1 | 核对 `a.md` | TBD | ☑ |\n| T2 | 重写 | TBD | ☐ |\n"
        )
        assert counts(plan)[:2] == (2, 1)

    def test_a_section_of_archived_work_is_done(self) -> None:
        plan = read(
            "## Active\n\n| ID | Title | Status |\n|---|---|---|\n| UI-1 | Theme | TODO |\n\n"
            "## Completed & Archived (2025-12-09)\n\n| ID | Title | Completed |\n|---|---|---|\n"
            "| MIG-1 | Move | 2025-12-09 |\n| MIG-2 | Copy | 2025-12-09 |\n"
        )
        assert counts(plan)[:2] == (3, 2)


class TestTitles:
    def test_places_outside_of_the_repository_are_only_mentioned(self) -> None:
        plan = read("- [ ] 1.1 Write `~/.zshrc` and `src/a.py`\n- [ ] 1.2 Read `../other/b.md`\n")
        assert not plan.errors
        assert [f.path for t in plan.tasks() for f in t.files] == ["src/a.py"]

    def test_a_change_named_in_brackets_is_no_dependency(self) -> None:
        plan = read("- [x] 3.1 One\n- [x] 3.2 Expose (dependent on `refactor-course-filters`)\n")
        assert not plan.errors


def test_a_checkpoint_of_a_wave_is_named_by_what_was_built() -> None:
    plan = read(
        '<tasks>\n<task type="auto">\n  <name>Task 1: Build</name>\n</task>\n'
        '<task type="checkpoint:human-verify" gate="blocking">\n  <what-built>\n'
        "    Four template files\n  </what-built>\n</task>\n</tasks>\n",
        ".planning/phases/01-x/01-01-PLAN.md",
    )
    assert [task.title for task in plan.tasks()] == ["Build", "Four template files"]
    assert not plan.errors


STORIES = {
    "records as criteria": (
        {
            "userStories": [
                {"id": "US-1", "title": "A", "acceptanceCriteria": [{"id": "AC", "text": "works"}],
                 "priority": 1, "passes": True},
                {"id": "US-2", "title": "B", "priority": 2, "passes": False},
            ]
        },
        "US-2",
    ),
    "ranks as words": (
        {"userStories": [{"id": "UI-1", "title": "A", "priority": "P0-Critical", "passes": True},
                         {"id": "UI-2", "title": "B", "priority": "P1-High", "passes": False}]},
        "UI-2",
    ),
    "stories with a status": (
        {"stories": [{"id": "LC-1", "title": "A", "status": "completed", "priority": "high"},
                     {"id": "LC-2", "title": "B", "status": "todo", "acceptance": ["x"]}]},
        "LC-2",
    ),
    "nothing but a list": (
        [{"category": "Bug", "description": "A", "steps": ["x"], "passes": True},
         {"category": "Bug", "description": "B", "steps": [], "passes": False}],
        "t-2",
    ),
    "complete instead of passes": (
        [{"description": "A", "started": True, "complete": True},
         {"description": "B", "started": False, "complete": False}],
        "t-2",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", STORIES)
def test_loops_write_their_stories_in_many_ways(name: str) -> None:
    value, open_id = STORIES[name]
    text = json.dumps(value, indent=2)
    plan = read(text, "prd.json")
    assert plan.dialect == "ralph"
    assert not plan.errors
    assert counts(plan)[:2] == (2, 1)
    assert {task.title for task in plan.tasks()} == {"A", "B"}
    after = tick(text.encode(), plan, open_id)
    assert after is not None
    assert counts(read_plan(after, "prd.json"))[:2] == (2, 2)


def test_a_list_of_tasks_may_call_them_otherwise() -> None:
    value = {
        "tasks": [
            {"id": "a1", "name": "Set up", "status": "completed", "dependencies": []},
            {"id": "b2", "name": "Go on", "status": "pending",
             "dependencies": [{"taskId": "a1"}], "notes": "n"},
        ]
    }  # fmt: skip
    plan = read(json.dumps(value), "tasks.json")
    assert not plan.errors
    assert counts(plan)[:2] == (2, 1)
    assert plan.task("b2").waits_for == ("a1",)  # type: ignore[union-attr]
