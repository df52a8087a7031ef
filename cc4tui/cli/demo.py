"""`cc4tui demo`: everything at work on a sample, without an account, a network or an agent."""

import asyncio
import tempfile
from collections.abc import Awaitable
from pathlib import Path

import click

from cc4tui.cli.conduct import Reporter, conduct
from cc4tui.cli.output import note, say
from cc4tui.cli.screen import has_terminal, open_app
from cc4tui.cli.session import examples, json_option
from cc4tui.domain.text import clean_line
from cc4tui.ports import RunOptions
from cc4tui.services.sample import PLAN, make_sample_repository


@click.command(epilog=examples("cc4tui demo", "cc4tui demo --headless --dir /tmp/tally"))
@click.option("--headless", is_flag=True, help="Print the progress instead of opening the app.")
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path),
    help="Where to make it. [default: temporary]",
)
@json_option
def demo(headless: bool, folder: Path | None, as_json: bool) -> int:
    """Run a sample plan on a sample repository, acted out by the rehearsal agent."""
    place = folder or Path(tempfile.mkdtemp(prefix="cc4tui-demo-"))
    root = asyncio.run(_prepared(place))
    where = clean_line(str(root))
    if headless or as_json or not has_terminal():
        note(f"sample repository: {where}")
        code = asyncio.run(_headless(root, as_json=as_json))
        if not as_json:
            say(f"look at it with: git -C {where} log --graph --oneline")
        return code
    code = open_app(root, PLAN)
    note(f"the sample is yours to look at or delete: {where}")
    return code


async def _prepared(place: Path) -> Path:
    """The sample repository, with the trust that its own plan deserves."""
    from cc4tui.runtime import Runtime

    root = await make_sample_repository(place)
    async with Runtime.open(root) as center:
        question = await center.trust_question(PLAN, RunOptions())
        if question is not None:
            await center.trust(question)
    return root


async def _headless(root: Path, *, as_json: bool) -> int:
    from cc4tui.runtime import Runtime

    async with Runtime.open(root) as center:

        def begin() -> Awaitable[str]:
            return center.start_run(PLAN, RunOptions())

        return await conduct(center, begin, Reporter(as_json=as_json, with_output=False))
