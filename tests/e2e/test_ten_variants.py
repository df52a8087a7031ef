"""The ten variants that the system before this one had to pass ten times in a row.

`local` and `worktree` (in place of its containers); ten rounds, because what works once proves
little. Each round is a new repository; after the first, the program is called in this process.
"""

import os
from dataclasses import dataclass

import pytest

from cc4tui.cli.main import main
from tests.e2e.conftest import NOT_INHERITED, Result


pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

ACT = """
kind = os.environ["CC4_TASK_TITLE"]
here = pathlib.Path(".")
if "fails" in kind:
    print("this one cannot be done", file=sys.stderr)
    sys.exit(4)
elif "with a test" in kind:
    (here / "added.py").write_text("def add(a, b):\\n    return a + b\\n")
    (here / "check_added.py").write_text("from added import add\\nassert add(1, 2) == 3\\n")
elif "large" in kind:
    (here / "large.txt").write_text("".join(f"line {n}\\n" for n in range(800)))
elif "several files" in kind:
    (here / "pkg").mkdir()
    (here / "pkg" / "one.txt").write_text("one")
    (here / "pkg" / "two.txt").write_text("two")
else:
    (here / f"{task}.txt").write_text(kind)
"""


@dataclass(frozen=True)
class Variant:
    """A row of the table: mode, tasks, and how it is to end."""

    mode: str
    tasks: tuple[str, ...]
    code: int
    states: tuple[str, ...]
    files: tuple[str, ...] = ()
    verify: str = ""


VARIANTS = {
    1: Variant("local", ("1.1 Simple file",), 0, ("landed",), ("1.1.txt",)),
    2: Variant(
        "local",
        ("1.1 First", "1.2 Second {depends_on: [1.1]}"),
        0,
        ("landed", "landed"),
        ("1.1.txt", "1.2.txt"),
    ),
    3: Variant("worktree", ("1.1 Single task",), 0, ("landed",), ("1.1.txt",)),
    4: Variant(
        "worktree",
        ("1.1 One", "1.2 Two", "1.3 Three"),
        0,
        ("landed",) * 3,
        ("1.1.txt", "1.2.txt", "1.3.txt"),
    ),
    5: Variant(
        "local",
        ("1.1 Code with a test",),
        0,
        ("landed",),
        ("added.py", "check_added.py"),
        "python3 check_added.py",
    ),
    6: Variant("local", ("1.1 It fails",), 1, ("failed",)),
    7: Variant("worktree", ("1.1 Works", "1.2 It fails"), 1, ("landed", "failed"), ("1.1.txt",)),
    8: Variant("local", ("DONE 1.1 Already completed",), 0, ("skipped",)),
    9: Variant("worktree", ("1.1 A large file",), 0, ("landed",), ("large.txt",)),
    10: Variant(
        "local", ("1.1 One with several files",), 0, ("landed",), ("pkg/one.txt", "pkg/two.txt")
    ),
}


@pytest.fixture
def called(project, monkeypatch, capsysbinary):
    """The project, with calls of the program that cost no start of Python."""
    for name in [name for name in os.environ if name.startswith(NOT_INHERITED)]:
        monkeypatch.delenv(name)
    for name, value in project.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(project.root)

    def call(*arguments: str) -> Result:
        capsysbinary.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        out, err = capsysbinary.readouterr()
        return Result(int(ended.value.code), out.decode(), err.decode())

    monkeypatch.setattr(project, "cc4tui", call)
    return project


@pytest.mark.parametrize("round_number", range(1, 11))
def test_all_ten_variants(request, agent, round_number):
    project = request.getfixturevalue("project" if round_number == 1 else "called")
    for number, variant in VARIANTS.items():
        _fresh(project, f"round {round_number} variant {number}")
        _one(project, agent(ACT), variant)


def _fresh(project, name: str) -> None:
    """The next variant starts from an empty project, with everything of the last one landed."""
    for path in project.files() - {"README.md"}:
        (project.root / path).unlink()
    project.write("README.md", f"# {name}\n")
    project.commit(name)


def _one(project, command: str, variant: Variant) -> None:
    project.write("plan.md", "# Variant\n\n## Batch 1: All\n" + "".join(map(_line, variant.tasks)))
    project.commit("plan")
    options = ["--mode", variant.mode]
    if variant.verify:
        options += ["--verify", variant.verify]
    if variant.states != ("skipped",):
        options.append("--redo")  # earlier variants landed tasks of the same ids
    result = project.run("plan.md", *options, "--agent-command", command)
    assert result.code == variant.code, result.err
    assert tuple(state for _, state in sorted(result.states.items())) == variant.states
    assert project.files() >= set(variant.files)
    assert project.fsck() == ""
    assert project.processes() == []


def _line(task: str) -> str:
    done = task.startswith("DONE ")
    return f"- [{'x' if done else ' '}] {task.removeprefix('DONE ')}\n"
