"""The text that `plan new` begins a plan with."""

from datetime import date

from cc4tui.services.plans.formatting import quoted


def new_plan(title: str, today: date) -> str:
    """A small plan in our own format that runs as it stands once its titles are filled in."""
    title = " ".join(title.split()) or "New plan"
    return f"""---
cc4: 1
title: {quoted(title)}
created: {today.isoformat()}
max_parallel: 3
# verify: pytest -q        a command that has to pass after every task
---
# {title}

**Goal:** say in one line what is different when this plan is done.

## Batch 1: First things

- [ ] 1.1 Describe the first task
  - Files: `path/to/file.py`
  - Acceptance:
    - what can be seen when it is done

- [ ] 1.2 Describe a task that can run beside the first one

## Batch 2: What needs the first batch

- [ ] 2.1 Describe a task that waits for batch 1
  - Depends on: 1.1
"""
