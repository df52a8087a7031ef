"""Any plan in our own format: reading it again gives the same tasks."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cc4tui.domain.plan import Plan, Task
from cc4tui.services.plans.formatting import quoted, to_cc4
from cc4tui.services.plans.meta import parse_meta
from cc4tui.services.plans.reading import read_plan


Read = Callable[..., Plan]


def words(text: str) -> str:
    return " ".join(text.split())


def essence(task: Task) -> dict[str, Any]:
    """What has to survive."""
    return {
        "id": task.id,
        "title": task.title,
        "state": task.state,
        "batch": task.batch,
        "steps": [(words(step.text), step.done) for step in task.steps],
        "files": task.files,
        "acceptance": [words(text) for text in task.acceptance],
        "verify": task.verify,
        "run": task.run,
        "goal": words(task.goal),
        "waits_for": set(task.waits_for),
        "needs": set(task.needs),
        "labels": task.labels,
        "optional": task.optional,
        "parallel": task.parallel,
        "options": (
            task.agent, task.model, task.effort, task.mode, task.priority, task.timeout,
            task.retries, task.rehearse, task.budget,
        ),
    }  # fmt: skip


def again(plan: Plan) -> Plan:
    return read_plan(to_cc4(plan).encode(), "again.md")


def assert_same(plan: Plan) -> None:
    text = to_cc4(plan)
    read = read_plan(text.encode(), "again.md")
    assert read.dialect == "cc4"
    before = [essence(task) for task in plan.tasks()]
    after = {task.id: essence(task) for task in read.tasks()}
    assert len(after) == len(before), text
    for task in before:
        assert after[task["id"]] == task, text
    for task_before in plan.tasks():
        body = words(getattr(read.task(task_before.id), "body", ""))
        assert words(task_before.body) in body, text


@pytest.mark.parametrize("name", ["cc4-master-plan.md", "cca-work-plan.md"])
def test_seeds(read_seed: Read, name: str) -> None:
    assert_same(read_seed(name))


def test_accepted_offer(read_seed: Read) -> None:
    plan = read_seed("cc3-next-steps.md", accept_offers=True)
    found = again(plan)
    assert [(t.id, t.title, t.mode) for t in found.tasks()] == [
        (t.id, t.title, t.mode) for t in plan.tasks()
    ]  # fmt: skip


class TestCases:
    """What could be read as something else."""

    @pytest.mark.parametrize(
        "text",
        [
            "- [ ] 1. A\n  - [ ] 1.1 a\n- [ ] 2. check\n- [ ] 3. B\n  - [ ] 3.1 b\n",
            "- [ ] 1.1 a {x}\n- [ ] 1.2 b {agnet: y}\n",
            "- [ ] T001 [P] [US1] a (depends on T003)\n- [ ] T002 b\n- [ ] T003 c\n",
            ("### Task 1: A\n**Run:** `make a`\n**Verify:** `make b`\n"
            "### Task 2: B\n- [ ] x\n- [x] y\n"),
            ("## Phase 3: P\n**Prerequisites:** Phase 1\n### Batch 1: A\n### Task 1: a\n"
            "### Batch 2: B\n### Task 2: b\n## Phase 1: Q\n### Task 3: c\n"),
            ("- [ ] ~~1.1 gone~~\n- [!] 1.2 stuck\n- [-] 1.3 doing\n"
            "- [x] 1.4 done\n- [ ]* 1.5 maybe\n"),
            "# Checklist\n\n## Verification\n- [ ] a\n- [ ] b\n",
            "# Phase 1: a plan\n\n- [ ] a\n- [ ] b\n",
            "## Setup\n- [ ] a\n## Setup\n- [ ] b\n",
            "- [ ] AB-1 a\n- [ ] AB-2 b\n",
            ("- [ ] 1.1 a\n  - [ ] b\n\n  ```\n  - [ ] 9.9 code\n  ```\n"
            "  **Run:** `echo 1`\n- [ ] 1.2 c\n"),
            "### 1.1 a\n- [ ] x\n\n**Goal:** g\n\n#### Acceptance\n- [ ] z\n### 1.2 b\n- [ ] y\n",
            ("| Task | What | Files | Depends on |\n|---|---|---|---|\n"
            "| S01 | a | `x.py` | |\n| S02 | b | `y/` | S01 |\n"),
        ],
    )  # fmt: skip
    def test_markdown(self, read: Read, text: str) -> None:
        assert_same(read(text))

    def test_our_own_format(self, read: Read) -> None:
        text = (
            "---\ncc4: 1\ntitle: 'A: b'\nagent: claude\nverify: [pytest -q, ruff check]\n"
            "budget: {tokens: 200k, usd: 5}\nmax_parallel: 3\ntimeout: 10m\nlabels: [x]\n---\n"
            "# A\n\n**Goal:** all of it\n\n## Batch 1: C {parallel: false}\n**Goal:** g\n\n"
            "**Acceptance:**\n1. works\n\n"
            '- [ ] 1.1 a {agent: codex, retries: 2, run: ["echo `x`", "echo \'y\'"]}\n'
            "  - Files: `a.py:1-2` (create), `Makefile.am`\n"
            "- [ ] 1.2 b {depends_on: [1.1], rehearse: fail, files: [Makefile]}\n"
        )
        plan = read(text)
        assert plan.errors == ()
        assert_same(plan)
        found = again(plan)
        assert (found.title, found.goal) == (plan.title, plan.goal)
        assert dict(found.defaults) == dict(plan.defaults)
        assert found.batches[0].acceptance == ("works",)

    def test_it_is_its_own_fixed_point(self, read: Read) -> None:
        plan = read("- [ ] 1. A\n  - [ ] 1.1 a\n    - Files: `x.py`\n  - [x] 1.2 b\n\ntext\n")
        once = to_cc4(plan)
        assert to_cc4(read_plan(once.encode(), "x.md")) == once

    def test_a_foreign_command_stays_text(self, read: Read) -> None:
        plan = read(
            "### Task 1: A\n\n- [ ] **Step 1: x**\n\n**Run:** `rm -rf build`\n\n### Task 2: B\n",
            dialect="superpowers",
        )
        found = again(plan)
        assert [task.run for task in found.tasks()] == [(), ()]
        assert "rm -rf build" in next(found.tasks()).body

    def test_taskmaster(self) -> None:
        tasks = [
            {"id": 1, "title": "1.2 [P] odd ~~title~~ ✅ {x}", "status": "done",
             "subtasks": [{"id": 1, "title": "1.1 looks like an id", "status": "done"}]},
            {"id": 2, "title": "two\nlines", "dependencies": [1],
             "details": "- [ ] 9.9 no task\n# no"},
        ]  # fmt: skip
        data = json.dumps({"a": {"tasks": tasks}, "b": {"tasks": tasks}}).encode()
        plan = read_plan(data, "tasks.json")
        assert [task.id for task in plan.tasks()] == ["a:1", "a:2", "b:1", "b:2"]
        assert_same(plan)

    def test_beads_ids(self) -> None:
        issues = [
            {"id": "proj-17t", "title": "Step 1: x", "status": "open"},
            {"id": "proj-a9", "title": "Task: y", "status": "closed",
             "dependencies": [{"depends_on_id": "proj-17t", "type": "blocks"}]},
        ]  # fmt: skip
        data = "\n".join(json.dumps(issue) for issue in issues).encode()
        assert_same(read_plan(data, "issues.jsonl"))

    def test_what_lies_in_other_files_is_told(self) -> None:
        head = b"---\nid: B-2\ntitle: x\nstatus: To Do\ndependencies: [B-1]\n---\n"
        data = head + b"\n## Plan\n\n- [ ] a\n"
        plan = read_plan(data, "backlog/tasks/b-2.md")
        found = again(plan)
        assert found.errors == ()
        assert "B-1" in next(found.tasks()).body


LINES = st.sampled_from(
    [
        "# Title", "## Phase {k}: Part", "## {k}. Numbered", "### Task {n}: heading", "## Notes",
        "### {n} numbered heading", "- [ ] {n} box", "- [x] {n} done", "  - [ ] {n} deep",
        "- [ ] plain box", "  - [ ] step", "  - [x] step done", "  - text", "text", "", "",
        "**Files:** `a.py`, `b/c.ts:3-4`", "  - Files: `d.py` (create)", "**Acceptance:**",
        "- bullet", "**Depends on:** 1.2", "  - Depends on: Phase 1", "```",
        "| Task | What |",
        "|---|---|", "| S0{k} | row |", "- [ ]* {n} optional", "- [-] {n} doing",
        "**Run:** `make`", "  - Verify: `pytest`", "- [ ] T00{k} [P] [US1] spec", "## Done",
        "### Tasks",
        "**Goal:** g",
        "- [ ] Task: named",
        "> quote", "<!-- c -->", "- [ ] {n} odd {{x: y}}", "1. numbered",
    ]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(LINES, max_size=18))
def test_parse_format_parse(lines: list[str]) -> None:
    text = "\n".join(line.format(n=f"{k}.{k % 3}", k=k % 10) for k, line in enumerate(lines, 1))
    plan = read_plan(text.encode(), "plan.md")
    ids = [task.id for task in plan.tasks()]
    if not ids or len(set(ids)) != len(ids):
        return
    before = [(t.id, t.title, t.state, [words(s.text) for s in t.steps]) for t in plan.tasks()]
    after = {t.id: t for t in again(plan).tasks()}
    assert sorted(after) == sorted(ids), to_cc4(plan)
    for task_id, title, state, steps in before:
        task = after[task_id]
        assert (task.title, task.state) == (title, state), to_cc4(plan)
        assert [words(step.text) for step in task.steps] == steps, to_cc4(plan)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), max_size=40))
def test_quoted_scalars_come_back(text: str) -> None:
    assert parse_meta(f"{{a: {quoted(text)}}}") == {"a": text} if text else True
