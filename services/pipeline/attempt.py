"""One try of one task by one agent: worktree, start, follow, end, commit."""

import asyncio
import os
import secrets
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cc4tui.domain.agent import AgentJob, AgentResult, ExitStatus
from cc4tui.domain.agent_spec import AgentSpec
from cc4tui.domain.run import AttemptOutcome, AttemptRecord, ReasonCode
from cc4tui.errors import LeftRunningError
from cc4tui.events import AttemptStarted, CheckoutChanged, Event, SetupFinished, SetupStarted
from cc4tui.ports import AgentStream, Conversation, Process, ProcessSpec
from cc4tui.services.agents.limits import reset_time
from cc4tui.services.agents.output import FileOutputReader, stderr_tail
from cc4tui.services.agents.prices import Meter
from cc4tui.services.agents.prompt import build_prompt
from cc4tui.services.agents.redaction import mask_outputs
from cc4tui.services.agents.replay import recorded_driver, remember_driver
from cc4tui.services.pipeline.adoption import Adopted
from cc4tui.services.pipeline.clocks import Clocks, Overdue, TimeLimits
from cc4tui.services.pipeline.context import Claim, Origin, RunContext
from cc4tui.services.pipeline.folders import attempt_folder
from cc4tui.services.pipeline.following import Follower
from cc4tui.services.pipeline.preparation import SetupError
from cc4tui.services.pipeline.talk import Talk
from cc4tui.services.pipeline.verification import CheckResult
from cc4tui.services.pipeline.workspace import Checkout
from cc4tui.services.processes.ends import began, worked_seconds
from cc4tui.services.processes.environment import scrubbed_environment


MAY_START_SILENT = frozenset({"command", "shell"})
"""Drivers of programs that need not say anything while they work: a build, a script."""
LIMITING = (ReasonCode.QUOTA, ReasonCode.LOGIN)
"""Ends after which no other task may go to that agent: its worker waits until that is known."""
PROMPT = "prompt"
"""File of an attempt's folder."""


RESUMED = "You were interrupted by a limit of your account, which is over. Go on with the task."
GOES_ON = "What the attempt before did is in the folder and committed: go on with it."


@dataclass(frozen=True, slots=True)
class AttemptReport:
    """How an attempt ended, with its work on a branch."""

    result: AgentResult
    commit: str | None
    """What the task's branch holds; None when nothing was changed."""
    branch: str
    exit_code: int | None
    finished: datetime
    """When the agent was gone; its work is saved after that."""
    seconds: float


class AttemptRunner:
    """Runs attempts; everything of one attempt happens inside `run`."""

    def __init__(self, context: RunContext) -> None:
        self._context = context
        self._recorder = context.recorder

    async def run(self, claim: Claim) -> AttemptReport | None:
        """Do the attempt and return its report; None = its agent was left to work on.

        The worktree is given back, unless the agent works on in it.

        Raises:
            GitError: the worktree could not be prepared or the work could not be committed.
        """
        if why := self._context.budgets.exhausted(claim.task, claim.planned.budget):
            return _not_started(AttemptOutcome.FAILED, ReasonCode.BUDGET, why)
        async with AsyncExitStack() as stack:
            with self._context.precedence.taken():
                try:
                    started = await self._begin(claim, stack)
                except SetupError as error:
                    return _not_set_up(claim, error)
            return await self._conclude(claim, *started)

    async def _begin(
        self, claim: Claim, stack: AsyncExitStack
    ) -> tuple[AgentStream, Process, Checkout]:
        """Get a worktree, which goes back at the stack's end, and start the agent in it."""
        workspace = self._context.workspace
        async with self._context.precedence.turn():
            folder = attempt_folder(self._context.folder, claim.task, claim.attempt)
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            checkout = await workspace.checkout(
                claim.task,
                claim.attempt,
                folder,
                _Watch(self._context, claim),
                after=_begun_from(claim.after),
            )
        stack.push_async_callback(self._part_with, claim, checkout)
        session = self._session(claim, checkout)
        whole = self._prompt(claim)
        prompt = self._words(claim) if session else whole
        job = self._job(claim, checkout, _write_prompt(folder, prompt))
        job = replace(_resumed(job, claim, session), whole_prompt=whole)
        remember_driver(folder, claim.planned.agent.driver, checkout.path)
        await workspace.quarantine.look(self._others(claim))
        workspace.guard.began(claim.task)
        agent = claim.planned.agent
        stream = self._context.backend(agent.driver).stream(agent, job)
        return stream, await self._start(claim, job, stream, checkout), checkout

    async def adopt(self, adopted: Adopted) -> AttemptReport | None:
        """Bring an attempt to its end that an earlier process began; like `run` from its start."""
        claim, record, process = adopted.claim, adopted.record, adopted.process
        self._context.workspace.guard.began(claim.task)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._part_with, claim, adopted.checkout)
            job = self._job(claim, adopted.checkout, process.folder / PROMPT)
            agent = _recorded_agent(claim, record)
            if record.started is None:
                await self._record_start(claim, process, job, process.folder)
            stream = self._context.backend(agent.driver).stream(agent, job)
            if isinstance(stream, Conversation):
                claim.talk = self._talk(claim, agent, stream, process, adopted=True)
            return await self._conclude(claim, stream, process, adopted.checkout)

    async def _conclude(
        self, claim: Claim, stream: AgentStream, process: Process, checkout: Checkout
    ) -> AttemptReport | None:
        """Stay with the agent until its end, judge that, and commit what it left."""
        heard = self._context.with_output or stream.needs_output
        redactor = self._context.redactor
        reader = FileOutputReader(process.folder, stream, redactor) if heard else None
        clocks = Clocks(self._limits(claim), began=began(process.folder))
        meter = Meter(self._context.prices, claim.planned.model)
        follower = Follower(self._context, claim, process, reader, clocks, meter, claim.talk)
        try:
            end = await follower.follow()
        except LeftRunningError:
            return None
        finished = datetime.now(UTC)
        result = self._judge(claim, end.status, stream, process.folder, follower.overdue)
        result = meter.result(_with_reset(result))
        self._context.patience.look()
        await self._context.desk.forget(claim.task, claim.attempt)
        # Before the next agent starts, which would be suspected too.
        await self._context.workspace.quarantine.look(self._at_work())
        alone = not self._others(claim)
        if alone:  # else it is one of several suspects anyway, and the next agent need not wait
            await self._look_at_checkout(claim)
        if result.reason_code not in LIMITING:
            claim.agent_gone.set()
        async with self._context.precedence.behind():
            if not alone:
                await self._look_at_checkout(claim)
            await asyncio.to_thread(mask_outputs, process.folder, redactor)
            await self._journal(claim, step="exited", exit_code=end.status.code)
            seconds = worked_seconds(process.folder)
            commit, result = await self._save(claim, checkout, result)
        return AttemptReport(
            result=result,
            commit=commit,
            branch=checkout.branch,
            exit_code=end.status.code,
            finished=finished,
            seconds=seconds,
        )

    async def _look_at_checkout(self, claim: Claim) -> None:
        news = await self._context.workspace.guard.look(lambda: self._others(claim))
        if news is not None:
            event = CheckoutChanged(
                run=self._context.run.id,
                tasks=list(news.tasks),
                files=[os.fsencode(path).decode("utf-8", "replace") for path in news.files],
                reason=news.reason,
            )
            await self._recorder.write(events=[event])

    async def _part_with(self, claim: Claim, checkout: Checkout) -> None:
        """Give the worktree back once nothing runs in it; if an agent works on in it, it stays."""
        if claim.process is not None:
            try:
                if self._context.detach and claim.may_survive:
                    await claim.process.keep()
                else:
                    claim.process.stop("closing")
                await claim.process.ended()
            except LeftRunningError:
                self._context.workspace.leave(checkout)
                return
        await self._context.workspace.give_back(checkout)

    def _session(self, claim: Claim, checkout: Checkout) -> str | None:
        """The session to go on with; agents find one only in the folder that it began in."""
        after, agent = claim.after, claim.planned.agent
        if after is None or after.record.agent != agent.name:
            return None
        if after.copy and not getattr(
            self._context.backend(agent.driver), "copies_sessions", False
        ):
            return None
        same_folder = after.record.worktree == str(checkout.path)
        return after.record.session if same_folder else None

    def _words(self, claim: Claim) -> str:
        """What is said in a session that knows the rest."""
        made = self._context.wishes.offshoot(claim.task)
        if made is None:
            return "\n\n".join(claim.messages) or RESUMED
        failed = self._context.redactor.text(claim.previous_failure)
        again = f"This was tried before and failed: {failed}" if failed else ""
        return "\n\n".join(filter(None, [made.text, *claim.messages, again]))

    def _prompt(self, claim: Claim) -> str:
        planned, plan = claim.planned, self._context.plan
        return build_prompt(
            plan_title=plan.title,
            plan_goal=plan.goal,
            batch_title=planned.batch.title,
            batch_goal=planned.batch.goal,
            task=planned.task,
            verify_commands=planned.verify,
            attempt=claim.attempt,
            previous_failure=self._context.redactor.text(claim.previous_failure),
            messages=(*planned.hints, *claim.messages, *_reminder(claim.after)),
            may_ask=planned.agent.policy in ("ask", "accept-edits"),
        )

    def _job(self, claim: Claim, checkout: Checkout, prompt_file: Path) -> AgentJob:
        planned, plan = claim.planned, self._context.plan
        return AgentJob(
            run=self._context.run.id,
            task=claim.task,
            title=planned.task.title,
            attempt=claim.attempt,
            plan=plan.path,
            prompt=prompt_file.read_text(encoding="utf-8", errors="surrogateescape"),
            prompt_file=prompt_file,
            worktree=checkout.path,
            model=planned.model,
            effort=planned.effort,
            commands=planned.task.run,
            files=tuple(ref.path for ref in planned.task.files),
            rehearse=planned.task.rehearse,
        )

    def _talk(
        self,
        claim: Claim,
        agent: AgentSpec,
        stream: Conversation,
        process: Process,
        *,
        adopted: bool = False,
    ) -> Talk:
        about = claim.task, claim.attempt, agent.policy
        return Talk(stream, process, self._context.desk, about, adopted=adopted)

    async def _start(
        self, claim: Claim, job: AgentJob, stream: AgentStream, checkout: Checkout
    ) -> Process:
        folder = job.prompt_file.parent
        talks = stream if isinstance(stream, Conversation) else None
        may_stay = self._context.detach and (talks is None or talks.survives)
        agent = claim.planned.agent
        launch = self._context.backend(agent.driver).launch(agent, job)
        token = secrets.token_hex(16)
        environment = scrubbed_environment(
            self._context.environment,
            launch.passes,
            {**launch.env, **checkout.environment, **agent.env},
        )
        spec = ProcessSpec(
            folder=folder,
            argv=launch.argv,
            env=environment,
            cwd=job.worktree,
            token=token,
            stdin=str(job.prompt_file) if launch.stdin == "prompt" else launch.stdin,
            interrupt_seconds=launch.interrupt_seconds,
            output_cap=self._context.output_cap,
            on_app_loss="keep" if may_stay else "kill",
        )
        await self._journal(
            claim,
            step="worktree",
            worktree=str(checkout.path),
            branch=checkout.branch,
            token=token,
            folder=str(folder),
        )
        process = await self._context.host.spawn(spec)
        if talks is not None:
            claim.talk = self._talk(claim, agent, talks, process)
        claim.hold(process, agent=True)
        if claim.leaving is not None:
            await claim.leave(claim.leaving)
        await self._record_start(claim, process, job, folder)
        return process

    async def _record_start(
        self, claim: Claim, process: Process, job: AgentJob, folder: Path
    ) -> None:
        identity, limits = process.identity, self._limits(claim)
        update = self._recorder.attempt(
            claim.task,
            claim.attempt,
            step="spawned",
            started=datetime.now(UTC),
            pid=identity.pid if identity else None,
            pid_start=identity.start if identity else None,
            boot=identity.boot if identity else None,
        )
        event = AttemptStarted(
            run=self._context.run.id,
            task=claim.task,
            attempt=claim.attempt,
            agent=claim.planned.agent.name,
            model=claim.planned.model,
            worktree=str(job.worktree),
            pid=identity.pid if identity else None,
            folder=str(folder),
            timeout=limits.whole,
            first_output=limits.first_output,
            silence=limits.silence,
            after_result=limits.after_result,
            instead_of=claim.instead_of,
            because=claim.because,
        )
        await self._recorder.write(attempts=[update], events=[event])
        self._context.mailbox.delivered(claim.task, claim.messages)

    def _at_work(self) -> list[str]:
        """Tasks whose agents may be doing something."""
        return [t for t, claim in self._context.claims.items() if not claim.agent_gone.is_set()]

    def _others(self, claim: Claim) -> list[str]:
        return [task for task in self._at_work() if task != claim.task]

    def _limits(self, claim: Claim) -> TimeLimits:
        limits = replace(self._context.limits, whole=claim.planned.timeout or None)
        if claim.planned.agent.driver in MAY_START_SILENT:
            limits = replace(limits, first_output=None)
        return limits

    def _judge(
        self,
        claim: Claim,
        status: ExitStatus,
        stream: AgentStream,
        folder: Path,
        overdue: Overdue | None,
    ) -> AgentResult:
        """The backend's conclusion, unless we ended it ourselves."""
        result = stream.finish(status, stderr_tail(folder))
        ended_by_us = (AttemptOutcome.TIMED_OUT, AttemptOutcome.FAILED)
        if overdue is not None and overdue.why == status.why and result.outcome in ended_by_us:
            return replace(result, reason=overdue.reason, until=overdue.until)
        why = claim.stop_why
        if why is None or (result.outcome is AttemptOutcome.SUCCEEDED and status.why == "exited"):
            return result
        return replace(
            result,
            outcome=AttemptOutcome.STOPPED,
            reason_code=ReasonCode.STOPPED,
            reason=why,
        )

    async def _save(
        self, claim: Claim, checkout: Checkout, result: AgentResult
    ) -> tuple[str | None, AgentResult]:
        """Put what the agent left on the task's branch, whatever the outcome."""
        saved = await self._context.workspace.save(checkout, claim.planned.task.title)
        notes = " ".join(saved.notes)
        if saved.problem:
            return saved.commit, replace(
                result,
                outcome=AttemptOutcome.FAILED,
                reason_code=saved.code,
                reason=saved.problem,
            )
        if saved.commit is None and result.outcome is AttemptOutcome.SUCCEEDED:
            reason = result.reason or "the agent ended without changing a file"
            return None, replace(result, outcome=AttemptOutcome.NO_CHANGE, reason=reason)
        if notes:
            result = replace(result, reason=f"{result.reason} {notes}".strip())
        return saved.commit, result

    async def _journal(self, claim: Claim, **values: object) -> None:
        update = self._recorder.attempt(claim.task, claim.attempt, **values)
        await self._recorder.write(attempts=[update])


def _begun_from(after: Origin | None) -> AttemptRecord | None:
    """Whose folder, and whose commit if that is not merged."""
    if after is None:
        return None
    return replace(after.record, commit=None) if after.merged else after.record


def _reminder(after: Origin | None) -> tuple[str, ...]:
    return (GOES_ON,) if after is not None and not after.merged else ()


def _resumed(job: AgentJob, claim: Claim, session: str | None) -> AgentJob:
    if session is None or claim.after is None:
        return job
    after = claim.after
    return replace(job, resume_session=session, copy_session=after.copy, session_usage=after.used)


class _Watch:
    """Tells of a set-up, and lets a stop of the task reach it."""

    def __init__(self, context: RunContext, claim: Claim) -> None:
        self._context = context
        self._claim = claim

    async def begins(self, worktree: Path, commands: Sequence[str]) -> None:
        told = [{"command": command} for command in commands]
        await self._tell(SetupStarted(**self._about, worktree=str(worktree), commands=told))

    def runs(self, process: Process) -> None:
        self._claim.hold(process)

    async def ended(self, results: Sequence[CheckResult]) -> None:
        passed = all(result.exit_code == 0 for result in results)
        commands = [result.to_dict() for result in results]
        await self._tell(SetupFinished(**self._about, passed=passed, commands=commands))

    @property
    def _about(self) -> dict[str, Any]:
        claim = self._claim
        return {"run": self._context.run.id, "task": claim.task, "attempt": claim.attempt}

    async def _tell(self, event: Event) -> None:
        await self._context.recorder.write(events=[event])


def _with_reset(result: AgentResult) -> AgentResult:
    """With the time at which the limit is over that its words tell."""
    if result.reason_code is not ReasonCode.QUOTA or result.until is not None:
        return result
    return replace(result, until=reset_time(result.reason, time.time()))


def _not_set_up(claim: Claim, error: SetupError) -> AttemptReport:
    if claim.stop_why is not None:
        return _not_started(AttemptOutcome.STOPPED, ReasonCode.STOPPED, claim.stop_why)
    return _not_started(AttemptOutcome.FAILED, ReasonCode.SETUP, str(error))


def _not_started(outcome: AttemptOutcome, code: ReasonCode, reason: str) -> AttemptReport:
    """The agent was not started."""
    result = AgentResult(outcome, code, reason)
    return AttemptReport(result, None, "", None, datetime.now(UTC), 0.0)


def _write_prompt(folder: Path, prompt: str) -> Path:
    file = folder / PROMPT
    file.touch(mode=0o600)
    file.write_text(prompt, encoding="utf-8", errors="surrogateescape")
    return file


def _recorded_agent(claim: Claim, record: AttemptRecord) -> AgentSpec:
    """Who did it: the configuration may name somebody else by now."""
    planned, driver = claim.planned.agent, recorded_driver(Path(record.folder))
    same = planned.name == record.agent and driver in (None, planned.driver)
    return planned if same or driver is None else AgentSpec(record.agent, driver)
