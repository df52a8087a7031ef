"""What people ask of a run, carried out: one way for this process and for requests of others."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cc4tui.ports import Retry
from cc4tui.services.pipeline.inbox import from_data


if TYPE_CHECKING:
    from cc4tui.services.pipeline.orchestrator import Orchestrator


async def carry_out(
    orchestrator: "Orchestrator", kind: str, task: str | None, data: Mapping[str, Any]
) -> None:
    """Do what was asked for; kinds that this version does not know are passed over.

    Args:
        kind: As `ports.Request.kind`.
        data: Perhaps of another version: what is odd counts as not said.

    Raises:
        Cc4tuiError: it cannot be done; the sentence says why.
    """
    match kind:
        case "answer":
            await orchestrator.answer(from_data(data))
        case "pause_run":
            await orchestrator.pause(paused=data.get("paused") is True)
        case "cancel_task" if task is not None:
            await orchestrator.cancel(task)
        case "retry_task" if task is not None:
            await orchestrator.retry(task, retry_of(data))
        case "skip_task" if task is not None:
            await orchestrator.skip(task, str(data.get("reason", "")))
        case "message" if task is not None:
            now = data.get("interrupt") is True
            await orchestrator.tell(task, str(data.get("text", "")), interrupt=now)
        case "fork" if task is not None:
            attempt = data.get("attempt")
            number = attempt if isinstance(attempt, int) else None
            await orchestrator.fork(task, str(data.get("text", "")), number)


def retry_of(data: Mapping[str, Any]) -> Retry:
    """How the task is to be tried again."""
    return Retry(*(str(data.get(key, "")) for key in ("agent", "model", "hint")))
