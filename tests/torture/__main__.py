"""``python -m tests.torture --rounds 500 --seed 7``: what ``make torture`` runs.

The seed decides the data, the troubles and the crashes; what the machine does in
between is its own, so the same seed takes the same road but not to the millisecond.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from tests.torture.house import Workers, receiver, servers


def main() -> int:
    """Torture, and say what came of it; 1 where a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin no round after so long")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--crashes", type=int, help="so many in each round, instead of up to three")
    parser.add_argument("--list", action="store_true", help="name every row that came twice")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    with (
        tempfile.TemporaryDirectory(prefix="headrace-torture-") as name,
        receiver() as to,
        servers(Path(name)) as (kill, env),
    ):
        os.environ.update(env)
        log = Path(name) / "workers.log"
        workers = Workers(env, options.workers, log)
        try:
            return _torture(options, Path(name), to, workers, kill, log)
        finally:
            workers.close()


def _torture(options, folder, to, workers, kill, log) -> int:  # type: ignore[no-untyped-def]
    import django

    django.setup()
    from django.db import connection
    from django.test.utils import setup_test_environment

    setup_test_environment()

    from tests.torture.reference import register
    from tests.torture.trial import Broken, Trial, report
    from tests.world import build_world
    from workspaces.scoping import workspace_scope

    register()
    place = build_world().acme
    began = time.monotonic()
    with workspace_scope(place.workspace.pk):
        trial = Trial(place, folder, to, workers, kill, seed=options.seed, crashes=options.crashes)
        try:
            while trial.tally.rounds < options.rounds and time.monotonic() - began < options.seconds:
                trial.round()
                if trial.tally.rounds % 10 == 0:
                    print(report(trial.tally), flush=True)
        except Broken as error:
            print(f"BROKEN in round {trial.tally.rounds} (seed {options.seed}): {error}")
            print(log.read_text(errors="replace")[-60_000:], file=sys.stderr)
            return 1
        finally:
            connection.close()
    print(report(trial.tally))
    if options.list:
        print("\n".join(trial.tally.repeated))
    return 0


if __name__ == "__main__":
    sys.exit(main())
