"""The package as users get it: only cc4tui, whole, and safe in a folder full of namesakes."""

import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import cc4tui


ROOT = Path(__file__).parent.parent
MAPPED = {"cc4tui.screens": "screens", "cc4tui.services": "services"}


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def packages_found() -> Iterator[str]:
    """Dotted names of all folders that hold Python modules."""
    for name, folder in {"cc4tui": "cc4tui", **MAPPED}.items():
        for init in sorted((ROOT / folder).rglob("*.py")):
            parts = init.parent.relative_to(ROOT / folder).parts
            if not (name == "cc4tui" and parts[:1] in (("screens",), ("services",))):
                yield ".".join((name, *parts))


def sources() -> list[Path]:
    """Files of the project, links included, that git would take."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, check=True, timeout=60,
    ).stdout  # fmt: skip
    return [Path(os.fsdecode(name)) for name in listed.split(b"\0") if name]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Built from an sdist, which is built from a copy of the project."""
    copy = tmp_path_factory.mktemp("project")
    for name in sources():
        if (ROOT / name).is_symlink() or (ROOT / name).exists():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name, follow_symlinks=False)
    uv = Path(sys.executable).with_name("uv")
    build = [str(uv), "build", "--quiet", "--out-dir", str(copy / "dist"), str(copy)]
    done = subprocess.run(build, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    [path] = (copy / "dist").glob("*.whl")
    return zipfile.ZipFile(path)


def test_the_links_are_relative_and_lead_where_the_mapping_says(project: dict[str, Any]) -> None:
    mapping = project["tool"]["setuptools"]["package-dir"]
    assert mapping == {"cc4tui": "cc4tui", **MAPPED}
    for folder in MAPPED.values():
        link = ROOT / "cc4tui" / folder
        assert link.is_symlink()
        assert link.readlink() == Path("..") / folder


def test_the_package_list_equals_the_folders(project: dict[str, Any]) -> None:
    listed = project["tool"]["setuptools"]["packages"]
    assert len(listed) == len(set(listed))
    assert set(listed) == set(packages_found())


def test_every_package_has_an_init(project: dict[str, Any]) -> None:
    for name in project["tool"]["setuptools"]["packages"]:
        assert (ROOT / name.replace(".", "/") / "__init__.py").is_file()


def test_the_version_is_told_once(project: dict[str, Any]) -> None:
    assert project["project"]["version"] == cc4tui.__version__


def test_the_changelog_knows_the_version() -> None:
    assert f"## [{cc4tui.__version__}]" in (ROOT / "CHANGELOG.md").read_text()


def test_the_demo_plan_is_the_packages_own() -> None:
    from cc4tui.services.sample import sample_plan

    assert (ROOT / "plans" / "demo.md").read_text() == sample_plan()


@pytest.mark.integration
@pytest.mark.timeout(300)
def test_the_wheel_holds_only_cc4tui(wheel: zipfile.ZipFile) -> None:
    tops = {name.split("/")[0] for name in wheel.namelist()}
    assert tops == {"cc4tui", f"cc4tui-{cc4tui.__version__}.dist-info"}


@pytest.mark.integration
@pytest.mark.timeout(300)
def test_the_wheel_holds_every_file_of_the_packages(wheel: zipfile.ZipFile) -> None:
    kinds = (".py", ".tcss", ".typed", ".md")
    wanted = set()
    for name in sources():
        top = name.parts[0]
        if name.suffix in kinds or name.name == "py.typed":
            if top == "cc4tui":
                wanted.add(str(name))
            elif top in MAPPED.values():
                wanted.add(f"cc4tui/{name}")
    assert wanted <= set(wheel.namelist())


@pytest.mark.integration
@pytest.mark.timeout(300)
def test_the_wheel_works_without_the_project(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path / "site")
    code = (
        "import cc4tui, cc4tui.runtime, cc4tui.app; from cc4tui.services.sample import sample_plan;"
        "print(cc4tui.__file__, len(sample_plan()) > 1000)"
    )
    env = os.environ | {"PYTHONPATH": str(tmp_path / "site")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=env, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    assert done.stdout == f"{tmp_path / 'site' / 'cc4tui' / '__init__.py'} True\n"


@pytest.fixture
def namesakes(tmp_path: Path) -> Path:
    """A repository with packages of its own that are called like ours; importing one is fatal."""
    for name in ("services", "screens", "tests", "domain", "storage", "config", "app", "events"):
        package = tmp_path / name
        package.mkdir()
        (package / "__init__.py").write_text(f"raise SystemExit('imported the own {name}')\n")
    subprocess.run(["git", "init", "-q", tmp_path], check=True, timeout=60)
    commit = ["-c", "user.name=T", "-c", "user.email=t@example.invalid", "commit", "-q"]
    subprocess.run(
        ["git", "-C", tmp_path, *commit, "--allow-empty", "-m", "Start"], check=True, timeout=60
    )
    return tmp_path


PROGRAMS = {
    "console script": [str(Path(sys.executable).with_name("cc4tui"))],
    "module": [sys.executable, "-m", "cc4tui"],
}


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["runs", "--json"]], ids=" ".join)
@pytest.mark.parametrize("on_path", [True, False], ids=["PYTHONPATH", "cwd"])
def test_namesakes_of_our_packages_do_no_harm(
    namesakes: Path, tmp_path: Path, program: list[str], arguments: list[str], on_path: bool
) -> None:
    env = os.environ | {"CC4TUI_STATE_DIR": str(tmp_path / "state")}
    if on_path:
        env["PYTHONPATH"] = str(namesakes)
    done = subprocess.run(
        [*program, *arguments],
        env=env, cwd=namesakes, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    if arguments == ["--version"]:
        assert done.stdout == f"cc4tui {cc4tui.__version__}\n"
