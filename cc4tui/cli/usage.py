"""`cc4tui usage`: what agents used, by agent, day, run, batch, task or attempt."""

from typing import TYPE_CHECKING, Any

import click

from cc4tui.cli.output import dollars, duration, note, print_json, table
from cc4tui.cli.session import Session, examples, json_option, pass_session
from cc4tui.domain.spending import GROUPS, Total, Work, totals_by


if TYPE_CHECKING:
    from cc4tui.runtime import Runtime


@click.command(
    epilog=examples(
        "cc4tui usage",
        "cc4tui usage --by agent --by day",
        "cc4tui usage r-7f3 --by task --json",
    )
)
@click.argument("run", required=False)
@click.option(
    "--by",
    "groups",
    multiple=True,
    type=click.Choice(list(GROUPS)),
    help="Repeatable. [default: day and agent; of one run: batch, task and agent]",
)
@json_option
@pass_session
def usage(session: Session, run: str | None, groups: tuple[str, ...], as_json: bool) -> None:
    """Show tokens, time and cost of all runs of this repository, or of one."""
    by = groups or (("day", "agent") if run is None else ("batch", "task", "agent"))

    async def work(center: "Runtime") -> list[Work]:
        chosen = None if run is None else (await center.find_run(run)).id
        return await center.journal.works(chosen)

    works = session.run(work)
    found = totals_by(works, by)
    whole = totals_by(works, ()).get((), Total())
    if as_json:
        rows = [dict(zip(by, key, strict=True)) | _json(total) for key, total in found.items()]
        print_json({"by": list(by), "rows": rows, "total": _json(whole)})
    elif not found:
        note("no agent has worked here yet; start a run with: cc4tui run PLAN")
    else:
        head = (*(name.upper() for name in by), *_HEAD)
        last = ("all", *("" for _ in by[1:]), *_row(whole))
        rows_ = [(*key, *_row(total)) for key, total in found.items()]
        table([*rows_, last], head)


_HEAD = ("ATTEMPTS", "TIME", "IN", "CACHED", "OUT", "COST")


def _row(total: Total) -> tuple[str, ...]:
    tokens = total.spent.usage
    cost = dollars(total.spent.cost_usd, total.spent.cost_estimated)
    if total.unpriced and total.spent.cost_usd is not None:
        cost += f" + unknown of {total.unpriced}"
    kinds = (tokens.input_tokens, tokens.cached_input_tokens, tokens.output_tokens)
    counts = ["?" if count is None else f"{count:,}" for count in kinds]
    return (str(total.attempts), duration(total.seconds), *counts, cost)


def _json(total: Total) -> dict[str, Any]:
    return {
        "attempts": total.attempts,
        "seconds": round(total.seconds, 3),
        **total.spent.usage.to_dict(),
        "cost_usd": total.spent.cost_usd,
        "cost_estimated": total.spent.cost_estimated,
        "unpriced": total.unpriced,
    }
