"""What executes or redirects is noticed; what editors write all day is not."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cc4tui.services.git.fingerprint import READ_AT_MOST, Fingerprinter
from cc4tui.services.git.runner import GitRunner


async def _differences(session: Any, change: Callable[[], object]) -> tuple[str, ...]:
    printer = Fingerprinter(session.repository)
    before = await printer.take()
    assert before.differences(await printer.take()) == ()
    change()
    return before.differences(await printer.take())


@pytest.mark.parametrize(
    "key",
    [
        "core.fsmonitor", "core.hooksPath", "core.sshCommand", "core.worktree",
        "core.pager", "core.editor", "filter.x.clean", "filter.x.smudge", "filter.x.process",
        "diff.external", "diff.x.command", "diff.x.textconv", "merge.x.driver", "alias.st",
        "include.path", "includeIf.gitdir:/.path", "url.evil.insteadOf", "credential.helper",
        "credential.https://x.helper", "gpg.program", "gpg.ssh.program", "remote.o.url",
        "remote.o.pushurl", "remote.o.uploadpack", "submodule.s.update", "trailer.x.command",
        "branch.main.mergeOptions", "extensions.partialClone", "sequence.editor", "mergetool.x.cmd",
        "interactive.diffFilter", "gpg.ssh.defaultKeyCommand", "remote.pushDefault",
        "branch.main.pushRemote", "http.proxy", "http.https://x.sslVerify", "lfs.url",
        "lfs.customtransfer.x.path", "lfs.extension.x.clean", "lfs.standalonetransferagent",
        "difftool.x.path", "merge.tool", "init.templateDir", "sendemail.smtpServer",
        "sendemail.toCmd", "core.askPass", "uploadpack.packObjectsHook", "submodule.s.url",
        "core.attributesFile", "alias.x", "pager.log", "hook.x.command", "protocol.ext.allow",
    ],
)  # fmt: skip
async def test_keys_that_count(session: Any, key: str) -> None:
    (said,) = await _differences(session, lambda: session.repo.git("config", key, "/tmp/evil"))
    assert said.lower().startswith(f"config {key.lower()} (local): ")
    assert said.endswith("/tmp/evil")


@pytest.mark.parametrize(
    "key",
    ["user.name", "branch.main.remote", "branch.main.vscode-merge-base", "core.autocrlf", "gui.x",
     "pull.rebase", "remote.o.fetch", "diff.algorithm", "merge.conflictStyle", "my.key",
     "lfs.repositoryformatversion", "lfs.https://x/info/lfs.access", "http.postBuffer",
     "push.default", "maintenance.auto", "core.sparseCheckout"],
)  # fmt: skip
async def test_keys_that_do_not(session: Any, key: str) -> None:
    assert await _differences(session, lambda: session.repo.git("config", key, "input")) == ()


async def test_becoming_bare_counts(session: Any) -> None:
    said = await _differences(session, lambda: session.repo.git("config", "core.bare", "true"))
    assert said == ("config core.bare (local): false -> true",)


async def test_a_configuration_that_git_refuses_counts(session: Any) -> None:
    said = await _differences(session, lambda: session.repo.write(".git/config", "[core\n"))
    assert any(line.startswith("the configuration: none -> git refuses it") for line in said)


async def test_global_configuration_counts(session: Any, person: Path) -> None:
    (said,) = await _differences(
        session, lambda: session.repo.git("config", "--global", "alias.x", "!evil")
    )
    assert said == "config alias.x (global): none -> !evil"


async def test_changed_and_removed_values_are_shown(session: Any) -> None:
    session.repo.git("config", "alias.x", "one")
    said = await _differences(session, lambda: session.repo.git("config", "alias.x", "two"))
    assert said == ("config alias.x (local): one -> two",)
    said = await _differences(session, lambda: session.repo.git("config", "--unset", "alias.x"))
    assert said == ("config alias.x (local): two -> none",)


async def test_a_file_included_before_counts(session: Any) -> None:
    extra = session.repo.write("extra.cfg", "[user]\n\tname = x\n")
    session.repo.git("config", "include.path", str(extra))
    said = await _differences(session, lambda: extra.write_text("[core]\n\tfsmonitor = evil\n"))
    assert said == ("config core.fsmonitor (local): none -> evil",)


async def test_worktree_configuration_counts(session: Any) -> None:
    session.repo.git("config", "extensions.worktreeConfig", "true")
    said = await _differences(
        session, lambda: session.repo.git("config", "--worktree", "core.fsmonitor", "evil")
    )
    assert said == ("config core.fsmonitor (worktree): none -> evil",)


@pytest.mark.parametrize(
    "name", ["hooks/pre-commit", "info/attributes", "objects/info/alternates", "info/grafts"]
)
async def test_files_that_count(session: Any, name: str) -> None:
    path = session.repo.path / ".git" / name
    (said,) = await _differences(session, lambda: session.repo.write(f".git/{name}", "x\n"))
    assert path.name in said
    (said,) = await _differences(session, lambda: path.write_text("y\n"))
    assert path.name in said
    (said,) = await _differences(session, path.unlink)
    assert said.endswith("-> none")


async def test_making_a_hook_executable_counts(session: Any) -> None:
    hook = session.repo.write(".git/hooks/pre-push", "#!/bin/sh\n")
    hook.chmod(0o644)
    (said,) = await _differences(session, lambda: hook.chmod(0o755))
    assert "not executable" in said


async def test_the_end_of_a_large_hook_counts_though_it_is_not_read(session: Any) -> None:
    hook = session.repo.write(".git/hooks/pre-push", "#!/bin/sh\n" + "#" * READ_AT_MOST)

    def change() -> None:
        with hook.open("r+b") as file:
            file.seek(-1, os.SEEK_END)
            file.write(b"x")
        os.utime(hook, ns=(1, 1))

    (said,) = await _differences(session, change)
    assert said.startswith(f"hook {hook}: large: sha256 ")


async def test_hooks_path_is_followed(session: Any) -> None:
    session.repo.git("config", "core.hooksPath", ".husky")
    (said,) = await _differences(session, lambda: session.repo.write(".husky/pre-commit", "x"))
    assert ".husky/pre-commit" in said


async def test_samples_do_not_count(session: Any) -> None:
    change = session.repo.write
    assert await _differences(session, lambda: change(".git/hooks/x.sample", "x")) == ()


async def test_git_file_of_a_worktree_counts(
    repo: Any, open_session: Callable[..., Any], tmp_path: Path
) -> None:
    repo.git("worktree", "add", "-q", str(tmp_path / "side"))
    session = await open_session(type(repo)(tmp_path / "side"))
    pointer = tmp_path / "side" / ".git"
    (said,) = await _differences(session, lambda: pointer.write_text("gitdir: /tmp/evil\n"))
    assert said.startswith(".git: ")


async def test_commondir_of_a_worktree_counts(
    repo: Any, open_session: Callable[..., Any], tmp_path: Path
) -> None:
    repo.git("worktree", "add", "-q", str(tmp_path / "side"))
    session = await open_session(type(repo)(tmp_path / "side"))
    evil = session.repository.location.git_dir / "commondir"
    original = evil.read_text()
    printer = Fingerprinter(session.repository)
    before = await printer.take()
    evil.write_text("../../../other\n")
    files = dict(printer._files(session.repository.config))
    assert files["commondir of this worktree"] != before.items["commondir of this worktree"]
    evil.write_text(original)
    assert before.differences(await printer.take()) == ()


async def test_commondir_of_another_worktree_counts(session: Any, tmp_path: Path) -> None:
    session.repo.git("worktree", "add", "-q", str(tmp_path / "side"))
    pointer = session.repo.path / ".git/worktrees/side/commondir"
    (said,) = await _differences(session, lambda: pointer.write_text("/tmp/evil\n"))
    assert said == "commondir of worktree side: none -> leads out of the repository"


@pytest.mark.parametrize("half", [lambda path: path.write_text(""), lambda path: path.unlink()])
async def test_a_worktree_that_is_being_made_or_removed_does_not(
    session: Any, tmp_path: Path, half: Callable[[Path], object]
) -> None:
    session.repo.git("worktree", "add", "-q", str(tmp_path / "side"))
    pointer = session.repo.path / ".git/worktrees/side/commondir"
    assert await _differences(session, lambda: half(pointer)) == ()


async def test_a_new_worktree_does_not(session: Any, tmp_path: Path) -> None:
    add = ("worktree", "add", "-q", str(tmp_path / "side"))
    assert await _differences(session, lambda: session.repo.git(*add)) == ()


@pytest.mark.parametrize("name", ["config", "hooks/post-checkout", "modules/deep/config"])
async def test_submodules_count(
    repo: Any, make_repo: Any, open_session: Callable[..., Any], name: str
) -> None:
    repo.git("submodule", "--quiet", "add", str(make_repo("inner").path), "libs/sub")
    repo.commit("with a submodule")
    module = repo.path / ".git/modules/libs/sub"
    (module / "modules/deep").mkdir(parents=True)
    for file in ("config", "HEAD"):
        (module / "modules/deep" / file).write_bytes((module / file).read_bytes())
    session = await open_session(repo)
    file = module / name
    (said,) = await _differences(session, lambda: file.write_text("# x\n"))
    assert name in said


async def test_passwords_in_addresses_are_not_shown(session: Any) -> None:
    (said,) = await _differences(
        session, lambda: session.repo.git("config", "remote.o.url", "https://me:s3cret@host/x")
    )
    assert "s3cret" not in said
    assert "https://...@host/x" in said


async def test_git_is_asked_only_when_a_file_changed(
    session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    printer = Fingerprinter(session.repository)
    await printer.take()
    calls: list[object] = []
    real = GitRunner.run

    async def counted(self: GitRunner, *args: Any, **options: Any) -> Any:
        calls.append(args)
        return await real(self, *args, **options)

    monkeypatch.setattr(GitRunner, "run", counted)
    await asyncio.gather(*(printer.take() for _ in range(5)))
    assert calls == []
    session.repo.git("config", "user.name", "other")
    await printer.take()
    assert len(calls) == 1
