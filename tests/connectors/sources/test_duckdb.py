"""The DuckDB source against real files: what it offers, what it locks, what it says when something fails."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import psutil
import pytest

from connectors.sdk.context import Environment
from connectors.sdk.errors import ConfigError, ConnectorError, QueryError, Unavailable
from connectors.sdk.types import Column, ColumnType, Table
from connectors.sources.duckdb import DuckDBSource
from tests.connectors.sources.reading import rows, value

SHOP = """
CREATE SCHEMA sales;
CREATE TABLE people AS SELECT i AS id, 'person ' || i AS name FROM range(1000) t (i);
COMMENT ON TABLE people IS 'Everyone';
COMMENT ON COLUMN people.id IS 'Their number';
CREATE VIEW sales.first_ten AS SELECT * FROM main.people WHERE id < 10;
CREATE SEQUENCE counter;
"""


@pytest.fixture
def shop(folder: Path, files_allowed: Environment) -> DuckDBSource:
    """A source over a small database file."""
    with duckdb.connect(str(folder / "shop.duckdb")) as connection:
        connection.execute(SHOP)
    return DuckDBSource({"mode": "database", "path": "shop.duckdb"}, files_allowed)


def over_files(environment: Environment, **tables: str) -> DuckDBSource:
    files = [{"name": name, "value": path, "secret": False} for name, path in tables.items()]
    return DuckDBSource({"mode": "files", "files": files}, environment)


def test_tables_views_and_comments(shop: DuckDBSource) -> None:
    shop.check()
    people, first_ten = shop.tables()
    assert people == Table("main", "people", "table", "Everyone")
    assert (first_ten.schema, first_ten.name, first_ten.kind) == ("sales", "first_ten", "view")
    assert shop.columns(people) == (
        Column("id", ColumnType.NUMBER, "BIGINT", "Their number"),
        Column("name", ColumnType.STRING, "VARCHAR"),
    )


def test_rows_arrive_in_batches_of_the_asked_size_and_in_order(shop: DuckDBSource) -> None:
    with shop.query("SELECT id FROM people ORDER BY id DESC", batch_rows=300) as stream:
        assert stream.schema.names == ["id"]
        batches = list(stream)
    assert max(len(batch) for batch in batches) <= 300
    assert [i for batch in batches for i in batch.column(0).to_pylist()] == list(range(999, -1, -1))


def test_tables_can_be_named_with_the_files_name_as_in_duckdb_itself(shop: DuckDBSource) -> None:
    assert value(shop, "(SELECT count(*) FROM shop.sales.first_ten)") == 10


@pytest.mark.parametrize("name", ["memory", "temp", "system", "main", 'we"ird; name'])
def test_any_file_name_will_do(folder: Path, files_allowed: Environment, name: str) -> None:
    with duckdb.connect(str(folder / "x.duckdb")) as connection:
        connection.execute("CREATE TABLE t AS SELECT 7 AS x")
    (folder / "x.duckdb").rename(folder / f"{name}.duckdb")
    source = DuckDBSource({"mode": "database", "path": f"{name}.duckdb"}, files_allowed)
    assert rows(source, "SELECT x FROM t") == [{"x": 7}]


def test_files_and_patterns_are_tables(folder: Path, files_allowed: Environment) -> None:
    (folder / "people.csv").write_text("id,name\n1,Zoë\n2,\n")
    (folder / "days").mkdir()
    (folder / "days" / "a.ndjson").write_text('{"day": "2026-01-01", "tags": ["x"]}\n')
    (folder / "days" / "b.ndjson").write_text('{"day": "2026-01-02", "more": 1}\n')
    with duckdb.connect() as connection:
        connection.execute(f"COPY (SELECT 1.50::DECIMAL(9, 2) AS price) TO '{folder}/p.parquet'")
    source = over_files(files_allowed, people="people.csv", days="days/*.ndjson", prices=str(folder / "p.parquet"))
    assert source.tables() == [Table("", name, "file") for name in ("days", "people", "prices")]
    assert rows(source, "SELECT * FROM people ORDER BY id") == [{"id": 1, "name": "Zoë"}, {"id": 2, "name": None}]
    assert [c.name for c in source.columns(Table("", "days"))] == ["day", "tags", "more"]
    assert rows(source, "SELECT tags, more FROM days ORDER BY day") == [
        {"tags": '["x"]', "more": None},
        {"tags": None, "more": 1},
    ]
    assert source.columns(Table("", "prices"))[0].native_type == "DECIMAL(9,2)"


HOSTILE_QUERIES = [
    "SELECT * FROM read_csv('{outside}')",
    "SELECT * FROM '{outside}'",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_blob('/etc/passwd')",
    "SELECT * FROM glob('/etc/*')",
    "SELECT * FROM sniff_csv('{outside}')",
    "SELECT * FROM parquet_metadata('/etc/passwd')",
    "SELECT * FROM read_csv('https://127.0.0.1:9/x.csv')",
    "SELECT getenv('HOME')",
    "SELECT nextval('counter')",
    "COPY people TO '{outside}.copy'",
    "ATTACH '{outside}.duckdb' AS other",
    "DETACH shop",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET enable_external_access = true",
    "RESET lock_configuration",
    "PRAGMA enable_profiling",
    "CALL force_checkpoint()",
    "CHECKPOINT",
    "EXPORT DATABASE '{outside}.export'",
    "CREATE TABLE mine AS SELECT 1",
    "CREATE TEMP TABLE mine AS SELECT 1",
    "INSERT INTO people VALUES (1, 'x')",
    "DELETE FROM people",
    "WITH gone AS (DELETE FROM people RETURNING *) SELECT * FROM gone",
    "SELECT 1; DROP TABLE people",
    "SELECT 1) AS x; DROP TABLE people; SELECT * FROM (SELECT 1",
    "SELECT * FROM query('COPY people TO ''{outside}.copy''')",
]


@pytest.mark.parametrize("sql", HOSTILE_QUERIES)
def test_a_query_can_only_read_its_tables(shop: DuckDBSource, tmp_path: Path, sql: str) -> None:
    before = sorted(p for p in tmp_path.rglob("*"))
    with pytest.raises(QueryError):
        rows(shop, sql.format(outside=tmp_path / "outside.csv"))
    assert sorted(p for p in tmp_path.rglob("*")) == before
    assert value(shop, "(SELECT count(*) FROM people)") == 1000


def test_a_query_over_files_reads_no_neighbour_and_no_python_variable(folder: Path, files_allowed: Environment) -> None:
    (folder / "a.csv").write_text("x\n1\n")
    (folder / "b.csv").write_text("x\n2\n")
    source = over_files(files_allowed, a="a.csv")
    assert rows(source, f"SELECT x FROM read_csv('{folder}/a.csv')") == [{"x": 1}]
    with pytest.raises(QueryError):
        rows(source, f"SELECT x FROM read_csv('{folder}/b.csv')")
    with pytest.raises(QueryError):
        rows(source, f"COPY (SELECT 2) TO '{folder}/a.csv'")
    with pytest.raises(QueryError, match="does not exist"):
        rows(source, "SELECT * FROM layout")


@pytest.mark.parametrize("path", ["../outside.csv", "{outside}", "link.csv", "**/../../outside.csv", "", "nothing.csv"])
def test_paths_outside_the_allowed_folders_are_refused(
    folder: Path, files_allowed: Environment, tmp_path: Path, path: str
) -> None:
    (folder / "link.csv").symlink_to(tmp_path / "outside.csv")
    source = over_files(files_allowed, t=path.format(outside=tmp_path / "outside.csv"))
    with pytest.raises(ConfigError) as caught:
        source.check()
    assert caught.value.field == "files"
    assert "secret" not in str(caught.value)


def test_a_pattern_that_leads_outside_is_refused(folder: Path, files_allowed: Environment, tmp_path: Path) -> None:
    (folder / "link.csv").symlink_to(tmp_path / "outside.csv")
    with pytest.raises(ConfigError, match="outside"):
        over_files(files_allowed, t="*.csv").check()


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("t.xlsx", "x", "no known kind"),
        ("t.csv", None, "no file"),
    ],
)
def test_files_that_cannot_be_read_say_why(
    folder: Path, files_allowed: Environment, name: str, text: str | None, words: str
) -> None:
    if text is not None:
        (folder / name).write_text(text)
    with pytest.raises(ConfigError, match=words):
        over_files(files_allowed, t=name).check()


def test_without_allowed_folders_nothing_is_read() -> None:
    with pytest.raises(ConfigError, match="allows no local files"):
        DuckDBSource({"mode": "database", "path": "x.duckdb"}, Environment()).check()


def test_a_file_that_is_no_database_says_so(folder: Path, files_allowed: Environment) -> None:
    (folder / "x.duckdb").write_text("not a database " * 1000)
    with pytest.raises(ConfigError, match="not a valid DuckDB database") as caught:
        DuckDBSource({"path": "x.duckdb"}, files_allowed).check()
    assert caught.value.field == "path"


@pytest.mark.parametrize(
    ("sql", "words", "position"),
    [
        ("SELECT nobody FROM people", "nobody", 7),
        ("SELECT id,\n       nobody\nFROM people", "nobody", 18),
        ("SELECT *\nFROM sales.nothing", "nothing", 14),
        ("SELECT 1 FRO people x", "syntax error", 13),
        (f"SELECT '{'x' * 200}' AS a, nobody FROM people", "nobody", 216),
        (f"SELECT '{'é' * 200}' AS a, nobody FROM people", "nobody", 216),
    ],
)
def test_errors_are_duckdbs_own_and_know_their_place(shop: DuckDBSource, sql: str, words: str, position: int) -> None:
    with pytest.raises(QueryError, match=words) as caught:
        shop.describe(sql)
    assert caught.value.position == position
    assert "LINE" not in caught.value.message


def test_an_error_in_the_middle_of_the_rows_is_typed(shop: DuckDBSource) -> None:
    with pytest.raises(QueryError, match="Could not convert"):
        rows(shop, "SELECT CASE WHEN id = 900 THEN 'x' ELSE '1' END::INTEGER AS n FROM people")


def test_a_pivot_works(shop: DuckDBSource) -> None:
    sql = "PIVOT (SELECT id % 2 AS odd, id FROM people) ON odd USING count(id)"
    assert [c.name for c in shop.describe(sql)] == ["0", "1"]
    assert rows(shop, sql) == [{"0": 500, "1": 500}]


def test_cancelling_ends_a_long_query_at_once(shop: DuckDBSource) -> None:
    with shop.query("SELECT count(*) AS n FROM range(10000000) a, range(10000000) b") as stream:
        started = time.monotonic()
        timer = threading.Timer(0.5, stream.cancel)
        timer.start()
        with pytest.raises(QueryError, match="cancelled"):
            list(stream)
        timer.join()
        assert time.monotonic() - started < 20


def test_a_reader_that_stops_early_is_not_kept_waiting(shop: DuckDBSource) -> None:
    with shop.query("SELECT i FROM range(1000000000000) t (i)") as stream:
        assert next(iter(stream)).num_rows > 0


def test_memory_stays_bounded_while_millions_of_rows_pass(folder: Path, files_allowed: Environment) -> None:
    (folder / "one.csv").write_text("x\n1\n")
    source = over_files(Environment(local_roots=files_allowed.local_roots, memory_mb=128), t="one.csv")
    process, peak, count = psutil.Process(), 0, 0
    before = process.memory_info().rss
    with source.query(
        "SELECT i, md5(i::VARCHAR) AS a, md5(i::VARCHAR) || 'x' AS b FROM range(3000000) t (i)"
    ) as stream:
        for batch in stream:
            count += batch.num_rows
            peak = max(peak, process.memory_info().rss)
    assert count == 3_000_000
    assert peak - before < 200 * 2**20  # the rows themselves are about 250 MB


def test_sorting_more_than_fits_spills_into_the_data_folder(folder: Path, tmp_path: Path) -> None:
    (folder / "one.csv").write_text("x\n1\n")
    environment = Environment(local_roots=(str(folder),), memory_mb=64, extra={"data_dir": str(tmp_path)})
    source = over_files(environment, t="one.csv")
    with source.query("SELECT md5(i::VARCHAR) AS a FROM range(3000000) t (i) ORDER BY a") as stream:
        assert sum(batch.num_rows for batch in stream) == 3_000_000
    assert list((tmp_path / "tmp").iterdir()) == []


HOLDER = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1], read_only=sys.argv[2] == "read")
connection.execute("SELECT 1")
print("open", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def held(shop: DuckDBSource, folder: Path, request: pytest.FixtureRequest) -> Iterator[DuckDBSource]:
    """The shop while another process holds its file open."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder / "shop.duckdb"), request.param],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"
        yield shop
        other.communicate()


@pytest.mark.parametrize("held", ["read"], indirect=True)
def test_another_reader_is_no_hindrance(held: DuckDBSource) -> None:
    assert value(held, "(SELECT count(*) FROM people)") == 1000


@pytest.mark.parametrize("held", ["write"], indirect=True)
def test_a_writer_elsewhere_is_said_to_be_the_reason(held: DuckDBSource) -> None:
    with pytest.raises(Unavailable, match="open for writing"):
        held.check()


def test_two_queries_at_once_do_not_disturb_each_other(shop: DuckDBSource) -> None:
    with shop.query("SELECT id FROM people ORDER BY id") as one, shop.query("SELECT name FROM people") as two:
        assert sum(len(a) + len(b) for a, b in zip(one, two, strict=True)) == 2000


def test_only_typed_errors_leave_the_source(shop: DuckDBSource) -> None:
    for sql in ("", ";", "-- x", "SELECT", "\0", "(" * 3000, "SELECT 1 AS a, 2 AS a"):
        with pytest.raises(ConnectorError):
            rows(shop, sql)
