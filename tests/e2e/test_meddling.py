"""A person who works on in the repository while agents do: their files stay, the run goes on."""

import shutil
from pathlib import Path

import pytest


pytestmark = pytest.mark.integration

PLAN = "# P\n\n## Batch 1: A\n- [ ] 1.1 During\n\n## Batch 2: B\n- [ ] 2.1 After\n"
WAITS = """
pathlib.Path(f"{task}.txt").write_text(task)
if task == "1.1" and attempt == 1:
    pathlib.Path(HERE, "at-work.half").write_text(os.getcwd())
    pathlib.Path(HERE, "at-work.half").rename(pathlib.Path(HERE, "at-work"))
    while not pathlib.Path(HERE, "go").exists():
        time.sleep(0.02)
"""
DIRTY = {"mine.txt": b"dirty \xff\r\n", "untracked": bytes(range(256))}


@pytest.fixture
def meddle(project, agent, tmp_path, wait_for):
    """Runs the plan, acts while the first agent is at work, and returns the run's result."""

    def during(act, *args: str):
        project.write("mine.txt", "committed\n")
        project.write("plan.md", PLAN)
        project.commit("plan")
        for name, data in DIRTY.items():
            (project.root / name).write_bytes(data)
        body = f"HERE = {str(tmp_path)!r}\n" + WAITS
        options = ("--yes", "--json", "--agent-command", agent(body), *args)
        process = project.start("run", "plan.md", *options)
        wait_for((tmp_path / "at-work").exists)
        # git's own `worktree add` shows a half made HEAD for a moment, at which `prune` stops: so
        # first the two worktrees that are made ahead.
        wait_for(lambda: len(project.found(".git/worktrees/*/index", project.root)) == 3)
        act(Path((tmp_path / "at-work").read_text()))
        (tmp_path / "go").touch()
        out, err = process.communicate(timeout=50)
        return project.result(process.returncode, out, err)

    return during


def dirt(project) -> dict[str, bytes]:
    return {name: (project.root / name).read_bytes() for name in DIRTY}


def _commits(project, _):
    project.write("theirs.txt", "x")
    project.git("add", "theirs.txt")
    project.git("commit", "-q", "-m", "theirs")


def _gc(project, _):
    project.git("reflog", "expire", "--expire=now", "--all")
    project.git("gc", "-q", "--prune=now")


def _prunes(project, _):
    project.git("worktree", "prune", "--expire=now")
    project.git("prune", "--expire=now")
    project.git("pack-refs", "--all")


def _stashes(project, _):
    project.git("stash", "push", "-q", "--include-untracked")
    project.git("stash", "pop", "-q")


def _deletes_branches(project, _):
    for ref in project.git("for-each-ref", "--format=%(refname)", "refs/heads/cc4").splitlines():
        project.git("update-ref", "-d", ref)


def _unlocks_and_removes(project, worktree):
    project.git("worktree", "remove", "--force", "--force", str(worktree))


def _switches(project, _):
    project.git("switch", "-q", "-c", "elsewhere")


@pytest.mark.parametrize(
    "act",
    [_commits, _gc, _prunes, _stashes, _deletes_branches, _switches],
    ids=lambda a: a.__name__,
)
def test_the_run_goes_on(project, meddle, act):
    result = meddle(lambda worktree: act(project, worktree))
    assert result.code == 0, result.err
    assert project.states() == {"1.1": ("landed", None), "2.1": ("landed", None)}
    assert {"1.1.txt", "2.1.txt"} <= project.files("main")
    assert dirt(project) == DIRTY
    if act is _commits:
        assert "theirs.txt" in project.files("main")
    assert project.left_behind() == []
    assert project.fsck() == ""


@pytest.mark.parametrize("how", ["rm", "worktree remove"])
def test_a_worktree_that_was_removed_is_said_and_tried_again(project, meddle, how):
    def act(worktree):
        if how == "rm":
            shutil.rmtree(worktree)
        else:
            _unlocks_and_removes(project, worktree)

    result = meddle(act, "--retries", "1")
    assert result.code == 0, result.err
    first = result.of("attempt_finished", "1.1")[0]
    assert (first["outcome"], first["reason_code"]) == ("failed", "lost")
    assert "worktree" in first["reason"]
    assert project.states() == {"1.1": ("landed", None), "2.1": ("landed", None)}
    assert dirt(project) == DIRTY
    assert project.left_behind() == []


def test_an_amended_base_is_merged_and_nothing_of_it_lost(project, meddle):
    """The tip that the run began from is rewritten: the landing goes onto the new one."""

    def act(_):
        project.git("commit", "-q", "--amend", "-m", "amended")

    project.write("plan.md", PLAN)
    project.commit("the plan, before")
    project.write("mine.txt", "committed\n")
    result = meddle(act)
    assert result.code == 0, result.err
    assert "amended" in project.git("log", "--format=%s", "main")
    assert {"1.1.txt", "2.1.txt"} <= project.files("main")
    assert dirt(project) == DIRTY


def test_a_rewritten_base_that_conflicts_is_said_with_the_way_out(project, meddle):
    def act(_):
        project.git("commit", "-q", "--amend", "-m", "amended")

    result = meddle(act)  # the amended commit is the one that brought the plan
    assert result.code == 1
    assert project.states() == {"1.1": ("merged", "conflict"), "2.1": ("merged", "conflict")}
    reason = result.finished["reason"]
    assert "main was rewritten" in reason
    assert dirt(project) == DIRTY
    command = reason.rsplit("to finish: ", 1)[1]
    project.git("stash", "push", "-q", "--include-untracked")
    project.git(*command.split()[1:], "-X", "theirs")
    project.git("stash", "pop", "-q")
    again = project.cc4tui("resume", "--json")
    assert again.code == 0, again.err
    assert project.states() == {"1.1": ("landed", None), "2.1": ("landed", None)}
    assert {"1.1.txt", "2.1.txt"} <= project.files("main")
    assert dirt(project) == DIRTY


def test_a_deleted_target_is_said_with_the_way_out(project, meddle):
    def act(_):
        project.git("switch", "-q", "-c", "elsewhere")
        project.git("branch", "-D", "main")

    result = meddle(act)
    assert result.code == 1
    assert project.states() == {"1.1": ("merged", "conflict"), "2.1": ("merged", "conflict")}
    reason = result.finished["reason"]
    assert "the branch main does not exist any more" in reason
    command = reason.rsplit("to finish: ", 1)[1]
    project.git(*command.split()[1:])
    assert {"1.1.txt", "2.1.txt"} <= project.files("main")
    assert dirt(project) == DIRTY
    again = project.cc4tui("resume", "--json")
    assert again.code == 0, again.err
    assert project.states()["1.1"] == ("landed", None)


def test_a_rebase_under_way_is_not_disturbed(project, meddle):
    """The person is in the middle of a rebase when the run wants to land."""
    project.git("switch", "-q", "-c", "feature")
    project.write("README.md", "theirs\n")
    project.commit("theirs")
    project.git("switch", "-q", "main")

    def act(_):
        project.git("stash", "-q", "--include-untracked")
        project.write("README.md", "mine\n")
        project.commit("mine")
        with pytest.raises(Exception, match="rebase"):
            project.git("rebase", "-q", "feature")

    result = meddle(act)
    assert result.code == 1
    assert project.states()["1.1"][0] == "merged"
    assert "rebase" in result.finished["reason"]
    project.git("rebase", "--abort")
    project.git("stash", "pop", "-q")
    assert dirt(project) == DIRTY
    again = project.cc4tui("resume", "--json")
    assert again.code == 0, again.err
    assert {"1.1.txt", "2.1.txt"} <= project.files("main")


def test_an_integration_branch_that_was_deleted_while_nothing_ran_comes_back(project, agent):
    """The journal knows its merges; a resumed run never lands, or says it landed, without them."""
    project.write("plan.md", PLAN)
    project.commit("plan")
    project.write("1.1.txt", "in the way")
    command = agent("pathlib.Path(f'{task}.txt').write_text(task)")
    assert project.run("plan.md", "--agent-command", command).code == 1
    branch = f"cc4/{project.status()['run']}/merged"
    merged = project.git("rev-parse", branch)
    project.git("branch", "-q", "-D", branch)
    (project.root / "1.1.txt").unlink()
    project.git("commit", "-q", "--allow-empty", "-m", "moved on")
    again = project.cc4tui("resume", "--json")
    assert again.code == 0, again.err
    assert project.states() == {"1.1": ("landed", None), "2.1": ("landed", None)}
    assert {"1.1.txt", "2.1.txt"} <= project.files("main")
    assert project.git("merge-base", "main", merged) == merged
