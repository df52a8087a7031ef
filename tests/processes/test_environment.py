"""What agents get to see of a person's environment."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cc4tui.services.processes.environment import scrubbed_environment


NAMES = st.one_of(
    st.sampled_from(
        [
            "PATH",
            "GIT_DIR",
            "CC4TUI_X",
            "CC4_TOKEN",
            "PYTHONPATH",
            "LC_ALL",
            "AWS_KEY",
            "GIT_INDEX_FILE",
        ]
    ),
    st.text(string.ascii_letters + "_", min_size=1, max_size=12),
)
ENVIRONMENTS = st.dictionaries(NAMES, st.text(max_size=8), max_size=12)


@pytest.mark.parametrize(
    "name",
    [
        "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TERM",
        "TMPDIR", "HTTP_PROXY", "https_proxy", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR",
        "NODE_EXTRA_CA_CERTS", "XDG_CONFIG_HOME", "GIT_AUTHOR_NAME",
    ],
)  # fmt: skip
def test_what_every_program_needs_passes(name: str) -> None:
    assert scrubbed_environment({name: "x"}, (), {}) == {name: "x"}


@pytest.mark.parametrize(
    "name",
    [
        "AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "ANTHROPIC_API_KEY", "OPENAI_API_KEY",
        "SSH_AUTH_SOCK", "DATABASE_URL", "LD_PRELOAD", "path", "PATHS", "MY_PATH",
    ],
)  # fmt: skip
def test_what_nobody_named_does_not_pass(name: str) -> None:
    assert scrubbed_environment({name: "x"}, (), {}) == {}


@pytest.mark.parametrize(
    "name",
    [
        "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY",
        "GIT_CONFIG_GLOBAL", "GIT_CONFIG_KEY_0", "GIT_EXEC_PATH", "PYTHONPATH", "PYTHONHOME",
        "VIRTUAL_ENV", "CC4_TOKEN", "CC4_RUN", "CC4TUI_STATE_DIR",
    ],
)  # fmt: skip
def test_a_pattern_of_an_agent_does_not_let_what_redirects_through(name: str) -> None:
    assert scrubbed_environment({name: "x"}, ("*", name), {}) == {}


def test_an_agent_gets_the_names_it_asks_for() -> None:
    base = {
        "ANTHROPIC_API_KEY": "k",
        "ANTHROPIC_BASE_URL": "u",
        "OPENAI_API_KEY": "o",
        "IS_SANDBOX": "1",
    }
    assert scrubbed_environment(base, ("ANTHROPIC_*", "IS_SANDBOX"), {}) == {
        "ANTHROPIC_API_KEY": "k",
        "ANTHROPIC_BASE_URL": "u",
        "IS_SANDBOX": "1",
    }


def test_what_is_set_on_purpose_wins_over_the_person_s() -> None:
    got = scrubbed_environment({"PATH": "/a", "GIT_DIR": "/x"}, (), {"PATH": "/b", "GIT_DIR": "/y"})
    assert got == {"PATH": "/b", "GIT_DIR": "/y"}


def test_our_own_configuration_never_reaches_an_agent() -> None:
    assert scrubbed_environment({"CC4TUI_A": "1"}, ("CC4TUI_A",), {"CC4TUI_B": "2"}) == {}


def test_a_question_mark_in_a_value_or_bracket_in_a_name_is_no_pattern_of_the_base() -> None:
    assert scrubbed_environment({"A[b]": "1", "A?": "2"}, ("A[b]",), {}) == {}


@given(ENVIRONMENTS, st.lists(NAMES, max_size=4), ENVIRONMENTS)
def test_whatever_comes_in(base: dict[str, str], passes: list[str], extra: dict[str, str]) -> None:
    got = scrubbed_environment(base, passes, extra)
    assert not any(name.startswith("CC4TUI_") for name in got)
    assert all(got[name] == value for name, value in extra.items() if name in got)
    for name in got.keys() - extra.keys():
        assert got[name] == base[name]
        assert name not in {"GIT_DIR", "GIT_INDEX_FILE", "PYTHONPATH", "CC4_TOKEN"}
