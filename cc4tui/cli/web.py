"""`cc4tui web`: the app in a browser."""

import ipaddress
from importlib.util import find_spec
from typing import TYPE_CHECKING

import click

from cc4tui.cli.output import note
from cc4tui.cli.session import Session, examples
from cc4tui.errors import UnfitError, UsageError


if TYPE_CHECKING:
    from cc4tui.runtime import Runtime


@click.command(
    epilog=examples(
        "cc4tui web                                  here, at http://127.0.0.1:8000",
        "cc4tui web --port 8123                      at another port",
        "ssh -L 8000:127.0.0.1:8000 HOST cc4tui web  from another machine, through ssh",
    )
)
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True)
@click.option(
    "--host", metavar="ADDRESS", default="127.0.0.1", show_default=True, help="Address to serve."
)
@click.option(
    "--beyond-this-machine",
    "beyond",
    is_flag=True,
    help="Serve an address that other machines reach, without encryption.",
)
@click.pass_obj
def web(session: Session, port: int, host: str, beyond: bool) -> None:
    """Serve the app of this repository to a browser on this machine.

    Whoever has the link that is printed can run programs as you. It holds for as long as this
    command runs.
    """
    if not _is_loopback(host):
        if not beyond:
            raise UsageError(
                f"{host} is reached by other machines, and whoever has the link runs programs as"
                " you; add --beyond-this-machine if that is meant, or use ssh -L"
            )
        note(f"warning: {host} is served without encryption: who listens there can take over")
    if find_spec("textual_serve") is None:
        raise UnfitError("the app in a browser needs more: pip install 'cc4tui[web]'")

    async def root(runtime: "Runtime") -> "Runtime":
        return runtime

    folder = session.run(root).repository.root
    from cc4tui.web import serve

    serve(folder, host, port)


def _is_loopback(host: str) -> bool:
    """Raises UsageError for what is no address of one network."""
    try:
        address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        raise UsageError(f"--host takes an address in digits, such as 127.0.0.1: {host}") from None
    if address.is_unspecified:
        raise UsageError(f"{host} is every address; give the one that browsers are to use")
    return address.is_loopback
