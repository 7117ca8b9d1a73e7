"""What each source can be run against here, and what it is asked there: data for :mod:`test_running`.

A new source that some server, emulator or fake stands for is one more :class:`Stand`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from connectors.registry import source_class
from connectors.sdk.context import Environment
from connectors.sdk.errors import AuthError, ConfigError, Unavailable
from connectors.sdk.source import Source
from connectors.sdk.types import ColumnType
from tests.connectors.sources.stand import Stand
from tests.connectors.sources.stands_duck import ATHENA, DATABRICKS, MANAGED_ATHENA, TRINO, ZONED
from tests.connectors.sources.stands_tds import FABRIC, SQLSERVER, SYNAPSE

_POSTGRES = Stand(
    key="greenplum",
    server="postgres_server",
    seed=(
        "CREATE TABLE stand_people AS SELECT i AS id, 'person ' || i AS name FROM generate_series(0, 9) i",
        "COMMENT ON COLUMN stand_people.id IS 'Their number'",
        """CREATE TABLE "we""ird; t" ("c""; --" int, "Ünïcode 🌊" text)""",
        """INSERT INTO "we""ird; t" VALUES (1, 'x')""",
        "CREATE SEQUENCE stand_counter",
    ),
    values=(
        ("true", ColumnType.BOOLEAN, True),
        ("NULL::boolean", ColumnType.BOOLEAN, None),
        ("(-32768)::int2", ColumnType.NUMBER, -32768),
        ("9223372036854775807::int8", ColumnType.NUMBER, 9223372036854775807),
        ("0.1::float8", ColumnType.NUMBER, 0.1),
        ("'NaN'::float8", ColumnType.NUMBER, float("nan")),
        ("12.50::numeric(10, 2)", ColumnType.NUMBER, Decimal("12.50")),
        (f"{'9' * 60}.5", ColumnType.NUMBER, f"{'9' * 60}.5"),
        ("'Zoë 🌊'::text", ColumnType.STRING, "Zoë 🌊"),
        ("''::text", ColumnType.STRING, ""),
        ("'8f3c1d52-7a9b-4c6e-9d10-2b3a4c5d6e7f'::uuid", ColumnType.STRING, "8f3c1d52-7a9b-4c6e-9d10-2b3a4c5d6e7f"),
        ("interval '1 month 2 days'", ColumnType.STRING, "1 mon 2 days"),
        (r"'\xDEAD00'::bytea", ColumnType.STRING, "dead00"),
        ("'2026-02-03'::date", ColumnType.DATE, dt.date(2026, 2, 3)),
        (
            "'2026-02-03 04:05:06.123456'::timestamp",
            ColumnType.TIMESTAMP,
            dt.datetime(2026, 2, 3, 4, 5, 6, 123456),  # noqa: DTZ001 - without a zone
        ),
        ("'2026-02-03 04:05:06+02'::timestamptz", ColumnType.TIMESTAMP, ZONED),
    ),
    objects=(
        ("""'{"a": [1, null]}'::jsonb""", {"a": [1, None]}),
        ("ARRAY[1, NULL, 3]", [1, None, 3]),
    ),
    many="SELECT generate_series(0, {n} - 1) AS i",
    slow="SELECT pg_sleep(60)::text AS x",
    time_limit={"statement_timeout": 1},
    writes=(
        "DELETE FROM stand_people RETURNING id",
        "WITH gone AS (DELETE FROM stand_people RETURNING *) SELECT * FROM gone",
        "SELECT 1; DROP TABLE stand_people",
        "SELECT 1 AS x) AS y; DROP TABLE stand_people; SELECT * FROM (SELECT 1 AS x",
        "SELECT nextval('stand_counter') AS x",
        "SELECT set_config('transaction_read_only', 'off', false) AS x",
    ),
    wrong=(
        ("SELECT nobody FROM stand_people", "nobody"),
        ("SELECT 1 / (i - 5) AS x FROM generate_series(1, 10) i", "division by zero"),
        ("SELECT 'infinity'::timestamptz AS x", "“x”"),
        ("SELECT 1 AS a, 2 AS a", "“a”"),
    ),
    refusals=(
        ({"password": "wrong"}, AuthError, "password"),
        ({"port": 1}, Unavailable, "refused"),
        ({"database": "no_such_database"}, ConfigError, "no_such_database"),
        ({"host": "no-such-host.invalid"}, Unavailable, "could not be resolved"),
    ),
)


def _on_postgres(key: str) -> Callable[..., Source]:
    """The source, without the settings of a session that only its own servers know."""

    def make(*given: Any) -> Source:
        cls = source_class(key)
        made: Source = type(cls.__name__, (cls,), {"settings": lambda self: {}})(*given)
        return made

    return make


def _without_vitess(*given: Any) -> Source:
    """PlanetScale's source, without the statement that only Vitess understands."""
    cls = source_class("planetscale")
    made: Source = type(cls.__name__, (cls,), {"session": ("SET time_zone = '+00:00'",)})(*given)
    return made


_MARIADB = Stand(
    key="mysql",
    server="mariadb_server",
    seed=(
        "CREATE TABLE stand_people (id int COMMENT 'Their number', name varchar(40))",
        "INSERT INTO stand_people SELECT seq, concat('person ', seq) FROM seq_0_to_9",
        'CREATE TABLE `we"ird; t` (`c"``; --` int, `Ünïcode` text)',
        "CREATE SEQUENCE stand_counter",
        "CREATE VIEW stand_view AS SELECT id FROM stand_people",
        "CREATE TABLE stand_types (t tinyint(1), u bigint unsigned, f float, d decimal(10,2), w decimal(65,30),"
        " b bit(1), bb bit(9), y year, bin varbinary(8), e enum('a','b'), g point, z date, at timestamp(6) NULL)",
        "INSERT INTO stand_types VALUES (2, 18446744073709551615, 0.1, 12.50, 1, b'1', b'100000001', 2026,"
        " x'DEAD00', 'b', ST_GeomFromText('POINT(1 2)'), '2026-01-01', '2026-01-02 03:04:05.5')",
        "SET sql_mode = ''",
        "CREATE TABLE stand_zero (z datetime)",
        "INSERT INTO stand_zero VALUES ('0000-00-00')",
    ),
    hostile=('c"`; --', "Ünïcode"),
    values=(
        ("CAST(-32768 AS SIGNED)", ColumnType.NUMBER, -32768),
        ("(SELECT t FROM stand_types)", ColumnType.NUMBER, 2),
        ("(SELECT u FROM stand_types)", ColumnType.NUMBER, 18446744073709551615),
        ("(SELECT f FROM stand_types)", ColumnType.NUMBER, 0.10000000149011612),
        ("1e0 / 3", ColumnType.NUMBER, 1 / 3),
        ("(SELECT d FROM stand_types)", ColumnType.NUMBER, Decimal("12.50")),
        ("(SELECT w FROM stand_types)", ColumnType.NUMBER, f"1.{'0' * 30}"),
        ("12.50 * 10", ColumnType.NUMBER, Decimal("125.00")),
        ("(SELECT b FROM stand_types)", ColumnType.BOOLEAN, True),
        ("(SELECT bb FROM stand_types)", ColumnType.NUMBER, 257),
        ("(SELECT y FROM stand_types)", ColumnType.NUMBER, 2026),
        ("(SELECT bin FROM stand_types)", ColumnType.STRING, "dead00"),
        ("x'00FF'", ColumnType.STRING, "00ff"),
        ("(SELECT e FROM stand_types)", ColumnType.STRING, "b"),
        ("(SELECT g FROM stand_types)", ColumnType.STRING, "POINT(1 2)"),
        ("'Zoë 🌊'", ColumnType.STRING, "Zoë 🌊"),
        ("''", ColumnType.STRING, ""),
        ("CAST('-838:59:59' AS TIME)", ColumnType.STRING, "-838:59:59"),
        ("CAST(NULL AS DATE)", ColumnType.DATE, None),
        ("(SELECT z FROM stand_types)", ColumnType.DATE, dt.date(2026, 1, 1)),
        (
            "CAST('2026-02-03 04:05:06.123456' AS DATETIME(6))",
            ColumnType.TIMESTAMP,
            dt.datetime(2026, 2, 3, 4, 5, 6, 123456),  # noqa: DTZ001 - without a zone
        ),
        ("FROM_UNIXTIME(1770084306)", ColumnType.TIMESTAMP, dt.datetime(2026, 2, 3, 2, 5, 6)),  # noqa: DTZ001
    ),
    many="SELECT CAST(seq - 1 AS SIGNED) AS i FROM seq_1_to_{n}",
    slow="SELECT sleep(60) AS x, count(*) AS n FROM stand_people",
    time_limit={"statement_timeout": 1},
    writes=(
        "DELETE FROM stand_people RETURNING id",
        "SELECT 1; DROP TABLE stand_people",
        "SELECT 1 AS x) AS y; DROP TABLE stand_people; SELECT * FROM (SELECT 1 AS x",
        "SELECT 1 AS x /*! ) AS y; DROP TABLE stand_people */",
        "SELECT nextval(stand_counter) AS x",
        "SELECT * FROM stand_people INTO OUTFILE '/tmp/headrace-outfile'",
        "SELECT * FROM stand_people FOR UPDATE",
    ),
    wrong=(
        ("SELECT nobody FROM stand_people", "nobody"),
        ("SELECT * FROM nothing_there", "nothing_there"),
        ("SELECT z AS x FROM stand_zero", "“x”"),
        ("SELECT 1 AS a, 2 AS a", "[“']a[”']"),
        ("SELECT ? AS a", "placeholders"),
    ),
    refusals=(
        ({"password": "wrong"}, AuthError, "[Aa]ccess denied"),
        ({"port": 1}, Unavailable, "refused"),
        ({"database": "no_such_database"}, AuthError, "no_such_database"),
        ({"host": "no-such-host.invalid"}, Unavailable, "could not be resolved"),
        ({"sslmode": "require"}, ConfigError, "doesn't support"),
    ),
)

_CLICKHOUSE = Stand(
    key="clickhouse",
    server="clickhouse_server",
    schema="default",
    seed=(
        "CREATE TABLE stand_people (id Int32 COMMENT 'Their number', name String) ENGINE = MergeTree ORDER BY id",
        "INSERT INTO stand_people SELECT number, concat('person ', toString(number)) FROM numbers(10)",
        """CREATE TABLE `we"ird; t` (`c"; --` Int32, `Ünïcode` String) ENGINE = Memory""",
    ),
    hostile=('c"; --', "Ünïcode"),
    values=(
        ("true", ColumnType.BOOLEAN, True),
        ("CAST(NULL AS Nullable(Bool))", ColumnType.BOOLEAN, None),
        ("toUInt64(18446744073709551615)", ColumnType.NUMBER, 18446744073709551615),
        ("toInt8(-128)", ColumnType.NUMBER, -128),
        ("0.1", ColumnType.NUMBER, 0.1),
        ("toDecimal64('12.50', 2)", ColumnType.NUMBER, Decimal("12.50")),
        ("toInt256('-5')", ColumnType.NUMBER, "-5"),
        ("'Zoë 🌊'", ColumnType.STRING, "Zoë 🌊"),
        ("toLowCardinality('x')", ColumnType.STRING, "x"),
        ("toFixedString('ab', 4)", ColumnType.STRING, "ab"),
        ("CAST('a' AS Enum8('a' = 1))", ColumnType.STRING, "a"),
        ("toUUID('8f3c1d52-7a9b-4c6e-9d10-2b3a4c5d6e7f')", ColumnType.STRING, "8f3c1d52-7a9b-4c6e-9d10-2b3a4c5d6e7f"),
        ("toIPv4('1.2.3.4')", ColumnType.STRING, "1.2.3.4"),
        ("hex('🌊')", ColumnType.STRING, "F09F8C8A"),
        ("toDate('2026-02-03')", ColumnType.DATE, dt.date(2026, 2, 3)),
        ("toDateTime('2026-02-03 04:05:06', 'Etc/GMT-2')", ColumnType.TIMESTAMP, ZONED),
        (
            "toDateTime64('2026-02-03 04:05:06.123456', 6, 'UTC')",
            ColumnType.TIMESTAMP,
            dt.datetime(2026, 2, 3, 4, 5, 6, 123456, dt.UTC),
        ),
    ),
    objects=(
        ("[1, NULL, 3]", [1, None, 3]),
        ("map('a', toUInt64(1))", {"a": 1}),
        ("tuple(1, 'x')", [1, "x"]),
    ),
    many="SELECT toInt64(number) AS i FROM numbers({n})",
    writes=(
        "INSERT INTO stand_people VALUES (1, 'x')",
        "SELECT 1; DROP TABLE stand_people",
        "SELECT 1 AS x) AS y; DROP TABLE stand_people; SELECT * FROM (SELECT 1 AS x",
        "ALTER TABLE stand_people DELETE WHERE 1",
        "SELECT * FROM stand_people INTO OUTFILE '/tmp/headrace-outfile'",
    ),
    wrong=(
        ("SELECT nobody FROM stand_people", "nobody"),
        ("SELECT * FROM nothing_there", "nothing_there"),
        ("SELECT unhex('ff') AS x", "“x”"),
        ("SELECT 1 AS a, 2 AS a", "a"),
    ),
    refusals=(
        ({"password": "wrong"}, AuthError, "Authentication failed"),
        ({"port": 1}, Unavailable, "refused"),
        ({"database": "no_such_database"}, ConfigError, "no_such_database"),
        ({"host": "no-such-host.invalid"}, Unavailable, "could not be resolved"),
    ),
)


def at_fakesnow(settings: Mapping[str, Any], environment: Environment) -> Source:
    """The source, before the stand-in instead of Snowflake's address."""
    cls = source_class("snowflake")
    place = {"host": settings["host"], "port": settings["port"], "protocol": "http", "schema": "PUBLIC"}
    made: Source = type(cls.__name__, (cls,), {"place": place})(settings, environment)
    return made


_SNOWFLAKE = Stand(
    key="snowflake",
    server="snowflake_server",
    make=at_fakesnow,
    schema="PUBLIC",
    quote='"',
    comments=False,
    seed=(
        """CREATE TABLE "stand_people" ("id" INT COMMENT 'Their number', "name" TEXT)""",
        """INSERT INTO "stand_people" SELECT seq4(), 'person ' || seq4() FROM TABLE(GENERATOR(ROWCOUNT => 10))""",
        """CREATE TABLE "we""ird; t" ("c""; --" INT, "Ünïcode 🌊" TEXT)""",
    ),
    values=(
        ("true", ColumnType.BOOLEAN, True),
        ("NULL::boolean", ColumnType.BOOLEAN, None),
        ("7::number(18, 0)", ColumnType.NUMBER, 7),
        ("9223372036854775807::number(38, 0)", ColumnType.NUMBER, Decimal(9223372036854775807)),
        ("12.50::number(10, 2)", ColumnType.NUMBER, Decimal("12.50")),
        ("0.1::float", ColumnType.NUMBER, 0.1),
        ("'Zoë 🌊'", ColumnType.STRING, "Zoë 🌊"),
        ("''", ColumnType.STRING, ""),
        ("to_binary('DEAD00', 'HEX')", ColumnType.STRING, "dead00"),
        ("'04:05:06'::time", ColumnType.STRING, "04:05:06"),
        ("'2026-02-03'::date", ColumnType.DATE, dt.date(2026, 2, 3)),
        (
            "'2026-02-03 04:05:06.123456'::timestamp_ntz",
            ColumnType.TIMESTAMP,
            dt.datetime(2026, 2, 3, 4, 5, 6, 123456),  # noqa: DTZ001 - without a zone
        ),
        ("'2026-02-03 04:05:06 +0200'::timestamp_tz", ColumnType.TIMESTAMP, ZONED),
    ),
    objects=(("""parse_json('{"a": [1, null]}')""", {"a": [1, None]}),),
    many='SELECT (row_number() OVER (ORDER BY 1)) - 1 AS "i" FROM TABLE(GENERATOR(ROWCOUNT => {n}))',
    writes=(
        'DELETE FROM "stand_people"',
        'SELECT 1; DROP TABLE "stand_people"',
        'SELECT 1 AS x) AS y; DROP TABLE "stand_people"; SELECT * FROM (SELECT 1 AS x',
        "CALL SYSTEM$WAIT(1)",
        "ALTER SESSION SET TIMEZONE = 'Europe/Paris'",
    ),
    wrong=(
        ('SELECT nobody FROM "stand_people"', "(?i)nobody"),
        ("SELECT * FROM nothing_there", "(?i)nothing_there"),
        ("SELECT 1 AS a, 2 AS a", "“A”"),
    ),
    refusals=(
        ({"port": 1}, Unavailable, "acme"),
        ({"login": "key", "private_key": "no key"}, ConfigError, "private key"),
    ),
)


def at_bqemulator(settings: Mapping[str, Any], environment: Environment) -> Source:
    """The source, with the stand-in's addresses for Google's."""
    config = dict(settings)
    return source_class("bigquery")(config, replace(environment, routes=config.pop("routes")))


_BIGQUERY = Stand(
    key="bigquery",
    server="bigquery_server",
    make=at_bqemulator,
    schema="stand",
    home="stand.",
    comments=False,
    # Names of tables and columns have no quotes there.
    odd="ird-t",
    hostile=("c'--", "Ünïcode"),
    seed=(
        "CREATE TABLE stand.stand_people (id INT64, name STRING)",
        "INSERT INTO stand.stand_people SELECT i, CONCAT('person ', CAST(i AS STRING)) "
        "FROM UNNEST(GENERATE_ARRAY(0, 9)) i",
        "CREATE TABLE stand.`weird-t` (`c'--` INT64, `Ünïcode` STRING)",
    ),
    values=(
        ("true", ColumnType.BOOLEAN, True),
        ("CAST(NULL AS BOOL)", ColumnType.BOOLEAN, None),
        ("9223372036854775807", ColumnType.NUMBER, 9223372036854775807),
        ("0.1", ColumnType.NUMBER, 0.1),
        ("CAST('NaN' AS FLOAT64)", ColumnType.NUMBER, float("nan")),
        ("CAST('-inf' AS FLOAT64)", ColumnType.NUMBER, float("-inf")),
        ("NUMERIC '12.50'", ColumnType.NUMBER, Decimal("12.50")),
        ("NUMERIC '123456789012345678.123456789'", ColumnType.NUMBER, Decimal("123456789012345678.123456789")),
        ("'Zoë 🌊'", ColumnType.STRING, "Zoë 🌊"),
        ("''", ColumnType.STRING, ""),
        ("FROM_HEX('DEAD00')", ColumnType.STRING, "dead00"),
        ("TIME '04:05:06'", ColumnType.STRING, "04:05:06"),
        ("DATE '2026-02-03'", ColumnType.DATE, dt.date(2026, 2, 3)),
        (
            "DATETIME '2026-02-03 04:05:06.123456'",
            ColumnType.TIMESTAMP,
            dt.datetime(2026, 2, 3, 4, 5, 6, 123456),  # noqa: DTZ001 - without a zone
        ),
        ("TIMESTAMP '2026-02-03 04:05:06+02'", ColumnType.TIMESTAMP, ZONED),
    ),
    objects=(
        ("[1, 2, 3]", [1, 2, 3]),
        ("STRUCT(1 AS x, 'y' AS z)", {"x": 1, "z": "y"}),
        ("""JSON '{"a": [1, null]}'""", {"a": [1, None]}),
    ),
    many="SELECT i FROM UNNEST(GENERATE_ARRAY(0, {n} - 1)) AS i ORDER BY i",
    writes=(
        "DELETE FROM stand.stand_people WHERE true",
        "SELECT 1; DROP TABLE stand.stand_people",
        "SELECT 1 AS x) AS y; DROP TABLE stand.stand_people; SELECT * FROM (SELECT 1 AS x",
        "EXPORT DATA OPTIONS (uri = 'gs://elsewhere/*', format = 'CSV') AS SELECT * FROM stand.stand_people",
        "EXECUTE IMMEDIATE 'DROP TABLE stand.stand_people'",
    ),
    wrong=(
        ("SELECT nobody FROM stand.stand_people", "nobody"),
        ("SELECT * FROM stand.nothing_there", "nothing_there"),
        ("SELECT 1 / (i - 5) AS x FROM UNNEST([1, 5]) i", "division by zero"),
    ),
    refusals=(
        ({"service_account_key": "no key"}, ConfigError, "JSON key"),
        ({"project": "elsewhere"}, AuthError, "no table"),
    ),
)

STANDS: tuple[Stand, ...] = (
    DATABRICKS,
    TRINO,
    ATHENA,
    MANAGED_ATHENA,
    SQLSERVER,
    SYNAPSE,
    FABRIC,
    _BIGQUERY,
    _SNOWFLAKE,
    _CLICKHOUSE,
    _MARIADB,
    # Without transactions that only read, sequences could be moved on: the user's rights are what keeps from it.
    replace(
        _MARIADB,
        key="singlestore",
        writes=tuple(w for w in _MARIADB.writes if "nextval" not in w),
        wrong=tuple(w for w in _MARIADB.wrong if w[1] != "placeholders"),
        time_limit={},
    ),
    replace(
        _MARIADB,
        key="planetscale",
        make=_without_vitess,
        writes=tuple(w for w in _MARIADB.writes if "nextval" not in w),
        wrong=tuple(w for w in _MARIADB.wrong if w[1] != "placeholders"),
        time_limit={},
    ),
    _POSTGRES,
    replace(
        _POSTGRES,
        key="redshift",
        make=_on_postgres("redshift"),
        # What Redshift's own view of its tables tells.
        seed=(
            *_POSTGRES.seed,
            "CREATE VIEW svv_tables AS SELECT table_schema::text, table_name::text, table_type::text, NULL::text AS "
            "remarks FROM information_schema.tables",
        ),
        # PostgreSQL does not know VARCHAR(MAX), which Redshift has for long text.
        values=tuple(v for v in _POSTGRES.values if not v[0].endswith("::uuid") and "interval" not in v[0]),
        objects=(),
    ),
    replace(_POSTGRES, key="materialize"),
)
# Sources whose code is that of another one, with another declaration only.
SAME_CODE = {"alloydb": "postgres", "lakebase": "postgres", "snowflake_iceberg": "snowflake"}
# Sources that nothing here can stand for, and what their code was held against instead.
NOT_RUN: dict[str, str] = {
    "bigquery_iceberg": "its catalog's lists, as documented; queries are those of BigQuery",
    "oracle": "its driver's own contract, and what its driver sends to a listener",
    "teradata": "its driver's own contract, and what its driver sends to a server",
    "azure_blob": "its file system's own contract; what surrounds it is that of S3 and GCS",
}
# Sources with test modules of their own that ask more than the stands do.
TESTED_APART = {
    "postgres",
    "duckdb",
    "sample_b2b",
    "sample_b2c",
    "gcs",
    "s3",
    "sftp",
    "google_sheets",
    "microsoft_excel",
}
