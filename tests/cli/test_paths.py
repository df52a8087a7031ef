"""The state folder: one per repository, private, and never somebody else's."""

import os
import stat
from pathlib import Path

import pytest

from cc4tui.errors import UnfitError
from cc4tui.paths import StatePaths, private_folder, repository_key, state_root


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def test_the_root_can_be_chosen(tmp_path: Path) -> None:
    assert state_root({"CC4TUI_STATE_DIR": str(tmp_path)}) == tmp_path
    assert state_root({"CC4TUI_STATE_DIR": "relative"}).is_absolute()


def test_the_default_root_is_the_users_state_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert state_root({}).name == "cc4tui"
    assert not state_root({}).is_relative_to(Path.cwd())


def test_a_repository_is_known_by_the_real_path_of_its_git_directory(tmp_path: Path) -> None:
    git = tmp_path / "my project" / ".git"
    git.mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "my project")
    key = repository_key(git)
    assert key.startswith("my-project-")
    assert repository_key(tmp_path / "link" / ".git") == key
    assert repository_key(tmp_path / "other" / "my project" / ".git") != key


@pytest.mark.parametrize(
    ("path", "start"),
    [
        ("/x/bare.git", "bare-"),
        ("/x/..../.git", "repository-"),
        ("/x/" + "n" * 200 + "/.git", "n" * 40 + "-"),
        ("/x/a\nb\x1b[31m/.git", "a-b-31m-"),
        ("/x/ключ/.git", "repository-"),
    ],
)
def test_the_folders_name_is_readable_and_harmless(path: str, start: str) -> None:
    key = repository_key(Path(path))
    assert key.startswith(start)
    assert "/" not in key
    assert len(key) <= 60


def test_everything_lies_below_the_repositorys_folder(tmp_path: Path) -> None:
    paths = StatePaths.of(tmp_path / "r" / ".git", {"CC4TUI_STATE_DIR": str(tmp_path / "state")})
    assert paths.folder.parent == tmp_path / "state"
    assert {Path(p).parent for key, p in paths.as_dict().items() if key != "state"} == {
        paths.folder
    }
    assert not paths.root.exists()


def test_prepare_makes_private_folders_whatever_the_umask(tmp_path: Path) -> None:
    paths = StatePaths.of(tmp_path / ".git", {"CC4TUI_STATE_DIR": str(tmp_path / "a" / "state")})
    before = os.umask(0)
    try:
        paths.prepare()
        paths.prepare()
    finally:
        os.umask(before)
    for folder in (paths.root, paths.folder, paths.journal, paths.worktrees, paths.index):
        assert mode_of(folder) == 0o700
    assert not paths.git.exists()
    assert not paths.db.exists()


def test_a_folder_that_others_can_read_is_closed(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    private_folder(folder)
    assert mode_of(folder) == 0o700


def test_a_link_is_refused_and_its_target_left_alone(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    target.chmod(0o755)
    (tmp_path / "state").symlink_to(target)
    with pytest.raises(UnfitError, match="is a link; set CC4TUI_STATE_DIR"):
        private_folder(tmp_path / "state")
    assert mode_of(target) == 0o755


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("mine")
    with pytest.raises(UnfitError, match="cannot be used"):
        private_folder(tmp_path / "state")
    assert (tmp_path / "state").read_text() == "mine"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_somebody_elses_folder_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    os.chown(folder, 12345, 12345)
    with pytest.raises(UnfitError, match="belongs to user 12345"):
        private_folder(folder)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_place_is_one_sentence(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(UnfitError, match="cannot be made"):
            private_folder(tmp_path / "state")
    finally:
        tmp_path.chmod(0o700)


def test_an_impossible_place_is_one_sentence() -> None:
    with pytest.raises(UnfitError, match="cannot be made"):
        private_folder(Path("/proc/cc4tui-state"))
