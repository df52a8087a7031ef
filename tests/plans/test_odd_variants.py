"""Oddities that were met in real files: each is read as people meant it."""

from collections.abc import Callable

from cc4tui.domain.plan import Plan, PlanTaskState
from cc4tui.services.plans.report import plan_to_json
from cc4tui.services.plans.writeback import tick


Read = Callable[..., Plan]
Codes = Callable[[Plan], list[str]]
S = PlanTaskState


def ids(plan: Plan) -> list[str]:
    return [task.id for task in plan.tasks()]


def done(plan: Plan) -> int:
    return int(plan_to_json(plan)["counts"]["done"])


class TestBoxesThatAreNoTasks:
    """Acceptance, steps, legends."""

    def test_definition_of_done_and_qa_checklist(self, read: Read) -> None:
        plan = read(
            "## Phase 1: A\n- [ ] 1.1 a\n- [x] 1.2 b\n\n## Definition of Done\n- [ ] reviewed\n\n"
            "## QA Checklist\n- [x] tested\n"
        )
        assert ids(plan) == ["1.1", "1.2"]

    def test_completion_condition_as_a_nested_bullet(self, read: Read) -> None:
        plan = read("- [ ] T001 a\n  - Completion condition: it runs\n- [ ] T002 b\n- [ ] T003 c\n")
        assert ids(plan) == ["T001", "T002", "T003"]

    def test_steps_in_a_task_with_many_fenced_headings(self, read: Read) -> None:
        fence = "```md\n" + "".join(f"### Task {n}: fake\n" for n in range(50)) + "```\n"
        plan = read(f"### Task 1: A\n\n- [ ] **Step 1: x**\n\n{fence}\n### Task 2: B\n")
        assert ids(plan) == ["1", "2"]

    def test_legend_reads_like_a_box(self, read: Read) -> None:
        plan = read("- [P] may run in parallel\n- [ ] T001 a\n- [ ] T002 b\n- [ ] T003 c\n")
        assert len(ids(plan)) == 3

    def test_label_subtasks(self, read: Read) -> None:
        plan = read("- [ ] T001 [Subtasks] a\n- [ ] T002 b\n- [ ] T003 c\n")
        assert next(plan.tasks()).labels == ("Subtasks",)


class TestTasksThatAreNoBoxes:
    """Headings, tables, bullets, emoji, fences, XML."""

    def test_headings_with_steps_words(self, read: Read) -> None:
        plan = read(
            "## Section\n### 1.1 First\n**Steps:**\n1. a\n### 1.2 Second\n**Steps:**\n1. b\n"
        )
        assert ids(plan) == ["1.1", "1.2"]

    def test_step_paragraphs_without_boxes(self, read: Read) -> None:
        plan = read(
            "# P\n\nsuperpowers:executing-plans\n\n### Task 1: A\n\n"
            "**Step 1:** x\n\n### Task 2: B\n"
        )
        assert (plan.dialect, ids(plan)) == ("superpowers", ["1", "2"])

    def test_task_level_two(self, read: Read) -> None:
        assert ids(read("## Task 1: A\ntext\n## Task 2: B\n")) == ["1", "2"]

    def test_lettered_task_numbers_with_phases_around(self, read: Read) -> None:
        plan = read("## Phase 1: X\n### Task 4A: a\n### Task 4B: b\n## Phase 2: Y\n### Task 5: c\n")
        assert ids(plan) == ["4A", "4B", "5"]
        assert len(plan.batches) == 2

    def test_heading_with_a_box_in_it(self, read: Read) -> None:
        plan = read(
            "## Phase 1: X\n### [x] Task 1.1: a\n### [ ] Task 1.2: b\n### [~] Task 1.3: c\n"
        )
        assert [task.state for task in plan.tasks()] == [S.DONE, S.TODO, S.IN_PROGRESS]

    def test_table_with_bold_ids_and_a_second_index(self, read: Read, codes: Codes) -> None:
        plan = read(
            "| ID | What | **Done** |\n|---|---|---|\n"
            "| **S01** | a | **Done** |\n| **S02** | b | |\n\n"
            "## By owner\n\n| Task | Owner |\n|---|---|\n| S02 | x |\n| S01 | y |\n"
        )
        assert ids(plan) == ["S01", "S02"]
        assert done(plan) == 1
        assert codes(plan) == []

    def test_emoji_lines(self, read: Read) -> None:
        plan = read(
            "# Progress\n\n## Done\n- ✅ Task 013: a\n- ✅ Task 014: b\n\n"
            "## Next\n- ⏳ Task 015: c\n"
            "- ⬜ Task 016: d\n- Task 017: e\n"
        )
        assert ids(plan) == ["013", "014", "015", "016", "017"]
        assert done(plan) == 2

    def test_emoji_lines_beside_headings_are_a_report(self, read: Read) -> None:
        plan = read("### Task 1: A\n### Task 2: B\n\n## Log\n- ✅ Task 1: finished, see PR\n")
        assert [(task.title, task.state) for task in plan.tasks()] == [("A", S.TODO), ("B", S.TODO)]

    def test_lines_without_bullets_in_a_fence(self, read: Read) -> None:
        text = "## Phase 1\n### Tasks\n```\n[ ] 1.1 first\n[x] 1.2 second\n    detail\n```\n"
        plan = read(text)
        assert ids(plan) == []
        assert [(offer.kind, len(offer.batch.tasks)) for offer in plan.offers] == [("fence", 2)]
        taken = read(text, accept_offers=True)
        assert [(task.id, task.state) for task in taken.tasks()] == [
            ("1.1", S.TODO),
            ("1.2", S.DONE),
        ]

    def test_ticking_a_line_in_a_fence(self, read: Read) -> None:
        data = b"### Tasks\n```\n[ ] 1.1 first\n[ ] 1.2 second\n```\n"
        plan = read(data.decode(), accept_offers=True)
        assert tick(data, plan, "1.2") == data.replace(b"[ ] 1.2", b"[x] 1.2")

    def test_xml_tasks(self, read: Read) -> None:
        plan = read(
            '<task type="auto">\n<name>A</name>\n</task>\n\n'
            '<task type="auto">\n<name>B</name>\n</task>\n'
        )
        assert [task.title for task in plan.tasks()] == ["A", "B"]

    def test_github_tasklist_fence(self, read: Read, codes: Codes) -> None:
        inside = "".join(f"- [ ] #{n}\n" for n in range(240, 247))
        plan = read(f"# Epic\n\n```[tasklist]\n{inside}```\n")
        assert "W04" in codes(plan)

    def test_issue_numbers_as_boxes(self, read: Read, codes: Codes) -> None:
        plan = read("- [ ] #246\n- [x] #247\n- [ ] #248 with a title\n")
        assert ids(plan) == ["#246", "#247", "#248"]
        assert "E03" not in codes(plan)


class TestStatusElsewhere:
    """Headings, sections, columns."""

    def test_all_kinds(self, read: Read) -> None:
        plan = read(
            "## Phase 1: A (COMPLETE)\n### Task 1.1: a\n"
            "## Phase 2: B ✅ COMPLETE\n### Task 2.1: b\n"
            "## Phase 3: C\n### Task 3.1: c\n"
        )
        assert [task.state for task in plan.tasks()] == [S.DONE, S.DONE, S.TODO]

    def test_sections_completed_in_progress_pending_blocked(self, read: Read) -> None:
        plan = read(
            "# Board\n## Completed ✅\n- [x] a\n## In Progress\n- [ ] b\n"
            "## Pending\n- [ ] c\n## Blocked\n- [ ] d\n"
        )
        assert [task.title for task in plan.tasks()] == ["a", "b", "c", "d"]
        assert plan_to_json(plan)["counts"]["batches"] == 0
        assert done(plan) == 1

    def test_mojibake_ticks(self, read: Read, codes: Codes) -> None:
        plan = read("- âœ… Task 1: a\n- âŒ Task 2: b\n")
        assert [task.state for task in plan.tasks()] == [S.DONE, S.TODO]
        assert "W14" in codes(plan)

    def test_mojibake_behind_an_open_box(self, read: Read, codes: Codes) -> None:
        plan = read("- [ ] âœ… a\n- [ ] b\n")
        assert done(plan) == 0
        assert {"W10", "W14"} <= set(codes(plan))


class TestToldTwice:
    """Plan part and progress part, double numbers."""

    def test_plan_and_progress(self, read: Read, codes: Codes) -> None:
        boxes = "".join(f"- [ ] do thing number {n}\n" for n in range(12))
        ticked = boxes.replace("[ ]", "[x]", 4)
        plan = read(
            f"# Plan\n## Backend\n{boxes}## Frontend\n- [ ] x\n\n# Progress\n## Backend\n{ticked}"
        )
        assert len(ids(plan)) == 13
        assert "W06" in codes(plan)

    def test_phases_out_of_order(self, read: Read) -> None:
        plan = read("## Phase 14: A\n- [ ] a\n## Phase 14: B\n- [ ] b\n## Phase 13.5: C\n- [ ] c\n")
        assert [batch.name for batch in plan.batches] == ["Phase 14", "Phase 14", "Phase 13.5"]
        assert len(set(ids(plan))) == 3

    def test_many_ids_used_again_with_other_titles(self, read: Read) -> None:
        first = "".join(f"- [ ] 1.{n} a{n}\n" for n in range(1, 62))
        plan = read(first + first.replace("a", "b"))
        assert len(ids(plan)) == 122
        assert {error.code for error in plan.errors} == {"E05"}
        assert len(plan.errors) == 61


class TestBytes:
    """Line ends, tabs, languages."""

    def test_crlf(self, read: Read) -> None:
        plan = read("# A\r\n\r\n## Phase 1: B\r\n\r\n- [ ] 1.1 a\r\n- [x] 1.2 b\r\n")
        assert (ids(plan), done(plan)) == (["1.1", "1.2"], 1)
        assert next(plan.tasks()).title == "a"

    def test_mixed_line_ends(self, read: Read) -> None:
        assert ids(read("- [ ] 1.1 a\r\n- [ ] 1.2 b\n- [ ] 1.3 c\r")) == ["1.1", "1.2", "1.3"]

    def test_tabs_as_indent(self, read: Read) -> None:
        plan = read("- [ ] 1. A\n\t- [ ] 1.1 a\n\t\t- detail\n\t- [ ] 1.2 b\n")
        assert ids(plan) == ["1.1", "1.2"]

    def test_other_languages(self, read: Read) -> None:
        plan = read(
            "## フェーズ 1: 準備\n\n### タスク 1: 構造\n\n- [ ] **ステップ 1.1: 書く**\n\n"
            "### タスク 2: 検証\n\n- [ ] **ステップ 2.1: 見る**\n"
        )
        assert ids(plan) == ["1", "2"]
        assert [len(task.steps) for task in plan.tasks()] == [1, 1]

    def test_full_width_colon(self, read: Read) -> None:
        assert [
            t.title for t in read("## 阶段 1：准备\n- [ ] 任务 1：写\n- [ ] 任务 2：读\n").tasks()
        ] == ["写", "读"]

    def test_emoji_in_titles(self, read: Read) -> None:
        plan = read("- [ ] 1. 🚀 Launch\n- [ ] 2. 🐛 Fix\n")
        assert [task.title for task in plan.tasks()] == ["🚀 Launch", "🐛 Fix"]

    def test_invalid_front_matter_of_a_tool(self, read: Read, codes: Codes) -> None:
        plan = read(
            '---\npattern: "vectorSearch\\.search"\n---\n'
            '<task type="auto">\n<name>A</name>\n</task>\n'
        )
        assert len(ids(plan)) == 1
        assert codes(plan) == ["W02"]
