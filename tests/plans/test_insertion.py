"""A new task lands in the file in the plan's own way of writing tasks."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cc4tui.errors import PlanError
from cc4tui.services.plans.insertion import add_task
from cc4tui.services.plans.reading import read_plan


Adder = Callable[..., tuple[str, str]]


@pytest.fixture
def added() -> Adder:
    """The text after adding a task, and the new id."""

    def run(text: str, title: str, body: str = "", path: str = "plan.md") -> tuple[str, str]:
        data = text.encode()
        after, task_id = add_task(data, read_plan(data, path), title, body)
        task = read_plan(after, path).task(task_id)
        assert task is not None, after.decode()
        assert task.title == title.strip()
        return after.decode(), task_id

    return run


class TestPlaces:
    """Where it goes and what it looks like."""

    def test_behind_the_last_box(self, added: Adder) -> None:
        text = "## 1. A\n- [ ] 1.1 a\n  - detail\n- [x] 1.2 b\n\ntext\n"
        after, task_id = added(text, "c")
        assert task_id == "1.3"
        assert after == text.replace("- [x] 1.2 b\n", "- [x] 1.2 b\n- [ ] 1.3 c\n")

    def test_with_a_body(self, added: Adder) -> None:
        after, _ = added("- [ ] 1.1 a\n- [ ] 1.2 b\n", "c", "first\n\n- second")
        assert after.endswith("- [ ] 1.3 c\n  first\n\n  - second\n")

    def test_padded_ids(self, added: Adder) -> None:
        text = "".join(f"- [ ] T00{n} x\n" for n in (1, 2, 9))
        assert added(text, "new")[1] == "T010"

    def test_made_ids_stay_unwritten(self, added: Adder) -> None:
        after, task_id = added("# Todo\n\n* [x] a\n* [ ] b\n", "c")
        assert task_id == "t-3"
        assert after == "# Todo\n\n* [x] a\n* [ ] b\n* [ ] c\n"

    def test_numbered_list(self, added: Adder) -> None:
        after, _ = added("1. [ ] a\n2. [ ] b\n", "c")
        assert after == "1. [ ] a\n2. [ ] b\n3. [ ] c\n"

    def test_nested(self, added: Adder) -> None:
        text = "- [ ] 1. A\n  - [ ] 1.1 a\n  - [ ] 1.2 b\n"
        after, task_id = added(text, "c")
        assert (task_id, after) == ("1.3", text + "  - [ ] 1.3 c\n")

    @pytest.mark.parametrize(
        ("text", "line"),
        [
            ("### Task 1: a\n\ntext\n\n### Task 2: b\n", "### Task 3: c"),
            ("## Phase 1: P\n### 1.1 a\n- [ ] x\n### 1.2 b\n- [ ] y\n", "### 1.3 c"),
            ("## Task 1 - a\n## Task 2 - b\n", "## Task 3 - c"),
        ],
    )
    def test_headings(self, added: Adder, text: str, line: str) -> None:
        after, _ = added(text, "c", "why")
        assert f"\n{line}\n\nwhy\n" in after

    def test_heading_with_a_box(self, added: Adder) -> None:
        after, _ = added("### [x] Task 1: a\n### [ ] Task 2: b\n", "c")
        assert after.endswith("\n### [ ] Task 3: c\n")

    def test_table(self, added: Adder) -> None:
        text = "| Task | What | Files |\n|---|---|---|\n| S01 | a | `x` |\n| S02 | b | |\n\ntext\n"
        after, task_id = added(text, "c | d")
        assert task_id == "S03"
        assert "| S03 | c \\| d |" in after

    def test_table_needs_no_rewrite_of_others(self, added: Adder) -> None:
        text = "| Task | What |\n|---|---|\n| S01 | a |\n| S02 | b |\n"
        assert added(text, "c")[0] == text + "| S03 | c |\n"

    def test_last_batch_before_other_sections(self, added: Adder) -> None:
        text = (
            "## Phase 1: A\n- [ ] 1.1 a\n\n## Phase 2: B\n- [ ] 2.1 b\n\n---\n\n## Notes\n\ntext\n"
        )
        after, task_id = added(text, "c")
        assert task_id == "2.2"
        assert after == text.replace("- [ ] 2.1 b\n", "- [ ] 2.1 b\n- [ ] 2.2 c\n")


class TestBytes:
    """Everything else stays."""

    def test_crlf_bom_and_no_final_newline(self) -> None:
        data = b"\xef\xbb\xbf# \xc3\xa9\r\n- [ ] 1.1 a\r\n- [ ] 1.2 b"
        after, _ = add_task(data, read_plan(data, "p.md"), "c")
        assert after == data + b"\r\n- [ ] 1.3 c"

    def test_empty_file(self) -> None:
        for data in (b"", b"\n", b"\xef\xbb\xbf"):
            after, task_id = add_task(data, read_plan(data, "p.md"), "first", "why")
            plan = read_plan(after, "p.md")
            assert (plan.dialect, task_id, plan.errors) == ("cc4", "1.1", ())
            assert (plan.task("1.1") or next(plan.tasks())).body == "why"
            assert after.startswith(data.strip())
            assert after.endswith(data.removeprefix(b"\xef\xbb\xbf"))

    def test_file_without_tasks(self) -> None:
        data = b"# Notes\n\nsome text\n"
        after, task_id = add_task(data, read_plan(data, "p.md"), "first")
        assert after.startswith(data)
        assert read_plan(after, "p.md").task(task_id) is not None

    def test_title_is_one_line(self) -> None:
        data = b"- [ ] 1.1 a\n- [ ] 1.2 b\n"
        after, _ = add_task(data, read_plan(data, "p.md"), "two\nlines\x1b[31m <!-- x")
        assert after.count(b"\n") == 3
        assert b"\x1b" not in after
        assert len(list(read_plan(after, "p.md").tasks())) == 3

    def test_json_is_refused(self) -> None:
        data = b'{"tasks": [{"id": 1, "title": "a"}]}'
        with pytest.raises(PlanError, match="taskmaster"):
            add_task(data, read_plan(data, "tasks.json"), "b")

    @pytest.mark.parametrize("title", ["", "  ", "\n"])
    def test_no_title(self, title: str) -> None:
        with pytest.raises(PlanError, match="title"):
            add_task(b"", read_plan(b"", "p.md"), title)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["- [ ] {n} a", "  - text", "## Phase {k}: x", "", "text", "### Task {n}: f", "- [x] b",
             "  - [ ] {n} deep", "```\ncode\n```"]
        ),
        max_size=10,
    ),
    st.sampled_from(["Write docs", "Fix `a.py`", "Ümläut: test", "a (b) c"]),
)  # fmt: skip
def test_whatever_the_plan(lines: list[str], title: str) -> None:
    text = "\n".join(line.format(n=f"{k}.{k + 1}", k=k) for k, line in enumerate(lines, 1))
    data = text.encode()
    plan = read_plan(data, "plan.md")
    after, task_id = add_task(data, plan, title)
    again = read_plan(after, "plan.md")
    assert again.task(task_id) is not None
    assert (again.task(task_id) or next(again.tasks())).title == title
    before_lines = [line for line in data.splitlines() if line.strip()]
    left = iter(after.splitlines())
    assert all(any(line == other for other in left) for line in before_lines)
