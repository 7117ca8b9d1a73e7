"""Every DuckDB type: how it is shown, and that no value is lost on the way."""

# ruff: noqa: DTZ001 - timestamps without a zone are among what is tested

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlglot import exp

from connectors.sdk.context import Environment
from connectors.sdk.errors import QueryError
from connectors.sdk.types import ColumnType
from connectors.sources.duckdb import DuckDBSource
from tests.connectors.sources.reading import kind, many, rows, value

TYPES: list[tuple[str, ColumnType, Any]] = [
    ("true", ColumnType.BOOLEAN, True),
    ("NULL", ColumnType.STRING, None),
    ("(-128)::TINYINT", ColumnType.NUMBER, -128),
    ("18446744073709551615::UBIGINT", ColumnType.NUMBER, 18446744073709551615),
    ("sum(1)", ColumnType.NUMBER, Decimal(1)),
    ("99999999999999999999999999999999999999::HUGEINT", ColumnType.NUMBER, Decimal("9" * 38)),
    (f"{2**128 - 1}::UHUGEINT", ColumnType.NUMBER, str(2**128 - 1)),
    (f"'{'9' * 60}'::BIGNUM", ColumnType.NUMBER, "9" * 60),
    ("1.5::DOUBLE", ColumnType.NUMBER, 1.5),
    ("'1234567890123456789012345678.0123456789'::DECIMAL(38, 10)", ColumnType.NUMBER,
     Decimal("1234567890123456789012345678.0123456789")),
    ("'Zoë 🌊'", ColumnType.STRING, "Zoë 🌊"),
    ("'8f3c1d52-7a9b-4c6e-9d10-2b3a4c5d6e7f'::UUID", ColumnType.STRING, "8f3c1d52-7a9b-4c6e-9d10-2b3a4c5d6e7f"),
    ("'b'::ENUM('a', 'b')", ColumnType.STRING, "b"),
    (r"'\xDE\xAD\x00'::BLOB", ColumnType.STRING, "dead00"),
    ("'0101'::BIT", ColumnType.STRING, "0101"),
    ("INTERVAL '1 month 2 days 00:00:03'", ColumnType.STRING, "1 month 2 days 00:00:03"),
    ("'10:11:12.5'::TIME", ColumnType.STRING, "10:11:12.5"),
    ("'10:11:12+05:30'::TIMETZ", ColumnType.STRING, "10:11:12+05:30"),
    ("'2026-02-03'::DATE", ColumnType.DATE, date(2026, 2, 3)),
    ("'2026-02-03 04:05:06.123456'::TIMESTAMP", ColumnType.TIMESTAMP, datetime(2026, 2, 3, 4, 5, 6, 123456)),
    ("'2026-02-03 04:05:06'::TIMESTAMP_S", ColumnType.TIMESTAMP, datetime(2026, 2, 3, 4, 5, 6)),
    ("'2026-02-03 04:05:06.123'::TIMESTAMP_MS", ColumnType.TIMESTAMP, datetime(2026, 2, 3, 4, 5, 6, 123000)),
    ("'2026-02-03 04:05:06.123456789'::TIMESTAMP_NS", ColumnType.TIMESTAMP, datetime(2026, 2, 3, 4, 5, 6, 123457)),
    ("'2026-02-03 04:05:06+02'::TIMESTAMPTZ", ColumnType.TIMESTAMP, datetime(2026, 2, 3, 2, 5, 6, tzinfo=UTC)),
]  # fmt: skip

OBJECTS: list[tuple[str, Any]] = [
    ("[1, NULL, 3]", [1, None, 3]),
    ("array_value(1, 2)", [1, 2]),
    ("{'a': 1, 'b': {'c': ['x']}}", {"a": 1, "b": {"c": ["x"]}}),
    ("MAP {'k': 1.5}", {"k": 1.5}),
    ("union_value(number := 1)", {"number": 1}),
    ("""'{"a": [true, null]}'::JSON""", {"a": [True, None]}),
    ("['2026-02-03'::DATE]", ["2026-02-03"]),
]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> DuckDBSource:
    """A source over one tiny file."""
    folder: Path = tmp_path_factory.mktemp("types")
    (folder / "one.csv").write_text("x\n1\n")
    files = [{"name": "one", "value": "one.csv", "secret": False}]
    return DuckDBSource({"mode": "files", "files": files}, Environment(local_roots=(str(folder),)))


@pytest.mark.parametrize(("expression", "shown", "expected"), TYPES)
def test_each_type_is_shown_and_carried(
    source: DuckDBSource, expression: str, shown: ColumnType, expected: Any
) -> None:
    assert kind(source, expression) == shown
    assert value(source, expression) == expected


@pytest.mark.parametrize(("expression", "expected"), OBJECTS)
def test_nested_values_are_json(source: DuckDBSource, expression: str, expected: Any) -> None:
    assert kind(source, expression) == ColumnType.OBJECT
    assert json.loads(value(source, expression)) == expected


@pytest.mark.parametrize("expression", ["'infinity'::TIMESTAMP", "'-infinity'::DATE", "'290000-01-01'::TIMESTAMPTZ"])
def test_what_no_calendar_holds_is_refused_by_name(source: DuckDBSource, expression: str) -> None:
    with pytest.raises(QueryError, match="“value”"):
        value(source, expression)


def test_a_sum_too_large_for_a_number_is_an_error_not_a_wrong_number(source: DuckDBSource) -> None:
    with pytest.raises(QueryError, match=r"Conversion Error|out of range"):
        value(source, f"{2**127 - 1}::HUGEINT")


quietly = settings(deadline=None, max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
literals = st.text().filter(lambda text: "\0" not in text)


def column(source: DuckDBSource, expressions: list[str]) -> list[Any]:
    """Many values through one query: opening the files takes longer than reading them."""
    return [row["value"] for row in rows(source, f"FROM (VALUES {', '.join(f'({e})' for e in expressions)}) t (value)")]


@quietly
@given(many(literals))
def test_any_text_survives(source: DuckDBSource, texts: list[str]) -> None:
    assert column(source, [exp.Literal.string(text).sql("duckdb") for text in texts]) == texts


@quietly
@given(many(st.integers(-(10**38) + 1, 10**38 - 1)))
def test_any_whole_number_survives(source: DuckDBSource, numbers: list[int]) -> None:
    assert column(source, [f"'{number}'::HUGEINT" for number in numbers]) == numbers


@quietly
@given(many(st.decimals(min_value=-(10**20), max_value=10**20, places=9)))
def test_any_decimal_survives(source: DuckDBSource, numbers: list[Decimal]) -> None:
    assert column(source, [f"'{number}'::DECIMAL(38, 9)" for number in numbers]) == numbers


@quietly
@given(many(st.datetimes(min_value=datetime(1, 1, 1), max_value=datetime(9999, 12, 31))))
def test_any_moment_survives(source: DuckDBSource, moments: list[datetime]) -> None:
    assert column(source, [f"'{moment.isoformat()}'::TIMESTAMP" for moment in moments]) == moments
