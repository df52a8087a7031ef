"""The three documents that this program was built after are read exactly."""

from collections.abc import Callable

import pytest

from cc4tui.domain.plan import FileOp, FileRef, Plan, PlanTaskState
from cc4tui.services.plans.report import plan_to_json


ReadSeed = Callable[..., Plan]


class TestMasterPlan:
    """Headings, tables and plain bullets in one file."""

    @pytest.fixture
    def plan(self, read_seed: ReadSeed) -> Plan:
        return read_seed("cc4-master-plan.md")

    def test_counts(self, plan: Plan) -> None:
        assert plan_to_json(plan)["counts"] == {"batches": 9, "tasks": 29, "done": 7}
        assert not plan.offers

    def test_batches_and_their_lines(self, plan: Plan) -> None:
        found = [(batch.name, batch.line, len(batch.tasks)) for batch in plan.batches]
        assert found == [
            ("Phase 1", 96, 4),
            ("Phase 2", 213, 3),
            ("Batch 1", 341, 3),
            ("Batch 2", 349, 3),
            ("Batch 3", 357, 3),
            ("Batch 4", 365, 3),
            ("Batch 5", 373, 3),
            ("Batch 6", 381, 3),
            ("Phase 4", 391, 4),
        ]

    def test_titles_lose_status_and_declared_count(self, plan: Plan) -> None:
        titles = [batch.title for batch in plan.batches]
        assert titles[:3] == ["Pipeline Integration", "Pipeline Validation", "Core Infrastructure"]
        assert "W12" not in {diagnostic.code for diagnostic in plan.diagnostics}

    def test_ids_and_lines(self, plan: Plan) -> None:
        ids = [task.id for task in plan.tasks()]
        numbered = [f"3.{batch}.{task}" for batch in range(1, 7) for task in range(1, 4)]
        assert ids == [
            "1.1", "1.2", "1.3", "1.4", "2.1", "2.2", "2.3", *numbered,
            "p4-1", "p4-2", "p4-3", "p4-4",
        ]  # fmt: skip
        lines = [task.line for task in plan.tasks()]
        assert lines[:7] == [136, 160, 179, 197, 226, 250, 271]

    def test_made_ids_are_marked_as_such(self, plan: Plan) -> None:
        made = [task.id for task in plan.tasks() if task.id_is_made]
        assert made == ["p4-1", "p4-2", "p4-3", "p4-4"]

    def test_done_is_inherited_or_ticked(self, plan: Plan) -> None:
        done = [task.id for task in plan.tasks() if task.state is PlanTaskState.DONE]
        assert done == ["1.1", "1.2", "1.3", "1.4", "2.1", "2.2", "2.3"]
        assert "W10" not in {diagnostic.code for diagnostic in plan.diagnostics}

    def test_title_without_id_and_tick(self, plan: Plan) -> None:
        assert plan.task("2.1") is not None
        assert plan.task("2.1").title == "Fix Critical Race Condition Bug"  # type: ignore[union-attr]

    def test_objective_and_acceptance(self, plan: Plan) -> None:
        for task_id in ("1.1", "1.2", "1.3", "1.4"):
            task = plan.task(task_id)
            assert task is not None
            assert task.goal
            assert len(task.acceptance) == 3
        for task_id in ("2.1", "2.2", "2.3"):
            task = plan.task(task_id)
            assert task is not None
            assert task.acceptance == ()
            assert not task.steps

    def test_results_stay_in_the_body(self, plan: Plan) -> None:
        task = plan.task("2.1")
        assert task is not None
        assert "✅ Zero task over-execution" in task.body

    def test_files_with_line_ranges(self, plan: Plan) -> None:
        files = {task.id: task.files for task in plan.tasks()}
        assert files["1.1"] == (FileRef("backend/app/services/"),)
        assert files["2.1"] == (
            FileRef("backend/app/services/autonomous_task_worker.py", FileOp.MODIFY, "88-147"),
        )
        assert [(file.path, file.lines) for file in files["2.3"]] == [
            ("backend/app/database.py", "29-45"),
            ("backend/app/services/task_executor.py", "103-223"),
            ("backend/app/services/autonomous_task_worker.py", "27-54, 191-207"),
            ("scripts/benchmark_parallel_workers.py", "155-166"),
        ]
        assert files["3.2.1"] == (FileRef("agents/primitives/"),)
        assert [file.path for file in files["3.5.3"]] == ["App.tsx", "routes/index.tsx"]

    def test_a_tree_listing_is_body_and_no_files(self, plan: Plan) -> None:
        task = plan.task("1.2")
        assert task is not None
        assert "├── models/" in task.body
        assert [file.path for file in task.files] == ["backend/app/models/"]

    def test_prerequisites_hold_for_whole_phases(self, plan: Plan) -> None:
        needs = {task.id: set(task.needs) for task in plan.tasks()}
        assert needs["1.1"] == set()
        assert needs["2.2"] == {"1.1", "1.2", "1.3", "1.4"}
        assert needs["3.4.1"] == {"2.1", "2.2", "2.3"}
        third = {task.id for task in plan.tasks() if task.id.startswith("3.")}
        assert needs["p4-2"] == third

    def test_neighbour_batches_stay_in_document_order(self, plan: Plan) -> None:
        task = plan.task("3.2.1")
        assert task is not None
        assert set(task.waits_for) == {"2.1", "2.2", "2.3", "3.1.1", "3.1.2", "3.1.3"}

    def test_shared_files_are_said(self, plan: Plan) -> None:
        (overlap,) = [d for d in plan.diagnostics if d.code == "W13"]
        assert "3.5.3, 3.6.3" in overlap.message
        assert "App.tsx" in overlap.message
        assert "routes/index.tsx" in overlap.message

    def test_no_error(self, plan: Plan) -> None:
        assert plan.errors == ()


class TestStatusPage:
    """A status page is no plan: one offer, nothing certain, and broken characters."""

    @pytest.fixture
    def plan(self, read_seed: ReadSeed) -> Plan:
        return read_seed("cc3-next-steps.md")

    def test_nothing_is_certain(self, plan: Plan) -> None:
        assert plan_to_json(plan)["counts"] == {"batches": 0, "tasks": 0, "done": 0}
        assert plan.errors == ()

    def test_one_offer_of_ten(self, plan: Plan) -> None:
        (offer,) = plan.offers
        assert (offer.kind, offer.line, len(offer.batch.tasks)) == ("table", 49, 10)
        assert [task.id for task in offer.batch.tasks] == [str(n) for n in range(1, 11)]
        assert offer.batch.tasks[0].title == "Simple file creation"

    def test_offered_tasks_are_whole(self, plan: Plan) -> None:
        (offer,) = plan.offers
        modes = [task.mode for task in offer.batch.tasks]
        assert (modes.count("local"), modes.count("dagger")) == (6, 4)
        assert offer.batch.tasks[3].acceptance == ("All 3 PRs, parallel logs",)
        assert len(offer.batch.acceptance) == 8
        assert all(task.state is PlanTaskState.TODO for task in offer.batch.tasks)

    def test_accepted_offer_is_a_batch(self, read_seed: ReadSeed) -> None:
        plan = read_seed("cc3-next-steps.md", accept_offers=True)
        assert plan_to_json(plan)["counts"] == {"batches": 1, "tasks": 10, "done": 0}
        assert not plan.offers

    def test_mojibake_is_said(self, plan: Plan) -> None:
        assert "W14" in {diagnostic.code for diagnostic in plan.diagnostics}


class TestWorkPlan:
    """Numbered headings with boxes that have no id."""

    @pytest.fixture
    def plan(self, read_seed: ReadSeed) -> Plan:
        return read_seed("cca-work-plan.md")

    def test_counts(self, plan: Plan) -> None:
        assert plan_to_json(plan)["counts"] == {"batches": 7, "tasks": 26, "done": 0}
        assert [len(batch.tasks) for batch in plan.batches] == [3, 4, 4, 4, 4, 3, 4]
        assert sum(len(task.steps) for task in plan.tasks()) == 85

    def test_ids(self, plan: Plan) -> None:
        ids = [task.id for task in plan.tasks()]
        assert ids[0] == "0.1"
        assert ids[-1] == "6.4"
        assert not any(task.id_is_made for task in plan.tasks())

    def test_goal_and_milestone_belong_to_the_batch(self, plan: Plan) -> None:
        assert plan.batches[0].title == "Command Center Plugin MVP (CRITICAL PATH)"
        assert plan.batches[1].goal == "Full daemon with multi-agent spawning and PTY management"
        assert [len(batch.acceptance) for batch in plan.batches] == [1] * 7
        assert plan.batches[6].acceptance == ("v1.0.0 Release",)

    def test_boxes_win_over_prose(self, plan: Plan) -> None:
        said = [d for d in plan.diagnostics if d.code == "W10"]
        assert said
        assert all(task.state is PlanTaskState.TODO for task in plan.tasks())

    def test_granularity_leaf(self, read_seed: ReadSeed) -> None:
        plan = read_seed("cca-work-plan.md", granularity="leaf")
        ids = [task.id for task in plan.tasks()]
        assert len(ids) == 85
        assert ids[:2] == ["0.1-1", "0.1-2"]
