"""Glyphs, inks and themes: everything has a look, and states differ without colour too."""

from collections.abc import Mapping
from enum import Enum
from typing import Any

import pytest
from rich.cells import cell_len

from cc4tui.domain.notes import IdeaStatus
from cc4tui.domain.plan import PlanTaskState
from cc4tui.domain.run import RunStatus, TaskRunState
from cc4tui.screens.glyphs import plain, sign
from cc4tui.screens.ink import NAMES, Ink
from cc4tui.screens.looks import (
    IDEA_LOOKS,
    PLAN_TASK_LOOKS,
    RUN_LOOKS,
    TASK_RUN_LOOKS,
    Look,
)
from cc4tui.screens.themes import DARK, LIGHT, TERMINAL, THEMES, ink_defaults, theme_after


TABLES: list[tuple[type[Enum], Mapping[Any, Look]]] = [
    (TaskRunState, TASK_RUN_LOOKS),
    (PlanTaskState, PLAN_TASK_LOOKS),
    (IdeaStatus, IDEA_LOOKS),
    (RunStatus, RUN_LOOKS),
]


@pytest.mark.parametrize(("states", "looks"), TABLES)
def test_every_state_has_a_look_of_one_cell(states: type[Enum], looks: Mapping[Any, Look]) -> None:
    assert set(looks) == set(states)
    for look in looks.values():
        assert cell_len(look.glyph) == 1
        assert len(look.plain) == 1
        assert look.plain.isascii()
        assert look.ink in NAMES


def test_states_of_tasks_differ_without_colour() -> None:
    for tables in (TASK_RUN_LOOKS, PLAN_TASK_LOOKS, IDEA_LOOKS):
        looks: list[Look] = list(tables.values())  # type: ignore[attr-defined]
        assert len({look.glyph for look in looks}) == len(looks)
        assert len({look.plain for look in looks}) == len(looks)
        assert len({look.word for look in looks}) == len(looks)


def test_ascii_is_used_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    look = TASK_RUN_LOOKS[TaskRunState.LANDED]
    assert look.sign == sign("✓", "+") == "✓"
    assert plain("a … b") == "a … b"
    monkeypatch.setenv("CC4TUI_ASCII", "1")
    assert look.sign == sign("✓", "+") == "+"
    assert plain("a … › b") == "a ~ > b"
    monkeypatch.setenv("CC4TUI_ASCII", "0")
    assert look.sign == "✓"


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_every_ink_can_be_drawn_in_every_theme(theme: Any) -> None:
    variables = {**ink_defaults(theme), **theme.to_color_system().generate(), **theme.variables}
    ink = Ink(theme, variables)
    for name in NAMES:
        assert ink.style(name) is ink.style(name)
    assert ink.style("bad").color != ink.style("good").color
    assert ink.style("title").bold


def contrast(one: Any, other: Any) -> float:
    """The contrast ratio of WCAG 2."""

    def luminance(colour: Any) -> float:
        parts = [part / 255 for part in colour.rgb]
        linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return float((high + 0.05) / (low + 0.05))


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda theme: theme.name)
@pytest.mark.parametrize("ground", ["background", "surface", "panel", "ink-cursor"])
def test_what_is_written_can_be_read(theme: Any, ground: str) -> None:
    from textual.color import Color

    variables = {**theme.to_color_system().generate(), **theme.variables}
    paper = Color.parse(variables[ground])
    for name in ("foreground", "primary", "success", "warning", "error", "accent", "ink-tag"):
        assert contrast(Color.parse(variables[name]), paper) >= 4.0, name
    assert contrast(Color.parse(variables["ink-muted"]), paper) >= 3.5


def test_the_terminals_own_theme_has_no_colour_of_ours() -> None:
    for name in ("primary", "background", "foreground", "error", "panel"):
        assert str(getattr(TERMINAL, name)).startswith("ansi_")


def test_themes_go_round_from_anywhere() -> None:
    assert theme_after("cc4-dark") == "cc4-light"
    assert theme_after("cc4-terminal") == "cc4-dark"
    assert theme_after("nord") == "cc4-dark"
