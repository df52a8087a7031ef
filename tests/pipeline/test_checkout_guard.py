"""Who is suspected when the person's checkout changed."""

from dataclasses import dataclass, field
from typing import cast

from cc4tui.services.git.checkout_watch import CheckoutState, CheckoutWatch
from cc4tui.services.pipeline.checkout_guard import CheckoutGuard


@dataclass
class _Checkout:
    """Stands for a watch: the files are as they are when a look begins."""

    at_work: set[str]
    files: dict[str, object] = field(default_factory=dict)
    ends: str = ""
    """The task that ends during the next look, after it wrote behind that look's back."""

    async def take(self) -> CheckoutState:
        seen = CheckoutState(None, dict(self.files))
        if self.ends:
            self.files[f"by {self.ends}"] = 1
            self.at_work.discard(self.ends)
            self.ends = ""
        return seen

    async def keep_lost(self, *_: object) -> list[str]:
        return []


async def test_who_ended_during_a_look_is_suspected_in_the_next() -> None:
    checkout = _Checkout({"a", "b", "c"})
    guard = CheckoutGuard(cast("CheckoutWatch", checkout), "r1", CheckoutState(None, {}), spared=())
    for task in sorted(checkout.at_work):
        guard.began(task)
    checkout.at_work.discard("a")
    checkout.ends = "b"
    assert await guard.look(lambda: checkout.at_work) is None
    news = await guard.look(lambda: checkout.at_work)
    assert news is not None
    assert (news.files, news.tasks) == (("by b",), ("b", "c"))
    checkout.files["later"] = 1
    news = await guard.look(lambda: checkout.at_work)
    assert news is not None
    assert news.tasks == ("c",), "what ended before a look began is not suspected after it"
