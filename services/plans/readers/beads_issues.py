"""The issues of a beads file. Apart, because importing pydantic is dear."""

from cc4tui.services.plans.draft import MAX_TASKS, BatchDraft, PlanDraft
from cc4tui.services.plans.readers.beads import json_line
from cc4tui.services.plans.readers.records import (
    Record,
    Text,
    Texts,
    add_task,
    paragraphs,
    set_priority,
    state_of,
    validate,
)


class Dependency(Record):
    """An edge to another issue."""

    depends_on_id: str = ""
    type: str = "blocks"


class Issue(Record):
    """An issue as beads writes it."""

    id: str
    title: Text = None
    status: str = "open"
    description: Text = None
    design: Text = None
    acceptance_criteria: Text = None
    notes: Text = None
    priority: Text = None
    issue_type: str = "task"
    labels: Texts = ()
    dependencies: list[Dependency] | None = None


def read_issues(lines: list[str], plan: PlanDraft) -> None:
    """Read every line into tasks and batches."""
    issues: list[tuple[int, Issue]] = []
    for number, line in enumerate(lines):
        if not line.strip():
            continue
        value = json_line(line)
        if value is None:
            plan.warn("W11", number, "this line is no JSON object", "beads writes one a line")
            continue
        if len(issues) >= MAX_TASKS:
            plan.too_many(number)
            break
        issue = validate(Issue, value, number, plan)
        if issue is not None and issue.status != "tombstone":
            issues.append((number, issue))
    _build(issues, plan)


def _parents(issue: Issue) -> list[str]:
    found = [d.depends_on_id for d in issue.dependencies or () if d.type == "parent-child"]
    if not found and "." in issue.id:
        found = [issue.id.rpartition(".")[0]]
    return found


def _build(issues: list[tuple[int, Issue]], plan: PlanDraft) -> None:
    by_id = {issue.id: (number, issue) for number, issue in issues}
    epics = {p for _, issue in issues for p in _parents(issue) if p in by_id}
    epics = {one for one in epics if by_id[one][1].issue_type == "epic"}
    batches: dict[str, BatchDraft] = {}
    for number, issue in issues:
        if issue.id in epics:
            continue
        home = next((p for p in _parents(issue) if p in epics), "")
        if home not in batches:
            line, title = (by_id[home][0], by_id[home][1].title or "") if home else (number, "")
            batches[home] = BatchDraft(home, title, line, prefix=home or "t")
            plan.batches.append(batches[home])
        _add(issue, number, batches[home], plan)


def _add(issue: Issue, number: int, batch: BatchDraft, plan: PlanDraft) -> None:
    task = add_task(plan, batch, issue.id, issue.title or "", (number, number))
    task.state = state_of(issue.status)
    task.outside = True  # an edge may lead to an issue that was compacted away
    task.depends = [d.depends_on_id for d in issue.dependencies or () if d.type == "blocks"]
    task.labels = list(issue.labels)
    if issue.acceptance_criteria:
        task.acceptance = [
            text for line in issue.acceptance_criteria.splitlines() if (text := line.strip(" -*\t"))
        ]
    task.body = paragraphs(description=issue.description, Design=issue.design, Notes=issue.notes)
    set_priority(task, issue.priority)
