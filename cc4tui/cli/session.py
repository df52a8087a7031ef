"""What every command starts from: a place, and a way to open the repository's runtime there."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from cc4tui.cli.output import note
from cc4tui.domain.text import clean_line


if TYPE_CHECKING:
    from cc4tui.runtime import Runtime

Result = TypeVar("Result")
Decorated = TypeVar("Decorated", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Session:
    """One call of the program."""

    start: Path
    """Where the search for the repository begins."""

    def run(self, work: "Callable[[Runtime], Awaitable[Result]]") -> Result:
        """Open the runtime, do `work` in it, close it.

        Raises:
            UnfitError: there is nothing to open here.
        """
        import asyncio

        return asyncio.run(self._run(work))

    async def _run(self, work: "Callable[[Runtime], Awaitable[Result]]") -> Result:
        from cc4tui.runtime import Runtime

        def tell(sentence: str) -> None:
            note(f"cc4tui: {clean_line(sentence, 1000)}")

        async with Runtime.open(self.start, tell=tell) as runtime:
            return await work(runtime)


def named_plan(center: "Runtime", plan: str) -> str:
    """A plan as typed here, as the runtime knows it: relative to the repository where it can be.

    A name that is no file from here is left as it is; it may count from the repository's top.
    """
    path = Path.cwd() / plan
    if not path.exists():
        return plan
    path = path.parent.resolve() / path.name
    root = center.repository.root.resolve()
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


pass_session = click.make_pass_decorator(Session)


def json_option(command: Decorated) -> Decorated:
    """`--json`, the same everywhere."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


def examples(*lines: str) -> str:
    """The epilog of a command's help: examples that are not wrapped."""
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])
