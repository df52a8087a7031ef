"""The Execution tab."""

from cc4tui.screens.execution.tab import ExecutionTab


__all__ = ["ExecutionTab"]
