"""One measurement in a process of its own, so that its memory is its own."""

from __future__ import annotations

import json
import resource
import sys

from benchmarks import bare_side, engine_side
from benchmarks.memory import peak_mb
from benchmarks.setting import Setting
from config.memory import settle_in


def main() -> None:
    """Read what to do from the arguments, print what it took as JSON."""
    setting = Setting(**json.loads(sys.argv[1]))
    side, kind, run_id = sys.argv[2], sys.argv[3], int(sys.argv[4])
    settle_in()  # as a worker does
    if side == "engine":
        result = engine_side.run_sync(setting, kind, run_id)
    elif kind == "diff":
        result = bare_side.diff(setting, run_id)
    else:
        result = {"postgres": bare_side.postgres, "http": bare_side.http}[kind](setting)
    used = resource.getrusage(resource.RUSAGE_SELF)
    result["rss_mb"] = peak_mb()
    result["cpu"] = used.ru_utime + used.ru_stime
    print(json.dumps(result))


if __name__ == "__main__":
    main()
