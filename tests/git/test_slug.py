"""Names of task branches: safe, short, one per id."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cc4tui.services.git.slug import task_slug


@pytest.mark.parametrize("task", ["1", "setup", "api-limits", "t12"])
def test_plain_ids_stay(task: str) -> None:
    assert task_slug(task) == task


@pytest.mark.parametrize(
    "task", ["1.1", "API", "a b", "a/b", "../x", "é", "", "-", "a" * 41, "x.lock"]
)
def test_others_get_a_hash(task: str) -> None:
    assert re.fullmatch(r"([a-z0-9-]+-)?[0-9a-f]{8}", task_slug(task))


def test_similar_ids_never_share_a_name() -> None:
    ids = ["1.1", "1-1", "1_1", "1 1", "A", "a", "ä", "a-", "-a", task_slug("1.1")]
    assert len({task_slug(task) for task in ids}) == len(ids)


@given(st.text(max_size=80))
@example("\ud800")
@example("a" * 200)
def test_always_safe(task: str) -> None:
    assert re.fullmatch(r"[a-z0-9-]{1,40}", task_slug(task))
    assert not task_slug(task).startswith("-")
    assert not task_slug(task).endswith("-")


@given(st.lists(st.text(alphabet="aA1.-_ /", max_size=6), unique=True, min_size=2, max_size=40))
def test_one_name_per_id(tasks: list[str]) -> None:
    assert len({task_slug(task) for task in tasks}) == len(tasks)
