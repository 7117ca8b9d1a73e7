"""A made-up customer table of any size, and the same table a day later."""

from __future__ import annotations

from pathlib import Path

import duckdb

COLUMNS = tuple(
    "id email first_name last_name age city plan revenue score active signed_up_at born_on".split()  # noqa: SIM905
)
SQL = "SELECT * FROM customers"

_CREATE = """
CREATE TABLE customers AS SELECT
    i AS id,
    'customer' || i || '@example.com' AS email,
    'First' || (i % 5003) AS first_name,
    'Last' || (i % 20011) AS last_name,
    18 + (i % 70)::INTEGER AS age,
    'City ' || (i % 997) AS city,
    CASE i % 3 WHEN 0 THEN 'free' WHEN 1 THEN 'team' ELSE 'business' END AS plan,
    ((i * 7919 % 1000000) / 100)::DECIMAL(12, 2) AS revenue,
    (i * 31 % 10007) / 10007.0::DOUBLE AS score,
    i % 7 <> 0 AS active,
    TIMESTAMPTZ '2020-01-01 00:00:00+00' + to_seconds(i) AS signed_up_at,
    DATE '1950-01-01' + (i % 18000)::INTEGER AS born_on
FROM range({rows}) t(i)
"""


def create(path: Path, rows: int) -> None:
    """Write the table anew."""
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(_CREATE.format(rows=rows))


def change(path: Path) -> None:
    """Change 1 % of the rows: most get other values, a twentieth each leaves or arrives."""
    with duckdb.connect(str(path)) as connection:
        connection.execute("UPDATE customers SET plan = 'gold', revenue = revenue + 1 WHERE id % 1000 < 9")
        connection.execute("DELETE FROM customers WHERE id % 2000 = 9")
        connection.execute(
            "INSERT INTO customers SELECT * REPLACE (-1 - id AS id, 'new' || email AS email) "
            "FROM customers WHERE id % 2000 = 10"
        )
