"""Files are replaced whole, and nothing planted in their place is followed or waited for."""

import os
import stat
from pathlib import Path

import pytest

from cc4tui.services.git import files


def test_regular_files_are_read(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"abcdef")
    assert files.read_regular(path) == b"abcdef"
    assert files.read_regular(path, 3) == b"abc"


@pytest.mark.parametrize("kind", ["missing", "link", "folder", "fifo", "dangling", "device"])
def test_anything_else_is_not(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x"
    (tmp_path / "real").write_bytes(b"secret")
    if kind == "link":
        path.symlink_to(tmp_path / "real")
    elif kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "dangling":
        path.symlink_to("nowhere")
    elif kind == "device":
        path = Path("/dev/zero")
    assert files.read_regular(path) is None
    assert not files.copy_atomic(path, tmp_path / "copy")


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")
def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    for _ in range(50):
        files.read_regular(tmp_path)
        files.read_regular(tmp_path / "none")
        files.write_atomic(tmp_path / "x", b"x")
    held = [fd.readlink() for fd in Path("/proc/self/fd").iterdir() if fd.is_symlink()]
    assert not [path for path in held if path.is_relative_to(tmp_path)]


def test_writing_replaces_a_link_and_not_what_it_leads_to(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_bytes(b"theirs")
    link.symlink_to(real)
    files.write_atomic(link, b"ours", 0o640)
    assert real.read_bytes() == b"theirs"
    assert link.read_bytes() == b"ours"
    assert stat.S_IMODE(link.lstat().st_mode) == 0o640


def test_failed_write_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "x").mkdir(parents=True)
    with pytest.raises(IsADirectoryError):
        files.write_atomic(folder / "x", b"data")
    assert [path.name for path in folder.iterdir()] == ["x"]


def test_identity_is_of_real_folders_only(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder")
    assert files.identity(tmp_path / "folder") is not None
    assert files.identity(tmp_path / "link") is None
    assert files.identity(tmp_path / "none") is None


def test_signature_changes_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "x"
    assert files.signature(path) is None
    files.write_atomic(path, b"a")
    before = files.signature(path)
    assert before == files.signature(path)
    files.write_atomic(path, b"b")
    assert files.signature(path) != before


def test_access_is_given_back(tmp_path: Path) -> None:
    top = tmp_path / "top"
    (top / "a/b").mkdir(parents=True)
    (top / "a/b/file").write_text("x")
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o500)
    (top / "a/link").symlink_to(outside)
    (top / "a/b/file").chmod(0)
    (top / "a/b").chmod(0)
    (top / "a").chmod(0o500)
    files.make_accessible(top)
    assert stat.S_IMODE((top / "a").stat().st_mode) == 0o700
    assert stat.S_IMODE((top / "a/b").stat().st_mode) == 0o700
    assert stat.S_IMODE((top / "a/b/file").stat().st_mode) == 0o400
    assert stat.S_IMODE(outside.stat().st_mode) == 0o500, "behind a link nothing changes"


def test_a_file_of_the_persons_that_was_linked_there_is_not_overwritten(tmp_path: Path) -> None:
    mine, path = tmp_path / "mine", tmp_path / "locked"
    mine.write_bytes(b"mine")
    path.hardlink_to(mine)
    files.overwrite(path, b"new", 0o644)
    assert (mine.read_bytes(), path.read_bytes()) == (b"mine", b"new")
    files.overwrite(path, b"n")
    assert path.read_bytes() == b"n"
