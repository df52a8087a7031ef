"""Whatever a SIGKILL of everything leaves at any instant, the next start goes on over it."""

import contextlib
from pathlib import Path

import psutil
import pytest


pytestmark = pytest.mark.integration

PLAN = "# P\n\n## Batch 1: A\n- [ ] 1.1 One\n- [ ] 1.2 Two\n"
WAITS = """
pathlib.Path(f"{task}.txt").write_text(task)
if attempt == 1:
    pathlib.Path("half.txt").write_text("half")
    ledger("up")
    time.sleep(300)
"""


def locks(project) -> list[Path]:
    """Every lock that a git of ours, or of an agent, can have held in that moment."""
    git = project.root / ".git"
    refs = project.git("for-each-ref", "--format=%(refname)", "refs/heads/cc4", "refs/cc4").split()
    [saved] = {ref.split("/")[3] for ref in refs if ref.startswith("refs/heads/cc4/")}
    refs += [f"refs/cc4/tips/{saved}", f"refs/cc4/saved/{saved}/1-1/1/1", "packed-refs"]
    found = [git / f"{ref}.lock" for ref in refs]
    for admin in (git / "worktrees").iterdir():
        found += [admin / f"{name}.lock" for name in ("index", "HEAD", "ORIG_HEAD", "logs/HEAD")]
    for index in project.found("**/index/slot-*"):
        found.append(index.with_name(f"{index.name}.lock"))
    return [*found, *(git / name for name in ("config.lock", "gc.pid", "shallow.lock"))]


def rests(project) -> list[Path]:
    """Files that somebody was just writing, and folders that were just being made or deleted."""
    [state] = project.state.glob("*/index")
    objects = project.root / ".git/objects"
    found = [objects / "ab" / "tmp_obj_x", objects / "pack" / "tmp_pack_x"]
    found += [folder / ".cc4tui-half" for folder in (state, state.parent, state.parent / "git")]
    found += [state / "landing.0123", state / "slot-1.staged.0123", state / "slot-99.owner"]
    found += [state.parent / "trash/slot-8-1/file", state.parent / "worktrees/slot-97/file"]
    for spec in project.found("**/spec"):
        found += [spec.with_name(f"exit.{spec.stat().st_size}.tmp"), spec.with_name("sock.half")]
    return found


def test_a_run_goes_on_over_everything_that_a_kill_can_leave(project, agent, ledger, wait_for):
    project.write("plan.md", PLAN)
    project.commit("plan")
    command = ("--agent-command", agent(WAITS))
    process = project.start("run", "plan.md", "--yes", *command, start_new_session=True)
    wait_for(lambda: {"up 1.1 1", "up 1.2 1"} <= {*ledger()})
    below = psutil.Process(process.pid).children(recursive=True)
    for one in (psutil.Process(process.pid), *below):
        with contextlib.suppress(psutil.NoSuchProcess):
            one.kill()
    process.communicate()
    wait_for(lambda: not project.processes())
    planted = locks(project)
    for path in (*planted, *rests(project)):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    again = project.run("plan.md", *command)
    assert again.code == 0, again.err
    assert again.finished["counts"] == {"landed": 2}
    assert {"1.1.txt", "1.2.txt"} <= project.files()
    saved = project.git("for-each-ref", "--format=%(refname)", "refs/cc4/saved").split()
    assert len(saved) == 2
    assert all(project.git("show", f"{ref}:half.txt") == "half" for ref in saved)
    not_ours = [str(project.root / ".git" / name) for name in ("config.lock", "shallow.lock")]
    assert sorted(project.left_behind()) == not_ours
    for name in not_ours:
        Path(name).unlink()
    assert project.cc4tui("clean").code == 0
    assert project.found("*/index/*") == []
    assert project.found("*/trash/*") == []
    assert project.fsck() == ""
