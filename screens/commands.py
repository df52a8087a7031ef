"""The command palette's entries: every verb that makes sense without its key, or does so here."""

from textual.app import App
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.types import IgnoreReturnCallbackType

from cc4tui.screens.verbs import TABLE, Scope, Verb, key_names, verb_id


class VerbProvider(Provider):
    """Offers the verbs; those of another tab bring it to the front."""

    async def discover(self) -> Hits:
        """Everything there is, before something is typed."""
        for scope, verb in self._offered():
            title = _title(scope, verb)
            yield DiscoveryHit(
                _with_keys(Content(title), verb), self._action(scope, verb), text=title
            )

    async def search(self, query: str) -> Hits:
        """What matches the letters that were typed."""
        matcher = self.matcher(query)
        for scope, verb in self._offered():
            title = _title(scope, verb)
            score = matcher.match(title)
            if score > 0:
                shown = _with_keys(matcher.highlight(title), verb)
                yield Hit(score, shown, self._action(scope, verb), text=title)

    def _offered(self) -> list[tuple[Scope, Verb]]:
        """What a key does here, or everywhere, or makes sense without one; moving about last."""
        active = self.screen.active_bindings.values()
        here = {it.binding.id for it in active if it.enabled}
        every = ((scope, verb) for scope, row in TABLE.items() for verb in row)
        found = [it for it in every if it[1].palette or verb_id(*it) in here]

        def rank(it: tuple[Scope, Verb]) -> tuple[bool, bool, bool]:
            return not it[1].palette, verb_id(*it) not in here, it[0] is Scope.EVERYWHERE

        return sorted(found, key=rank)

    def _action(self, scope: Scope, verb: Verb) -> IgnoreReturnCallbackType:
        app = self.app

        async def act() -> None:
            await _perform(app, scope, verb)

        return act


def _title(scope: Scope, verb: Verb) -> str:
    return verb.help if scope is Scope.EVERYWHERE else f"{scope.value}: {verb.help}"


def _with_keys(title: Content, verb: Verb) -> Content:
    return Content.assemble(title, "  ", ("  ".join(key_names(verb)), "$accent"))


async def _perform(app: App[object], scope: Scope, verb: Verb) -> None:
    from cc4tui.screens.app import CommandCenterApp

    assert isinstance(app, CommandCenterApp)
    await app.perform(scope, verb)
