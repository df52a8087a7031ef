"""Ctrl-C before the program has begun: an exit code, and no traceback."""

import runpy
import sys

import pytest

from cc4tui.errors import ExitCode


def test_ctrl_c_while_the_program_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupting:
        def find_spec(self, name: str, *_: object) -> None:
            if name == "cc4tui.cli.main":
                raise KeyboardInterrupt

    monkeypatch.delitem(sys.modules, "cc4tui.cli.main", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Interrupting(), *sys.meta_path])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("cc4tui", run_name="__main__")
    assert ended.value.code == ExitCode.INTERRUPTED
