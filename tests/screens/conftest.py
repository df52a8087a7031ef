"""A command center in memory, and the app on it."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from pytest_textual_snapshot import SVGImageExtension
from textual.pilot import Pilot

from cc4tui.domain.agent import AgentEvent
from cc4tui.domain.agent_spec import AgentSpec
from cc4tui.domain.forecast import Forecast
from cc4tui.domain.notes import Idea, IdeaStatus, Lesson
from cc4tui.domain.plan import (
    Batch,
    Diagnostic,
    FileOp,
    FileRef,
    Plan,
    PlanTaskState,
    Severity,
    Step,
    Task,
)
from cc4tui.domain.run import AttemptRecord, RunRecord, RunStatus, TaskRunRecord, TaskRunState
from cc4tui.errors import Cc4tuiError, NotFoundError
from cc4tui.events import Event, RunStarted
from cc4tui.ports import (
    Against,
    Decision,
    Instance,
    MessageWay,
    OpenRequest,
    OutputNote,
    OutputSize,
    PlanSummary,
    RepositoryInfo,
    Request,
    Retry,
    RunOptions,
    RunView,
    SavedWork,
    TaskChanges,
    Terminal,
    TrustQuestion,
    Write,
)
from cc4tui.screens.app import CommandCenterApp
from cc4tui.screens.options import StartOptions
from cc4tui.services.pipeline.forecast import forecast
from cc4tui.services.pipeline.selection import PlannedTask


# syrupy 5 and later take the name without the underscore; without it pictures end in .raw
SVGImageExtension.file_extension = "svg"

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
"""The time at which every test takes place."""
HOSTILE = "[@click=app.quit]x[/] a [/] b"
"""A title that is markup with a live action, and broken markup."""


class FakeNotebook:
    """Ideas and lessons in two dicts, newest first."""

    def __init__(self) -> None:
        self.age = timedelta(0)
        """How long ago what is added was written."""
        self.all_ideas: dict[int, Idea] = {}
        self.all_lessons: dict[int, Lesson] = {}
        self.hidden_ideas: set[int] = set()
        self.hidden_lessons: set[int] = set()

    async def add_idea(
        self, text: str, tags: Sequence[str] = (), priority: str | None = None
    ) -> Idea:
        created = NOW - self.age
        idea = Idea(len(self.all_ideas) + 1, text, created, tuple(tags), priority)
        self.all_ideas[idea.id] = idea
        return idea

    async def ideas(self) -> list[Idea]:
        return [i for i in reversed(self.all_ideas.values()) if i.id not in self.hidden_ideas]

    async def idea(self, idea_id: int) -> Idea | None:
        return self.all_ideas.get(idea_id)

    async def update_idea(
        self,
        idea_id: int,
        *,
        text: str | None = None,
        tags: Sequence[str] | None = None,
        priority: str | None = None,
        status: IdeaStatus | None = None,
        plan: str | None = None,
        task: str | None = None,
    ) -> Idea:
        given = {
            "text": text,
            "tags": None if tags is None else tuple(tags),
            "priority": priority,
            "status": status,
            "plan": plan,
            "task": task,
        }
        values: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
        values |= {key: None for key in ("priority", "plan", "task") if values.get(key) == ""}
        self.all_ideas[idea_id] = replace(self._known(idea_id), **values)
        return self.all_ideas[idea_id]

    async def delete_idea(self, idea_id: int) -> None:
        self._known(idea_id)
        self.hidden_ideas.add(idea_id)

    async def restore_idea(self, idea_id: int) -> Idea:
        self.hidden_ideas.discard(idea_id)
        return self._known(idea_id)

    def _known(self, idea_id: int) -> Idea:
        if idea_id not in self.all_ideas:
            raise NotFoundError(f"There is no idea {idea_id}.")
        return self.all_ideas[idea_id]

    async def add_lesson(
        self, text: str, title: str = "", source: str = "person", tags: Sequence[str] = ()
    ) -> Lesson:
        created = NOW - self.age
        lesson = Lesson(len(self.all_lessons) + 1, text, created, title, source, tuple(tags))
        self.all_lessons[lesson.id] = lesson
        return lesson

    async def lessons(self, limit: int = 500) -> list[Lesson]:
        kept = [i for i in reversed(self.all_lessons.values()) if i.id not in self.hidden_lessons]
        return kept[:limit]

    async def search_lessons(self, query: str, limit: int = 50) -> list[Lesson]:
        words = query.lower().split()
        found = [
            lesson
            for lesson in await self.lessons()
            if all(word in f"{lesson.title} {lesson.text}".lower() for word in words)
        ]
        return found[:limit]

    async def lesson(self, lesson_id: int) -> Lesson | None:
        return self.all_lessons.get(lesson_id)

    async def update_lesson(
        self,
        lesson_id: int,
        *,
        text: str | None = None,
        title: str | None = None,
        tags: Sequence[str] | None = None,
    ) -> Lesson:
        if lesson_id not in self.all_lessons:
            raise NotFoundError(f"There is no lesson {lesson_id}.")
        given = {"text": text, "title": title, "tags": None if tags is None else tuple(tags)}
        values: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
        self.all_lessons[lesson_id] = replace(self.all_lessons[lesson_id], **values)
        return self.all_lessons[lesson_id]

    async def delete_lesson(self, lesson_id: int) -> None:
        if lesson_id not in self.all_lessons:
            raise NotFoundError(f"There is no lesson {lesson_id}.")
        self.hidden_lessons.add(lesson_id)

    async def restore_lesson(self, lesson_id: int) -> Lesson:
        self.hidden_lessons.discard(lesson_id)
        return self.all_lessons[lesson_id]


class FakeJournal:
    """The stored runs, as lists that tests fill."""

    def __init__(self) -> None:
        self.all_runs: dict[str, RunRecord] = {}
        self.all_tasks: dict[str, list[TaskRunRecord]] = {}
        self.all_attempts: dict[str, list[AttemptRecord]] = {}
        self.all_events: dict[str, list[Event]] = {}

    async def create_run(self, run: RunRecord, tasks: Sequence[TaskRunRecord]) -> None:
        self.all_runs[run.id] = run
        self.all_tasks[run.id] = list(tasks)

    async def commit(self, write: Write) -> tuple[Event, ...]:
        raise AssertionError("a screen never writes to the journal")

    async def runs(self, limit: int = 100) -> list[RunRecord]:
        newest = sorted(self.all_runs.values(), key=lambda run: run.started, reverse=True)
        return newest[:limit]

    async def run(self, run_id: str) -> RunRecord | None:
        return self.all_runs.get(run_id)

    async def task_runs(self, run_id: str) -> list[TaskRunRecord]:
        return list(self.all_tasks.get(run_id, []))

    async def attempts(self, run_id: str, task: str | None = None) -> list[AttemptRecord]:
        return [a for a in self.all_attempts.get(run_id, []) if task in (None, a.task)]

    async def events(self, run_id: str, after: int = 0, limit: int = 1000) -> list[Event]:
        return [e for e in self.all_events.get(run_id, []) if e.seq > after][:limit]

    async def add_request(
        self, kind: str, run: str, task: str | None, data: Mapping[str, Any]
    ) -> int:
        raise AssertionError("a screen asks the command center, not the journal")

    async def take_requests(self, run: str) -> list[Request]:
        raise AssertionError("a screen never takes requests")


class FakeOutput:
    """What an agent said; a test appends to the list at any time."""

    def __init__(self, said: list[AgentEvent]) -> None:
        self._said = said
        self._read = 0
        self._limit: int | None = None

    def reach(self, until: OutputSize | None) -> None:
        self._limit = None if until is None else until.out

    def has_news(self) -> bool:
        return len(self._said[: self._limit]) > self._read

    async def read(self) -> list[AgentEvent]:
        new = self._said[self._read : self._limit]
        self._read += len(new)
        return new


class FakeCenter:
    """Implements cc4tui.ports.CommandCenter in memory; `calls` tells what was asked of it."""

    def __init__(self) -> None:
        self.requests: list[OpenRequest] = []
        self.way = MessageWay.LIVE
        self.repository = RepositoryInfo("shop", Path("/home/ann/shop"), "main")
        self.notebook = FakeNotebook()
        self.journal = FakeJournal()
        self.all_plans: dict[str, Plan] = {}
        self.all_agents = [
            AgentSpec("claude", "claude", ("claude",), model="sonnet"),
            AgentSpec("codex", "codex", ("codex",)),
            AgentSpec("rehearsal", "rehearsal"),
        ]
        self.question: TrustQuestion | None = None
        self.failure: Cc4tuiError | None = None
        """Raised by the next call that changes or starts something."""
        self.other: Instance | None = None
        """Another cc4tui that works in this repository."""
        self.checked = asyncio.Event()
        self.checked.set()
        """Cleared by a test that looks on while the start is checked."""
        self.found = ""
        """What the check at the start did."""
        self.left: tuple[float, float] | None = None
        """Seconds that the run still takes."""
        self.forecast_failure: Cc4tuiError | None = None
        self.calls: list[tuple[Any, ...]] = []
        self.asked: list[tuple[str, RunOptions]] = []
        """Forecasts that were asked for."""
        self.said: dict[tuple[str, str, int], list[AgentEvent]] = {}
        self.diffs: dict[tuple[str, ...], str] = {}
        self.sizes: dict[tuple[str, str, int], list[tuple[datetime, int]]] = {}
        """When an agent had said how much."""
        self.live: set[str] = set()
        """Tasks whose differences are those of files that an agent works on."""
        self.lines: dict[str, tuple[int, int]] = {}
        self.counted: list[str] = []
        """Tasks whose lines were asked for."""
        self.terminals: dict[str, Terminal] = {}
        """What attaching to a task opens."""
        self.all_saved: list[SavedWork] = []
        self._subscribers: list[asyncio.Queue[Event]] = []
        self._watchers: list[asyncio.Queue[set[str]]] = []

    def _note(self, *call: Any) -> None:
        self.calls.append(call)
        if self.failure is not None:
            failure, self.failure = self.failure, None
            raise failure

    # what tests do

    def publish(self, event: Event) -> None:
        """Give an event to every subscriber, and store it as the next of its run."""
        rows = self.journal.all_events.setdefault(event.run, [])
        event = replace(event, seq=len(rows) + 1, ts=event.ts or NOW)
        rows.append(event)
        for queue in self._subscribers:
            queue.put_nowait(event)

    def set_task(self, run: str, task: str, **values: Any) -> None:
        """Change fields of a stored task run."""
        rows = self.journal.all_tasks[run]
        at = next(n for n, row in enumerate(rows) if row.task == task)
        rows[at] = replace(rows[at], **values)

    def change_plan(self, plan: Plan) -> None:
        """Put another text of the plan on the disk and tell the watchers."""
        self.all_plans[plan.path] = plan
        for queue in self._watchers:
            queue.put_nowait({plan.path})

    def remove_plan(self, path: str) -> None:
        """Delete the plan's file and tell the watchers."""
        del self.all_plans[path]
        for queue in self._watchers:
            queue.put_nowait({path})

    # the port

    async def plans(self) -> list[PlanSummary]:
        return [_summary(plan) for plan in self.all_plans.values()]

    async def read_plan(self, path: str) -> Plan:
        if path not in self.all_plans:
            raise NotFoundError(f"There is no plan at {path}.")
        return self.all_plans[path]

    async def plan_source(self, path: str) -> str:
        if path not in self.all_plans:
            raise NotFoundError(f"There is no plan at {path}.")
        plan = self.all_plans[path]
        rows = {1: f"# {plan.title}"}
        for batch in plan.batches:
            rows[batch.line] = f"## Batch {batch.id}: {batch.title}"
            rows |= {task.line: f"- [ ] {task.id} {task.title}" for task in batch.tasks}
        return "\n".join(rows.get(line, "") for line in range(1, max(rows) + 4))

    async def create_plan(self, path: str, title: str) -> None:
        self._note("create_plan", path, title)
        tasks = (Task("1.1", "Describe the first task", PlanTaskState.TODO, 12, 14, "1"),)
        self.all_plans = {path: make_plan(path, title, [Batch("1", "First", 10, tasks)])} | (
            self.all_plans
        )

    async def forecast(self, plan: str, options: RunOptions) -> Forecast:
        self.asked.append((plan, options))
        if self.forecast_failure is not None:
            raise self.forecast_failure
        return make_forecast(self.all_plans[plan], options.workers or 4)

    async def time_left(self, run: str) -> tuple[float, float] | None:
        return self.left

    async def watch_plans(self) -> AsyncIterator[set[str]]:
        queue: asyncio.Queue[set[str]] = asyncio.Queue()
        self._watchers.append(queue)
        while True:
            yield await queue.get()

    async def agents(self) -> list[AgentSpec]:
        return list(self.all_agents)

    async def trust_question(self, plan: str, options: RunOptions) -> TrustQuestion | None:
        return self.question

    async def trust(self, question: TrustQuestion) -> None:
        self._note("trust", question.key)
        self.question = None

    async def start_run(self, plan: str, options: RunOptions) -> str:
        self._note("start_run", plan, options)
        run = make_run(f"r-{len(self.journal.all_runs) + 1}", plan)
        tasks = make_task_runs(run.id, self.all_plans[plan])
        await self.journal.create_run(run, tasks)
        self.publish(
            RunStarted(
                run=run.id,
                plan=plan,
                base=run.base,
                branch=run.branch,
                target=run.target,
                workers=run.workers,
                mode=run.mode,
                agent=run.agent,
            )
        )
        return run.id

    async def resume(self, run: str | None = None, *, accept_changes: bool = False) -> str:
        self._note("resume", run, accept_changes)
        assert run is not None
        return run

    async def reconcile(self) -> str:
        await self.checked.wait()
        return self.found

    @property
    def active_run(self) -> str | None:
        """The newest run that goes on, unless another instance works here."""
        runs = self.journal.all_runs.values()
        going = [run.id for run in runs if run.status is RunStatus.RUNNING]
        return going[-1] if going and self.other is None else None

    def other_instance(self) -> Instance | None:
        return self.other

    async def leave(self, why: str) -> None:
        self._note("leave", why)

    async def pause_run(self, run: str, *, paused: bool) -> None:
        self._note("pause_run", run, paused)

    async def cancel_run(self, run: str) -> None:
        self._note("cancel_run", run)
        record = self.journal.all_runs[run]
        self.journal.all_runs[run] = replace(record, status=RunStatus.CANCELLED, finished=NOW)

    async def cancel_task(self, run: str, task: str) -> None:
        self._note("cancel_task", run, task)

    async def retry_task(self, run: str, task: str, wish: Retry | None = None) -> None:
        self._note("retry_task", run, task, wish or Retry())

    async def skip_task(self, run: str, task: str, reason: str = "") -> None:
        self._note("skip_task", run, task, reason)

    async def fork_attempt(
        self, run: str, task: str, text: str, attempt: int | None = None
    ) -> None:
        self._note("fork_attempt", run, task, text, attempt)

    async def tell_agent(self, run: str, task: str, text: str, *, interrupt: bool = False) -> None:
        self._note("tell_agent", run, task, text, interrupt)

    async def message_way(self, run: str, task: str) -> MessageWay:
        return self.way

    async def open_requests(self, run: str | None = None) -> list[OpenRequest]:
        return [one for one in self.requests if run in (None, one.run)]

    async def answer(self, run: str, decision: Decision) -> None:
        self._note("answer", run, decision)
        self.requests = [one for one in self.requests if one.name != decision.request]

    async def attach(self, run: str, task: str) -> Terminal:
        self._note("attach", run, task)
        return self.terminals[task]

    async def apply_plan_edit(self, run: str) -> None:
        self._note("apply_plan_edit", run)

    async def run_view(self, run: str) -> RunView:
        record = self.journal.all_runs.get(run)
        if record is None:
            raise NotFoundError(f"There is no run {run}.")
        return RunView(record, tuple(self.journal.all_tasks[run]))

    async def subscribe(self) -> AsyncIterator[Event]:
        queue: asyncio.Queue[Event] = asyncio.Queue()
        self._subscribers.append(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            self._subscribers.remove(queue)

    async def task_changes(
        self, run: str, task: str, against: Against | None = None
    ) -> TaskChanges:
        against = against or Against.START
        key = (run, task) if against is Against.START else (run, task, "merged")
        text = self.diffs.get(key) or self.diffs.get((run, task), "")
        return TaskChanges(text, against, "4b825dc642cb" if text else "", live=task in self.live)

    async def task_lines(self, run: str, task: str) -> tuple[int, int] | None:
        self.counted.append(task)
        return self.lines.get(task)

    async def saved(self) -> list[SavedWork]:
        return list(self.all_saved)

    async def saved_diff(self, name: str) -> str:
        return self.diffs.get(("saved", name), "")

    async def restore_saved(
        self, name: str, branch: str | None = None, *, worktree: Path | None = None
    ) -> str:
        self._note("restore_saved", name, branch, worktree)
        return f"saved/{name.replace('/', '-')}"

    async def promote_idea(self, idea: int, plan: str) -> str:
        self._note("promote_idea", idea, plan)
        target = self.all_plans[plan]
        last = target.batches[-1]
        task_id = f"{last.id}.{len(last.tasks) + 1}"
        text = self.notebook.all_ideas[idea].text
        task = Task(task_id, text, PlanTaskState.TODO, 90, 91, last.id)
        batch = replace(last, tasks=(*last.tasks, task))
        self.change_plan(replace(target, batches=(*target.batches[:-1], batch)))
        await self.notebook.update_idea(idea, status=IdeaStatus.PLANNED, plan=plan, task=task_id)
        return task_id

    async def restore_plan(self, plan: str) -> None:
        self._note("restore_plan", plan)
        target = self.all_plans[plan]
        last = target.batches[-1]
        batch = replace(last, tasks=last.tasks[:-1])
        self.change_plan(replace(target, batches=(*target.batches[:-1], batch)))

    def agent_output(
        self, run: str, task: str, attempt: int, until: OutputSize | None = None
    ) -> FakeOutput:
        """Of an earlier time: each event counts as a byte."""
        said = self.said.setdefault((run, task, attempt), [])
        output = FakeOutput(said)
        output.reach(until)
        return output

    async def output_times(self, run: str, task: str, attempt: int) -> list[OutputNote]:
        notes = self.sizes.get((run, task, attempt), [])
        return [(at, OutputSize(size, 0)) for at, size in notes]


def _summary(plan: Plan) -> PlanSummary:
    tasks = list(plan.tasks())
    done = sum(task.state is PlanTaskState.DONE for task in tasks)
    return PlanSummary(
        plan.path, plan.title, plan.dialect, len(tasks), done, len(plan.errors), len(plan.offers)
    )


def make_forecast(plan: Plan, workers: int) -> Forecast:
    """A forecast by the real rules, with a past of claude's tasks."""
    spec = AgentSpec("claude", "claude")
    planned = [
        PlannedTask(task, batch, spec, None, None, None, 0, (), **_state(task))
        for batch in plan.batches
        for task in batch.tasks
    ]
    return forecast(plan, planned, workers, {"claude": [240.0, 300.0, 420.0, 600.0]})


def _state(task: Task) -> dict[str, Any]:
    if task.state is PlanTaskState.DONE:
        return {"state": TaskRunState.SKIPPED, "reason": "done in the plan"}
    return {"state": TaskRunState.PENDING}


def make_run(run_id: str, plan: str, **values: Any) -> RunRecord:
    """A run that started two minutes ago."""
    run = RunRecord(
        id=run_id,
        plan=plan,
        plan_key=plan,
        status=RunStatus.RUNNING,
        base="4b825dc642cb6eb9a060e54bf8d69288fbee4904",
        branch=f"cc4/{run_id}/merged",
        target="main",
        workers=4,
        mode="worktree",
        agent="claude",
        started=NOW - timedelta(minutes=2),
    )
    return replace(run, **values)


def make_task_runs(run_id: str, plan: Plan) -> list[TaskRunRecord]:
    """A pending task run for every task of the plan."""
    return [
        TaskRunRecord(
            run=run_id,
            task=task.id,
            position=position,
            title=task.title,
            batch=task.batch,
            state=TaskRunState.PENDING,
            waits_for=task.waits_for,
        )
        for position, task in enumerate(plan.tasks())
    ]


def make_plan(path: str, title: str, batches: Sequence[Batch], **values: Any) -> Plan:
    """A plan in our own format."""
    return Plan(path, title, "cc4", tuple(batches), **values)


def _limits_plan() -> Plan:
    first = Batch(
        "1",
        "Foundations",
        5,
        (
            Task("1.1", "Settings model", PlanTaskState.DONE, 7, 9, "1"),
            Task("1.2", "Redis client", PlanTaskState.DONE, 10, 14, "1"),
            Task("1.3", "Request identity", PlanTaskState.IN_PROGRESS, 15, 19, "1"),
        ),
    )
    limiter = Task(
        "2.1",
        "Rate limiter",
        PlanTaskState.TODO,
        22,
        34,
        "2",
        body="A token bucket per API key, kept in Redis so that all workers share it.",
        goal="No client can starve the others.",
        steps=(Step("token bucket", True, 24), Step("middleware", False, 25)),
        files=(FileRef("api/limits.py", FileOp.CREATE), FileRef("api/app.py", FileOp.MODIFY)),
        depends_on=("1.3",),
        waits_for=("1.1", "1.2", "1.3"),
        needs=("1.3",),
        acceptance=("429 after 100 calls a minute", "header Retry-After"),
        verify=("pytest tests/test_limits.py",),
    )
    quota = Task(
        "2.2",
        "Quota page",
        PlanTaskState.TODO,
        35,
        40,
        "2",
        depends_on=("2.1",),
        waits_for=("1.1", "1.2", "1.3", "2.1"),
        needs=("2.1",),
        labels=("ui",),
    )
    hostile = Task("2.3", HOSTILE, PlanTaskState.TODO, 41, 44, "2", body=f"{HOSTILE} \x1b[6n")
    second = Batch("2", "Limits", 20, (limiter, quota, hostile), depends_on=("1",))
    problem = Diagnostic(
        "W06", Severity.WARNING, 41, 5, "The task has no acceptance criteria", "add one"
    )
    return make_plan("plans/api.md", "API limits", (first, second), diagnostics=(problem,))


def _report_plan() -> Plan:
    tasks = tuple(
        Task(f"1.{n}", title, PlanTaskState.TODO, 6 + n, 6 + n, "1")
        for n, title in enumerate(("Dark theme", "Print layout", "Export as CSV"), 1)
    )
    return make_plan("docs/plans/report.md", "Report", (Batch("1", "Looks", 4, tasks),))


async def _fill_notebook(notebook: FakeNotebook) -> None:
    notebook.age = timedelta(days=9)
    await notebook.add_idea("dark theme for the report", ["ui"])
    await notebook.update_idea(
        1, status=IdeaStatus.PLANNED, plan="docs/plans/report.md", task="1.1"
    )
    notebook.age = timedelta(days=1, hours=2)
    await notebook.add_idea("flaky test in worker", ["test"])
    notebook.age = timedelta(hours=3)
    await notebook.add_idea(HOSTILE)
    notebook.age = timedelta(minutes=4)
    await notebook.add_idea("rate-limit the upload endpoint", ["api"], "high")
    notebook.age = timedelta(days=40)
    await notebook.add_lesson(
        "Run `make schema` after a model changes, or the tests see the old tables.",
        "Schema first",
        tags=["db"],
    )
    notebook.age = timedelta(days=2)
    await notebook.add_lesson("The worker tests need TZ=UTC.", source="r-7/1.2")
    await notebook.add_lesson(f"{HOSTILE} stays text", HOSTILE)
    notebook.age = timedelta(0)


async def sample_center() -> FakeCenter:
    """A repository with two plans, four ideas, three lessons and two finished runs."""
    center = FakeCenter()
    for plan in (_limits_plan(), _report_plan()):
        center.all_plans[plan.path] = plan
    await _fill_notebook(center.notebook)
    for run_id, status, hours in (("r-7", RunStatus.SUCCEEDED, 30), ("r-8", RunStatus.FAILED, 3)):
        started = NOW - timedelta(hours=hours)
        run = make_run(
            run_id,
            "plans/api.md",
            status=status,
            started=started,
            finished=started + timedelta(minutes=12),
        )
        await center.journal.create_run(run, make_task_runs(run_id, _limits_plan()))
    return center


@pytest.fixture
async def center() -> FakeCenter:
    """A repository with two plans, four ideas, three lessons and two finished runs."""
    return await sample_center()


@pytest.fixture
def fill() -> Callable[[], Awaitable[FakeCenter]]:
    """Makes the center of `center`, for tests that have an event loop of their own."""
    return sample_center


@pytest.fixture
def empty_center() -> FakeCenter:
    """A repository in which nothing was written yet."""
    return FakeCenter()


@pytest.fixture(autouse=True)
def _rest(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.screens.rest import watch_rest  # not known to preview.py, which runs by itself

    watch_rest(monkeypatch)


@pytest.fixture
def open_app(
    center: FakeCenter, clock: Callable[[], datetime]
) -> Callable[..., AbstractAsyncContextManager[Pilot[None]]]:
    """Opens the app without a terminal: `async with open_app(tab=Tab.IDEAS) as pilot`."""

    @asynccontextmanager
    async def opened(
        on: FakeCenter = center, size: tuple[int, int] = (120, 36), **options: Any
    ) -> AsyncIterator[Pilot[None]]:
        app = CommandCenterApp(on, StartOptions(clock=clock, **options))
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            yield pilot

    return opened


@pytest.fixture
def until() -> Callable[..., Any]:
    """Waits for a condition: `await until(pilot, lambda: rows.current)`; fails after 20 seconds.

    Then the app is at rest, so that what else belongs to the condition is there too.
    """

    async def wait(pilot: Pilot[None], condition: Callable[[], Any]) -> None:
        deadline = time.monotonic() + 20
        await pilot.pause()
        while not condition():
            assert time.monotonic() < deadline, "the condition never came true"
            await pilot.pause(0.01)
            await pilot.pause()

    return wait


@pytest.fixture
def screen_text() -> Callable[[Pilot[None]], str]:
    """Everything that stands on the screen, as a person reads it."""

    def read(pilot: Pilot[None]) -> str:
        screen = pilot.app.screen
        strips = screen._compositor.render_strips()
        return "\n".join(strip.text.rstrip() for strip in strips)

    return read


@pytest.fixture
def toasts() -> Callable[[Pilot[None]], list[str]]:
    """The sentences of all notifications, oldest first."""
    return lambda pilot: [note.message for note in pilot.app._notifications]


SIZES = ((80, 24), (120, 36), (200, 50))
THEMES = ("cc4-dark", "cc4-light")
"""Every view is seen in each size and each theme."""


@pytest.fixture
def looks(snapshot: Any) -> Callable[..., Awaitable[None]]:
    """Compares a view with its pictures: ``await looks(pilot)``."""
    stored = snapshot.use_extension(SVGImageExtension)

    async def stand_still(pilot: Pilot[None]) -> None:
        """Until what is shown does not change any more; a picture of each frame would take long."""
        seen: list[Any] = []
        deadline = time.monotonic() + 20
        while len(seen) < 4 or any(frame != seen[-1] for frame in seen[-4:]):
            assert time.monotonic() < deadline, "it never stood still"
            await pilot.pause(0.02)
            await pilot.pause()
            seen.append(pilot.app.screen._compositor.render_strips())

    async def compare(pilot: Pilot[None], themes: Sequence[str] = THEMES) -> None:
        others = []
        for (width, height), theme in product(SIZES, themes):
            await pilot.resize_terminal(width, height)
            pilot.app.theme = theme
            await stand_still(pilot)
            name = f"{width}x{height}-{theme}"
            if pilot.app.export_screenshot() != stored(name=name):
                others.append(name)
        assert not others, "it looks different; if that is meant: --snapshot-update"

    return compare


@pytest.fixture
def hostile() -> str:
    """A title that is markup with a live action."""
    return HOSTILE


@pytest.fixture
def clock() -> Callable[[], datetime]:
    """A clock that stands still."""
    return lambda: NOW


@pytest.fixture(name="make_run")
def make_run_fixture() -> Callable[..., RunRecord]:
    """Makes run records."""
    return make_run


@pytest.fixture(name="make_plan")
def make_plan_fixture() -> Callable[..., Plan]:
    """Makes plans in our own format."""
    return make_plan
