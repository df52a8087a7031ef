"""The one place where a checkout of the person's is changed: `git merge --ff-only` in it.

It is written down before, so that one which is cut short can be taken back: see `interrupted`.
"""

import re
from enum import StrEnum
from pathlib import Path

from cc4tui.errors import Cc4tuiError, GitError
from cc4tui.services.git.diff import changed_files
from cc4tui.services.git.interrupted import begin_landing, end_landing
from cc4tui.services.git.locks import freeing_locks
from cc4tui.services.git.person_checkout import PersonCheckout, neutral_settings
from cc4tui.services.git.private import PrivateGit
from cc4tui.services.git.refs import BRANCHES


_BUSY = re.compile(r"index\.lock|MERGE_HEAD|unmerged|not concluded|CHERRY_PICK_HEAD|conflict")


class Refusal(StrEnum):
    """Why a landing was refused, for programs."""

    MOVED = "moved"
    """The target has commits that are not merged; merge its tip and try again."""
    MISSING = "missing"
    """The target branch is gone."""
    CLASH = "clash"
    """Files of the person are in the way."""
    TAMPERED = "tampered"
    """What executes or redirects changed since the run began."""
    FILTERS = "filters"
    """Files go through a program that the repository's own configuration names."""
    BUSY = "busy"
    """Another git command, a merge or a rebase is under way there."""


class CheckoutRefusedError(Cc4tuiError):
    """The checkout was left as it was."""

    def __init__(self, code: Refusal, reason: str, files: tuple[str, ...] = ()) -> None:
        super().__init__(reason)
        self.code = code
        self.files = files


async def merge_into(private: PrivateGit, checkout: Path, old: str, new: str, target: str) -> None:
    """Fast-forward a work tree that has `target` checked out.

    Raises:
        CheckoutRefusedError: files are in the way, or something else is under way there.
        GitError: git failed for another reason.
    """
    person = await PersonCheckout.open(private, checkout)
    if person.location.common_dir != private.repository.common_dir:
        where = person.location.common_dir
        raise CheckoutRefusedError(
            Refusal.TAMPERED, f"{checkout} belongs to another repository, {where}"
        )
    await _refuse_filters(person, old, new)
    ref = f"{BRANCHES}{target}"
    await begin_landing(person, ref, old, new)
    try:
        async with freeing_locks(person.locks(ref)):
            await person.run(
                ["merge", "-q", "--ff-only", "--no-autostash", "--no-verify-signatures", new],
                settings={f"branch.{target}.mergeOptions": ""},
            )
    except GitError as error:
        refusal = _explained(error, checkout)
        if isinstance(refusal, CheckoutRefusedError):
            end_landing(private)
        raise refusal from error
    end_landing(private)


async def _refuse_filters(person: PersonCheckout, old: str, new: str) -> None:
    """Files that need a program of the repository's configuration are left to the person."""
    undone = [k for k, value in neutral_settings(person.config).items() if value in {"", "false"}]
    drivers = {key.split(".", 1)[1].rpartition(".")[0] for key in undone}
    if not drivers:
        return
    paths = [change.path for change in await changed_files(person.private, old, new)]
    attributes = await _filter_attributes(person.private, new, paths)
    files = tuple(path for path, driver in attributes.items() if driver in drivers)
    if files:
        raise CheckoutRefusedError(
            Refusal.FILTERS,
            f"{', '.join(files[:5])} would go through a filter program that the repository's "
            "own configuration names",
            files,
        )


async def _filter_attributes(private: PrivateGit, commit: str, paths: list[str]) -> dict[str, str]:
    """The `filter` attribute of each path, as the files of `commit` say."""
    with private.passing_index("landing") as index:
        await private.run(["read-tree", commit], index=index)
        result = await private.run(
            ["check-attr", "--cached", "--stdin", "-z", "filter"],
            index=index,
            stdin=b"".join(path.encode("utf-8", "surrogateescape") + b"\0" for path in paths),
        )
    return dict(zip(result.fields[0::3], result.fields[2::3], strict=True))


def _explained(error: GitError, checkout: Path) -> Cc4tuiError:
    files = tuple(re.findall(r"^\t(.+)$", error.stderr, re.MULTILINE))
    if "would be overwritten" in error.stderr or "would lose untracked" in error.stderr:
        shown = ", ".join(files[:5]) + (", ..." if len(files) > 5 else "")
        reason = f"your changes to {shown} in {checkout} would be overwritten"
        return CheckoutRefusedError(Refusal.CLASH, reason, files)
    if _BUSY.search(error.stderr):
        last = error.stderr.splitlines()[0]
        return CheckoutRefusedError(Refusal.BUSY, f"git says about {checkout}: {last}")
    return error
