"""Which of the person's environment variables an agent gets to see."""

import re
from collections.abc import Iterable, Mapping
from fnmatch import translate
from functools import lru_cache


PASSED = (
    # who and where
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "TERM", "COLORTERM", "NO_COLOR", "TZ",
    "TMPDIR", "TMP", "TEMP", "XDG_*",
    # language
    "LANG", "LANGUAGE", "LC_*", "LOCALE_ARCHIVE",
    # the way out: proxies and certificates
    "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "FTP_PROXY", "NO_PROXY",
    "http_proxy", "https_proxy", "all_proxy", "ftp_proxy", "no_proxy",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
    "NIX_SSL_CERT_FILE",
    # where tool chains live; agents build and test with them
    "ASDF_DIR", "ASDF_DATA_DIR", "BUN_INSTALL", "CARGO_HOME", "DOTNET_ROOT", "FNM_DIR", "GOPATH",
    "GOROOT", "JAVA_HOME", "MISE_DATA_DIR", "NIX_PATH", "NIX_PROFILES", "NVM_DIR", "PNPM_HOME",
    "PYENV_ROOT", "RBENV_ROOT", "RUSTUP_HOME", "SDKMAN_DIR", "VOLTA_HOME",
    # authorship, for agents that commit by themselves
    "GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL",
)  # fmt: skip
"""Names that pass always; ``*`` stands for any characters. Nothing in here may hold a secret."""

NEVER_OURS = (
    # our own interpreter's surroundings break the agent's
    "PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "PYTHONSAFEPATH", "PYTHONDONTWRITEBYTECODE",
    "VIRTUAL_ENV", "VIRTUAL_ENV_PROMPT", "__PYVENV_LAUNCHER__",
    # point git at another repository, index or configuration
    "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_NAMESPACE", "GIT_PREFIX", "GIT_CEILING_DIRECTORIES",
    "GIT_CONFIG", "GIT_CONFIG_*", "GIT_EXEC_PATH", "GIT_TEMPLATE_DIR", "GIT_QUARANTINE_PATH",
    "GIT_INTERNAL_*", "GIT_SHALLOW_FILE", "GIT_REPLACE_REF_BASE", "GIT_GRAFT_FILE",
    # the attempt of an outer run, when we run inside an agent ourselves
    "CC4_*",
)  # fmt: skip
"""Names that no pattern of an agent lets through; its own `env` table may still set them."""

PRIVATE = "CC4TUI_*"
"""Our own configuration: never in an agent's environment, however it got there."""


def scrubbed_environment(
    base: Mapping[str, str], passes: Iterable[str], extra: Mapping[str, str]
) -> dict[str, str]:
    """Environment for an agent or a command of the plan.

    An allow-list, because a person's shell holds keys of services the agent has nothing to do
    with, and because variables such as GIT_DIR redirect it out of its worktree.

    Args:
        base: The person's environment.
        passes: Names this agent needs besides; ``*`` stands for any characters.
        extra: Set on top, whatever the list says: the agent's configuration and its job.
    """
    allowed = (*PASSED, *passes)
    kept = {
        name: value
        for name, value in base.items()
        if _matches(name, allowed) and not _matches(name, NEVER_OURS)
    }
    merged = {**kept, **extra}
    return {name: value for name, value in merged.items() if not _matches(name, (PRIVATE,))}


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return _any_of(patterns).match(name) is not None


@lru_cache(maxsize=64)
def _any_of(patterns: tuple[str, ...]) -> re.Pattern[str]:
    """Every attempt asks again, of every variable: one expression is 30 times as fast as a loop."""
    return re.compile("|".join(map(translate, patterns)))
