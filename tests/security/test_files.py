"""What Headrace keeps on its machine is not for the machine's other users."""

from __future__ import annotations

import stat
from pathlib import Path

from config.embedded.place import PRIVATE_FOLDERS, make_data_dir


def test_rows_mails_and_logs_lie_in_folders_of_our_own(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    make_data_dir(folder)
    assert {"storage", "work", "tmp", "outbox", "logs"} <= set(PRIVATE_FOLDERS)
    for name in PRIVATE_FOLDERS:
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o700, name
    make_data_dir(folder)  # and a second time changes nothing
