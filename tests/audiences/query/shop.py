"""A small shop as a schema, and random rows and trees over it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from audiences.query import conditions as c
from audiences.query.conditions import Operator as Op
from audiences.query.schema import (
    Cardinality,
    ModelKind,
    Relationship,
    SavedAudience,
    SavedTrait,
    StudioColumn,
    StudioModel,
    StudioSchema,
    ValueList,
)
from audiences.query.times import Clock
from audiences.query.values import OPERATORS
from connectors.sdk.types import ColumnType as T
from connectors.sdk.types import Table

Column = StudioColumn
ZONE = "Europe/Berlin"
TYPES: Mapping[str, Mapping[str, str]] = {
    "customers": {
        "id": "BIGINT", "name": "TEXT", "email": "TEXT", "score": "DECIMAL(12, 2)", "vip": "BOOLEAN", "born": "DATE",
        "seen": "TIMESTAMP", "joined": "TIMESTAMPTZ", "extra": "JSON", "city_id": "BIGINT", "region": "TEXT",
    },
    "cities": {"id": "BIGINT", "label": "TEXT", "size": "BIGINT"},
    "orders": {
        "id": "BIGINT", "customer_id": "BIGINT", "amount": "DECIMAL(12, 2)", "item": "TEXT", "at": "TIMESTAMPTZ",
        "extra": "JSON",
    },
    "lines": {"id": "BIGINT", "order_id": "BIGINT", "sku": "TEXT", "quantity": "BIGINT"},
    "memberships": {"id": "BIGINT", "customer_id": "BIGINT", "club_id": "BIGINT"},
    "clubs": {"id": "BIGINT", "tier": "TEXT", "fee": "BIGINT"},
    "stays": {"id": "BIGINT", "customer_id": "BIGINT", "region": "TEXT", "nights": "BIGINT", "day": "DATE"},
    "accounts": {"id": "BIGINT", "customer_id": "BIGINT", "level": "TEXT"},
}  # fmt: skip
_KINDS = {
    "BIGINT": T.NUMBER, "TEXT": T.STRING, "DECIMAL(12, 2)": T.NUMBER, "BOOLEAN": T.BOOLEAN, "DATE": T.DATE,
    "TIMESTAMP": T.TIMESTAMP, "TIMESTAMPTZ": T.TIMESTAMP, "JSON": T.OBJECT,
}  # fmt: skip
_EVENTS = {"orders": "at", "stays": "day"}


def _model(name: str) -> StudioModel:
    columns = [
        Column(name=each, type=_KINDS[kind], native_type=kind, zoned=kind == "TIMESTAMPTZ", ignore_case=each == "email")
        for each, kind in TYPES[name].items()
    ]
    kind = ModelKind.PARENT if name == "customers" else ModelKind.EVENT if name in _EVENTS else ModelKind.RELATED
    # Half of the models are the text of a query, with what texts may end in.
    relation: Table | str = Table("", name) if len(name) % 2 else f"SELECT * FROM {name}; -- all of them"
    return StudioModel(
        id=name,
        name=name.capitalize(),
        kind=kind,
        relation=relation,
        primary_key=("id",),
        columns=tuple(columns),
        timestamp=_EVENTS.get(name),
    )


def _relationship(name: str, from_: str, to: str, kind: Cardinality, *keys: tuple[str, str]) -> Relationship:
    return Relationship(id=name, from_=from_, to=to, cardinality=kind, keys=keys)


_MANY, _ONE, _TO_ONE = Cardinality.ONE_TO_MANY, Cardinality.ONE_TO_ONE, Cardinality.MANY_TO_ONE
RELATIONSHIPS = (
    _relationship("orders", "customers", "orders", _MANY, ("id", "customer_id")),
    _relationship("lines", "orders", "lines", _MANY, ("id", "order_id")),
    _relationship("city", "customers", "cities", _TO_ONE, ("city_id", "id")),
    _relationship("memberships", "customers", "memberships", _MANY, ("id", "customer_id")),
    _relationship("club", "memberships", "clubs", _TO_ONE, ("club_id", "id")),
    _relationship("stays", "customers", "stays", _MANY, ("id", "customer_id"), ("region", "region")),
    _relationship("account", "customers", "accounts", _ONE, ("id", "customer_id")),
    Relationship(id="clubs", from_="customers", to="clubs", cardinality=_MANY, through=("memberships", "club")),
)
# Where a relationship leads from each model.
WAYS: Mapping[str, Mapping[str, str]] = {
    "customers": {"orders": "orders", "stays": "stays", "clubs": "clubs", "city": "cities", "account": "accounts"},
    "orders": {"lines": "lines", "orders": "customers"},
    "cities": {"city": "customers"},
    "clubs": {"clubs": "customers"},
    "lines": {"lines": "orders"},
    "stays": {},
    "accounts": {},
}
# What customers share with each other: one row each, or several by way of another table.
SHARED = ("city", "clubs")
MERGED: Mapping[str, Sequence[c.Field]] = {
    "customers": [c.Field("label", via=("city",)), c.Field("size", via=("city",)), c.Field("level", via=("account",))],
    "orders": [c.Field("name", via=("orders",)), c.Field("label", via=("orders", "city"))],
    "lines": [c.Field("amount", via=("lines",))],
}
PATHS = [
    c.Field("extra", path="a.b", read_as=c.ReadAs.STRING),
    c.Field("extra", path="n", read_as=c.ReadAs.NUMBER),
    c.Field("extra", path="l.0", read_as=c.ReadAs.NUMBER),
    c.Field("extra", path="yes", read_as=c.ReadAs.BOOLEAN),
    c.Field("extra", path="a"),
    c.Field("extra", path="yes"),
]
_JSON_KINDS = {"string": T.STRING, "number": T.NUMBER, "boolean": T.BOOLEAN, "unknown": T.UNKNOWN}

# SQL that people write, and what it stands for.
FORMULAS = {
    "CASE WHEN {{\"score\"}} > 2 THEN 'high' ELSE name END": lambda row: (
        "high" if row["score"] is not None and row["score"] > 2 else row["name"]
    ),
    'SUM({{ column "quantity" }}) + COUNT({{ column "sku" }})': lambda rows: (
        None
        if all(row["quantity"] is None for row in rows)
        else sum(row["quantity"] or 0 for row in rows) + sum(row["sku"] is not None for row in rows)
    ),
}
_FORMULA, _SQL = FORMULAS
BASE = datetime(2024, 2, 28, 12, 30, tzinfo=UTC)

TEXTS = ("a", "A", "ab", "a%", "b_", "!", "\\", "é", "日本", "'", "", "[x]", '"')
EMAILS = ("a@x", "A@X", "b@y", "a%@x")
NUMBERS = (Decimal("0"), Decimal("1"), Decimal("2.25"), Decimal("2.50"), Decimal("-3"), Decimal("100"))
JSONS = (
    "{}", '{"a": {"b": "x"}, "n": 1}', '{"a": {"b": "é"}, "n": 2.5, "yes": true, "l": [3, 4]}',
    '{"a": null, "n": "2", "yes": false}', '{"a": [1], "l": [], "n": "no", "yes": "maybe"}', '{"l": [1], "n": null}',
)  # fmt: skip
DAYS = tuple(date(2024, 2, 28) + timedelta(days=days) for days in (-366, -365, -60, -31, -29, -7, -1, 0, 1, 2, 40))
DAYS += (date(2020, 2, 29), date(2023, 2, 28), date(2024, 1, 1), date(2023, 12, 31))
MOMENTS = (
    *(datetime(day.year, day.month, day.day, hour, tzinfo=UTC) for day in DAYS for hour in (0, 12, 23)),
    BASE,
    BASE - timedelta(hours=1),
    BASE - timedelta(days=7),
    datetime(2024, 3, 31, 1, 30, tzinfo=UTC),
)


def schema(dialect: str, **changed: Any) -> StudioSchema:
    """The shop's schema for a warehouse."""
    given: dict[str, Any] = {
        "models": {name: _model(name) for name in TYPES},
        "relationships": {each.id: each for each in RELATIONSHIPS},
        "zone": ZONE,
        "lists": {"few": ValueList(id="few", name="Few", values=("a", "é", "high"))},
    }
    return StudioSchema(dialect=dialect, **{**given, **changed})


def _maybe(*values: Any) -> SearchStrategy[Any]:
    return st.sampled_from((None, *values))


_VALUES: Mapping[str, SearchStrategy[Any]] = {
    "TEXT": _maybe(*TEXTS),
    "DECIMAL(12, 2)": _maybe(*NUMBERS),
    "BIGINT": _maybe(0, 1, 2, 3, 5),
    "BOOLEAN": _maybe(True, False),
    "DATE": _maybe(*DAYS),
    "TIMESTAMP": _maybe(*(moment.replace(tzinfo=None) for moment in MOMENTS)),
    "TIMESTAMPTZ": _maybe(*MOMENTS),
    "JSON": _maybe(*JSONS),
}


@st.composite
def tables(draw: st.DrawFn) -> dict[str, list[dict[str, Any]]]:
    """Rows for all models; primary keys are unique, other keys match often and are missing sometimes."""
    found = {}
    for name, columns in TYPES.items():
        values = {each: _VALUES[kind] for each, kind in columns.items() if each != "id"}
        if name == "customers":
            values["email"] = _maybe(*EMAILS)
        values |= {each: _maybe("a", "b") for each in ("region",) if each in columns}
        rows = draw(st.lists(st.fixed_dictionaries(values), min_size=1, max_size=9))
        found[name] = [{"id": number, **row} for number, row in enumerate(rows)]
    return found


def _fields(model: str) -> list[tuple[c.Field, T, Column | None]]:
    own = [(c.Field(each.name), each.type, each) for each in _model(model).columns]
    found: list[tuple[c.Field, T, Column | None]] = [each for each in own if each[1] is not T.OBJECT]
    for field in MERGED.get(model, ()):
        here = model
        for way in field.via:
            here = WAYS[here][way]
        column = _model(here).column(field.column)
        assert column is not None
        found.append((field, column.type, column))
    if "extra" in TYPES[model]:
        found += [(field, _JSON_KINDS[field.read_as], None) for field in PATHS]
    return found


_units = st.sampled_from(list(c.Unit))
_amounts = st.integers(0, 3)
_moments = st.one_of(
    st.sampled_from(DAYS).map(lambda day: c.At(day.isoformat())),
    st.sampled_from(MOMENTS).map(lambda moment: c.At(moment.replace(tzinfo=None).isoformat())),
    st.sampled_from(MOMENTS).map(lambda moment: c.At(moment.isoformat())),
    st.builds(c.Relative, _amounts, _units, st.booleans()),
)


def _span(pair: tuple[c.At, c.At]) -> c.Span:
    return c.Span(*sorted(pair, key=lambda moment: moment.at))


_TIMES: Mapping[Op, SearchStrategy[Any]] = {
    **dict.fromkeys((Op.EQUALS, Op.BEFORE, Op.AFTER), _moments.map(c.Instant)),
    **dict.fromkeys(
        (Op.WITHIN, Op.NOT_WITHIN),
        st.builds(c.Window, st.integers(1, 3), _units, st.just(False), st.booleans())
        | st.builds(c.Window, _amounts, _units, st.just(True), st.booleans()),
    ),
    Op.BETWEEN: st.tuples(*[st.sampled_from(DAYS).map(lambda day: c.At(day.isoformat()))] * 2).map(_span),
    Op.ANNIVERSARY: st.one_of(st.none(), st.integers(-2, 2).map(c.Anniversary)),
}


@st.composite
def comparisons(draw: st.DrawFn, kind: T, column: Column | None = None, texts: Sequence[str] = TEXTS) -> c.Test:
    """A test that fits a type."""
    operator = draw(st.sampled_from(OPERATORS[kind]))
    if operator in {Op.EXISTS, Op.NOT_EXISTS}:
        return c.Test(operator)
    if kind in {T.TIMESTAMP, T.DATE}:
        return c.Test(operator, draw(_TIMES[operator]))
    if kind is T.BOOLEAN:
        return c.Test(operator, c.Values((draw(st.booleans()),)))
    many = operator in {Op.EQUALS, Op.NOT_EQUALS}
    if kind is T.NUMBER:
        if not many and draw(st.booleans()):
            return c.Test(operator, c.Percentile(draw(st.sampled_from([0, 10, 33.3, 50, 90, 100]))))
        numbers = st.sampled_from([0, 1, 2, 2.25, 2.5, -3, 100, 4])
        return c.Test(operator, c.Values(tuple(draw(st.lists(numbers, min_size=1, max_size=3 if many else 1)))))
    chosen = [each for each in (EMAILS if column is not None and column.ignore_case else texts) if each]
    if many and draw(st.integers(0, 4)) == 0:
        return c.Test(operator, c.Uploaded("few"))
    return c.Test(operator, c.Values(tuple(draw(st.lists(st.sampled_from(chosen), min_size=1, max_size=3)))))


numbers = st.builds(
    c.Number,
    st.sampled_from([Op.EQUALS, Op.NOT_EQUALS, Op.GREATER, Op.LESS, Op.GREATER_OR_EQUAL, Op.LESS_OR_EQUAL]),
    st.integers(0, 3),
)


@st.composite
def groups(draw: st.DrawFn, model: str, levels: int, depth: int = 2, most: int = 2) -> c.Group:
    """A group of conditions on a model's rows."""
    inner = draw(st.lists(conditions(model, levels, depth), max_size=most))
    return c.Group(draw(st.sampled_from(c.Match)), tuple(inner))


@st.composite
def conditions(draw: st.DrawFn, model: str, levels: int, depth: int) -> c.Condition:
    """A condition on a model's rows, with relations nested so many more levels."""
    kinds = ["property"] * 2
    kinds += ["group"] if depth else []
    kinds += ["relation"] * 4 + ["trait"] * 2 if levels and WAYS[model] else []
    kinds += ["audience", "saved"] if model == "customers" else []
    match draw(st.sampled_from(kinds)):
        case "group":
            return draw(groups(model, levels, depth - 1))
        case "relation":
            return draw(_relation(model, levels))
        case "trait":
            definition, kind = draw(definitions(model, levels - 1))
            test = draw(comparisons(kind))
            narrow = isinstance(definition, c.FormulaTrait)
            where = c.Group() if narrow else draw(groups(_target(model, definition), 0, 0, 1))
            return c.TraitCondition(test, definition=definition, where=where)
        case "audience":
            return c.AudienceCondition(draw(st.sampled_from(["first", "top"])), draw(st.booleans()))
        case "saved":
            return c.TraitCondition(draw(comparisons(T.NUMBER)), trait="spent")
    field, kind, column = draw(st.sampled_from(_fields(model)))
    return c.PropertyCondition(field, draw(comparisons(kind, column)))


@st.composite
def _relation(draw: st.DrawFn, model: str, levels: int) -> c.Condition:
    way = draw(st.sampled_from(sorted(WAYS[model], key=lambda way: WAYS[model][way] not in _EVENTS)))
    target = WAYS[model][way]
    where = draw(groups(target, levels - 1, 1))
    number = draw(st.none() | numbers)
    if model == "customers" and way in SHARED and draw(st.booleans()):
        others = draw(groups(model, levels - 1, 1))
        quantifier = draw(st.sampled_from([c.Quantifier.ANY, c.Quantifier.NONE]))
        return c.RelationCondition(
            way, quantifier if number is None else c.Quantifier.NUMBER, number, others, others=True
        )
    if target in _EVENTS and draw(st.integers(0, 3)):
        stamp = T.DATE if target == "stays" else T.TIMESTAMP
        when = draw(st.none() | comparisons(stamp))
        performed = draw(st.booleans())
        return c.EventCondition(way, performed, number if performed else None, when, where)
    if number is not None:
        return c.RelationCondition(way, c.Quantifier.NUMBER, number, where)
    return c.RelationCondition(way, draw(st.sampled_from([c.Quantifier.ANY, c.Quantifier.NONE])), None, where)


def _target(model: str, definition: c.Trait) -> str:
    return WAYS[model][definition.relationship]  # type: ignore[union-attr]


@st.composite
def definitions(draw: st.DrawFn, model: str, levels: int, *, lists: bool = False) -> tuple[c.Trait, T]:
    """A trait of a model's rows and the type of its value."""
    way = draw(st.sampled_from(sorted(WAYS[model])))
    target = WAYS[model][way]
    fields = [each for each in _fields(target) if each[1] in {T.NUMBER, T.STRING} and not each[0].path]
    amounts = [each for each in fields if each[1] is T.NUMBER]
    where = draw(groups(target, min(levels, 1), 0, 1))
    field, kind, column = draw(st.sampled_from(fields))
    kinds = ["count", "aggregation", "occurrence"] + (["list"] if lists else [])
    kinds += ["formula"] if model == "customers" else []
    kinds += ["sql"] if target == "lines" else []
    match draw(st.sampled_from(kinds)):
        case "count":
            return c.CountTrait(way, draw(st.none() | st.just(field)), draw(st.booleans()), where), T.NUMBER
        case "aggregation":
            amount = draw(st.sampled_from(amounts))[0]
            return c.AggregationTrait(way, draw(st.sampled_from(c.Function)), amount, where), T.NUMBER
        case "list":
            order = None if (distinct := draw(st.booleans())) else draw(st.none() | st.sampled_from(amounts))
            return c.ListTrait(
                way, (c.ListColumn(field),), distinct, order[0] if order else None,
                draw(st.booleans()) if order or distinct else False, draw(st.integers(0, 1)),
                draw(st.none() | st.integers(1, 3)), where,
            ), T.OBJECT  # fmt: skip
        case "formula":
            return c.FormulaTrait(_FORMULA, c.ResultType.STRING), T.STRING
        case "sql":
            return c.SqlTrait(way, _SQL, c.ResultType.NUMBER, draw(st.sampled_from([None, 0])), where), T.NUMBER
    order_by = draw(st.none() | st.sampled_from(amounts))
    which = draw(st.sampled_from(c.Which))
    if column is not None and column.ignore_case:
        field, kind = amounts[0][0], amounts[0][1]
    return c.OccurrenceTrait(way, which, field, order_by[0] if order_by else None, where), kind


limits = (
    st.none()
    | st.builds(
        c.Limit,
        by=st.sampled_from([c.Field("score"), c.Field("size", via=("city",))]),
        bottom=st.booleans(),
        count=st.integers(0, 4),
    )
    | st.builds(c.Limit, trait=st.just("spent"), bottom=st.booleans(), percent=st.sampled_from([0, 25, 33.3, 50, 100]))
)

spent = SavedTrait(
    id="spent",
    name="spent",
    model="customers",
    definition=c.AggregationTrait("orders", c.Function.SUM, c.Field("amount")),
)


def first_audiences(first: c.Group, top: c.Group) -> dict[str, SavedAudience]:
    """Two audiences that others refer to: one with a subset, and one with a limit."""
    vip = c.Definition(c.Group(conditions=(c.PropertyCondition(c.Field("vip"), c.Test(Op.EXISTS)),)))
    low = c.Definition(c.Group(conditions=(c.PropertyCondition(c.Field("score"), c.Test(Op.LESS, c.Values((2,)))),)))
    limit = c.Limit(by=c.Field("score"), count=2)
    subsets = ((vip, low),)
    plain = c.Definition(first)
    return {
        "first": SavedAudience(id="first", name="First", model="customers", definition=plain, subsets=subsets),
        "top": SavedAudience(id="top", name="Top", model="customers", definition=c.Definition(top, limit)),
    }


def clock(now: datetime) -> Clock:
    """The shop's clock."""
    return Clock(now, ZONE)
