"""Batches of a Markdown plan: the innermost heading or group that holds tasks (rule R17)."""

from collections import Counter
from collections.abc import Sequence

from cc4tui.services.plans import values
from cc4tui.services.plans.content import complain_key
from cc4tui.services.plans.draft import BatchDraft, PlanDraft
from cc4tui.services.plans.fields import Field, find_fields, list_texts
from cc4tui.services.plans.meta import MetaError, parse_meta, split_meta
from cc4tui.services.plans.outline import Section
from cc4tui.services.plans.references import listed_references, read_references
from cc4tui.services.plans.survey import Box, Role, Survey
from cc4tui.services.plans.text import quote, slug, squeeze


class BatchBook:
    """Makes a batch when its first task turns up, so that none is ever empty."""

    def __init__(self, found: Survey, plan: PlanDraft, *, strict: bool) -> None:
        self.found = found
        self.plan = plan
        self.strict = strict
        self.unnamed: BatchDraft | None = None
        self.by_section: dict[Section, BatchDraft] = {}
        self.by_box: dict[Box, BatchDraft] = {}
        self.prefixes: dict[str, int] = {}
        self.given: set[str] = set()
        self.families: dict[Section, int] = {}
        for section in found.sections:
            plan.headings.update(squeeze(n) for n in (section.name, section.title) if n)

    def of_box(self, box: Box) -> BatchDraft:
        """The batch of a box task."""
        group = box.group
        while group is not None and group.role is not Role.GROUP:
            group = group.group
        return self.of_section(box.section) if group is None else self._of_group(group)

    def _continued(self, meta: dict[str, object]) -> BatchDraft | None:
        """``{id: x}`` with the id of an earlier batch goes on with it; an empty one with none."""
        wanted = meta.get("id")
        if wanted == "":
            return self._unnamed(None)
        if not wanted:
            return None
        batches = [*self.by_section.values(), *self.by_box.values()]
        return next((b for b in batches if b.id == wanted), None)

    def of_section(self, section: Section | None) -> BatchDraft:
        """The batch of what stands directly under a heading."""
        home = section
        while home is not None and home.parent is not None and self._transparent(home):
            home = home.parent
        if home is None or home.parent is None:
            return self._unnamed(section)
        if home not in self.by_section:
            self.by_section[home] = self._make(home)
        return self.by_section[home]

    def _transparent(self, section: Section) -> bool:
        """Titles, sections named after a status and ``Tasks`` inside a phase are no batches."""
        if section.is_title:
            return not section.kind
        if section.state is not None and not section.kind and section.label is None:
            return True
        return section.lists_tasks

    def _unnamed(self, section: Section | None) -> BatchDraft:
        if self.unnamed is None:
            self.unnamed = BatchDraft("", "", section.line if section else 0, prefix="t")
        return self.unnamed

    def _make(self, section: Section) -> BatchDraft:
        label = section.label
        title, meta = self._meta(section)
        if (earlier := self._continued(meta)) is not None:
            return earlier
        number = label.id if label is not None else section.number
        name = section.name or (
            section.caption.partition(":")[0] if number and label is not None else ""
        )
        initial = section.kind[:1].casefold() if section.kind not in ("", "#") else ""
        prefix = f"{initial}{number}" if number else slug(title)
        draft = BatchDraft(number or slug(title), title, section.line, name, self._prefix(prefix))
        draft.declared_tasks = section.declared
        draft.names = [n for up in section.up() for n in (up.name, up.title) if n]
        draft.above = _headings(section.up()[1:])
        above = section.parent
        if above is not None and above.kind and section.kind:
            draft.family = self.families.setdefault(above, len(self.families) + 1)
        self._apply_meta(draft, meta)
        self._read_fields(draft, section)
        if draft.depends is not None:
            draft.family = 0
        self._inherit(draft, section.parent)
        return draft

    def _of_group(self, group: Box) -> BatchDraft:
        if group not in self.by_box:
            label = group.label
            number = label.id
            prefix = number.lstrip("#").rstrip(".") if number else slug(label.title)
            draft = BatchDraft(
                number or slug(label.title), label.title, group.item.line, "", self._prefix(prefix),
            )  # fmt: skip
            draft.names = [number] if number else []
            draft.names += [n for up in group.section.up() for n in (up.name, up.title) if n]
            draft.above = _headings(group.section.up())
            self._apply_meta(draft, label.meta or {})
            self._inherit(draft, group.section)
            self.by_box[group] = draft
        return self.by_box[group]

    def settle_ids(self, batches: list[BatchDraft]) -> None:
        """Numbers as ids where they are unique; else all go by kind and number: p1, b1, b2."""
        ids = Counter(batch.id for batch in batches)
        for batch in batches:
            if ids[batch.id] > 1 and batch.id:
                clash = [b for b in batches if b.name and b.prefix and b.id not in self.given]
                for other in clash:
                    other.id = other.prefix
                break
        taken: set[str] = set()
        for batch in batches:
            if batch.id in taken:
                batch.id = (
                    batch.prefix if batch.prefix not in taken else f"{batch.prefix}~{batch.line}"
                )
            taken.add(batch.id)

    def _prefix(self, wanted: str) -> str:
        chosen, n = wanted, self.prefixes.get(wanted, 0) + 1
        if n > 1:
            while (chosen := f"{wanted}~{n}") in self.prefixes:
                n += 1
        self.prefixes[wanted] = n
        self.prefixes.setdefault(chosen, 1)
        return chosen

    def _meta(self, section: Section) -> tuple[str, dict[str, object]]:
        title, braces = split_meta(section.title)
        if braces is None:
            label = section.label
            return section.title, dict(label.meta) if label is not None and label.meta else {}
        try:
            meta = parse_meta(braces)
        except MetaError:
            if self.strict:
                self.plan.error("E09", section.line, f"not a mapping: {quote(braces)}")
            return section.title, {}
        if not self.strict and any(key not in values.BATCH_KEYS for key in meta):
            return section.title, {}
        return title, meta

    def _apply_meta(self, draft: BatchDraft, meta: dict[str, object]) -> None:
        for key, value in meta.items():
            try:
                if key in values.SINGLE:
                    draft.options[key] = values.SINGLE[key](value)
                elif key == "parallel":
                    draft.parallel = values.boolean(value)
                elif key == "verify":
                    draft.verify += values.commands(value)
                elif key == "depends_on":
                    refs = listed_references(values.strings(value))
                    draft.depends = (draft.depends or []) + refs
                elif key == "id":
                    draft.id = values.one_line(value)
                    self.given.add(draft.id)
                elif key == "labels":
                    draft.options["labels"] = values.strings(value)
                elif self.strict:
                    complain_key(self.plan, key, values.BATCH_KEYS, draft.line)
            except ValueError as error:
                self.plan.error(
                    "E09", draft.line, f"{key}: bad value {quote(str(value))}", str(error)
                )

    def _read_fields(self, draft: BatchDraft, section: Section) -> None:
        for part in self._own_sections(section):
            for found in find_fields(part.blocks, self.found.document.lines):
                self.apply_field(draft, found)
            if part.acceptance:
                draft.acceptance += acceptance_texts(self.found, part)

    def _own_sections(self, section: Section) -> list[Section]:
        """The section, and those below it that are neither batches nor tasks."""
        out, todo = [], [section]
        while todo:
            here = todo.pop()
            out.append(here)
            todo += [
                sub
                for sub in reversed(here.subs)
                if not sub.kind and sub.label is None and sub not in self.by_section
            ]
        return out

    def _inherit(self, draft: BatchDraft, section: Section | None) -> None:
        """What a phase declares holds for the batches below it."""
        for up in section.up() if section is not None else []:
            if draft.depends is not None or up.is_title or not (up.kind or up.label):
                continue
            shell = BatchDraft("", "", up.line)
            for part in self._own_sections(up):
                for found in find_fields(part.blocks, self.found.document.lines):
                    if found.key == "depends_on":
                        self.apply_field(shell, found)
            draft.depends, draft.strict = shell.depends, shell.strict

    def apply_field(self, draft: BatchDraft, found: Field) -> None:
        """Take over a field that stands at the level of a batch."""
        texts = [text for text in [found.value, *list_texts(found.items)] if text]
        if found.key == "goal":
            draft.goal = draft.goal or " ".join(texts)
        elif found.key in ("milestone", "acceptance"):
            draft.acceptance += texts
        elif found.key == "depends_on" and texts:
            refs: list[str] = []
            for text in texts:
                more, strict, none = read_references(text)
                refs += more
                draft.strict = draft.strict and strict
                if none:
                    draft.depends = draft.depends or []
            if refs:
                draft.depends = (draft.depends or []) + refs


def _headings(around: Sequence[Section]) -> list[str]:
    """Headings as they would be written, outermost first, the document's title left out."""
    return [up.caption for up in reversed(around) if not up.is_title or up.kind]


def acceptance_texts(found: Survey, section: Section) -> list[str]:
    """Boxes without an id in a section about acceptance, and in those below it."""
    return [
        box.label.plain or box.label.title
        for box in found.by_section.get(section, ())
        if box.role is Role.ACCEPTANCE and box.above is None
    ]
