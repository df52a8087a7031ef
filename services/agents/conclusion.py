"""What the end of a process means, before and beside what its output said."""

import os
import re
import signal

from cc4tui.domain.agent import AgentResult, ExitStatus
from cc4tui.domain.run import AttemptOutcome, ReasonCode
from cc4tui.services.agents.reasons import reason_code, sentence


LINGERING = "lingering"
"""`ExitStatus.why` of an agent that we ended because it stayed after it had said it is finished."""
OVER_BUDGET = "budget"
"""`ExitStatus.why` of an agent that we ended because it, or its run, has used up a budget."""
LIMITED = "limited"
"""`ExitStatus.why` of an agent that we ended because it would have waited too long for a limit."""
UNSAID = " without saying that it is finished"
"""Added to exit code 0 of an agent that has to say more than that."""

_BY_ITSELF = frozenset({"exited", LINGERING})
_LOST = frozenset({"app-gone", "supervisor-lost", "recovered", "revoked"})
_TELLING = re.compile(
    r"error|exception|cannot|can't|could not|denied|fail|refus|not found|invalid|unable|fatal|panic"
    r"|must|missing|unknown|not logged|no such",
    re.IGNORECASE,
)
_STACK_FRAME = re.compile(r"\s+at .*[:(]|\s+File \"")


def ended_by_others(status: ExitStatus, program: str) -> AgentResult | None:
    """The result when the program did not end by itself; None when it did.

    Args:
        status: How it ended.
        program: Its name, for the sentence.
    """
    match status.why:
        case "timeout":
            return _result(
                AttemptOutcome.TIMED_OUT, ReasonCode.TIMEOUT, "stopped at its time limit"
            )
        case "silence":
            reason = f"stopped: {program} wrote nothing for too long"
            return _result(AttemptOutcome.TIMED_OUT, ReasonCode.SILENCE, reason)
        case why if why == OVER_BUDGET:
            reason = f"stopped: {program} used up its budget"
            return _result(AttemptOutcome.FAILED, ReasonCode.BUDGET, reason)
        case why if why == LIMITED:
            reason = f"stopped: {program} waits for a limit"
            return _result(AttemptOutcome.FAILED, ReasonCode.QUOTA, reason)
        case "output-cap":
            reason = (
                f"stopped: {program} wrote more than the output cap, and the file system of the"
                " state folder cannot free the middle of a file; raise output_cap, or see why it"
                " writes so much"
            )
            return _result(AttemptOutcome.FAILED, ReasonCode.AGENT, reason)
        case why if why in _LOST:
            reason = f"{program} was lost: its end was not seen ({why})"
            return _result(AttemptOutcome.LOST, ReasonCode.LOST, reason)
        case "exec" | "exited" if status.errno is not None:
            reason = f"{program} could not be started: {os.strerror(status.errno)}"
            return _result(AttemptOutcome.FAILED, ReasonCode.AGENT, reason)
        case why if why not in _BY_ITSELF:
            return _result(AttemptOutcome.STOPPED, ReasonCode.STOPPED, why or "stopped")
    if status.code is None:
        reason = f"{program} was lost: its end was not seen"
        return _result(AttemptOutcome.LOST, ReasonCode.LOST, reason)
    return None


def failed_exit(program: str, status: ExitStatus, stderr: str) -> AgentResult:
    """The result of a program that ended by itself and failed, with its own words."""
    told = telling_line(stderr)
    how = how_it_ended(status.code) + (UNSAID if status.code == 0 else "")
    reason = f"{program} {how}" + (f": {told}" if told else "")
    return AgentResult(AttemptOutcome.FAILED, reason_code(told), reason)


def how_it_ended(code: int | None) -> str:
    """``ended with exit code 3`` or ``was killed by SIGKILL``."""
    if code is None:
        return "ended without an exit code"
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"


def telling_line(stderr: str) -> str:
    """The line of standard error that says most likely what went wrong, as a sentence."""
    lines = [line for line in stderr.splitlines() if not _STACK_FRAME.match(line)]
    worded = [line for line in lines if sum(map(str.isalpha, line)) > 2]
    telling = [line for line in worded if _TELLING.search(line)]
    return sentence((telling or worded or [""])[-1])


def _result(outcome: AttemptOutcome, code: ReasonCode, reason: str) -> AgentResult:
    return AgentResult(outcome, code, reason)
