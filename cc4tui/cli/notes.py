"""`cc4tui idea ...` and `cc4tui memory ...`: what people write down."""

from typing import TYPE_CHECKING, Any

import click

from cc4tui.cli.output import iso, note, print_json, say, table
from cc4tui.cli.session import Session, examples, json_option, named_plan, pass_session
from cc4tui.domain.notes import Idea, Lesson
from cc4tui.domain.text import clean, clean_line
from cc4tui.errors import UsageError


if TYPE_CHECKING:
    from cc4tui.runtime import Runtime


@click.group(
    epilog=examples('cc4tui idea add "rate-limit the upload" --tag api', "cc4tui idea list")
)
def idea() -> None:
    """Catch ideas before they are lost, and turn them into tasks."""


@idea.command("add", epilog=examples('cc4tui idea add "dark theme for the report" --tag ui'))
@click.argument("text")
@click.option("--tag", "tags", multiple=True, help="May be repeated.")
@click.option("--priority", type=click.Choice(["high", "medium", "low"]), help="None by default.")
@json_option
@pass_session
def add_idea(
    session: Session, text: str, tags: tuple[str, ...], priority: str | None, as_json: bool
) -> None:
    """Keep an idea."""

    async def work(center: "Runtime") -> Idea:
        return await center.notebook.add_idea(required(text, "an idea"), tags, priority)

    kept = session.run(work)
    if as_json:
        print_json(idea_json(kept))
    else:
        say(f"kept as idea {kept.id}")


@idea.command("list", epilog=examples("cc4tui idea list", "cc4tui idea list --json"))
@json_option
@pass_session
def list_ideas(session: Session, as_json: bool) -> None:
    """Show the ideas, newest first."""

    async def work(center: "Runtime") -> list[Idea]:
        return await center.notebook.ideas()

    found = session.run(work)
    if as_json:
        print_json([idea_json(one) for one in found])
    elif not found:
        note('no idea yet; keep one with: cc4tui idea add "..."')
    else:
        table(
            (
                (
                    one.id,
                    one.status.value,
                    clean_line(one.text),
                    " ".join(f"#{t}" for t in one.tags),
                )
                for one in found
            ),
            ("ID", "STATUS", "IDEA", "TAGS"),
        )


@idea.command("promote", epilog=examples("cc4tui idea promote 3 --plan plans/api.md"))
@click.argument("idea_id", metavar="ID", type=int)
@click.option("--plan", required=True, help="The plan that gets it as a task.")
@pass_session
def promote_idea(session: Session, idea_id: int, plan: str) -> None:
    """Write an idea as a task into a plan."""

    async def work(center: "Runtime") -> str:
        return await center.promote_idea(idea_id, named_plan(center, plan))

    task = session.run(work)
    say(f"idea {idea_id} is now task {clean_line(task)} of {clean_line(plan)}")


@click.group(epilog=examples('cc4tui memory add "run ruff before pytest"', "cc4tui memory list"))
def memory() -> None:
    """Keep what was learned, and find it again."""


@memory.command("add", epilog=examples('cc4tui memory add "the API needs UTC" --tag api'))
@click.argument("text")
@click.option("--title", default="", help="A short name for it.")
@click.option("--tag", "tags", multiple=True, help="May be repeated.")
@json_option
@pass_session
def add_lesson(
    session: Session, text: str, title: str, tags: tuple[str, ...], as_json: bool
) -> None:
    """Keep a lesson."""

    async def work(center: "Runtime") -> Lesson:
        return await center.notebook.add_lesson(required(text, "a lesson"), title, "person", tags)

    kept = session.run(work)
    if as_json:
        print_json(lesson_json(kept))
    else:
        say(f"kept as lesson {kept.id}")


@memory.command("list", epilog=examples("cc4tui memory list", "cc4tui memory list --json"))
@json_option
@pass_session
def list_lessons(session: Session, as_json: bool) -> None:
    """Show the lessons, newest first."""

    async def work(center: "Runtime") -> list[Lesson]:
        return await center.notebook.lessons()

    _show_lessons(session.run(work), as_json, 'no lesson yet; add one: cc4tui memory add "..."')


@memory.command(
    "search", epilog=examples("cc4tui memory search ruff", 'cc4tui memory search "api ut"')
)
@click.argument("query")
@json_option
@pass_session
def search_lessons(session: Session, query: str, as_json: bool) -> None:
    """Find lessons by their words, best match first; beginnings of words are enough."""

    async def work(center: "Runtime") -> list[Lesson]:
        return await center.notebook.search_lessons(query)

    _show_lessons(session.run(work), as_json, f"no lesson about {clean_line(query)!r}")


@memory.command("forget", epilog=examples("cc4tui memory forget 3"))
@click.argument("lesson_id", metavar="ID", type=int)
@pass_session
def forget_lesson(session: Session, lesson_id: int) -> None:
    """Hide a lesson; the app's Memory tab can bring it back."""

    async def work(center: "Runtime") -> None:
        await center.notebook.delete_lesson(lesson_id)

    session.run(work)
    say(f"lesson {lesson_id} is forgotten")


def _show_lessons(found: list[Lesson], as_json: bool, nothing: str) -> None:
    if as_json:
        print_json([lesson_json(one) for one in found])
        return
    if not found:
        note(nothing)
    for one in found:
        tags = "".join(f"  #{clean_line(tag)}" for tag in one.tags)
        title = f"{clean_line(one.title)}: " if one.title else ""
        say(f"{one.id:>4}  {title}{clean(one.text)}{tags}")


def required(text: str, what: str) -> str:
    """The text, unless there is nothing in it.

    Raises:
        UsageError: it is blank.
    """
    if not text.strip():
        raise UsageError(f"{what} needs some text")
    return text.strip()


def idea_json(one: Idea) -> dict[str, Any]:
    """An idea as `--json` prints it."""
    return {
        "id": one.id,
        "text": one.text,
        "tags": list(one.tags),
        "priority": one.priority,
        "status": one.status.value,
        "plan": one.plan,
        "task": one.task,
        "created": iso(one.created),
    }


def lesson_json(one: Lesson) -> dict[str, Any]:
    """A lesson as `--json` prints it."""
    return {
        "id": one.id,
        "title": one.title,
        "text": one.text,
        "source": one.source,
        "tags": list(one.tags),
        "created": iso(one.created),
    }
