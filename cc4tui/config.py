"""What the program is told to do: built-in values, two files, variables, flags; merged once.

pydantic, which checks what comes from outside, lives in `config_schema` and is imported only when
there is something to check: `status` in a repository without configuration never pays for it.
"""

import json
import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from cc4tui.domain.agent_spec import AgentSpec
from cc4tui.errors import ConfigError
from cc4tui.services.agents.registry import builtin_specs


if TYPE_CHECKING:
    from cc4tui.domain.prices import Price

REPOSITORY_FILE = "cc4tui.toml"
PERSON_FILE = "config.toml"
_SIZE_LIMIT = 1 << 20


@dataclass(frozen=True, slots=True)
class RunConfig:
    """How runs are done, unless the plan or a flag says otherwise."""

    workers: int = 4
    agent: str = "claude"
    fallback: tuple[str, ...] = ()
    """Agents that do what a task's own agent cannot do: not installed, not logged in, limited."""
    quota_wait: float = 86400.0
    """Seconds that a task waits for the limit of its agent; 0 = it fails at once."""
    mode: str = "worktree"
    land: str = "merge"
    """``merge`` or ``none``."""
    verify: tuple[str, ...] = ()
    """Commands after every task, on the merged tree, on top of the plan's own."""
    setup: tuple[str, ...] = ()
    """Commands once per fresh worktree."""
    copy: tuple[str, ...] = ()
    """Untracked files of the checkout that every worktree gets a copy of."""
    link: tuple[str, ...] = ()
    """Untracked files or folders of the checkout that every worktree gets a link to."""
    keep: tuple[str, ...] = ()
    """Ignored files that survive the recycling of a worktree."""
    retries: int = 0
    """Further attempts after a failed one; none by default, as each costs time and tokens."""
    timeout: float = 7200.0
    """Seconds for one attempt; 0 = no limit."""
    first_output: float = 300.0
    """Seconds within which an attempt must have written something; 0 = no limit."""
    silence: float = 1800.0
    """Seconds without any output after which an attempt is stopped; 0 = no limit."""
    after_result: float = 10.0
    """Seconds that an agent may stay after it said that it is finished; 0 = no limit."""
    output_cap: int = 256
    """MiB of standard output, and of error, that an attempt keeps on the disk; 0 = all of it."""
    budget: str = ""
    """What a whole run may use: tokens (``2m``) or dollars (``$20``); empty = no limit."""
    verify_timeout: float = 1800.0
    """Seconds for one `verify` or `setup` command; 0 = no limit."""


@dataclass(frozen=True, slots=True)
class AppConfig:
    """How the app behaves."""

    notify: str = "bell"
    """``off``, ``bell`` or ``desktop``: how a person is called whose terminal has no focus."""


BUILT_IN_AGENTS: Mapping[str, AgentSpec] = {spec.name: spec for spec in builtin_specs()}


@dataclass(frozen=True, slots=True)
class Config:
    """The merged configuration as the rest of the program sees it."""

    run: RunConfig = field(default_factory=RunConfig)
    agents: Mapping[str, AgentSpec] = field(default_factory=lambda: dict(BUILT_IN_AGENTS))
    prices: Mapping[str, "Price"] = field(default_factory=dict)
    """Of models, over those that are built in."""
    app: AppConfig = field(default_factory=AppConfig)


class Layer(NamedTuple):
    """One source of settings: checked, but not merged yet."""

    source: str
    """What a person knows it by: a path, ``the variables CC4TUI_*`` or ``the command line``."""
    values: Mapping[str, Any]
    """``{"run": {...}, "app": {...}, "agents": {name: {...}}, "prices": {model: {...}}}``, only
    what was set."""


class LoadedConfig(NamedTuple):
    """The configuration before and after the repository's commands are trusted."""

    full: Config
    """Everything; for use once `repository_commands` are trusted."""
    safe: Config
    """Without the command-bearing keys of the repository's own file."""
    repository_commands: tuple[str, ...]
    """Those keys, one readable line each; what trust is asked for and hashed over."""
    sources: Mapping[str, str]
    """Dotted key to the source that set it last; built-in values are left out."""


def load_config(
    root: Path | None,
    *,
    flags: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
) -> LoadedConfig:
    """Read every layer, check each by itself, and merge them.

    Args:
        root: Top of the person's checkout, which may hold ``cc4tui.toml``; None without one.
        flags: Keys of ``[run]`` from the command line.
        environ: Instead of the process's environment.

    Raises:
        ConfigError: a layer is unreadable or holds something wrong.
    """
    environ = os.environ if environ is None else environ
    person = _file_layer(config_folder(environ) / PERSON_FILE)
    repository = _file_layer(root / REPOSITORY_FILE) if root else None
    variables = _variables_layer(environ)
    command_line = _checked("the command line", {"run": dict(flags)}) if flags else None
    layers = [layer for layer in (person, repository, variables, command_line) if layer]
    full = build(layers)
    safe = full
    commands: tuple[str, ...] = ()
    if repository:
        commands = tuple(_command_lines(repository.values))
        own_agents = build([layer for layer in layers if layer is not repository], lax=True).agents
        harmless = Layer(repository.source, _without_commands(repository.values, own_agents))
        safe = build([harmless if layer is repository else layer for layer in layers])
    return LoadedConfig(full, safe, commands, _sources(layers))


def config_folder(environ: Mapping[str, str] | None = None) -> Path:
    """Where the person's own ``config.toml`` lies."""
    environ = os.environ if environ is None else environ
    if chosen := environ.get("CC4TUI_CONFIG_DIR"):
        return Path(chosen).expanduser().absolute()
    import platformdirs

    return platformdirs.user_config_path("cc4tui", appauthor=False)


def merge(low: Mapping[str, Any], high: Mapping[str, Any]) -> dict[str, Any]:
    """`high` over `low`: tables merge key by key, everything else (lists too) is replaced."""
    out = dict(low)
    for key, value in high.items():
        below = out.get(key)
        both = isinstance(below, Mapping) and isinstance(value, Mapping)
        out[key] = merge(below, value) if both and below is not None else value
    return out


def build(layers: Sequence[Layer], *, lax: bool = False) -> Config:
    """Merge checked layers, lowest first, over the built-in values.

    Args:
        layers: Lowest first.
        lax: Do not mind a default agent that is not defined.

    Raises:
        ConfigError: what only shows when the layers are together is wrong.
    """
    merged: dict[str, Any] = {}
    for layer in layers:
        merged = merge(merged, layer.values)
    sources = _sources(layers)
    run = replace(RunConfig(), **{k: _frozen(v) for k, v in merged.get("run", {}).items()})
    agents = dict(BUILT_IN_AGENTS)
    for name, values in merged.get("agents", {}).items():
        agents[name] = _agent(name, values, sources)
    if run.agent not in agents and not lax:
        source = sources.get("run.agent", "built in")
        raise ConfigError(f"{source}: run.agent: {unknown_agent(run.agent, agents)}")
    for name in run.fallback:
        if name not in agents and not lax:
            source = sources.get("run.fallback", "built in")
            raise ConfigError(f"{source}: run.fallback: {unknown_agent(name, agents)}")
    prices = _prices(merged.get("prices", {}))
    return Config(run, agents, prices, AppConfig(**merged.get("app", {})))


def _prices(given: Mapping[str, Mapping[str, float]]) -> "dict[str, Price]":
    if not given:
        return {}
    from cc4tui.domain.prices import Price

    return {name: Price(**values) for name, values in given.items()}


def unknown_agent(name: str, agents: Iterable[str]) -> str:
    """The sentence for an agent that is not configured."""
    from difflib import get_close_matches

    known = list(agents)
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return f"no agent is called {name!r}; {hint}known: {', '.join(known)}"


def _agent(name: str, values: Mapping[str, Any], sources: Mapping[str, str]) -> AgentSpec:
    given = {key: _frozen(value) for key, value in values.items()}
    base = BUILT_IN_AGENTS.get(name)
    own = f"agents.{name}"
    where = next(s for key, s in sources.items() if key == own or key.startswith(f"{own}."))
    if base is None and "driver" not in given:
        raise ConfigError(
            f'{where}: agents.{name}.driver is missing; write driver = "command" for a program of'
            " your own, or one of the drivers of docs/configuration.md"
        )
    spec = replace(base or AgentSpec(name, given["driver"]), **given)
    if spec.driver in ("command", "acp") and not spec.command:
        raise ConfigError(
            f'{where}: agents.{name}.command is missing; write for example command = ["my-agent"]'
        )
    return spec


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _checked(source: str, raw: Mapping[str, Any], *, text: bool = False) -> Layer:
    from cc4tui.config_schema import check

    return Layer(source, check(source, raw, text=text))


def _file_layer(path: Path) -> Layer | None:
    data = _read(path)
    if data is None:
        return None
    import tomllib  # most repositories have no such file

    try:
        raw = tomllib.loads(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from None
    return _checked(str(path), raw) if raw else None


def _read(path: Path) -> bytes | None:
    """The bytes of a regular file; None when there is none. Never waits on a pipe or a device."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise ConfigError(f"{path}: is not a regular file; remove it or make it one")
        if status.st_size > _SIZE_LIMIT:
            raise ConfigError(f"{path}: is larger than 1 MiB; a configuration is a few lines")
        return file.read(_SIZE_LIMIT + 1)


def _variables_layer(environ: Mapping[str, str]) -> Layer | None:
    """``CC4TUI_<KEY>`` for keys of ``[run]`` and ``[app]``; lists have one entry per line."""
    lists = {item.name for item in fields(RunConfig) if isinstance(item.default, tuple)}
    run: dict[str, Any] = {}
    for item in fields(RunConfig):
        value = environ.get(f"CC4TUI_{item.name.upper()}")
        if value is None or not value.strip():
            continue
        lines = [line.strip() for line in value.splitlines() if line.strip()]
        run[item.name] = lines if item.name in lists else value.strip()
    names = {item.name: f"CC4TUI_{item.name.upper()}" for item in fields(AppConfig)}
    app = {key: value.strip() for key, name in names.items() if (value := environ.get(name))}
    found = {key: values for key, values in (("run", run), ("app", app)) if values}
    return _checked("the variables CC4TUI_*", found, text=True) if found else None


_COMMAND_KEYS = ("verify", "setup")
"""Of ``[run]``; every key of ``[agents]`` can start a program or send a login elsewhere."""


def _command_lines(values: Mapping[str, Any]) -> Iterator[str]:
    run = values.get("run", {})
    for key in _COMMAND_KEYS:
        for command in run.get(key, ()):
            yield f"{REPOSITORY_FILE} run.{key}: {command}"
    for name, agent in sorted(values.get("agents", {}).items()):
        for key, value in sorted(agent.items()):
            yield f"{REPOSITORY_FILE} agents.{name}.{key}: {json.dumps(value, ensure_ascii=False)}"


def _without_commands(
    values: Mapping[str, Any], agents: Mapping[str, AgentSpec]
) -> dict[str, dict[str, Any]]:
    """What of the repository's file may count before it is trusted."""
    run = {k: v for k, v in values.get("run", {}).items() if k not in _COMMAND_KEYS}
    if run.get("agent") not in agents:
        run.pop("agent", None)
    if not agents.keys() >= set(run.get("fallback", ())):
        run.pop("fallback", None)
    return {"run": run}


def _sources(layers: Sequence[Layer]) -> dict[str, str]:
    out: dict[str, str] = {}
    for layer in layers:
        out |= dict.fromkeys(_dotted(layer.values), layer.source)
    return out


def _dotted(values: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _dotted(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"
