"""The rules for what a plan means, one by one."""

from collections.abc import Callable

import pytest

from cc4tui.domain.plan import Plan, PlanTaskState, Task
from cc4tui.services.plans.report import plan_to_json


Read = Callable[..., Plan]
Shape = Callable[[Plan], list[tuple[str, list[str]]]]
Codes = Callable[[Plan], list[str]]
S = PlanTaskState


def task_of(plan: Plan, task_id: str) -> Task:
    found = plan.task(task_id)
    assert found is not None, f"no task {task_id} among {[task.id for task in plan.tasks()]}"
    return found


def counts(plan: Plan) -> tuple[int, int, int]:
    found = plan_to_json(plan)["counts"]
    return found["batches"], found["tasks"], found["done"]


class TestInnermostIdIsTheTask:
    """R1."""

    def test_boxes_below_an_id_are_steps(self, read: Read) -> None:
        plan = read("- [ ] 1.1 A\n  - [x] one\n  - [ ] two\n- [ ] 1.2 B\n")
        assert [task.id for task in plan.tasks()] == ["1.1", "1.2"]
        assert [(step.text, step.done) for step in task_of(plan, "1.1").steps] == [
            ("one", True), ("two", False),
        ]  # fmt: skip

    def test_an_id_below_an_id(self, read: Read, shape: Shape) -> None:
        plan = read("- [ ] T001 A\n  - [ ] T002 B\n- [ ] T003 C\n")
        assert shape(plan) == [("T001", ["T002"]), ("", ["T003"])]

    def test_a_parent_without_id_is_a_group(self, read: Read, shape: Shape) -> None:
        plan = read("- [ ] Backend work\n  - [ ] T001 A\n  - [ ] T002 B\n  - [ ] T003 C\n")
        assert shape(plan) == [("backend-work", ["T001", "T002", "T003"])]

    def test_without_ids_each_outermost_box(self, read: Read) -> None:
        plan = read("# Todo\n\n- [ ] A\n  - [ ] a1\n- [x] B\n")
        assert [(task.title, task.state) for task in plan.tasks()] == [("A", S.TODO), ("B", S.DONE)]
        assert len(task_of(plan, "t-1").steps) == 1

    def test_step_boxes_are_always_steps(self, read: Read) -> None:
        plan = read("### Task 1: A\n\n- [ ] **Step 1: a**\n- [ ] Subtask 1.1: b\n")
        assert [task.id for task in plan.tasks()] == ["1"]
        assert len(task_of(plan, "1").steps) == 2

    def test_only_step_boxes_are_tasks_after_all(self, read: Read) -> None:
        plan = read("# Plan\n\n- [x] **Step 1: a**\n- [ ] **Step 2: b**\n")
        assert counts(plan) == (0, 2, 1)

    def test_a_bare_number_below_a_task_heading_counts_steps(self, read: Read) -> None:
        plan = read(
            "### Task 1: A\n- [ ] 1. a\n- [ ] 2. b\n### Task 2: B\n- [ ] 1. a\n- [ ] 2. b\n"
        )
        assert [task.id for task in plan.tasks()] == ["1", "2"]

    def test_dotted_boxes_below_a_task_heading_are_tasks(self, read: Read, shape: Shape) -> None:
        plan = read("### Task 1: A\n- [ ] 1.1 a\n- [ ] 1.2 b\n")
        assert shape(plan) == [("1", ["1.1", "1.2"])]

    def test_granularity_leaf(self, read: Read) -> None:
        plan = read("- [ ] 1.1 A\n  - [ ] one\n  - [ ] two\n- [ ] 1.2 B\n", granularity="leaf")
        assert [task.title for task in plan.tasks()] == ["one", "two", "B"]

    def test_granularity_group(self, read: Read) -> None:
        plan = read("- [ ] 1. A\n  - [ ] 1.1 a\n  - [ ] 1.2 b\n- [ ] 2. B\n", granularity="group")
        assert [task.id for task in plan.tasks()] == ["1", "2"]
        assert len(task_of(plan, "1").steps) == 2


class TestNumberPrefixes:
    """R2."""

    @pytest.mark.parametrize("parent", ["1.", "1.0", "1"])
    def test_same_indent(self, read: Read, shape: Shape, parent: str) -> None:
        text = f"- [ ] {parent}{'' if parent[-1] in '.0' else '.'} A\n- [ ] 1.1 a\n- [ ] 1.2 b\n"
        assert [ids for _, ids in shape(read(text))] == [["1.1", "1.2"]]

    def test_no_prefix_of_a_longer_number(self, read: Read) -> None:
        plan = read("- [ ] 1.1 a\n- [ ] 1.10 b\n- [ ] 11.1 c\n")
        assert [task.id for task in plan.tasks()] == ["1.1", "1.10", "11.1"]

    def test_three_levels(self, read: Read, shape: Shape) -> None:
        plan = read("- [ ] 1. A\n  - [ ] 1.1 B\n    - [ ] 1.1.1 c\n  - [ ] 1.2 d\n")
        assert shape(plan) == [("1.1", ["1.1.1"]), ("1", ["1.2"])]

    def test_a_gap_in_the_numbers(self, read: Read, shape: Shape) -> None:
        plan = read("- [ ] 1. A\n  - [ ] 1.1 a\n  - [ ] 1.3 b\n- [ ] 4. B\n  - [ ] 4.2 c\n")
        assert shape(plan) == [("1", ["1.1", "1.3"]), ("4", ["4.2"])]

    def test_numbers_of_another_section_make_no_group(self, read: Read) -> None:
        plan = read("## A\n- [ ] 1. x\n- [ ] 2. y\n## B\n- [ ] 1.1 z\n")
        assert [task.id for task in plan.tasks()] == ["1", "2", "1.1"]


class TestAcceptance:
    """R3 and R22."""

    @pytest.mark.parametrize(
        "heading",
        [
            "Acceptance Criteria", "Success criteria", "Definition of Done", "QA Checklist",
            "Verification", "Notes", "Success Metrics", "Quality Gates", "Akzeptanzkriterien",
            "Critères d'acceptation", "Criterios de aceptación", "验收标准", "受け入れ基準",
            "완료 조건",
        ],
    )  # fmt: skip
    def test_boxes_without_id_under_such_a_heading(self, read: Read, heading: str) -> None:
        plan = read(
            f"## Work\n- [ ] 1.1 A\n- [ ] 1.2 B\n\n## {heading}\n- [ ] it works\n- [x] fast\n"
        )
        assert [task.id for task in plan.tasks()] == ["1.1", "1.2"]

    def test_boxes_with_id_are_tasks_there_too(self, read: Read) -> None:
        plan = read("## 5. Verification\n- [ ] 5.1 Run it\n- [ ] 5.2 Look at it\n")
        assert [task.id for task in plan.tasks()] == ["5.1", "5.2"]

    def test_a_field_makes_its_list_acceptance(self, read: Read) -> None:
        plan = read("### Task 1: A\n\n**Acceptance Criteria:**\n- [ ] x\n- [ ] y\n\nrest\n")
        assert task_of(plan, "1").acceptance == ("x", "y")
        assert task_of(plan, "1").steps == ()

    def test_an_item_makes_its_list_acceptance(self, read: Read) -> None:
        plan = read("- [ ] 1.1 A\n  - Acceptance:\n    - [ ] x\n  - [ ] step\n")
        assert task_of(plan, "1.1").acceptance == ("x",)
        assert [step.text for step in task_of(plan, "1.1").steps] == ["step"]

    def test_subsection_of_a_heading_task(self, read: Read) -> None:
        plan = read("### Task 1: A\n\n- [ ] do\n\n#### Acceptance\n- [ ] x\n\n### Task 2: B\n")
        assert task_of(plan, "1").acceptance == ("x",)

    def test_it_reaches_the_headings_below(self, read: Read) -> None:
        plan = read(
            "## Work\n- [ ] A\n\n## Checklist\n\n### Backend\n- [ ] x\n\n### Frontend\n- [ ] y\n"
        )
        assert [task.title for task in plan.tasks()] == ["A"]

    def test_batch_gets_what_stands_in_its_section(self, read: Read) -> None:
        plan = read("## Phase 1: A\n- [ ] 1.1 a\n- [ ] 1.2 b\n\n### Success criteria\n- [ ] x\n")
        assert plan.batches[0].acceptance == ("x",)

    def test_a_named_phase_is_work_whatever_its_title(self, read: Read) -> None:
        plan = read("## Phase 1: Build\n- [ ] a\n\n## Phase 2: Verification\n- [ ] b\n")
        assert [task.title for task in plan.tasks()] == ["a", "b"]

    def test_where_nothing_else_is_a_task_they_are(self, read: Read) -> None:
        plan = read("# Release\n\n## Checklist\n- [ ] tag\n- [x] notes\n")
        assert counts(plan) == (1, 2, 1)

    def test_but_never_a_definition_of_done(self, read: Read) -> None:
        plan = read("# X\n\n## Definition of Done\n- [ ] reviewed\n")
        assert [task.title for task in plan.tasks()] == []
        assert plan.errors[0].code == "E02"

    def test_a_closed_list_with_a_number_is_no_task(self, read: Read) -> None:
        plan = read(
            "## Phase 0: A\n\n### 0.1 Build\n- [ ] x\n\n### 0.2 Acceptance criteria\n- [ ] y\n"
        )
        assert [task.id for task in plan.tasks()] == ["0.1"]


class TestMarks:
    """R4."""

    @pytest.mark.parametrize(
        ("mark", "state"),
        [
            (" ", S.TODO), ("x", S.DONE), ("X", S.DONE), ("-", S.IN_PROGRESS), ("~", S.IN_PROGRESS),
            ("/", S.IN_PROGRESS), (">", S.IN_PROGRESS), ("!", S.BLOCKED), ("?", S.TODO),
            ("✅", S.DONE), ("⏳", S.IN_PROGRESS),
        ],
    )  # fmt: skip
    def test_states(self, read: Read, mark: str, state: PlanTaskState) -> None:
        assert task_of(read(f"- [{mark}] 1.1 A\n- [ ] 1.2 B\n"), "1.1").state is state

    def test_legends_and_labels_are_no_boxes(self, read: Read) -> None:
        plan = read(
            "- [P] tasks = different files\n- [US1] story\n- [ ] T001 A\n"
            "- [ ] T002 B\n- [ ] T003 C\n"
        )
        assert [task.id for task in plan.tasks()] == ["T001", "T002", "T003"]

    def test_an_unknown_sign_is_open_and_said(self, read: Read, codes: Codes) -> None:
        plan = read("- [+] 1.1 A\n- [ ] 1.2 B\n")
        assert task_of(plan, "1.1").state is S.TODO
        assert codes(plan) == ["W03"]

    def test_half_done_is_not_done(self, read: Read) -> None:
        plan = read("".join(f"- [{'x' if n < 3 else '~'}] 1.{n} t\n" for n in range(1, 20)))
        assert counts(plan) == (0, 19, 2)

    def test_optional(self, read: Read) -> None:
        plan = read("- [ ] 1. A\n  - [ ]* 1.1 tests\n  - [ ] 1.2 b\n")
        assert task_of(plan, "1.1").optional
        assert not task_of(plan, "1.2").optional

    def test_malformed_boxes_are_said(self, read: Read, codes: Codes) -> None:
        plan = read("- [ ] 1.1 A\n- [] 1.2 B\n- [ x ] 1.3 C\n- [x ] 1.4 D\n- [ ] 1.5 E\n")
        assert codes(plan) == ["W03", "W03", "W03"]


class TestStatus:
    """R5: what counts more."""

    def test_own_mark_over_the_heading_around(self, read: Read, codes: Codes) -> None:
        plan = read("## Phase 1: A (COMPLETE)\n- [x] 1.1 a\n- [ ] 1.2 b\n")
        assert [task.state for task in plan.tasks()] == [S.DONE, S.TODO]
        assert codes(plan) == ["W10"]

    def test_heading_mark_and_tick(self, read: Read) -> None:
        plan = read(
            "### [x] Task 1.1: a\n### Task 1.2: b ✅\n### ✅ Task 1.3: c\n### [ ] Task 1.4: d\n"
        )
        assert [task.state for task in plan.tasks()] == [S.DONE, S.DONE, S.DONE, S.TODO]
        assert [task.title for task in plan.tasks()] == ["a", "b", "c", "d"]

    def test_all_steps_done(self, read: Read) -> None:
        plan = read(
            "### Task 1: A\n- [x] a\n- [x] b\n### Task 2: B\n- [x] a\n"
            "- [ ] b\n### Task 3: C\n- [ ] a\n"
        )
        assert [task.state for task in plan.tasks()] == [S.DONE, S.IN_PROGRESS, S.TODO]

    def test_steps_over_the_batch(self, read: Read) -> None:
        plan = read("## Phase 1: A (COMPLETE)\n### Task 1: A\n- [ ] a\n### Task 2: B\n")
        assert [task.state for task in plan.tasks()] == [S.TODO, S.DONE]

    def test_section_named_after_a_status(self, read: Read) -> None:
        plan = read(
            "## Completed\n### Task 1: A\n## In Progress\n### Task 2: B\n"
            "## Blocked\n### Task 3: C\n"
        )
        assert [task.state for task in plan.tasks()] == [S.DONE, S.IN_PROGRESS, S.BLOCKED]
        assert counts(plan)[0] == 0

    def test_status_field(self, read: Read) -> None:
        plan = read(
            "### Task 1: A\n**Status:** ✅ Complete\n### Task 2: B\n**Status:** In progress\n"
        )
        assert [task.state for task in plan.tasks()] == [S.DONE, S.IN_PROGRESS]

    def test_status_column(self, read: Read) -> None:
        plan = read(
            "| Task | Title | Status |\n|---|---|---|\n| S01 | a | **Done** |\n| S02 | b | open |\n"
        )
        assert [task.state for task in plan.tasks()] == [S.DONE, S.TODO]

    def test_open_box_with_a_tick(self, read: Read, codes: Codes) -> None:
        plan = read("- [ ] ✅ 1.1 A\n- [ ] 1.2 B\n")
        assert task_of(plan, "1.1").state is S.TODO
        assert "W10" in codes(plan)

    def test_struck_is_cancelled_unless_ticked(self, read: Read) -> None:
        plan = read("- [ ] ~~1.1 A~~\n- [x] ~~1.2 B~~\n- [ ] 1.3 C\n")
        assert [task.state for task in plan.tasks()] == [S.CANCELLED, S.DONE, S.TODO]

    def test_prose_does_not_tick(self, read: Read, codes: Codes) -> None:
        plan = read("- [ ] 1.1 A\n- [ ] 1.2 B\n\n## Log\n- ✅ **1.1 A**: finished\n")
        assert counts(plan)[2] == 0
        assert codes(plan) == ["W10"]


class TestHidden:
    """R6: code and comments."""

    def test_boxes_in_fences_and_comments(self, read: Read, codes: Codes) -> None:
        plan = read("- [ ] 1.1 A\n- [ ] 1.2 B\n```\n- [ ] 1.3 no\n```\n<!--\n- [ ] 1.4 no\n-->\n")
        assert [task.id for task in plan.tasks()] == ["1.1", "1.2"]
        assert codes(plan) == []

    def test_an_unclosed_fence_with_boxes_is_said(self, read: Read, codes: Codes) -> None:
        plan = read("- [ ] 1.1 A\n- [ ] 1.2 B\n\n```\n- [ ] 1.3 lost\n- [ ] 1.4 lost\n")
        assert "W04" in codes(plan)

    def test_an_unclosed_comment_with_boxes_is_said(self, read: Read, codes: Codes) -> None:
        assert "W04" in codes(read("- [ ] 1.1 A\n\n<!-- \n- [ ] 1.3 lost\n"))

    def test_many_ids_in_one_fence_are_said(self, read: Read) -> None:
        inside = "".join(f"- [ ] 2.{n} x\n" for n in range(1, 7))
        plan = read(f"- [ ] 1.1 A\n- [ ] 1.2 B\n```\n{inside}```\n")
        (found,) = [d for d in plan.diagnostics if d.code == "W04"]
        assert "lines 3 to 10" in found.message

    def test_few_ids_in_a_fence_are_an_example(self, read: Read, codes: Codes) -> None:
        plan = read("- [ ] 1.1 A\n- [ ] 1.2 B\n```\n- [ ] 2.1 x\n- [ ] 2.2 y\n```\n")
        assert codes(plan) == []


class TestDeclaredDependencies:
    """R7."""

    def test_fields_and_titles(self, read: Read) -> None:
        plan = read(
            "- [ ] T001 a\n- [ ] T002 b (depends on T001)\n- [ ] T003 c\n"
            "  - Depends on: T001, T002\n"
        )
        assert task_of(plan, "T002").depends_on == ("T001",)
        assert task_of(plan, "T003").needs == ("T001", "T002")

    def test_all(self, read: Read) -> None:
        plan = read("- [ ] #1 a\n- [ ] #2 b\n- [ ] #3 c (depends: all)\n")
        assert task_of(plan, "#3").needs == ("#1", "#2")

    def test_prose_is_nothing(self, read: Read) -> None:
        plan = read(
            "- [ ] T001 a, parallel-safe with T002\n- [ ] T002 b\n- [ ] T003 c\n\n"
            "## Dependencies & Execution Order\n\n- T001 must wait for T003\n"
        )
        assert all(task.needs == () for task in plan.tasks())

    def test_ids_after_parallel_and_not(self, read: Read) -> None:
        plan = read("### Task 1: A\n### Task 2: B\n**Depends on:** none, parallel with Task 1\n")
        assert task_of(plan, "2").needs == ()

    def test_span(self, read: Read) -> None:
        plan = read(
            "".join(f"- [ ] T00{n} x\n" for n in range(1, 5))
            + "- [ ] T005 y (depends on T001-T003)\n"
        )
        assert task_of(plan, "T005").needs == ("T001", "T002", "T003")

    def test_versions_in_prerequisites_are_no_dependencies(self, read: Read, codes: Codes) -> None:
        plan = read("### Task 1: A\n**Prerequisites:** Python 3.11, Node 18\n### Task 2: B\n")
        assert codes(plan) == []
        assert task_of(plan, "1").depends_on == ()

    def test_by_batch_title_and_slug(self, read: Read) -> None:
        plan = read(
            "## Setup\n- [ ] 1.1 a\n## Work {depends_on: [Setup]}\n"
            "- [ ] 2.1 b\n## Rest\n- [ ] 3.1 c\n"
        )
        assert task_of(plan, "2.1").needs == ("1.1",)


class TestOrder:
    """R8."""

    def test_speckit_markers(self, read: Read) -> None:
        plan = read(
            "## Phase 1: A\n- [ ] T001 a\n- [ ] T002 [P] b\n- [ ] T003 [P] c\n- [ ] T004 d\n"
            "## Phase 2: B\n- [ ] T005 e\n"
        )
        waits = {task.id: set(task.waits_for) for task in plan.tasks()}
        assert waits["T002"] == waits["T003"] == {"T001"}
        assert waits["T004"] == {"T002", "T003"}
        assert waits["T005"] == {"T001", "T002", "T003", "T004"}

    def test_kiro_is_sequential(self, read: Read) -> None:
        plan = read("- [ ] 1. A\n  - [ ] 1.1 a\n  - [ ] 1.2 b\n- [ ] 2. B\n  - [ ] 2.1 c\n")
        assert task_of(plan, "1.2").waits_for == ("1.1",)
        assert set(task_of(plan, "2.1").waits_for) == {"1.1", "1.2"}

    def test_headings_boxes_and_tables_are_parallel_in_a_batch(self, read: Read) -> None:
        plan = read(
            "## Batch 1: A\n### Task 1.1: a\n### Task 1.2: b\n## Batch 2: B\n### Task 2.1: c\n"
        )
        assert task_of(plan, "1.2").waits_for == ()
        assert set(task_of(plan, "2.1").waits_for) == {"1.1", "1.2"}
        assert all(task.parallel for task in plan.tasks())

    def test_superpowers_is_sequential(self, read: Read) -> None:
        plan = read("### Task 1: A\n- [ ] **Step 1: x**\n### Task 2: B\n- [ ] **Step 1: y**\n")
        assert plan.dialect == "superpowers"
        assert task_of(plan, "2").waits_for == ("1",)

    def test_a_childless_box_keeps_its_place_in_the_order(self, read: Read) -> None:
        plan = read("- [ ] 1. A\n  - [ ] 1.1 a\n- [ ] 2. check\n- [ ] 3. B\n  - [ ] 3.1 b\n")
        assert task_of(plan, "2").waits_for == ("1.1",)
        assert task_of(plan, "3.1").waits_for == ("2",)

    def test_declared_batches_are_no_barriers(self, read: Read) -> None:
        plan = read(
            "## Batch 1: A\n### Task 1.1: a\n## Batch 2: B\n"
            "**Dependencies:** None\n### Task 2.1: b\n"
            "## Batch 3: C\n**Dependencies:** Batch 1\n### Task 3.1: c\n"
        )
        assert task_of(plan, "2.1").waits_for == ()
        assert task_of(plan, "3.1").waits_for == ("1.1",)

    def test_a_forward_dependency_is_no_deadlock(self, read: Read) -> None:
        plan = read("- [ ] T001 a (depends on T003)\n- [ ] T002 b\n- [ ] T003 c\n")
        waits = {task.id: set(task.waits_for) for task in plan.tasks()}
        assert "T003" in waits["T001"]
        order: list[str] = []
        while len(order) < 3:
            ready = [
                one for one, needs in waits.items() if one not in order and needs <= set(order)
            ]
            assert ready, f"deadlock in {waits}"
            order.append(ready[0])

    def test_same_file_is_said(self, read: Read) -> None:
        plan = read("### Task 1: A\n**Files:** `a.py`\n### Task 2: B\n**Files:** `a.py`, `b.py`\n")
        (found,) = plan.diagnostics
        assert found.code == "W13"
        assert "1, 2" in found.message

    def test_same_file_in_order_is_fine(self, read: Read, codes: Codes) -> None:
        plan = read(
            "### Task 1: A\n**Files:** `a.py`\n### Task 2: B\n"
            "**Files:** `a.py`\n**Depends on:** 1\n"
        )
        assert codes(plan) == []


class TestMadeIds:
    """R9."""

    def test_from_the_batch(self, read: Read) -> None:
        plan = read("## Phase 2: X\n- [ ] a\n- [ ] b\n## Setup\n- [ ] c\n## 3. Third\n- [ ] d\n")
        assert [task.id for task in plan.tasks()] == ["p2-1", "p2-2", "setup-1", "3-1"]
        assert all(task.id_is_made for task in plan.tasks())

    def test_two_batches_of_one_name(self, read: Read) -> None:
        ids = [task.id for task in read("## Setup\n- [ ] a\n## Setup\n- [ ] b\n").tasks()]
        assert len(set(ids)) == 2

    def test_beside_given_ids(self, read: Read) -> None:
        plan = read("- [ ] 1.1 a\n- [ ] forgot the id\n- [ ] 1.2 b\n")
        assert [task.id for task in plan.tasks()] == ["1.1", "t-1", "1.2"]


class TestTwice:
    """R10, R11 and R23."""

    def test_heading_and_its_box(self, read: Read) -> None:
        plan = read("## Task 1: A\n- [x] 1. A\n  - detail\n## Task 2: B\n- [ ] 2. B\n")
        assert [(task.id, task.state) for task in plan.tasks()] == [("1", S.DONE), ("2", S.TODO)]

    def test_mirror(self, read: Read, codes: Codes) -> None:
        plan = read(
            "## Plan\n- [ ] T001 a\n- [ ] T002 b\n- [ ] T003 c\n## Progress\n- [ ] T001 a\n"
        )
        assert counts(plan)[1] == 3
        assert codes(plan) == ["W06"]
        assert len(task_of(plan, "T001").mirror_offsets) == 1

    def test_other_title_is_an_error_but_both_are_shown(self, read: Read) -> None:
        plan = read("- [ ] 1.2 a\n- [ ] 1.3 b\n- [ ] 1.2 c\n")
        assert counts(plan)[1] == 3
        (error,) = plan.errors
        assert error.code == "E05"
        assert "lines 1 and 3" in error.message

    def test_progress_copy(self, read: Read, codes: Codes) -> None:
        boxes = "".join(f"- [ ] item number {n}\n" for n in range(10))
        plan = read(f"# P\n## Backend\n{boxes}\n# Progress\n## Backend\n{boxes}")
        assert counts(plan)[1] == 10
        assert codes(plan) == ["W06"]

    def test_same_title_other_content_is_no_copy(self, read: Read) -> None:
        plan = read("## A\n### Tests\n- [ ] x\n- [ ] y\n## B\n### Tests\n- [ ] v\n- [ ] w\n")
        assert counts(plan)[1] == 4


class TestBatches:
    """R12, R17, R20, R22."""

    def test_numbers_are_text_and_document_order_wins(self, read: Read) -> None:
        plan = read("## Phase 14: A\n- [ ] a\n## Phase 13.5: B\n- [ ] b\n## Phase 4A: C\n- [ ] c\n")
        assert [batch.id for batch in plan.batches] == ["14", "13.5", "4A"]
        assert plan.batches[1].tasks[0].waits_for == ("p14-1",)

    def test_two_of_one_number(self, read: Read) -> None:
        plan = read("## Phase 14: A\n- [ ] a\n## Phase 14: B\n- [ ] b\n")
        assert len({batch.id for batch in plan.batches}) == 2

    def test_innermost_heading_counts(self, read: Read) -> None:
        plan = read(
            "## Phase 1: A\n### Tests\n- [ ] T001 a\n- [ ] T002 b\n### Code\n- [ ] T003 c\n"
        )
        assert [batch.title for batch in plan.batches] == ["Tests", "Code"]

    def test_a_flat_file_has_none(self, read: Read) -> None:
        assert counts(read("# Todo\n\n- [ ] a\n- [ ] b\n"))[0] == 0
        assert counts(read("- [ ] a\n"))[0] == 0

    def test_a_childless_box_is_no_batch(self, read: Read) -> None:
        assert counts(read("- [ ] 1. A\n  - [ ] 1.1 a\n- [ ] 2. B\n"))[:2] == (1, 2)

    def test_plain_bullets_under_tasks_in_a_phase(self, read: Read, shape: Shape) -> None:
        plan = read("## Phase 1: A\n### Task 1.1: x\n## Phase 4: B\n### Tasks\n- one\n- two\n")
        assert shape(plan) == [("1", ["1.1"]), ("4", ["p4-1", "p4-2"])]

    def test_plain_bullets_under_tasks_elsewhere_are_an_offer(self, read: Read) -> None:
        plan = read("# X\n\n## Tasks\n- one\n- two\n")
        assert counts(plan) == (0, 0, 0)
        assert [(offer.kind, len(offer.batch.tasks)) for offer in plan.offers] == [("bullets", 2)]

    def test_a_batch_without_tasks_is_dropped_and_said(self, read: Read, codes: Codes) -> None:
        plan = read("## Phase 1: A\n- [ ] 1.1 x\n- [ ] 1.2 y\n## Phase 2: B\n- just a bullet\n")
        assert [batch.id for batch in plan.batches] == ["1"]
        assert codes(plan) == ["W11"]

    def test_declared_count(self, read: Read) -> None:
        plan = read("## Batch 1: A (3 tasks)\n### Task 1.1: a\n### Task 1.2: b\n")
        assert plan.batches[0].title == "A"
        (found,) = plan.diagnostics
        assert (found.code, found.message) == ("W12", "the heading says 3 tasks, found 2")

    def test_checkpoint_in_the_title(self, read: Read) -> None:
        plan = read("## Phase 1: A [checkpoint: 97e1a43]\n- [x] Task: b [93760ce]\n")
        assert plan.batches[0].title == "A"
        assert plan.batches[0].tasks[0].title == "b"


class TestHeadingTasks:
    """R18 and R21."""

    def test_numbered_headings_only_without_boxes_with_ids(self, read: Read, codes: Codes) -> None:
        plan = read(
            "## 1. A\n### 1.1 chapter\n- [ ] T001 a\n- [ ] T002 b\n- [ ] T003 c\n### 1.2 other\n"
        )
        assert [task.id for task in plan.tasks()] == ["T001", "T002", "T003"]
        assert "W11" in codes(plan)

    def test_numbered_headings_with_steps(self, read: Read) -> None:
        plan = read("# Plan\n## 1. A\n### 1.1 a\n**Steps:**\n- x\n### 1.2 b\n**Steps:**\n- y\n")
        assert [task.id for task in plan.tasks()] == ["1.1", "1.2"]

    def test_chapters_of_a_document_are_no_tasks(self, read: Read) -> None:
        plan = read("# Design\n### 1.1 Goals\ntext\n### 1.2 Limits\ntext\n", path="docs/design.md")
        assert counts(plan)[1] == 0

    def test_only_those_in_phases_where_phases_are_named(self, read: Read) -> None:
        plan = read("# Plan\n## 1. Intro\n### 1.1 Why\n## Phase 1: A\n### 2.1 a\n### 2.2 b\n")
        assert [task.id for task in plan.tasks()] == ["2.1", "2.2"]

    def test_lettered_ids(self, read: Read) -> None:
        plan = read("# Plan\n### AUTH-001: Login\n### AUTH-002 — Logout\n")
        assert [task.id for task in plan.tasks()] == ["AUTH-001", "AUTH-002"]

    def test_one_word_with_a_number_is_no_id(self, read: Read) -> None:
        plan = read("# Plan\n- [ ] UTF-8 support\n- [ ] Login page\n")
        assert [task.title for task in plan.tasks()] == ["UTF-8 support", "Login page"]

    def test_task_boxes_below_numbered_headings(self, read: Read, shape: Shape) -> None:
        plan = read("## Phase 1: A\n### 1.1 Part\n- [ ] Task: a\n- [ ] Task: b\n")
        assert [len(ids) for _, ids in shape(plan)] == [2]

    def test_step_headings_only_where_nothing_else_is(self, read: Read) -> None:
        assert counts(read("# Plan\n## Step 1: a\n## Step 2: b\n"))[1] == 2
        assert counts(read("# Plan\n## Task 1: a\n### Step 1: b\n"))[1] == 1
        assert counts(read("# Plan\n## Step 1: a\ntext\n## Todo list\n- [ ] b\n"))[1] == 1


class TestTitlesAndFiles:
    """R13 and R14."""

    def test_title(self, read: Read) -> None:
        plan = read(
            "- [x] **T001** [P] [US1] **Make** `a.py` [93760ce]\n- [ ] T002 b\n- [ ] T003 c\n"
        )
        task = task_of(plan, "T001")
        assert task.title == "Make `a.py`"
        assert task.labels == ("US1",)
        assert [file.path for file in task.files] == ["a.py"]

    def test_files_never_from_fences(self, read: Read) -> None:
        plan = read("### Task 1: A\n**Source Files:**\n```\na.py\nb/c.py\n```\n")
        assert task_of(plan, "1").files == ()
        assert "b/c.py" in task_of(plan, "1").body

    def test_superpowers_files(self, read: Read) -> None:
        plan = read(
            "### Task 1: A\n\n**Files:**\n- Create: `a/b.py`\n- Modify: `c.py:123-145`\n"
            "- Test: `tests/t.py`\n\n- [ ] **Step 1: x**\n"
        )
        files = task_of(plan, "1").files
        assert [(file.path, file.op and file.op.value, file.lines) for file in files] == [
            ("a/b.py", "create", None), ("c.py", "modify", "123-145"), ("tests/t.py", "test", None),
        ]  # fmt: skip


class TestFrontMatter:
    """R15."""

    def test_invalid_yaml_is_a_warning(self, read: Read, codes: Codes) -> None:
        plan = read('---\nkey: "a\\.b"\n---\n- [ ] 1.1 A\n- [ ] 1.2 B\n')
        assert codes(plan) == ["W02"]
        assert plan.errors == ()
        assert counts(plan)[1] == 2

    def test_invalid_yaml_of_our_own_format_is_an_error(self, read: Read) -> None:
        plan = read('---\ncc4: 1\nkey: "a\\.b"\n---\n- [ ] 1.1 A\n')
        assert [error.code for error in plan.errors] == ["W02"]

    def test_none_of_a_foreign_front_matter_is_a_default(self, read: Read) -> None:
        plan = read("---\npriority: P0\nagent: bob\n---\n- [ ] 1.1 A\n")
        assert task_of(plan, "1.1").agent is None


class TestLimits:
    """R16."""

    def test_bytes(self, read: Read) -> None:
        plan = read("- [ ] a\n" + "x" * 5 * 1024 * 1024)
        assert [error.code for error in plan.errors] == ["E09", "E02"][:1]

    def test_lines(self, read: Read) -> None:
        assert read("\n" * 200_001).errors[0].code == "E09"

    def test_tasks(self, read: Read) -> None:
        plan = read("".join(f"- [ ] 1.{n} t\n" for n in range(1, 20_050)))
        assert counts(plan)[1] == 20_000
        assert plan.errors[0].code == "E09"
        assert plan.errors[0].line == 20_001

    def test_nesting(self, read: Read) -> None:
        text = "".join(f"{'  ' * depth}- [ ] level {depth}\n" for depth in range(20))
        assert counts(read(text))[1] == 1


class TestFieldsAndStatusAsWritten:
    """What people leave out: the blank line before a field, the mark of a heading."""

    def test_bold_fields_right_below_a_box(self, read: Read) -> None:
        plan = read(
            "- [ ] 1.1 A\n- [ ] 1.2 B\n  **Files:** `x.py`\n  **Depends on:** 1.1\n  and text\n"
        )
        task = task_of(plan, "1.2")
        assert [file.path for file in task.files] == ["x.py"]
        assert task.depends_on == ("1.1",)

    def test_bullets_under_tasks_in_a_phase_alone(self, read: Read, shape: Shape) -> None:
        plan = read("## Phase 4: Last\n### Tasks\n- one\n- two\n  - detail\n\n## Other\n- no\n")
        assert shape(plan) == [("4", ["p4-1", "p4-2"])]
        assert plan.dialect == "headings"

    def test_front_matter_says_done_where_nothing_else_speaks(
        self, read: Read, codes: Codes
    ) -> None:
        text = "---\nstatus: completed\n---\n## Phase 1: A\n### Task 1.1: a\n### [ ] Task 1.2: b\n"
        plan = read(text)
        assert [task.state for task in plan.tasks()] == [S.DONE, S.TODO]
        assert codes(plan) == ["W10"]
        assert plan.diagnostics[0].message == "the plan is marked as done, but task 1.2 is not"

    def test_lines_in_a_fence_under_tasks_stay_an_offer(self, read: Read) -> None:
        plan = read("## Phase 1\n### Tasks\n```\n[ ] 1.1 A\n[x] 1.2 B\n```\n")
        assert plan.dialect == "offers"
        assert [len(offer.batch.tasks) for offer in plan.offers] == [2]

    def test_a_leaf_belongs_to_its_group(self, read: Read, shape: Shape) -> None:
        text = "- [ ] 1.1 A {priority: P1}\n  - [ ] one\n  - [ ] two\n- [ ] 1.2 B\n"
        plan = read(text, granularity="leaf")
        assert shape(plan) == [("1.1", ["1.1-1", "1.1-2"]), ("", ["1.2"])]
        assert task_of(plan, "1.1-2").priority == "P1"

    def test_emphasis_around_id_and_title(self, read: Read) -> None:
        plan = read("- [ ] *1.1 A*\n- [ ] _1.2 B_\n- [ ] **1.3 C**\n")
        assert [task.title for task in plan.tasks()] == ["A", "B", "C"]
