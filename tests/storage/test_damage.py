"""Damaged databases: set aside whole, said clearly, what people wrote carried over."""

import random
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from cc4tui.errors import UnfitError
from cc4tui.events import TaskReady
from cc4tui.ports import Write
from cc4tui.storage import damage, files
from cc4tui.storage.store import SqlStore, open_store


PAGE = 4096


async def filled(path: Path, new_run: Any) -> None:
    """A database of some hundred pages with notes in it, closed."""
    store = await open_store(path)
    await store.create_run(*new_run())
    for n in range(20):
        await store.add_idea(f"idea {n}")
        await store.add_lesson(f"lesson {n}")
    events = tuple(TaskReady(run="r1", task="x" * 500) for _ in range(500))
    await store.commit(Write("r1", events=events))
    await store.delete_idea(1)
    await store.close()


def ruin(path: Path, table: str) -> None:
    """Overwrite the root page of a table."""
    query = "SELECT rootpage FROM sqlite_master WHERE name = ?"
    with closing(sqlite3.connect(path)) as connection:
        (page,) = connection.execute(query, (table,)).fetchone()
    with path.open("r+b") as file:
        file.seek((page - 1) * PAGE)
        file.write(b"\x5a" * PAGE)


async def reads_all(store: SqlStore) -> None:
    """Touch every table."""
    await store.runs()
    await store.task_runs("r1")
    await store.attempts("r1")
    await store.events("r1")
    await store.ideas()
    await store.lessons()


async def test_what_is_no_database_is_set_aside(path: Path):
    path.parent.mkdir()
    path.write_bytes(b"not a database at all" * 500)
    files.side(path, "-wal").write_bytes(b"its log")
    store = await open_store(path)
    try:
        (aside,) = path.parent.glob("cc4tui.db.damaged.*[0-9]")
        assert aside.read_bytes() == b"not a database at all" * 500
        assert files.side(aside, "-wal").read_bytes() == b"its log"
        assert store.notice is not None
        assert store.notice.startswith(f"The database {path} was damaged (file is not a database)")
        assert f"it was set aside as {aside.name}, and a new one was made" in store.notice
        assert "with the 0 ideas and lessons" in store.notice
        await store.add_idea("works")
    finally:
        await store.close()

    again = await open_store(path)
    assert again.notice is None
    assert [idea.text for idea in await again.ideas()] == ["works"]
    await again.close()


async def test_who_only_looks_sets_nothing_aside(path: Path):
    path.parent.mkdir(mode=0o700)
    path.write_bytes(b"not a database at all" * 500)
    with pytest.raises(UnfitError, match="is damaged"):
        await open_store(path, read_only=True)
    assert [name.name for name in path.parent.iterdir()] == ["cc4tui.db"]


async def test_an_empty_file_is_a_fresh_database(path: Path):
    path.parent.mkdir()
    path.touch()
    store = await open_store(path)
    assert store.notice is None
    await store.add_idea("x")
    await store.close()


async def test_damage_met_at_work_is_handled_at_the_next_start(path: Path, new_run: Any):
    await filled(path, new_run)
    ruin(path, "events")

    store = await open_store(path)
    with pytest.raises(UnfitError, match="is damaged"):
        await store.events("r1")
    assert len(await store.ideas()) == 19
    await store.close()

    store = await open_store(path)
    assert store.notice is not None
    assert "with the 40 ideas and lessons that could be read" in store.notice
    assert [run.id for run in await store.runs()] == ["r1"]
    assert len(await store.task_runs("r1")) == 3
    assert await store.events("r1") == []
    assert {idea.text for idea in await store.ideas()} == {f"idea {n}" for n in range(1, 20)}
    assert (await store.restore_idea(1)).text == "idea 0"
    assert len(await store.search_lessons("lesson")) == 20
    await reads_all(store)
    await store.close()

    store = await open_store(path)
    assert store.notice is None
    await store.close()


async def test_damage_met_by_the_writer_leaves_the_mark_too(path: Path, new_run: Any):
    await filled(path, new_run)
    ruin(path, "events")
    store = await open_store(path)
    with pytest.raises(UnfitError, match="is damaged"):
        await store.commit(Write("r1", events=(TaskReady(run="r1"),)))
    await store.add_idea("still works")
    await store.close()

    store = await open_store(path)
    assert store.notice is not None
    assert "still works" in {idea.text for idea in await store.ideas()}
    await store.close()


async def test_notes_that_cannot_be_read_do_not_stop_the_others(path: Path, new_run: Any):
    await filled(path, new_run)
    ruin(path, "ideas")
    damage.mark(path)
    store = await open_store(path)
    assert store.notice is not None
    assert await store.ideas() == []
    assert len(await store.lessons()) == 20
    await store.close()


async def test_a_note_that_makes_no_sense_costs_only_itself(path: Path, new_run: Any):
    await filled(path, new_run)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE ideas SET tags = 'no json' WHERE id = 3")
        connection.execute("UPDATE ideas SET tags = '7' WHERE id = 4")
        connection.execute("UPDATE ideas SET status = 'dancing' WHERE id = 5")
        connection.execute("UPDATE ideas SET created = 9000000000000000000 WHERE id = 6")
        connection.execute("UPDATE ideas SET text = CAST(x'ff61' AS TEXT) WHERE id = 7")
        connection.commit()
    store = await open_store(path)
    with pytest.raises(UnfitError, match=r"holds what cannot be read|refused this"):
        await store.ideas()
    assert len(await store.lessons()) == 20
    await store.close()

    ruin(path, "events")
    damage.mark(path)
    store = await open_store(path)
    assert {idea.id for idea in await store.ideas()} == set(range(2, 21)) - {3, 4, 5, 6, 7}
    assert len(await store.lessons()) == 20
    await store.close()


async def test_a_failure_on_the_way_keeps_the_damaged_one_in_its_place(
    path: Path, new_run: Any, monkeypatch: pytest.MonkeyPatch
):
    await filled(path, new_run)
    ruin(path, "events")
    damage.mark(path)
    before = path.read_bytes()

    def full(old: Path, new: Path) -> int:
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(damage, "_carry_over", full)
        with pytest.raises(UnfitError, match="is full: free some space"):
            await open_store(path)
    assert path.read_bytes() == before
    assert not list(path.parent.glob("*.fresh.*")) + list(path.parent.glob("*.damaged.*"))

    store = await open_store(path)
    assert store.notice is not None
    assert len(await store.ideas()) == 19
    await store.close()


async def test_a_false_alarm_changes_nothing(path: Path, new_run: Any):
    await filled(path, new_run)
    damage.mark(path)
    store = await open_store(path)
    assert store.notice is None
    assert len(await store.ideas()) == 19
    await store.close()
    assert [name.name for name in path.parent.iterdir()] == ["cc4tui.db"]


@pytest.mark.parametrize("seed", range(6))
async def test_any_broken_bytes_end_in_a_sentence_and_a_working_store(
    path: Path, new_run: Any, seed: int
):
    await filled(path, new_run)
    dice = random.Random(seed)
    content = bytearray(path.read_bytes())
    for _ in range(200):
        content[dice.randrange(len(content))] = dice.randrange(256)
    if seed % 2:
        del content[dice.randrange(len(content)) :]
    path.write_bytes(content)

    refusal = ""
    for _ in range(3):
        try:
            store = await open_store(path)
        except UnfitError as error:
            refusal = str(error)
            break
        with suppress(UnfitError):
            await reads_all(store)
        await store.add_idea("works")
        await store.close()
    # Nonsense in place of the version looks like a newer program, which is never touched.
    assert refusal == "" or "newer cc4tui" in refusal or "another program" in refusal
