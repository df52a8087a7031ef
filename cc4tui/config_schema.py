"""The one model that configuration from outside must fit. Imported only when there is some."""

import difflib
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from cc4tui.errors import ConfigError


def _one_or_many(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _inside(value: str) -> str:
    path = PurePosixPath(value)
    if path.is_absolute() or ".." in path.parts or value.startswith("~"):
        raise ValueError("must be a path inside the repository")
    if any(part.casefold() == ".git" for part in path.parts):
        raise ValueError("must not be inside .git")
    return value


Text = Annotated[str, Field(min_length=1, max_length=4096, pattern=r"^[^\x00]*[^\s\x00][^\x00]*$")]
Commands = Annotated[list[Text], BeforeValidator(_one_or_many)]
RelativePath = Annotated[Text, BeforeValidator(lambda v: _inside(v) if isinstance(v, str) else v)]
RelativePaths = Annotated[list[RelativePath], BeforeValidator(_one_or_many)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Dollars = Annotated[float, Field(ge=0, allow_inf_nan=False)]
AgentName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,39}$")]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid")


class RunSection(_Section):
    """``[run]``; what each key means stands at `RunConfig`, defaults too."""

    workers: Annotated[int, Field(ge=1, le=256)] = 0
    agent: AgentName = ""
    fallback: Annotated[list[AgentName], BeforeValidator(_one_or_many)] = []
    quota_wait: Seconds = 0
    mode: Literal["worktree", "local"] = "worktree"
    land: Literal["merge", "none"] = "merge"
    verify: Commands = []
    setup: Commands = []
    copy_: Annotated[RelativePaths, Field(alias="copy")] = []
    link: RelativePaths = []
    keep: RelativePaths = []
    retries: Annotated[int, Field(ge=0, le=100)] = 0
    timeout: Seconds = 0
    first_output: Seconds = 0
    silence: Seconds = 0
    after_result: Seconds = 0
    output_cap: Annotated[int, Field(ge=0, le=1 << 20)] = 0
    verify_timeout: Seconds = 0
    budget: Annotated[str, Field(pattern=r"(?i)^(|\d+(\.\d+)? ?[km]?|\$ ?\d+(\.\d+)?)$")] = ""


class AppSection(_Section):
    """``[app]``; what each key means stands at `AppConfig`, defaults too."""

    notify: Literal["off", "bell", "desktop"] = "bell"


class AgentSection(_Section):
    """``[agents.NAME]``."""

    driver: AgentName = ""
    command: Commands = []
    model: Text = ""
    effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] = "medium"
    args: list[str] = []
    policy: Literal["ask", "accept-edits", "yolo", "read-only"] = "yolo"
    env: dict[Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")], str] = {}


class PriceSection(_Section):
    """``[prices."MODEL"]``: US dollars per million tokens."""

    input: Dollars = 0
    cached_input: Dollars = 0
    output: Dollars = 0


class Schema(_Section):
    """A whole file."""

    run: RunSection = RunSection()
    app: AppSection = AppSection()
    agents: dict[AgentName, AgentSection] = {}
    prices: dict[Text, PriceSection] = {}


def check(source: str, raw: Mapping[str, Any], *, text: bool = False) -> dict[str, Any]:
    """The keys that are set, checked by the model.

    Args:
        source: What the person knows the settings by, for messages.
        raw: As parsed.
        text: Numbers come as text (variables); otherwise ``workers = "4"`` is an error.

    Raises:
        ConfigError: with the source, the key and what is wrong.
    """
    try:
        model = Schema.model_validate(raw, strict=not text)
    except ValidationError as error:
        problems = "; ".join(_problem(detail) for detail in error.errors()[:3])
        more = f" (and {error.error_count() - 3} more)" if error.error_count() > 3 else ""
        raise ConfigError(f"{source}: {problems}{more}") from None
    return model.model_dump(exclude_unset=True, by_alias=True)


def _problem(detail: ErrorDetails) -> str:
    path = [str(part) for part in detail["loc"] if part != "[key]"]
    key = ".".join(path)
    if detail["type"] == "extra_forbidden":
        near = difflib.get_close_matches(path[-1], _known_keys(path), n=1)
        return f"{key}: unknown key" + (f"; did you mean {near[0]}?" if near else "")
    if detail["type"] == "string_pattern_mismatch":
        return f"{key}: {detail['input']!r} is not allowed here"
    if detail["type"] in ("model_type", "dict_type"):
        return f"{key}: must be a table, like [{key}]"
    message = detail["msg"].removeprefix("Value error, ")
    return f"{key}: {message[0].lower()}{message[1:]}, got {detail['input']!r}"


def _known_keys(path: list[str]) -> list[str]:
    second = AppSection if path[0] == "app" else RunSection
    models: dict[int, type[BaseModel]] = {1: Schema, 2: second}
    other: type[BaseModel] = PriceSection if path[0] == "prices" else AgentSection
    model = models.get(len(path), other)
    return [info.alias or name for name, info in model.model_fields.items()]
