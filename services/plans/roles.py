"""Gives every box and heading of a document its role, at the granularity that is asked for."""

from cc4tui.services.plans.box_roles import judge_boxes
from cc4tui.services.plans.heading_roles import judge_headings
from cc4tui.services.plans.outline import Section
from cc4tui.services.plans.survey import Role, Survey


def assign_roles(found: Survey, granularity: str = "auto") -> None:
    """Give every box and heading its role."""
    judge_boxes(found)
    judge_headings(found)
    if granularity == "leaf":
        _leaves(found)
    elif granularity == "group":
        _groups(found)


def _leaves(found: Survey) -> None:
    """Every box without a box below it is a task."""
    holds: set[Section] = set()
    for box in found.boxes:
        if not (box.zone and not box.has_id):
            box.role = Role.GROUP if box.below else Role.TASK
        if box.above is not None and box.above.role is Role.GROUP:
            box.group = box.above
        if box.role is Role.TASK:
            holds.update(box.section.around)
    for section, role in found.heading_roles.items():
        if role is Role.TASK and section in holds:
            found.heading_roles[section] = Role.GROUP


def _groups(found: Survey) -> None:
    """The outermost box or heading with an id is the task."""
    tops = {s for s, role in found.heading_roles.items() if role in (Role.GROUP, Role.TASK)}
    chosen = {s for s in tops if not any(up in tops for up in s.around[1:])}
    for section in tops:
        found.heading_roles[section] = Role.TASK if section in chosen else Role.NONE
    for box in found.boxes:
        if any(section in chosen for section in box.section.around):
            box.role = Role.STEP if box.role is not Role.ACCEPTANCE else box.role
        elif box.role is Role.GROUP and box.group is None and box.has_id:
            box.role = Role.TASK
        elif box.group is not None and box.role in (Role.TASK, Role.GROUP):
            box.role, box.group = Role.STEP, None
