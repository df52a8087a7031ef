"""Our own format, version 1: the common structure, taken at its word."""

from typing import Any

from cc4tui.services.plans import values
from cc4tui.services.plans.draft import PlanDraft
from cc4tui.services.plans.readers.base import Options, Reader
from cc4tui.services.plans.source import Source
from cc4tui.services.plans.structure import Profile, read_structure
from cc4tui.services.plans.text import nearest, quote


PROFILE = Profile("cc4", strict=True, adopt_loose=True)


def detect(source: Source) -> str | None:
    """The front matter has the key ``cc4``."""
    return "front matter has cc4" if "cc4" in source.matter.values else None


def read(source: Source, plan: PlanDraft, options: Options) -> None:
    """Read the front matter's defaults, then the structure."""
    matter = source.matter.values
    version = str(matter.get("cc4", "1")).strip()
    if version != "1":
        hint = "this program reads version 1"
        plan.error("E09", 0, f"cc4: bad value {quote(version)}", hint)
    plan.defaults = read_defaults(matter, plan)
    granularity = options.granularity
    if granularity == "auto":
        granularity = plan.defaults.get("granularity", "auto")
    read_structure(source.survey(granularity), plan, PROFILE)


def read_defaults(matter: dict[str, Any], plan: PlanDraft) -> dict[str, Any]:
    """Front matter keys that default those of tasks; a typo is an error (E07)."""
    out: dict[str, Any] = {}
    for key, value in matter.items():
        if key not in values.PLAN_KEYS:
            guess = nearest(key, values.PLAN_KEYS)
            if guess:
                plan.error("E07", 0, f"unknown key {quote(key)}", f"did you mean {guess}")
            else:
                plan.warn("W02", 0, f"front matter key {quote(key)} means nothing here")
            continue
        try:
            out |= _default(key, value)
        except ValueError as error:
            plan.error("E09", 0, f"{key}: bad value {quote(str(value))}", str(error))
    return out


def _default(key: str, value: Any) -> dict[str, Any]:
    if key in values.SINGLE:
        return {key: values.SINGLE[key](value)}
    if key == "max_parallel":
        return {key: max(1, values.whole(value))}
    if key == "granularity":
        return {key: values.one_of("auto", "leaf", "group")(value)}
    if key == "parallel":
        return {key: values.boolean(value)}
    if key == "verify":
        return {key: values.commands(value)}
    if key == "labels":
        return {key: values.strings(value)}
    return {}


READER = Reader("cc4", detect, read)
