"""Any bytes give a plan or a clear error; never a traceback, never long."""

import gc
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cc4tui.domain.plan import Plan
from cc4tui.errors import UsageError
from cc4tui.services.plans import reading
from cc4tui.services.plans.formatting import to_cc4
from cc4tui.services.plans.graph import render
from cc4tui.services.plans.readers.registry import DIALECTS
from cc4tui.services.plans.reading import MAX_BYTES, read_plan
from cc4tui.services.plans.report import plan_to_json


Read = Callable[..., Plan]

FUZZED = int(os.environ.get("CC4_FUZZED_PLANS", "3000"))
"""Plans made of fragments; more with CC4_FUZZED_PLANS."""

FRAGMENTS = [
    "- [ ] ", "- [x] ", "* [X] ", "1. ", "- ", "# ", "## ", "## Phase 1: ", "### Task 1.1: ", "  ",
    "\n", "\n", "\n\n", "\t", "```", "~~~", "<!--", "-->", "|", "|--|--|", "> ", "[P]", "(P)", "{",
    "}", "{agent: x}", "a: b", "**Files:** ", "**Depends on:** ", "T001 ", "T002 ", "1.1 ", "1.2 ",
    "(depends on ", ")", "Batch 2", "---\n", "---\ncc4: 1\n---\n", "é", "✅", "âœ…", "\x00", "\r\n",
    "\r", "`a.py:10-2`", "../x", "**", "~~", "Acceptance:", "Run: `x`", "Step 1: ", "Task: ",
    '{"tasks": [', '{"id": 1, "title": "x"}', "]}", "<task>", "<name>x</name>", "</task>", "\ufeff",
    "id: x\ntitle: y\nstatus: z\n", "\u2028", "Notes", "## Tasks / Subtasks\n", "all", "none",
]  # fmt: skip


def exercise(data: bytes, path: str = "plan.md", dialect: str | None = None) -> Plan:
    """Read and show a plan in every way."""
    plan = read_plan(data, path, dialect=dialect)
    shown = plan_to_json(plan)
    assert shown["counts"]["tasks"] == len(list(plan.tasks()))
    for task in plan.tasks():
        assert 1 <= task.line <= task.end_line
        assert task.id
        if task.mark_offset is not None:
            assert data[task.mark_offset - 1 : task.mark_offset] == b"["
    for diagnostic in plan.diagnostics:
        assert diagnostic.line >= 1
        assert diagnostic.col >= 1
        assert diagnostic.message
        assert diagnostic.render("x").isprintable()
    return plan


@pytest.mark.timeout(60 + FUZZED // 50)
def test_fuzzed_plans() -> None:
    for seed in range(FUZZED):
        chance = random.Random(seed)
        text = "".join(chance.choice(FRAGMENTS) for _ in range(chance.randint(1, 50)))
        data = text.encode()
        if seed % 5 == 0:
            data = bytes(byte if chance.random() > 0.03 else chance.randrange(256) for byte in data)
        plan = exercise(data)
        if seed % 20 == 0:
            render(plan, "text")
            if next(plan.tasks(), None) is not None:
                to_cc4(plan)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    exercise(data)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from(FRAGMENTS), max_size=30),
    st.sampled_from(DIALECTS),
    st.sampled_from(["auto", "leaf", "group"]),
    st.booleans(),
)
def test_any_text_in_any_dialect(
    parts: list[str], dialect: str, granularity: str, accept: bool
) -> None:
    data = "".join(parts).encode()
    plan = read_plan(data, "x.md", dialect=dialect, granularity=granularity, accept_offers=accept)
    assert plan.dialect == dialect
    plan_to_json(plan)


def hostile(name: str) -> bytes:
    """About 5 MiB of one thing."""
    filled = {
        "one line": "- [ ] ",
        "boxes": "- [ ] 1.1 a b c d e f g h i\n",
        "plain boxes": "- [ ] Task with some words\n",
        "quotes": "> ",
        "dashes": "- ",
        "brackets": "[",
        "braces": "{",
        "backticks": "`",
        "colons": ":",
        "pipes": "|a",
        "stars": "**",
        "angles": "<a b c ",
        "carriage returns": "\r",
        "headings": "### Task 1.1: foo bar baz qux\n",
        "dependencies": "- [ ] T001 a (depends on T002, T003, T004, T005)\n",
        "families": "- [ ] AB-1 foo bar baz qux quux\n",
        "json": '{"a":',
        "json lists": "[",
        "rows": "| 1.1 | title of this row here | `a.py` |\n",
        "code": "    - [ ] foo bar baz qux quux\n",
        "comments": "<!-- ",
        "shas": "abcdef1 ",
    }
    if name in filled:
        text = filled[name]
        return (text * (MAX_BYTES // len(text) + 1))[: MAX_BYTES - 1].encode()
    if name == "unknown dependencies":
        rows = (f"- [ ] 1.{n} a {{depends_on: [9.{n}, 8.{n}]}}\n" for n in range(20_000))
        return ("---\ncc4: 1\n---\n" + "".join(rows)).encode()
    if name == "one file":
        rows = (f"- [ ] 1.{n} a `a.py` `b.py`\n" for n in range(20_000))
        return ("---\ncc4: 1\n---\n" + "".join(rows)).encode()
    if name == "front matter":
        return ("---\na: " + "[" * 1_000_000 + "\n---\n- [ ] a\n").encode()
    assert name == "invalid"
    return b"\xff\xfe" * (MAX_BYTES // 2 - 1)


@pytest.mark.parametrize(
    "name",
    [
        "one line", "boxes", "plain boxes", "quotes", "dashes", "brackets", "braces", "backticks",
        "colons", "pipes", "stars", "angles", "carriage returns", "headings", "dependencies",
        "families", "json", "json lists", "rows", "code", "comments", "shas",
        "unknown dependencies", "one file", "front matter", "invalid",
    ],
)  # fmt: skip
def test_five_mebibytes_of_anything(name: str) -> None:
    data = hostile(name)
    began = time.process_time()
    plan = read_plan(data, "x.md")
    seconds = time.process_time() - began
    assert len(plan.diagnostics) < 2_000
    assert seconds < 4, f"{name}: {seconds:.1f} s of CPU; the goal is 2 on a quiet machine"


def test_the_collector_runs_again_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    data = b"- [ ] 1.1 a\n" * 20_000
    read_plan(data, "x.md")
    assert gc.isenabled()

    def boom(*_: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr(reading, "assemble", boom)
    with pytest.raises(RuntimeError, match="boom"):
        read_plan(data, "x.md")
    assert gc.isenabled()


class TestHead:
    """Title, goal, path, hash."""

    def test_title(self, read: Read) -> None:
        assert read("# One\n- [ ] a\n").title == "One"
        assert read("---\ntitle: Two\n---\n# One\n- [ ] a\n").title == "Two"
        assert read("- [ ] a\n", path="docs/three.md").title == "three"
        assert read("## Sub\n- [ ] a\n", path="four.md").title == "four"

    def test_goal(self, read: Read) -> None:
        assert (
            read("# T\n\n**Goal:** win\n\n## Phase 1: A\n**Goal:** part\n- [ ] a\n").goal == "win"
        )

    def test_hash_and_path(self) -> None:
        plan = read_plan(b"- [ ] a\n", "some/where.md")
        assert plan.path == "some/where.md"
        assert plan.sha256 != read_plan(b"- [ ] a", "x.md").sha256

    def test_explain_names_what_it_was_not(self, read: Read) -> None:
        why = read("- [ ] a\n").why
        assert why[0] == "boxes: 1 boxes"
        assert "speckit" in why[1]


@pytest.mark.parametrize("words", [("--dialect", "spekit"), ("--granularity", "fine")])
def test_wrong_calls_raise_and_name_the_choice(words: tuple[str, str]) -> None:
    name = words[0].removeprefix("--")
    with pytest.raises(UsageError, match=name):
        read_plan(b"", "x.md", **{name: words[1]})  # type: ignore[arg-type]


def test_reading_a_plan_imports_nothing_dear() -> None:
    script = (
        "import sys\n"
        "from cc4tui.services.plans.reading import read_plan\n"
        "read_plan(b'# A\\n- [ ] 1.1 a\\n', 'plan.md')\n"
        "dear = {'pydantic', 'ruamel', 'textual', 'rich', 'sqlalchemy', 'markdown_it', 'asyncio'}\n"
        "print(sorted(dear & {name.partition('.')[0] for name in sys.modules}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
