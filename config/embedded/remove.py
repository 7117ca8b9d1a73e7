"""Remove the data folder and what belongs to it elsewhere: ``python -m config.embedded.remove``."""

from __future__ import annotations

import shutil
import sys

from environs import Env

from config.embedded.place import fallback_folder
from config.embedded.services import running_urls
from config.supervisor.options import Options


def main() -> int:
    """Exit status 1 when Headrace runs over the folder."""
    data_dir = Options.read(Env()).data_dir
    if running_urls(data_dir) is not None:
        print(f"Headrace runs over {data_dir}; stop it first.", file=sys.stderr)
        return 1
    for folder in (data_dir, fallback_folder(data_dir), fallback_folder(data_dir / "test")):
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
