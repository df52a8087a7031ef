"""What becomes of attempts that nobody brought to their end."""

import json
from pathlib import Path

import pytest

from cc4tui.domain.run import AttemptRecord
from cc4tui.services.pipeline.adoption import Standing, glance


@pytest.mark.parametrize(
    ("said", "standing"), [(b"all it said", Standing.ENDED), (b"all", Standing.CUT)]
)
def test_an_output_that_a_power_cut_shortened_is_not_judged(
    tmp_path: Path, said: bytes, standing: Standing
) -> None:
    end = {"code": 0, "why": "exited", "errno": None, "killed": 0, "out": len(b"all it said")}
    (tmp_path / "ended").write_text(json.dumps(end))
    (tmp_path / "out").write_bytes(said)
    attempt = AttemptRecord("r", "t", 1, "a", 1, "token", str(tmp_path), worktree=str(tmp_path))
    assert glance(attempt) is standing
