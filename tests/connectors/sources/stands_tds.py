"""What speaks TDS, before a stand-in of it that runs T-SQL on DuckDB."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from connectors.registry import source_class
from connectors.sdk.context import Environment
from connectors.sdk.errors import AuthError, ConfigError, Unavailable
from connectors.sdk.source import Source
from connectors.sdk.types import ColumnType
from tests.connectors.sources.stand import Stand
from tests.connectors.sources.stands_duck import ZONED

_LONG = "Zoë 🌊" * 900  # more than a chunk, with characters that chunks cut in two
_MOMENT = dt.datetime(2026, 2, 3, 4, 5, 6, 123456)  # noqa: DTZ001 - without a zone

SQLSERVER = Stand(
    key="sqlserver",
    server="sqlserver_server",
    schema="dbo",
    seed=(
        "CREATE TABLE stand_people (id bigint, name nvarchar(40))",
        "INSERT INTO stand_people SELECT value, CONCAT('person ', value) FROM GENERATE_SERIES(0, 9) AS s(value)",
        "COMMENT ON COLUMN dbo.stand_people.id IS 'Their number'",
        'CREATE TABLE "we""ird; t" ("c""; --" int, "Ünïcode 🌊" nvarchar(40))',
        "CREATE TABLE stand_types (x xml, g geography, h hierarchyid, v varchar(40), i image)",
        "INSERT INTO stand_types VALUES ('<a>1</a>', 'POINT (1 2)', '/1/', 'Grüße', 0xDEAD00)",
    ),
    values=(
        ("CAST(1 AS BIT)", ColumnType.BOOLEAN, True),
        ("CAST(NULL AS BIT)", ColumnType.BOOLEAN, None),
        ("CAST(255 AS TINYINT)", ColumnType.NUMBER, 255),
        ("CAST(-32768 AS SMALLINT)", ColumnType.NUMBER, -32768),
        ("CAST(9223372036854775807 AS BIGINT)", ColumnType.NUMBER, 9223372036854775807),
        ("CAST(12.5 AS DECIMAL(10, 2))", ColumnType.NUMBER, Decimal("12.50")),
        (
            "CAST(-1234567890123456789012345678901234.5678 AS DECIMAL(38, 4))",
            ColumnType.NUMBER,
            Decimal("-1234567890123456789012345678901234.5678"),
        ),
        ("CAST(-922337203685477.5808 AS MONEY)", ColumnType.NUMBER, Decimal("-922337203685477.5808")),
        ("CAST(1.5 AS SMALLMONEY)", ColumnType.NUMBER, Decimal("1.5000")),
        ("CAST(0.1 AS FLOAT)", ColumnType.NUMBER, 0.1),
        ("CAST(0.5 AS REAL)", ColumnType.NUMBER, 0.5),
        ("N'Zoë 🌊'", ColumnType.STRING, "Zoë 🌊"),
        (f"CAST(N'{_LONG}' AS NVARCHAR(MAX))", ColumnType.STRING, _LONG),
        ("N''", ColumnType.STRING, ""),
        ("CAST(N'' AS NVARCHAR(MAX))", ColumnType.STRING, ""),
        ("(SELECT v FROM stand_types)", ColumnType.STRING, "Grüße"),
        ("(SELECT x FROM stand_types)", ColumnType.STRING, "<a>1</a>"),
        ("(SELECT g FROM stand_types)", ColumnType.STRING, "POINT (1 2)"),
        ("(SELECT h FROM stand_types)", ColumnType.STRING, "/1/"),
        ("(SELECT i FROM stand_types)", ColumnType.STRING, "dead00"),
        ("CAST(0xDEAD00 AS VARBINARY(8))", ColumnType.STRING, "dead00"),
        (
            "CAST('6f9619ff-8b86-d011-b42d-00c04fc964ff' AS UNIQUEIDENTIFIER)",
            ColumnType.STRING,
            "6F9619FF-8B86-D011-B42D-00C04FC964FF",
        ),
        ("CAST('04:05:06' AS TIME(3))", ColumnType.STRING, "04:05:06"),
        ("CAST('2026-02-03' AS DATE)", ColumnType.DATE, dt.date(2026, 2, 3)),
        ("CAST('2026-02-03 04:05:06.123456' AS DATETIME2(7))", ColumnType.TIMESTAMP, _MOMENT),
        ("CAST('2026-02-03 04:05:06.123' AS DATETIME)", ColumnType.TIMESTAMP, _MOMENT.replace(microsecond=123_000)),
        ("CAST('2026-02-03T04:05:06+02:00' AS DATETIMEOFFSET(7))", ColumnType.TIMESTAMP, ZONED),
    ),
    many="SELECT CAST(value AS BIGINT) AS i FROM GENERATE_SERIES(0, {n} - 1) AS s(value)",
    slow="SELECT count(*) AS x FROM GENERATE_SERIES(0, 300000) AS a(i) CROSS JOIN GENERATE_SERIES(0, 300000) AS b(j) "
    "WHERE a.i * b.j = 7",
    time_limit={"statement_timeout": 1},
    writes=(
        "DELETE FROM stand_people",
        "SELECT 1 AS x; DROP TABLE stand_people",
        "SELECT 1 AS x) AS y; DROP TABLE stand_people; SELECT * FROM (SELECT 1 AS x",
        "SELECT * INTO stand_copy FROM stand_people",
        "WITH p AS (SELECT id FROM stand_people) DELETE FROM p",
        "EXEC sp_rename 'stand_people', 'gone'",
    ),
    wrong=(
        ("SELECT nobody FROM stand_people", "nobody"),
        ("SELECT * FROM nothing_there", "nothing_there"),
        ("SELECT 1 AS a, 2 AS a", "'a'"),
        ("SELECT 1", "No column name"),
    ),
    refusals=(
        ({"password": "wrong"}, AuthError, "Login failed"),
        ({"database": "elsewhere"}, ConfigError, "elsewhere"),
        ({"port": 1}, Unavailable, "refused"),
        ({"host": "no-such-host.invalid"}, Unavailable, "could not be resolved"),
        ({"ca": ""}, ConfigError, "certificate verify failed"),
        ({"login": "connection_string", "connection_string": "Database=stand"}, ConfigError, "names no server"),
    ),
)


def _with_password(settings: Mapping[str, Any], environment: Environment) -> Source:
    """The source, signed in as the stand-in's user: tokens have a test of their own."""
    return source_class("fabric")(settings, environment)


SYNAPSE = replace(SQLSERVER, key="synapse", comments=False)
FABRIC = replace(
    SYNAPSE,
    key="fabric",
    server="fabric_server",
    make=_with_password,
    seed=(
        *SQLSERVER.seed[:4],
        "CREATE TABLE stand_types (v varchar_utf8(40))".replace("varchar_utf8", "varchar"),
        "INSERT INTO stand_types VALUES ('Grüße 🌊')",
    ),
    values=(
        *(v for v in SQLSERVER.values if "stand_types" not in v[0] and "NVARCHAR" not in v[0]),
        ("'Zoë 🌊'", ColumnType.STRING, "Zoë 🌊"),
    ),
)
