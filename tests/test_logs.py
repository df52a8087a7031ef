"""Warnings go to a file, and only while it is asked for."""

import logging
from pathlib import Path

from cc4tui.logs import logging_to


def test_warnings_go_to_the_file_and_nowhere_else(tmp_path, capsys):
    file = tmp_path / "cc4tui.log"
    with logging_to(file):
        logging.getLogger("cc4tui.services.git").warning("worktree %s is kept", "slot-1")
    assert "WARNING worktree slot-1 is kept" in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    assert capsys.readouterr().err == ""


def test_no_file_is_made_when_there_is_nothing_to_say(tmp_path):
    with logging_to(tmp_path / "cc4tui.log"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_afterwards_everything_is_as_before(tmp_path):
    logger = logging.getLogger("cc4tui")
    before = (logger.propagate, logger.level, list(logger.handlers))
    with logging_to(tmp_path / "cc4tui.log"):
        assert logger.propagate is False
    assert (logger.propagate, logger.level, list(logger.handlers)) == before


def test_a_full_disk_costs_the_line_and_nothing_else(capsys):
    with logging_to(Path("/dev/full")):
        logging.getLogger("cc4tui.services.git").warning("worktree %s is kept", "slot-1")
    assert capsys.readouterr().err == ""
