"""A short torture in the suite; `make torture` is the long one."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.torture.house import ROOT


@pytest.mark.services
def test_nothing_is_lost_whatever_is_killed() -> None:
    command = [sys.executable, "-m", "tests.torture", "--rounds", "1", "--crashes", "2", "--seed", "3"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr[-8000:]
    assert "kills 2" in done.stdout
    assert "lost 0" in done.stdout
