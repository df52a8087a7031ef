"""A viewer sees everything, also what is written meanwhile, and changes nothing."""

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from cc4tui.errors import UnfitError
from cc4tui.events import TaskReady
from cc4tui.ports import Write
from cc4tui.storage import schema
from cc4tui.storage.store import SqlStore, open_store


async def test_a_viewer_follows_the_owner(store: SqlStore, path: Path, new_run: Any):
    run, tasks = new_run()
    await store.create_run(run, tasks)
    viewer = await open_store(path, read_only=True)
    try:
        assert await viewer.run("r1") == run
        assert await viewer.task_runs("r1") == tasks
        for n in range(5):
            (event,) = await store.commit(Write("r1", events=(TaskReady(run="r1"),)))
            assert await viewer.events("r1", after=n) == [event]
    finally:
        await viewer.close()


async def test_a_viewer_writes_nothing(store: SqlStore, path: Path, new_run: Any):
    await store.create_run(*new_run())
    viewer = await open_store(path, read_only=True)
    try:
        with pytest.raises(UnfitError, match="was opened for reading only"):
            await viewer.add_idea("x")
        with pytest.raises(UnfitError, match="was opened for reading only"):
            await viewer.commit(Write("r1", {"reason": "x"}))
    finally:
        await viewer.close()
    assert await store.ideas() == []


async def test_readers_cannot_write_by_mistake(store: SqlStore):
    with pytest.raises(UnfitError, match="cannot be written"):
        await store._database.read(lambda c: c.execute(sa.text("DELETE FROM ideas")))


async def test_a_viewer_makes_nothing(path: Path):
    with pytest.raises(UnfitError, match=r"There is no database at .* yet"):
        await open_store(path, read_only=True)
    assert not path.parent.exists()
    path.parent.mkdir(mode=0o700)
    path.touch(0o600)
    with pytest.raises(UnfitError, match="is empty: start cc4tui here once"):
        await open_store(path, read_only=True)
    assert path.stat().st_size == 0


async def test_a_viewer_migrates_nothing(path: Path, monkeypatch: pytest.MonkeyPatch):
    await (await open_store(path)).close()
    monkeypatch.setattr(schema, "REVISIONS", ("0001", "0002", "0003"))
    monkeypatch.setattr(schema, "HEAD", "0003")
    with pytest.raises(UnfitError, match="is from an older cc4tui: start cc4tui here once"):
        await open_store(path, read_only=True)


async def test_a_viewer_survives_that_the_file_is_replaced(
    store: SqlStore, path: Path, tmp_path: Path
):
    other = await open_store(tmp_path / "other" / "cc4tui.db")
    idea = await other.add_idea("of the other")
    await other.close()
    viewer = await open_store(path, read_only=True)
    try:
        assert await viewer.ideas() == []
        await store.close()
        (tmp_path / "other" / "cc4tui.db").replace(path)
        assert await viewer.ideas() == [idea]
    finally:
        await viewer.close()
