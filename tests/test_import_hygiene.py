"""What is imported when: no screen below the screens, and nothing heavy for a quick answer."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest


ROOT = Path(__file__).parent.parent
RUNNING = tuple(
    f"cc4tui.services.{part}" for part in ("pipeline.engine", "plans", "processes", "agents.claude")
)
"""What only a run needs."""
SCREENS = {"textual", "rich"}
HEAVY = {"pydantic", "sqlalchemy", "aiosqlite", "alembic", "watchfiles", "ruamel", *SCREENS}

PROBE = """
import json, sys
{code}
print()
print(json.dumps(sorted(sys.modules)))
"""


def imported_by(code: str, cwd: Path) -> set[str]:
    """Top-level modules that a fresh interpreter holds after running `code`."""
    return {name.partition(".")[0] for name in modules_after(code, cwd)}


def modules_after(code: str, cwd: Path) -> set[str]:
    """Every module that a fresh interpreter holds after running `code`."""
    env = os.environ | {"CC4TUI_STATE_DIR": str(cwd / "state"), "CC4TUI_CONFIG_DIR": str(cwd / "c")}
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(code=code)],
        cwd=cwd, env=env, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def modules(folder: str) -> Iterator[str]:
    """Dotted names of all modules below a folder of the project; Alembic alone runs migrations."""
    for path in sorted((ROOT / folder).rglob("*.py")):
        if "migrations" in path.parts:
            continue
        parts = path.relative_to(ROOT).with_suffix("").parts
        dotted = ".".join(part for part in parts if part != "__init__")
        yield dotted if folder.startswith("cc4tui") else f"cc4tui.{dotted}"


def importing(names: Iterable[str]) -> str:
    """Code that imports all of them; a migration's name is no identifier."""
    return f"import importlib\nfor name in {list(names)!r}:\n    importlib.import_module(name)"


def called(*arguments: str, codes: tuple[int, ...] = (0,)) -> str:
    """Code that calls the command line in the probe's interpreter."""
    return (
        "from cc4tui.cli.main import main\n"
        f"try:\n    main({list(arguments)!r})\n"
        f"except SystemExit as ended:\n    assert ended.code in {codes!r}, ended.code"
    )


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "-q", tmp_path], check=True, timeout=60)
    who = ["-c", "user.name=T", "-c", "user.email=t@example.invalid"]
    commit = ["git", "-C", str(tmp_path), *who, "commit", "-q", "--allow-empty", "-m", "Start"]
    subprocess.run(commit, check=True, timeout=60)
    return tmp_path


@pytest.mark.parametrize("folder", ["services", "cc4tui/cli", "cc4tui/storage", "cc4tui/domain"])
def test_nothing_below_the_screens_imports_them(folder: str, tmp_path: Path) -> None:
    names = list(modules(folder))
    assert len(names) >= 5
    found = imported_by(importing(names), tmp_path)
    assert not found & SCREENS


def test_the_runtime_imports_no_screen(tmp_path: Path) -> None:
    assert not imported_by("import cc4tui.runtime", tmp_path) & SCREENS


def test_every_service_alone_imports_no_database(tmp_path: Path) -> None:
    found = imported_by(importing(modules("services")), tmp_path)
    assert not found & {"sqlalchemy", "aiosqlite", "alembic", "click"}


def test_the_domain_needs_the_standard_library_only(tmp_path: Path) -> None:
    names = [*modules("cc4tui/domain"), "cc4tui.events", "cc4tui.errors", "cc4tui.ports"]
    own = {"cc4tui", "__main__"}
    extra = imported_by(importing(names), tmp_path) - imported_by("", tmp_path) - own
    assert {name for name in extra if name not in sys.stdlib_module_names} == set()


def test_the_version_costs_nothing(tmp_path: Path) -> None:
    found = imported_by(called("--version"), tmp_path)
    assert not found & (HEAVY | {"asyncio", "platformdirs", "sqlite3"})


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    assert not imported_by(called("--help"), tmp_path) & HEAVY
    assert not imported_by(called("run", "--help"), tmp_path) & HEAVY


def test_help_imports_no_command(tmp_path: Path) -> None:
    found = modules_after(called("--help"), tmp_path)
    assert not found & {"asyncio", "cc4tui.ports", "cc4tui.cli.runs", "cc4tui.cli.execution"}


@pytest.mark.parametrize(
    "arguments", [["status"], ["runs"], ["idea", "list"], ["memory", "list"], ["saved", "list"]]
)
def test_what_only_reads_imports_nothing_that_runs(repository: Path, arguments: list[str]) -> None:
    found = modules_after(called(*arguments, codes=(0, 2)), repository)
    assert "cc4tui.runtime" in found
    assert not {name for name in found if name.startswith(RUNNING)}
    assert not found & {"cc4tui.events", "sqlalchemy.orm"}
    assert arguments == ["saved", "list"] or "cc4tui.ports.center" not in found


def test_checking_a_plan_imports_neither_database_nor_pipeline(tmp_path: Path) -> None:
    (tmp_path / "plan.md").write_text("# P\n\n- [ ] 1.1 Say hello\n")
    found = modules_after(called("plan", "check", "plan.md"), tmp_path)
    assert "cc4tui.services.plans.reading" in found
    unneeded = ("cc4tui.services.pipeline", "cc4tui.storage", "cc4tui.runtime", "asyncio")
    assert not {name for name in found if name.startswith(unneeded)}
    assert not {name.partition(".")[0] for name in found} & (HEAVY - {"ruamel"})


def test_without_a_word_no_command_line_is_parsed(tmp_path: Path) -> None:
    opened = (
        "import cc4tui.cli.screen\ncc4tui.cli.screen.open_app = lambda start: print(start) or 0\n"
    )
    assert "click" not in modules_after(opened + called(), tmp_path)


def test_after_the_first_frame_the_tree_does_not_wait_for_the_engine(repository: Path) -> None:
    found = modules_after(RECONCILED, repository)
    assert "cc4tui.storage.store" in found
    assert "cc4tui.services.pipeline.engine" not in found


RECONCILED = """
import asyncio
from pathlib import Path
from cc4tui.runtime import Runtime

async def main():
    async with Runtime.open(Path()) as runtime:
        assert await runtime.reconcile() == ""

asyncio.run(main())
"""

FIRST_FRAME = """
import asyncio
from pathlib import Path
from cc4tui.runtime import Runtime
from cc4tui.screens.app import CommandCenterApp

class Snapped(CommandCenterApp):
    def _display(self, screen, renderable):
        super()._display(screen, renderable)
        if renderable is not None and not self._exit:
            held.extend(sys.modules)
            self.exit()

    def refresh_css(self, animate=True):
        styled_again.append(not held)
        super().refresh_css(animate)

async def main():
    async with Runtime.open(Path()) as runtime:
        await Snapped(runtime).run_async(headless=True)

held, styled_again = [], []
asyncio.run(main())
assert held and not any(styled_again)
sys.modules = dict.fromkeys(held)
"""


DATACLASSES = (
    "cc4tui.domain.notes",
    "cc4tui.domain.plan",
    "cc4tui.domain.run",
    "cc4tui.events",
    "cc4tui.ports.agents",
    "cc4tui.ports.center",
    "cc4tui.ports.processes",
    "cc4tui.ports.storage",
)
"""What is told of runs and plans: making these classes takes 0.4 ms each."""


def test_before_the_first_frame_there_is_nothing_but_textual(repository: Path) -> None:
    """An import budget: raise a number only together with the start-up figures of the docs."""
    found = modules_after(FIRST_FRAME, repository)
    textual = modules_after("import asyncio, textual.app, textual.widgets._tooltip", repository)
    assert not {name.partition(".")[0] for name in found} & (HEAVY - SCREENS | {"click"})
    assert not {name for name in found if name.startswith(RUNNING)}
    assert not {name for name in found if name.startswith("cc4tui.screens.execution")}
    assert "cc4tui.domain.agent" not in found
    ours = {name for name in found if name.startswith("cc4tui")}
    theirs = found - textual - ours
    assert not {name for name in ours if name.startswith(DATACLASSES)}
    assert len(ours) <= 57, sorted(ours)
    assert len(theirs) <= 24, sorted(theirs)


def test_paths_imports_nothing_heavy(repository: Path) -> None:
    assert not imported_by(called("paths", "--json"), repository) & HEAVY


@pytest.mark.parametrize("arguments", [["runs"], ["idea", "list"], ["plan", "list"], ["doctor"]])
def test_headless_commands_import_no_screen(repository: Path, arguments: list[str]) -> None:
    assert not imported_by(called(*arguments), repository) & SCREENS


def test_without_configuration_pydantic_is_never_needed(repository: Path) -> None:
    assert "pydantic" not in imported_by(called("runs"), repository)


def test_the_ports_have_every_name_that_they_list(tmp_path: Path) -> None:
    code = "from cc4tui.ports import *\nimport cc4tui.ports\nassert cc4tui.ports.__all__"
    found = modules_after(code, tmp_path)
    assert {"cc4tui.ports.center", "cc4tui.ports.storage"} <= found
