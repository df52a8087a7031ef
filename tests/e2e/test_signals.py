"""Every way in which the app can be ended, in a real terminal: nothing left, nothing lost.

The agents are as bad as they get: they ignore signals, fork, and hide in sessions of their own.
"""

import contextlib
import fcntl
import json
import os
import pty
import random
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from typing import Any

import psutil
import pyte
import pytest


pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

PLAN = "# P\n\n## Batch 1: A\n" + "".join(f"- [ ] 1.{n} Task {n}\n" for n in range(1, 4))

STUBBORN = """
import signal
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
pathlib.Path(f"{task}.txt").write_text(task)
gate = pathlib.Path(os.environ["CC4_PROMPT_FILE"]).parents[5] / "gate"
if not gate.exists():
    for number in range(50):
        session = {"start_new_session": number % 2 == 0}
        env = {} if number % 3 == 0 else None
        subprocess.Popen(["sleep", "300"], env=env, **session)
    subprocess.Popen("(setsid sleep 300 &) ; nohup sleep 300 &", shell=True)
print("up", flush=True)
ledger("up")
while not gate.exists():
    time.sleep(0.02)
"""

OPEN = """
import sys
from pathlib import Path
from cc4tui.cli.failures import guarded
from cc4tui.cli.screen import open_app
{before}
sys.exit(guarded(lambda: open_app(Path("."), {plan})))
"""
BREAK_ON_HELP = """
from cc4tui.screens.app import CommandCenterApp
def broken(self):
    raise RuntimeError("a defect")
CommandCenterApp.action_help = broken
"""


class Terminal:
    """A program with a controlling terminal of its own, and the screen that it made."""

    def __init__(self, project, code: str) -> None:
        self.written = b""
        self._screen = pyte.Screen(120, 36)
        self._stream = pyte.ByteStream(self._screen)
        self._master, self._slave = pty.openpty()
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", 36, 120, 0, 0))
        self._before = termios.tcgetattr(self._slave)
        self.process = subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=project.root,
            env={**project.environment, "TERM": "xterm-256color"},
            stdin=self._slave,
            stdout=self._slave,
            stderr=self._slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )

    @property
    def text(self) -> str:
        return "\n".join(self._screen.display)

    def until(self, condition: str | Callable[[], object], seconds: float = 60) -> None:
        """Read until it stands on the screen, or is true."""
        end = time.monotonic() + seconds
        while not (condition in self.text if isinstance(condition, str) else condition()):
            assert time.monotonic() < end, f"{condition} did not come true:\n{self.text}"
            self._read(0.05)

    def ended(self) -> int:
        """Its exit code, once all it wrote was read."""
        self.until(lambda: self.process.poll() is not None)
        while self._read(0.05):
            pass
        return int(self.process.returncode)

    @property
    def is_restored(self) -> bool:
        """The screen of before is back, with cursor, without mouse reports, in its old mode."""
        modes = {b"1049": False, b"25": True, b"1000": False, b"2004": False}
        last = dict.fromkeys(modes, b"l") | {b"25": b"h"}
        for mode, how in re.findall(rb"\x1b\[\?(\d+)([hl])", self.written):
            last[mode] = how
        shown = all(last[mode] == (b"h" if on else b"l") for mode, on in modes.items())
        return shown and termios.tcgetattr(self._slave) == self._before

    def press(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self._master)
        os.close(self._slave)

    def _read(self, seconds: float) -> bool:
        if not select.select([self._master], [], [], seconds)[0]:
            return False
        data = os.read(self._master, 65536)
        self.written += data
        self._stream.feed(data)
        return True


@pytest.fixture
def terminals(project, agent) -> Iterator[Callable[..., Terminal]]:
    """Opens the app: ``terminals()`` with the plan running, ``terminals(plan=None)`` without."""
    opened: list[Terminal] = []
    project.write("plan.md", PLAN)
    project.commit("plan")
    config = project.state.parent / "config"
    config.mkdir()
    command = json.dumps(agent(STUBBORN).split())
    (config / "config.toml").write_text(
        '[run]\nagent = "mine"\nworkers = 2\n'
        f'[agents.mine]\ndriver = "command"\ncommand = {command}\n'
    )

    def make(plan: str | None = "plan.md", before: str = "") -> Terminal:
        opened.append(Terminal(project, OPEN.format(plan=repr(plan), before=before)))
        return opened[-1]

    yield make
    for terminal in opened:
        terminal.close()


@pytest.fixture
def running(terminals, ledger) -> Callable[..., Terminal]:
    """Opens the app on the plan and waits until its agents are up."""

    def make(**options: Any) -> Terminal:
        terminal = terminals(**options)
        terminal.until(lambda: sum(line.startswith("up") for line in ledger()) == 2)
        return terminal

    return make


def nothing_left(project) -> bool:
    marked = [p for p in psutil.process_iter(["cmdline"]) if p.info["cmdline"] == ["sleep", "300"]]
    ours = [p for p in marked if str(project.root.parent) in _cwd(p)]
    return not project.processes() and not ours


def _cwd(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.Error):
        return process.cwd()
    return ""


def half_done(project) -> list[str]:
    """Tasks whose unfinished work is on their branches."""
    tasks = project.status()["tasks"]
    branches = {task["id"]: task["branch"] for task in tasks if task["branch"]}
    return sorted(task for task, name in branches.items() if f"{task}.txt" in project.files(name))


def lands_later(project, ledger) -> None:
    """The run goes on where it was: all land, none was done twice after its commit."""
    (project.root.parent / "gate").touch()
    again = project.cc4tui("resume", "--json")
    assert again.code == 0, again.err
    assert again.finished["counts"] == {"landed": 3}
    ends = [line.split()[1] for line in ledger() if line.startswith("end")]
    assert sorted(ends) == ["1.1", "1.2", "1.3"]
    assert project.left_behind() == []
    assert project.fsck() == ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_the_app_and_restores_the_terminal(project, running, ledger, number):
    terminal = running()
    terminal.process.send_signal(number)
    assert terminal.ended() == 128 + number
    assert terminal.is_restored
    assert nothing_left(project)
    assert project.status()["status"] == "interrupted"
    assert half_done(project) == ["1.1", "1.2"]
    lands_later(project, ledger)


def test_a_second_ctrl_c_skips_waiting_but_never_saving(project, running):
    terminal = running()
    terminal.process.send_signal(signal.SIGINT)
    terminal.until("Ctrl-C: give them no time")
    terminal.press("\x03")  # the terminal is the person's again: a real Ctrl-C
    assert terminal.ended() == 130
    assert "stopping at once" in terminal.text
    assert terminal.is_restored
    assert nothing_left(project)
    assert half_done(project) == ["1.1", "1.2"]


def test_a_defect_ends_the_app_with_a_sentence_and_saves_what_ran(project, running, ledger):
    terminal = running(before=BREAK_ON_HELP)
    terminal.press("?")
    assert terminal.ended() == 1
    assert "unexpected RuntimeError: a defect" in terminal.text
    assert "Traceback" not in terminal.text
    assert terminal.is_restored
    assert nothing_left(project)
    lands_later(project, ledger)


@pytest.mark.parametrize("group", [False, True], ids=["app", "group"])
def test_a_killed_app_leaves_nothing_running(project, running, ledger, group):
    terminal = running()
    if group:
        os.killpg(terminal.process.pid, signal.SIGKILL)
    else:
        terminal.process.kill()
    terminal.ended()
    terminal.until(lambda: nothing_left(project))
    lands_later(project, ledger)


def test_the_next_app_puts_right_what_a_killed_one_left(project, running, terminals, ledger):
    """It is said in one line; nothing is started that nobody asked for."""
    terminal = running()
    terminal.process.kill()
    terminal.ended()
    again = terminals(plan=None)
    again.until("was interrupted: 0 done, 0 committed, 2 cut short")
    again.press("3")
    again.until("interrupted")
    status = project.status()
    assert status["status"] == "interrupted"
    assert status["counts"] == {"ready": 3}
    assert nothing_left(project) or all("cc4tui" in line for line in project.processes())
    saved = project.cc4tui("saved", "list", "--json").json
    assert sorted(work["task"] for work in saved) == ["1.1", "1.2"]
    again.press("q")
    assert again.ended() == 0
    lands_later(project, ledger)


def test_being_stopped_for_a_while_harms_nothing(project, running, ledger):
    terminal = running()
    os.killpg(terminal.process.pid, signal.SIGSTOP)
    (project.root.parent / "gate").touch()
    deadline = time.monotonic() + 30
    while sum(line.startswith("end") for line in ledger()) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert terminal.process.poll() is None
    os.killpg(terminal.process.pid, signal.SIGCONT)
    terminal.until(lambda: terminal.written.count(b"\x1b[?1049h") == 2)
    terminal.press("3")
    terminal.until("succeeded")
    terminal.press("q")
    assert terminal.ended() == 0
    assert terminal.is_restored
    assert set(project.states().values()) == {("landed", None)}
    assert len([line for line in ledger() if line.startswith("start")]) == 3


def test_agents_kept_on_quitting_are_taken_over_by_the_next_app(
    project, running, terminals, ledger
):
    terminal = running()
    terminal.press("q")
    terminal.until("Keep them working")
    terminal.press("w")
    assert terminal.ended() == 0
    assert terminal.is_restored
    assert len(project.processes()) > 2
    status = project.status()
    assert (status["status"], status["counts"]["running"]) == ("interrupted", 2)
    assert "works on without cc4tui" in status["tasks"][0]["reason"]
    (project.root.parent / "gate").touch()
    again = terminals(plan=None)
    again.press("3")
    again.until("succeeded")
    again.press("q")
    assert again.ended() == 0
    assert len([line for line in ledger() if line.startswith("start")]) == 3
    assert project.left_behind() == []


def test_a_second_app_watches_and_starts_nothing(project, running, terminals):
    first = running()
    second = terminals()
    second.until("only watching")
    second.until(f"process {first.process.pid}")
    second.until("watches;")
    second.press("3")
    second.until("Task 1")
    second.press("q")
    assert second.ended() == 0
    assert first.process.poll() is None
    assert project.status()["counts"]["running"] == 2


@pytest.fixture
def at_a_shell(project, terminals) -> Terminal:
    """The app with a shell in the work of a task of a run that has ended; something runs in it."""
    project.extra["SHELL"] = "/bin/sh"
    (project.root.parent / "gate").touch()
    assert project.run().code == 0
    terminal = terminals(plan=None)
    terminal.until("4 Memory")
    terminal.press("3")
    terminal.until("Task 3")
    terminal.press("A")
    terminal.until("shell in the work of")
    terminal.press("echo mine > by-hand.txt; setsid sleep 300 & sleep 300 & echo wr''itten\r")
    terminal.until("written")
    return terminal


@pytest.mark.parametrize("how", ["kill", "hang up"])
def test_a_shell_ends_with_the_app_and_what_was_changed_is_saved(
    project, at_a_shell, terminals, how
):
    if how == "kill":
        at_a_shell.process.kill()
        at_a_shell.ended()
        at_a_shell.until(lambda: nothing_left(project))
        again = terminals(plan=None)
        again.until("What was changed at a terminal is saved")
        again.press("q")
        assert again.ended() == 0
    else:
        at_a_shell.process.send_signal(signal.SIGHUP)
        assert at_a_shell.ended() == 128 + signal.SIGHUP
    assert nothing_left(project)
    (saved,) = project.cc4tui("saved", "list", "--json").json
    assert saved["files"] == ["by-hand.txt"]
    assert project.left_behind() == []
    assert not project.found("**/terminals/*")


MOVES = """
if task == "1.3":
    pathlib.Path(ROOT, "moved.txt").touch()
    for words in (["add", "moved.txt"], ["commit", "-q", "-m", "moved"]):
        who = ["-c", "user.name=P", "-c", "user.email=p@example.org"]
        subprocess.run(["git", *who, *words], cwd=ROOT, check=True)
"""


@pytest.mark.parametrize("moved", [False, True], ids=["merging", "landing"])
def test_checks_are_stopped_too_and_run_again_later(project, agent, ledger, moved):
    """A check may take an hour; whoever leaves does not wait for it. Nothing is lost by that."""
    project.write("plan.md", PLAN)
    project.commit("plan")
    gate, up = project.root.parent / "gate", project.root.parent / "up"
    check = f"test -e {gate} || {{ touch {up}; sleep 300; }}"
    body = "pathlib.Path(f'{task}.txt').write_text(task)"
    if moved:
        check = f"test -e moved.txt -a ! -e {gate} && {{ touch {up}; sleep 300; }}; true"
        body += MOVES.replace("ROOT", repr(str(project.root)))
    command = agent(body)
    process = project.start(
        "run", "plan.md", "--yes", "--agent-command", command, "--verify", check
    )
    deadline = time.monotonic() + 60
    while not up.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 143, err
    assert nothing_left(project)
    assert project.status()["status"] == "interrupted"
    gate.touch()
    again = project.cc4tui("resume", "--json", "--yes")
    assert again.code == 0, again.err
    assert len([line for line in ledger() if line.startswith("start")]) == 3
    assert project.left_behind() == []


KILLS = int(os.environ.get("CC4_CHAOS_KILLS", "4"))
"""`make chaos` sets 200."""
LONG = "CC4_CHAOS_KILLS" in os.environ
FORMS = ("kill", "term", "int", "hup", "group", "stop", "detached", "left")
WORKS = """
import random
subprocess.Popen(["sleep", "300"], start_new_session=True)
pathlib.Path(f"{task}.txt").write_text(task)
time.sleep(random.uniform(0.0, 0.6))
"""


def hit(process: subprocess.Popen[str], form: str, chance: random.Random) -> None:
    """End it, or have it stand still for a while, in one of the ways there are."""
    if form == "stop":
        os.killpg(process.pid, signal.SIGSTOP)
        time.sleep(chance.uniform(0.1, 1.0))
        os.killpg(process.pid, signal.SIGCONT)
    elif form == "group":
        os.killpg(process.pid, signal.SIGKILL)
    else:
        names = {"detached": "SIGKILL", "left": "SIGTERM"}
        process.send_signal(signal.Signals[names.get(form, f"SIG{form.upper()}")])


@pytest.mark.timeout(3600)
def test_any_end_at_any_moment_and_the_same_command_again(project, agent, ledger):
    """Also of agents that were left working: each task lands once, whatever came between."""
    seed = int(os.environ.get("CC4_CHAOS_SEED", str(random.randrange(1 << 30) if LONG else 1)))
    print(f"CC4_CHAOS_SEED={seed}")  # noqa: T201 to repeat a failure
    chance = random.Random(seed)
    names = [f"1.{number}" for number in range(1, 9)]
    command, hits, rounds = agent(WORKS), 0, 0
    forms = chance.sample(FORMS, len(FORMS))
    while hits < KILLS:
        rounds += 1
        title = f"# Round {rounds}\n\n## Batch 1: A\n"
        tasks = "".join(f"- [ ] {name} Task {name} of {rounds}\n" for name in names)
        plan = f"round-{rounds}.md"
        project.write(plan, title + tasks)
        project.commit(f"round {rounds}")
        base, before = project.git("rev-parse", "HEAD").strip(), len(ledger())
        while True:
            form = forms[hits % len(FORMS)]
            options = ["--detach"] if form in ("detached", "left") else []
            process = project.start(
                "run", plan, "--yes", "--workers", "3", "--agent-command", command, *options,
                start_new_session=True,
            )  # fmt: skip
            try:
                limit = chance.uniform(0.3, 4.0) if hits < KILLS else 120
                _, err = process.communicate(timeout=limit)
                break
            except subprocess.TimeoutExpired:
                hits += 1
                hit(process, form, chance)
                _, err = process.communicate(timeout=60)
                assert "Traceback" not in err
                if process.returncode == 0:
                    break
        assert process.returncode == 0, err
        assert {t["state"] for t in project.status()["tasks"]} <= {"landed", "skipped"}
        trailers = (
            f"%(trailers:key=Cc4-{key},valueonly,separator=)" for key in ("Task", "Attempt")
        )
        form = f"--format={' '.join(trailers)}"
        merges = project.git("log", "--merges", form, f"{base}..main")
        merged = dict(line.split() for line in merges.splitlines())
        assert sorted(merged) == names
        assert len(merges.splitlines()) == len(names)
        lines = ledger()[before:]
        for task, attempt in merged.items():
            assert lines.count(f"end {task} {attempt}") == 1, (task, lines)
            assert f"start {task} {int(attempt) + 1}" not in lines, (task, lines)
        deadline = time.monotonic() + 30
        while project.left_behind() and time.monotonic() < deadline:
            time.sleep(0.05)  # supervisors of a killed one may still be sweeping
        assert project.left_behind() == []
        assert project.fsck() == ""
        for name in names:
            (project.root / f"{name}.txt").unlink()
