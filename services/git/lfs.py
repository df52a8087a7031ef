"""Git LFS, the one filter that is let through: known by its exact commands, started by its name."""

import shutil
from pathlib import Path

from cc4tui.services.git.config import ConfigEntry, GitConfig


KNOWN = {
    "filter.lfs.process": {"git-lfs filter-process", "git-lfs filter-process --skip"},
    "filter.lfs.clean": {"git-lfs clean -- %f"},
    "filter.lfs.smudge": {"git-lfs smudge -- %f", "git-lfs smudge --skip -- %f"},
    "filter.lfs.required": {"true"},
}
"""What `git lfs install` writes."""


def is_lfs(entry: ConfigEntry) -> bool:
    """Whether an entry runs git-lfs and nothing else."""
    return entry.value in KNOWN.get(entry.key, ())


def lfs_settings(config: GitConfig, common_dir: Path) -> list[str]:
    """Lines for our own configuration, if the person uses LFS here and git-lfs is installed.

    What agents make is stored as LFS objects of the repository. What is stored already stays a
    pointer in worktrees, so that no checkout downloads anything.
    """
    process = config.get("filter.lfs.process")
    if process not in KNOWN["filter.lfs.process"] or shutil.which("git-lfs") is None:
        return []
    storage = str(common_dir / "lfs").replace("\\", "\\\\").replace('"', '\\"')
    return [
        '[filter "lfs"]',
        "\tprocess = git-lfs filter-process --skip",
        "\tclean = git-lfs clean -- %f",
        "\tsmudge = git-lfs smudge --skip -- %f",
        "\trequired = true",
        "[lfs]",
        f'\tstorage = "{storage}"',
    ]
