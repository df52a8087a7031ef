"""Makes runs: decides what a plan means here and stores it, before anything is started."""

import asyncio
import secrets
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from cc4tui.domain.agent_spec import AgentSpec
from cc4tui.domain.plan import Plan
from cc4tui.domain.run import RunRecord, RunStatus, TaskRunState
from cc4tui.errors import GitError, UsageError
from cc4tui.ports import RunOptions
from cc4tui.services.git.private import PrivateGit
from cc4tui.services.git.second_chance import second_chance
from cc4tui.services.git.trailers import done_tasks, one_line
from cc4tui.services.pipeline.folders import run_folder
from cc4tui.services.pipeline.planned import task_records
from cc4tui.services.pipeline.remembering import remember_run
from cc4tui.services.pipeline.selection import PlannedTask, plan_tasks
from cc4tui.services.pipeline.surroundings import Surroundings


MODES = ("worktree", "local")


class RunMaker:
    """Creates the runs of one repository."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._s = surroundings

    async def create(self, plan: Plan, data: bytes, key: str, options: RunOptions) -> RunRecord:
        """Store a new run with all its tasks.

        Args:
            data: The plan's bytes; a copy is kept so that the run can be resumed as it was.
            key: Identifies the plan between runs.

        Raises:
            PlanError, UsageError: nothing was stored.
        """
        planned = await self.plan(plan, key, options)
        if options.ignore_limits:
            for agent in {agent.name: agent for task in planned for agent in task.agents}.values():
                self._s.known_limits.forget(agent)
        run = await self._record(plan, key, options)
        folder = run_folder(self._s.state, run.id)
        folder.mkdir(mode=0o700, parents=True)
        (folder / "plan").write_bytes(data)
        records = task_records(run, planned)
        remember_run(folder, run, records)
        await self._s.journal.create_run(run, records)
        return run

    async def plan(self, plan: Plan, key: str, options: RunOptions) -> list[PlannedTask]:
        """What a run of this plan would do.

        Raises:
            PlanError, UsageError: the plan, the options or an agent cannot be used.
        """
        planned = await self.intended(plan, key, options)
        for problem in await self.problems(planned):
            raise UsageError(problem)
        return planned

    async def intended(self, plan: Plan, key: str, options: RunOptions) -> list[PlannedTask]:
        """As `plan`, whether or not the agents can be used here."""
        mode = self._mode(plan, options)
        if mode not in MODES:
            raise UsageError(f'mode "{mode}" is not built; there are: {", ".join(MODES)}')
        done = {} if options.redo else await self._done(plan, key)
        agents = self.agents(options)
        return plan_tasks(plan, options, self._s.settings.defaults, agents, done)

    async def problems(self, planned: Sequence[PlannedTask]) -> list[str]:
        """Why agents that the run needs cannot be used here."""
        tasks = [task for task in planned if _will_run(task)]
        agents = {one.name: one for task in tasks for one in task.agents}
        looks = (self._s.problem(agent) for agent in agents.values())
        found = dict(zip(agents, await asyncio.gather(*looks), strict=True))
        told: dict[str, None] = {}
        for task in tasks:
            problem = found[task.agent.name]
            if problem is not None and all(found[agent.name] for agent in task.fallback):
                told[problem] = None
        return list(told)

    def workers(self, plan: Plan, options: RunOptions) -> int:
        """Tasks at once."""
        if self._mode(plan, options) == "local":
            return 1
        return int(options.workers or plan.defaults.get("max_parallel") or self._s.settings.workers)

    async def _done(self, plan: Plan, key: str) -> Mapping[str, str]:
        """Tasks of the plan that the current branch holds already, with their merge commits.

        Id and title count: a plan that is written anew in the same file numbers other work alike.
        """
        private = PrivateGit(self._s.repository, self._s.state)
        await private.prepare()
        found = await done_tasks(private, self._s.repository.head, key)
        return {
            task.id: found[task.id].commit
            for task in plan.tasks()
            if task.id in found and found[task.id].title == one_line(task.title)
        }

    def agents(self, options: RunOptions) -> Callable[[str], AgentSpec]:
        """Configured agents, with --agent-command as the one of every task that names none."""
        if options.agent_command is None:
            return self._s.agents
        try:
            command = tuple(shlex.split(options.agent_command))
        except ValueError as error:
            raise UsageError(f"--agent-command cannot be read: {error}") from None
        if not command:
            raise UsageError("--agent-command names no program")
        spec = AgentSpec(name="command", driver="command", command=command)
        return lambda name: self._s.agents(name) if name == "shell" else spec

    async def _record(self, plan: Plan, key: str, options: RunOptions) -> RunRecord:
        repository = self._s.repository
        run_id = f"r-{secrets.token_hex(3)}"
        base = await self._base(options.base)
        branch = f"cc4/{run_id}/merged"
        land = options.land or self._s.settings.defaults.land
        target = repository.branch if land == "merge" else None
        mode = self._mode(plan, options)
        return RunRecord(
            id=run_id,
            plan=plan.path,
            plan_key=key,
            status=RunStatus.RUNNING,
            base=base,
            branch=branch,
            target=target or branch,
            workers=self.workers(plan, options),
            mode=mode,
            agent=self._agent(plan, options),
            started=datetime.now(UTC),
            land=land if target else "none",
            options=asdict(options),
        )

    async def _base(self, asked: str | None) -> str:
        try:
            base = await second_chance(lambda: self._s.repository.resolve(asked or "HEAD"))
        except GitError as error:
            raise UsageError(f"--base: {error}" if asked else str(error)) from error
        if base is None:
            raise UsageError(f'--base: there is no commit "{asked or "HEAD"}" in this repository')
        return base

    def _mode(self, plan: Plan, options: RunOptions) -> str:
        return str(options.mode or plan.defaults.get("mode") or self._s.settings.defaults.mode)

    def _agent(self, plan: Plan, options: RunOptions) -> str:
        """The agent of tasks that name none, for people."""
        chosen = options.agent or ("command" if options.agent_command else None)
        return str(chosen or plan.defaults.get("agent") or self._s.settings.defaults.agent)


def _will_run(task: PlannedTask) -> bool:
    return task.state is TaskRunState.PENDING
