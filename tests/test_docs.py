"""The documents say what the program does: names, keys, defaults and links."""

import re
from dataclasses import fields
from pathlib import Path

import click
import pytest

from cc4tui.cli.root import root
from cc4tui.config import BUILT_IN_AGENTS, RunConfig
from cc4tui.domain.agent_spec import AgentSpec
from cc4tui.domain.run import AttemptOutcome, ReasonCode, RunStatus, TaskRunState
from cc4tui.errors import ExitCode
from cc4tui.events import Event


ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")], key=lambda path: path.as_posix()
)
ENVELOPE = {"run", "task", "attempt", "seq", "ts"}


EVENTS = [kind for kind in Event.__subclasses__() if kind.__module__ == "cc4tui.events"]


def document(name: str) -> str:
    return (ROOT / "docs" / name).read_text()


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_and_names_of_files_lead_somewhere(path: Path) -> None:
    text = path.read_text()
    targets = re.findall(r"\]\(([^)#:]+)\)", text)
    targets += re.findall(r"(?<![\w/.])(docs/[\w./-]+\.md)\b", text)
    for target in targets:
        assert (path.parent / target).exists() or (ROOT / target).exists(), target


def test_files_named_in_the_code_exist() -> None:
    for folder in ("cc4tui", "screens", "services"):
        for path in (ROOT / folder).rglob("*.py"):
            for target in re.findall(r"\bdocs/[\w./-]+\.md\b", path.read_text()):
                assert (ROOT / target).exists(), f"{path}: {target}"


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.name)
def test_every_event_is_documented_with_its_keys(kind: type[Event]) -> None:
    [row] = [line for line in document("events.md").splitlines() if f"`{kind.name}`" in line]
    keys = {item.name for item in fields(kind)} - ENVELOPE
    keys = {"with" if key == "with_tasks" else key for key in keys}
    told = set(re.findall(r"\w+", row))
    assert keys <= told


def test_every_key_of_the_configuration_is_documented_with_its_default() -> None:
    text = document("configuration.md")
    for item in fields(RunConfig):
        default = {(): "[]"}.get(item.default, item.default)
        shown = f'"{default}"' if isinstance(item.default, str) else str(default).removesuffix(".0")
        assert f"| `{item.name}` | {shown} |" in text
    for key in (item.name for item in fields(AgentSpec) if item.name != "name"):
        assert f"| `{key}` |" in text
    for agent in BUILT_IN_AGENTS.values():
        assert f"`{agent.driver}`" in text


def test_every_problem_of_a_plan_is_documented() -> None:
    found: set[str] = set()
    for path in (ROOT / "services" / "plans").rglob("*.py"):
        found |= set(re.findall(r'"([EW]\d\d)"', path.read_text()))
    assert found == set(
        re.findall(r"^\| ([EW]\d\d) \|", document("writing-plans.md"), re.MULTILINE)
    )


def test_the_example_of_a_plan_is_right() -> None:
    from cc4tui.services.plans.reading import read_plan

    [example] = re.findall(r"^````markdown\n(.*?)^````", document("writing-plans.md"), re.M | re.S)
    plan = read_plan(example.encode(), "example.md")
    assert plan.diagnostics == ()
    tasks = {task.id: task for task in plan.tasks()}
    assert list(tasks) == ["1.1", "1.2", "2.1", "2.2"]
    assert (tasks["1.1"].agent, tasks["1.2"].timeout, tasks["1.2"].retries) == ("codex", 1200, 1)
    assert tasks["2.1"].run == ("python tools/list_endpoints.py > docs/endpoints.txt",)
    assert set(tasks["2.2"].depends_on) == {"2.1"}
    assert [ref.path for ref in tasks["1.1"].files] == ["api/limits.py", "api/app.py"]


EXAMPLES = re.findall(
    r"^````text (\S+): (\d+) tasks, (\d+) done, (\d+) batches\n(.*?)^````",
    document("writing-plans.md"),
    re.MULTILINE | re.DOTALL,
)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example[0])
def test_the_examples_of_other_dialects_are_right(example: tuple[str, ...]) -> None:
    from cc4tui.services.plans.reading import read_plan
    from cc4tui.services.plans.report import count

    dialect, tasks, done, batches, text = example
    plan = read_plan(text.encode(), "example.md")
    assert plan.errors == ()
    assert plan.dialect == dialect
    assert count(plan) == {"batches": int(batches), "tasks": int(tasks), "done": int(done)}


def test_every_dialect_is_in_the_table() -> None:
    from cc4tui.services.plans.readers.registry import DIALECTS

    text = document("writing-plans.md")
    told = re.findall(r"^\| (`.*?`) \|", text[text.index("## Other dialects") :], re.MULTILINE)
    assert set(re.findall(r"`([\w-]+)`", " ".join(told))) == set(DIALECTS)
    assert len(EXAMPLES) >= 11


def test_every_command_and_option_of_run_is_documented() -> None:
    text = document("cli.md")
    context = click.Context(root)
    for name in root.list_commands(context):
        command = root.get_command(context, name)
        assert f"`{name}" in text
        if isinstance(command, click.Group):
            for inner in command.list_commands(context):
                assert f"`{name} {inner}" in text
    run = root.get_command(context, "run")
    assert run is not None
    for parameter in run.params:
        if isinstance(parameter, click.Option):
            assert parameter.opts[0] in text


@pytest.mark.parametrize("names", [TaskRunState, ReasonCode, RunStatus], ids=lambda e: e.__name__)
def test_every_value_that_programs_read_is_documented(
    names: type[TaskRunState | ReasonCode | RunStatus],
) -> None:
    for value in names:
        assert re.search(rf"\b{value.value}\b", document("cli.md")), value


def test_outcomes_and_exit_codes_are_documented() -> None:
    for outcome in AttemptOutcome:
        assert outcome.value in document("events.md")
    for code in ExitCode:
        assert re.search(rf"^\|.*\b{code.value}\b.*\|", document("cli.md"), re.MULTILINE)


def test_the_project_reads_its_own_plans() -> None:
    from cc4tui.services.plans.reading import read_plan

    for path in (ROOT / "plans").glob("*.md"):
        plan = read_plan(path.read_bytes(), str(path))
        assert plan.dialect == "cc4"
        assert plan.errors == ()
        assert list(plan.tasks())
