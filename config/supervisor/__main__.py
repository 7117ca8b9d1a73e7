"""``python -m config.supervisor serve|demo``: run all of Headrace until Ctrl-C."""

from __future__ import annotations

import argparse
import logging
import os
import sys

from environs import Env, EnvError

from config.embedded import EmbeddedError
from config.supervisor.options import Options
from config.supervisor.run import Supervisor


def main() -> int:
    """Exit status: 0 after a clean stop, 1 when something failed, 2 when it could not begin."""
    parser = argparse.ArgumentParser(prog="python -m config.supervisor", description=__doc__)
    parser.add_argument("command", choices=["serve", "demo"])
    command: str = parser.parse_args().command
    logging.basicConfig(level=logging.INFO, format="headrace  | %(message)s", stream=sys.stdout)
    try:
        supervisor = Supervisor(Options.read(Env()), os.environ)
        return supervisor.run(demo=command == "demo")
    except (EmbeddedError, EnvError) as error:
        print(f"headrace  | {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
