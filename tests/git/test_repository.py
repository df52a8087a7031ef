"""Any folder of any repository opens, or is refused with a sentence before anything is touched."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cc4tui.errors import ExitCode, UnfitError
from cc4tui.services.git.repository import Repository


async def test_facts(repo: Any) -> None:
    opened = await Repository.open(repo.path / "src")
    assert opened.root == repo.path
    assert opened.common_dir == repo.path / ".git"
    assert opened.name == "repo"
    assert (opened.branch, opened.head) == ("main", repo.head)
    assert opened.location.object_format == "sha1"
    assert not opened.location.shallow
    assert not await opened.has_submodules()


async def test_from_a_file_of_it(repo: Any) -> None:
    assert (await Repository.open(repo.path / "README.md")).root == repo.path


async def test_from_inside_the_git_folder(repo: Any) -> None:
    opened = await Repository.open(repo.path / ".git" / "refs")
    assert (opened.root, opened.common_dir) == (repo.path, repo.path / ".git")


async def test_through_a_link(repo: Any, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(repo.path)
    opened = await Repository.open(tmp_path / "link" / "src")
    assert (opened.root, opened.common_dir) == (repo.path, repo.path / ".git")


async def test_worktree_of_the_person(repo: Any, tmp_path: Path) -> None:
    repo.git("worktree", "add", "-q", "-b", "side", str(tmp_path / "side"))
    opened = await Repository.open(tmp_path / "side" / "src")
    assert (opened.root, opened.branch) == (tmp_path / "side", "side")
    assert opened.common_dir == repo.path / ".git"
    admin = await Repository.open(opened.location.git_dir)
    assert admin.root == tmp_path / "side"


async def test_bare(repo: Any, tmp_path: Path) -> None:
    repo.git("clone", "-q", "--bare", ".", str(tmp_path / "bare.git"))
    opened = await Repository.open(tmp_path / "bare.git")
    assert (opened.root, opened.name, opened.branch) == (None, "bare", "main")


async def test_detached(repo: Any) -> None:
    repo.git("checkout", "-q", "--detach")
    opened = await Repository.open(repo.path)
    assert (opened.branch, opened.head) == (None, repo.head)


async def test_sha256(make_repo: Callable[..., Any]) -> None:
    opened = await Repository.open(make_repo("r", "--object-format=sha256").path)
    assert opened.location.object_format == "sha256"
    assert len(opened.head) == len(opened.zero) == 64


async def test_shallow(repo: Any, tmp_path: Path) -> None:
    repo.commit("second")
    repo.git("clone", "-q", "--depth=1", f"file://{repo.path}", str(tmp_path / "shallow"))
    assert (await Repository.open(tmp_path / "shallow")).location.shallow


@pytest.mark.parametrize("name", ["with space", "new\nline", "ünï", "-dash", "trailing\n", "[x]*?"])
async def test_any_name(make_repo: Callable[..., Any], name: str) -> None:
    repo = make_repo(name)
    opened = await Repository.open(repo.path / "src")
    assert (opened.root, opened.common_dir, opened.name) == (repo.path, repo.path / ".git", name)
    assert [entry.path for entry in await opened.worktrees()] == [repo.path]


async def test_submodules_are_seen(repo: Any, make_repo: Callable[..., Any]) -> None:
    inner = make_repo("inner")
    repo.git("submodule", "--quiet", "add", str(inner.path), "lib/inner")
    repo.commit("with a submodule")
    assert await (await Repository.open(repo.path)).has_submodules()


async def test_inside_a_submodule(repo: Any, make_repo: Callable[..., Any]) -> None:
    repo.git("submodule", "--quiet", "add", str(make_repo("inner").path), "lib")
    opened = await Repository.open(repo.path / "lib" / "src")
    assert opened.root == repo.path / "lib"
    assert await opened.is_checked_out("main") == repo.path / "lib"
    assert opened.common_dir == repo.path / ".git" / "modules" / "lib"


async def test_no_repository(tmp_path: Path) -> None:
    with pytest.raises(
        UnfitError, match="is not in a git repository; start cc4tui inside"
    ) as error:
        await Repository.open(tmp_path)
    assert error.value.exit_code is ExitCode.UNFIT


async def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(UnfitError, match="cannot be opened"):
        await Repository.open(tmp_path / "none")


async def test_no_commit_yet(make_repo: Callable[..., Any]) -> None:
    repo = make_repo(commit=False)
    with pytest.raises(UnfitError, match=r"no commit yet on main in .*git commit --allow-empty"):
        await Repository.open(repo.path)


async def test_partial_clone_is_refused(repo: Any, tmp_path: Path) -> None:
    repo.git("config", "uploadpack.allowFilter", "true")
    target = str(tmp_path / "partial")
    repo.git("clone", "-q", "--filter=blob:none", f"file://{repo.path}", target)
    with pytest.raises(UnfitError, match="partial clone"):
        await Repository.open(tmp_path / "partial")


async def test_reftable_is_refused(repo: Any) -> None:
    """As a git that knows reftable would see it; the one here only lists the key."""
    repo.git("config", "extensions.refStorage", "reftable")
    with pytest.raises(UnfitError, match="git refs migrate"):
        await Repository.open(repo.path)


async def test_git_folder_that_lies_elsewhere(
    make_repo: Callable[..., Any], tmp_path: Path
) -> None:
    repo = make_repo("here", f"--separate-git-dir={tmp_path / 'there'}")
    opened = await Repository.open(repo.path / "src")
    assert (opened.root, opened.common_dir) == (repo.path, tmp_path / "there")


async def test_crafted_commondir_is_refused(
    repo: Any, make_repo: Callable[..., Any], tmp_path: Path
) -> None:
    evil = make_repo("evil")
    (repo.path / ".git" / "commondir").write_text(f"{evil.path}/.git\n")
    with pytest.raises(UnfitError, match="leads out of its repository"):
        await Repository.open(repo.path)
    (repo.path / ".git" / "commondir").unlink()
    (repo.path / ".git" / "commondir").symlink_to(evil.path / "README.md")
    with pytest.raises(UnfitError):
        await Repository.open(repo.path)


async def test_checkout_that_claims_to_be_bare_is_refused(repo: Any) -> None:
    repo.git("config", "core.bare", "true")
    with pytest.raises(UnfitError, match=r"core\.bare = true although there is a checkout"):
        await Repository.open(repo.path)


async def test_foreign_owner_is_refused_with_gits_words(
    repo: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can give files away")
    for folder, _, _ in os.walk(repo.path):
        os.chown(folder, 12345, 12345)
    with pytest.raises(UnfitError, match="dubious ownership"):
        await Repository.open(repo.path)
    repo.git("config", "--global", "safe.directory", str(repo.path))
    assert (await Repository.open(repo.path)).root == repo.path


async def test_variables_of_the_shell_do_not_redirect(
    repo: Any, make_repo: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_repo("other")
    monkeypatch.setenv("GIT_DIR", str(other.path / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other.path))
    assert (await Repository.open(repo.path)).root == repo.path


async def test_resolve(repo: Any) -> None:
    first = repo.head
    second = repo.commit("second")
    repo.git("tag", "-a", "v1", "-m", "tag", first)
    opened = await Repository.open(repo.path)
    wanted = {"HEAD": second, "HEAD~1": first, "v1": first, "main": second, second[:10]: second}
    assert {name: await opened.resolve(name) for name in wanted} == wanted
    for name in ["nope", "", " ", "-n", "--all", "HEAD^{tree}:x", "a\nb", "main^{blob}"]:
        assert await opened.resolve(name) is None


async def test_branches_and_checkouts(repo: Any, tmp_path: Path) -> None:
    repo.git("branch", "idle")
    repo.git("worktree", "add", "-q", "-b", "side", str(tmp_path / "si\nde"))
    opened = await Repository.open(repo.path)
    assert await opened.branch_tip("idle") == repo.head
    assert await opened.branch_tip("none") is None
    assert await opened.branch_tip("*") is None
    assert await opened.is_checked_out("main") == repo.path
    assert await opened.is_checked_out("side") == tmp_path / "si\nde"
    assert await opened.is_checked_out("idle") is None
    shutil.rmtree(tmp_path / "si\nde")
    assert await opened.is_checked_out("side") is None


async def test_a_git_program_that_is_missing(repo: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(UnfitError, match="git was not found"):
        await Repository.open(repo.path)
