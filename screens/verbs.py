"""The one table of verbs: bindings, footer, help, palette and docs/keys.md are made from it.

``python -m cc4tui.screens.verbs > docs/keys.md`` writes the page again after a change here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Scope(StrEnum):
    """Where a verb is understood; the value is its heading in help and docs."""

    EVERYWHERE = "Everywhere"
    LISTS = "In lists"
    IDEAS = "Ideas"
    PLANS = "Plans"
    GRAPH = "In the graph of a plan"
    FORECAST = "In the forecast of a plan"
    EXECUTION = "Execution"
    AGENT = "While one agent is shown whole"
    PAST = "While an earlier moment of a run is shown"
    TIMELINE = "In the timeline of a run"
    LOG = "In a log"
    CALL = "In a tool call"
    DIFF = "In a diff"
    TERMINAL = "At a terminal"
    MEMORY = "Memory"
    CAPTURE = "While writing a note"
    FILTER = "While filtering"
    MESSAGE = "While writing to an agent"
    DIALOGS = "In dialogs"
    FORMS = "In fields of a dialog"


@dataclass(frozen=True, slots=True)
class Verb:
    """Something a person can do; the widget of its scope has a method ``action_<action>``."""

    action: str
    keys: str
    """Textual's key names, separated by commas; the first is the one that is shown."""
    label: str
    """A word or two for the footer."""
    help: str
    """One line for help, palette and docs."""
    footer: int = 0
    """Place in the footer, the lowest first; 0 = not there."""
    palette: bool = True
    """Whether it makes sense without a key: always in the command palette, not only where it is in
    force."""
    priority: bool = False
    """Whether it goes before what the focused widget does with the key."""


TABLE: dict[Scope, tuple[Verb, ...]] = {
    Scope.EVERYWHERE: (
        Verb("show_tab('ideas')", "1", "Ideas", "Show the Ideas tab"),
        Verb("show_tab('plans')", "2", "Plans", "Show the Plans tab"),
        Verb("show_tab('execution')", "3", "Execution", "Show the Execution tab"),
        Verb("show_tab('memory')", "4", "Memory", "Show the Memory tab"),
        Verb("capture", "i", "idea", "Capture an idea without leaving what you do", 80),
        Verb("show_waiting", "exclamation_mark", "waiting", "Go to what waits longest for you"),
        Verb("show_edit", "D", "edit", "Show the edit of a plan that waits: apply it or hold it"),
        Verb("undo", "u", "undo", "Undo the last delete, promotion or edit"),
        Verb("command_palette", "ctrl+p", "palette", "Find any action by its name", 91, False),
        Verb("help", "question_mark", "keys", "Show the keys of this screen", 90),
        Verb(
            "screenshot", "f4", "picture", "Save a picture of the screen (SVG) among your downloads"
        ),
        Verb("next_theme", "f2", "theme", "Change the colours: dark, light, the terminal's own"),
        Verb("ask_quit", "q,ctrl+q", "quit", "Quit; asks first while agents are running", 99),
        Verb(
            "copy_or_quit",
            "ctrl+c",
            "copy",
            "Copy the selected text; with none selected, ask to quit",
            0,
            False,
        ),
    ),
    Scope.LISTS: (
        Verb("cursor_down", "down,j", "down", "Move down", 0, False),
        Verb("cursor_up", "up,k", "up", "Move up", 0, False),
        Verb("page_down", "pagedown", "page down", "Move a page down", 0, False),
        Verb("page_up", "pageup", "page up", "Move a page up", 0, False),
        Verb("first", "home", "first", "Go to the first row", 0, False),
        Verb("last", "end,G", "last", "Go to the last row", 0, False),
        Verb("mark", "space", "mark", "Mark the row, or take the mark away", 0, False),
    ),
    Scope.IDEAS: (
        Verb("edit", "enter,e", "edit", "Edit the idea", 10),
        Verb("promote", "p", "to plan", "Turn the idea, or the marked ones, into tasks", 11),
        Verb(
            "delete", "x", "delete", "Delete the idea, or the marked ones; u brings them back", 12
        ),
        Verb("toggle_done", "d", "done", "Call the idea done, or put it back into the inbox", 13),
        Verb("filter", "slash", "filter", "Show only ideas that hold some text", 15),
        Verb("previous_view", "left", "view", "Show the view to the left"),
        Verb("next_view", "right", "view", "Show the view to the right", 16),
    ),
    Scope.PLANS: (
        Verb("open_task", "enter", "task", "Show the task whole", 10),
        Verb("run", "r", "run…", "Choose what to run and how, then start it", 11),
        Verb("graph", "g", "graph", "Draw who waits for whom; again: back to the tree", 12),
        Verb("forecast", "f", "forecast", "Tell how a run would go: order, clashes, time", 13),
        Verb("edit", "e,E", "edit", "Open the plan at this line in $EDITOR", 14),
        Verb("new_plan", "n", "new", "Begin a new plan from a template", 17),
        Verb("fold", "left,h", "fold", "Fold the batch"),
        Verb("unfold", "right,l", "unfold", "Unfold the batch"),
        Verb("fold_all", "z", "fold all", "Fold all batches, or unfold them"),
        Verb("filter", "slash", "filter", "Show only tasks that hold some text", 15),
        Verb("problems", "w", "problems", "Show the plan's problems beside its text", 16),
        Verb("back", "escape", "back", "Back to the tree, or to the list of plans", 0, False),
    ),
    Scope.GRAPH: (
        Verb("follow_back", "left,h", "before", "Go to what the task waits for", 0, False),
        Verb("follow_on", "right,l", "after", "Go to what waits for the task", 0, False),
        Verb("step(-1)", "up,k", "up", "Go to the box above", 0, False),
        Verb("step(1)", "down,j", "down", "Go to the box below", 0, False),
        Verb("page(-1)", "pageup", "page up", "Go a page up", 0, False),
        Verb("page(1)", "pagedown", "page down", "Go a page down", 0, False),
        Verb("end(0)", "home", "begin", "Go to where the critical path begins", 0, False),
        Verb("end(-1)", "end,G", "end", "Go to where it ends", 0, False),
        Verb("mark", "space", "mark", "Mark the task, or take its mark away", 0, False),
        Verb("size", "z", "size", "Draw larger or smaller boxes", 9, False),
    ),
    Scope.FORECAST: (
        Verb("workers(1)", "plus,equals_sign", "more", "One worker more", 8, False),
        Verb("workers(-1)", "minus", "fewer", "One worker fewer", 9, False),
    ),
    Scope.EXECUTION: (
        Verb("zoom", "enter", "zoom", "Show the agent whole; of a finished task, its log", 10),
        Verb("back", "escape", "back", "Back from one agent to all of them", 11, False),
        Verb("stop_task", "s", "stop", "Stop the selected task; what it changed is saved", 12),
        Verb("retry_task", "R", "retry", "Try the task again, by another agent or with a hint", 13),
        Verb("message", "m", "message", "Write to the agent of the selected task", 12),
        Verb("redirect", "M", "redirect", "Interrupt the agent and tell it what to do instead"),
        Verb("fork", "f", "fork", "Go on from a try in a new task, with other words"),
        Verb("skip_task", "K", "skip", "Pass over a task: what waits for it may start"),
        Verb("diff", "d", "diff", "Show what the selected task changed", 14),
        Verb("other_base", "B", "base", "Compare a diff with the other base", 14),
        Verb("toggle_raw", "l", "raw", "Show the output raw, or in a structured way", 15),
        Verb("problems", "w", "problems", "Go to what is wrong first, then to the next", 16),
        Verb("search", "slash", "search", "Search the log that is shown", 17),
        Verb("judge_changes", "a", "judge…", "Judge what changed before the landing", 9),
        Verb("pause", "P", "pause", "Start nothing new, or go on; agents at work stay at work", 20),
        Verb("shell", "o", "shell", "Open a shell in the worktree of the agent that works", 0),
        Verb("attach", "A", "attach", "Open the agent's own screen in its session, or a shell", 14),
        Verb("hang_up", "X", "hang up", "End the program at the task's terminal; changes are kept"),
        Verb("editor", "E", "editor", "Open what the agent changed in $EDITOR, in its worktree", 0),
        Verb("toggle_times", "ctrl+t", "times", "Tell when each line of the log was written"),
        Verb("pager", "O", "pager", "Open the log that is shown in $PAGER", 0),
        Verb("pin", "space", "pin", "Pin the pane: it stays whatever else needs room; again: not"),
        Verb("dismiss", "x", "dismiss", "Take the finished pane away", 18),
        Verb("dismiss_all", "ctrl+x", "dismiss all", "Take all finished panes away"),
        Verb("stop_run", "S", "stop run", "Stop the whole run; what was done is saved", 19),
        Verb("scrub(-1)", "left_square_bracket", "earlier", "Show the run as it was before", 21),
        Verb("scrub(1)", "right_square_bracket", "later", "Show what happened next"),
        Verb("other_try(-1)", "left_curly_bracket", "earlier try", "Show an earlier try"),
        Verb("other_try(1)", "right_curly_bracket", "later try", "Show a later try"),
        Verb("timeline", "t", "timeline", "Draw who worked on what, when; again: back", 17),
        Verb("tasks", "T", "tasks", "Go to the list of tasks"),
        Verb("focus_near('left')", "left", "left", "Go to the pane on the left", 0, False),
        Verb("focus_near('right')", "right", "right", "Go to the pane on the right", 0, False),
        Verb("focus_near('up')", "up", "up", "Go to the pane above", 0, False),
        Verb("focus_near('down')", "down", "down", "Go to the pane below", 0, False),
        Verb("scroll_pane('page_up')", "pageup", "page up", "Scroll the pane up", 0, False),
        Verb("scroll_pane('page_down')", "pagedown", "page down", "Scroll it down", 0, False),
        Verb("scroll_pane('begin')", "home", "begin", "Go to the pane's first line", 0, False),
        Verb("scroll_pane('follow')", "end", "follow", "Go to its end and follow it", 0, False),
        *(
            Verb(f"focus_pane({n})", f"alt+{n}", f"pane {n}", f"Go to pane {n}", 0, False)
            for n in range(1, 10)
        ),
    ),
    Scope.AGENT: (
        Verb(
            "show_call", "enter", "result", "Show the last tool call in sight, with its result", 12
        ),
    ),
    Scope.PAST: (Verb("return_to_now", "end", "now", "Go back to now", 8, priority=True),),
    Scope.TIMELINE: (
        Verb("beside(-1)", "left,h", "before", "Go to what the worker did before", 0, False),
        Verb("beside(1)", "right,l", "after", "Go to what it did after", 0, False),
        Verb("row(-1)", "up,k", "up", "Go to the worker above", 0, False),
        Verb("row(1)", "down,j", "down", "Go to the worker below", 0, False),
        Verb("page(-1)", "pageup", "page back", "Show what was before", 0, False),
        Verb("page(1)", "pagedown", "page on", "Show what came after", 0, False),
        Verb("begin", "home,g", "begin", "Go to the begin of the run", 0, False),
        Verb("follow", "end,G", "follow", "Go to its end and follow it", 20, False),
        Verb("scale(1)", "plus,equals_sign", "closer", "Draw less time, in more detail", 7, False),
        Verb("scale(-1)", "minus", "farther", "Draw more time, in less detail", 8, False),
        Verb("fit", "z", "all", "Draw all of the run", 9, False),
    ),
    Scope.LOG: (
        Verb("row_down", "down,j", "down", "Scroll a row down", 0, False),
        Verb("row_up", "up,k", "up", "Scroll a row up; the log stands still then", 0, False),
        Verb("page_down", "pagedown,space", "page down", "Scroll a page down", 0, False),
        Verb("page_up", "pageup", "page up", "Scroll a page up", 0, False),
        Verb("begin", "home,g", "begin", "Go to the first line", 0, False),
        Verb("follow", "end,G", "follow", "Go to the end and follow it", 20, False),
        Verb("next_hit", "n", "next", "Go to the next hit of the search", 21, False),
        Verb("previous_hit", "N", "previous", "Go to the hit before", 22, False),
        Verb("toggle_wrap", "W", "wrap", "Wrap long lines, or cut them at the edge", 0, False),
    ),
    Scope.CALL: (
        Verb("other_call(-1)", "left", "before", "Show the tool call before", 1, False),
        Verb("other_call(1)", "right", "after", "Show the tool call after", 2, False),
    ),
    Scope.DIFF: (
        Verb("row_down", "down,j", "down", "Scroll a row down", 0, False),
        Verb("row_up", "up,k", "up", "Scroll a row up", 0, False),
        Verb("page_down", "pagedown,space", "page down", "Scroll a page down", 0, False),
        Verb("page_up", "pageup", "page up", "Scroll a page up", 0, False),
        Verb("begin", "home,g", "begin", "Go to the first row", 0, False),
        Verb("end", "end,G", "end", "Go to the last row", 0, False),
        Verb("aside(1)", "right", "right", "Show what is cut at the right edge", 0, False),
        Verb("aside(-1)", "left", "left", "And back", 0, False),
        Verb("file(1)", "J", "next file", "Go to the next file", 5, False),
        Verb("file(-1)", "K", "file before", "Go to the file before", 0, False),
        Verb("next_hit", "n", "next", "Go to the next hit of the search", 21, False),
        Verb("previous_hit", "N", "previous", "Go to the hit before", 22, False),
        Verb("split", "V", "side by side", "Old and new side by side, or in one column", 6, False),
        Verb("toggle_wrap", "W", "wrap", "Wrap long lines, or cut them at the edge", 0, False),
    ),
    Scope.MEMORY: (
        Verb(
            "open",
            "enter",
            "read",
            "Read the lesson or saved work, or open the run in Execution",
            10,
        ),
        Verb("add", "a", "add", "Write down a lesson", 11),
        Verb(
            "restore",
            "b",
            "bring back",
            "Bring saved work back, as a branch or in a new folder",
            13,
        ),
        Verb("edit", "e", "edit", "Edit the lesson", 13),
        Verb("delete", "x", "forget", "Forget the lesson, or the marked ones; u undoes it", 12),
        Verb("filter", "slash", "search", "Search all lessons as you type", 15),
        Verb("previous_view", "left", "view", "Show the view to the left"),
        Verb("next_view", "right", "view", "Show the view to the right", 16),
    ),
    Scope.TERMINAL: (
        Verb(
            "detach",
            "ctrl+right_square_bracket",
            "detach",
            "Go back; the program goes on, and A attaches to it again",
            1,
            False,
        ),
        Verb("scroll(1)", "shift+pageup", "back", "Show what has scrolled off", 2, False),
        Verb("scroll(-1)", "shift+pagedown", "forth", "And what came after it", 3, False),
    ),
    Scope.CAPTURE: (
        Verb("submit", "enter", "keep", "Keep it and begin the next one", 1, False),
        Verb("newline", "ctrl+j", "new line", "Add a line", 2, False),
        Verb("cancel", "escape", "close", "Close without keeping the text", 3, False),
    ),
    Scope.FILTER: (
        Verb("accept", "enter,down", "to the list", "Keep the filter and go to the list", 1, False),
        Verb("clear", "escape", "clear", "Take the filter away", 2, False),
    ),
    Scope.MESSAGE: (
        Verb("send", "enter", "send", "Send the message", 1, False),
        Verb("newline", "ctrl+j", "new line", "Add a line", 2, False),
    ),
    Scope.DIALOGS: (
        Verb("choose", "enter", "choose", "Answer with the row under the cursor", 1, False),
        Verb("leave", "escape", "leave", "Leave without an answer", 2, False),
        Verb("next_field", "down", "down", "The field below", 3, False),
        Verb("previous_field", "up", "up", "The field above", 4, False),
    ),
    Scope.FORMS: (
        Verb("next_value", "right,space", "next", "The next value", 1, False),
        Verb("previous_value", "left", "previous", "The value before", 2, False),
    ),
}


def verbs(scope: Scope) -> tuple[Verb, ...]:
    """The verbs of one scope, in the order of docs and help."""
    return TABLE[scope]


def verb_id(scope: Scope, verb: Verb) -> str:
    """Names a verb in bindings: ``plans.run``."""
    return f"{scope.name.lower()}.{verb.action}"


def find(binding_id: str | None) -> tuple[Scope, Verb] | None:
    """The verb that a binding was made from; None for bindings of Textual itself."""
    return _BY_ID.get(binding_id or "")


_BY_ID = {verb_id(scope, verb): (scope, verb) for scope, row in TABLE.items() for verb in row}

_KEY_NAMES = {
    "exclamation_mark": "!",
    "question_mark": "?",
    "slash": "/",
    "enter": "Enter",
    "escape": "Esc",
    "space": "Space",
    "left": "←",
    "right": "→",
    "up": "↑",
    "down": "↓",
    "pagedown": "PgDn",
    "shift+pageup": "shift+PgUp",
    "shift+pagedown": "shift+PgDn",
    "ctrl+right_square_bracket": "ctrl+]",
    "pageup": "PgUp",
    "home": "Home",
    "end": "End",
    "f2": "F2",
    "f4": "F4",
    "plus": "+",
    "equals_sign": "=",
    "minus": "-",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "left_curly_bracket": "{",
    "right_curly_bracket": "}",
}


def key_name(key: str) -> str:
    """A key as people know it: ``!`` for exclamation_mark."""
    return _KEY_NAMES.get(key, key)


def key_names(verb: Verb) -> list[str]:
    """Every key of the verb as people know them."""
    return [key_name(key) for key in verb.keys.split(",")]


def keys_page() -> str:
    """The text of docs/keys.md."""
    return "\n".join(_page_lines()) + "\n"


def _page_lines() -> Iterator[str]:
    yield "# Keys"
    yield ""
    yield "Made from the table in screens/verbs.py by `python -m cc4tui.screens.verbs`."
    yield "Every action also stands in the command palette (`ctrl+p`) and works with the mouse."
    for scope, row in TABLE.items():
        if row:
            yield from _table_lines(scope, row)


def _table_lines(scope: Scope, row: tuple[Verb, ...]) -> Iterator[str]:
    yield from ("", f"## {scope.value}", "", "| key | what it does |", "|---|---|")
    for verb in row:
        yield f"| {' '.join(f'`{name}`' for name in key_names(verb))} | {verb.help} |"


if __name__ == "__main__":
    import sys

    sys.stdout.write(keys_page())
