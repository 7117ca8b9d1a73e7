"""Inline objects and arrays: what a row's values become, and which rows cannot be mapped."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from connectors.sdk.arrow import mark, object_from_text
from connectors.sdk.rows import dumps
from connectors.sdk.types import ColumnType, Operation
from syncs.engine.errors import InvalidMapping, UnknownColumn
from syncs.engine.mapping import Mapped, compile_mapping
from syncs.engine.spec import FieldMapping, MappingKind, ModelColumn
from syncs.forms.mapping import line_of, static_of
from syncs.mapping_checks import value_problems
from syncs.mappings import Problems, from_json, parse
from tests.syncs.engine.support import make_spec

ITEMS = '[{"item_id":"542","quantity":50},{"item_id":"631","quantity":20}]'


def mapped(columns: Mapping[str, tuple[ColumnType, pa.Array]], mappings: Sequence[FieldMapping]) -> Mapped:
    """The rows of these columns, mapped as a run would; the first column is the key."""
    spec = make_spec(
        columns=tuple(ModelColumn(name=name, type=kind) for name, (kind, _) in columns.items()),
        primary_key=next(iter(columns)),
        mappings=tuple(mappings),
    )
    arrays = [array for _, array in columns.values()]
    rows = len(arrays[0])
    fields = [mark(pa.field(f"c{i}", a.type), kind) for i, (kind, a) in enumerate(columns.values())]
    part = pa.RecordBatch.from_arrays(
        [pa.array([str(n) for n in range(rows)]), pa.nulls(rows, pa.string()), *arrays],
        schema=pa.schema([pa.field("_key", pa.string()), pa.field("_error", pa.string()), *fields]),
    )
    return compile_mapping(spec)(part, Operation.ADDED)


def text(*values: str | None) -> tuple[ColumnType, pa.Array]:
    return ColumnType.STRING, pa.array(values, pa.string())


def json_text(*values: str | None) -> tuple[ColumnType, pa.Array]:
    return ColumnType.OBJECT, pa.array(values, pa.string())


def column(to: str, value: str = "", **options: Any) -> dict[str, Any]:
    return {"to": to, "kind": "column", "value": value or to, **options}


def prop(to: str, value: str = "", **options: Any) -> dict[str, Any]:
    return {"to": to, "kind": "property", "value": value or to, **options}


def values(columns: Mapping[str, tuple[ColumnType, pa.Array]], *mappings: dict[str, Any]) -> list[dict[str, Any]]:
    """The records, with JSON read."""
    batch = mapped(columns, from_json(mappings)).batch
    objects = [f.name for f in batch.rows.schema if (f.metadata or {}).get(b"headrace:type") == b"object"]
    return [{k: object_from_text(v) if k in objects and v else v for k, v in r.items()} for r in batch.records()]


def test_an_object_two_levels_deep() -> None:
    row = {name: text(value) for name, value in zip(
        ("email", "name", "phone", "city", "state", "postal"),
        ("doe@test.com", "John Doe", "123-456-7890", "San Francisco", "California", "94105"),
        strict=True,
    )}  # fmt: skip
    address = {"to": "address", "kind": "object", "value": [
        column("city"), column("state"), column("postal_code", "postal")]}  # fmt: skip
    shipping = {"to": "shipping", "kind": "object", "value": [address, column("name"), column("phone")]}
    assert values(row, column("email"), shipping) == [
        {
            "email": "doe@test.com",
            "shipping": {
                "address": {"city": "San Francisco", "state": "California", "postal_code": "94105"},
                "name": "John Doe",
                "phone": "123-456-7890",
            },
        }
    ]


@pytest.mark.parametrize("typed", ["12345678901234567.89", "0.1", "-0.30000000000000000001", "42"])
def test_a_constant_number_is_sent_digit_by_digit(typed: str) -> None:
    stored = static_of("number", typed)
    again = line_of({"to": "a", "kind": "static", "value": json.loads(json.dumps(stored))})
    assert (again["static"], again["static_type"]) == (typed, "number")
    inner = {"to": "o", "kind": "object", "value": [{"to": "a", "kind": "static", "value": stored}]}
    made = values({"id": text("1")}, {"to": "a", "kind": "static", "value": stored}, inner)
    assert dumps(made[0]).decode() == f'{{"a":{typed},"o":{{"a":{typed}}}}}'


@pytest.mark.parametrize("typed", ["1e400", "NaN", "0." + "1" * 60, "Infinity"])
def test_a_number_that_no_column_type_holds_is_refused_before_the_run(typed: str) -> None:
    problems = Problems()
    parsed = parse([{"to": "a", "kind": "static", "value": {"number": typed}}], problems)
    value_problems(parsed[0], {}, problems)
    assert "static value" in " ".join(problems.fields.values())


def test_an_array_with_a_constant_and_an_object_in_each_element() -> None:
    row = {"customer": text("cust_abcd"), "items": json_text(ITEMS)}
    price = {"to": "price_data", "kind": "object", "value": [
        {"to": "currency", "kind": "static", "value": "USD"}, prop("product", "item_id")]}  # fmt: skip
    lines = {"to": "line_items", "kind": "array", "value": {"column": "items", "mappings": [price, prop("quantity")]}}
    assert values(row, column("customer"), lines) == [
        {
            "customer": "cust_abcd",
            "line_items": [
                {"price_data": {"currency": "USD", "product": "542"}, "quantity": 50},
                {"price_data": {"currency": "USD", "product": "631"}, "quantity": 20},
            ],
        }
    ]


def test_what_an_element_lacks_is_left_out_of_it_alone_and_its_nulls_are_sent_unless_left_out() -> None:
    row = {"id": text("1"), "items": json_text('[{"a": 1}, {"b": null}, {"a": null, "b": 2}, {}]')}
    inner = [prop("a", ignore_null=True), prop("b")]
    [record] = values(row, {"to": "list", "kind": "array", "value": {"column": "items", "mappings": inner}})
    assert record["list"] == [{"a": 1}, {"b": None}, {"b": 2}, {}]


@pytest.mark.parametrize(("held", "made"), [(None, None), ("[]", []), ("null", None)])
def test_arrays_of_nothing(held: str | None, made: Any) -> None:
    row = {"id": text("1"), "items": json_text(held)}
    [record] = values(row, {"to": "list", "kind": "array", "value": {"column": "items", "mappings": [prop("a")]}})
    assert record["list"] == made


def test_elements_see_properties_by_path_columns_variables_and_templates() -> None:
    row = {
        "id": text("7"),
        "items": json_text('[{"price": {"net": 1.10}, "n": 2, "tags": [{"t": "x"}, {"t": "y"}]}]'),
        "at": (ColumnType.DATE, pa.array([dt.date(2026, 1, 31)])),
    }
    inner = [
        prop("net", "price.net"),
        column("order", "id"),
        column("at"),
        {"to": "sync", "kind": "variable", "value": "sync-id"},
        {"to": "total", "kind": "template", "value": "{{ element.price.net | times: element.n }}"},
        {"to": "tags", "kind": "array", "value": {"column": "tags", "mappings": [prop("name", "t")]}},
    ]
    [record] = values(row, {"to": "list", "kind": "array", "value": {"column": "items", "mappings": inner}})
    assert record["list"] == [
        {
            "net": Decimal("1.10"),
            "order": "7",
            "at": "2026-01-31",
            "sync": "1",
            "total": Decimal("2.20"),
            "tags": [{"name": "x"}, {"name": "y"}],
        }
    ]


def test_types_and_every_digit_survive_inside_objects() -> None:
    moment = dt.datetime(2026, 1, 31, 10, 20, 30, 1, tzinfo=dt.UTC)
    row = {
        "id": (ColumnType.NUMBER, pa.array([2**53 + 1])),
        "price": (ColumnType.NUMBER, pa.array([Decimal("12.50")])),
        "huge": (ColumnType.NUMBER, pa.array(["123456789012345678901234567890.10"])),
        "ratio": (ColumnType.NUMBER, pa.array(["NaN"])),
        "yes": (ColumnType.BOOLEAN, pa.array([True])),
        "at": (ColumnType.TIMESTAMP, pa.array([moment], pa.timestamp("us", "UTC"))),
        "local": (ColumnType.TIMESTAMP, pa.array([moment.replace(tzinfo=None)], pa.timestamp("us"))),
        "quote": text('O\'Brien "🎉"\n'),
        "given": json_text('{"a":[1.10,\n18446744073709551616]}'),
    }
    typed = {"to": "typed", "kind": "template", "value": "{{ row.given }}"}
    whole = {"to": "all", "kind": "object", "value": [*(column(name) for name in row), typed]}
    [record] = mapped(row, from_json([whole])).batch.records()
    assert record["all"] == (
        '{"id":9007199254740993,"price":12.50,"huge":123456789012345678901234567890.10,"ratio":null,"yes":true,'
        '"at":"2026-01-31T10:20:30.000001Z","local":"2026-01-31T10:20:30.000001",'
        '"quote":"O\'Brien \\"🎉\\"\\n","given":{"a":[1.10,18446744073709551616]},'
        '"typed":{"a":[1.10,18446744073709551616]}}'
    )


def test_an_object_whose_members_are_all_left_out_is_empty() -> None:
    row = {"id": text("1", "2"), "name": text(None, "x")}
    made = values(row, {"to": "o", "kind": "object", "value": [column("name", ignore_null=True)]})
    assert [record["o"] for record in made] == [{}, {"name": "x"}]


@pytest.mark.parametrize(
    ("held", "words"),
    [
        ('{"a": 1}', "does not hold an array"),
        ("[1]", "Element 1 of the array in column “items” is not an object"),
        ("[oops", "does not hold JSON"),
        ('[{"t": 5}]', "does not hold an array of objects"),
        ('[{"e": "nobody"}]', "not an e-mail address"),
        pytest.param('[{"a": ' + "[" * 300 + "]" * 300 + "}]", "nested too deep", id="deep"),
        pytest.param("[" * 100_000 + "]" * 100_000, "nested too deep", id="deeper"),
    ],
)
def test_only_the_row_whose_array_cannot_be_mapped_is_refused(held: str, words: str) -> None:
    row = {"id": text("1", "2"), "items": text(held, "[]")}
    inner = [
        prop("a"),
        {"to": "t", "kind": "array", "value": {"column": "t", "mappings": [prop("x")]}},
        {"to": "e", "kind": "template", "value": "{% if element.e %}{{ element.e | validate_email }}{% endif %}"},
    ]
    made = mapped(row, from_json([{"to": "l", "kind": "array", "value": {"column": "items", "mappings": inner}}]))
    assert (list(made.places), list(made.refused)) == ([1], [0])
    assert words in made.refused[0].message
    assert made.refused[0].field == "l"


def nested(depth: int) -> FieldMapping:
    mapping = FieldMapping(to="leaf", kind=MappingKind.STATIC, value=1)
    for level in range(depth):
        mapping = FieldMapping(to=f"x{level}", kind=MappingKind.OBJECT, inner=(mapping,))
    return mapping


@pytest.mark.parametrize(
    ("mapping", "error"),
    [
        (nested(3), InvalidMapping),
        (FieldMapping(to="x", kind=MappingKind.OBJECT), InvalidMapping),
        (FieldMapping(to="x", kind=MappingKind.PROPERTY, value="a"), InvalidMapping),
        (FieldMapping(to="x", kind=MappingKind.ARRAY, value="gone", inner=(nested(0),)), UnknownColumn),
    ],
)
def test_shapes_that_cannot_work_are_refused_before_any_row(mapping: FieldMapping, error: type[Exception]) -> None:
    with pytest.raises(error):
        mapped({"id": text("1")}, [mapping])
    mapped({"id": text("1")}, [nested(2)])
