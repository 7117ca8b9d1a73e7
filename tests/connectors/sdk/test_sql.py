"""Models' SQL: what is refused and where, and that wrapping changes nothing but what it should."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import exp

from connectors.sdk.errors import QueryError
from connectors.sdk.sql import (
    bare,
    check_read_only,
    count_rows,
    limit_rows,
    locate,
    quoted_column,
    select_columns,
    table_sql,
)
from connectors.sdk.types import Table

READS = [
    ("tsql", "SELECT openquery FROM OPENROWSET(BULK 'https://lake/a.parquet', FORMAT = 'PARQUET') AS r"),
    ("tsql", "SELECT\r1 -- one\r\n, '-- \r'"),
    ("postgres", "SELECT 1"),
    ("postgres", "select 'a;b' ; "),
    ("postgres", "SELECT $$ ; DROP TABLE x $$"),
    ("postgres", "SELECT $tag$ ;) $tag$"),
    ("postgres", r"SELECT E'\';', 2"),
    ("postgres", "SELECT 1 -- ; DELETE FROM x"),
    ("postgres", "SELECT /* ; /* ) */ ; */ 1"),
    ("postgres", 'SELECT "a;""b" FROM t'),
    ("postgres", "WITH a AS (SELECT 1) SELECT * FROM a ORDER BY 1"),
    ("postgres", "(SELECT 1) UNION (SELECT 2)"),
    ("postgres", "VALUES (1), (2)"),
    ("postgres", "TABLE t"),
    ("postgres", "; SELECT 1;;"),
    ("postgres", 'SELECT "delete", "update" FROM t'),
    ("duckdb", "FROM t"),
    ("duckdb", "PIVOT t ON a USING sum(b)"),
    ("duckdb", r"SELECT 'a\'"),
    ("duckdb", "a dialect nobody knows (yet)"),
]

WRITES = [
    ("postgres", "", 0),
    ("postgres", "-- nothing here", 0),
    ("postgres", "SELECT 1; DROP TABLE x", 10),
    ("postgres", "SELECT 1;\n  SELECT 2", 12),
    ("postgres", "no idea what this is; SELECT 2", 22),
    ("postgres", "INSERT INTO a VALUES (1)", 0),
    ("postgres", "  UPDATE a SET b = 1", 2),
    ("postgres", "DELETE FROM a", 0),
    ("postgres", "MERGE INTO a USING b ON a.x = b.x WHEN MATCHED THEN DELETE", 0),
    ("postgres", "WITH gone AS (DELETE FROM a RETURNING *) SELECT * FROM gone", 14),
    ("postgres", 'SELECT "delete" FROM (WITH d AS (DELETE FROM a RETURNING *) SELECT * FROM d) x', 33),
    ("postgres", "SELECT * INTO copied FROM a", 9),
    ("postgres", "SELECT * FROM a FOR UPDATE", 16),
    ("postgres", "TRUNCATE a", 0),
    ("postgres", "CREATE TABLE a AS SELECT 1", 0),
    ("postgres", "ALTER TABLE a ADD b int", 0),
    ("postgres", "DROP VIEW a", 0),
    ("postgres", "GRANT SELECT ON a TO b", 0),
    ("postgres", "COMMENT ON TABLE a IS 'x'", 0),
    ("postgres", "COPY a TO PROGRAM 'cat'", 0),
    ("postgres", "DO $$ BEGIN END $$", 0),
    ("postgres", "CALL procedure()", 0),
    ("postgres", "VACUUM", 0),
    ("postgres", "BEGIN", 0),
    ("postgres", "EXPLAIN ANALYZE INSERT INTO a VALUES (1)", 0),
    ("duckdb", "ATTACH 'other.duckdb'", 0),
    ("duckdb", "INSTALL httpfs", 0),
    ("duckdb", "LOAD httpfs", 0),
    ("duckdb", "SET memory_limit = '1TB'", 0),
    ("duckdb", "PRAGMA database_list", 0),
    ("duckdb", "COPY (SELECT 1) TO 'x.csv'", 0),
    ("postgres", "SELECT 1) x, (SELECT 2", 8),
    ("postgres", "SELECT (1", 8),
    # Where only a line feed ends a comment, the first parenthesis is part of it, and the second one breaks out.
    ("tsql", "SELECT * FROM OPENQUERY(other, 'DELETE FROM t') AS q", 14),
    ("tsql", "SELECT * FROM OpenRowset('SQLNCLI', 'Server=other', 'DELETE FROM t') AS q", 14),
    ("fabric", "SELECT * FROM OPENDATASOURCE('SQLNCLI', 'Data Source=other').db.dbo.t", 14),
    ("tsql", "SELECT 1 x -- \r(\n) AS a DELETE FROM t SELECT 1 FROM (SELECT 1 x -- \r)\n", 14),
]

names = st.text(min_size=1, max_size=20).filter(lambda name: "\0" not in name and name.isprintable())


@pytest.mark.parametrize(("dialect", "sql"), READS)
def test_queries_pass(dialect: str, sql: str) -> None:
    check_read_only(sql, dialect)


@pytest.mark.parametrize(("dialect", "sql", "offset"), WRITES)
def test_anything_else_is_refused_at_its_place(dialect: str, sql: str, offset: int) -> None:
    with pytest.raises(QueryError) as caught:
        check_read_only(sql, dialect)
    assert caught.value.position == offset
    assert caught.value.hint


def test_the_refusal_names_line_and_column() -> None:
    with pytest.raises(QueryError, match="Line 3, column 2: Only one statement is allowed"):
        check_read_only("SELECT 1\n;\n SELECT 2", "postgres")


@settings(deadline=None)
@given(st.text())
def test_no_text_breaks_the_check(text: str) -> None:
    for dialect in ("duckdb", "postgres", "snowflake", "bigquery"):
        with suppress(QueryError):  # anything else fails the test
            check_read_only(text, dialect)


@given(st.lists(st.text(alphabet="ab\n"), min_size=1).map("".join))
def test_places_count_as_people_do(text: str) -> None:
    for offset in range(len(text) + 1):
        place = locate(text, offset)
        lines = text.split("\n")
        assert sum(len(line) + 1 for line in lines[: place.line - 1]) + place.column - 1 == offset


@pytest.fixture(scope="module")
def duck() -> Iterator[duckdb.DuckDBPyConnection]:
    """One empty database for hundreds of names; opening one takes longer than asking it."""
    with duckdb.connect() as connection:
        yield connection


@settings(deadline=None)
@given(columns=st.lists(names, min_size=1, max_size=5, unique_by=str.casefold))
def test_hostile_column_names_stay_names(duck: duckdb.DuckDBPyConnection, columns: list[str]) -> None:
    inner = exp.select(*(exp.alias_(exp.Literal.number(i), name, quoted=True) for i, name in enumerate(columns))).sql(
        "duckdb"
    )
    backwards = duck.sql(select_columns(inner, columns[::-1], "duckdb"))
    assert backwards.columns == columns[::-1]
    assert backwards.fetchall() == [tuple(range(len(columns)))[::-1]]


@settings(deadline=None)
@given(schema=names, name=names)
def test_hostile_table_names_stay_names(duck: duckdb.DuckDBPyConnection, schema: str, name: str) -> None:
    if schema.lower() in {"main", "information_schema", "pg_catalog"}:
        return
    quoted_schema = exp.to_identifier(schema, quoted=True).sql("duckdb")
    quoted_name = exp.to_identifier(name, quoted=True).sql("duckdb")
    duck.begin()
    try:
        duck.execute(f"CREATE SCHEMA {quoted_schema}")
        duck.execute(f"CREATE TABLE {quoted_schema}.{quoted_name} AS SELECT 7 AS x")
        assert duck.sql(table_sql(Table(schema, name), "duckdb")).fetchall() == [(7,)]
    finally:
        duck.rollback()


@pytest.mark.parametrize(
    "model",
    [
        "SELECT i FROM range(5) t(i) ORDER BY i DESC",
        "WITH a AS (SELECT i FROM range(5) t(i)) SELECT i FROM a ORDER BY i DESC",
        "SELECT i FROM range(5) t(i) ORDER BY i DESC -- the largest first",
        "SELECT i FROM range(5) t(i) ORDER BY i DESC /* end */ ;;",
        "; FROM range(5) t(i) ORDER BY i DESC;",
        "(SELECT i FROM range(5) t(i)) UNION ALL (SELECT 9 WHERE false) ORDER BY i DESC",
        "SELECT i FROM range(5) t(i) ORDER BY i DESC LIMIT 5",
    ],
)
def test_wrapping_works_around_order_ctes_comments_and_semicolons(model: str) -> None:
    with duckdb.connect() as connection:
        assert connection.sql(limit_rows(model, 2, "duckdb")).fetchall() == [(4,), (3,)]
        assert connection.sql(count_rows(model, "duckdb")).fetchall() == [(5,)]
        assert connection.sql(select_columns(model, ["i"], "duckdb")).fetchall() == [(4,), (3,), (2,), (1,), (0,)]


@settings(deadline=None)
@given(st.text(alphabet=st.characters(blacklist_characters="\0;"), max_size=60))
def test_the_models_own_text_is_kept(text: str) -> None:
    assert f"(\n{bare(text, 'duckdb')}\n)" in select_columns(text, ["a"], "duckdb")
    assert bare(text, "duckdb").strip() == text.strip()


def test_a_column_can_be_read_by_an_expression_and_keeps_its_name() -> None:
    reads = {"b": exp.cast(quoted_column("b"), "varchar", dialect="duckdb")}
    with duckdb.connect() as connection:
        found = connection.sql(select_columns("SELECT 1 AS a, 2 AS b", ["a", "b"], "duckdb", reads))
        assert found.columns == ["a", "b"]
        assert found.fetchall() == [(1, "2")]


@pytest.mark.parametrize(
    ("dialect", "expected"),
    [
        ("postgres", 'SELECT * FROM (\nSELECT 1\n) AS "_headrace_model" LIMIT 100'),
        ("tsql", "SELECT TOP 100 * FROM (\nSELECT 1\n) AS [_headrace_model]"),
        ("bigquery", "SELECT * FROM (\nSELECT 1\n) AS `_headrace_model` LIMIT 100"),
        ("oracle", 'SELECT * FROM (\nSELECT 1\n) "_headrace_model" FETCH FIRST 100 ROWS ONLY'),
    ],
)
def test_the_wrapper_speaks_the_sources_dialect(dialect: str, expected: str) -> None:
    assert limit_rows("SELECT 1", 100, dialect) == expected
