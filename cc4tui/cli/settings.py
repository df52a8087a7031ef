"""`cc4tui paths` and `config`: where things are, and what cc4tui is told."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from cc4tui.cli.output import note, print_json, say
from cc4tui.cli.place import Place, find_place
from cc4tui.cli.session import Session, examples, json_option, pass_session
from cc4tui.domain.text import clean_line
from cc4tui.errors import UnfitError


if TYPE_CHECKING:
    from cc4tui.config import Config, LoadedConfig


@click.command(epilog=examples("cc4tui paths", "cc4tui paths --json | jq -r .state"))
@json_option
@pass_session
def paths(session: Session, as_json: bool) -> None:
    """Show where cc4tui keeps what it knows of this repository."""
    from cc4tui.config import PERSON_FILE, REPOSITORY_FILE, config_folder

    place = find_place(session.start)
    found = {
        "repository": str(place.root or place.common_dir),
        **place.state.as_dict(),
        "config": str(config_folder() / PERSON_FILE),
        "repository_config": str(place.root / REPOSITORY_FILE) if place.root else None,
    }
    if as_json:
        print_json(found)
        return
    width = max(map(len, found))
    for name, path in found.items():
        say(f"{name.replace('_', ' '):<{width}}  {clean_line(path or '-', 4096)}")


@click.command(epilog=examples("cc4tui config", "cc4tui config --json | jq .run"))
@json_option
@pass_session
def config(session: Session, as_json: bool) -> None:
    """Show the configuration that counts here, and which file or variable each part is from."""
    from cc4tui.config import load_config

    place = _place_or_none(session)
    loaded = load_config(place.root if place else None)
    question = place.trust.question(loaded.repository_commands, ()) if place else None
    values = loaded.full if question is None else loaded.safe
    untrusted = question.commands if question else ()
    if as_json:
        print_json(_config_json(values, loaded, untrusted))
        return
    for line in _config_lines(values, loaded):
        say(clean_line(line, 2000))
    if untrusted:
        note("not in effect until `cc4tui trust`, or a yes when a run asks:")
    for command in untrusted:
        note(f"  {clean_line(command, 2000)}")


def _place_or_none(session: Session) -> Place | None:
    """Outside a repository only the person's own file counts."""
    try:
        return find_place(session.start)
    except UnfitError:
        return None


def _config_json(
    values: "Config", loaded: "LoadedConfig", untrusted: tuple[str, ...]
) -> dict[str, Any]:
    return {
        "run": asdict(values.run),
        "app": asdict(values.app),
        "agents": {name: asdict(spec) for name, spec in values.agents.items()},
        "prices": {model: asdict(price) for model, price in values.prices.items()},
        "sources": dict(loaded.sources),
        "untrusted": list(untrusted),
    }


def _config_lines(values: "Config", loaded: "LoadedConfig") -> list[str]:
    pairs = [(f"run.{key}", value) for key, value in asdict(values.run).items()]
    pairs += [(f"app.{key}", value) for key, value in asdict(values.app).items()]
    for name, spec in values.agents.items():
        pairs += [
            (f"agents.{name}.{key}", value)
            for key, value in asdict(spec).items()
            if key != "name" and value not in (None, (), {})
        ]
    for model, price in values.prices.items():
        pairs += [
            (f"prices.{model}.{key}", value)
            for key, value in asdict(price).items()
            if value is not None
        ]
    return [f"{key} = {_value(value)}{_source(key, loaded)}" for key, value in pairs]


def _value(value: Any) -> str:
    """As TOML would have it, near enough to copy."""
    import json

    return json.dumps(value, ensure_ascii=False)


def _source(key: str, loaded: "LoadedConfig") -> str:
    source = loaded.sources.get(key)
    return f"   # {source}" if source else ""
