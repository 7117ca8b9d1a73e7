"""DuckDB files that tests write to, in one DuckDB that stays."""

from __future__ import annotations

import atexit
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import duckdb


@contextmanager
def opened(file: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to this file, which is made where there is none; nobody holds it afterwards.

    To start a DuckDB costs thirty milliseconds, more than most of what tests ask of it.
    """
    with _duckdb().cursor() as connection:
        connection.execute(f'ATTACH \'{file}\' AS "{file.stem}"; USE "{file.stem}"')
        try:
            yield connection
        finally:
            connection.execute(f'USE memory; DETACH "{file.stem}"')


@cache
def _duckdb() -> duckdb.DuckDBPyConnection:
    kept = duckdb.connect(config={"threads": 1})
    atexit.register(kept.close)
    return kept
