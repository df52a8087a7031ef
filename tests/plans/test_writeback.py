"""A tick is the smallest edit; all other bytes stay, whoever writes beside us."""

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cc4tui.domain.plan import PlanTaskState
from cc4tui.errors import PlanError
from cc4tui.services.plans import files
from cc4tui.services.plans.files import locked, replace_file
from cc4tui.services.plans.folders import tick_in_folder
from cc4tui.services.plans.reading import read_plan
from cc4tui.services.plans.writeback import Ticked, tick, tick_file


S = PlanTaskState
Ticker = Callable[..., tuple[bytes, bytes | None]]


@pytest.fixture
def ticked() -> Ticker:
    """Bytes before and after ticking a task."""

    def run(text: str | bytes, task_id: str, path: str = "plan.md") -> tuple[bytes, bytes | None]:
        data = text.encode() if isinstance(text, str) else text
        return data, tick(data, read_plan(data, path), task_id)

    return run


def differences(before: bytes, after: bytes | None) -> list[tuple[int, int, int]]:
    assert after is not None
    assert len(before) == len(after)
    return [(n, a, b) for n, (a, b) in enumerate(zip(before, after, strict=True)) if a != b]


class TestBoxes:
    """One byte."""

    def test_one_byte(self, ticked: Ticker) -> None:
        before, after = ticked("- [ ] 1.1 a\n- [ ] 1.2 b\n", "1.2")
        assert differences(before, after) == [(15, ord(" "), ord("x"))]

    def test_the_files_own_case(self, ticked: Ticker) -> None:
        before, after = ticked("- [X] 1.1 a\n- [ ] 1.2 b\n", "1.2")
        assert differences(before, after) == [(15, ord(" "), ord("X"))]

    @pytest.mark.parametrize("mark", ["-", "~", "/", "!", "?", "+"])
    def test_other_marks(self, ticked: Ticker, mark: str) -> None:
        before, after = ticked(f"- [{mark}] 1.1 a\n- [ ] 1.2 b\n", "1.1")
        assert differences(before, after) == [(3, ord(mark), ord("x"))]

    def test_a_mark_of_several_bytes(self, ticked: Ticker) -> None:
        before, after = ticked("- [⏳] 1.1 a\n- [ ] 1.2 b\n", "1.1")
        assert after == before.replace("⏳".encode(), b"x")

    def test_done_already(self, ticked: Ticker) -> None:
        before, after = ticked("- [x] 1.1 a\n- [ ] 1.2 b\n", "1.1")
        assert after is before

    def test_unknown_task(self, ticked: Ticker) -> None:
        assert ticked("- [ ] 1.1 a\n", "9.9")[1] is None

    def test_bom_crlf_tabs_trailing_spaces_no_final_newline(self, ticked: Ticker) -> None:
        data = b"\xef\xbb\xbf# \xc3\xa9\r\n\r\n-\t[ ] 1.1 a  \r\n\t- [ ] 1.1.1 b\t\r\n> - [ ] 1.2 c"
        for task in ("1.1.1", "1.2"):
            before, after = ticked(data, task)
            changed = differences(before, after)
            assert {(a, b) for _, a, b in changed} == {(ord(" "), ord("x"))}

    def test_groups_are_ticked_with_their_last_task(self, ticked: Ticker) -> None:
        before, after = ticked("- [ ] 1. A\n  - [x] 1.1 a\n  - [ ] 1.2 b\n", "1.2")
        assert len(differences(before, after)) == 2
        assert after == before.replace(b"[ ]", b"[x]")

    def test_groups_stay_open_before(self, ticked: Ticker) -> None:
        before, after = ticked("- [ ] 1. A\n  - [ ] 1.1 a\n  - [ ] 1.2 b\n", "1.2")
        assert len(differences(before, after)) == 1

    def test_groups_of_groups(self, ticked: Ticker) -> None:
        text = "- [ ] 1. A\n  - [ ] 1.1 B\n    - [ ] 1.1.1 c\n  - [x] 1.2 d\n"
        before, after = ticked(text, "1.1.1")
        assert after == before.replace(b"[ ]", b"[x]")

    def test_mirrors_are_ticked_too(self, ticked: Ticker) -> None:
        text = "- [ ] T001 a\n- [ ] T002 b\n- [ ] T003 c\n\n## Progress\n- [ ] T002 b\n"
        before, after = ticked(text, "T002")
        assert len(differences(before, after)) == 2

    def test_steps_and_acceptance_stay(self, ticked: Ticker) -> None:
        text = "- [ ] 1.1 a\n  - [ ] step\n  - Acceptance:\n    - [ ] x\n- [ ] 1.2 b\n"
        before, after = ticked(text, "1.1")
        assert len(differences(before, after)) == 1

    def test_heading_with_a_box(self, ticked: Ticker) -> None:
        before, after = ticked("### [ ] Task 1: a\n### [x] Task 2: b\n", "1")
        assert differences(before, after) == [(5, ord(" "), ord("x"))]


class TestOtherPlaces:
    """Headings, tables, JSON, front matter."""

    def test_a_tick_behind_a_heading_where_others_have_one(self, ticked: Ticker) -> None:
        before, after = ticked("### Task 1: a ✅\n### Task 2: b  \r\ntext\n", "2")
        assert after == before.replace(b"Task 2: b", "Task 2: b ✅".encode())

    def test_no_tick_where_none_is_used(self, ticked: Ticker) -> None:
        assert ticked("### Task 1: a\n### Task 2: b\n", "2")[1] is None

    def test_emoji_bullet(self, ticked: Ticker) -> None:
        before, after = ticked("- ✅ Task 1: a\n- ⬜ Task 2: b\n", "2")
        assert after == before.replace("⬜".encode(), "✅".encode())

    @pytest.mark.parametrize(
        ("row", "done"),
        [
            ("| S02 | b | open |", "| S02 | b | ✅ Done |"),
            ("| S02 | b \\| c |  open  |", "| S02 | b \\| c |  ✅ Done  |"),
            ("| S02 | b | |", "| S02 | b | ✅ Done|"),
        ],
    )
    def test_status_cell(self, ticked: Ticker, row: str, done: str) -> None:
        text = f"| Task | What | Status |\n|---|---|---|\n| S01 | a | ✅ Done |\n{row}\n"
        before, after = ticked(text, "S02")
        assert after == before.replace(row.encode(), done.encode())

    def test_no_status_column(self, ticked: Ticker) -> None:
        assert ticked("| Task | What |\n|---|---|\n| S01 | a |\n| S02 | b |\n", "S01")[1] is None

    def test_taskmaster(self, ticked: Ticker) -> None:
        text = (
            '{"a": {"tasks": [{"id": 1, "title": "é", "status" : "pending", "x": {"status": 1}},\n'
            ' {"id": 2, "title": "b", "status":"done"}]}}'
        )
        before, after = ticked(text, "1", "tasks.json")
        assert after == before.replace(b'"pending"', b'"done"')

    def test_taskmaster_without_status(self, ticked: Ticker) -> None:
        assert ticked('{"tasks": [{"id": 1, "title": "a"}]}', "1", "tasks.json")[1] is None

    def test_ralph(self, ticked: Ticker) -> None:
        text = '{"userStories": [{"id": "US-1", "title": "a", "passes":  false }]}'
        before, after = ticked(text, "US-1", "prd.json")
        assert after == before.replace(b"false", b"true")

    def test_beads(self, ticked: Ticker) -> None:
        text = '{"id":"a","title":"é","status":"open"}\n'
        text += '{"id":"b","title":"y","status":"in_progress"}\n'
        before, after = ticked(text, "b", "issues.jsonl")
        assert after == before.replace(b'"in_progress"', b'"closed"')

    @pytest.mark.parametrize("status", ["To Do", "'To Do'", '"In Progress"'])
    def test_backlog(self, ticked: Ticker, status: str) -> None:
        text = f"---\nid: B-1\ntitle: é\nstatus: {status}   # note\nlabels: []\n---\n\n- [ ] #1 x\n"
        before, after = ticked(text, "B-1")
        quote = status[0] if status[0] in "'\"" else ""
        assert after == before.replace(
            f"status: {status}".encode(), f"status: {quote}Done{quote}".encode()
        )

    def test_ccpm(self, ticked: Ticker) -> None:
        text = "---\nname: x\nstatus: open\ndepends_on: []\nconflicts_with: []\n---\n"
        before, after = ticked(text, "001", ".claude/epics/a/001.md")
        assert after == before.replace(b"open", b"closed")

    def test_gsd_elements_have_no_place(self, ticked: Ticker) -> None:
        assert ticked('<task type="auto">\n<name>Task 1: a</name>\n</task>\n', "1")[1] is None

    def test_invalid_bytes_keep_their_place(self, ticked: Ticker) -> None:
        data = b"- [ ] 1.1 \xff\xfe a\n- [ ] 1.2 b\n"
        before, after = ticked(data, "1.2")
        assert len(differences(before, after)) == 1


LINES = st.sampled_from(
    ["- [ ] {n} a", "- [x] {n} b", "  - [ ] {n} c", "  - text", "> - [ ] {n} é", "", "```", "text",
     "## Phase {k}: x ✅", "* [-] {n} d", "1. [ ] {n} e", "### Task {n}: f", "\t- [ ] {n} g  ",
     "<!-- c -->"]
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(LINES, max_size=14), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_every_tick_says_done_and_changes_nothing_else(
    lines: list[str], newline: str, bom: bool
) -> None:
    text = newline.join(line.format(n=f"{k}.{k + 1}", k=k) for k, line in enumerate(lines, 1))
    data = (b"\xef\xbb\xbf" if bom else b"") + text.encode()
    plan = read_plan(data, "plan.md")
    for task in plan.tasks():
        after = tick(data, plan, task.id)
        if after is None or after is data:
            assert after is data or task.mark_offset is None
            continue
        again = read_plan(after, "plan.md")
        assert (again.task(task.id) or task).state is S.DONE
        assert [(t.id, t.title, t.line) for t in again.tasks()] == [
            (t.id, t.title, t.line) for t in plan.tasks()
        ]  # fmt: skip
        if task.mark_offset is not None:
            marks = {task.mark_offset, *(group.offset for group in plan.groups)}
            changed = {n for n, _, _ in differences(data, after)}
            assert task.mark_offset in changed <= marks
            undone = bytearray(after)
            for offset in changed:
                undone[offset] = data[offset]
            assert bytes(undone) == data


class TestFile:
    """Atomic, locked, and never over somebody else's edit."""

    @pytest.fixture
    def plan_file(self, tmp_path: Path) -> Path:
        path = tmp_path / "plan.md"
        path.write_bytes(b"- [ ] 1.1 a\r\n- [ ] 1.2 b")
        return path

    def test_written(self, plan_file: Path) -> None:
        assert tick_file(plan_file, "1.2") is Ticked.WRITTEN
        assert plan_file.read_bytes() == b"- [ ] 1.1 a\r\n- [x] 1.2 b"
        assert tick_file(plan_file, "1.2") is Ticked.ALREADY

    def test_mode_is_kept(self, plan_file: Path) -> None:
        plan_file.chmod(0o640)
        tick_file(plan_file, "1.1")
        assert stat.S_IMODE(plan_file.stat().st_mode) == 0o640

    def test_links_are_followed(self, plan_file: Path, tmp_path: Path) -> None:
        folder = tmp_path / "elsewhere"
        folder.mkdir()
        link = folder / "link.md"
        link.symlink_to(os.path.relpath(plan_file, folder))
        tick_file(link, "1.1")
        assert link.is_symlink()
        assert plan_file.read_bytes().startswith(b"- [x]")

    def test_nothing_is_left_behind(self, plan_file: Path) -> None:
        tick_file(plan_file, "1.1")
        assert [path.name for path in plan_file.parent.iterdir()] == ["plan.md"]

    def test_found_again_after_an_edit(self, plan_file: Path) -> None:
        seen = sha256(plan_file.read_bytes()).hexdigest()
        plan_file.write_bytes(b"# New title\n\n- [ ] 1.1 a\n- [ ] 1.15 new\n- [ ] 1.2 b\n")
        assert tick_file(plan_file, "1.2", seen) is Ticked.WRITTEN
        assert b"- [x] 1.2 b" in plan_file.read_bytes()

    def test_found_again_by_its_title(self, plan_file: Path) -> None:
        plan_file.write_bytes(b"- [ ] 1.1 new\n- [ ] 1.2 a\n- [ ] 1.3 the  B\n")
        assert tick_file(plan_file, "1.2", "0" * 64, title="The b") is Ticked.WRITTEN
        assert plan_file.read_bytes().endswith(b"- [x] 1.3 the  B\n")

    def test_e10_when_it_is_gone(self, plan_file: Path) -> None:
        plan_file.write_bytes(b"- [ ] 1.1 a\n")
        with pytest.raises(PlanError, match="E10"):
            tick_file(plan_file, "1.2", "0" * 64)
        assert plan_file.read_bytes() == b"- [ ] 1.1 a\n"

    def test_a_made_id_of_another_title_is_not_ticked(self, tmp_path: Path) -> None:
        path = tmp_path / "todo.md"
        path.write_text("- [ ] new\n- [ ] old\n")
        assert tick_file(path, "t-1", "0" * 64, title="old") is Ticked.WRITTEN
        assert path.read_text() == "- [ ] new\n- [x] old\n"
        with pytest.raises(PlanError, match="E10"):
            tick_file(path, "t-1", "0" * 64, title="gone")

    def test_no_place(self, tmp_path: Path) -> None:
        path = tmp_path / "plan.md"
        path.write_text("### Task 1: a\n### Task 2: b\n")
        assert tick_file(path, "1") is Ticked.NO_PLACE

    def test_offers_that_were_accepted(self, tmp_path: Path) -> None:
        path = tmp_path / "plan.md"
        path.write_text("### Tasks\n```\n[ ] 1.1 a\n[ ] 1.2 b\n```\n")
        assert tick_file(path, "1.2") is Ticked.WRITTEN
        assert "[x] 1.2 b" in path.read_text()

    def test_replace_refuses_a_changed_file(self, plan_file: Path) -> None:
        with pytest.raises(PlanError, match="E10"):
            replace_file(plan_file, b"something else", b"new")
        assert plan_file.read_bytes().endswith(b"1.2 b")
        assert [path.name for path in plan_file.parent.iterdir()] == ["plan.md"]

    def test_replace_makes_a_new_file(self, tmp_path: Path) -> None:
        path = tmp_path / "new.md"
        replace_file(path, b"", b"text")
        assert path.read_bytes() == b"text"
        umask = os.umask(0)
        os.umask(umask)
        assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask

    def test_in_a_folder(self, tmp_path: Path) -> None:
        for number in (1, 2):
            (tmp_path / f"t{number}.md").write_text(
                f"---\nid: B-{number}\ntitle: x\nstatus: To Do\n---\n"
            )
        assert tick_in_folder(tmp_path, "B-2") is Ticked.WRITTEN
        assert "status: Done" in (tmp_path / "t2.md").read_text()
        assert "status: To Do" in (tmp_path / "t1.md").read_text()
        with pytest.raises(PlanError, match="E10"):
            tick_in_folder(tmp_path, "B-9")


TICKER = """
import sys
from pathlib import Path
from cc4tui.errors import PlanError
from cc4tui.services.plans import files
from cc4tui.services.plans.writeback import tick_file

files.LOCK_SECONDS = float(sys.argv[2])
try:
    for task in sys.argv[3:]:
        tick_file(Path(sys.argv[1]), task)
except PlanError as error:
    sys.exit(str(error))
"""


def start_ticker(path: Path, tasks: list[str], patience: float = 30) -> subprocess.Popen[str]:
    """Another process that ticks tasks of the same file."""
    command = [sys.executable, "-c", TICKER, str(path), str(patience), *tasks]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


@pytest.mark.integration
def test_two_processes_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "plan.md"
    tasks = [f"1.{n}" for n in range(1, 41)]
    path.write_text("".join(f"- [ ] {task} title {task}\n" for task in tasks))
    workers = [start_ticker(path, tasks[half::2]) for half in (0, 1)]
    torn = 0
    while any(worker.poll() is None for worker in workers):
        plan = read_plan(path.read_bytes(), "plan.md")
        torn += len(list(plan.tasks())) != 40
    assert [worker.communicate()[1] for worker in workers] == ["", ""]
    assert torn == 0
    assert path.read_text() == "".join(f"- [x] {task} title {task}\n" for task in tasks)


@pytest.mark.skipif(sys.platform != "linux", reason="files change places in one step on Linux")
@pytest.mark.parametrize("saves", [1, 2, 3])
def test_what_an_editor_saves_in_the_last_moment_is_put_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, saves: int
) -> None:
    path = tmp_path / "plan.md"
    path.write_text("- [ ] 1.1 a\n")
    real_exchange = files._exchanged
    left = list(range(saves))

    def exchanged(one: Path, other: Path) -> bool:
        if left:
            path.with_suffix(".new").write_text(f"- [ ] 1.1 a, version {left.pop(0)}\n")
            path.with_suffix(".new").replace(path)
        return real_exchange(one, other)

    monkeypatch.setattr(files, "_exchanged", exchanged)
    with pytest.raises(PlanError, match="E10"):
        tick_file(path, "1.1")
    assert path.read_text() == f"- [ ] 1.1 a, version {saves - 1}\n"
    assert [p.name for p in tmp_path.iterdir()] == ["plan.md"]


def test_files_that_cannot_change_places_are_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "plan.md"
    path.write_text("- [ ] 1.1 a\n")
    monkeypatch.setattr(files, "_exchanged", lambda _one, _other: False)
    assert tick_file(path, "1.1") is Ticked.WRITTEN
    assert path.read_text() == "- [x] 1.1 a\n"


EDITOR = """
import os, sys, tempfile
from pathlib import Path

path, done = Path(sys.argv[1]), 0
while done < int(sys.argv[2]):  # as editors save: the whole buffer into a new file, moved over
    before = path.read_bytes()
    at = before.index(b"# End")
    handle, name = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(before[:at] + f"note {done}\\n".encode() + before[at:])
    if path.read_bytes() == before:  # as editors warn: it changed on disk, read it again
        os.replace(name, path)
        done += 1
    else:
        os.unlink(name)
"""


@pytest.mark.integration
def test_two_processes_and_an_editor_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "plan.md"
    tasks = [f"1.{n}" for n in range(1, 31)]
    path.write_text("".join(f"- [ ] {task} title {task}\n" for task in tasks) + "# End\n")
    workers = [start_ticker(path, tasks[half::2]) for half in (0, 1)]
    editor = subprocess.Popen([sys.executable, "-c", EDITOR, str(path), "15"])
    torn = 0
    while any(process.poll() is None for process in (*workers, editor)):
        text = path.read_text()
        torn += not text.endswith("# End\n") or text.count("title") != 30
    said = [worker.communicate()[1] for worker in workers]
    assert torn == 0
    assert editor.returncode == 0
    assert all(not error or "E10" in error for error in said)
    for task in tasks:  # who was told of E10 reads again and repeats
        assert tick_file(path, task) in (Ticked.WRITTEN, Ticked.ALREADY)
    lines = path.read_text().splitlines()
    assert lines[:30] == [f"- [x] {task} title {task}" for task in tasks]
    assert lines[30:] == [*(f"note {n}" for n in range(15)), "# End"]
    assert [p.name for p in tmp_path.iterdir()] == ["plan.md"]


def test_an_editor_between_reading_and_writing_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "plan.md"
    path.write_text("- [ ] 1.1 a\n")
    real_replace = Path.read_bytes
    calls: list[bytes] = []

    def read_bytes(self: Path) -> bytes:
        data = real_replace(self)
        if not calls:
            self.write_text("- [ ] 1.1 a, said better\n")  # the editor saves right after we read
        calls.append(data)
        return data

    monkeypatch.setattr(Path, "read_bytes", read_bytes)
    with pytest.raises(PlanError, match="E10"):
        tick_file(path, "1.1")
    monkeypatch.undo()
    assert path.read_text() == "- [ ] 1.1 a, said better\n"
    assert tick_file(path, "1.1") is Ticked.WRITTEN


@pytest.mark.integration
def test_the_lock_keeps_others_out(tmp_path: Path) -> None:
    path = tmp_path / "plan.md"
    path.write_text("- [ ] 1.1 a\n")
    with locked(path):
        _, error = start_ticker(path, ["1.1"], patience=0.05).communicate()
        assert "is locked by another process" in error
        assert path.read_text() == "- [ ] 1.1 a\n"
    assert start_ticker(path, ["1.1"]).communicate()[1] == ""
    assert path.read_text() == "- [x] 1.1 a\n"
