"""`cc4tui completion`: the shell's own script, made by click."""

import click
from click.shell_completion import get_completion_class

from cc4tui.cli.main import COMPLETION_VARIABLE
from cc4tui.cli.output import say
from cc4tui.cli.session import examples


@click.command(
    epilog=examples(
        "cc4tui completion bash > ~/.local/share/bash-completion/completions/cc4tui",
        "cc4tui completion zsh > ~/.zfunc/_cc4tui",
        "cc4tui completion fish > ~/.config/fish/completions/cc4tui.fish",
    )
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script that completes commands and options in your shell."""
    maker = get_completion_class(shell)
    assert maker is not None
    complete = maker(context.find_root().command, {}, "cc4tui", COMPLETION_VARIABLE)
    # not source(): click's for bash starts the bash that is installed here, to check its version
    say(complete.source_template % complete.source_vars())
