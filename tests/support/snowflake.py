"""fakesnow behind Snowflake's own protocol, in a Python of its own: the real driver talks to it.

It lets everybody in, and cannot stop a running query.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

PYTHON = Path(__file__).resolve().parents[2] / ".venv" / "fakesnow" / "bin" / "python"
WORDS = "fakesnow is not installed; `make test` does that"
_SERVE = """
import os, sys, time
told = os.fdopen(os.dup(1), "w")
os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
os.dup2(1, 2)
import fakesnow, snowflake.connector
with fakesnow.server() as place:
    with snowflake.connector.connect(**{**place, "database": "STAND", "schema": "PUBLIC"}) as connection:
        for statement in sys.argv[1:]:
            connection.cursor().execute(statement)
    print(place["port"], file=told, flush=True)
    time.sleep(36_000)
"""


@contextmanager
def a_server(seed: Sequence[str]) -> Iterator[int | None]:
    """The port of a server that holds the database STAND, or ``None`` where fakesnow is not installed."""
    if not PYTHON.exists():
        yield None
        return
    process = subprocess.Popen([str(PYTHON), "-P", "-c", _SERVE, *seed], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline() or 0) or None
    finally:
        process.kill()
        process.communicate()
