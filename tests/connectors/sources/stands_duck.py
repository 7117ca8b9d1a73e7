"""Query engines that DuckDB stands for, behind the protocols that they document."""

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

ZONED = dt.datetime(2026, 2, 3, 2, 5, 6, tzinfo=dt.UTC)
_DUCK = (
    "CREATE TABLE stand_people AS SELECT CAST(i AS BIGINT) AS id, 'person ' || i AS name FROM range(10) t(i)",
    "COMMENT ON COLUMN stand_people.id IS 'Their number'",
    """CREATE TABLE "we""ird; t" ("c""; --" int, "Ünïcode 🌊" text)""",
)
# What stands for it is DuckDB behind the documented protocol: what is asked is what both engines know.
TRINO = Stand(
    key="trino",
    server="trino_server",
    schema="main",
    seed=_DUCK,
    values=(
        ("true", ColumnType.BOOLEAN, True),
        ("CAST(NULL AS boolean)", ColumnType.BOOLEAN, None),
        ("CAST(9223372036854775807 AS bigint)", ColumnType.NUMBER, 9223372036854775807),
        ("CAST(12.50 AS decimal(10, 2))", ColumnType.NUMBER, Decimal("12.50")),
        ("CAST(0.1 AS double)", ColumnType.NUMBER, 0.1),
        ("'Zoë 🌊'", ColumnType.STRING, "Zoë 🌊"),
        ("''", ColumnType.STRING, ""),
        ("DATE '2026-02-03'", ColumnType.DATE, dt.date(2026, 2, 3)),
        (
            "TIMESTAMP '2026-02-03 04:05:06.123456'",
            ColumnType.TIMESTAMP,
            dt.datetime(2026, 2, 3, 4, 5, 6, 123456),  # noqa: DTZ001 - without a zone
        ),
        ("CAST('2026-02-03 04:05:06+02' AS timestamp with time zone)", ColumnType.TIMESTAMP, ZONED),
    ),
    objects=(("ARRAY[1, 2, 3]", [1, 2, 3]),),
    many="SELECT i FROM UNNEST(sequence(0, {n} - 1)) AS t(i)",
    slow="SELECT count(*) AS x FROM UNNEST(sequence(0, 300000)) a(i) CROSS JOIN UNNEST(sequence(0, 300000)) b(j) "
    "WHERE i * j = 7",
    time_limit={"statement_timeout": 1},
    writes=(
        "DELETE FROM stand_people",
        "SELECT 1; DROP TABLE stand_people",
        "SELECT 1 AS x) AS y; DROP TABLE stand_people; SELECT * FROM (SELECT 1 AS x",
    ),
    wrong=(
        ("SELECT nobody FROM stand_people", "nobody"),
        ("SELECT * FROM nothing_there", "nothing_there"),
    ),
    refusals=(
        ({"password": "wrong"}, AuthError, "Invalid credentials"),
        ({"port": 1}, Unavailable, "."),
        ({"catalog": "elsewhere"}, ConfigError, "elsewhere"),
    ),
)


def _at_duck(settings: Mapping[str, Any], environment: Environment) -> Source:
    """The source, before the stand-in instead of the vendor's address."""
    config = dict(settings)
    return source_class("databricks")(config, replace(environment, routes=config.pop("routes")))


DATABRICKS = replace(
    TRINO,
    key="databricks",
    server="databricks_server",
    make=_at_duck,
    values=(
        *(v for v in TRINO.values if not v[0].startswith(("TIMESTAMP", "CAST('2026"))),
        (
            "CAST('2026-02-03 04:05:06.123456' AS TIMESTAMP_NTZ)",
            ColumnType.TIMESTAMP,
            dt.datetime(2026, 2, 3, 4, 5, 6, 123456),  # noqa: DTZ001 - without a zone
        ),
        ("CAST('2026-02-03 04:05:06+02' AS TIMESTAMP)", ColumnType.TIMESTAMP, ZONED),
    ),
    objects=(("ARRAY(1, 2, 3)", [1, 2, 3]),),
    many="SELECT CAST(i AS BIGINT) AS i FROM (SELECT explode(sequence(0, {n} - 1)) AS i) s",
    slow="SELECT count(*) AS x FROM stand_people a, (SELECT explode(sequence(0, 300000)) AS i) s, "
    "(SELECT explode(sequence(0, 300000)) AS j) t WHERE i * j = 7",
    time_limit={},
    refusals=(
        ({"access_token": "wrong"}, AuthError, "Invalid access token"),
        ({"http_path": "/sql/1.0/warehouses/elsewhere"}, ConfigError, "no SQL warehouse"),
        ({"http_path": "sql/protocolv1/o/1/0-1-x"}, ConfigError, "none of a SQL warehouse"),
    ),
)

ATHENA = replace(
    TRINO,
    key="athena",
    server="athena_server",
    refusals=(
        ({"access_key_id": "AKIAUNKNOWN0000000001"}, AuthError, "security token"),
        ({"endpoint": "http://127.0.0.1:1"}, Unavailable, "could not be reached"),
        ({"workgroup": "elsewhere"}, ConfigError, "elsewhere"),
    ),
)
MANAGED_ATHENA = replace(
    ATHENA,
    make=lambda config, environment: source_class("athena")({**config, "workgroup": "managed"}, environment),
    refusals=(),
)
