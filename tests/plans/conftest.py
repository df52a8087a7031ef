"""Shared by the tests of plans."""

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from cc4tui.domain.plan import Plan
from cc4tui.services.plans.reading import read_plan


@pytest.fixture(scope="session")
def seeds() -> Path:
    """The folder of the documents that this program was built after."""
    return Path(__file__).parent / "seeds"


@pytest.fixture
def read() -> Callable[..., Plan]:
    """Read a plan from indented text."""

    def read_text(text: str, path: str = "plan.md", **options: Any) -> Plan:
        return read_plan(dedent(text).encode(), path, **options)

    return read_text


@pytest.fixture
def read_seed(seeds: Path) -> Callable[..., Plan]:
    """Read one of the seed documents."""

    def read_file(name: str, **options: Any) -> Plan:
        return read_plan((seeds / name).read_bytes(), name, **options)

    return read_file


@pytest.fixture
def shape() -> Callable[[Plan], list[tuple[str, list[str]]]]:
    """Batches with the ids of their tasks."""

    def batches(plan: Plan) -> list[tuple[str, list[str]]]:
        return [(batch.id, [task.id for task in batch.tasks]) for batch in plan.batches]

    return batches


@pytest.fixture
def codes() -> Callable[[Plan], list[str]]:
    """Codes of a plan's diagnostics."""

    def found(plan: Plan) -> list[str]:
        return [diagnostic.code for diagnostic in plan.diagnostics]

    return found
