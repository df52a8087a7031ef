"""Values of the wrong type count as missing; no line raises."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cc4tui.services.agents.wire import (
    MAX_COUNT,
    count_at,
    dict_at,
    list_at,
    number_at,
    parse_object,
    text_at,
    text_of,
)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(st.binary())
def test_any_bytes_are_an_object_or_none(line: bytes) -> None:
    assert parse_object(line) is None or isinstance(parse_object(line), dict)


@given(st.dictionaries(st.text(max_size=5), VALUES, max_size=4))
def test_objects_are_read_and_can_be_encoded(value: dict[str, object]) -> None:
    found = parse_object(json.dumps(value).encode())
    assert found is not None
    assert len(found) <= len(value)
    json.dumps(found, ensure_ascii=False).encode()


@given(VALUES)
def test_readers_take_any_value(value: object) -> None:
    assert isinstance(text_at(value, "a", "b"), str)
    assert isinstance(dict_at(value, "a"), dict)
    assert isinstance(list_at(value, "a"), list)
    assert isinstance(text_of(value), str)
    count = count_at({"n": value}, "n")
    assert count is None or 0 <= count <= MAX_COUNT


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"plain text",
        b"[1, 2]",
        b'{"cut": ',
        b"{" * 100_000,
        b'{"a":' * 50_000,
        b'{"n": ' + b"9" * 10_000 + b"}",
        b"\xff\xfe{",
        b"null",
    ],
)
def test_what_is_no_object(line: bytes) -> None:
    assert parse_object(line) is None


def test_freed_space_before_a_line_is_ignored() -> None:
    assert parse_object(b"\0\0\0" + b'{"a": 1}') == {"a": 1}


def test_lone_surrogates_are_replaced_and_pairs_joined() -> None:
    found = parse_object(rb'{"lone": "x\ud800y", "pair": "\ud83d\ude00", "\udc00": ["\ud801"]}')
    assert found == {"lone": "x\ufffdy", "pair": "😀", "\ufffd": ["\ufffd"]}


@pytest.mark.parametrize("value", [True, "12", None, [], float("nan"), float("inf"), 10**400])
def test_what_is_no_number(value: object) -> None:
    assert number_at({"n": value}, "n") is None
    assert count_at({"n": value}, "n") is None


def test_counts_make_sense() -> None:
    assert count_at({"n": 7.0}, "n") == 7
    assert count_at({"n": -1}, "n") is None
    assert count_at({"n": 2**80}, "n") is None


def test_text_of_content() -> None:
    assert text_of([{"type": "text", "text": "a"}, {"type": "image"}, "b"]) == "a\nb"
    assert text_of({"content": [{"text": "inner"}]}) == "inner"
    deep: object = "end"
    for _ in range(5000):
        deep = [deep]
    assert text_of(deep) == ""
