"""Trust: a yes counts for exactly the commands that were shown, in exactly that repository."""

import json
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cc4tui.errors import UnfitError
from cc4tui.trust import TrustStore


@pytest.fixture
def store(tmp_path: Path) -> TrustStore:
    return TrustStore(tmp_path / "state", tmp_path / "repository" / ".git")


def test_without_commands_there_is_no_question(store: TrustStore, tmp_path: Path) -> None:
    assert store.question((), ()) is None
    assert store.answers() == []
    assert not (tmp_path / "state").exists()


def test_a_yes_is_remembered_across_processes(store: TrustStore, tmp_path: Path) -> None:
    question = store.question(["setup: make"], ["1.1 run: ls"])
    assert question is not None
    assert question.commands == ("setup: make", "1.1 run: ls")
    store.accept(question)
    again = TrustStore(tmp_path / "state", tmp_path / "repository" / ".git")
    assert again.question(["setup: make"], ["1.1 run: ls"]) is None


def test_a_changed_command_is_a_new_question(store: TrustStore) -> None:
    first = store.question(["a"], [])
    assert first is not None
    store.accept(first)
    second = store.question(["a "], [])
    assert second is not None
    assert second.key != first.key


def test_a_yes_to_the_configuration_need_not_be_repeated_for_a_plan(store: TrustStore) -> None:
    config = store.question(["c"], [])
    assert config is not None
    store.accept(config)
    plan = store.question(["c"], ["p"])
    assert plan is not None
    assert plan.commands == ("p",)
    store.accept(plan)
    assert store.question(["c"], ["p"]) is None
    assert store.question(["c"], []) is None
    assert store.question([], ["p"]) is None


def test_two_commands_are_not_the_same_as_their_join(store: TrustStore) -> None:
    question = store.question([], ["a", "b"])
    assert question is not None
    store.accept(question)
    for other in (["a b"], ["a\nb"], ["b", "a"], ["a"], ["a", "b", "b"]):
        assert store.question([], other) is not None


def test_another_repository_asks_again(store: TrustStore, tmp_path: Path) -> None:
    question = store.question(["a"], [])
    assert question is not None
    store.accept(question)
    other = TrustStore(tmp_path / "state", tmp_path / "other" / ".git")
    assert other.question(["a"], []) is not None


def test_a_copied_answer_does_not_count_elsewhere(store: TrustStore, tmp_path: Path) -> None:
    question = store.question(["a"], [])
    assert question is not None
    store.accept(question)
    other = TrustStore(tmp_path / "state", tmp_path / "other" / ".git")
    asked = other.question(["a"], [])
    assert asked is not None
    [file] = (tmp_path / "state" / "trust").rglob("*.json")
    other.accept(asked)
    other.revoke()
    [folder] = [f for f in (tmp_path / "state" / "trust").iterdir() if f != file.parent]
    (folder / f"{asked.key}.json").write_bytes(file.read_bytes())
    assert other.question(["a"], []) is not None


def test_revoke_forgets_everything(store: TrustStore) -> None:
    for command in ("a", "b"):
        question = store.question([command], [])
        assert question is not None
        store.accept(question)
    assert [answer.commands for answer in store.answers()] in ([("a",), ("b",)], [("b",), ("a",)])
    assert store.revoke() == 2
    assert store.answers() == []
    assert store.question(["a"], []) is not None
    assert store.revoke() == 0


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"repository": 1}', "null", "\x00"])
def test_a_damaged_answer_asks_again(store: TrustStore, tmp_path: Path, damage: str) -> None:
    question = store.question(["a"], [])
    assert question is not None
    store.accept(question)
    [file] = (tmp_path / "state").rglob("*.json")
    file.write_text(damage)
    assert store.question(["a"], []) is not None
    assert store.answers() == []
    store.accept(question)
    assert store.question(["a"], []) is None


def test_the_answers_are_private(store: TrustStore, tmp_path: Path) -> None:
    question = store.question(["a"], [])
    assert question is not None
    store.accept(question)
    for path in (tmp_path / "state").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)
    [file] = (tmp_path / "state").rglob("*.json")
    assert json.loads(file.read_text())["commands"] == ["a"]


def test_a_linked_trust_folder_is_refused(store: TrustStore, tmp_path: Path) -> None:
    question = store.question(["a"], [])
    assert question is not None
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "trust").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UnfitError, match="is a link"):
        store.accept(question)
    assert list((tmp_path / "elsewhere").iterdir()) == []


commands = st.lists(st.text(max_size=12), max_size=4)


@given(commands, commands, commands, commands)
def test_only_the_same_commands_have_the_same_key(
    config: list[str], plan: list[str], other_config: list[str], other_plan: list[str]
) -> None:
    store = TrustStore(Path("/nonexistent"), Path("/nonexistent/.git"))
    first = store.question(config, plan)
    second = store.question(other_config, other_plan)
    if first is None or second is None:
        assert (first is None) == (not config and not plan)
        assert (second is None) == (not other_config and not other_plan)
        return
    same = [part for part in (config, plan) if part] == [p for p in (other_config, other_plan) if p]
    assert (first.key == second.key) == same
