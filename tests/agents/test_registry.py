"""Which agents there are, and what is said when one is asked for that is not."""

import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

import cc4tui
from cc4tui.domain.agent_spec import AgentSpec
from cc4tui.errors import UsageError
from cc4tui.services.agents import registry
from cc4tui.services.agents.command import CommandBackend
from cc4tui.services.agents.registry import backend_for, builtin_specs, drivers


ROOT = str(Path(cc4tui.__file__).parent.parent)


class OtherBackend(CommandBackend):
    """What a package of somebody else would add."""

    driver = "other"


def broken() -> CommandBackend:
    raise RuntimeError("no licence")


@pytest.fixture
def added(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two drivers of other packages, one of them broken, and one that is missing its module."""
    points = [
        EntryPoint("other", f"{__name__}:OtherBackend", registry.GROUP),
        EntryPoint("broken", f"{__name__}:broken", registry.GROUP),
        EntryPoint("gone", "no_such_module_here:Backend", registry.GROUP),
        EntryPoint("misnamed", f"{__name__}:OtherBackend", registry.GROUP),
    ]
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: points)


@pytest.mark.parametrize("driver", drivers())
def test_every_driver_can_be_had(driver: str) -> None:
    assert backend_for(driver).driver == driver


def test_specs_without_configuration_are_usable() -> None:
    specs = builtin_specs()
    assert specs[0].name == "claude"
    assert {"shell", "rehearsal"} <= {spec.name for spec in specs}
    for spec in specs:
        assert backend_for(spec.driver).check(spec) is None or spec.name not in (
            "shell",
            "rehearsal",
        )


def test_an_unknown_driver_names_the_nearest_and_all() -> None:
    with pytest.raises(UsageError) as caught:
        backend_for("claud")
    assert str(caught.value) == (
        f"unknown agent driver 'claud'; did you mean claude? known: {', '.join(drivers())}"
    )
    with pytest.raises(UsageError, match=r"unknown agent driver '\[red\]'; known: "):
        backend_for("[red]")


@pytest.mark.usefixtures("added")
def test_packages_can_add_drivers() -> None:
    assert "other" in drivers()
    backend = backend_for("other")
    assert backend.driver == "other"
    assert backend.check(AgentSpec("o", "other", ("true",))) is None


@pytest.mark.usefixtures("added")
@pytest.mark.parametrize(
    ("driver", "why"),
    [
        ("broken", "RuntimeError: no licence"),
        ("gone", "ModuleNotFoundError"),
        ("misnamed", "TypeError: it calls itself 'other'"),
    ],
)
def test_a_broken_package_is_named(driver: str, why: str) -> None:
    with pytest.raises(UsageError, match=rf"the agent driver {driver} of the package .*\({why}"):
        backend_for(driver)
    with pytest.raises(UsageError, match="update or remove that package"):
        backend_for(driver)


def test_built_in_agents_cost_no_look_at_installed_packages() -> None:
    """Every command of the program needs the registry; few need what other packages add."""
    code = (
        "import sys; from cc4tui.services.agents import registry; registry.builtin_specs();"
        "registry.backend_for('shell'); print('importlib.metadata' in sys.modules)"
    )
    bare = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.append({ROOT!r}); {code}"]
    assert subprocess.check_output(bare, text=True).strip() == "False"
