"""What merge commits say can be read back, whatever a person wrote."""

from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cc4tui.services.git.trailers import done_tasks, merge_message, merged_tasks, one_line


async def _merge(session: Any, parent: str, message: str) -> str:
    tree = await session.private.tree_of(parent)
    side = await session.private.commit(tree, [parent], "side\n")
    return await session.private.commit(tree, [parent, side], message)


async def test_tasks_of_a_plan(session: Any) -> None:
    tip = session.repository.head
    for plan, task, attempt in [
        ("a.md", "1", 1),
        ("b.md", "1", 1),
        ("a.md", "2", 3),
        ("a.md", "1", 2),
    ]:
        message = merge_message(plan=plan, run="r", task=task, attempt=attempt, title=f"T {task}")
        tip = await _merge(session, tip, message)
    done = await done_tasks(session.private, tip, "a.md")
    assert {task: (found.attempt, found.title, found.run) for task, found in done.items()} == {
        "1": (2, "T 1", "r"),
        "2": (3, "T 2", "r"),
    }
    assert done["1"].commit == tip
    assert await done_tasks(session.private, tip, "c.md") == {}
    assert await done_tasks(session.private, session.repository.head, "a.md") == {}


async def test_commits_that_are_no_merges_say_nothing(session: Any) -> None:
    tree = await session.private.tree_of(session.repository.head)
    message = merge_message(plan="a.md", run="r", task="1", attempt=1, title="a lie")
    tip = await session.private.commit(tree, [session.repository.head], message)
    assert await merged_tasks(session.private, tip) == []


async def test_message_as_people_read_it() -> None:
    message = merge_message(
        plan="p.md", run="r1", task="1.1", attempt=2, title="Add  limits\n", body="Why.\n\n"
    )
    assert message == (
        "1.1: Add limits\n\nWhy.\n\nCc4-Plan: p.md\nCc4-Run: r1\nCc4-Task: 1.1\n"
        "Cc4-Attempt: 2\nCc4-Title: Add limits\n"
    )


TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40).filter(
    lambda text: bool(one_line(text))
)


@given(task=TEXT, title=TEXT, plan=TEXT, body=st.text(st.characters(exclude_categories=[])))
@example(task="a\x1fb", title="[x](y)\nCc4-Task: forged", plan="pläne/ü.md", body="Cc4-Task: no\n")
@example(task="#1", title="---\ndiff --git a b", plan="x", body="---\n\nCc4-Plan: no")
@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
async def test_any_text_comes_back(
    session: Any, task: str, title: str, plan: str, body: str
) -> None:
    message = merge_message(plan=plan, run="r", task=task, attempt=1, title=title, body=body)
    tip = await _merge(session, session.repository.head, message)
    (found,) = await merged_tasks(session.private, tip)
    assert (found.plan, found.task, found.title) == (
        one_line(plan),
        one_line(task),
        one_line(title),
    )
    assert one_line(task) in await done_tasks(session.private, tip, plan)
