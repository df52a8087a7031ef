"""Labels are taken apart: id, flags, title, `{...}`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cc4tui.domain.plan import PlanTaskState
from cc4tui.services.plans.labels import IdStyle, clean_title, family, normal_id, parse_label


@pytest.mark.parametrize(
    ("text", "task_id", "style", "title"),
    [
        ("T001 Create project", "T001", IdStyle.TNUM, "Create project"),
        ("T016b Second half", "T016b", IdStyle.TNUM, "Second half"),
        ("T231.1 Sub", "T231.1", IdStyle.TNUM, "Sub"),
        ("**T001** Bold id", "T001", IdStyle.TNUM, "Bold id"),
        ("`T001`: ticked id", "T001", IdStyle.TNUM, "ticked id"),
        ("1.1 Child", "1.1", IdStyle.DOTTED, "Child"),
        ("1.1. Child", "1.1", IdStyle.DOTTED, "Child"),
        ("1.0 Parent", "1.0", IdStyle.DOTTED, "Parent"),
        ("1.2.3a - Deep", "1.2.3a", IdStyle.DOTTED, "Deep"),
        ("**1.1 Bold all** - rest", "1.1", IdStyle.DOTTED, "Bold all - rest"),
        ("**1.1** rest", "1.1", IdStyle.DOTTED, "rest"),
        ("1. Parent", "1", IdStyle.NUMBER, "Parent"),
        ("12) Twelve", "12", IdStyle.NUMBER, "Twelve"),
        ("2a. Half", "2a", IdStyle.NUMBER, "Half"),
        ("Task 1.2: Health", "1.2", IdStyle.WORD, "Health"),
        ("Task 4A: Half", "4A", IdStyle.WORD, "Half"),
        ("Task 3 — dash", "3", IdStyle.WORD, "dash"),
        ("**Task 3:** bold", "3", IdStyle.WORD, "bold"),
        ("Story 2.1: As a user", "2.1", IdStyle.WORD, "As a user"),
        ("タスク 1: 日本語", "1", IdStyle.WORD, "日本語"),
        ("任务 2：中文", "2", IdStyle.WORD, "中文"),
        ("Uppgift 3: svenska", "3", IdStyle.WORD, "svenska"),
        ("#246 Fix it", "#246", IdStyle.HASH, "Fix it"),
        ("#36 - title", "#36", IdStyle.HASH, "title"),
        ("01-02-PLAN.md — Create it", "01-02", IdStyle.PLAN, "Create it"),
        ("02.1-01: Inserted", "02.1-01", IdStyle.PLAN, "Inserted"),
        ("AUTH-12: Login", "AUTH-12", IdStyle.FAMILY, "Login"),
        ("FE-API-001 title", "FE-API-001", IdStyle.FAMILY, "title"),
        ("**S01** slice", "S01", IdStyle.FAMILY, "slice"),
        ("T1.1: short T", "T1.1", IdStyle.FAMILY, "short T"),
    ],
)  # fmt: skip
def test_ids(text: str, task_id: str, style: IdStyle, title: str) -> None:
    label = parse_label(text)
    assert (label.id, label.style, label.title) == (task_id, style, title)


@pytest.mark.parametrize(
    "text",
    [
        "404 page", "3 unit tests", "2024-01-01 release", "3.5mm jack", "Add tests", "100% done",
        "a 1.1 inside", "v1.2 release", "e2e tests", "2x faster", "1.5x speed", "10 tasks",
    ],
)  # fmt: skip
def test_no_id(text: str) -> None:
    label = parse_label(text)
    assert (label.id, label.title) == ("", text)


class TestFlags:
    """[P], (P), labels."""

    @pytest.mark.parametrize("text", ["T001 [P] x", "[P] T001 x", "1.1 (P) x", "T001 [P] [US1] x"])
    def test_parallel(self, text: str) -> None:
        label = parse_label(text)
        assert label.parallel
        assert label.title == "x"

    def test_labels(self) -> None:
        label = parse_label("T031 [P] [US1] [US4] Do it")
        assert label.labels == ["US1", "US4"]

    def test_a_link_is_no_flag(self) -> None:
        label = parse_label("T001 [docs](x.md) update")
        assert label.labels == []
        assert label.title == "[docs](x.md) update"

    def test_flag_without_id(self) -> None:
        label = parse_label("[Subtasks] split it")
        assert (label.labels, label.title) == (["Subtasks"], "split it")


class TestDependencies:
    """In parentheses at the end."""

    @pytest.mark.parametrize(
        ("text", "depends", "title"),
        [
            ("T003 x (depends on T001, T002)", "T001, T002", "x"),
            ("#36 - t (parallel: true, depends: #30, #35)", "#30, #35", "t"),
            ("1.1 y (depends: all)", "all", "y"),
            ("1.1 y (dependent on 1.0) z", "1.0", "y  z"),
        ],
    )
    def test_found(self, text: str, depends: str, title: str) -> None:
        label = parse_label(text)
        assert label.depends == depends
        assert label.title == title

    def test_parallel_beside_it(self) -> None:
        assert parse_label("#1 x (parallel: true, depends: #2)").parallel

    def test_other_parentheses_stay(self) -> None:
        label = parse_label("1.1 use x (not y)")
        assert label.depends is None
        assert label.title == "use x (not y)"


class TestTitles:
    """What is not the title goes."""

    @pytest.mark.parametrize(
        ("text", "title"),
        [
            ("**bold** and __strong__", "bold and strong"),
            ("done thing [93760ce]", "done thing"),
            ("done thing 93760ce", "done thing"),
            ("done thing (`93760ce`)", "done thing"),
            ("word defaced", "word defaced"),
            ("Task x (AC: 1, 2)", "Task x (AC: 1, 2)"[:6]),
            ("**Step 1: Write**", "Step 1: Write"),
            ("use `a_b_c` and x__y", "use `a_b_c` and x__y"),
            ("a ~~b~~ c", "a b c"),
            (": colon first", "colon first"),
        ],
    )
    def test_clean(self, text: str, title: str) -> None:
        assert clean_title(text) == title

    @pytest.mark.parametrize(
        ("text", "state", "title"),
        [
            ("✅ Task 013: x", PlanTaskState.DONE, "x"),
            ("âœ… Task 013: x", PlanTaskState.DONE, "x"),
            ("Fix the bug ✅", PlanTaskState.DONE, "Fix the bug"),
            ("☑️ done", PlanTaskState.DONE, "done"),
            ("🔄 doing", PlanTaskState.IN_PROGRESS, "doing"),
            ("🚫 stuck", PlanTaskState.BLOCKED, "stuck"),
            ("⬜ open", PlanTaskState.TODO, "open"),
        ],
    )
    def test_ticks(self, text: str, state: PlanTaskState, title: str) -> None:
        label = parse_label(text)
        assert (label.tick, label.title) == (state, title)

    def test_a_tick_inside_a_title_is_a_word(self) -> None:
        label = parse_label("Show ✅ in the list of all the states")
        assert label.tick is None

    @pytest.mark.parametrize("text", ["~~1.1 gone~~", "1.1 ~~gone~~"])
    def test_struck(self, text: str) -> None:
        label = parse_label(text)
        assert label.struck
        assert (label.id, label.title) == ("1.1", "gone")

    def test_raw_text_is_kept(self) -> None:
        assert parse_label("**T001** x").raw == "**T001** x"


class TestWords:
    """Step, Subtask and Task:."""

    @pytest.mark.parametrize(
        "text", ["Step 1: x", "**Step 2:** y", "Subtask 1.1: z", "ステップ 1: a"]
    )
    def test_step(self, text: str) -> None:
        label = parse_label(text)
        assert label.step
        assert label.id == ""

    @pytest.mark.parametrize("text", ["Step Functions evaluation", "Stepwise refinement", "Steps"])
    def test_no_step(self, text: str) -> None:
        assert not parse_label(text).step

    def test_task_without_id(self) -> None:
        label = parse_label("Task: Write tests")
        assert label.task
        assert (label.id, label.title) == ("", "Write tests")


class TestMeta:
    """The `{...}` at the end."""

    def test_known(self) -> None:
        label = parse_label("1.1 x {agent: codex, labels: [a, b]}")
        assert label.meta == {"agent": "codex", "labels": ["a", "b"]}
        assert label.title == "x"

    def test_id_and_title_word_for_word(self) -> None:
        label = parse_label('anything {id: "a b", title: "1.1 [P] ~~t~~ ✅"}')
        assert (label.id, label.style) == ("a b", IdStyle.GIVEN)
        assert label.title == "1.1 [P] ~~t~~ ✅"

    def test_text_in_braces_is_no_meta(self) -> None:
        label = parse_label("use f{x}")
        assert label.meta is None
        assert label.title == "use f{x}"

    def test_broken_braces(self) -> None:
        assert parse_label("x {a b}").bad_meta == "{a b}"


@given(st.text(max_size=120))
def test_any_text_gives_a_label(text: str) -> None:
    label = parse_label(text)
    assert label.raw == text
    assert label.id == label.id.strip()


@given(st.from_regex(r"\A[1-9][0-9]?\.[1-9][0-9]?\Z"), st.from_regex(r"\A[a-z][a-z ]{0,20}[a-z]\Z"))
def test_a_plain_id_and_title_come_back(task_id: str, title: str) -> None:
    label = parse_label(f"{task_id} {title}")
    assert (label.id, label.title) == (task_id, title)


def test_normal_ids() -> None:
    assert normal_id("#12") == normal_id("12")
    assert normal_id("1.0") == normal_id("1.")
    assert normal_id("T001") == "t001"
    assert normal_id("1.10") != normal_id("1.1")


def test_families() -> None:
    assert family("AB-12") == family("AB-3b")
    assert family("AB-12") != family("AC-12")
