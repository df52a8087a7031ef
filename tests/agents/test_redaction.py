"""No secret remains, however its bytes are cut; everything else comes through as it was."""

import json
import os
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cc4tui.domain.agent import FileChanged, TextSaid, Todo, TodosChanged, ToolCalled
from cc4tui.services.agents.redaction import CHUNK, Redactor, secret_values


SECRET = "sk-abc/DEF+123=="

# Few letters, so that secrets overlap, repeat and begin within each other.
secrets = st.lists(st.text("abc", min_size=8, max_size=14), min_size=1, max_size=5)
texts = st.lists(
    st.one_of(st.text("abcd\n", max_size=12), st.integers(0, 4)), max_size=12
)  # a number: the secret of that place


def composed(parts: list[str | int], known: list[str]) -> bytes:
    return "".join(
        known[part % len(known)] if isinstance(part, int) else part for part in parts
    ).encode()


@given(secrets, texts, st.lists(st.integers(0, 200), max_size=8))
def test_any_chunking_gives_the_same_and_no_secret_remains(known, parts, cuts):
    data, redactor = composed(parts, known), Redactor(known)
    whole = redactor.stream().feed(data, over=True)
    stream, pieces = redactor.stream(), []
    bounds = [0, *sorted(cut for cut in cuts if cut < len(data)), len(data)]
    for start, end in pairwise(bounds):
        pieces.append(stream.feed(data[start:end]))
    pieces.append(stream.feed(b"", over=True))
    assert b"".join(pieces) == whole
    assert not stream.waits
    assert len(whole) == len(data)
    assert not any(secret.encode() in whole for secret in known)
    assert whole.decode() == redactor.text(data.decode())
    kept = zip(whole, data, strict=True)
    assert all(after in (before, ord("*")) for after, before in kept)


@given(secrets, texts)
def test_a_file_is_masked_as_a_stream_is(tmp_path_factory, known, parts):
    path = tmp_path_factory.mktemp("r") / "out"
    data, redactor = composed(parts, known), Redactor(known)
    path.write_bytes(data)
    redactor.mask_file(path)
    assert path.read_bytes() == redactor.stream().feed(data, over=True)


@given(st.binary(max_size=300), st.integers(0, 300))
def test_without_a_secret_in_it_everything_comes_through(data, cut):
    stream = Redactor([SECRET]).stream()
    assert stream.feed(data[:cut]) + stream.feed(data[cut:], over=True) == data


def test_one_byte_at_a_time():
    stream = Redactor([SECRET]).stream()
    data = f"key={SECRET}; again {SECRET}\n".encode()
    told = b"".join(stream.feed(bytes([byte])) for byte in data) + stream.feed(b"", over=True)
    assert told == b"key=" + b"*" * len(SECRET) + b"; again " + b"*" * len(SECRET) + b"\n"


def test_only_what_may_become_a_secret_waits():
    stream = Redactor([SECRET]).stream()
    assert stream.feed(b"a line\nsk-ab") == b"a line\n"
    assert stream.waits
    assert stream.feed(b"out of it") == b"sk-about of it"
    assert not stream.waits


@pytest.mark.parametrize("spell", [json.dumps, lambda s: json.dumps(s, ensure_ascii=False),
                                   lambda s: json.dumps(s).replace("/", "\\/")])  # fmt: skip
def test_secrets_in_json_are_known_too(spell):
    secret = 'quo"te\\back\nline/slash-ümläut'
    line = '{"text": ' + spell(f"is {secret}!") + "}"
    told = Redactor([secret]).text(line)
    assert json.loads(told)["text"].strip("is *!") == ""


def test_lines_of_a_private_key_count_by_themselves():
    key = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\nAQEFAASCBKcwggSj\n-----END KEY-----"
    told = Redactor([key]).text("found: MIIEvQIBADANBgkqhkiG9w0B")
    assert told == "found: " + "*" * 24


def test_every_text_of_an_event_is_masked():
    redactor, mask = Redactor([SECRET]), "*" * len(SECRET)
    assert redactor.event(TextSaid(f"it is {SECRET}")) == TextSaid(f"it is {mask}")
    call = ToolCalled("1", "Bash", {"command": f"curl -H {SECRET}", "n": [1, SECRET]}, SECRET)
    told = redactor.event(call)
    assert told == ToolCalled("1", "Bash", {"command": f"curl -H {mask}", "n": [1, mask]}, mask)
    todos = TodosChanged((Todo(SECRET, done=True),))
    assert redactor.event(todos) == TodosChanged((Todo(mask, done=True),))
    assert redactor.event(FileChanged("a.py", created=True)) == FileChanged("a.py", created=True)


def test_without_secrets_nothing_is_looked_at(tmp_path: Path):
    redactor, event = Redactor(), TextSaid("x")
    assert redactor.event(event) is event
    assert redactor.stream().feed(b"abc") == b"abc"
    redactor.mask_file(tmp_path / "missing")


@pytest.mark.parametrize(
    "name",
    ["API_KEY", "OPENAI_API_KEY", "GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "PGPASSWORD", "APIKEY",
     "DB_PASSWD", "NPM_AUTH", "HF_TOKEN", "SIGNING_KEY_2", "GPG_PASSPHRASE", "my_token", "GH_PAT"],
)  # fmt: skip
def test_names_that_say_secret(name: str):
    assert secret_values({name: SECRET}) == {SECRET}


@pytest.mark.parametrize(
    ("name", "value"),
    [("PATH", "/usr/bin:/bin"), ("MAX_THINKING_TOKENS", "3199999999"), ("KEYBOARD", "us-dvorak-x"),
     ("API_KEY", "short"), ("GOOGLE_APPLICATION_CREDENTIALS", os.devnull), ("MONKEY", "bananas-x"),
     ("PWD", "/some/where/else"), ("API_KEY", "*" * 12), ("EMPTY_TOKEN", "")],
)  # fmt: skip
def test_values_that_are_none(name: str, value: str):
    assert secret_values({name: value}) == set()


def test_passwords_in_addresses_count_whatever_the_name():
    address = "postgres://user:hunter2hunter2@db.example.org:5432/x"
    assert secret_values({"DATABASE": address}) == {"hunter2hunter2"}
    assert secret_values({"A": "x"}, {"B_TOKEN": "1234abcd5678"}) == {"1234abcd5678"}


def test_a_large_file_with_holes_is_masked_in_place(tmp_path: Path):
    path = tmp_path / "out"
    secret = SECRET.encode()
    with path.open("wb") as file:
        file.write(b"x" * (CHUNK - 5) + secret + b"y" * 100)
        file.seek(8 * CHUNK)
        file.write(secret + b"z" * 10 + secret)
    size, inode = path.stat().st_size, path.stat().st_ino
    blocks = path.stat().st_blocks
    Redactor([SECRET]).mask_file(path)
    data = path.read_bytes()
    assert secret not in data
    assert data.count(b"*" * len(secret)) == 3
    assert (path.stat().st_size, path.stat().st_ino) == (size, inode)
    assert path.stat().st_blocks <= blocks + 16


def test_files_of_others_are_never_written_to(tmp_path: Path):
    theirs = tmp_path / "theirs"
    theirs.write_text(SECRET)
    (tmp_path / "link").symlink_to(theirs)
    (tmp_path / "hard").hardlink_to(theirs)
    redactor = Redactor([SECRET])
    with pytest.raises(OSError, match="symbolic"):
        redactor.mask_file(tmp_path / "link")
    redactor.mask_file(tmp_path / "hard")
    assert theirs.read_text() == SECRET
