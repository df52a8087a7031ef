"""git's own listing of its configuration, read back."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cc4tui.services.git.config import GitConfig, Identity


KEYS = st.from_regex(r"[a-z]{1,5}\.[A-Za-z/ .]{0,8}\.?[a-z]{1,5}", fullmatch=True)
VALUES = st.one_of(
    st.none(), st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
)


@given(st.lists(st.tuples(st.sampled_from(["global", "local"]), KEYS, VALUES)))
def test_parses_what_git_writes(entries: list[tuple[str, str, str | None]]) -> None:
    output = b"".join(
        f"{scope}\0file:/x\0{key}{'' if value is None else chr(10) + value}\0".encode()
        for scope, key, value in entries
    )
    config = GitConfig.parse(output)
    assert [(e.scope, e.key, e.value) for e in config.entries] == [
        (scope, key, "true" if value is None else value) for scope, key, value in entries
    ]
    for _, key, _ in entries:
        last = [value for _, other, value in entries if other == key][-1]
        assert config.get(key) == ("true" if last is None else last)


async def test_reads_the_persons_view(repo: Any, open_session: Callable[..., Any]) -> None:
    repo.git("config", "user.email", "work@example.org")
    repo.git("config", "remote.Odd = [name].url", "x")
    config = (await open_session(repo)).repository.config
    assert config.get("user.name") == "Pat Person"
    assert config.get("user.email") == "work@example.org"
    assert [entry.key for entry in config.matching("remote.", ".url")] == [
        "remote.Odd = [name].url"
    ]
    assert config.identity() == Identity("Pat Person", "work@example.org")


@pytest.mark.parametrize("text", ["", "[user]\n\tname = <>\n", "[user]\n\tname = .\n\temail =\n"])
async def test_without_a_usable_identity_it_is_ours(
    repo: Any, open_session: Callable[..., Any], person: Path, text: str
) -> None:
    (person / ".gitconfig").write_text(text)
    session = await open_session(repo)
    assert session.repository.identity == Identity("cc4tui", "cc4tui@localhost")
    tree = await session.private.tree_of(session.repository.head)
    oid = await session.private.commit(tree, [session.repository.head], "x\n")
    assert repo.git("log", "-1", "--format=%an %ae", oid) == "cc4tui cc4tui@localhost"


async def test_identity_of_the_environment_counts(
    repo: Any, open_session: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Env")
    monkeypatch.setenv("GIT_AUTHOR_EMAIL", "env@example.org")
    assert (await open_session(repo)).repository.identity == Identity("Env", "env@example.org")


def test_true_as_git_understands_it() -> None:
    config = GitConfig.parse(b"local\0f\0a.b\0local\0f\0a.c\nYes\0local\0f\0a.d\n0\0")
    assert [config.is_true(key) for key in ("a.b", "a.c", "a.d", "a.e")] == [
        True,
        True,
        False,
        False,
    ]
