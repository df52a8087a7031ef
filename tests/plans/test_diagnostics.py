"""Messages: code, place, what to do."""

from collections.abc import Callable

import pytest

from cc4tui.domain.plan import Diagnostic, Plan, Severity
from cc4tui.services.plans.reading import read_plan


Read = Callable[..., Plan]


def only(plan: Plan, code: str) -> Diagnostic:
    found = [diagnostic for diagnostic in plan.diagnostics if diagnostic.code == code]
    assert len(found) == 1, [d.render("plan.md") for d in plan.diagnostics]
    return found[0]


def test_rendered_form(read: Read) -> None:
    plan = read("- [ ] T001 a\n  - Depends on: T099\n- [ ] T002 b\n- [ ] T009 c\n")
    text = only(plan, "E04").render("plan.md")
    assert text.startswith('plan.md:1:1 E04 task T001 depends on "T099", which is not here; ')
    assert "T009" in text


def test_e01_says_the_byte(read: Read) -> None:
    plan = read_plan(b"- [ ] 1.1 a\n- [ ] 1.2 \xff\n", "x.md")
    found = only(plan, "E01")
    assert (found.line, found.severity) == (2, Severity.ERROR)
    assert "byte 22" in found.message
    assert len(list(plan.tasks())) == 2


def test_e01_of_utf16() -> None:
    assert read_plan("- [ ] a\n".encode("utf-16"), "x.md").errors[0].code == "E01"


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("", "0 boxes with text"),
        ("# Title\n\nwords\n", "1 headings"),
        ("## Stage 1\n" + "- bullet\n" * 12, '12 plain bullets under "Stage 1"'),
    ],
)
def test_e02_says_what_was_seen(read: Read, text: str, seen: str) -> None:
    assert seen in only(read(text), "E02").message


def test_e03(read: Read) -> None:
    assert only(read("- [ ] T001\n- [ ] T002 b\n- [ ] T003 c\n"), "E03").line == 1


def test_e04_of_a_batch(read: Read) -> None:
    plan = read("## Batch 1: A {depends_on: [Batch 7]}\n- [ ] 1.1 a\n")
    assert '"Batch 7"' in only(plan, "E04").message


def test_e05_names_both_lines(read: Read) -> None:
    found = only(read("- [ ] 1.1 a\n- [ ] 1.2 b\n- [ ] 1.2 c\n"), "E05")
    assert "lines 2 and 3" in found.message
    assert found.line == 3


def test_e06_shows_the_circle_with_its_lines(read: Read) -> None:
    plan = read(
        "### Task 1.1: a\n**Depends on:** 1.3\n### Task 1.2: b\n"
        "### Task 1.3: c\n**Depends on:** 1.1\n"
    )
    found = only(plan, "E06")
    assert "1.1 -> 1.3 -> 1.1" in found.message
    assert "lines 1, 4" in found.message


def test_e06_of_itself(read: Read) -> None:
    plan = read("### Task 1: a\n**Depends on:** 1\n### Task 2: b\n")
    assert "1 -> 1" in only(plan, "E06").message


def test_e06_of_batches(read: Read) -> None:
    plan = read(
        "## Batch 1: A {depends_on: [Batch 2]}\n### Task 1.1: a\n"
        "## Batch 2: B {depends_on: [Batch 1]}\n### Task 2.1: b\n"
    )
    assert "1.1 -> 2.1 -> 1.1" in only(plan, "E06").message


def test_e07_only_in_our_own_format(read: Read) -> None:
    own = read("---\ncc4: 1\n---\n- [ ] 1.1 a {agnet: codex}\n")
    assert only(own, "E07").hint == "did you mean agent"
    foreign = read("- [ ] 1.1 a {agnet: codex}\n- [ ] 1.2 b\n")
    assert foreign.diagnostics == ()
    assert next(foreign.tasks()).title == "a {agnet: codex}"


def test_e07_of_the_front_matter(read: Read) -> None:
    assert "modle" in only(read("---\ncc4: 1\nmodle: x\n---\n- [ ] a\n"), "E07").message


def test_w02_of_a_key_that_means_nothing(read: Read) -> None:
    plan = read("---\ncc4: 1\nzzz: x\n---\n- [ ] a\n")
    assert only(plan, "W02").severity is Severity.WARNING


def test_e07_of_a_batch(read: Read) -> None:
    plan = read("---\ncc4: 1\n---\n## Batch 1: A {paralel: true}\n- [ ] a\n")
    assert only(plan, "E07").hint == "did you mean parallel"


def test_e08(read: Read) -> None:
    plan = read("### Task 1: a\n**Files:** `../secret.py`, `/etc/passwd`, `ok.py`\n")
    assert [d.code for d in plan.errors] == ["E08", "E08"]
    assert '"../secret.py"' in plan.errors[0].message


@pytest.mark.parametrize(
    "meta",
    ["{priority: soon}", "{timeout: fast}", "{retries: -1}", "{mode: space}", "{parallel: maybe}",
     "{budget: much}", "{agent: two words}", "{depends_on: {a: b}}"],
)  # fmt: skip
def test_e09_says_what_is_allowed(read: Read, meta: str) -> None:
    found = only(read(f"---\ncc4: 1\n---\n- [ ] 1.1 a {meta}\n"), "E09")
    assert "bad value" in found.message
    assert found.hint


def test_e09_of_braces_that_are_no_mapping(read: Read) -> None:
    assert "not a mapping" in only(read("---\ncc4: 1\n---\n- [ ] 1.1 a {x y}\n"), "E09").message


def test_e09_of_a_field(read: Read) -> None:
    found = only(read("---\ncc4: 1\n---\n- [ ] 1.1 a\n  - Timeout: soon\n"), "E09")
    assert (found.line, found.col) == (5, 3)


def test_e09_of_another_version(read: Read) -> None:
    assert "version 1" in only(read("---\ncc4: 2\n---\n- [ ] a\n"), "E09").hint


def test_columns_count_characters(read: Read) -> None:
    plan = read("- [ ] äöü\n  - [ ] 1.1 a\n  - [+] 1.2 b\n")
    assert (only(plan, "W03").line, only(plan, "W03").col) == (3, 6)


def test_w05_of_a_plan_with_offers_only(read: Read) -> None:
    plan = read("# X\n\n| # | Thing | Note |\n|---|---|---|\n| 1 | a | x |\n| 2 | b | y |\n")
    assert only(plan, "W05").severity is Severity.WARNING
    assert plan.errors == ()


@pytest.mark.parametrize("heading", ["### Story 1.2 foo", "### Epic 3: bar", "### Task 7 baz"])
def test_w11_of_a_heading_that_was_not_read(read: Read, heading: str) -> None:
    plan = read(f"- [ ] T001 a\n- [ ] T002 b\n- [ ] T003 c\n\n{heading}\n\n- [ ] T004 d\n")
    assert len(list(plan.tasks())) == 4
    plan = read(f"{heading}\n\n## Other\n- [ ] 1.1 a\n- [ ] 1.2 b\n")
    assert all(d.code == "W11" for d in plan.diagnostics)


def test_w14_once(read: Read) -> None:
    plan = read("- [ ] 1.1 a â†’ b\n- [ ] 1.2 c â†’ d\n")
    assert only(plan, "W14").line == 1


def test_text_of_the_plan_is_quoted_and_cut(read: Read) -> None:
    evil = "so\x1b]0;evil\x07on" + "x" * 200
    plan = read(f'---\ncc4: 1\n---\n- [ ] 1.1 a {{priority: "{evil}"}}\n')
    message = plan.errors[0].message
    assert "\x1b" not in message
    assert len(message) < 140


def test_one_cause_is_not_told_a_thousand_times(read: Read) -> None:
    plan = read("- [ ] 1.1 a\n" + "- [ ] 1.1 b\n" * 2_000)
    assert len(plan.diagnostics) < 600
    assert "1499 more of" in only(plan, "W15").message


def test_in_the_order_of_the_file(read: Read) -> None:
    plan = read("- [+] 1.1 a\n- [+] 1.2 b\n- [ ] 1.2 c\n- [] d\n")
    lines = [diagnostic.line for diagnostic in plan.diagnostics]
    assert lines == sorted(lines)


@pytest.mark.parametrize("name", ["Verify", "Run", "Files", "Depends on"])
def test_w16_of_a_field_without_its_bullet(read: Read, name: str) -> None:
    text = f"---\ncc4: 1\n---\n## Batch 1: A\n- [ ] 1.1 a\n  {name}: pytest -q\n"
    found = only(read(text), "W16")
    assert (found.line, found.col) == (6, 3)
    assert f"- {name}: ..." in found.hint


@pytest.mark.parametrize(
    "line", ["- Verify: pytest -q", "**Verify:** pytest -q", "Goal: run it", "    Verify: in code"]
)
def test_w16_only_of_what_is_lost(read: Read, line: str) -> None:
    text = f"---\ncc4: 1\n---\n## Batch 1: A\n- [ ] 1.1 a\n\n  {line}\n"
    assert "W16" not in {d.code for d in read(text).diagnostics}


def test_w16_not_in_the_plans_of_others(read: Read) -> None:
    assert "W16" not in {d.code for d in read("- [ ] T001 a\n  Verify: see above\n").diagnostics}
