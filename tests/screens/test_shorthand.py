"""The shorthand of captured notes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cc4tui.ports import PlanSummary
from cc4tui.screens.shorthand import PRIORITIES, Draft, find_plan, parse, unparse


PLANS = [
    PlanSummary(path, path, "cc4", 1, 0, 0)
    for path in ("plans/api.md", "plans/ui.md", "docs/plans/ui-old.md", "docs/plans/Report.md")
]


@pytest.mark.parametrize(
    ("text", "draft"),
    [
        ("fix the upload", Draft("fix the upload")),
        ("fix the upload #api", Draft("fix the upload", ("api",))),
        ("#api fix #ui the upload", Draft("fix the upload", ("api", "ui"))),
        ("twice #api #api", Draft("twice", ("api",))),
        ("upload !high", Draft("upload", (), "high")),
        ("upload !h", Draft("upload", (), "high")),
        ("upload !URGENT now", Draft("upload now", (), "urgent")),
        ("upload @api", Draft("upload", (), None, "plans/api.md")),
        ("upload @plans/ui.md.", Draft("upload", (), None, "plans/ui.md")),
        ("sub/tag #a/b-c", Draft("sub/tag", ("a/b-c",))),
        ("größe #größe", Draft("größe", ("größe",))),
    ],
)
def test_what_is_taken_out(text: str, draft: Draft) -> None:
    assert parse(text, PLANS) == draft


@pytest.mark.parametrize(
    "text",
    [
        "see #12 and PR#7",
        "ask @ann about it",
        "beware of !important in the css",
        "mail me@api.md",
        "C# and a#b",
        "why?! because",
        "# heading",
        "#1st",
    ],
)
def test_what_stays_in_the_text(text: str) -> None:
    assert parse(text, PLANS) == Draft(text)


def test_lines_are_kept_with_their_indentation() -> None:
    note = "first #a\n\n  second  part !low\n"
    assert parse(note, PLANS) == Draft("first\n\n  second part", ("a",), "low")


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("plans/api.md", "plans/api.md"),
        ("api.md", "plans/api.md"),
        ("api", "plans/api.md"),
        ("ap", "plans/api.md"),
        ("ui", "plans/ui.md"),
        ("report", "docs/plans/Report.md"),
        ("plans", None),
        ("nothing", None),
    ],
)
def test_a_plan_is_found_when_the_name_means_one(name: str, path: str | None) -> None:
    assert find_plan(name, PLANS) == path


TAGS = st.lists(st.text("abcdefg", min_size=1, max_size=8), max_size=4, unique=True).map(tuple)


@given(
    st.lists(st.text("abcxyz.,", min_size=1, max_size=9), min_size=1, max_size=6).map(" ".join),
    TAGS,
    st.none() | st.sampled_from(PRIORITIES),
    st.none() | st.sampled_from([plan.path for plan in PLANS]),
)
def test_what_was_kept_can_be_edited_and_kept_again(
    text: str, tags: tuple[str, ...], priority: str | None, plan: str | None
) -> None:
    draft = Draft(text, tags, priority, plan)
    assert parse(unparse(draft), PLANS) == draft


@given(st.text(max_size=200))
def test_any_text_is_taken(text: str) -> None:
    draft = parse(text, PLANS)
    assert len(draft.text) <= len(text)
