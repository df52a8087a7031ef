"""The prompt says the task, the whole task and nothing but the task."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from cc4tui.domain.plan import FileOp, FileRef, PlanTaskState, Step, Task
from cc4tui.services.agents.prompt import build_prompt


TASK = Task(
    id="2.1",
    title="Limit requests",
    state=PlanTaskState.TODO,
    line=10,
    end_line=20,
    goal="No caller gets more than 10 requests a second.",
    body="Use a token bucket.\n\n```python\nlimit = 10\n```",
    steps=(Step("Write the bucket", True, 12), Step("Use it in the router", False, 13)),
    files=(
        FileRef("api/limits.py", FileOp.CREATE),
        FileRef("api/router.py", FileOp.MODIFY, "10-40"),
        FileRef("docs/"),
    ),
    acceptance=("429 after the tenth request",),
)


def prompt(task: Task = TASK, **changes: object) -> str:
    values = {
        "plan_title": "A public API",
        "plan_goal": "Open the service to everybody.",
        "batch_title": "Protection",
        "batch_goal": "",
        "verify_commands": ["pytest -q"],
        "attempt": 1,
        "previous_failure": "",
    }
    return build_prompt(task=task, **{**values, **changes})


def test_all_of_a_task() -> None:
    assert (
        prompt()
        == """\
# Task 2.1: Limit requests

No caller gets more than 10 requests a second.

Use a token bucket.

```python
limit = 10
```

## Steps
- [x] Write the bucket
- [ ] Use it in the router

## Files
- create `api/limits.py`
- change `api/router.py` (lines 10-40)
- `docs/`

## Done when
- 429 after the tenth request

## Checks that will be run on your result
- `pytest -q`

## What it belongs to
- Plan: A public API
- Open the service to everybody.
- Part: Protection

## How to work
- You are alone in a git worktree of your own, the current folder. Read and change files only here.
- Do this task and nothing beyond it; others do the rest of the plan at the same time.
- Stay on the branch that is checked out. Do not touch other branches, worktrees or git's settings,
  and do not push.
- You may commit, but need not: what you leave in the folder is committed for you.
- Nobody can answer questions. Decide what is open yourself, and say at the end what you decided.
"""
    )


def test_a_bare_task() -> None:
    task = Task(id="1", title="Tidy up", state=PlanTaskState.TODO, line=1, end_line=1)
    told = prompt(task, plan_title="", plan_goal="", batch_title="", verify_commands=[])
    assert told.startswith("# Task 1: Tidy up\n\n## How to work\n")


def test_nothing_is_said_twice() -> None:
    """What a body holds already is not repeated: an agent would do it again."""
    body = "Goal: be **fast**.\n- [ ] *<<write path=a.py>>*\nDone when `the tests` pass"
    task = replace(
        TASK,
        goal="be fast.",
        body=body,
        steps=(Step("<<write path=a.py>>", False, 3),),
        acceptance=("the tests pass",),
    )
    told = prompt(task)
    assert told.count("<<write path=a.py>>") == 1
    assert "be fast." not in told
    assert "the tests pass" not in told


def test_a_second_attempt_hears_why_the_first_failed() -> None:
    told = prompt(attempt=2, previous_failure="pytest -q ended with exit code 1")
    assert "## This is attempt 2\n" in told
    assert "pytest -q ended with exit code 1" in told
    assert "It did not reach its end." in prompt(attempt=3)
    assert "attempt" not in prompt(attempt=1)


def test_the_plan_is_not_poured_in() -> None:
    told = prompt(plan_goal="g" * 10_000, batch_goal="b" * 10_000, previous_failure="f" * 10_000)
    assert told.count("g" * 100) <= 6
    assert len(told) < 8000


@given(st.text(), st.text(), st.text())
def test_any_text_goes_in_unchanged(title: str, body: str, failure: str) -> None:
    task = replace(TASK, title=title, body=body)
    told = prompt(task, attempt=2, previous_failure=failure[:100])
    assert f"# Task 2.1: {title}" in told
    assert body.strip() in told
