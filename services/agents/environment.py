"""What agents find in their environment: the task, and the person's variables that they need."""

import re
from collections.abc import Mapping

from cc4tui.domain.agent import AgentJob
from cc4tui.domain.agent_spec import AgentSpec


VALUE_LIMIT = 8192
"""Characters of one value; Linux refuses a string of 128 KiB and with it the whole program."""

_REFUSED = re.compile(r"[\0\ud800-\udc7f\udd00-\udfff]")

CLOUD_PASSES = (
    "AWS_*",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "GOOGLE_CLOUD_*",
    "GCLOUD_*",
    "CLOUDSDK_*",
    "CLOUD_ML_REGION",
    "VERTEX_*",
    "AZURE_*",
)
"""Keys and regions for agents whose model is rented from a cloud."""


def job_environment(job: AgentJob) -> dict[str, str]:
    """The variables that every agent gets to know its task by."""
    values = {
        "CC4_RUN": job.run,
        "CC4_TASK": job.task,
        "CC4_TASK_TITLE": job.title,
        "CC4_ATTEMPT": str(job.attempt),
        "CC4_PLAN": job.plan,
        "CC4_PROMPT_FILE": str(job.prompt_file),
    }
    return {name: printable(value) for name, value in values.items()}


def printable(value: str) -> str:
    """A value that the system accepts: no NUL, nothing that cannot be encoded, not too long."""
    return _REFUSED.sub("", value)[:VALUE_LIMIT]


def defaults(
    spec: AgentSpec, person: Mapping[str, str], values: Mapping[str, str]
) -> dict[str, str]:
    """Those of `values` that neither the person's environment nor the agent's settings give."""
    return {
        name: value for name, value in values.items() if name not in person and name not in spec.env
    }
