"""Imports that take long enough to be seen."""

import asyncio
import sys
from importlib import import_module


async def imported(*names: str) -> None:
    """Import modules in a thread, so that the screen goes on."""
    for name in names:
        if name not in sys.modules:
            await asyncio.to_thread(import_module, name)
