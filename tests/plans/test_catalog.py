"""The plans of one repository: found, added to, and taken back."""

import asyncio
from pathlib import Path

import pytest

from cc4tui.errors import UsageError
from cc4tui.services.plans.catalog import PlanCatalog


PLAN = "---\ncc4: 1\n---\n# P\n\n## Batch 1: A\n- [ ] 1.1 One\n"


@pytest.fixture
def catalog(tmp_path):
    (tmp_path / "plans").mkdir()
    (tmp_path / "plans" / "a.md").write_text(PLAN)
    return PlanCatalog(tmp_path)


def add(catalog: PlanCatalog, title: str) -> str:
    return asyncio.run(catalog.add("plans/a.md", title))


def test_additions_are_taken_back_one_after_the_other(catalog):
    assert [add(catalog, "Two"), add(catalog, "Three")] == ["1.2", "1.3"]
    asyncio.run(catalog.undo_add("plans/a.md"))
    assert catalog.data("plans/a.md").decode() == PLAN + "- [ ] 1.2 Two\n"
    asyncio.run(catalog.undo_add("plans/a.md"))
    assert catalog.data("plans/a.md").decode() == PLAN
    with pytest.raises(UsageError, match="nothing was added"):
        asyncio.run(catalog.undo_add("plans/a.md"))


def test_an_addition_is_not_taken_back_over_an_edit(catalog):
    add(catalog, "Two")
    path = catalog.path("plans/a.md")
    path.write_text(path.read_text() + "edited\n")
    with pytest.raises(UsageError, match="was changed since"):
        asyncio.run(catalog.undo_add("plans/a.md"))
    assert path.read_text().endswith("edited\n")


def test_summaries_follow_the_files(catalog):
    (first,) = asyncio.run(catalog.summaries())
    assert (first.path, first.tasks, first.done) == ("plans/a.md", 1, 0)
    add(catalog, "Two")
    (second,) = asyncio.run(catalog.summaries())
    assert second.tasks == 2


def test_one_plan_has_one_key_however_it_is_named(catalog, tmp_path):
    (tmp_path / "link.md").symlink_to(tmp_path / "plans" / "a.md")
    assert catalog.key("plans/a.md") == "plans/a.md"
    assert catalog.key(str(tmp_path / "plans" / "a.md")) == "plans/a.md"
    assert catalog.key("link.md") == "plans/a.md"
    assert catalog.key("/elsewhere/plan.md") == "/elsewhere/plan.md"


def test_a_markup_title_is_literal(catalog):
    path = catalog.path("plans/a.md")
    path.write_text(PLAN + "- [ ] 1.2 [@click=app.quit]x[/] a [/] b\n- [ ] 1.3 [US1] [P] z\n")
    plan = asyncio.run(catalog.read("plans/a.md"))
    assert [task.title for task in plan.tasks()] == ["One", "[@click=app.quit]x[/] a [/] b", "z"]


async def test_a_new_plan_is_written_and_found(tmp_path: Path):
    catalog = PlanCatalog(tmp_path)
    await catalog.create("plans/limits.md", 'Limits: "all" of them')
    plan = await catalog.read("plans/limits.md")
    assert plan.title == 'Limits: "all" of them'
    assert plan.errors == ()
    assert [summary.path for summary in await catalog.summaries()] == ["plans/limits.md"]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("plans/there.md", "plans/there.md is there already; choose another name"),
        ("plans/link.md", "plans/link.md is there already; choose another name"),
        ("plans/new.txt", "plans/new.txt: a plan is a Markdown file; let its name end with .md"),
        ("../out.md", "../out.md lies outside the repository"),
        ("plans/there.md/x.md", "plans/there.md/x.md cannot be written: "),
    ],
)
async def test_a_new_plan_never_overwrites_anything(tmp_path: Path, path: str, message: str):
    root = tmp_path / "repo"
    (root / "plans").mkdir(parents=True)
    there = root / "plans" / "there.md"
    there.write_text("mine")
    (root / "plans" / "link.md").symlink_to("gone.md")
    with pytest.raises(UsageError) as raised:
        await PlanCatalog(root).create(path, "X")
    assert str(raised.value).startswith(message)
    assert there.read_text() == "mine"
    assert sorted(one.name for one in (root / "plans").iterdir()) == ["link.md", "there.md"]
    assert not (tmp_path / "out.md").exists()
