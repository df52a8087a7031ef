"""Objects as bytes: what we name, pack and read is what git names, stores and reads."""

import subprocess
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cc4tui.services.git.objects import loose_object, object_id, pack


ALGORITHM = "sha1"
CONTENTS = st.lists(st.binary(max_size=5000), max_size=5)


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bare")
    subprocess.run(["git", "init", "-q", "--bare", str(folder)], check=True)
    return folder


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(contents=CONTENTS)
def test_git_stores_what_was_packed(bare: Path, contents: list[bytes]) -> None:
    things = [("blob", content) for content in contents]
    git = ["git", f"--git-dir={bare}"]
    data = pack(things, ALGORITHM)
    subprocess.run([*git, "unpack-objects", "-q", "--strict"], input=data, check=True)
    for thing in things:
        oid = object_id(thing, ALGORITHM)
        read = subprocess.run([*git, "cat-file", "blob", oid], capture_output=True, check=True)
        assert read.stdout == thing[1]
        assert loose_object(bare / "objects", oid, ALGORITHM) == thing


def test_what_is_not_that_object_is_left_to_git(tmp_path: Path) -> None:
    oid = object_id(("blob", b"right"), ALGORITHM)
    file = tmp_path / oid[:2] / oid[2:]
    assert loose_object(tmp_path, oid, ALGORITHM) is None
    file.parent.mkdir()
    for spoiled in (b"", b"no zlib", zlib.compress(b"blob 5\0wrong"), zlib.compress(b"right")):
        file.write_bytes(spoiled)
        assert loose_object(tmp_path, oid, ALGORITHM) is None
    file.write_bytes(zlib.compress(b"blob 5\0right"))
    assert loose_object(tmp_path, oid, ALGORITHM) == ("blob", b"right")


async def test_a_commit_is_as_git_makes_it(session: Any) -> None:
    private, head = session.private, session.repo.head
    tree = await private.tree_of(head)
    oid = await private.commit(tree, [head], "Größe\n\nMore\0.\n")
    shown = session.repo.git("show", "-s", "--format=%T %P %an <%ae> %cn%n%B", oid)
    who = private.repository.identity
    assert shown == f"{tree} {head} {who.name} <{who.email}> {who.name}\nGröße\n\nMore.\n"
    session.repo.git("fsck", "--strict", "--no-dangling")


async def test_a_name_in_latin_1_is_as_the_person_wrote_it(repo: Any, open_session: Any) -> None:
    with (repo.path / ".git/config").open("ab") as config:
        config.write(b"[user]\n\tname = J\xf6rg\n")
    private = (await open_session(repo)).private
    oid = await private.commit(await private.tree_of(repo.head), [repo.head], "Wort")
    git = ["git", "-C", str(repo.path), "cat-file", "commit", oid]
    assert b"author J\xf6rg <" in subprocess.run(git, capture_output=True, check=True).stdout
