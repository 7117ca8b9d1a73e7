"""Every PostgreSQL type: how it is shown, and that no value is lost on the way."""

# ruff: noqa: DTZ001 - timestamps without a zone are among what is tested

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlglot import exp

from connectors.sdk.context import Environment
from connectors.sdk.errors import QueryError
from connectors.sdk.types import ColumnType
from connectors.sources.postgres import PostgresSource
from tests.connectors.sources.reading import kind, many, rows, value

TYPES: list[tuple[str, ColumnType, Any]] = [
    ("true", ColumnType.BOOLEAN, True),
    ("NULL", ColumnType.STRING, None),
    ("(-32768)::int2", ColumnType.NUMBER, -32768),
    ("9223372036854775807::int8", ColumnType.NUMBER, 9223372036854775807),
    ("4294967295::oid", ColumnType.NUMBER, 4294967295),
    ("1.5::float8", ColumnType.NUMBER, 1.5),
    ("12.50::numeric(10, 2)", ColumnType.NUMBER, Decimal("12.50")),
    ("(-0.00000001)::numeric(38, 8)", ColumnType.NUMBER, Decimal("-0.00000001")),
    ("sum(12.50)", ColumnType.NUMBER, "12.50"),
    (f"{'9' * 60}.5", ColumnType.NUMBER, f"{'9' * 60}.5"),
    ("12345::numeric(5, -2)", ColumnType.NUMBER, "12300"),
    ("'Zoë 🌊'", ColumnType.STRING, "Zoë 🌊"),
    ("'ab'::char(4)", ColumnType.STRING, "ab  "),
    ("'ab'::name", ColumnType.STRING, "ab"),
    ("'a'::\"char\"", ColumnType.STRING, "a"),
    ("'happy'::mood", ColumnType.STRING, "happy"),
    ("7::small", ColumnType.NUMBER, 7),
    ("'8f3c1d52-7a9b-4c6e-9d10-2b3a4c5d6e7f'::uuid", ColumnType.STRING, "8f3c1d52-7a9b-4c6e-9d10-2b3a4c5d6e7f"),
    (r"'\xDEAD00'::bytea", ColumnType.STRING, "dead00"),
    ("'10.0.0.1/8'::inet", ColumnType.STRING, "10.0.0.1/8"),
    ("'08:00:2b:01:02:03'::macaddr", ColumnType.STRING, "08:00:2b:01:02:03"),
    ("B'0101'", ColumnType.STRING, "0101"),
    ("int4range(1, 5)", ColumnType.STRING, "[1,5)"),
    ("point(1, 2)", ColumnType.STRING, "(1,2)"),
    ("'a & b'::tsquery", ColumnType.STRING, "'a' & 'b'"),
    ("interval '1 month 2 days'", ColumnType.STRING, "1 mon 2 days"),
    ("'10:11:12.5'::time", ColumnType.STRING, "10:11:12.5"),
    ("'10:11:12+05:30'::timetz", ColumnType.STRING, "10:11:12+05:30"),
    ("'people'::regtype", ColumnType.STRING, "people"),
    ("'2026-02-03'::date", ColumnType.DATE, date(2026, 2, 3)),
    ("'2026-02-03 04:05:06.123456'::timestamp", ColumnType.TIMESTAMP, datetime(2026, 2, 3, 4, 5, 6, 123456)),
    ("'2026-02-03 04:05:06+02'::timestamptz", ColumnType.TIMESTAMP, datetime(2026, 2, 3, 2, 5, 6, tzinfo=UTC)),
]

OBJECTS: list[tuple[str, Any]] = [
    ("""'{"a": [1, null]}'::json""", {"a": [1, None]}),
    ("""'{"a": {"b": "x"}}'::jsonb""", {"a": {"b": "x"}}),
    ("ARRAY[1, NULL, 3]", [1, None, 3]),
    ("ARRAY[ARRAY['a'], ARRAY['b']]", [["a"], ["b"]]),
    ("ARRAY['2026-02-03 04:05:06+02'::timestamptz]", ["2026-02-03T02:05:06+00:00"]),
    ("'{}'::text[]", []),
    ("ROW(1, 'x')::people", {"id": 1, "name": "x"}),
    ("ROW(1, 'x')", {"f1": 1, "f2": "x"}),
]


@pytest.fixture(scope="module")
def source(source_url: str) -> Iterator[PostgresSource]:
    """A source over a database with types of its own."""
    info = psycopg.conninfo.conninfo_to_dict(source_url)
    config = {"database": info["dbname"], **{name: info[name] for name in ("host", "port", "user", "password")}}
    with psycopg.connect(source_url, autocommit=True) as connection:
        connection.execute("CREATE TYPE mood AS ENUM ('sad', 'happy'); CREATE DOMAIN small AS int CHECK (VALUE < 10)")
        connection.execute("CREATE TYPE people AS (id int, name text)")
        yield PostgresSource(config, Environment(outbound_allow=("*",)))
        connection.execute("DROP TYPE mood, people; DROP DOMAIN small")


@pytest.mark.parametrize(("expression", "shown", "expected"), TYPES)
def test_each_type_is_shown_and_carried(
    source: PostgresSource, expression: str, shown: ColumnType, expected: Any
) -> None:
    assert kind(source, expression) == shown
    assert value(source, expression) == expected


@pytest.mark.parametrize(("expression", "expected"), OBJECTS)
def test_nested_values_are_json(source: PostgresSource, expression: str, expected: Any) -> None:
    assert kind(source, expression) == ColumnType.OBJECT
    assert json.loads(value(source, expression)) == expected


@pytest.mark.parametrize(
    "expression",
    ["'infinity'::timestamp", "'-infinity'::timestamptz", "'infinity'::date", "'0044-03-15 BC'::date"],
)
def test_what_no_calendar_holds_is_refused_by_name(source: PostgresSource, expression: str) -> None:
    with pytest.raises(QueryError, match="“value”"):
        value(source, expression)


def test_a_number_that_is_not_finite_is_refused_by_name(source: PostgresSource) -> None:
    with pytest.raises(QueryError, match="“value” holds a number that is not finite"):
        value(source, "'NaN'::numeric(5, 2)")


def test_nulls_of_every_type_pass(source: PostgresSource) -> None:
    names = (
        "bool",
        "int8",
        "numeric",
        "numeric(9, 3)",
        "float4",
        "text",
        "bytea",
        "json",
        "int[]",
        "date",
        "timestamptz",
    )
    columns = ", ".join(f"NULL::{name} AS c{i}" for i, name in enumerate(names))
    (row,) = rows(source, f"SELECT {columns}")
    assert set(row.values()) == {None}


quietly = settings(deadline=None, max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
literals = st.text(st.characters(exclude_categories=["C", "Z"], include_characters=" "))


@quietly
@given(many(literals))
def test_any_text_survives(source: PostgresSource, texts: list[str]) -> None:
    values = ", ".join(f"({exp.Literal.string(text).sql('postgres')})" for text in texts)
    assert [r["column1"] for r in rows(source, f"VALUES {values}")] == texts


@quietly
@given(many(st.decimals(min_value=-(10**25), max_value=10**25, places=8)))
def test_any_number_survives(source: PostgresSource, numbers: list[Decimal]) -> None:
    values = ", ".join(f"('{n}'::numeric(38, 8), '{n}'::numeric)" for n in numbers)
    found = rows(source, f"SELECT a, b FROM (VALUES {values}) v (a, b)")
    assert [Decimal(r["a"]) for r in found] == [Decimal(r["b"]) for r in found] == numbers


@quietly
@given(many(st.datetimes(min_value=datetime(1, 1, 1))))
def test_any_moment_survives(source: PostgresSource, moments: list[datetime]) -> None:
    values = ", ".join(f"('{m.isoformat()}'::timestamp)" for m in moments)
    assert [r["column1"] for r in rows(source, f"VALUES {values}")] == moments


@quietly
@given(st.lists(literals.filter(lambda t: 0 < len(t.encode()) < 60), min_size=1, max_size=20, unique=True))
def test_any_column_name_survives(source: PostgresSource, names: list[str]) -> None:
    columns = (exp.alias_(exp.Literal.number(i), name, quoted=True) for i, name in enumerate(names))
    (row,) = rows(source, exp.select(*columns).sql("postgres"))
    assert row == {name: i for i, name in enumerate(names)}
