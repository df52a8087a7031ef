"""Builds a plan from Markdown structure: what all Markdown dialects have in common."""

from bisect import bisect_left
from dataclasses import dataclass

from cc4tui.domain.plan import PlanTaskState
from cc4tui.services.plans import values
from cc4tui.services.plans.batches import BatchBook, acceptance_texts
from cc4tui.services.plans.blocks import Item, Table
from cc4tui.services.plans.content import Reading, apply_meta, read_content
from cc4tui.services.plans.draft import (
    MAX_TASKS,
    BatchDraft,
    GroupDraft,
    PlanDraft,
    TaskDraft,
)
from cc4tui.services.plans.fields import find_fields, list_texts
from cc4tui.services.plans.labels import IdStyle, Label, normal_id, parse_label
from cc4tui.services.plans.marks import BOX_STATES, status_of_word
from cc4tui.services.plans.mirrors import drop_copies, drop_preview, merge_mirrors
from cc4tui.services.plans.offers import find_offers
from cc4tui.services.plans.outline import Section
from cc4tui.services.plans.paths import field_files, title_files
from cc4tui.services.plans.references import read_references
from cc4tui.services.plans.survey import Box, Role, Survey
from cc4tui.services.plans.tables import TaskRow, certain_rows
from cc4tui.services.plans.text import quote


@dataclass(frozen=True, slots=True)
class Profile:
    """How a Markdown dialect differs from the others."""

    name: str
    sequential: bool = False
    """Unmarked tasks of a batch run one after the other (R8)."""
    strict: bool = False
    """Our own format: unknown keys and bad values are errors."""
    own: bool = True
    """Fields such as Agent, Mode and Run are ours."""
    boxes: bool = True
    headings: bool = True
    tables: bool = True
    adopt_loose: bool = False
    """Outermost boxes without an id are tasks also beside tasks with one."""


def read_structure(found: Survey, plan: PlanDraft, profile: Profile) -> None:
    """Fill `plan` with the tasks among the candidates of `found`."""
    plan.sequential = profile.sequential
    builder = _Builder(found, plan, profile)
    builder.build()
    if not plan.order:
        find_offers(found, plan)
    if not plan.order and not plan.offers:
        builder.last_resort()


def read_bullets(
    found: Survey, plan: PlanDraft, profile: Profile, items: list[tuple[Item, Section]]
) -> None:
    """Fill `plan` with list items that were chosen by the caller."""
    builder = _Builder(found, plan, profile)
    for item, section in items:
        builder.bullet_task(item, section, parse_label(item.label))
    builder.finish()


class _Builder:
    def __init__(self, found: Survey, plan: PlanDraft, profile: Profile) -> None:
        self.found = found
        self.plan = plan
        self.profile = profile
        self.lines = found.document.lines
        self.reading = Reading(profile.strict, profile.own)
        self.batches = BatchBook(found, plan, strict=profile.strict)
        self.of_box: dict[Box, TaskDraft] = {}
        self.cut = found.document.cut

    def build(self) -> None:
        drop_preview(self.found, self.plan)
        drop_copies(self.found, self.plan)
        self.certain()
        if not self.plan.order:
            self.loose(everything=True)
        if not self.plan.order:
            self.plain_bullets()
        self.finish()

    def last_resort(self) -> None:
        """Nothing else is a task: then acceptance boxes (R3) or steps are, outermost ones."""
        for role in (Role.ACCEPTANCE, Role.STEP):
            for box in self.found.boxes:
                if box.role is role and box.above is None and not box.done_definition:
                    self.box_task(box)
            if self.plan.order:
                break
        self.finish()

    def certain(self) -> None:
        """Everything with an explicit id, and what is a task by its form."""
        if self.profile.boxes:
            for box in self.found.boxes:
                if box.role is Role.TASK:
                    self.box_task(box)
        if self.profile.headings:
            for section, role in self.found.heading_roles.items():
                if role is Role.TASK:
                    self.heading_task(section)
        if self.profile.tables:
            self.tables()
        if not self.plan.order and any(b.label.tick is not None for b in self.found.bullets):
            for bullet in self.found.bullets:
                self.bullet_task(bullet.item, bullet.section, bullet.label)
        if self.plan.order:
            self.plain_bullets()
            self.loose(everything=False)

    def full(self, line: int) -> bool:
        """Whether the plan takes no more tasks; notes the first line that is left out."""
        if len(self.plan.order) < MAX_TASKS:
            return False
        self.cut = line if self.cut is None else min(self.cut, line)
        return True

    def add(self, task: TaskDraft) -> TaskDraft | None:
        """Put a task into the plan; None when the plan is full."""
        if self.full(task.line):
            return None
        self.plan.order.append(task)
        task.batch.tasks.append(task)
        return task

    def box_task(self, box: Box) -> TaskDraft | None:
        item, label = box.item, box.label
        if self.full(item.line):
            return None
        task = TaskDraft(label.id, label.title, item.line, item.end, self.batches.of_box(box))
        task.column, task.around = item.column, box.section.says()
        if not task.title and label.style is IdStyle.HASH:
            task.title = label.id  # an issue of a tracker, which has the title
        self.take_label(task, label)
        self.take_mark(task, item, label)
        read_content(task, [item.children], self.lines, self.plan, self.reading, item.content)
        self.of_box[box] = task
        return self.add(task)

    def take_mark(self, task: TaskDraft, item: Item, label: Label) -> None:
        mark = item.mark
        if mark is None:
            task.state = label.tick
            if label.struck and task.state is not PlanTaskState.DONE:
                task.state = PlanTaskState.CANCELLED
            return
        line = self.lines[item.line]
        task.mark = (item.line, line.index("[") + 1)
        task.optional = item.optional
        task.state = BOX_STATES.get(mark)
        if task.state is None or mark == "?":
            text = f"mark [{mark}] is not known; taken as not done"
            self.plan.warn("W03", item.line, text, "use [ ] or [x]", task.mark[1])
            task.state = PlanTaskState.TODO
        if label.struck and task.state is not PlanTaskState.DONE:
            task.state = PlanTaskState.CANCELLED
        elif label.tick is PlanTaskState.DONE and task.state is not PlanTaskState.DONE:
            self.plan.warn(
                "W10", item.line, f"{task_name(task)} has a tick but its box is open",
                "the box counts", task.mark[1],
            )  # fmt: skip

    def take_label(self, task: TaskDraft, label: Label) -> None:
        """Flags, dependencies, files and meta of a label."""
        task.labels += label.labels
        if label.parallel is not None:
            task.parallel = label.parallel
        if label.depends is not None:
            refs, strict, _ = read_references(label.depends)
            task.depends += refs
            task.strict = strict and all(r == "all" or any(map(str.isdigit, r)) for r in refs)
        if label.meta is not None and not apply_meta(task, label.meta, self.plan, self.reading):
            task.title = f"{task.title} {label.braces}"
        if label.bad_meta is not None and self.profile.strict:
            text = f"not a mapping: {quote(label.bad_meta)}"
            self.plan.error("E09", task.line, text, "write {key: value, ...}")
        task.files += title_files(task.title)

    def heading_task(self, section: Section) -> None:
        label = section.label
        assert label is not None
        batch = self.batches.of_section(section.parent)
        task = TaskDraft(label.id, section.title, section.line, section.end, batch)
        task.around = section.parent.says() if section.parent is not None else None
        self.take_label(task, label)
        task.state = label.tick
        if section.mark is not None:
            line = self.lines[section.line]
            task.mark = (section.line, line.index("[") + 1)
            task.state = BOX_STATES[section.mark]
        elif section.done:
            task.state = PlanTaskState.DONE
        if label.struck and task.state is not PlanTaskState.DONE:
            task.state = PlanTaskState.CANCELLED
        self.own_box(task, section)
        inner = _family(section)
        foreign = read_content(
            task, [part.blocks for part in inner], self.lines, self.plan, self.reading
        )
        for found in foreign:
            self.batches.apply_field(batch, found)
        for part in inner[1:]:
            if part.acceptance:
                task.acceptance += _section_texts(part)
        self.add(task)

    def own_box(self, task: TaskDraft, section: Section) -> None:
        """A heading directly followed by its own box is one task (R10)."""
        mine = self.found.by_section.get(section, ())
        box = next((box for box in mine if box.role is Role.NONE), None)
        if box is None:
            return
        self.take_mark(task, box.item, box.label)
        self.take_label(task, box.label)
        task.title = task.title or box.label.title

    def bullet_task(self, item: Item, section: Section, label: Label) -> TaskDraft | None:
        task = TaskDraft(
            label.id, label.title, item.line, item.end, self.batches.of_section(section)
        )
        task.column, task.around = item.column, section.says()
        self.take_label(task, label)
        self.take_mark(task, item, label)
        read_content(task, [item.children], self.lines, self.plan, self.reading, item.content)
        return self.add(task)

    def plain_bullets(self) -> None:
        """Bullets under a heading that is exactly ``Tasks`` inside a phase or batch (R20)."""
        for section in self.found.sections:
            if not section.lists_tasks:
                continue
            for block in section.blocks:
                if isinstance(block, Item) and block.mark is None:
                    self.bullet_task(block, section, parse_label(block.text))

    def tables(self) -> None:
        known = {normal_id(task.id) for task in self.plan.order if task.id}
        for section in [self.found.root, *self.found.sections]:
            for block in section.blocks:
                if not isinstance(block, Table):
                    continue
                for row in certain_rows(block):
                    key = normal_id(row.label.id)
                    if key not in known:  # else an index of tasks that are told elsewhere
                        known.add(key)
                        self.row_task(row, section)

    def row_task(self, row: TaskRow, section: Section) -> TaskDraft | None:
        label = row.label
        batch = self.batches.of_section(section)
        task = TaskDraft(label.id, label.title, row.row.line, row.row.line + 1, batch)
        task.around = section.says()
        self.take_label(task, label)
        task.parallel = True if task.parallel is None else task.parallel
        task.state = status_of_word(row.cells["status"]) if "status" in row.cells else label.tick
        if "files" in row.cells:
            task.files += field_files(row.cells["files"])
        if "depends_on" in row.cells:
            refs, strict, _ = read_references(row.cells["depends_on"])
            task.depends += refs
            task.strict = strict
        if row.cells.get("acceptance"):
            task.acceptance.append(row.cells["acceptance"])
        for key in ("priority", "mode", "effort"):
            if row.cells.get(key) and (key == "priority" or self.profile.own):
                try:
                    task.options[key] = values.SINGLE[key](row.cells[key])
                except ValueError:
                    continue  # a column of this name that means something else
        return self.add(task)

    def loose(self, *, everything: bool) -> None:
        """Boxes without an id: tasks where there are no ids, or beside their likes."""
        if not self.profile.boxes:
            return
        homes = {box.section for box in self.of_box} | self.phases_without_tasks()
        for box in self.found.boxes:
            if box.role is not Role.LOOSE or not box.label.raw:
                continue
            if everything or self.profile.adopt_loose or box.section in homes:
                box.role = Role.TASK
                self.box_task(box)

    def phases_without_tasks(self) -> set[Section]:
        """Named batches whose boxes are all that can be a task in them."""
        lines = sorted(task.line for task in self.plan.order)
        numbered = any(box.section.kind == "#" for box in self.of_box)
        return {
            section
            for section in self.found.by_section
            if (section.kind not in ("", "#") or (section.kind == "#" and numbered))
            and bisect_left(lines, section.line) == bisect_left(lines, section.end)
        }

    def finish(self) -> None:
        if self.cut is not None:
            self.plan.too_many(self.cut)
            self.cut = None
        self.plan.order.sort(key=lambda task: task.line)
        merge_mirrors(self.plan)
        self.plan.batches = list(dict.fromkeys(task.batch for task in self.plan.order))
        self.batches.settle_ids(self.plan.batches)
        for batch in self.plan.batches:
            batch.tasks.sort(key=lambda task: task.line)
            self.name_tasks(batch)
        self.groups()
        self.side_acceptance()

    def name_tasks(self, batch: BatchDraft) -> None:
        """Made ids: the batch's prefix and a number (R9)."""
        number = 0
        taken = {task.id for task in batch.tasks if task.id}
        for task in batch.tasks:
            if task.id:
                continue
            number += 1
            while f"{batch.prefix}-{number}" in taken:
                number += 1
            task.id, task.id_is_made = f"{batch.prefix}-{number}", True

    def groups(self) -> None:
        """Boxes above tasks, for ticking them when all of theirs are done."""
        members: dict[Box, list[TaskDraft]] = {}
        for box, task in self.of_box.items():
            group = box.group
            while group is not None:
                members.setdefault(group, []).append(task)
                group = group.group
        for group, tasks in members.items():
            mark = group.item.mark
            if mark is not None and group.role is Role.GROUP:
                column = self.lines[group.item.line].index("[") + 1
                done = BOX_STATES.get(mark) is PlanTaskState.DONE
                self.plan.groups.append(GroupDraft((group.item.line, column), done, tasks))

    def side_acceptance(self) -> None:
        """Acceptance sections beside a batch belong to the batch before them."""
        for parent in [self.found.root, *self.found.sections]:
            before: BatchDraft | None = None
            for section in parent.subs:
                batch = self.batches.by_section.get(section)
                if batch is not None:
                    before = batch
                elif (
                    section.acceptance
                    and before is not None
                    and parent not in self.batches.by_section
                ):
                    before.acceptance += acceptance_texts(self.found, section)


def task_name(task: TaskDraft) -> str:
    """How messages call a task."""
    return f"task {task.id}" if task.id else f"task {quote(task.title)}"


def _family(section: Section) -> list[Section]:
    out, todo = [], [section]
    while todo:
        here = todo.pop()
        out.append(here)
        todo += reversed(here.subs)
    return out


def _section_texts(section: Section) -> list[str]:
    return list_texts([block for block in section.blocks if isinstance(block, Item)])


def find_goal(found: Survey) -> str:
    """The goal that stands before the first batch."""
    title = next((s for s in found.sections if s.is_title), None)
    for section in [found.root, *([title] if title else [])]:
        for part in find_fields(section.blocks, found.document.lines):
            if part.key == "goal" and part.value:
                return part.value
    return ""
