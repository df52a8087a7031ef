"""Agents that misbehave in every way we know: each ends in its own state, and harms nobody else."""

import pytest


pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]


def plan(kinds) -> str:
    """A task for each kind of misbehaviour; its title names the kind."""
    lines = (f"- [ ] 1.{n} {kind}\n" for n, kind in enumerate(kinds, 1))
    return "# P\n\n## Batch 1: A\n" + "".join(lines)


def told(project) -> dict[str, dict]:
    """Every task of the newest run by its kind."""
    return {task["title"]: task for task in project.status()["tasks"]}


def ends(tasks: dict[str, dict]) -> dict[str, tuple[str, str | None]]:
    return {kind: (task["state"], task["reason_code"]) for kind, task in tasks.items()}


@pytest.fixture
def configure(project):
    """Writes the person's own configuration."""

    def write(text: str) -> None:
        folder = project.state.parent / "config"
        folder.mkdir(exist_ok=True)
        (folder / "config.toml").write_text(text)

    return write


PROCESSES = """
import signal
def write(text="work"):
    pathlib.Path(f"{os.environ['CC4_TASK_TITLE']}.txt").write_text(text)
match os.environ["CC4_TASK_TITLE"]:
    case "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        write()
        time.sleep(600)
    case "daemon":
        write()
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                os.chdir("/")
                time.sleep(600)
            os._exit(0)
    case "forks":
        write()
        for _ in range(50):
            if os.fork() == 0:
                os.setsid()
                time.sleep(600)
                os._exit(0)
    case "silent":
        time.sleep(600)
    case "nothing":
        sys.exit(0)
    case "liar":
        write()
        print("all tests pass, everything is committed and merged")
    case "bytes":
        os.write(1, b"\\xff\\xfe\\x80 \\x00\\x00 \\x1b]52;c;aGk=\\x07\\n" + b"y" * 10_000_000)
        write()
    case "garbage":
        write()
        for _ in range(100):
            os.write(2, os.urandom(1_000_000))
"""

ENDS = {
    "stubborn": ("failed", "timeout"),
    "daemon": ("landed", None),
    "forks": ("landed", None),
    "silent": ("failed", "silence"),
    "nothing": ("no_change", None),
    "liar": ("failed", "checks"),
    "bytes": ("landed", None),
    "garbage": ("landed", None),
    "good": ("landed", None),
}


def test_misbehaving_processes(project, agent, configure):
    """Ignored signals, daemons, forks, silence, nothing done, lies, and bytes of every kind."""
    configure("[run]\nsilence = 9\n")
    text = plan(ENDS).replace("liar", "liar\n  - Verify: `test ! -e liar.txt`")
    text = text.replace("stubborn", "stubborn {timeout: 8s}")
    project.write("plan.md", text)
    project.commit("plan")
    body = PROCESSES + '    case "good":\n        write()\n'
    result = project.run("plan.md", "--workers", "9", "--agent-command", agent(body), timeout=100)
    assert result.code == 1
    tasks = told(project)
    assert ends(tasks) == ENDS
    assert project.processes() == []
    assert "stubborn.txt" in project.files(tasks["stubborn"]["branch"])
    landed = {f"{task}.txt" for task, end in ENDS.items() if end[0] == "landed"}
    assert landed <= project.files()
    assert project.fsck() == ""


GIT = """
git = ["git"]
def run(*args):
    return subprocess.run(["git", *args], check=True, capture_output=True, text=True).stdout.strip()
def write(text="work"):
    pathlib.Path(f"{os.environ['CC4_TASK_TITLE']}.txt").write_text(text)
admin = pathlib.Path(run("rev-parse", "--absolute-git-dir"))
match os.environ["CC4_TASK_TITLE"]:
    case "lock":
        write()
        (admin / "index.lock").touch()
        (admin / "HEAD.lock").touch()
    case "switches":
        run("switch", "-q", "-c", "elsewhere")
        write()
        run("add", "-A")
        run("commit", "-qm", "on another branch")
    case "detaches":
        run("checkout", "-q", "--detach")
        write()
        run("add", "-A")
        run("commit", "-qm", "on no branch")
    case "deletes-branch":
        write()
        run("add", "-A")
        run("commit", "-qm", "work")
        branch = run("symbolic-ref", "HEAD")
        run("update-ref", "--no-deref", "-d", branch)
    case "collects":
        write()
        run("reflog", "expire", "--expire=now", "--all")
        # `--prune=now` also takes what another git writes in that moment: git warns of it
        subprocess.run(["git", "gc", "-q", "--prune=1.minute.ago"])
        run("worktree", "prune", "--expire=now")
        run("pack-refs", "--all")
    case "integration":
        write()
        for ref in run("for-each-ref", "--format=%(refname)", "refs/heads/cc4").splitlines():
            if ref.endswith("/merged"):
                run("update-ref", "-d", ref)
    case "nested":
        write()
        run("init", "-q", "inner")
        pathlib.Path("inner/precious").write_text("x")
    case "vanishes":
        import shutil
        write()
        run("add", "-A")
        run("commit", "-qm", "kept")
        pathlib.Path("uncommitted").write_text("x")
        shutil.rmtree(os.getcwd())
    case "unlinks":
        write()
        pathlib.Path(".git").unlink()
    case "own-repository":
        write()
        pathlib.Path(".git").unlink()
        run("init", "-q")
        run("add", "-A")
        run("-c", "user.name=x", "-c", "user.email=x@y", "commit", "-qm", "its own")
    case "forbids":
        write()
        pathlib.Path("closed").mkdir()
        pathlib.Path("closed/file").write_text("x")
        pathlib.Path("closed").chmod(0)
"""

GIT_ENDS = {
    "lock": ("landed", None),
    "switches": ("landed", None),
    "detaches": ("landed", None),
    "deletes-branch": ("landed", None),
    "collects": ("landed", None),
    "integration": ("landed", None),
    "nested": ("failed", "agent"),
    "vanishes": ("failed", "lost"),
    "unlinks": ("landed", None),
    "own-repository": ("landed", None),
    "forbids": ("landed", None),
}


def test_misbehaving_git(project, agent):
    """What agents do to their worktree and to branches; what they committed is never lost."""
    project.write("plan.md", plan(GIT_ENDS))
    project.commit("plan")
    result = project.run("plan.md", "--workers", "4", "--agent-command", agent(GIT), timeout=100)
    tasks = told(project)
    assert ends(tasks) == GIT_ENDS, result.err
    assert result.code == 1
    landed = {f"{task}.txt" for task, end in GIT_ENDS.items() if end[0] == "landed"}
    assert landed <= project.files()
    assert "inner" in tasks["nested"]["reason"]
    assert "worktree" in tasks["vanishes"]["reason"]
    assert "vanishes.txt" in project.files(tasks["vanishes"]["branch"])
    assert [*project.state.rglob("inner/precious")]
    assert project.processes() == []
    assert project.fsck() == ""


KEYS = (
    "core.fsmonitor", "core.hooksPath", "core.pager", "core.editor", "core.sshCommand",
    "core.askPass", "filter.evil.clean", "filter.evil.smudge", "filter.evil.process",
    "diff.external", "diff.evil.command", "diff.evil.textconv", "merge.evil.driver",
    "credential.helper", "gpg.program", "gpg.ssh.defaultKeyCommand", "sequence.editor",
    "submodule.evil.update", "lfs.customtransfer.evil.path", "filter.lfs.process",
    "uploadpack.packObjectsHook", "alias.status", "trailer.cc4-task.command",
    "interactive.diffFilter", "url.evil.insteadOf", "pager.log",
)  # fmt: skip

PLANTS = """
root, evil = pathlib.Path(ROOT), CANARY
canary = f"touch {evil}; cat"
script = root.parent / "evil.sh"
script.write_text(f"#!/bin/sh\\ntouch {evil}\\n")
script.chmod(0o755)
git = ["git", "-C", ROOT]
if task == "1.1":
    for key in KEYS:
        subprocess.run([*git, "config", key, canary], check=True)
    subprocess.run([*git, "config", "commit.gpgSign", "true"], check=True)
    included = root.parent / "included"
    included.write_text(f"[core]\\n\\tfsmonitor = {canary}\\n")
    subprocess.run([*git, "config", "include.path", str(included)], check=True)
    for hook in ("post-merge", "post-checkout", "reference-transaction", "post-index-change"):
        path = root / ".git/hooks" / hook
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(script.read_bytes())
        path.chmod(0o755)
    (root / ".git/info/attributes").write_text("* filter=evil diff=evil merge=evil\\n")
    (root / ".git/objects/info/alternates").write_text(str(root.parent / "elsewhere/objects\\n"))
pathlib.Path(".gitattributes").write_text("* filter=evil diff=evil merge=evil text\\n")
pathlib.Path("README.md").write_text(f"# By {task}\\n")
"""


def test_nothing_that_was_planted_runs(project, agent, tmp_path):
    """Every key and file that git would execute or follow: none runs, each is named."""
    evil = tmp_path / "canary"
    head = f"ROOT, CANARY, KEYS = {str(project.root)!r}, {str(evil)!r}, {KEYS!r}\n"
    project.write("plan.md", plan(["plants", "conflicts"]))
    project.commit("plan")
    before = {ref: project.git("rev-parse", ref) for ref in ("main", "HEAD")}
    result = project.run("plan.md", "--agent-command", agent(head + PLANTS.strip()))
    assert result.code == 1
    assert not evil.exists()
    [event] = result.of("run_quarantined")
    said = "\n".join(event["changes"]).lower()
    unnamed = [key for key in KEYS if f"config {key.lower()} (local): none ->" not in said]
    assert unnamed == []
    for name in ("include.path", "info/attributes", "alternates", "post-merge", "post-checkout"):
        assert name in said
    assert project.cc4tui("diff", event["run"], "1.2").code == 0
    assert project.cc4tui("doctor").code in (0, 1)
    again = project.cc4tui("resume", "--json")
    assert again.code == 1
    assert not evil.exists()
    assert (project.root / "README.md").read_text() == "# Sample\n"
    for name in KEYS:
        project.git("config", "--unset", name)
    assert {ref: project.git("rev-parse", ref) for ref in ("main", "HEAD")} == before


OUTSIDE = """
root = pathlib.Path(ROOT)
git = ["git", "-C", ROOT]
def run(*args):
    subprocess.run([*git, *args], check=True, capture_output=True)
pathlib.Path(f"{task}.txt").write_text(task)
match os.environ["CC4_TASK_TITLE"]:
    case "writes into the checkout":
        (root / "mine.txt").write_text("overwritten")
        (root / "left.txt").write_text("left")
    case "commits to main":
        (root / "theirs.txt").write_text("x")
        run("add", "theirs.txt")
        run("commit", "-qm", "on main")
    case "moves main":
        tree = subprocess.run([*git, "rev-parse", "main^{tree}"], capture_output=True, text=True)
        made = ["commit-tree", tree.stdout.strip(), "-p", "main", "-m", "moved main"]
        moved = subprocess.run([*git, *made], capture_output=True, text=True, check=True)
        run("update-ref", "refs/heads/main", moved.stdout.strip())
    case "deletes branches":
        run("branch", "-D", "precious")
        run("tag", "-d", "v1")
        run("stash", "clear")
    case "leaves a lock":
        (root / ".git/packed-refs.lock").touch()
        time.sleep(0.5)
        (root / ".git/packed-refs.lock").unlink()
"""


def test_doings_outside_of_the_worktree_are_said(project, agent):
    """Agents that touch the checkout and its refs: said, with where the refs were."""
    kinds = [line.split('"')[1] for line in OUTSIDE.splitlines() if line.strip()[:4] == "case"]
    project.write("plan.md", plan(kinds))
    project.write("mine.txt", "committed")
    project.commit("plan")
    precious = project.git("commit-tree", "main^{tree}", "-p", "main", "-m", "only here")
    project.git("branch", "precious", precious)
    project.git("tag", "v1")
    project.write("mine.txt", "stashed")
    project.git("stash")
    stash = project.git("rev-parse", "refs/stash")
    head = f"ROOT = {str(project.root)!r}\n"
    command = agent(head + OUTSIDE.strip())
    result = project.run("plan.md", "--workers", "1", "--agent-command", command)
    assert result.code == 0, result.err
    assert set(ends(told(project)).values()) == {("landed", None)}
    events = result.of("checkout_changed")
    assert [event["tasks"] for event in events] == [["1.1"], ["1.2"], ["1.3"], ["1.4"]]
    assert events[0]["files"] == ["left.txt", "mine.txt"]
    assert events[1]["files"] == ["HEAD"]
    lost = " ".join(events[3]["files"])
    for ref in (
        "refs/heads/precious (was ",
        "refs/tags/v1 (was ",
        f"refs/stash (was {stash[:12]})",
    ):
        assert ref in lost
    saved = project.git("for-each-ref", "--format=%(objectname)", "refs/cc4/saved").splitlines()
    assert sorted(saved) == sorted([precious, stash]), "the tag is still on main"
    assert all(f"{events[3]['run']}/yours/0/{n}" in events[3]["reason"] for n in (1, 2))
    assert "note: your checkout changed while 1.1 ran" in result.err
    assert (project.root / "mine.txt").read_text() == "overwritten"
    subjects = project.git("log", "--format=%s", "main").splitlines()
    assert {"on main", "moved main"} <= set(subjects)
    assert project.left_behind() == []
