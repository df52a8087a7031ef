"""`cc4tui paths`, `config`, `trust` and `doctor`."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


def test_paths(call: Callable[..., Any], repository: Path, tmp_path: Path) -> None:
    found = json.loads(call("paths", "--json").out)
    assert found["repository"] == str(repository)
    assert Path(found["state"]).parent == tmp_path / "state"
    assert found["config"] == str(tmp_path / "config" / "config.toml")
    assert found["repository_config"] == str(repository / "cc4tui.toml")
    assert {"db", "journal", "worktrees", "git", "index", "lock"} <= set(found)
    assert not (tmp_path / "state").exists(), "looking must not make anything"
    lines = call("paths").out.splitlines()
    assert lines[0].split(maxsplit=1) == ["repository", str(repository)]


def test_paths_are_the_same_in_every_worktree(
    call: Callable[..., Any], repository: Path, git: Callable[..., str], tmp_path: Path
) -> None:
    git(repository, "worktree", "add", "-q", str(tmp_path / "other"))
    here = json.loads(call("paths", "--json").out)
    there = json.loads(call("-C", str(tmp_path / "other"), "paths", "--json").out)
    assert there["state"] == here["state"]
    assert there["repository"] == str(tmp_path / "other")


def test_paths_outside_a_repository(
    call: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    answer = call("paths")
    assert (answer.code, answer.out) == (3, "")
    assert "not in a git repository" in answer.err


def test_config_tells_where_each_value_is_from(
    call: Callable[..., Any], repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "config.toml").write_text('[agents.claude]\nmodel = "opus"\n')
    (repository / "cc4tui.toml").write_text("[run]\nworkers = 2\n")
    monkeypatch.setenv("CC4TUI_RETRIES", "3")
    shown = json.loads(call("config", "--json").out)
    assert shown["run"]["workers"] == 2
    assert shown["agents"]["claude"]["model"] == "opus"
    assert shown["sources"]["run.retries"] == "the variables CC4TUI_*"
    lines = call("config").out.splitlines()
    assert f"run.workers = 2   # {repository / 'cc4tui.toml'}" in lines
    assert 'run.mode = "worktree"' in lines


def test_config_works_outside_a_repository(
    call: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert call("config").code == 0


@pytest.mark.parametrize("command", [["config"], ["runs"], ["run", "p.md"], ["trust"]])
def test_a_broken_configuration_is_one_sentence_everywhere(
    call: Callable[..., Any], repository: Path, command: list[str]
) -> None:
    (repository / "cc4tui.toml").write_text("[run]\nworkrs = 2\n")
    answer = call(*command)
    assert (answer.code, answer.out) == (3, "")
    assert answer.err == (
        f"cc4tui: {repository / 'cc4tui.toml'}: run.workrs: unknown key; did you mean workers?\n"
    )


def test_trust_names_a_plan_that_cannot_be_read(call: Callable[..., Any], repository: Path) -> None:
    answer = call("trust", "nope.md")
    assert (answer.code, answer.out) == (2, "")
    assert "nope.md cannot be read" in answer.err


def test_trust_of_one_plan_only(call: Callable[..., Any], plan: Callable[..., Path]) -> None:
    plan("# A\n- [ ] 1.1 a\n  - Run: `touch a`\n", "plans/a.md")
    plan("# B\n- [ ] 1.1 b\n  - Run: `touch b`\n", "plans/b.md")
    assert json.loads(call("trust", "plans/a.md", "--json").out) == {"trusted": ["touch a"]}
    assert json.loads(call("trust", "--json").out) == {"trusted": ["touch b"]}
    assert json.loads(call("trust", "--revoke", "--json").out) == {"forgotten": 2}


def test_hidden_characters_in_commands_are_shown_harmless(
    call: Callable[..., Any], plan: Callable[..., Path]
) -> None:
    plan("# A\n- [ ] 1.1 a\n  - Run: `touch a\x1b[8m; rm -rf ~\x1b[0m\u202e`\n", "plans/a.md")
    err = call("trust").err
    assert "; rm -rf ~" in err
    assert err.replace("\n", "").isprintable()


# --- doctor ----------------------------------------------------------------------------------


def levels(out: str) -> dict[str, str]:
    return {finding["check"]: finding["level"] for finding in json.loads(out)["findings"]}


def test_a_healthy_place(call: Callable[..., Any], repository: Path) -> None:
    answer = call("doctor", "--json")
    assert answer.code == 0
    assert json.loads(answer.out)["healthy"] is True
    found = levels(answer.out)
    wanted = {"system", "git", "repository", "configuration", "state", "database", "leftovers",
              "isolation", "agent shell", "agent rehearsal"}  # fmt: skip
    assert {found[check] for check in wanted} == {"ok"}
    assert "agent claude" in found
    assert call("doctor").out.splitlines()[0].startswith("ok ")


def test_outside_a_repository_the_rest_is_checked(
    call: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    answer = call("doctor", "--json")
    assert answer.code == 0
    found = levels(answer.out)
    assert found["repository"] == "warning"
    assert found["git"] == "ok"
    assert "database" not in found


def test_a_repository_that_cannot_be_used_is_what_is_wrong(
    call: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "new").mkdir()
    monkeypatch.chdir(tmp_path / "new")
    subprocess.run(["git", "init", "-q"], check=True)
    answer = call("doctor", "--json")
    assert answer.code == 3
    wrong = [f for f in json.loads(answer.out)["findings"] if f["level"] == "error"]
    assert [f["check"] for f in wrong] == ["repository"]
    assert "git commit --allow-empty" in wrong[0]["message"]


def test_without_git(
    call: Callable[..., Any], repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    answer = call("doctor", "--json")
    assert answer.code == 3
    assert levels(answer.out)["git"] == "error"
    assert levels(answer.out)["agent rehearsal"] == "ok"


def test_an_old_git(
    call: Callable[..., Any], repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "git").write_text("#!/bin/sh\necho git version 2.20.1\n")
    (tmp_path / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    answer = call("doctor")
    assert answer.code == 3
    assert "git 2.20 is too old" in answer.out
    assert call("runs").code == 3


def test_a_broken_configuration_is_a_finding(call: Callable[..., Any], repository: Path) -> None:
    (repository / "cc4tui.toml").write_text("[run\n")
    answer = call("doctor", "--json")
    assert answer.code == 3
    assert levels(answer.out)["configuration"] == "error"


def test_a_foreign_state_folder_is_a_finding(
    call: Callable[..., Any], repository: Path, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "state").symlink_to(tmp_path / "elsewhere")
    answer = call("doctor", "--json")
    assert answer.code == 3
    assert levels(answer.out)["state"] == "error"
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert call("runs").code == 3


def test_a_damaged_database_is_told_not_thrown(call: Callable[..., Any], repository: Path) -> None:
    call("idea", "add", "x")
    db = Path(json.loads(call("paths", "--json").out)["db"])
    for path in db.parent.glob("cc4tui.db-*"):
        path.unlink()
    db.write_bytes(b"not a database at all" * 500)
    answer = call("doctor", "--json")
    assert answer.code in (0, 3)
    assert "Traceback" not in answer.err
    assert "database" in levels(answer.out)


def agent_program(tmp_path: Path, script: str) -> Path:
    path = tmp_path / "claude"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("script", "level", "text"),
    [
        ("echo '2.1.197 (Claude Code)'", "ok", "2.1.197 (Claude Code)"),
        ("printf '9.0\\033]52;c;AAAA\\007\\n'", "ok", "9.0"),
        ("exit 1", "warning", "does not tell its version"),
        ("sleep 60 & sleep 60", "warning", "does not tell its version within 1 s"),
    ],
)
def test_agents_tell_their_version(
    call: Callable[..., Any], repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    script: str, level: str, text: str,
) -> None:  # fmt: skip
    monkeypatch.setattr("cc4tui.services.doctor.VERSION_SECONDS", 1.0)
    agent_program(tmp_path, script)
    monkeypatch.setenv("IS_SANDBOX", "1")  # claude refuses to work for root without it
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    answer = call("doctor", "--json")
    [finding] = [f for f in json.loads(answer.out)["findings"] if f["check"] == "agent claude"]
    assert finding["level"] == level
    assert finding["message"].startswith("default; ")
    assert text in finding["message"]
    left = subprocess.run(["pgrep", "-f", f"{tmp_path}/claude"], capture_output=True, check=False)
    assert left.stdout == b""


def test_a_program_of_ones_own_is_never_started_by_doctor(
    call: Callable[..., Any], repository: Path, tmp_path: Path
) -> None:
    mark = tmp_path / "started"
    program = tmp_path / "mine"
    program.write_text(f"#!/bin/sh\ntouch {mark}\n")
    program.chmod(0o755)
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "config.toml").write_text(
        f'[agents.mine]\ndriver = "command"\ncommand = ["{program}"]\n'
        '[agents.odd]\ndriver = "telepathy"\n'
    )
    found = levels(call("doctor", "--json").out)
    assert found["agent mine"] == "ok"
    assert found["agent odd"] == "warning"
    assert not mark.exists()


def test_a_probe_does_a_real_task_and_leaves_nothing_behind(
    call: Callable[..., Any],
    repository: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    monkeypatch.setenv("CC4_REHEARSAL_SPEED", "50")
    answer = call("doctor", "--json", "--probe", "rehearsal")
    assert answer.code == 0, answer.err
    told = json.loads(answer.out)["findings"][-1]
    assert (told["check"], told["level"]) == ("probe of rehearsal", "ok")
    assert told["message"].startswith("did its task (")
    assert (told["outcome"], told["cost_usd"]) == ("succeeded", None)
    assert told["seconds"] > 0
    assert list(temporary.iterdir()) == []
    assert json.loads(call("runs", "--json").out) == []


def test_a_probe_of_an_agent_that_cannot_work_says_why(
    call: Callable[..., Any], repository: Path
) -> None:
    (repository.parent / "config").mkdir(exist_ok=True)
    (repository.parent / "config" / "config.toml").write_text(
        '[run]\nagent = "mine"\n[agents.mine]\ndriver = "command"\ncommand = ["/no/such/one"]\n'
    )
    told = json.loads(call("doctor", "--json", "--probe").out)["findings"][-1]
    assert told["level"] == "warning"
    assert "/no/such/one does not exist" in told["message"]
    answer = call("doctor", "--probe", "mein")
    assert answer.code == 2
    assert "no agent is called 'mein'; did you mean mine?" in answer.err
