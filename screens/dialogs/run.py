"""The dialog that starts a run: what, by whom, how many at once, and where it lands."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.widgets import Input

from cc4tui.domain.agent_spec import AgentSpec
from cc4tui.domain.forecast import Forecast
from cc4tui.domain.plan import Batch, Plan, PlanTaskState, Task
from cc4tui.domain.text import clean_line
from cc4tui.errors import Cc4tuiError
from cc4tui.ports import RunOptions
from cc4tui.screens.dialogs.form import Cycle, TextField
from cc4tui.screens.dialogs.frame import Box, Dialog
from cc4tui.screens.guard import attempt
from cc4tui.screens.lines import Line
from cc4tui.screens.plan_tree import only_offers
from cc4tui.screens.planning.forecast_rows import in_short
from cc4tui.screens.widgets.text_pane import TextPane


@dataclass(frozen=True, slots=True)
class Selection:
    """What of a plan may be run, from where the cursor is."""

    plan: Plan
    batch: Batch | None = None
    task: Task | None = None
    marked: tuple[Task, ...] = ()
    offered: bool = False
    """The cursor is on something that is not certain to be a batch."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the plan to run."""

    label: str
    batches: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()


def parts(selection: Selection) -> Iterator[Part]:
    """What can be run, the likeliest first."""
    if selection.marked:
        ids = tuple(task.id for task in selection.marked)
        yield Part(f"{len(ids)} marked: {' '.join(ids)}", tasks=ids)
    yield Part(f"whole plan, {_left(list(selection.plan.tasks()))}")
    batch = selection.batch
    if batch is not None and batch.id and not selection.offered:
        label = f"batch {batch.id} {batch.title}, {_left(batch.tasks)}"
        yield Part(label, batches=(batch.id,))
    if selection.task is not None and not selection.offered:
        yield Part(f"task {selection.task.id} {selection.task.title}", tasks=(selection.task.id,))


def _left(tasks: Sequence[Task]) -> str:
    done = sum(task.state is PlanTaskState.DONE for task in tasks)
    return f"{len(tasks) - done} of {len(tasks)} tasks left"


def _planned_agents(plan: Plan, default: str) -> str:
    """Who would do it: what the plan says, else the configured one."""
    tasks = (task for task in plan.tasks() if task.state is not PlanTaskState.DONE)
    names = dict.fromkeys(task.agent or default for task in tasks if not task.run)
    return ", ".join(map(clean_line, names)) or default


class RunDialog(Dialog[RunOptions]):
    """Answers with the options of the run, or None.

    Args:
        selection: What may be run.
        agents: Configured ones, the default first.
        foretell: Tells how a run with these options would go.
        workers: To begin with; None = as configured.
    """

    DEFAULT_CSS = """
    RunDialog TextPane { height: auto; max-height: 7; margin-top: 1; }
    """
    AUTO_FOCUS: ClassVar[str] = "Cycle"

    def __init__(
        self,
        selection: Selection,
        agents: Sequence[AgentSpec],
        foretell: Callable[[RunOptions], Awaitable[Forecast]],
        *,
        workers: int | None = None,
    ) -> None:
        super().__init__()
        self.selection = selection
        self._foretell = foretell
        self._told: Line | None = None
        """The forecast in one line; None while it is worked out."""
        self._remarks_pane = TextPane(self._remarks())
        self._remarks_pane.can_focus = False
        default = _planned_agents(selection.plan, agents[0].name if agents else "none")
        self.part: Cycle[Part] = Cycle("run", [(p, p.label) for p in parts(selection)])
        names: list[tuple[str | None, str]] = [(None, f"as configured: {default}")]
        self.agent: Cycle[str | None] = Cycle("agent", names + [(a.name, a.name) for a in agents])
        self.model = TextField("model", "the agent's own default")
        counts: list[tuple[int | None, str]] = [(None, "as configured")]
        self.count: Cycle[int | None] = Cycle(
            "workers", counts + [(n, str(n)) for n in (*range(1, 9), 12, 16)]
        )
        self.count.choose(workers)
        self.mode: Cycle[str | None] = Cycle("mode", _MODES)
        self.land: Cycle[str | None] = Cycle("landing", _LANDINGS)
        self.failure: Cycle[bool] = Cycle("on failure", _FAILURES)

    def compose(self) -> ComposeResult:
        """The fields, and what there is to know before."""
        with Box(f"Run {self.selection.plan.path}", "↑ ↓ field · ← → value · Enter starts · Esc"):
            yield self.part
            yield self.agent
            yield self.model
            yield self.count
            yield self.mode
            yield self.land
            yield self.failure
            yield self._remarks_pane

    def on_mount(self) -> None:
        """Tell how it would go."""
        self._forecast_again()

    @on(Cycle.Changed)
    def _changed(self, event: Cycle.Changed) -> None:
        event.stop()
        self._forecast_again()

    def _forecast_again(self) -> None:
        self._told = None
        self._remarks_pane.set_lines(self._remarks())
        attempt(self, self._forecast(self.options()), group="forecast", latest=True)

    async def _forecast(self, options: RunOptions) -> None:
        try:
            told = await self._foretell(options)
        except Cc4tuiError as error:
            self._told = ((str(error), "bad"),)
        else:
            self._told = in_short(told)
        self._remarks_pane.set_lines(self._remarks())

    def _remarks(self) -> Iterator[Line]:
        plan = self.selection.plan
        if not plan.errors:
            yield self._told or (("…", "muted"),)
        if plan.errors:
            yield (("The plan has errors: they must be gone before it can run.", "bad"),)
        tasks = list(plan.tasks())
        if not tasks and plan.offers:
            count = sum(len(offer.batch.tasks) for offer in plan.offers)
            yield ((f"{count} tasks are offered, not certain: starting accepts them.", "wait"),)
        by_hand = sum(bool(task.run) for task in tasks)
        if by_hand:
            who = (
                "1 task runs its own command"
                if by_hand == 1
                else f"{by_hand} tasks run their own commands"
            )
            yield ((f"{who}, without a model.", "muted"),)
        yield (("What is done is skipped; work is kept on branches whatever happens.", "muted"),)

    def options(self) -> RunOptions:
        """What the fields say."""
        part = self.part.value
        accept = only_offers(self.selection.plan)
        return RunOptions(
            agent=self.agent.value,
            model=self.model.value or None,
            workers=self.count.value,
            mode=self.mode.value,
            land=self.land.value,
            batches=part.batches,
            tasks=part.tasks,
            keep_going=self.failure.value,
            accept_offers=accept or self.selection.offered,
        )

    def action_choose(self) -> None:
        """Start."""
        self.dismiss(self.options())

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_choose()


_MODES: Sequence[tuple[str | None, str]] = (
    (None, "as configured"),
    ("worktree", "worktree: in parallel, each task in its own"),
    ("local", "local: one worktree, one task at a time"),
)
_LANDINGS: Sequence[tuple[str | None, str]] = (
    (None, "as configured"),
    ("merge", "merge: onto the branch when all is merged"),
    ("none", "none: stays on the run's own branch"),
)
_FAILURES: Sequence[tuple[bool, str]] = (
    (False, "block dependents and later batches"),
    (True, "keep going: block declared dependents only"),
)
