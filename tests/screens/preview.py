"""Shows the app on the tests' command center: ``.venv/bin/python tests/screens/preview.py ideas``.

With ``--svg FILE --size 120x36 --keys 2,down,r`` it takes a picture instead of opening a terminal.
"""

import argparse
import asyncio
import importlib.util
import os
from pathlib import Path
from typing import Any

from cc4tui.screens.app import CommandCenterApp
from cc4tui.screens.options import StartOptions, Tab


def _conftest() -> Any:
    spec = importlib.util.spec_from_file_location(
        "screens_conftest", Path(__file__).with_name("conftest.py")
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


async def _main(args: argparse.Namespace) -> None:
    fakes = _conftest()
    center = fakes.FakeCenter() if args.empty else await fakes.sample_center()
    options = StartOptions(tab=Tab(args.tab), clock=lambda: fakes.NOW, theme=args.theme)
    app = CommandCenterApp(center, options)
    if args.svg is None:
        await app.run_async()
        return
    width, height = map(int, args.size.split("x"))
    async with app.run_test(size=(width, height)) as pilot:
        await pilot.pause(0.1)
        for key in filter(None, args.keys.split(",")):
            await pilot.press(key)
            await pilot.pause(0.1)
        app.save_screenshot(args.svg)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("tab", nargs="?", default="plans")
    parser.add_argument("--svg", default=None)
    parser.add_argument("--size", default="120x36")
    parser.add_argument("--keys", default="")
    parser.add_argument("--theme", default="cc4-dark")
    parser.add_argument("--empty", action="store_true")
    os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    asyncio.run(_main(parser.parse_args()))
