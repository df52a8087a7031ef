"""What counts as a change of a plan that is being run."""

from cc4tui.services.pipeline.plan_difference import PlanDifference, compare_plans
from cc4tui.services.plans.reading import read_plan


PLAN = """\
---
cc4: 1
---
# P

## Batch 1: A
- [ ] 1.1 One
  - Files: `a.py`
- [ ] 1.2 Two {depends_on: [1.1]}
  Some words for the agent.
"""


def difference(after: str) -> PlanDifference:
    return compare_plans(read_plan(PLAN.encode(), "p.md"), read_plan(after.encode(), "p.md"))


def test_the_same_plan_is_no_difference():
    assert not difference(PLAN)


def test_ticks_and_moved_lines_are_no_difference():
    assert not difference(PLAN.replace("[ ] 1.1", "[x] 1.1"))
    assert not difference(PLAN.replace("# P\n", "# P\n\nA paragraph.\n\n"))


def test_a_new_task_is_added():
    assert difference(PLAN + "- [ ] 1.3 Three\n") == PlanDifference(added=("1.3",))


def test_a_task_that_is_gone_is_removed():
    found = difference(PLAN.replace("- [ ] 1.2 Two {depends_on: [1.1]}\n", ""))
    assert found.removed == ("1.2",)


def test_other_words_files_order_or_limits_are_a_change():
    for old, new in [
        ("Two", "Zwei"),
        ("Some words", "Other words"),
        ("`a.py`", "`b.py`"),
        ("{depends_on: [1.1]}", "{timeout: 5}"),
    ]:
        assert difference(PLAN.replace(old, new)).changed, new
