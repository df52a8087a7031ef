"""A diff is taken apart rightly, drawn safely, and walked through by keys."""

import difflib
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.selection import Selection

from cc4tui.screens.execution import ExecutionTab
from cc4tui.screens.execution.diff_colours import Colours
from cc4tui.screens.execution.diff_text import (
    Diff,
    Kind,
    Side,
    changed_part,
    read_diff,
)
from cc4tui.screens.execution.diff_tree import tree_rows
from cc4tui.screens.options import Tab


Open = Callable[..., Any]

DIFF = """diff --git a/x.py b/x.py
index 1..2 100644
--- a/x.py
+++ b/x.py
@@ -1,3 +1,3 @@ def f():
 same
-old = 1
-- sql, as it stands in a hunk
+old = 2
+++ counted, as it stands in a hunk
diff --git a/src/new.py b/src/new.py
new file mode 100644
--- /dev/null
+++ b/src/new.py
@@ -0,0 +1 @@
+x = "y"
\\ No newline at end of file
diff --git a/a b/c.png b/a b/c.png
index 1..2 100644
Binary files a/a b/c.png and b/a b/c.png differ
diff --git "a/src/\\303\\244 \\"q\\"\\t.md" "b/src/\\303\\244 \\"q\\"\\t.md"
deleted file mode 100644
--- "a/src/\\303\\244 \\"q\\"\\t.md"
+++ /dev/null
@@ -1 +0,0 @@
-gone
diff --git a/src/one.py b/src/deep/er/two.py
similarity index 90%
rename from src/one.py
rename to src/deep/er/two.py
old mode 100644
new mode 100755
"""


def test_files_lines_and_sums() -> None:
    diff = read_diff(DIFF)
    told = [(f.status, f.path, f.old_path, f.added, f.removed) for f in diff.files]
    assert told == [
        ("M", "a b/c.png", "", 0, 0),
        ("R", "src/deep/er/two.py", "src/one.py", 0, 0),
        ("A", "src/new.py", "", 1, 0),
        ("D", 'src/ä "q"\t.md', "", 0, 1),
        ("M", "x.py", "", 2, 2),
    ]
    assert (diff.added, diff.removed) == (3, 3)
    assert diff.files[4].hunks[0].lines[2] == "-- sql, as it stands in a hunk"
    assert diff.files[0].note.startswith("binary")
    assert diff.files[1].note == "mode 100644 became 100755"


def test_what_could_deceive_has_a_sign() -> None:
    hunk = "@@ -1 +1 @@ \x1b]0;t\x07f\n-\x1b[41m\u202ex\n+\ty\x9b6n\r\n"
    diff = read_diff(f"diff --git a/x b/x\n{hunk}")
    assert diff.files[0].hunks[0].lines == ["-⟨U+001B⟩[41m⟨U+202E⟩x", "+    y⟨U+009B⟩6n"]
    assert diff.files[0].hunks[0].about == "f"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "@@ -1 +1 @@\n+x",
        "diff --git ",
        "diff --git a/x b/x\n@@ -1,999999999 +1 @@\n+x\nwhat\n",
        "diff --git a/x b/x\n@@ -99999999999999999999 +1 @@\n+x\n",
        'diff --git "a/\\',
    ],
)
def test_what_is_no_diff_is_no_crash(text: str) -> None:
    diff = read_diff(text)
    assert list(diff.unified) is not None
    tree_rows(diff.files)


_lines = st.lists(st.sampled_from(["a", "b", " c", "--", "++ x", "@@ -1 +1 @@", "diff --git a"]))


@given(_lines, _lines)
def test_both_sides_come_out_of_the_rows(old: Sequence[str], new: Sequence[str]) -> None:
    hunks = list(difflib.unified_diff(old, new, n=len(old) + len(new), lineterm=""))[2:]
    diff = read_diff("\n".join(["diff --git a/x b/x", *hunks]))
    if old == new:
        assert not diff.files[0].hunks
        return
    lines = diff.files[0].hunks[0].lines
    assert [line[1:] for line in lines if line[0] != Side.NEW] == list(old)
    assert [line[1:] for line in lines if line[0] != Side.OLD] == list(new)
    shown = [row.left for row in diff.unified if row.kind is Kind.LINE]
    assert sorted(shown) == list(range(len(lines)))
    beside = [row for row in diff.split if row.kind is Kind.LINE]
    assert [lines[row.left][1:] for row in beside if row.left >= 0] == list(old)
    assert [lines[row.right][1:] for row in beside if row.right >= 0] == list(new)


@given(st.text("ab =(", max_size=12), st.text("ab =(", max_size=12))
def test_what_is_outside_of_the_changed_part_is_the_same(one: str, other: str) -> None:
    start, end = changed_part(one, other)
    assert 0 <= start <= end <= len(one)
    if (start, end) != (0, 0):
        assert other.startswith(one[:start])
        assert other.endswith(one[end:])


def _python(text: str) -> Diff:
    lines = text.split("\n")
    body = "\n".join(f"+{line}" for line in lines)
    head = f"@@ -0,0 +1,{len(lines)} @@"
    return read_diff(f"diff --git a/x.py b/x.py\nnew file mode 100644\n{head}\n{body}\n")


@given(st.text("def x():\n'\"#\\ 1ä\t", max_size=400))
def test_colours_change_no_character(text: str) -> None:
    diff = _python(text)
    colours = Colours(diff)
    for at, line in enumerate(diff.files[0].hunks[0].lines):
        assert "".join(piece for piece, _ in colours.line(0, 0, at)) == line[1:]


def test_code_has_colours() -> None:
    colours = Colours(_python("def f():\n    return 'x'  # why"))
    assert ("f", "title") in colours.line(0, 0, 0)
    assert {"text", "link", "tag", "quote"} == {ink for _, ink in colours.line(0, 0, 1)}


def test_the_tree_has_the_sums_of_its_folders() -> None:
    rows = [(r.depth, r.name, r.added, r.removed, r.file) for r in tree_rows(read_diff(DIFF).files)]
    assert rows == [
        (0, "a b/", 0, 0, 0),
        (1, "c.png", 0, 0, 0),
        (0, "src/", 1, 1, 1),
        (1, "deep/er/", 0, 0, 1),
        (2, "two.py", 0, 0, 1),
        (1, "new.py", 1, 0, 2),
        (1, 'ä "q"\t.md', 0, 1, 3),
        (0, "x.py", 2, 2, 4),
    ]


# --- in the tab -------------------------------------------------------------------------------


def _many(files: int, lines: int) -> str:
    body = "\n".join(f"+line {n}" for n in range(lines))
    return "".join(
        f"diff --git a/f{n}.py b/f{n}.py\nnew file mode 100644\n@@ -0,0 +1,{lines} @@\n{body}\n"
        for n in range(files)
    )


@pytest.fixture
def shown_diff(open_app: Open, empty_center: Any, stage: Any, settle: Any) -> Any:
    """Opens the diff of a task at work: ``async with shown_diff(text) as (pilot, pane)``."""
    from contextlib import asynccontextmanager

    @asynccontextmanager
    async def opened(text: str, size: tuple[int, int] = (120, 36)) -> Any:
        run = stage(empty_center, {"1.1": "Settings model"})
        run.start("1.1")
        empty_center.diffs["r-7f3", "1.1"] = text
        empty_center.live.add("1.1")
        async with open_app(empty_center, tab=Tab.EXECUTION, size=size) as pilot:
            tab = pilot.app.query_one(ExecutionTab)
            await settle(pilot, lambda: tab.grid.panes)
            await pilot.press("alt+1", "d")
            await settle(pilot, lambda: tab.diff.is_open)
            yield pilot, tab.diff

    return opened


async def test_walking_through_a_diff_by_keys(
    shown_diff: Any, settle: Any, empty_center: Any
) -> None:
    empty_center.diffs["r-7f3", "1.1", "merged"] = DIFF
    async with shown_diff(_many(5, 100)) as (pilot, pane):
        view = pane.view
        await pilot.press("J", "J")
        await settle(pilot, lambda: pane.files.current.path == "f2.py")
        await pilot.press("down", "K")
        await settle(pilot, lambda: round(view.scroll_y) == view._starts[2])

        await pilot.press("pagedown")
        before = view._anchor()
        await pilot.press("V")
        assert view.is_split
        assert view._anchor() == before
        await pilot.press("V")
        assert not view.is_split
        assert view._anchor() == before

        await pilot.press("slash", *"ne 77", "enter")
        assert view.search.told == "5 lines with “ne 77”, n N"
        places = [round(view.scroll_y)]
        await pilot.press("n")
        places.append(round(view.scroll_y))
        await pilot.press("N")
        assert round(view.scroll_y) == places[0] < places[1]
        await pilot.press("escape")
        assert view.search is None

        newer = "diff --git a/e b/e\n@@ -1 +1 @@\n-x\n+y\n" + _many(5, 100)
        empty_center.diffs["r-7f3", "1.1"] = newer
        before, pane._rest_until = view._anchor(), 0.0
        pane.tick()
        await settle(pilot, lambda: len(view.diff.files) == 6)
        assert view._anchor() == before

        await pilot.press("B")
        await settle(pilot, lambda: len(view.diff.files) == 5)
        assert pane.is_open


LONG = """\
diff --git a/long.py b/long.py
@@ -1,3 +1,3 @@
 short = 1
-words = "{}"
+words = "{}"
 last = 2
"""


def _drawn(view: Any) -> list[str]:
    return [view.render_line(y).text.rstrip() for y in range(view.size.height)]


@pytest.mark.parametrize("size", [(80, 24), (160, 40)])
async def test_long_lines_go_on_below_on_one_key(
    shown_diff: Any, settle: Any, size: tuple[int, int]
) -> None:
    old, new = "alpha " * 40 + "omega", "漢字 " * 60 + "end"
    async with shown_diff(LONG.format(old, new), size) as (pilot, pane):
        view = pane.view
        before = _drawn(view)
        assert "omega" not in "".join(before)
        await pilot.press("W")
        rows = _drawn(view)
        together = "".join(rows)
        assert together.count("alpha") == 40
        assert together.count("漢字") == 60
        assert "omega" in together
        assert 'end"' in together
        assert sum("last = 2" in row for row in rows) == 1
        assert view.is_split is (size[0] == 160)

        await pilot.press("slash", *"omega", "enter")
        assert view.search.told == "1 line with “omega”, n N"
        await pilot.press("escape", "V")
        assert "".join(_drawn(view)).count("alpha") == 40
        whole = view.get_selection(Selection(None, None))
        assert whole is not None
        assert f'words = "{new}"' in whole[0].split("\n")
        assert (
            whole[0].count("\n") == len(view.diff.split if view.is_split else view.diff.unified) - 1
        )

        await pilot.resize_terminal(size[0] - 20, size[1])
        await settle(
            pilot, lambda: view.size.width == view._laid_width or view.show_vertical_scrollbar
        )
        assert "".join(_drawn(view)).count("漢字") == 60
        await pilot.press("V", "W")
        await pilot.resize_terminal(*size)
        await settle(pilot, lambda: _drawn(view)[:5] == before[:5])


async def test_a_long_diff_costs_what_is_seen(shown_diff: Any) -> None:
    async with shown_diff(_many(2, 6_000), (80, 24)) as (pilot, pane):
        assert pane.view.virtual_size.height > 12_000
        begin = time.process_time()
        for key in ("pagedown", "end", "pageup", "home", "J"):
            await pilot.press(key)
        assert time.process_time() - begin < 5
