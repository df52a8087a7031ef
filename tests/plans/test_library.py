"""Plans of a repository are found, summed up, drawn and made."""

import os
import re
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from cc4tui.domain.plan import Plan
from cc4tui.services.plans import library
from cc4tui.services.plans.graph import build_graph, render
from cc4tui.services.plans.library import find_plans, summarize, summary_of
from cc4tui.services.plans.reading import MAX_BYTES, read_plan
from cc4tui.services.plans.template import new_plan


Read = Callable[..., Plan]


def write(root: Path, name: str, text: str = "- [ ] 1.1 a\n- [x] 1.2 b\n") -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


class TestFinding:
    """By folder and name, and only what holds tasks."""

    @pytest.mark.parametrize(
        "name",
        [
            "plans/a.md", "docs/plans/2026-01-01-x.md", "specs/001/tasks.md", "PLAN.md", "TODO.md",
            "IMPLEMENTATION_PLAN.md", ".kiro/specs/x/tasks.md", ".specify/x.md", "MASTER_PLAN.md",
            "openspec/changes/x/tasks.md", "conductor/tracks/y/plan.md", "backlog/tasks/b-1.md",
            "docs/stories/1.1.story.md", "deep/in/the/tree/my-plan.md", ".planning/ROADMAP.md",
        ],
    )  # fmt: skip
    def test_found(self, tmp_path: Path, name: str) -> None:
        path = write(tmp_path, name)
        assert find_plans(tmp_path) == [path]

    def test_data_files(self, tmp_path: Path) -> None:
        path = write(
            tmp_path, ".taskmaster/tasks/tasks.json", '{"tasks": [{"id": 1, "title": "a"}]}'
        )
        write(tmp_path, ".vscode/tasks.json", '{"version": "2.0.0", "tasks": []}')
        assert find_plans(tmp_path) == [path]

    @pytest.mark.parametrize(
        "name",
        [
            "README.md", "docs/guide.md", ".git/plans/a.md", "node_modules/x/plans/a.md",
            ".venv/lib/PLAN.md", "plans/a.txt", "build/plans/a.md", "plans/.git/a.md",
        ],
    )  # fmt: skip
    def test_not_looked_at(self, tmp_path: Path, name: str) -> None:
        write(tmp_path, name)
        assert find_plans(tmp_path) == []

    def test_without_tasks_it_is_no_plan(self, tmp_path: Path) -> None:
        write(tmp_path, "plans/prose.md", "# Prose\n\nwords\n")
        write(tmp_path, "plans/empty.md", "")
        assert find_plans(tmp_path) == []

    def test_offers_make_a_plan(self, tmp_path: Path) -> None:
        path = write(tmp_path, "plans/a.md", "# X\n\n## Tasks\n- one\n- two\n")
        assert find_plans(tmp_path) == [path]

    def test_too_large(self, tmp_path: Path) -> None:
        write(tmp_path, "plans/a.md", "- [ ] a\n" + "x" * MAX_BYTES)
        assert find_plans(tmp_path) == []

    def test_unreadable_and_broken_links(self, tmp_path: Path) -> None:
        (tmp_path / "plans").mkdir()
        (tmp_path / "plans/gone.md").symlink_to(tmp_path / "nowhere.md")
        path = write(tmp_path, "plans/b.md")
        assert find_plans(tmp_path) == [path]

    def test_links_to_folders_are_not_followed(self, tmp_path: Path) -> None:
        path = write(tmp_path, "plans/a.md")
        (tmp_path / "plans/loop").symlink_to(tmp_path / "plans")
        assert find_plans(tmp_path) == [path]

    def test_newest_first(self, tmp_path: Path) -> None:
        old, new = write(tmp_path, "plans/old.md"), write(tmp_path, "plans/new.md")
        os.utime(old, (1, 1))
        assert find_plans(tmp_path) == [new, old]

    def test_time_is_bounded(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for number in range(30):
            write(tmp_path, f"plans/{number}.md")
        ticks = iter(range(10_000))
        monkeypatch.setattr(time, "monotonic", lambda: float(next(ticks)))
        assert 0 < len(find_plans(tmp_path, seconds=20)) < 30

    def test_entries_are_bounded(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for number in range(30):
            write(tmp_path, f"plans/{number}.md")
        monkeypatch.setattr(library, "MAX_ENTRIES", 10)
        assert len(find_plans(tmp_path)) < 12


class TestSummary:
    """One line in a list."""

    def test_of_a_file(self, tmp_path: Path) -> None:
        path = write(tmp_path, "plans/a.md", "# T\n- [ ] 1.1 a\n- [x] 1.2 b\n- [ ] 1.1 c\n")
        found = summarize(tmp_path, path)
        assert (found.path, found.title, found.dialect) == ("plans/a.md", "T", "kiro")
        assert (found.tasks, found.done, found.errors, found.offers) == (3, 1, 1, 0)

    def test_of_a_plan(self, read_seed: Read) -> None:
        assert summary_of(read_seed("cc3-next-steps.md")).offers == 1

    def test_of_a_file_that_is_gone(self, tmp_path: Path) -> None:
        with pytest.raises(OSError, match="No such file"):
            summarize(tmp_path, tmp_path / "x.md")


class TestGraph:
    """Edges without repetition, three renderings."""

    def test_edges(self, read: Read) -> None:
        plan = read(
            "## Batch 1: A\n### Task 1: a\n### Task 2: b\n**Depends on:** 1\n"
            "## Batch 2: B\n### Task 3: c\n## Batch 3: C\n### Task 4: d\n**Depends on:** 1\n"
        )
        graph = build_graph(plan)
        assert graph.batches == {"1": [], "2": ["1"], "3": ["2"]}
        assert graph.tasks == {"1": [], "2": ["1"], "3": [], "4": ["1"]}

    def test_text(self, read: Read) -> None:
        plan = read("## Batch 1: A\n### [x] Task 1: a\n### Task 2: b\n**Depends on:** 1\n")
        assert render(plan, "text") == "Batch 1: A\n  [x] 1  a\n  [ ] 2  b  <- 1\n"

    @pytest.mark.parametrize("form", ["mermaid", "dot"])
    def test_hostile_titles_stay_inside_their_quotes(self, read: Read, form: str) -> None:
        plan = read('### Task 1: a "] --> x; <b>\\" {}\n### Task 2: b\n**Depends on:** 1\n')
        text = render(plan, form)
        bare = re.sub(r'"(?:[^"\\]|\\.)*"', "", text)
        assert bare.count("->") == 1
        assert '"' not in bare

    def test_dot_is_balanced(self, read_seed: Read) -> None:
        text = render(read_seed("cc4-master-plan.md"), "dot")
        assert text.count("{") == text.count("}")
        assert "ltail=cluster_0, lhead=cluster_1" in text

    def test_mermaid(self, read: Read) -> None:
        plan = read("## Batch 1: A\n### Task 1: a\n## Batch 2: B\n### [x] Task 2: b\n")
        text = render(plan, "mermaid")
        assert text.startswith("flowchart LR\n")
        assert "  b0 --> b1\n" in text
        assert ":::done" in text

    def test_unknown_form(self, read: Read) -> None:
        with pytest.raises(KeyError):
            render(read("- [ ] a\n"), "png")

    def test_empty(self, read: Read) -> None:
        assert render(read("words\n"), "text") == "\n"


class TestTemplate:
    """`plan new`."""

    @pytest.mark.parametrize("title", ["My plan", 'A "quoted": title', "", "  x\ny "])
    def test_it_reads_without_a_word(self, title: str) -> None:
        plan = read_plan(new_plan(title, date(2026, 1, 2)).encode(), "plans/new.md")
        assert plan.diagnostics == ()
        assert plan.title == (" ".join(title.split()) or "New plan")
        assert [task.id for task in plan.tasks()] == ["1.1", "1.2", "2.1"]
