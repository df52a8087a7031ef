"""Whatever a configuration file holds: it counts as written, or one sentence names the problem."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cc4tui.config import Config, LoadedConfig, load_config
from cc4tui.errors import ConfigError


scalars = (
    st.booleans()
    | st.integers(-3, 400)
    | st.floats(allow_nan=True)
    | st.sampled_from(["", " ", "claude", "worktree", "merge", "a b", "../x", "/x", ".git", "x\ny"])
    | st.text(max_size=8)
)
keys = st.sampled_from(
    ["run", "agents", "workers", "agent", "mode", "land", "verify", "setup", "copy", "link", "keep",
     "retries", "timeout", "silence", "driver", "command", "model", "args", "env", "claude", "mine",
     "copy_", "model_config"]
) | st.text(max_size=6)  # fmt: skip
values: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=8,
)
documents = st.dictionaries(
    st.sampled_from(["run", "agents", "other"]),
    st.dictionaries(keys, values, max_size=4) | values,
    max_size=3,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("config")


def loaded(folder: Path, data: bytes) -> LoadedConfig | str:
    """The configuration, or the sentence."""
    (folder / "cc4tui.toml").write_bytes(data)
    return sentence_or_config({"CC4TUI_CONFIG_DIR": str(folder / "none")}, folder)


def sentence_or_config(environ: dict[str, str], root: Path | None = None) -> LoadedConfig | str:
    try:
        return load_config(root, environ=environ)
    except ConfigError as error:
        return str(error)


def check(folder: Path, data: bytes) -> None:
    found = loaded(folder, data)
    if isinstance(found, str):
        assert found.startswith(f"{folder / 'cc4tui.toml'}: ")
        assert "Traceback" not in found
        return
    run = found.full.run
    assert 1 <= run.workers <= 256
    assert run.agent in found.full.agents
    assert all(isinstance(item, str) and item.strip() for item in (*run.verify, *run.setup))
    for path in (*run.copy, *run.link, *run.keep):
        assert not path.startswith(("/", "~"))
        assert ".." not in path.split("/")
    assert found.safe.run.verify == Config().run.verify
    assert found.safe.run.setup == Config().run.setup
    assert found.safe.agents == Config().agents


def toml(value: Any) -> str:
    """A value in TOML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)} = {toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, float):
        return {"inf": "inf", "-inf": "-inf", "nan": "nan"}.get(repr(value), repr(value))
    return json.dumps(value)


@settings(deadline=None, max_examples=100)
@given(documents)
def test_well_formed_files(folder: Path, document: dict[str, Any]) -> None:
    text = "\n".join(f"{json.dumps(key)} = {toml(value)}" for key, value in document.items())
    check(folder, text.encode("utf-8", "surrogatepass"))


@settings(deadline=None, max_examples=100)
@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda t: t.encode("utf-8", "replace")))
def test_any_bytes(folder: Path, data: bytes) -> None:
    check(folder, data)


@settings(deadline=None, max_examples=100)
@given(
    st.dictionaries(
        st.sampled_from(
            ["WORKERS", "AGENT", "MODE", "LAND", "VERIFY", "COPY", "RETRIES", "TIMEOUT"]
        ),
        st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
        | st.sampled_from(["1", "0", "-1", "1e3", "worktree", "merge", "claude"]),
    )
)
def test_any_variables(folder: Path, variables: dict[str, str]) -> None:
    environ = {f"CC4TUI_{name}": value for name, value in variables.items()}
    environ["CC4TUI_CONFIG_DIR"] = str(folder / "none")
    found = sentence_or_config(environ)
    if isinstance(found, str):
        assert found.startswith("the variables CC4TUI_*: run.")
    else:
        assert found.full.run.mode in ("worktree", "local")
        assert found.full.run.land in ("merge", "none")
