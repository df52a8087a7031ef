"""Sorts what agents say of their failures into the reason codes that programs read."""

import re

from cc4tui.domain.agent import ContextExhausted, LoginNeeded, ProblemMet
from cc4tui.domain.run import ReasonCode
from cc4tui.domain.text import clean


LOGIN_STATUSES = frozenset({401, 403})
QUOTA_STATUSES = frozenset({402, 429, 529})
SENTENCE_LIMIT = 400
"""Characters of another program's words that are put into a reason."""

_LOGIN = re.compile(
    r"authentication[_ ](?:failed|error)|not logged in|please (?:run )?/?log ?in"
    r"|invalid.{0,20}api.?key|api key not valid|missing environment variable|no api key"
    r"|unauthenticated|unauthori[sz]ed"
    r"|oauth_org_not_allowed|token (?:has )?expired|set an auth method|must specify.{0,40}api_key"
    r"|status:? 40[13]\b|\b40[13] (?:unauthorized|forbidden)",
    re.IGNORECASE,
)
_QUOTA = re.compile(
    r"rate.?limit|too many requests|overloaded|billing_error|credit balance|(?<!disk )quota"
    r"|usage limit|hit your (?:\w+ )?limit|resource.?exhausted|at capacity|high demand"
    r"|insufficient.{0,10}funds|(?:status:?|code\W{0,3}|error:?) (?:402|429|529)\b|\b429\b",
    re.IGNORECASE,
)
_CONTEXT = re.compile(
    r"prompt is too long|context (?:window|length)|input.{0,20}too (?:long|large)"
    r"|exceeds the (?:maximum|model).{0,30}tokens|contextoverflow",
    re.IGNORECASE,
)


def reason_code(text: str, status: int | None = None) -> ReasonCode:
    """What a failure means, by its HTTP status if there is one, else by its words."""
    if status is not None:
        if status in LOGIN_STATUSES:
            return ReasonCode.LOGIN
        if status in QUOTA_STATUSES:
            return ReasonCode.QUOTA
    if _LOGIN.search(text):
        return ReasonCode.LOGIN
    if _QUOTA.search(text):
        return ReasonCode.QUOTA
    return ReasonCode.AGENT


def problem(words: str, status: int | None = None, *, about: str = "") -> ProblemMet:
    """The event for an error that an agent reports, of the kind that its words tell.

    Args:
        words: Told to people.
        status: Of HTTP, where there is one.
        about: More words, which only sort it.
    """
    all_words = f"{about} {words}"
    code = reason_code(all_words, status)
    if code is ReasonCode.LOGIN:
        return LoginNeeded(sentence(words), code)
    full = code is ReasonCode.AGENT and is_context_full(all_words)
    return (ContextExhausted if full else ProblemMet)(sentence(words), code)


def is_context_full(text: str) -> bool:
    """Whether a failure says that the conversation no longer fits the model."""
    return _CONTEXT.search(text) is not None


def failure(program: str, words: str, status: int | None = None) -> tuple[ReasonCode, str]:
    """Code and sentence for what a program says of its own failure."""
    code, told = reason_code(words, status), sentence(words)
    if code is ReasonCode.AGENT and is_context_full(words):
        return code, f"its context window is full: {told}"
    return code, f"{program} failed: {told}"


def sentence(text: str) -> str:
    """Another program's words as one short line, without terminal control."""
    line = " ".join(clean(text).split())
    return line if len(line) <= SENTENCE_LIMIT else line[: SENTENCE_LIMIT - 1] + "…"
