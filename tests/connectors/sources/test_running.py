"""Every source that something here can stand for is run, with the same questions for all: see :mod:`stands`."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
import pytest

from connectors.sdk.context import Environment
from connectors.sdk.errors import ConfigError, ConnectorError, QueryError
from connectors.sdk.source import Source
from connectors.sdk.types import ColumnType, Table
from tests.connectors.sources.reading import rows
from tests.connectors.sources.stand import Stand
from tests.connectors.sources.stands import STANDS

Settings = Mapping[str, Any]


@pytest.fixture(scope="module", params=STANDS, ids=str)
def stand(request: pytest.FixtureRequest) -> Stand:
    found: Stand = request.param
    return found


@pytest.fixture(scope="module")
def settings(stand: Stand, request: pytest.FixtureRequest) -> Iterator[Settings]:
    """What its server is reached by, with the stand's tables in it."""
    with request.getfixturevalue(stand.server)(stand.seed) as found:
        yield found


@pytest.fixture
def source(stand: Stand, settings: Settings, loopback: Environment) -> Source:
    return stand.open(settings, loopback)


def same(found: Any, expected: Any) -> bool:
    both_nan = found != found and expected != expected
    return bool(found == expected or both_nan)


def test_the_check_passes_and_tables_have_their_columns(source: Source, stand: Stand, settings: Settings) -> None:
    source.check()
    tables = {(t.schema, t.name): t for t in source.tables()}
    schema = settings.get("schema", stand.schema)
    assert (schema, "stand_people") in tables
    assert not {schema for schema, _ in tables} & {"information_schema", "pg_catalog", "headrace_planner"}
    columns = source.columns(tables[schema, "stand_people"])
    assert [(c.name, c.type) for c in columns] == [("id", ColumnType.NUMBER), ("name", ColumnType.STRING)]
    assert columns[0].description == ("Their number" if stand.comments else "")


def test_hostile_names_stay_names(source: Source, stand: Stand) -> None:
    (table,) = (t for t in source.tables() if stand.odd in t.name)
    assert [c.name for c in source.columns(table)] == list(stand.hostile)


def test_each_type_is_shown_and_carried_without_loss(source: Source, stand: Stand) -> None:
    listed = ", ".join(f"{expression} AS {stand.named(f'v{i}')}" for i, (expression, _, _) in enumerate(stand.values))
    sql = f"SELECT {listed}"
    described = source.describe(sql)
    (found,) = rows(source, sql)
    for i, (expression, shown, expected) in enumerate(stand.values):
        assert described[i].type == shown, expression
        assert same(found[f"v{i}"], expected), expression
        assert type(found[f"v{i}"]) is type(expected), expression


def test_nested_values_are_json(source: Source, stand: Stand) -> None:
    for expression, expected in stand.objects:
        sql = f"SELECT {expression} AS {stand.named('value')}"
        (described,) = source.describe(sql)
        assert described.type == ColumnType.OBJECT
        assert json.loads(rows(source, sql)[0]["value"]) == expected


def test_rows_stream_in_batches_in_order_and_may_be_left(source: Source, stand: Stand) -> None:
    with source.query(stand.many.format(n=2_500), batch_rows=1_000) as stream:
        batches = list(stream)
    assert [b.num_rows for b in batches] == [1_000, 1_000, 500]
    assert pa.Table.from_batches(batches).column("i").to_pylist() == list(range(2_500))
    with source.query(f"SELECT * FROM ({stand.many.format(n=10)}) t WHERE {stand.named('i')} < 0") as stream:
        assert stream.schema.names == ["i"]
        assert list(stream) == []
    started = time.monotonic()
    with source.query(stand.many.format(n=400_000), batch_rows=1_000) as stream:
        assert next(iter(stream)).num_rows == 1_000
    assert time.monotonic() - started < 20


def test_nothing_can_be_written(source: Source, stand: Stand) -> None:
    for sql in stand.writes:
        with pytest.raises(ConnectorError):
            rows(source, sql)
    assert rows(source, f"SELECT count(*) AS {stand.named('n')} FROM {stand.people}") == [{"n": 10}]


def test_errors_are_the_servers_own_and_say_what_to_do(source: Source, stand: Stand) -> None:
    for sql, words in stand.wrong:
        with pytest.raises(QueryError, match=words) as caught:
            rows(source, sql)
        assert caught.value.hint, sql


def test_a_slow_query_can_be_cancelled_and_has_its_limit(
    source: Source, stand: Stand, settings: Settings, loopback: Environment
) -> None:
    if not stand.slow:
        pytest.skip("what stands for this source has no slow queries")
    started = time.monotonic()
    with source.query(stand.slow) as stream:
        timer = threading.Timer(0.3, stream.cancel)
        timer.start()
        with pytest.raises(QueryError, match="cancelled"):
            list(stream)
        timer.join()
    if stand.time_limit:
        with pytest.raises(QueryError) as caught:
            rows(stand.open({**settings, **stand.time_limit}, loopback), stand.slow)
        assert "time limit" in caught.value.hint
    assert time.monotonic() - started < 30


def test_each_way_not_to_connect_has_its_own_words(stand: Stand, settings: Settings, loopback: Environment) -> None:
    for change, expected, words in stand.refusals:
        with pytest.raises(expected, match=words) as caught:
            stand.open({**settings, **change}, loopback).check()
        assert caught.value.hint, change
    with pytest.raises(ConfigError, match="not a public address"):
        stand.open(settings, Environment()).check()
    assert isinstance(stand.open(settings, loopback).tables()[0], Table)
