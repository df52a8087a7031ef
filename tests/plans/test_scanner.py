"""The line scanner finds the blocks that CommonMark finds, and a few boxes more."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from cc4tui.services.plans.blocks import (
    Block,
    Document,
    Fence,
    Heading,
    Html,
    Item,
    Table,
    Text,
    walk_items,
)
from cc4tui.services.plans.scanner import MAX_CONTAINERS, scan, split_cells, split_lines


ORACLE = MarkdownIt("commonmark").enable("table")


def blocks(text: str) -> Document:
    return scan(split_lines(text))


def items(text: str) -> list[Item]:
    return walk_items(blocks(text).blocks)


def outline(text: str) -> list[tuple[str, int]]:
    """Kind and line of every block that makes structure, in document order."""
    out: list[tuple[str, int]] = []

    def walk(found: list[Block]) -> None:
        for block in found:
            if isinstance(block, Heading):
                out.append((f"h{block.level}", block.line))
            elif isinstance(block, Fence):
                out.append(("code" if block.indented else "fence", block.line))
            elif isinstance(block, Table):
                out.append(("table", block.line))
            elif isinstance(block, Item):
                out.append(("item", block.line))
                walk(block.children)

    walk(blocks(text).blocks)
    return sorted(out, key=lambda entry: (entry[1], entry[0]))


def oracle(text: str) -> list[tuple[str, int]]:
    """The same by markdown-it-py."""
    out = []
    names = {
        "fence": "fence",
        "code_block": "code",
        "table_open": "table",
        "list_item_open": "item",
    }
    for token in ORACLE.parse(text):
        if token.map is None:
            continue
        if token.type == "heading_open":
            out.append((f"h{token.tag[1]}", token.map[0]))
        elif token.type in names:
            out.append((names[token.type], token.map[0]))
    return sorted(out, key=lambda entry: (entry[1], entry[0]))


PLAIN = st.sampled_from(
    [
        "# Head", "### Head 3", "  ## indented", "#nothead", "####### seven", "# closed ##",
        "text here", "more text", "  indented text", "", "", "",
        "- foo", "- [ ] bar", "  - baz", "    - deep", "* star", "+ plus", "-", "- - nested",
        "1. one", "2. two", "10) ten", "1.", "   1. sub", "     five spaces",
        "- # heading in item", "- ```", "```", "~~~", "```py", "   ```", "````",
        "> quote", "> - item", "> # quoted heading", ">", "> ```",
        "***", "---", "===", "- - -", "    code", "\ttab", "-\ttab item", "- \ttab inside",
        "<div>", "</div>", "<!-- one -->", "<!--", "-->", "<pre>", "</pre>", "<b>inline</b>",
        "\\# escaped", "**bold:** text", "`code`", "[link](x)",
    ]
)  # fmt: skip


@settings(max_examples=500, deadline=None)
@given(st.lists(PLAIN, max_size=10))
def test_finds_what_commonmark_finds(lines: list[str]) -> None:
    text = "\n".join(lines)
    assert outline(text) == oracle(text)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["para", "table", "list", "fence", "heading", "setext", "quote"]),
            st.text(alphabet="abc *`[]x", min_size=1, max_size=12),
        ),
        max_size=6,
    )
)
def test_whole_documents_agree(parts: list[tuple[str, str]]) -> None:
    forms = {
        "para": "word {0}",
        "table": "| a {0} | b |\n|---|:-:|\n| 1 | 2 |",
        "list": "- one {0}\n  - two\n\n    text\n- three",
        "fence": "```md\n# not {0}\n- [ ] not\n```",
        "heading": "## h {0}",
        "setext": "title {0}\n---",
        "quote": "> q {0}\n> - item\nlazy",
    }
    safe = [(kind, text.replace("|", "").replace("`", "")) for kind, text in parts]
    text = "\n\n".join(forms[kind].format(word) for kind, word in safe)
    assert outline(text) == oracle(text)


@settings(max_examples=250, deadline=None)
@given(st.text(alphabet="-*+#>`~|<>![]() x1.\t\r\n=é✅\u2028", max_size=200))
def test_any_text_is_scanned(text: str) -> None:
    document = blocks(text)
    count = len(document.lines)
    for item in walk_items(document.blocks):
        assert 0 <= item.line < item.end <= count
        if item.mark is not None:
            assert f"[{item.mark}" in document.lines[item.line]


class TestLines:
    """Lines end with LF, CRLF or CR; nothing else ends a line."""

    def test_line_ends(self) -> None:
        assert split_lines("a\nb\r\nc\rd") == ["a", "b", "c", "d"]

    def test_other_separators_are_text(self) -> None:
        assert split_lines("a\u2028b\x0cc\x85d") == ["a\u2028b\x0cc\x85d"]

    def test_empty_text(self) -> None:
        assert blocks("").blocks == []

    def test_crlf_gives_the_same_blocks(self) -> None:
        text = "# A\n\n- [ ] x\n  - y\n\n```\ncode\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"
        assert outline(text) == outline(text.replace("\n", "\r\n"))


class TestHeadings:
    """ATX and setext."""

    @pytest.mark.parametrize(
        ("text", "level", "title"),
        [
            ("# One", 1, "One"),
            ("###### Six", 6, "Six"),
            ("   ## Indented", 2, "Indented"),
            ("## Closed ##", 2, "Closed"),
            ("## Not closed#", 2, "Not closed#"),
            ("#", 1, ""),
            ("Title\n===", 1, "Title"),
            ("Two\nlines\n---", 2, "Two lines"),
        ],
    )
    def test_level_and_text(self, text: str, level: int, title: str) -> None:
        (heading,) = blocks(text).blocks
        assert isinstance(heading, Heading)
        assert (heading.level, heading.text) == (level, title)

    @pytest.mark.parametrize("text", ["#tag", "####### x", "    # code", "\\# no"])
    def test_no_heading(self, text: str) -> None:
        assert not any(isinstance(block, Heading) for block in blocks(text).blocks)

    def test_heading_in_a_fence_is_none(self) -> None:
        found = blocks("```\n# a\n## b\n```\n# c").blocks
        assert [type(block) for block in found] == [Fence, Heading]

    def test_heading_after_text_without_blank_line(self) -> None:
        found = blocks("text\n# head\ntext").blocks
        assert [type(block) for block in found] == [Text, Heading, Text]

    def test_rule_below_a_blank_line_is_no_heading(self) -> None:
        assert not any(isinstance(b, Heading) for b in blocks("text\n\n---\n\ntext").blocks)


class TestItems:
    """Bullets, numbers, boxes, nesting."""

    @pytest.mark.parametrize(
        ("line", "mark"),
        [
            ("- [ ] todo", " "),
            ("* [x] done", "x"),
            ("+ [X] done", "X"),
            ("1. [ ] numbered", " "),
            ("12) [-] doing", "-"),
            ("- [~] half", "~"),
            ("- [/] half", "/"),
            ("- [ ]* optional", " "),
            ("- [✅] ticked", "✅"),
            ("- [✔️] with a variation selector", "✔"),
            ("- [x]no space", "x"),
        ],
    )
    def test_marks(self, line: str, mark: str) -> None:
        (item,) = items(line)
        assert item.mark == mark

    @pytest.mark.parametrize(
        "line",
        [
            "- [P] legend", "- [US1] label", "- [a] letter", "- [1] footnote",
            "- [x](https://example.org) link", "- [x][ref]", "- [x]: note", "- [] empty",
            "- text [ ] later", "- [ x ] spaces", "[ ] no bullet",
        ],
    )  # fmt: skip
    def test_no_box(self, line: str) -> None:
        assert all(item.mark is None for item in items(line))

    def test_nesting_by_indent(self) -> None:
        a, b, c, d = items("- [ ] a\n  - [ ] b\n    - [ ] c\n- [ ] d")
        assert (a.parent, b.parent, c.parent, d.parent) == (None, a, b, None)

    def test_nesting_by_four_spaces_and_by_tabs(self) -> None:
        for indent in ("    ", "\t"):
            a, b, c = items(f"- [ ] a\n{indent}- [ ] b\n{indent * 2}- [ ] c")
            assert (b.parent, c.parent) == (a, b)

    def test_nesting_below_a_number_needs_its_width(self) -> None:
        a, b = items("1. [ ] a\n   - [ ] b")
        assert b.parent is a
        a, b = items("1. [ ] a\n- [ ] b")
        assert b.parent is None

    def test_lines_of_an_item(self) -> None:
        first, second = items("- one\n  more\n\n  ```\n  code\n  ```\n- two\n\ntext")
        assert (first.line, first.end) == (0, 6)
        assert (second.line, second.end) == (6, 7)

    def test_lazy_lines_belong_to_the_item(self) -> None:
        (item,) = items("- one\nlazy\n\nother")
        assert item.end == 2

    def test_items_in_quotes(self) -> None:
        a, b = items("> - [ ] a\n>   - [x] b")
        assert (a.mark, b.mark, b.parent) == (" ", "x", a)

    def test_item_in_item_on_one_line(self) -> None:
        outer, inner = items("- - [ ] a")
        assert inner.parent is outer
        assert inner.mark == " "

    def test_indented_code_is_no_item(self) -> None:
        assert items("text\n\n    - [ ] not a box") == []

    def test_a_box_too_deep_for_commonmark_is_found(self) -> None:
        a, b = items("- [ ] a\n        - [ ] b")
        assert b.lenient
        assert b.parent is a

    def test_a_numbered_box_may_interrupt_a_paragraph(self) -> None:
        (item,) = items("text\n2. [ ] box")
        assert item.lenient
        assert items("text\n2. no box") == []

    def test_optional_star(self) -> None:
        (item,) = items("- [ ]* 1.3 Tests")
        assert item.optional
        assert item.label == "1.3 Tests"
        (bold,) = items("- [ ]**bold** text")
        assert not bold.optional

    def test_depth_is_limited(self) -> None:
        text = "- " * 500 + "x"
        assert len(items(text)) == MAX_CONTAINERS
        assert len(items("> " * 500 + "- x")) == 0


class TestFences:
    """What is code is never structure."""

    def test_fence_needs_its_own_kind_to_close(self) -> None:
        (fence,) = blocks("```\n~~~\n``\n````").blocks
        assert isinstance(fence, Fence)
        assert (fence.line, fence.end, fence.closed) == (0, 4, True)

    def test_longer_fence_holds_a_shorter_one(self) -> None:
        found = blocks("````md\n```\n- [ ] a\n```\n````\n- [ ] b").blocks
        assert [type(block) for block in found] == [Fence, Item]

    def test_unclosed_fence_runs_to_the_end(self) -> None:
        (fence,) = blocks("```\n- [ ] a\n# b").blocks
        assert isinstance(fence, Fence)
        assert (fence.closed, fence.end) == (False, 3)

    def test_fence_in_an_item_ends_with_it(self) -> None:
        a, b = items("- a\n  ```\n  - [ ] no\n- b")
        assert isinstance(a.children[0], Fence)
        assert not a.children[0].closed
        assert b.parent is None

    def test_info_string(self) -> None:
        (fence,) = blocks("```bash title=x\nls\n```").blocks
        assert isinstance(fence, Fence)
        assert fence.info == "bash title=x"

    def test_backticks_in_a_line_are_no_fence(self) -> None:
        assert isinstance(blocks("``` a ` b").blocks[0], Text)


class TestHtml:
    """Comments and tags hide what is in them."""

    def test_comment_over_several_lines(self) -> None:
        comment, item = blocks("<!--\n- [ ] a\n\n- [ ] b\n-->\n- [ ] c").blocks
        assert isinstance(comment, Html)
        assert comment.comment
        assert isinstance(item, Item)

    def test_unclosed_comment(self) -> None:
        (comment,) = blocks("<!-- \n- [ ] a").blocks
        assert isinstance(comment, Html)
        assert not comment.closed

    def test_details_end_at_a_blank_line(self) -> None:
        found = blocks("<details>\n<summary>x</summary>\n\n- [ ] a\n\n</details>").blocks
        assert [type(block) for block in found] == [Html, Item, Html]

    def test_short_comment(self) -> None:
        assert [type(b) for b in blocks("<!-->\ntext\n-->").blocks] == [Html, Text]


class TestTables:
    """GFM tables."""

    def test_cells(self) -> None:
        (table,) = blocks("| Task | Files |\n|---|:--|\n| 1.1 | `a\\|b` |\n| 1.2 |").blocks
        assert isinstance(table, Table)
        assert table.header == ["Task", "Files"]
        assert [row.cells for row in table.rows] == [["1.1", "`a|b`"], ["1.2"]]
        assert [row.line for row in table.rows] == [2, 3]

    def test_ends_at_a_blank_line_or_another_block(self) -> None:
        found = blocks("| a | b |\n|---|---|\n| 1 | 2 |\n- [ ] x").blocks
        assert [type(block) for block in found] == [Table, Item]

    def test_delimiter_must_fit(self) -> None:
        assert not any(isinstance(b, Table) for b in blocks("| a | b |\n|---|\n").blocks)

    def test_without_outer_pipes(self) -> None:
        (table,) = blocks("a | b\n--- | ---\n1 | 2").blocks
        assert isinstance(table, Table)
        assert table.rows[0].cells == ["1", "2"]

    def test_in_an_item(self) -> None:
        (item,) = items("- a\n\n  | x | y |\n  |---|---|\n  | 1 | 2 |")
        assert any(isinstance(child, Table) for child in item.children)

    @pytest.mark.parametrize(
        ("row", "cells"),
        [("| a | b |", ["a", "b"]), ("a|b", ["a", "b"]), ("|a\\||", ["a|"]), ("||", [""])],
    )
    def test_split_cells(self, row: str, cells: list[str]) -> None:
        assert split_cells(row) == cells


def test_too_many_boxes_are_cut_and_said() -> None:
    document = blocks("- [ ] a\n" * 70_000)
    assert document.cut is not None
    assert len(walk_items(document.blocks)) == 60_000
