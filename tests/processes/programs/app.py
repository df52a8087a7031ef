"""The side of the app, in a process of its own that tests can kill at any moment.

Usage: app.py FOLDER COUNT kill|keep INTERRUPT_SECONDS ARGV...
Says ``ready``, then ``started N`` per program.
Program N gets the attempt folder FOLDER/N and the token ``NAME OF FOLDER-N``.
"""

import asyncio
import os
import sys
from pathlib import Path

from cc4tui.ports import ProcessSpec
from cc4tui.services.processes.host import Supervisors


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def main(folder: Path, count: int, policy: str, seconds: float, argv: list[str]) -> None:
    host = Supervisors(folder / "log")
    await host.start()
    say("ready")

    async def run(number: int) -> None:
        spec = ProcessSpec(
            folder=folder / str(number),
            argv=tuple(argv),
            env={"PATH": os.environ["PATH"]},
            cwd=folder,
            token=f"{folder.name}-{number}",
            interrupt_seconds=seconds,
            on_app_loss=policy,
        )
        process = await host.spawn(spec)
        say(f"started {number}")
        await process.ended()

    await asyncio.gather(*(run(number) for number in range(count)))
    await host.close()


asyncio.run(
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], float(sys.argv[4]), sys.argv[5:])
)
