"""The table of verbs, and everything that is made from it."""

from pathlib import Path

import pytest
from textual.app import App
from textual.binding import Binding
from textual.dom import DOMNode

from cc4tui.screens.app import CommandCenterApp
from cc4tui.screens.bindings import bindings
from cc4tui.screens.dialogs.form import Cycle
from cc4tui.screens.dialogs.frame import Dialog
from cc4tui.screens.dialogs.message import WordsField
from cc4tui.screens.execution import ExecutionTab
from cc4tui.screens.ideas import IdeasTab
from cc4tui.screens.memory import MemoryTab
from cc4tui.screens.plans import PlansTab
from cc4tui.screens.verbs import TABLE, Scope, find, key_names, keys_page, verb_id, verbs
from cc4tui.screens.widgets.filter_line import FilterLine
from cc4tui.screens.widgets.note_line import NoteLine
from cc4tui.screens.widgets.row_list import RowList


ACTORS: dict[Scope, type[DOMNode]] = {
    Scope.EVERYWHERE: CommandCenterApp,
    Scope.LISTS: RowList,
    Scope.IDEAS: IdeasTab,
    Scope.PLANS: PlansTab,
    Scope.EXECUTION: ExecutionTab,
    Scope.MEMORY: MemoryTab,
    Scope.CAPTURE: NoteLine,
    Scope.FILTER: FilterLine,
    Scope.DIALOGS: Dialog,
    Scope.FORMS: Cycle,
    Scope.MESSAGE: WordsField,
}
DOCS = Path(__file__).parents[2] / "docs" / "keys.md"


def test_the_page_of_keys_is_what_the_table_says() -> None:
    assert DOCS.read_text() == keys_page(), "run: python -m cc4tui.screens.verbs > docs/keys.md"


@pytest.mark.parametrize("scope", [scope for scope in Scope if TABLE[scope]])
def test_the_page_names_every_verb(scope: Scope) -> None:
    page = keys_page()
    assert f"## {scope.value}" in page
    for verb in verbs(scope):
        assert verb.help in page


@pytest.mark.parametrize("scope", list(ACTORS))
def test_every_verb_has_an_action(scope: Scope) -> None:
    for verb in verbs(scope):
        name = verb.action.partition("(")[0]
        assert hasattr(ACTORS[scope], f"action_{name}"), f"{scope}: {verb.action}"


@pytest.mark.parametrize("scope", list(Scope))
def test_no_key_means_two_things_in_a_scope(scope: Scope) -> None:
    keys = [key for verb in verbs(scope) for key in verb.keys.split(",")]
    assert len(keys) == len(set(keys))


def test_tabs_leave_the_keys_of_the_whole_app_alone() -> None:
    everywhere = {key for verb in verbs(Scope.EVERYWHERE) for key in verb.keys.split(",")}
    for scope in (Scope.IDEAS, Scope.PLANS, Scope.EXECUTION, Scope.MEMORY, Scope.LISTS):
        keys = {key for verb in verbs(scope) for key in verb.keys.split(",")}
        assert not keys & everywhere, scope


def test_tabs_leave_the_keys_of_lists_alone() -> None:
    lists = {key for verb in verbs(Scope.LISTS) for key in verb.keys.split(",")}
    for scope in (Scope.IDEAS, Scope.PLANS, Scope.MEMORY):
        keys = {key for verb in verbs(scope) for key in verb.keys.split(",")}
        assert not keys & lists, scope


def test_the_same_word_has_the_same_key_on_every_tab() -> None:
    seen: dict[str, str] = {}
    for scope in (Scope.IDEAS, Scope.PLANS, Scope.MEMORY):
        for verb in verbs(scope):
            if verb.action in ("filter", "delete", "next_view", "previous_view"):
                assert seen.setdefault(verb.action, verb.keys) == verb.keys


@pytest.mark.parametrize("scope", list(Scope))
def test_labels_are_short_and_help_is_a_line(scope: Scope) -> None:
    for verb in verbs(scope):
        assert 1 <= len(verb.label) <= 12
        assert 5 <= len(verb.help) <= 62, verb.help
        assert not verb.help.endswith(".")


def test_bindings_can_be_traced_back_to_their_verb() -> None:
    for scope in Scope:
        made = bindings(scope)
        assert len(made) == len(verbs(scope))
        for binding, verb in zip(made, verbs(scope), strict=True):
            assert isinstance(binding, Binding)
            assert binding.id == verb_id(scope, verb)
            assert find(binding.id) == (scope, verb)
            assert binding.show is (verb.footer > 0)
            assert binding.key_display == key_names(verb)[0]


def test_bindings_of_textual_itself_are_no_verbs() -> None:
    assert find(None) is None
    assert find("app.something") is None


def test_the_app_leaves_no_way_out_that_does_not_ask() -> None:
    unasked = {
        key
        for key, binding in CommandCenterApp._merged_bindings or ()
        if binding.action in ("quit", "help_quit")
    }
    assert unasked == set()
    assert {key for key, b in App._merged_bindings or () if b.action == "quit"} == {"ctrl+q"}
