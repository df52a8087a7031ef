"""What the end of a process means, and which words of others become a reason."""

import errno

import pytest

from cc4tui.domain.agent import ContextExhausted, ExitStatus, LoginNeeded, ProblemMet
from cc4tui.domain.run import AttemptOutcome, ReasonCode
from cc4tui.services.agents.conclusion import (
    ended_by_others,
    failed_exit,
    how_it_ended,
    telling_line,
)
from cc4tui.services.agents.reasons import is_context_full, problem, reason_code, sentence


OUTCOME, CODE = AttemptOutcome, ReasonCode


@pytest.mark.parametrize(
    ("status", "outcome", "code", "reason"),
    [
        (ExitStatus(0, "timeout"), OUTCOME.TIMED_OUT, CODE.TIMEOUT, "stopped at its time limit"),
        (
            ExitStatus(-2, "silence"),
            OUTCOME.TIMED_OUT,
            CODE.SILENCE,
            "stopped: x wrote nothing for too long",
        ),
        (ExitStatus(-9, "stopped"), OUTCOME.STOPPED, CODE.STOPPED, "stopped"),
        (
            ExitStatus(0, "cancelled by a person"),
            OUTCOME.STOPPED,
            CODE.STOPPED,
            "cancelled by a person",
        ),
        (
            ExitStatus(-9, "supervisor-lost"),
            OUTCOME.LOST,
            CODE.LOST,
            "x was lost: its end was not seen (supervisor-lost)",
        ),
        (ExitStatus(None), OUTCOME.LOST, CODE.LOST, "x was lost: its end was not seen"),
        (
            ExitStatus(None, "exec", errno.ENOENT),
            OUTCOME.FAILED,
            CODE.AGENT,
            "x could not be started: No such file or directory",
        ),
    ],
)
def test_ended_by_others(
    status: ExitStatus, outcome: AttemptOutcome, code: ReasonCode, reason: str
) -> None:
    result = ended_by_others(status, "x")
    assert result is not None
    assert (result.outcome, result.reason_code, result.reason) == (outcome, code, reason)


@pytest.mark.parametrize("status", [ExitStatus(0), ExitStatus(7), ExitStatus(-9, "lingering")])
def test_ended_by_itself(status: ExitStatus) -> None:
    assert ended_by_others(status, "x") is None


def test_how_it_ended() -> None:
    assert how_it_ended(3) == "ended with exit code 3"
    assert how_it_ended(-9) == "was killed by SIGKILL"
    assert how_it_ended(-99) == "was killed by signal 99"
    assert how_it_ended(None) == "ended without an exit code"


TRACEBACK = """\
Traceback (most recent call last):
  File "agent.py", line 3, in <module>
    main()
ValueError: the plan has no file
"""
NODE = """\
Warning: 256-color support not detected.
Error when talking to Gemini API _ApiError: {"error":{"code":401,"status":"UNAUTHENTICATED"}}
    at throwErrorIfNotOK (file:///x/chunk.js:1:24)
    at async Turn.run (file:///x/chunk.js:3:24) {
  status: 401
}
"""


@pytest.mark.parametrize(
    ("stderr", "expected"),
    [
        ("", ""),
        ("\n \n}\n", ""),
        ("first\nsecond\n", "second"),
        (TRACEBACK, "ValueError: the plan has no file"),
        ("error: no key\nbye\n", "error: no key"),
        ("\x1b[31merror:\x1b[0m  bad\x07 thing\n", "error: bad thing"),
    ],
)
def test_the_line_that_tells_most(stderr: str, expected: str) -> None:
    assert telling_line(stderr) == expected


def test_a_stack_of_node_is_skipped() -> None:
    assert telling_line(NODE).startswith("Error when talking to Gemini API")
    assert failed_exit("gemini", ExitStatus(145), NODE).reason_code is CODE.LOGIN


def test_the_refusal_of_root_is_told_in_its_own_words() -> None:
    words = "--dangerously-skip-permissions cannot be used with root/sudo privileges"
    result = failed_exit("claude", ExitStatus(1), f"{words} for security reasons\n")
    assert result.reason == f"claude ended with exit code 1: {words} for security reasons"
    assert result.reason_code is CODE.AGENT


@pytest.mark.parametrize(
    ("text", "status", "code"),
    [
        ("Invalid API key · Fix external API key", None, CODE.LOGIN),
        ("Not logged in · Please run /login", None, CODE.LOGIN),
        ("unexpected status 401 Unauthorized: invalid x-api-key", None, CODE.LOGIN),
        ("Missing environment variable: `OPENAI_API_KEY`", None, CODE.LOGIN),
        ("anything", 401, CODE.LOGIN),
        ("anything", 403, CODE.LOGIN),
        ("anything", 429, CODE.QUOTA),
        ("anything", 529, CODE.QUOTA),
        ("API Error: Request rejected (429) · exceeded your rate limit", None, CODE.QUOTA),
        ("exceeded retry limit, last status: 429 Too Many Requests", None, CODE.QUOTA),
        ("We're currently experiencing high demand", None, CODE.QUOTA),
        ("Selected model is at capacity. Please try another", None, CODE.QUOTA),
        ("Credit balance is too low", None, CODE.QUOTA),
        ("RESOURCE_EXHAUSTED", None, CODE.QUOTA),
        ("API Error: 529 Overloaded.", None, CODE.QUOTA),
        ("API Error: 500 mock error 500", 500, CODE.AGENT),
        ("Unable to connect to API (ConnectionRefused)", None, CODE.AGENT),
        ("wrote 14290 lines and 4290 tests", None, CODE.AGENT),
        ("", None, CODE.AGENT),
    ],
)
def test_reason_codes(text: str, status: int | None, code: ReasonCode) -> None:
    assert reason_code(text, status) is code


def test_context() -> None:
    assert is_context_full("Prompt is too long")
    assert is_context_full("input exceeds the context window of this model")
    assert not is_context_full("the prompt was fine")


def test_sentences_are_short_single_lines() -> None:
    assert sentence(" a\n\tb\x1b]52;c;Zm9v\x07 c ") == "a b c"
    assert len(sentence("x" * 10_000)) == 400


@pytest.mark.parametrize(
    ("words", "status", "about", "event"),
    [
        ("who are you?", 401, "", LoginNeeded("who are you?", CODE.LOGIN)),
        ("no", None, "authentication_failed", LoginNeeded("no", CODE.LOGIN)),
        ("Prompt is too long", 400, "", ContextExhausted("Prompt is too long")),
        ("slow down", 429, "", ProblemMet("slow down", CODE.QUOTA)),
        ("a bad tool\ncall", None, "", ProblemMet("a bad tool call")),
    ],
)
def test_an_error_is_an_event_of_its_kind(
    words: str, status: int | None, about: str, event: ProblemMet
) -> None:
    assert problem(words, status, about=about) == event
