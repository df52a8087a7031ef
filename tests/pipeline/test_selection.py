"""What of a plan a run does, and with what."""

import pytest

from cc4tui.domain.agent_spec import AgentSpec
from cc4tui.domain.plan import (
    Batch,
    Diagnostic,
    Offer,
    Plan,
    PlanTaskState,
    Severity,
    Task,
)
from cc4tui.domain.run import TaskRunState
from cc4tui.errors import PlanError, UsageError
from cc4tui.ports import RunOptions
from cc4tui.services.pipeline.quotas import candidates
from cc4tui.services.pipeline.selection import Defaults, PlannedTask, plan_tasks, select
from cc4tui.services.plans.reading import read_plan


DEFAULTS = Defaults(agent="claude", model=None, timeout=60.0, retries=0, verify=("make lint",))


def task(task_id: str, **values: object) -> Task:
    fields = {"title": f"Task {task_id}", "state": PlanTaskState.TODO, "line": 1, "end_line": 1}
    return Task(id=task_id, **{**fields, **values})  # type: ignore[arg-type]


def plan_of(*tasks: Task, **values: object) -> Plan:
    batches = (
        Batch("1", "Core", 1, tuple(t for t in tasks if t.id.startswith("1"))),
        Batch("2", "Limits", 5, tuple(t for t in tasks if t.id.startswith("2"))),
        Batch("3", "Phase three", 9, tuple(t for t in tasks if t.id.startswith("3"))),
    )
    return Plan("plan.md", "Plan", "cc4", batches, **values)  # type: ignore[arg-type]


PLAN = plan_of(task("1.1"), task("1.2"), task("2.1"), task("3.1"))


def agents(name: str) -> AgentSpec:
    if name not in {"claude", "codex", "shell", "rehearsal"}:
        raise UsageError(f'no agent "{name}"')
    return AgentSpec(name, name)


def planned(plan: Plan, options: RunOptions | None = None, done: dict[str, str] | None = None):
    return plan_tasks(plan, options or RunOptions(), DEFAULTS, agents, done or {})


@pytest.mark.parametrize(
    ("spec", "ids"),
    [
        ("1", ["1.1", "1.2"]),
        ("1-2", ["1.1", "1.2", "2.1"]),
        ("Phase 2", ["2.1"]),
        ("limits", ["2.1"]),
        ("Phase three", ["3.1"]),
    ],
)
def test_batches_are_chosen_by_number_range_or_name(spec: str, ids: list[str]):
    assert [task.id for _, task in select(PLAN, RunOptions(batches=(spec,)))] == ids


def test_an_unknown_batch_is_refused_with_those_there_are():
    with pytest.raises(UsageError, match=r'no batch "9".*1 \(Core\)'):
        select(PLAN, RunOptions(batches=("9",)))


def test_an_unknown_task_is_refused_with_those_there_are():
    with pytest.raises(UsageError, match=r'no task "7".*1\.1'):
        select(PLAN, RunOptions(tasks=("7",)))


def test_errors_of_the_plan_block_a_run_and_name_the_line():
    problem = Diagnostic("E04", Severity.ERROR, 14, 3, 'unknown dependency "9"', "nearest: 1.1")
    with pytest.raises(PlanError, match=r"plan\.md:14:3 E04"):
        planned(plan_of(task("1.1"), diagnostics=(problem, problem)))


def test_a_warning_blocks_nothing():
    problem = Diagnostic("W13", Severity.WARNING, 14, 3, "same file")
    assert planned(plan_of(task("1.1"), diagnostics=(problem,)))


def test_a_plan_without_tasks_is_refused_and_offers_are_named():
    with pytest.raises(PlanError, match="no task found"):
        planned(plan_of())
    offer = Offer("table", 12, Batch("1", "x", 12, (task("1"),)))
    with pytest.raises(PlanError, match=r"plan\.md:12:1.*--accept-offers"):
        planned(plan_of(offers=(offer,)))


def test_what_is_done_is_skipped_unless_it_is_to_be_redone():
    plan = plan_of(task("1.1", state=PlanTaskState.DONE), task("1.2"), task("2.1"))
    states = {p.task.id: p.state for p in planned(plan, done={"1.2": "a" * 40})}
    assert states == {
        "1.1": TaskRunState.SKIPPED,
        "1.2": TaskRunState.SKIPPED,
        "2.1": TaskRunState.PENDING,
    }
    redone = planned(plan, RunOptions(redo=True), {"1.2": "a" * 40})
    assert {p.state for p in redone} == {TaskRunState.PENDING}


def test_what_is_struck_out_is_skipped_even_when_redone():
    plan = plan_of(task("1.1", state=PlanTaskState.CANCELLED))
    assert planned(plan, RunOptions(redo=True))[0].state is TaskRunState.SKIPPED


def test_the_command_line_wins_over_the_task_over_the_plan_over_the_configuration():
    def agent(options: RunOptions, own: str | None, front: str | None) -> str:
        defaults = {"agent": front} if front else {}
        plan = plan_of(task("1.1", agent=own), defaults=defaults)
        return planned(plan, options)[0].agent.name

    assert agent(RunOptions(agent="rehearsal"), "codex", "claude") == "rehearsal"
    assert agent(RunOptions(), "codex", "claude") == "codex"
    assert agent(RunOptions(), None, "codex") == "codex"
    assert agent(RunOptions(), None, None) == "claude"


def test_a_task_with_commands_is_done_by_the_shell():
    plan = plan_of(task("1.1", run=("make",), agent="codex"))
    assert planned(plan, RunOptions(agent="claude"))[0].agent.name == "shell"


def test_every_check_counts_once():
    plan = plan_of(task("1.1", verify=("pytest", "pytest t.py")), defaults={"verify": "pytest"})
    found = planned(plan, RunOptions(verify=("true",)))[0].verify
    assert found == ("make lint", "pytest", "pytest t.py", "true")


def test_limits_come_from_the_nearest_place():
    plan = plan_of(task("1.1", timeout=5.0, retries=2), task("1.2"), defaults={"retries": 1})
    first, second = planned(plan)
    assert (first.timeout, first.retries) == (5.0, 2)
    assert (second.timeout, second.retries) == (60.0, 1)
    assert planned(plan, RunOptions(timeout=1.0, retries=0))[0].retries == 0


def test_an_unknown_agent_is_refused():
    with pytest.raises(PlanError, match=r'plan\.md:\d+:1 no agent "nobody"'):
        planned(plan_of(task("1.1", agent="nobody")))
    with pytest.raises(PlanError, match='no agent "nobody"'):
        planned(plan_of(task("1.1", fallback=("nobody",))))
    with pytest.raises(UsageError, match=r'^no agent "nobody"'):
        planned(PLAN, RunOptions(agent="nobody"))


def test_a_fallback_is_never_the_agent_itself_and_none_of_a_tasks_own_commands():
    plan = plan_of(
        task("1.1"),
        task("1.2", fallback=()),
        task("2.1", agent="codex"),
        task("3.1", run=("make",)),
        defaults={"fallback": ("codex", "rehearsal")},
    )
    found = [[agent.name for agent in one.fallback] for one in planned(plan)]
    assert found == [["codex", "rehearsal"], [], ["rehearsal"], []]


CHOOSING = b"""\
---
cc4: 1
agent: claude
fallback: codex
model: opus
effort: high
---
# P

## Batch 1: As the plan says
- [ ] 1.1 A
- [ ] 1.2 B {fallback: none, effort: low}
- [ ] 1.3 C {agent: codex}

## Batch 2: Of its own {agent: codex, fallback: rehearsal claude, model: gpt, effort: xhigh}
- [ ] 2.1 D
- [ ] 2.2 E {agent: claude, model: sonnet}
- [ ] 2.3 F {fallback: claude}
"""


def chosen(one: PlannedTask) -> str:
    return " ".join(map(str, (one.agent.name, one.model or "-", one.effort or "-")))


def test_agent_model_effort_and_fallback_per_plan_batch_and_task():
    plan = read_plan(CHOOSING, "plan.md")
    assert not plan.errors
    told = {one.task.id: [chosen(each) for each in candidates(one)] for one in planned(plan)}
    assert told == {
        "1.1": ["claude opus high", "codex - high"],
        "1.2": ["claude opus low"],
        "1.3": ["codex - high"],  # a model of claude means nothing to it
        "2.1": ["codex gpt xhigh", "rehearsal - -", "claude - -"],
        "2.2": ["claude sonnet xhigh", "rehearsal - -"],
        "2.3": ["codex gpt xhigh", "claude - -"],
    }
    [first, *_] = planned(plan, RunOptions(agent="codex", tasks=("1.1",)))
    assert chosen(first) == "codex - high"
    [first, *_] = planned(plan, RunOptions(agent="codex", model="gpt", tasks=("1.1",)))
    assert chosen(first) == "codex gpt high"


def test_a_fallback_thinks_as_hard_as_its_own_settings_say():
    [one] = planned(plan_of(task("1.1", effort="high")))
    eager = AgentSpec("codex", "codex", model="gpt-5", effort="xhigh")
    assert chosen(one.by(eager)) == "codex gpt-5 xhigh"
