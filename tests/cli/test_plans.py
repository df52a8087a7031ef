"""`cc4tui plan check` and `plan list`: the contract's JSON, positions, and exit codes."""

import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


PLAN = """---
cc4: 1
title: Pipeline
---
# Pipeline
## Batch 1: Core
**Goal:** the core
- [x] 1.1 Config validator
  - Files: `services/config.py` (create), `app.py:10-40` (modify)
  - Acceptance:
    - [ ] bad file gives exit 2
- [ ] 1.2 Endpoint
  - Depends on: 1.1
  - Verify: `pytest -q`
## Batch 2: Rest
- [ ] 2.1 Shell work
  - Run: `make all`
"""


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is no repository: `plan check` needs none."""
    folder = tmp_path / "outside"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def test_the_json_is_the_contracts(call: Callable[..., Any], outside: Path) -> None:
    (outside / "p.md").write_text(PLAN)
    answer = call("plan", "check", "p.md", "--json")
    assert (answer.code, answer.err) == (0, "")
    plan = json.loads(answer.out)
    assert (plan["path"], plan["dialect"], plan["title"]) == ("p.md", "cc4", "Pipeline")
    assert plan["counts"] == {"batches": 2, "tasks": 3, "done": 1}
    assert plan["offers"] == []
    assert plan["diagnostics"] == []
    first, second = plan["batches"]
    assert (first["id"], first["title"], first["line"], first["depends_on"]) == ("1", "Core", 6, [])
    one, two = first["tasks"]
    assert (one["state"], two["state"]) == ("done", "todo")
    assert one["files"] == [
        {"path": "services/config.py", "op": "create", "lines": None},
        {"path": "app.py", "op": "modify", "lines": "10-40"},
    ]
    assert one["acceptance"] == ["bad file gives exit 2"]
    assert (two["depends_on"], two["waits_for"], two["verify"]) == (["1.1"], ["1.1"], ["pytest -q"])
    [three] = second["tasks"]
    assert three["run"] == ["make all"]
    assert set(three["waits_for"]) == {"1.1", "1.2"}
    keys = {
        "id", "title", "state", "line", "depends_on", "waits_for", "files", "acceptance", "verify",
        "run", "steps", "optional", "parallel",
    }  # fmt: skip
    assert keys <= set(three)


def test_for_people(call: Callable[..., Any], outside: Path) -> None:
    (outside / "p.md").write_text(PLAN)
    out = call("plan", "check", "p.md").out
    assert "cc4: 3 tasks, 1 done, 2 batches" in out
    assert "  [x] 1.1 Config validator\n" in out
    assert "  [ ] 1.2 Endpoint  (after 1.1)\n" in out
    assert "because" not in out
    assert "  because " in call("plan", "check", "p.md", "--explain").out


def test_from_standard_input(
    call: Callable[..., Any], outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = io.TextIOWrapper(io.BytesIO(PLAN.encode()))
    monkeypatch.setattr("sys.stdin", stream)
    plan = json.loads(call("plan", "check", "-", "--json").out)
    assert plan["path"] == "-"
    assert plan["counts"]["tasks"] == 3


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        (b"# P\n- [ ] 1.1 a\n  - Depends on: 9.9\n", "E04", 3),
        (b"# P\n- [ ] 1.1 a\n- [ ] 1.1 b\n", "E05", 3),
        (b"# P\n- [ ] 1.1 a\n  - Depends on: 1.1\n", "E06", 2),
        (b"# P\n\nonly prose\n", "E02", 1),
        (b"# P\n- [ ] 1.1 \xff\xfe\n", "E01", 2),
    ],
)
def test_errors_are_exit_2_with_json_all_the_same(
    call: Callable[..., Any], outside: Path, text: bytes, code: str, line: int
) -> None:
    (outside / "p.md").write_bytes(text)
    answer = call("plan", "check", "p.md", "--json")
    assert (answer.code, answer.err) == (2, "")
    errors = [d for d in json.loads(answer.out)["diagnostics"] if d["severity"] == "error"]
    assert code in {d["code"] for d in errors}
    assert set(errors[0]) == {"code", "severity", "line", "col", "message", "hint"}
    assert any(d["code"] == code and d["line"] >= 1 and d["col"] >= 1 for d in errors)
    shown = call("plan", "check", "p.md")
    assert shown.code == 2
    assert f"error: p.md:{errors[0]['line']}:{errors[0]['col']} " in shown.out


def test_agents_that_are_not_configured_are_errors_with_the_nearest_name(
    call: Callable[..., Any], outside: Path
) -> None:
    text = PLAN.replace("title: Pipeline", "fallback: codx").replace(
        "1.2 Endpoint", "1.2 Endpoint {agent: claude, fallback: codex gemini}"
    )
    (outside / "plan.md").write_text(text)
    said = call("plan", "check", "plan.md", "--json")
    assert said.code == 2
    [problem] = json.loads(said.out)["diagnostics"]
    assert (problem["code"], problem["line"]) == ("E09", 1)
    assert (problem["message"], problem["hint"]) == (
        'no agent is called "codx"',
        "did you mean codex",
    )
    (outside / "plan.md").write_text(text.replace("codx", "codex"))
    said = call("plan", "check", "plan.md", "--json")
    assert said.code == 0
    assert json.loads(said.out)["batches"][0]["tasks"][1]["fallback"] == ["codex", "gemini"]


def test_offers_are_a_warning(call: Callable[..., Any], outside: Path) -> None:
    rows = "".join(f"| {n} | local | Scenario {n} |\n" for n in range(1, 5))
    (outside / "p.md").write_text(
        f"# Page\n\n## Variants\n\n| # | Mode | Scenario |\n|---|---|---|\n{rows}"
    )
    answer = call("plan", "check", "p.md", "--json")
    plan = json.loads(answer.out)
    assert answer.code == 0
    assert plan["counts"]["tasks"] == 0
    assert [(offer["kind"], offer["tasks"]) for offer in plan["offers"]] == [("table", 4)]
    assert (
        "a table of perhaps 4 tasks; run it with --accept-offers"
        in call("plan", "check", "p.md").out
    )


@pytest.mark.parametrize("name", ["nope.md", "."])
def test_an_unreadable_file_is_one_sentence(
    call: Callable[..., Any], outside: Path, name: str
) -> None:
    answer = call("plan", "check", name)
    assert (answer.code, answer.out) == (2, "")
    assert f"{name} cannot be read" in answer.err


def test_an_endless_file_is_too_big(call: Callable[..., Any], outside: Path) -> None:
    answer = call("plan", "check", "/dev/zero", "--json")
    assert answer.code == 2
    assert [d["code"] for d in json.loads(answer.out)["diagnostics"]] == ["E09"]


def test_a_pipe_is_a_file_too(program: Callable[..., Any], outside: Path) -> None:
    os.mkfifo(outside / "fifo")
    process = program("plan", "check", "fifo", "--json", cwd=outside)
    (outside / "fifo").write_text(PLAN)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")
    assert json.loads(out)["counts"]["tasks"] == 3


def test_an_unknown_dialect_names_the_known_ones(call: Callable[..., Any], outside: Path) -> None:
    (outside / "p.md").write_text(PLAN)
    answer = call("plan", "check", "p.md", "--dialect", "cc5")
    assert (answer.code, answer.out) == (2, "")
    assert "cc4" in answer.err


def test_granularity(call: Callable[..., Any], outside: Path) -> None:
    (outside / "p.md").write_text("# P\n## 1. Part\n### 0.1 Group\n- [ ] a\n- [ ] b\n")
    leaf = json.loads(call("plan", "check", "p.md", "--granularity", "leaf", "--json").out)
    auto = json.loads(call("plan", "check", "p.md", "--json").out)
    assert (leaf["counts"]["tasks"], auto["counts"]["tasks"]) == (2, 1)


def test_hostile_plans_are_shown_harmless(call: Callable[..., Any], outside: Path) -> None:
    hostile = "[@click=app.quit]x[/] \x1b]52;c;AAAA\x07\x9b6n\u202e a [/] b"
    (outside / "p.md").write_text(f"# {hostile}\n- [ ] 1.1 {hostile}\n- [ ] 1.1 {hostile} 2\n")
    for more in ([], ["--explain"], ["--json"]):
        out = call("plan", "check", "p.md", *more).out
        assert out.replace("\n", "").isprintable()
        assert "[@click=app.quit]x[/]" in out


def test_the_plans_of_a_repository(
    call: Callable[..., Any], plan: Callable[..., Path], repository: Path
) -> None:
    assert "no plan found" in call("plan", "list").err
    plan(PLAN, "plans/a.md")
    plan("# Prose only\n", "README.md")
    listed = json.loads(call("plan", "list", "--json").out)
    assert [(p["path"], p["tasks"], p["done"], p["errors"]) for p in listed] == [
        ("plans/a.md", 3, 1, 0)
    ]
    assert "plans/a.md  1/3" in call("plan", "list").out


class TestGraph:
    @pytest.mark.parametrize(
        ("form", "expected"),
        [
            ("text", ["1: Core", "  [x] 1.1  Config validator", "1.2  Endpoint  <- 1.1"]),
            ("mermaid", ["flowchart LR", "subgraph", "-->"]),
            ("dot", ["digraph plan {", "label=", "->"]),
        ],
    )
    def test_every_form(
        self, call: Callable[..., Any], outside: Path, form: str, expected: list[str]
    ) -> None:
        (outside / "p.md").write_text(PLAN)
        answer = call("plan", "graph", "p.md", "--format", form)
        assert (answer.code, answer.err) == (0, "")
        for part in expected:
            assert part in answer.out

    def test_no_title_reaches_the_terminal_raw(
        self, call: Callable[..., Any], outside: Path
    ) -> None:
        (outside / "p.md").write_text("- [ ] 1.1 a\x1b[31mred\x07\n- [ ] 1.2 b\n")
        for form in ("text", "mermaid", "dot"):
            out = call("plan", "graph", "p.md", "--format", form).out
            assert "\x1b" not in out
            assert "\x07" not in out

    def test_errors_of_the_plan_are_told_beside_it(
        self, call: Callable[..., Any], outside: Path
    ) -> None:
        (outside / "p.md").write_text("- [ ] 1.1 a (depends on 9.9)\n- [ ] 1.2 b\n")
        answer = call("plan", "graph", "p.md")
        assert answer.code == 0
        assert "1.1  a" in answer.out
        assert "E04" in answer.err

    def test_nothing_to_draw(self, call: Callable[..., Any], outside: Path) -> None:
        (outside / "p.md").write_text("# Prose\n")
        answer = call("plan", "graph", "p.md")
        assert (answer.code, answer.out) == (2, "")
        assert "E02" in answer.err


FOREIGN = """---
name: audit
owner: me
---
# Epic: audit
Why it matters.

## Tasks Created
- [x] #36 - Guards (parallel: true)
- [ ] #37 - Backoff (depends: #36)

## Risks
Some, see
- [the page](https://example.invalid)
"""


class TestFmt:
    def test_it_prints_and_touches_nothing(self, call: Callable[..., Any], outside: Path) -> None:
        (outside / "epic.md").write_text(FOREIGN)
        answer = call("plan", "fmt", "epic.md")
        assert answer.code == 0
        assert answer.out.startswith("---\ncc4: 1\n")
        assert (outside / "epic.md").read_text() == FOREIGN
        for kept in ("owner: me", "Why it matters.", "Some, see", "https://example.invalid"):
            assert kept in answer.out
        (outside / "out.md").write_text(answer.out)
        before = json.loads(call("plan", "check", "epic.md", "--json").out)
        after = json.loads(call("plan", "check", "out.md", "--json").out)
        assert after["counts"] == before["counts"]
        assert after["diagnostics"] == []

    def test_written_once_it_stays_as_it_is(self, call: Callable[..., Any], outside: Path) -> None:
        (outside / "epic.md").write_text(FOREIGN)
        assert call("plan", "fmt", "epic.md", "--check").code == 1
        assert call("plan", "fmt", "epic.md", "--write").code == 0
        first = (outside / "epic.md").read_bytes()
        assert call("plan", "fmt", "epic.md", "--check").code == 0
        assert call("plan", "fmt", "epic.md", "--write").code == 0
        assert (outside / "epic.md").read_bytes() == first

    def test_a_new_file_never_replaces_one(self, call: Callable[..., Any], outside: Path) -> None:
        (outside / "epic.md").write_text(FOREIGN)
        assert call("plan", "fmt", "epic.md", "--output", "new/p.md").code == 0
        assert (outside / "new" / "p.md").read_text().startswith("---\ncc4: 1\n")
        answer = call("plan", "fmt", "epic.md", "--output", "epic.md")
        assert answer.code == 2
        assert "exists already" in answer.err
        assert (outside / "epic.md").read_text() == FOREIGN

    @pytest.mark.parametrize(
        ("name", "text", "options", "told"),
        [
            ("p.md", "- [ ] 1.1 a\n- [ ] 1.1 b\n", (), "E05"),
            ("p.md", "# Prose\n", (), "E02"),
            ("p.json", '{"tasks": [{"id": 1, "title": "a"}]}', ("--write",), "--output"),
            ("p.md", "- [ ] 1.1 a\n", ("--write", "--check"), "exclude each other"),
        ],
    )
    def test_refused(
        self,
        call: Callable[..., Any],
        outside: Path,
        name: str,
        text: str,
        options: tuple[str, ...],
        told: str,
    ) -> None:
        (outside / name).write_text(text)
        answer = call("plan", "fmt", name, *options)
        assert (answer.code, answer.out) == (2, "")
        assert told in answer.err
        assert (outside / name).read_text() == text


class TestNew:
    def test_it_is_a_plan_that_can_be_read(self, call: Callable[..., Any], outside: Path) -> None:
        assert call("plan", "new", "plans/the-api.md").code == 0
        shown = json.loads(call("plan", "check", "plans/the-api.md", "--json").out)
        assert (shown["title"], shown["dialect"]) == ("The api", "cc4")
        assert shown["counts"]["tasks"] == 3
        assert not [d for d in shown["diagnostics"] if d["severity"] == "error"]

    def test_it_never_overwrites(self, call: Callable[..., Any], outside: Path) -> None:
        (outside / "p.md").write_text("mine")
        answer = call("plan", "new", "p")
        assert answer.code == 2
        assert "p.md exists already" in answer.err
        assert (outside / "p.md").read_text() == "mine"

    def test_title_and_standard_output(self, call: Callable[..., Any], outside: Path) -> None:
        out = call("plan", "new", "-", "--title", 'It: "quoted"').out
        assert '# It: "quoted"' in out
        assert list(outside.iterdir()) == []


def test_a_flat_file_has_no_batch(call: Callable[..., Any], outside: Path) -> None:
    (outside / "p.md").write_text("- [ ] one\n- [x] two\n")
    shown = json.loads(call("plan", "check", "p.md", "--json").out)
    assert shown["counts"] == {"batches": 0, "tasks": 2, "done": 1}
