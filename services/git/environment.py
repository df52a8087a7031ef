"""What git gets to see: a scrubbed environment and settings that no repository can override."""

import os
from collections.abc import Mapping
from types import MappingProxyType


PASSED = ("PATH", "HOME", "XDG_CONFIG_HOME", "TMPDIR", "TZ", "USER", "LOGNAME")
"""Variables of ours that git needs; every inherited GIT_* is dropped."""

CONFIG_VARIABLES = ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM")
"""Where the person's own configuration lies; passed only where that configuration must count."""

SAFE_SETTINGS: Mapping[str, str] = MappingProxyType(
    {
        "core.hooksPath": "/dev/null",
        "core.fsmonitor": "false",
        "core.pager": "cat",
        "core.fsync": "objects,reference",
        "gc.auto": "0",
        "maintenance.auto": "false",
        "protocol.ext.allow": "never",
        "submodule.recurse": "false",
        "log.showSignature": "false",
        "worktree.useRelativePaths": "false",
    }
)
"""Given on the command line, where they outrank every file that an agent can write."""


def safe_arguments() -> list[str]:
    """The settings above as ``-c`` arguments."""
    return [part for key, value in SAFE_SETTINGS.items() for part in ("-c", f"{key}={value}")]


def base_environment() -> dict[str, str]:
    """What every git call gets: no prompt, no pager, no translation, no replaced objects."""
    env = {name: os.environ[name] for name in PASSED if name in os.environ}
    env |= {
        "LC_ALL": "C",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_NO_REPLACE_OBJECTS": "1",
    }
    return env


def sealed_environment() -> dict[str, str]:
    """For our own calls: neither the system's nor the person's configuration is read."""
    return base_environment() | {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null"}


def person_environment() -> dict[str, str]:
    """For reading the person's settings, and for the one merge into their own checkout."""
    kept = {name: os.environ[name] for name in CONFIG_VARIABLES if name in os.environ}
    return base_environment() | kept
