"""The root of the command line: help, version, usage errors, and no traceback ever."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

import cc4tui
from cc4tui.cli.failures import SIGPIPE_EXIT, guarded, innermost
from cc4tui.cli.output import OutputClosedError
from cc4tui.cli.root import COMMANDS, root
from cc4tui.errors import GitError, PlanError, UnfitError


def commands(
    group: click.Group, path: tuple[str, ...] = ()
) -> list[tuple[tuple[str, ...], click.Command]]:
    """Every command with its path, groups included."""
    found: list[tuple[tuple[str, ...], click.Command]] = []
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        found.append(((*path, name), command))
        if isinstance(command, click.Group):
            found += commands(command, (*path, name))
    return found


ALL = commands(root)


def test_version(call: Callable[..., Any]) -> None:
    answer = call("--version")
    assert (answer.code, answer.out) == (0, f"cc4tui {cc4tui.__version__}\n")


def test_help_lists_every_command(call: Callable[..., Any]) -> None:
    answer = call("--help")
    assert answer.code == 0
    for path, _ in ALL:
        if len(path) == 1:
            assert f"\n  {path[0]} " in answer.out


@pytest.mark.parametrize("path", [path for path, _ in ALL if len(path) == 1], ids=" ".join)
def test_help_tells_the_first_sentence_of_every_command(path: tuple[str, ...]) -> None:
    assert COMMANDS[path[0]][2] == dict(ALL)[path].get_short_help_str(200)


@pytest.mark.parametrize("path", [path for path, _ in ALL], ids=" ".join)
def test_every_command_has_help_with_examples(
    call: Callable[..., Any], path: tuple[str, ...]
) -> None:
    answer = call(*path, "--help")
    assert answer.code == 0
    assert "Examples:" in answer.out
    assert f"cc4tui {' '.join(path)}" in answer.out.partition("Examples:")[2]
    assert max(map(len, answer.out.splitlines())) <= 100


def test_the_contracts_commands_are_there() -> None:
    names = {" ".join(path) for path, _ in ALL}
    assert names >= {
        "demo", "run", "resume", "runs", "status", "cancel", "retry", "logs", "diff", "report",
        "plan check", "plan list", "idea add", "idea list", "idea promote", "memory add",
        "memory list", "memory search", "memory forget", "doctor", "trust", "paths", "config",
        "completion",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["nope"], "No such command 'nope'; see `cc4tui --help`"),
        (["run"], "Missing argument 'PLAN'; see `cc4tui run --help`"),
        (["run", "p.md", "--nope"], "No such option '--nope'"),
        (["run", "p.md", "--workers", "0"], "Invalid value for '--workers'"),
        (["run", "p.md", "--workers", "many"], "Invalid value for '--workers'"),
        (["run", "p.md", "--timeout", "0"], "Invalid value for '--timeout'"),
        (["run", "p.md", "--land", "pr"], "Invalid value for '--land'"),
        (["idea", "promote", "x", "--plan", "p.md"], "Invalid value for 'ID'"),
        (["plan", "check", "-", "--granularity", "x"], "Invalid value for '--granularity'"),
        (["completion", "tcsh"], "Invalid value for"),
    ],
)
def test_wrong_usage_is_one_sentence_and_exit_2(
    call: Callable[..., Any], arguments: list[str], expected: str
) -> None:
    answer = call(*arguments)
    assert answer.code == 2
    assert answer.out == ""
    assert answer.err.startswith("cc4tui: ")
    assert answer.err.count("\n") == 1
    assert expected in answer.err


@pytest.mark.parametrize("group", ["plan", "idea", "memory", "saved"])
def test_a_group_alone_shows_what_it_has(call: Callable[..., Any], group: str) -> None:
    answer = call(group)
    assert answer.code == 2
    assert answer.out == ""
    assert answer.err == call(group, "--help").out


def test_without_a_terminal_the_app_is_refused_with_a_way_out(
    call: Callable[..., Any], repository: Path
) -> None:
    answer = call()
    assert answer.code == 2
    assert "the app needs a terminal" in answer.err


def test_c_changes_the_folder_for_every_path(
    call: Callable[..., Any], repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repository / "sub").mkdir()
    monkeypatch.chdir(tmp_path)
    answer = call("-C", "project/sub", "paths", "--json")
    assert answer.code == 0
    assert f'"repository": "{repository}"' in answer.out
    answer = call("-C", str(repository / "README.md"), "paths")
    assert answer.code == 0


def test_c_to_nowhere_is_unfit(call: Callable[..., Any], tmp_path: Path) -> None:
    answer = call("-C", str(tmp_path / "gone"), "runs")
    assert answer.code == 3
    assert "gone: No such file or directory" in answer.err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(call: Callable[..., Any], shell: str) -> None:
    answer = call("completion", shell)
    assert answer.code == 0
    assert "_CC4TUI_COMPLETE" in answer.out


def test_the_completion_script_gets_answers(tmp_path: Path) -> None:
    env = os.environ | {
        "_CC4TUI_COMPLETE": "bash_complete",
        "COMP_WORDS": "cc4tui pl",
        "COMP_CWORD": "1",
    }
    done = subprocess.run(
        [sys.executable, "-m", "cc4tui"],
        env=env, cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert done.stdout == "plain,plan\n"


# --- failures --------------------------------------------------------------------------------


def raising(error: BaseException) -> Callable[[], object]:
    def call() -> object:
        raise error

    return call


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (PlanError("p"), 2),
        (UnfitError("u"), 3),
        (GitError("status", 128, "fatal: no"), 1),
        (KeyboardInterrupt(), 130),
        (click.Abort(), 130),
        (click.UsageError("x"), 2),
        (RuntimeError("x"), 1),
        (SystemExit(7), 7),
        (ExceptionGroup("g", [ValueError("v"), ExceptionGroup("h", [UnfitError("u")])]), 3),
        (BaseExceptionGroup("g", [KeyboardInterrupt()]), 130),
    ],
)
def test_every_failure_has_its_exit_code(
    error: BaseException, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert guarded(raising(error)) == code
    said = capsys.readouterr()
    assert said.out == ""
    assert "Traceback" not in said.err
    assert said.err.count("\n") <= 1


def test_a_failures_text_cannot_reach_the_terminal_raw(capsys: pytest.CaptureFixture[str]) -> None:
    guarded(raising(UnfitError("evil \x1b]52;c;AAAA\x07\x9b6n\u202e name\nsecond line")))
    said = capsys.readouterr().err
    assert said == "cc4tui: evil  name⏎second line\n"


def test_the_traceback_comes_when_asked_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CC4TUI_DEBUG", "1")
    assert guarded(raising(PlanError("p"))) == 2
    assert "Traceback" in capsys.readouterr().err


def test_a_sentence_for_people_wins_inside_a_group() -> None:
    error = PlanError("p")
    assert innermost(ExceptionGroup("g", [OSError("x"), error])) is error
    assert isinstance(innermost(ExceptionGroup("g", [OSError("x")])), OSError)
    closed = OutputClosedError()
    assert innermost(ExceptionGroup("g", [ExceptionGroup("h", [closed])])) is closed


@pytest.mark.parametrize("value", [None, "text", 0, 1, True])
def test_what_a_command_returns_is_the_code_only_if_it_is_a_number(value: object) -> None:
    assert guarded(lambda: value) == (value if isinstance(value, int) else 0)


@pytest.mark.parametrize(
    ("arguments", "code"), [(["paths"], SIGPIPE_EXIT), (["--help"], 1)], ids=["ours", "clicks"]
)
def test_a_closed_pipe_is_quiet(
    program: Callable[..., Any], repository: Path, arguments: list[str], code: int
) -> None:
    read, write = os.pipe()
    os.close(read)
    process = program(*arguments, stdout=write, cwd=repository)
    os.close(write)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (code, "")


def test_a_terminal_that_knows_only_ascii(program: Callable[..., Any], repository: Path) -> None:
    env = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    process = program("idea", "add", "Prüfung ✓", env=env, cwd=repository)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")
    process = program("idea", "list", env=env, cwd=repository)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")
    assert r"Pr\xfcfung \u2713" in out
