"""Limits of agents: who waits how long, and who does the work meanwhile."""

import asyncio
import math
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cc4tui.domain.agent import AgentResult
from cc4tui.domain.agent_spec import AgentSpec
from cc4tui.domain.plan import Batch, PlanTaskState, Task
from cc4tui.domain.run import AttemptOutcome, ReasonCode, TaskRunRecord, TaskRunState
from cc4tui.services.pipeline.context import Claim
from cc4tui.services.pipeline.known_limits import KnownLimits
from cc4tui.services.pipeline.parking import MARGIN, Parking, unusable
from cc4tui.services.pipeline.quotas import FIRST_WAIT, LONGEST_WAIT, Quotas, by_name, choose
from cc4tui.services.pipeline.selection import PlannedTask


NOW = 1_800_000_000.0
CLAUDE, CODEX, SCRIPT = (
    AgentSpec("claude", "claude"),
    AgentSpec("codex", "codex", model="gpt-5"),
    AgentSpec("script", "command"),
)


class Clock:
    now = NOW

    def __call__(self) -> float:
        return self.now


class Told:
    """What a recorder was given."""

    run = "r"

    def __init__(self) -> None:
        self.writes: list[dict[str, Any]] = []

    async def write(self, **values: Any) -> None:
        self.writes.append(values)


class Forgetful(KnownLimits):
    """Knows of no other run."""

    def __init__(self) -> None:
        super().__init__(Path(os.devnull), {})


@pytest.fixture
def clock() -> Clock:
    return Clock()


def planned(*fallback: AgentSpec, agent: AgentSpec = CLAUDE, task: str = "1.1") -> PlannedTask:
    return PlannedTask(
        task=Task(task, "T", PlanTaskState.TODO, 1, 1, batch="1"),
        batch=Batch("1", "B", 1),
        agent=agent,
        model="sonnet",
        effort="high",
        timeout=None,
        retries=0,
        verify=(),
        state=TaskRunState.READY,
        fallback=fallback,
    )


def failed(code: ReasonCode = ReasonCode.QUOTA, until: float | None = None) -> AgentResult:
    return AgentResult(AttemptOutcome.FAILED, code, "the limit is reached", until=until)


def parking(clock: Clock, longest: float = 86400.0, **limits: Any) -> tuple[Parking, Quotas, Told]:
    told, quotas = Told(), Quotas(clock=clock, **limits)
    return Parking(told, quotas, longest, Forgetful()), quotas, told  # type: ignore[arg-type]


def test_an_agent_is_limited_until_the_time_it_told(clock: Clock):
    quotas = Quotas(clock=clock)
    assert quotas.met("claude", "why", NOW + 100).until == NOW + 100
    assert quotas.of("codex") is None
    clock.now = NOW + 99
    assert quotas.of("claude") is not None
    clock.now = NOW + 100
    assert quotas.of("claude") is None
    assert quotas.next_end() is None


def test_one_that_tells_no_time_is_tried_after_growing_waits(clock: Clock):
    quotas, waits = Quotas(clock=clock), []
    for _ in range(8):
        waits.append(quotas.met("claude", "why", None).until - clock.now)
        quotas.met("claude", "a second attempt of the same time", None)
        clock.now += waits[-1]
    assert waits == [60, 120, 240, 480, 960, LONGEST_WAIT, LONGEST_WAIT, LONGEST_WAIT]
    quotas.works("claude")
    assert quotas.met("claude", "why", None).until == clock.now + FIRST_WAIT


def test_one_that_is_wrong_about_its_time_is_not_started_all_the_time(clock: Clock):
    quotas, starts = Quotas(clock=clock), 0
    while clock.now < NOW + 86400:
        clock.now = quotas.met("claude", "why", clock.now + 0.1).until
        starts += 1
    assert starts < 70


def test_the_first_agent_that_can_does_the_task(clock: Clock):
    quotas, task = Quotas({"script": "it is not installed"}, clock), planned(SCRIPT, CODEX)
    assert choose(task, quotas).planned == task
    quotas.met("claude", "limit", NOW + 10)
    choice = choose(task, quotas)
    assert (choice.planned.agent, choice.planned.model, choice.planned.effort) == (
        CODEX,
        "gpt-5",
        "high",
    )
    assert (choice.instead_of, choice.because, choice.waits) == ("claude", "limit", None)
    quotas.met("codex", "limit, too", NOW + 5)
    waits = choose(task, quotas).waits
    assert waits is not None
    assert waits.agent == "codex"
    assert by_name(task, "codex").agent == CODEX
    assert by_name(task, "unheard of") == task


def test_a_task_that_nobody_can_do_is_not_waited_for(clock: Clock):
    quotas = Quotas({"claude": "it is not installed", "codex": "not logged in"}, clock)
    choice = choose(planned(CODEX), quotas)
    assert (choice.planned.agent, choice.waits) == (CLAUDE, None)


def test_a_limited_attempt_waits_until_a_little_after_the_reset(clock: Clock):
    lot, _, _ = parking(clock)
    task = planned()
    parked = lot.ended(Claim(task, 1, 1), task, failed(until=NOW + 3600))
    assert parked is not None
    assert (parked.again, parked.agent) == (True, "claude")
    assert parked.until == datetime.fromtimestamp(NOW + 3600 + MARGIN, UTC)
    assert lot.holds(task)
    assert not lot.holds(planned(agent=CODEX))
    clock.now = NOW + 3602
    assert not lot.holds(task)


def test_a_fallback_goes_on_at_once_and_the_limited_agent_gets_nothing(clock: Clock):
    lot, _, _ = parking(clock)
    task = planned(CODEX)
    parked = lot.ended(Claim(task, 1, 1), task, failed(until=NOW + 3600))
    assert parked is not None
    assert (parked.again, parked.until) == (True, None)
    assert lot.choice(planned(CODEX, task="1.2")).planned.agent == CODEX
    assert lot.goes_on("1.1")


@pytest.mark.parametrize(
    ("agent", "result"),
    [
        (CLAUDE, failed(ReasonCode.AGENT)),
        (CLAUDE, failed(ReasonCode.LOGIN)),
        (CLAUDE, AgentResult(AttemptOutcome.STOPPED, ReasonCode.QUOTA, "stopped")),
        (SCRIPT, failed()),  # a test of it may have spoken of quotas
        (AgentSpec("shell", "shell"), failed(until=NOW + 5)),
    ],
)
def test_other_failures_are_no_limits(clock: Clock, agent: AgentSpec, result: AgentResult):
    lot, _, _ = parking(clock)
    task = planned(agent=agent)
    assert lot.ended(Claim(task, 1, 1), task, result) is None
    assert not lot.holds(task)


def test_a_login_that_is_refused_leads_to_the_fallback_for_good(clock: Clock):
    lot, quotas, _ = parking(clock)
    task = planned(CODEX)
    parked = lot.ended(Claim(task, 1, 1), task, failed(ReasonCode.LOGIN))
    assert parked is not None
    assert parked.again
    assert lot.choice(task).planned.agent == CODEX
    limit = quotas.of("claude")
    assert limit is not None
    assert limit.until == math.inf
    second = by_name(task, "codex")
    assert lot.ended(Claim(second, 2, 2), task, failed(ReasonCode.LOGIN)) is None


@pytest.mark.parametrize(("longest", "words"), [(60.0, "longer than quota_wait"), (0.0, "= 0")])
def test_nobody_waits_longer_than_is_wanted(clock: Clock, longest: float, words: str):
    lot, _, _ = parking(clock, longest)
    task = planned()
    parked = lot.ended(Claim(task, 1, 1), task, failed(until=NOW + 3600))
    assert parked is not None
    assert not parked.again
    assert words in parked.refusal


def test_what_is_not_waited_for_is_asked_and_fails_by_its_own_words(clock: Clock):
    lot, quotas, told = parking(clock, 60.0)
    quotas.met("claude", "limit", NOW + 3600)
    assert not lot.holds(planned())
    asyncio.run(lot.tell([planned()]))
    assert told.writes == []
    clock.now += 3550
    assert lot.holds(planned(task="1.2"))


@pytest.fixture
def another_run(tmp_path: Path, clock: Clock) -> Callable[..., Parking]:
    """Begins runs, one after another, that share what they know of limits."""

    def begin(**environment: str) -> Parking:
        known = KnownLimits(tmp_path / "limits", environment, clock=clock)
        return Parking(Told(), Quotas(clock=clock), 86400, known)  # type: ignore[arg-type]

    return begin


def test_a_new_run_waits_for_a_limit_that_an_earlier_one_met(
    another_run: Callable[..., Parking], clock: Clock
):
    task = planned()
    another_run().ended(Claim(task, 1, 1), task, failed(until=NOW + 1800))
    clock.now += 60
    waits = another_run().choice(task).waits
    assert waits is not None
    assert waits.until == NOW + 1800 + MARGIN
    assert waits.reason.startswith("the limit is reached (met at ")
    assert waits.reason.endswith(" by run r)")
    assert another_run().choice(planned(CODEX)).instead_of == "claude"
    assert not another_run().holds(planned(agent=replace(CLAUDE, command=("other",))))
    assert not another_run(ANTHROPIC_API_KEY="of another account").holds(task)
    clock.now = NOW + 1800 + MARGIN
    assert not another_run().holds(task)


def test_a_limit_that_the_agent_did_not_date_is_no_news_for_later_runs(
    another_run: Callable[..., Parking],
):
    task, first = planned(), another_run()
    first.ended(Claim(task, 1, 1), task, failed())
    assert first.holds(task)
    assert not another_run().holds(task)


def test_another_program_of_the_same_name_has_limits_of_its_own(
    another_run: Callable[..., Parking], tmp_path: Path
):
    task = planned()
    another_run().ended(Claim(task, 1, 1), task, failed(until=NOW + 1800))
    program = tmp_path / "claude"
    program.touch(0o700)
    assert not another_run(PATH=str(tmp_path)).holds(task)
    assert another_run().holds(task)


def test_a_limit_that_a_person_does_not_believe_is_forgotten(
    another_run: Callable[..., Parking], clock: Clock
):
    task = planned()
    another_run().ended(Claim(task, 1, 1), task, failed(until=NOW + 1800))
    assert another_run().release(task)
    assert not another_run().holds(task)


@pytest.mark.parametrize("kept", [b"", b"{", b"[]", b'{"until": "soon"}', b'{"until": 1e999}'])
def test_what_cannot_be_read_is_no_limit(
    another_run: Callable[..., Parking], tmp_path: Path, kept: bytes
):
    task = planned()
    another_run().ended(Claim(task, 1, 1), task, failed(until=NOW + 1800))
    [file] = (tmp_path / "limits").iterdir()
    file.write_bytes(kept)
    assert not another_run().holds(task)


def test_waiting_tasks_are_told_once_and_all_at_once(clock: Clock):
    lot, quotas, told = parking(clock)
    tasks = [planned(task=f"1.{n}") for n in range(3)] + [planned(agent=CODEX, task="1.9")]
    asyncio.run(lot.tell(tasks))
    assert told.writes == []
    quotas.met("claude", "limit", NOW + 60)
    asyncio.run(lot.tell(tasks))
    asyncio.run(lot.tell(tasks))
    [write] = told.writes
    assert [event.task for event in write["events"]] == ["1.0", "1.1", "1.2"]
    assert {event.until for event in write["events"]} == {"2027-01-15T08:01:00Z"}


def test_what_an_earlier_process_parked_waits_on(clock: Clock):
    record = TaskRunRecord("r", "1.1", 0, "T", "1", TaskRunState.READY, agent="claude")
    until = datetime.fromtimestamp(NOW + 60, UTC)
    stored = replace(record, until=until, reason="limit", reason_code=ReasonCode.QUOTA)
    lot = Parking(Told(), Quotas(clock=clock), 60, Forgetful(), [stored])  # type: ignore[arg-type]
    assert lot.holds(planned())
    assert lot.release(planned())
    assert not lot.holds(planned())
    assert lot.goes_on("1.1")
    assert not lot.release(planned())


def test_only_agents_of_tasks_with_a_fallback_are_looked_at_beforehand():
    tasks = {"1.1": planned(CODEX), "1.2": planned(agent=SCRIPT)}

    async def problem(agent: AgentSpec) -> str | None:
        return f"no {agent.name}"

    assert asyncio.run(unusable(tasks, problem)) == {
        "claude": "no claude",
        "codex": "no codex",
    }


@given(st.lists(st.tuples(st.floats(0, 1e5), st.none() | st.floats(-1e5, 1e6)), max_size=30))
def test_a_limit_that_holds_is_never_shortened(steps: list[tuple[float, float | None]]):
    clock = Clock()
    quotas = Quotas(clock=clock)
    for passed, until in steps:
        clock.now += passed
        before = quotas.of("claude")
        limit = quotas.met("claude", "why", None if until is None else clock.now + until)
        assert limit.until > clock.now
        assert before is None or limit.until >= before.until
