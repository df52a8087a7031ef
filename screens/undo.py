"""What `u` takes back: the last things a person did, newest first."""

from collections import deque

from cc4tui.screens.messages import Undoable


class UndoStack:
    """Remembers a bounded number of steps.

    Args:
        size: Steps that are kept; older ones can no longer be undone.
    """

    def __init__(self, size: int = 50) -> None:
        self._steps: deque[Undoable] = deque(maxlen=size)

    def push(self, step: Undoable) -> None:
        """Remember a step that was done."""
        self._steps.append(step)

    async def undo(self) -> str | None:
        """Take the newest step back and return its label; None when there is none.

        A step whose undoing fails raises its error and stays, so that it can be tried again.
        """
        if not self._steps:
            return None
        step = self._steps.pop()
        try:
            await step.undo()
        except BaseException:
            self._steps.append(step)
            raise
        return step.label
