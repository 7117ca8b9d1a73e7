"""Trees that every warehouse's SQL is kept of: one for each thing that differs, or could.

``python -m tests.audiences.query.golden`` writes the files anew.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from audiences.query import conditions as c
from audiences.query.conditions import Operator as Op
from audiences.query.dialects import STUDIOS
from audiences.query.insights import Measure, breakdown, spread
from audiences.query.layers import Plan, members
from audiences.query.sample_rows import deletions
from audiences.query.sampling import Written, creation, sample_parent, sample_related, ways_from
from audiences.query.schema import SavedAudience, StudioColumn, StudioSchema
from audiences.query.splits import Split, allocate
from audiences.query.statements import Asker, Output, Query
from audiences.query.times import is_zoned
from connectors.sdk.planner import PLANNER_SCHEMA
from connectors.sdk.types import Table
from tests.audiences.query import shop

FOLDER = Path(__file__).parent / "golden"
# What a moment with a zone, one without, and JSON are called; where there is none, the nearest.
NATIVE = {
    "snowflake": ("TIMESTAMP_TZ", "TIMESTAMP_NTZ", "VARIANT"),
    "bigquery": ("TIMESTAMP", "DATETIME", "JSON"),
    "databricks": ("TIMESTAMP", "TIMESTAMP_NTZ", "STRING"),
    "trino": ("timestamp(3) with time zone", "timestamp(3)", "json"),
    "athena": ("timestamp with time zone", "timestamp", "varchar"),
    "sqlserver": ("datetimeoffset", "datetime2", "nvarchar"),
    "synapse": ("datetimeoffset", "datetime2", "nvarchar"),
    "fabric": ("datetime2", "datetime2", "varchar"),
    "clickhouse": ("DateTime64(6, 'UTC')", "DateTime64(6)", "String"),
}
_DEFAULT = ("timestamp with time zone", "timestamp", "json")


def schema(dialect: str) -> StudioSchema:
    """The shop with the warehouse's own types."""
    zoned, naive, json = NATIVE.get(dialect, _DEFAULT)
    names = {"TIMESTAMPTZ": zoned, "TIMESTAMP": naive, "JSON": json}

    def typed(column: StudioColumn) -> StudioColumn:
        native = names.get(column.native_type, column.native_type)
        return replace(column, native_type=native, zoned=is_zoned(dialect, native))

    found = shop.schema(dialect, traits={"spent": shop.spent})
    models = {id_: replace(model, columns=tuple(map(typed, model.columns))) for id_, model in found.models.items()}
    return replace(found, models=models)


def _property(name: str, operator: Op, operand: c.Operand | None = None) -> c.Condition:
    return c.PropertyCondition(c.Field(name), c.Test(operator, operand))


def _where(*conditions: c.Condition, match: c.Match = c.Match.ALL) -> c.Definition:
    return c.Definition(c.Group(match, conditions))


def _audience(definition: c.Definition, name: str = "asked") -> SavedAudience:
    return SavedAudience(id=name, name=name, model="customers", definition=definition)


NESTED = c.RelationCondition(
    "orders",
    c.Quantifier.NUMBER,
    c.Number(Op.GREATER_OR_EQUAL, 2),
    c.Group(conditions=(c.RelationCondition("lines", where=c.Group(conditions=(_property("sku", Op.EXISTS),))),)),
)
SINCE = c.EventCondition("orders", when=c.Test(Op.WITHIN, c.Window(30, c.Unit.DAY)))
NEVER = c.EventCondition("stays", performed=False)
TEXT = _where(
    _property("name", Op.CONTAINS, c.Values(("50%_[é]\\'",))),
    _property("name", Op.NOT_EQUALS, c.Values(("日本", "b"))),
    _property("email", Op.STARTS_WITH, c.Values(("A@",))),
)
TIMES = _where(
    _property("joined", Op.BETWEEN, c.Span(c.At("2024-01-01"), c.At("2024-02-01"))),
    _property("seen", Op.NOT_WITHIN, c.Window(2, c.Unit.MONTH, calendar=True)),
    _property("born", Op.ANNIVERSARY),
    _property("seen", Op.ANNIVERSARY),
)
JSON = _where(*(c.PropertyCondition(field, c.Test(Op.EXISTS)) for field in shop.PATHS))
RELATED = _where(
    SINCE,
    NEVER,
    NESTED,
    c.Group(c.Match.ANY, (SINCE, NEVER, _property("vip", Op.EQUALS, c.Values((True,))))),
)
THROUGH = _where(
    c.RelationCondition("clubs", c.Quantifier.NUMBER, c.Number(Op.LESS, 2)),
    c.PropertyCondition(c.Field("level", via=("account",)), c.Test(Op.EXISTS)),
    c.PropertyCondition(c.Field("label", via=("city",)), c.Test(Op.EXISTS)),
)
PERCENTILE = c.Definition(
    c.Group(conditions=(_property("score", Op.GREATER, c.Percentile(90)),)),
    c.Limit(by=c.Field("name"), count=10),
)
SHARING = _where(
    c.RelationCondition("city", where=c.Group(conditions=(SINCE,)), others=True),
    c.RelationCondition("clubs", c.Quantifier.NUMBER, c.Number(Op.GREATER, 1), others=True),
    c.Group(c.Match.ANY, (c.RelationCondition("city", others=True), _property("vip", Op.EXISTS))),
)
SPLIT = Split(salt="é", stretches=allocate({"Holdout": 2000, "Treated": 8000}))
PLAN = Plan(
    audience=_audience(PERCENTILE), before=(_audience(TEXT, "before"),), split=SPLIT, groups=("Treated",), rules=(TEXT,)
)
TRAITS: dict[str, c.Trait] = {
    "sum": c.AggregationTrait("orders", c.Function.SUM, c.Field("amount")),
    "average": c.AggregationTrait("orders", c.Function.AVERAGE, c.Field("amount")),
    "last": c.OccurrenceTrait("orders", c.Which.LAST, c.Field("item"), c.Field("at")),
    "frequent": c.OccurrenceTrait("orders", c.Which.MOST_FREQUENT, c.Field("item")),
    "list": c.ListTrait("orders", (c.ListColumn(c.Field("item")),), order_by=c.Field("at"), take=3),
    "objects": c.ListTrait(
        "orders", (c.ListColumn(c.Field("item"), "what"), c.ListColumn(c.Field("amount"))), descending=True
    ),
}


def statements(dialect: str) -> dict[str, Query]:
    """All of them for a warehouse."""
    asker = Asker(schema=schema(dialect), clock=shop.clock(shop.BASE))
    made = {
        name: asker.count(_audience(definition))
        for name, definition in (
            ("text", TEXT), ("times", TIMES), ("json", JSON), ("related", RELATED), ("through", THROUGH),
            ("sharing", SHARING),
            ("percentile", PERCENTILE),
        )
    }  # fmt: skip
    made |= {f"trait {name}": asker.trait_values("customers", trait) for name, trait in TRAITS.items()}
    made["funnel"] = asker.funnel(_audience(RELATED))
    made["breakdown"] = breakdown(
        asker, _audience(SINCE_ONLY), Measure(field=c.Field("region")), measure=Measure(relationship="orders")
    )
    score = Measure(field=c.Field("score"))
    edges = [c.Test(c.Operator.LESS, c.Values((edge,))) for edge in (10, 20.5)]
    made["spread"] = spread(asker, _audience(SINCE_ONLY), score)
    made["buckets"] = breakdown(asker, _audience(SINCE_ONLY), score, edges=edges)
    made["split"] = members(asker, PLAN, [Output("id", c.Field("id")), Output("spent", trait="spent")])
    return made


SINCE_ONLY = _where(SINCE)


def writing(dialect: str) -> dict[str, Written]:
    """The statements that make samples, and take somebody out of them."""
    asker = Asker(schema=schema(dialect), clock=shop.clock(shop.BASE))
    ways, tables = ways_from(asker.schema, "customers"), {"customers": Table(PLANNER_SCHEMA, "parent")}
    made = {"sample of a parent": creation("parent", sample_parent(asker, "customers", 12.5, "é"))}
    for name, model in (("an event", "orders"), ("two keys", "stays"), ("through others", "clubs")):
        tables[model] = Table(PLANNER_SCHEMA, model)
        query = sample_related(asker, "customers", tables["customers"], ways[model])
        made[f"sample of {name}"] = creation(model, query)
    several = sample_related(asker, "customers", tables["customers"], [("orders",), ("orders",)])
    made["sample by several ways"] = creation("several", several)
    for model, statement in deletions(asker, "customers", tables, ways, {"customers": {"7"}}):
        made.setdefault(f"forgetting in {model}", statement)
    return made


def written(dialect: str) -> str:
    """The golden file of a warehouse."""
    made = {name: query.sql(pretty=True) for name, query in statements(dialect).items()}
    native = STUDIOS[dialect].dialect
    made |= {name: statement.sql(native, pretty=True) for name, statement in writing(dialect).items()}
    return "\n".join(f"-- {name}\n{sql};\n" for name, sql in made.items())


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name in STUDIOS:
        (FOLDER / f"{name}.sql").write_text(written(name))
