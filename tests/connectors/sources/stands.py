"""What each source can be run against here, and what it is asked there: data for :mod:`test_running`.

A new source that some server, emulator or fake stands for is one more :class:`Stand`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from connectors.registry import source_class
from connectors.sdk.errors import AuthError, ConfigError, ConnectorError, Unavailable
from connectors.sdk.source import Source
from connectors.sdk.types import ColumnType

Refusal = tuple[Mapping[str, Any], type[ConnectorError], str]
Value = tuple[str, ColumnType, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """One source before something that answers it.

    ``server`` is the fixture that prepares it and gives the settings; the fixture's tables are those of
    ``seed``. ``values`` are expressions with the type that people see and the value that arrives.
    ``many`` gives ``{n}`` rows of one number ``i`` from 0, in order; ``slow`` runs for a minute;
    ``time_limit`` is the setting that stops it. ``writes`` must all be refused; ``table`` is what they
    would change. ``wrong`` are queries with words of the error; ``refusals`` changes of the settings.
    """

    key: str
    server: str
    make: Callable[..., Source] | None = None
    seed: tuple[str, ...] = ()
    schema: str = "public"
    values: tuple[Value, ...]
    objects: tuple[tuple[str, Any], ...] = ()
    many: str
    slow: str = ""
    time_limit: Mapping[str, Any] = field(default_factory=dict)
    writes: tuple[str, ...]
    wrong: tuple[tuple[str, str], ...]
    refusals: tuple[Refusal, ...] = ()

    def open(self, *given: Any) -> Source:
        """The source with these settings."""
        return (self.make or source_class(self.key))(*given)

    def __str__(self) -> str:
        return self.key


_ZONED = dt.datetime(2026, 2, 3, 2, 5, 6, tzinfo=dt.UTC)
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
        ("'2026-02-03 04:05:06+02'::timestamptz", ColumnType.TIMESTAMP, _ZONED),
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


STANDS: tuple[Stand, ...] = (
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
SAME_CODE = {"alloydb": "postgres", "lakebase": "postgres"}
# Sources that nothing here can stand for, and what their code was held against instead.
NOT_RUN: dict[str, str] = {}
# Sources with test modules of their own that ask more than the stands do.
TESTED_APART = {"postgres", "duckdb", "sample_b2b", "sample_b2c"}
