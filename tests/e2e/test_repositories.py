"""`cc4tui run` on every kind of repository: it works, or it is refused before anything changed."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest


pytestmark = pytest.mark.integration

PLAN = "# P\n\n## Batch 1: A\n- [ ] 1.1 One\n- [ ] 1.2 Two\n"
AGENT = """#!/bin/sh
cat >/dev/null
echo "$CC4_TASK" > "new $CC4_TASK.txt"
test ! -e README.md || { [ "$CC4_TASK" = 1.1 ] && echo more >> README.md; }
exit 0
"""
PERSON = """[user]
name = Pat
email = pat@example.org
[init]
defaultBranch = main
[protocol "file"]
allow = always
"""


@dataclass
class Place:
    """A folder in which things are made, with a person's home in it."""

    folder: Path
    extra: dict[str, str] = field(default_factory=dict)
    """Variables of the person's shell."""
    target: str = "main"
    """The branch that a run lands on."""

    @property
    def environment(self) -> dict[str, str]:
        base = {k: v for k, v in os.environ.items() if not k.startswith(("CC4TUI_", "GIT_"))}
        return base | {
            "HOME": str(self.folder / "home"),
            "XDG_CONFIG_HOME": str(self.folder / "home/.config"),
            "GIT_CONFIG_NOSYSTEM": "1",
        }

    def git(self, *args: str, at: Path | None = None, check: bool = True) -> str:
        done = subprocess.run(
            ["git", *args],
            cwd=at or self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            errors="surrogateescape",
            check=False,
        )
        assert done.returncode == 0 or not check, (args, done.stderr)
        return done.stdout.removesuffix("\n")

    def make(self, name: str = "repo", *options: str, commit: bool = True) -> Path:
        root = self.folder / name
        root.mkdir(parents=True)
        self.git("init", "-q", *options, at=root)
        self.write(root, "README.md", "hello\n")
        self.write(root, "plan.md", PLAN)
        if commit:
            self.commit(root)
        return root

    def write(self, root: Path, name: str, data: str | bytes) -> Path:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return path

    def commit(self, root: Path, message: str = "work") -> None:
        self.git("add", "-A", at=root)
        self.git("commit", "-q", "-m", message, at=root)

    def run(self, root: Path) -> subprocess.CompletedProcess[str]:
        agent = self.write(self.folder, "agent.sh", AGENT)
        environment = (
            self.environment
            | self.extra
            | {
                "CC4TUI_STATE_DIR": str(self.folder / "state"),
                "CC4TUI_CONFIG_DIR": str(self.folder / "config"),
            }
        )
        words = ["run", "plan.md", "--yes", "--agent-command", f"/bin/sh {agent}"]
        return subprocess.run(
            [sys.executable, "-m", "cc4tui", *words],
            cwd=root,
            env=environment,
            capture_output=True,
            text=True,
            errors="surrogateescape",
            timeout=100,
            check=False,
        )


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path)
    made.write(tmp_path, "home/.gitconfig", PERSON)
    return made


KINDS: dict[str, Callable[[Place], Path]] = {}


def kind(make: Callable[[Place], Path]) -> Callable[[Place], Path]:
    KINDS[make.__name__.removeprefix("kind_")] = make
    return make


@kind
def kind_plain(place: Place) -> Path:
    return place.make()


@kind
def kind_dirty(place: Place) -> Path:
    root = place.make()
    place.write(root, "other.txt", "committed\n")
    place.commit(root)
    place.write(root, "other.txt", b"dirty \xff\r\n")
    place.write(root, "untracked", b"\x00\xff")
    place.write(root, "staged", "staged")
    place.git("add", "staged", at=root)
    return root


@kind
def kind_submodule(place: Place) -> Path:
    root, inner = place.make(), place.make("inner")
    place.git("submodule", "--quiet", "add", str(inner), "lib", at=root)
    place.commit(root)
    return root


@kind
def kind_lfs(place: Place) -> Path:
    root = place.make()
    place.write(root, ".gitattributes", "*.psd filter=lfs diff=lfs merge=lfs -text\n")
    place.write(root, "a.psd", "version https://git-lfs.github.com/spec/v1\noid sha256:abc\n")
    place.commit(root)
    return root


@kind
def kind_shallow(place: Place) -> Path:
    origin = place.make("origin")
    place.git("commit", "-q", "--allow-empty", "-m", "second", at=origin)
    place.git("clone", "-q", "--depth=1", f"file://{origin}", "shallow")
    return place.folder / "shallow"


@kind
def kind_worktree_config(place: Place) -> Path:
    root = place.make()
    place.git("config", "extensions.worktreeConfig", "true", at=root)
    place.git("config", "--worktree", "core.eol", "lf", at=root)
    return root


@kind
def kind_sha256(place: Place) -> Path:
    return place.make("repo", "--object-format=sha256")


@kind
def kind_spaces(place: Place) -> Path:
    return place.make("with  two spaces and 'quotes\"")


@kind
def kind_newline(place: Place) -> Path:
    return place.make("new\nline")


@kind
def kind_not_ascii(place: Place) -> Path:
    root = place.make("ünï/cödé 🦊")
    place.write(root, "e\u0301", "nfd")
    place.write(root, "\u00e9", "nfc")
    place.commit(root)
    return root


@kind
def kind_not_utf8(place: Place) -> Path:
    root = place.make()
    place.write(root, os.fsdecode(b"not-utf8-\xff"), "x")
    place.commit(root)
    return root


@kind
def kind_case_clash(place: Place) -> Path:
    root = place.make()
    place.write(root, "Case", "x")
    place.write(root, "case", "y")
    place.commit(root)
    return root


@kind
def kind_symlinked(place: Place) -> Path:
    place.make("real")
    (place.folder / "link").symlink_to("real")
    return place.folder / "link"


@kind
def kind_many_files(place: Place) -> Path:
    root = place.make()
    for number in range(int(os.environ.get("CC4_MANY_FILES", "2000"))):
        place.write(root, f"d{number % 100}/f{number}", f"{number}\n")
    place.commit(root)
    return root


@kind
def kind_sparse(place: Place) -> Path:
    root = place.make()
    place.write(root, "src/a", "x")
    place.write(root, "other/big", "x")
    place.commit(root)
    place.git("sparse-checkout", "set", "src", at=root)
    return root


@kind
def kind_in_a_worktree(place: Place) -> Path:
    root = place.make()
    place.git("worktree", "add", "-q", "-b", "side", "../side", at=root)
    place.target = "side"
    return place.folder / "side"


@kind
def kind_line_endings(place: Place) -> Path:
    root = place.make()
    place.git("config", "--global", "core.autocrlf", "true")
    place.write(root, ".gitattributes", "*.txt text eol=crlf\n*.bin -text\n")
    place.write(root, "a.txt", b"a\r\nb\r\n")
    place.write(root, "b.bin", b"a\r\nb\n")
    place.commit(root)
    return root


@kind
def kind_filter_of_the_person(place: Place) -> Path:
    root = place.make()
    place.git("config", "--global", "filter.up.clean", "tr a-z A-Z")
    place.git("config", "--global", "filter.up.smudge", "cat")
    place.write(root, ".gitattributes", "*.up filter=up\n")
    place.write(root, "a.up", "small\n")
    place.commit(root)
    return root


@kind
def kind_hooks(place: Place) -> Path:
    """Hooks that would stop every step; the person's own, so they are no plant."""
    root = place.make()
    for name in ("pre-commit", "post-checkout", "pre-merge-commit", "reference-transaction"):
        hook = place.write(root, f".git/hooks/{name}", "#!/bin/sh\nexit 1\n")
        hook.chmod(0o755)
    return root


@kind
def kind_git_variables(place: Place) -> Path:
    """As in a hook or a rebase: the shell names another repository."""
    other = place.make("other")
    place.extra = {
        "GIT_DIR": str(other / ".git"),
        "GIT_WORK_TREE": str(other),
        "GIT_INDEX_FILE": str(other / "strange"),
        "GIT_OBJECT_DIRECTORY": str(other / ".git/objects"),
        "GIT_SSH_COMMAND": "false",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "core.bare",
        "GIT_CONFIG_VALUE_0": "true",
    }
    return place.make()


@kind
def kind_separate_git_dir(place: Place) -> Path:
    return place.make("here", f"--separate-git-dir={place.folder / 'there'}")


@kind
def kind_nested_in_another(place: Place) -> Path:
    place.make("outer")
    return place.make("outer/inner")


@kind
def kind_long_branch(place: Place) -> Path:
    root = place.make()
    place.target = f"feature/{'x' * 180}.ünï"
    place.git("switch", "-q", "-c", place.target, at=root)
    return root


@kind
def kind_odd_configuration(place: Place) -> Path:
    """Settings under which plain git shows, signs or refuses things."""
    root = place.make()
    for key, value in {
        "commit.gpgSign": "true", "gpg.program": "false", "core.quotePath": "true",
        "status.showUntrackedFiles": "no", "merge.ff": "false", "log.showSignature": "true",
        "color.ui": "always", "diff.noprefix": "true", "core.safecrlf": "true",
        "core.commentChar": "+", "commit.template": "/nowhere", "branch.autoSetupMerge": "always",
        "core.abbrev": "4", "merge.conflictStyle": "diff3", "core.preloadIndex": "false",
    }.items():  # fmt: skip
        place.git("config", key, value, at=root)
    return root


def facts(place: Place, root: Path) -> dict[str, object]:
    """What of a person's checkout no run may change, landing apart."""
    files = {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and ".git" not in path.relative_to(root).parts
    }
    config = place.git("config", "--list", "--local", at=root)
    return {"files": files, "config": config, "stash": place.git("stash", "list", at=root)}


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", KINDS)
def test_it_works(place: Place, name: str) -> None:
    root = KINDS[name](place)
    head = place.git("symbolic-ref", "-q", "HEAD", at=root, check=False)
    before = facts(place, root)
    status = set(place.git("status", "--porcelain", "-z", at=root).split("\0"))
    done = place.run(root)
    assert done.returncode == 0, done.stderr
    listed = place.git(
        "-c", "core.quotePath=false", "ls-tree", "-r", "--name-only", place.target, at=root
    )
    assert {"new 1.1.txt", "new 1.2.txt"} <= set(listed.splitlines())
    landed = place.git("show", f"{place.target}:README.md", at=root)
    assert landed == "hello\nmore"
    assert "[x] 1.1" in place.git("show", f"{place.target}:plan.md", at=root)
    after = facts(place, root)
    assert (after["config"], after["stash"]) == (before["config"], before["stash"])
    changed = {"README.md", "plan.md", "new 1.1.txt", "new 1.2.txt"}
    spared = {path: data for path, data in before["files"].items() if path not in changed}
    assert {path: after["files"].get(path) for path in spared} == spared
    assert place.git("symbolic-ref", "-q", "HEAD", at=root, check=False) == head
    assert set(place.git("status", "--porcelain", "-z", at=root).split("\0")) == status
    assert not place.git("for-each-ref", "refs/heads/cc4", "refs/cc4", at=root)
    assert "cc4tui" not in place.git("worktree", "list", "--porcelain", at=root)
    common = Path(place.git("rev-parse", "--path-format=absolute", "--git-common-dir", at=root))
    assert not [*common.rglob("*.lock")]
    place.git("fsck", "--strict", "--no-dangling", at=root)


def _unborn(place: Place) -> tuple[Path, str]:
    return place.make(commit=False), "git commit"


def _not_a_repository(place: Place) -> tuple[Path, str]:
    folder = place.folder / "nothing"
    place.write(folder, "plan.md", PLAN)
    return folder, "git init"


def _partial(place: Place) -> tuple[Path, str]:
    origin = place.make("origin")
    place.git("config", "uploadpack.allowFilter", "true", at=origin)
    place.git("clone", "-q", "--filter=blob:none", f"file://{origin}", "partial")
    return place.folder / "partial", "--filter"


def _redirected(place: Place) -> tuple[Path, str]:
    root, evil = place.make(), place.make("evil")
    place.git("worktree", "add", "-q", "../side", at=root)
    place.write(root, ".git/worktrees/side/commondir", f"{evil}/.git\n")
    return place.folder / "side", "commondir"


def _made_bare(place: Place) -> tuple[Path, str]:
    root = place.make()
    place.git("config", "core.bare", "true", at=root)
    return root, "core.bare"


def _reftable(place: Place) -> tuple[Path, str]:
    root = place.folder / "repo"
    root.mkdir()
    place.git("init", "-q", "--ref-format=reftable", at=root, check=False)
    if not (root / ".git/reftable").exists():
        pytest.skip("this git has no reftable")
    place.write(root, "plan.md", PLAN)
    place.commit(root)
    return root, "git refs migrate"


@pytest.mark.parametrize(
    "make", [_unborn, _not_a_repository, _partial, _redirected, _made_bare, _reftable]
)
def test_it_is_refused_before_anything_changed(
    place: Place, make: Callable[[Place], tuple[Path, str]]
) -> None:
    root, way_out = make(place)
    before = _bytes(place.folder)
    done = place.run(root)
    assert done.returncode == 3, done.stderr
    assert way_out in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    after = {path: data for path, data in _bytes(place.folder).items() if path != "agent.sh"}
    assert after == before


def test_on_a_detached_head_the_result_stays_on_the_branch_of_the_run(place: Place) -> None:
    root = place.make()
    place.git("checkout", "-q", "--detach", at=root)
    before = facts(place, root), place.git("rev-parse", "HEAD", "main", at=root)
    done = place.run(root)
    assert (facts(place, root), place.git("rev-parse", "HEAD", "main", at=root)) == before
    [branch] = place.git(
        "for-each-ref", "--format=%(refname:short)", "refs/heads/cc4", at=root
    ).splitlines()
    assert f"2 landed on {branch}" in done.stdout
    assert "new 1.1.txt" in place.git("ls-tree", "--name-only", branch, at=root)
    assert done.returncode == 0


def test_a_bare_repository_runs_a_plan_from_elsewhere(place: Place) -> None:
    origin = place.make("origin")
    place.git("clone", "-q", "--bare", str(origin), "bare.git")
    bare = place.folder / "bare.git"
    place.write(bare, "plan.md", PLAN)
    done = place.run(bare)
    assert done.returncode == 0, done.stderr
    assert "new 1.1.txt" in place.git("ls-tree", "--name-only", "main", at=bare)
    place.git("fsck", "--strict", "--no-dangling", at=bare)


def _bytes(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink()
    }
