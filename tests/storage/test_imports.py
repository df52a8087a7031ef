"""What opening a store may load: start-up time is a promise."""

import subprocess
import sys
from pathlib import Path


SCRIPT = """
import asyncio, sys
from pathlib import Path
import cc4tui.ports
assert not [name for name in sys.modules if name.startswith("sqlalchemy")]
from cc4tui.storage.store import open_store

async def main():
    store = await open_store(Path(sys.argv[1]))
    await store.add_lesson("x")
    await store.search_lessons("x")
    await store.close()

asyncio.run(main())
print(*sys.modules)
"""


def test_neither_alembic_nor_the_orm_nor_a_screen_is_loaded(path: Path):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT, str(path)],
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = done.stdout.split()
    unwanted = ("alembic", "sqlalchemy.orm", "sqlalchemy.ext", "textual", "rich", "pydantic")
    assert "sqlalchemy" in loaded
    assert [name for name in loaded if name.startswith(unwanted)] == []
    assert done.stderr == ""
