"""What of a day's changes arrived: rows with and without a new cursor value, removed and added rows."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

import duckdb
import orjson
import psycopg

# Which rows each change is about, by id; the same words are true of DuckDB and PostgreSQL.
CHANGED = "id >= 0 AND id % 1000 < 8"
QUIET = "id >= 0 AND id % 1000 = 8"
REMOVED = "id >= 0 AND id % 2000 = 9"
ADDED = "id < 0"
KINDS = {"changed": CHANGED, "quiet": QUIET, "removed": REMOVED, "added": ADDED}

_CHANGE = f"""
UPDATE customers SET plan = 'gold', revenue = revenue + 1, signed_up_at = TIMESTAMPTZ '2090-01-01' + to_seconds(id)
    WHERE {CHANGED};
UPDATE customers SET plan = 'gold', revenue = revenue + 1 WHERE {QUIET};
DELETE FROM customers WHERE {REMOVED};
INSERT INTO customers SELECT * REPLACE (
    -1 - id AS id, 'new' || email AS email, TIMESTAMPTZ '2091-01-01' + to_seconds(id) AS signed_up_at
) FROM customers WHERE id % 2000 = 10;
"""
Counts = dict[str, int]


def change(source: Path) -> Counts:
    """Change 1 % of the rows; returns how many rows of each kind there are to notice.

    ``signed_up_at`` is the cursor: 0.8 % change and get a newer one, 0.1 % change
    and keep theirs (quiet), 0.05 % are removed and 0.05 % added.
    """
    with duckdb.connect(str(source)) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        expected = {kind: _count(connection, where) for kind, where in KINDS.items()}
        connection.execute(_CHANGE)
        return {**expected, "added": _count(connection, ADDED), "rows": _count(connection, "true")}


def in_table(database_url: str, table: str, expected: Counts) -> Counts:
    """Rows that a table holds, and changes of each kind that it shows."""
    counts = [f"count(*) FILTER (WHERE {where} AND plan = 'gold')" for where in (CHANGED, QUIET)]
    counts += [f"count(*) FILTER (WHERE {where})" for where in (REMOVED, ADDED)]
    with psycopg.connect(database_url) as connection:
        found = connection.execute(f"SELECT count(*), {', '.join(counts)} FROM {table}").fetchone()
    assert found is not None
    rows, changed, quiet, left, added = found
    return {"rows": rows, "changed": changed, "quiet": quiet, "removed": expected["removed"] - left, "added": added}


def in_requests(kept: Path) -> Counts:
    """Distinct rows in the bodies that a sink kept, and changes of each kind; a removal is a path that says so."""
    arrived: set[int] = set()
    removed: set[int] = set()
    with kept.open("rb") as lines:
        for line in lines:
            path, body = line.split(b"\t", 1)
            ids = removed if unquote(path.decode()).endswith("/removed") else arrived
            ids.update(int(row["id"]) for row in orjson.loads(body))
    return {
        "rows": len(arrived) + len(removed),
        "changed": sum(1 for key in arrived if key >= 0 and key % 1000 < 8),
        "quiet": sum(1 for key in arrived if key >= 0 and key % 1000 == 8),
        "removed": sum(1 for key in removed if key >= 0 and key % 2000 == 9),
        "added": sum(1 for key in arrived if key < 0),
    }


def _count(connection: duckdb.DuckDBPyConnection, where: str) -> int:
    found = connection.execute(f"SELECT count(*) FROM customers WHERE {where}").fetchone()
    assert found is not None
    return int(found[0])
