"""Small parsers: `{...}`, values, front matter, references, paths, marks."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cc4tui.domain.plan import FileOp, FileRef, PlanTaskState
from cc4tui.services.plans import values
from cc4tui.services.plans.frontmatter import read_front_matter
from cc4tui.services.plans.marks import says_done, status_of_section, status_of_word, strip_done
from cc4tui.services.plans.meta import MetaError, parse_meta, split_meta
from cc4tui.services.plans.paths import (
    field_files,
    leaves_repository,
    op_of,
    parse_file,
    title_files,
)
from cc4tui.services.plans.references import read_references
from cc4tui.services.plans.text import nearest, quote, slug, squeeze


S = PlanTaskState


class TestMeta:
    """YAML flow mappings, the part that people write."""

    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("{a: b}", {"a": "b"}),
            ("{}", {}),
            ("{ a : b , c: d }", {"a": "b", "c": "d"}),
            ("{a: [x, 'y z', \"w\"]}", {"a": ["x", "y z", "w"]}),
            ("{a: {b: 1, c: 2}}", {"a": {"b": "1", "c": "2"}}),
            ("{run: echo a b}", {"run": "echo a b"}),
            ("{run: [echo 1, \"echo 2, 3\"]}", {"run": ["echo 1", "echo 2, 3"]}),
            ("{verify: pytest tests/a.py::test_b}", {"verify": "pytest tests/a.py::test_b"}),
            ("{t: \"a\\nb\\\"c\\\\\"}", {"t": 'a\nb"c\\'}),
            ("{t: 'it''s'}", {"t": "it's"}),
            ("{a: []}", {"a": []}),
            ("{n: 1.10}", {"n": "1.10"}),
        ],
    )  # fmt: skip
    def test_values(self, text: str, value: dict[str, Any]) -> None:
        assert parse_meta(text) == value

    @pytest.mark.parametrize(
        "text", ["{a}", "{a: }", "{: b}", "{a: b", "{a: b} x", "{a b c}", "{[}"]
    )
    def test_no_mapping(self, text: str) -> None:
        with pytest.raises(MetaError):
            parse_meta(text)

    def test_depth_is_limited(self) -> None:
        with pytest.raises(MetaError):
            parse_meta("{a: " + "[" * 50 + "]" * 50 + "}")

    def test_split(self) -> None:
        assert split_meta("title {a: {b: c}}") == ("title", "{a: {b: c}}")
        assert split_meta("f{a}") == ("f{a}", None)
        assert split_meta("no braces") == ("no braces", None)
        assert split_meta("} {") == ("} {", None)

    @given(st.text(max_size=60))
    def test_any_text(self, text: str) -> None:
        try:
            assert isinstance(parse_meta("{" + text + "}"), dict)
        except MetaError:
            return

    @given(
        st.dictionaries(
            st.from_regex(r"\A[a-z]{1,8}\Z"),
            st.text(alphabet=st.characters(exclude_categories=["C"])),
        )
    )
    def test_quoted_text_comes_back(self, pairs: dict[str, str]) -> None:
        escaped = {k: v.replace("\\", "\\\\").replace('"', '\\"') for k, v in pairs.items()}
        inner = ", ".join(f'{key}: "{value}"' for key, value in escaped.items())
        assert parse_meta("{" + inner + "}") == pairs


class TestValues:
    """Values of keys and fields."""

    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("P0", "P0"), ("p2", "P2"), ("1", "P1"), ("high", "P1"), ("Medium", "P2"),
            ("low", "P3"), ("critical", "P0"), ("**P1** (soon)", "P1"), ("P4", "P4"),
        ],
    )  # fmt: skip
    def test_priority(self, text: str, value: str) -> None:
        assert values.priority(text) == value

    @pytest.mark.parametrize(
        ("text", "value"),
        [("90", 90), ("90s", 90), ("10m", 600), ("1.5h", 5400), ("2 hours", 7200), ("1d", 86400)],
    )
    def test_duration(self, text: str, value: float) -> None:
        assert values.duration(text) == value

    @pytest.mark.parametrize(
        ("given_", "value"),
        [
            ("50k", {"tokens": 50_000}), ("1.5M", {"tokens": 1_500_000}), ("300", {"tokens": 300}),
            ("$2", {"usd": 2}), ("2.5 usd", {"usd": 2.5}),
            ({"tokens": "200k", "usd": "5"}, {"tokens": 200_000, "usd": 5}),
        ],
    )  # fmt: skip
    def test_budget(self, given_: Any, value: dict[str, float]) -> None:
        assert values.budget(given_) == value

    def test_boolean(self) -> None:
        assert values.boolean("yes")
        assert not values.boolean("False")

    def test_lists(self) -> None:
        assert values.strings("a, b,c") == ["a", "b", "c"]
        assert values.strings(["x", " ", "y z"]) == ["x", "y z"]
        assert values.commands("echo a, b") == ["echo a, b"]
        assert values.commands(["a", "b"]) == ["a", "b"]

    @pytest.mark.parametrize(
        ("reader", "bad"),
        [
            (values.priority, "soon"), (values.priority, "P9"), (values.duration, "fast"),
            (values.duration, "0"), (values.budget, "much"), (values.budget, {"euro": 1}),
            (values.budget, {}), (values.boolean, "maybe"), (values.whole, "-1"),
            (values.whole, "x"), (values.name, "two words"), (values.name, ""),
            (values.one_line, ["a"]), (values.strings, {"a": 1}), (values.commands, {"a": 1}),
            (values.names, "a b/c"), (values.SINGLE["mode"], "space"),
            (values.SINGLE["effort"], "2 days"),
        ],
    )  # fmt: skip
    def test_bad_values_say_what_is_allowed(self, reader: Callable[[Any], Any], bad: Any) -> None:
        with pytest.raises(ValueError, match=r"\w{3}"):
            reader(bad)

    @given(st.sampled_from(sorted(values.SINGLE)), st.text(max_size=30))
    def test_any_text(self, key: str, text: str) -> None:
        with suppress(ValueError):
            assert values.SINGLE[key](text) not in (None, "", ())


class TestFrontMatter:
    """YAML between two lines of dashes."""

    def test_scalars_stay_text(self) -> None:
        matter = read_front_matter(
            ["---", "cc4: 1", "id: 1.10", "off: no", "x: null", "---", "# T"]
        )
        assert matter.values == {"cc4": "1", "id": "1.10", "off": "no", "x": ""}
        assert matter.lines == 6

    def test_lists_and_mappings(self) -> None:
        lines = ["---", "a: [1, two]", "b: {tokens: 200k}", "c:", "  - x", "---"]
        assert read_front_matter(lines).values == {
            "a": ["1", "two"], "b": {"tokens": "200k"}, "c": ["x"],
        }  # fmt: skip

    def test_places(self) -> None:
        lines = ["---", "title: x", "status: 'To Do'  # c", "---"]
        matter = read_front_matter(lines)
        start, end = matter.places["status"]
        assert "\n".join(lines)[start:end] == "'To Do'"

    @pytest.mark.parametrize(
        "text", ["# T\n---\na: b\n---", "---\nno end", "---\n\n# Title\n---", "", "--- \n---"]
    )
    def test_none(self, text: str) -> None:
        assert read_front_matter(text.split("\n")).lines == 0

    def test_invalid_yaml_is_told_with_its_line(self) -> None:
        matter = read_front_matter(["---", "a: b", 'key: "vector\\.search"', "---"])
        assert matter.lines == 4
        assert matter.values == {}
        assert matter.error.startswith("not valid YAML")
        assert matter.error_line == 2

    def test_not_a_mapping(self) -> None:
        assert "mapping" in read_front_matter(["---", "'a: b'", "---"]).error

    def test_a_bomb_is_refused(self) -> None:
        lines = ["---", "a: " + "[" * 100_000, "---"]
        assert "too large" in read_front_matter(lines).error

    def test_aliases_do_not_multiply(self) -> None:
        lines = ["---", "a: &a [x, x]", *(f"{c}: &{c} [*a, *a]" for c in "bcdefgh"), "---"]
        assert read_front_matter(lines).error == ""

    @given(st.lists(st.text(alphabet="abc:-[]{}&*!|>'\"%#, \t", max_size=20), max_size=6))
    def test_any_lines(self, lines: list[str]) -> None:
        matter = read_front_matter(["---", *lines, "---"])
        assert matter.lines in (0, *range(2, len(lines) + 3))


class TestReferences:
    """Dependencies come from ids and names only (R7)."""

    @pytest.mark.parametrize(
        ("text", "refs"),
        [
            ("1.1", ["1.1"]),
            ("0.2, Batch 0", ["0.2", "Batch 0"]),
            ("T012, T013", ["T012", "T013"]),
            ("T012 and T013", ["T012", "T013"]),
            ("Task 1.1 (config)", ["1.1"]),
            ("Tasks 1, 2 and 3", ["1", "2", "3"]),
            ("Phase 1 complete", ["Phase 1"]),
            ("Phase 1, 2", ["Phase 1", "Phase 2"]),
            ("Phases 1 and 2", ["Phase 1", "Phase 2"]),
            ("Batch 1, Batch 2", ["Batch 1", "Batch 2"]),
            ("#30, #35", ["#30", "#35"]),
            ("`1.1`, **1.2**", ["1.1", "1.2"]),
            ("T001-T004", ["T001..T004"]),
            ("1.1 to 1.3", ["1.1..1.3"]),
            ("AUTH-1, AUTH-2", ["AUTH-1", "AUTH-2"]),
            ("p4-1", ["p4-1"]),
            ("all", ["all"]),
            ("All previous tasks", ["all"]),
        ],
    )
    def test_strict(self, text: str, refs: list[str]) -> None:
        found, strict, none = read_references(text)
        assert (found, strict, none) == (refs, True, False)

    @pytest.mark.parametrize(
        "text", ["None", "none (first task)", "nothing", "N/A", "-", "—", "", "None.", "无", "なし"]
    )
    def test_none(self, text: str) -> None:
        assert read_references(text) == ([], True, True)

    @pytest.mark.parametrize(
        "text",
        [
            "parallel-safe with WP01",
            "not 1.2",
            "no dependency on T003",
            "independent of 1.4",
            "can run parallel to T001, T002",
        ],
    )
    def test_ignored_words(self, text: str) -> None:
        assert not set(read_references(text)[0]) & {"WP01", "1.2", "T003", "1.4", "T001"}

    @pytest.mark.parametrize(
        "text", ["Python 3.11 installed", "Node 18 or newer", "the API of 2.0"]
    )
    def test_prose_is_not_strict(self, text: str) -> None:
        assert read_references(text)[1] is False

    @given(st.text(max_size=200))
    def test_any_text(self, text: str) -> None:
        refs, _, none = read_references(text)
        assert not (refs and none)


class TestPaths:
    """Files of fields, cells and titles (R14)."""

    @pytest.mark.parametrize(
        ("text", "files"),
        [
            ("`a.py`, `b/c.ts`", [FileRef("a.py"), FileRef("b/c.ts")]),
            ("`a.py` (create), `b.py:10-40` (modify)",
             [FileRef("a.py", FileOp.CREATE), FileRef("b.py", FileOp.MODIFY, "10-40")]),
            ("Create: `x/y.py`", [FileRef("x/y.py", FileOp.CREATE)]),
            ("Modify: `x.py:123-145`", [FileRef("x.py", FileOp.MODIFY, "123-145")]),
            ("Test: `tests/t.py`", [FileRef("tests/t.py", FileOp.TEST)]),
            ("`w.py:27-54, 191-207` - more", [FileRef("w.py", None, "27-54, 191-207")]),
            ("`agents/primitives/`", [FileRef("agents/primitives/")]),
            ("`src/**/*.py`", [FileRef("src/**/*.py")]),
            ("`.env`", [FileRef(".env")]),
            ("Create: backend/app/x.py", [FileRef("backend/app/x.py", FileOp.CREATE)]),
            ("src/a.py, src/b.py:3", [FileRef("src/a.py"), FileRef("src/b.py", None, "3")]),
            ("`SELECT 1`, `word`", []),
            ("nothing here", []),
        ],
    )  # fmt: skip
    def test_field(self, text: str, files: list[FileRef]) -> None:
        assert field_files(text) == files

    @pytest.mark.parametrize(
        ("title", "paths"),
        [
            ("Add `src/a.py` and `b.ts:3-4`", ["src/a.py", "b.ts"]),
            ("Call `/api/v1/x` with `GET /y`", []),
            ("Install `@scope/pkg` by `--flag`", []),
            ("src/a.py without ticks", []),
            ("Use `http://x.org/a.py`", []),
        ],
    )
    def test_title(self, title: str, paths: list[str]) -> None:
        assert [file.path for file in title_files(title)] == paths

    def test_one_path_of_a_key(self) -> None:
        assert parse_file("a b.py:1-2 (create)") == FileRef("a b.py", FileOp.CREATE, "1-2")
        assert parse_file("Makefile") == FileRef("Makefile")

    @pytest.mark.parametrize(
        ("path", "leaves"),
        [
            ("/etc/passwd", True), ("~/x", True), ("../x", True), ("a/../../x", True),
            ("C:\\x", True), ("a/../b", False), ("./a", False), ("a/b", False),
        ],
    )  # fmt: skip
    def test_outside(self, path: str, leaves: bool) -> None:
        assert leaves_repository(path) is leaves

    def test_ops_by_field_name(self) -> None:
        assert op_of("Files to create") is FileOp.CREATE
        assert op_of("Files Modified") is FileOp.MODIFY
        assert op_of("Files") is None

    @given(st.text(max_size=200))
    def test_any_text(self, text: str) -> None:
        for file in [*field_files(text), *title_files(text)]:
            assert file.path


class TestMarks:
    """Words and signs of status."""

    @pytest.mark.parametrize(
        ("text", "state"),
        [
            ("Done", S.DONE), ("**COMPLETE**", S.DONE), ("✅ PASS", S.DONE), ("closed", S.DONE),
            ("In Progress", S.IN_PROGRESS), ("in_progress", S.IN_PROGRESS), ("WIP", S.IN_PROGRESS),
            ("Blocked", S.BLOCKED), ("To Do", S.TODO), ("pending", S.TODO), ("🚧", S.IN_PROGRESS),
            ("cancelled", S.CANCELLED), ("tombstone", S.CANCELLED), ("Done (2026-01-01)", S.DONE),
            ("completed: yesterday", S.DONE), ("⬜ open", S.TODO), ("purple", None), ("", None),
        ],
    )  # fmt: skip
    def test_status_words(self, text: str, state: PlanTaskState | None) -> None:
        assert status_of_word(text) is state

    @pytest.mark.parametrize(
        ("title", "state"),
        [
            ("Completed", S.DONE), ("✅ Completed", S.DONE), ("In Progress 🚧", S.IN_PROGRESS),
            ("Completed (5)", S.DONE), ("Pending", S.TODO), ("Blocked", S.BLOCKED),
            ("Completed work of phase 2", None), ("Setup", None),
        ],
    )  # fmt: skip
    def test_sections(self, title: str, state: PlanTaskState | None) -> None:
        assert status_of_section(title) is state

    @pytest.mark.parametrize(
        "heading",
        [
            "Phase 1: X (COMPLETE)", "Phase 1: X ✅", "✅ Phase 1", "Phase 0: X [COMPLETED]",
            "Phase 1: X - Done", "Phase 1: X — COMPLETE", "Phase 1 X (Completed 2026-01-13)",
            "Phase 1: X (100% complete)", "Phase 1 DONE", "Phase 1 âœ…",
        ],
    )  # fmt: skip
    def test_done_headings(self, heading: str) -> None:
        assert says_done(heading)

    @pytest.mark.parametrize(
        "heading",
        [
            "Phase 1: Complete the API", "Phase 1 (in progress)", "Getting things done",
            "Phase 2: X (complete rewrite)", "Phase 3 NOT DONE", "Definition of done",
        ],
    )  # fmt: skip
    def test_open_headings(self, heading: str) -> None:
        assert not says_done(heading)

    def test_stripped(self) -> None:
        assert strip_done("Integration (COMPLETE)") == "Integration"
        assert strip_done("Integration ✅") == "Integration"


class TestText:
    """Helpers."""

    def test_quote(self) -> None:
        assert quote("a b") == '"a b"'
        assert quote("a\x1b[31m") == "'a\\x1b[31m'"
        assert len(quote("x" * 500)) <= 62

    def test_slug(self) -> None:
        assert slug("Core Infrastructure!") == "core-infrastructure"
        assert slug("!!!") == "batch"

    def test_squeeze(self) -> None:
        assert squeeze("  A\t b ") == "a b"

    def test_nearest(self) -> None:
        assert nearest("agnet", ["model", "agent"]) == "agent"
        assert nearest("xyz", ["agent"]) is None
