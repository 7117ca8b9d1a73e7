"""Trees as people and programs send them: what is wrong is said in words and with its place."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import jsonschema
import pytest
import sqlglot

from audiences.query import conditions as c
from audiences.query.codec import UPGRADES, dump, json_schema, load_definition, load_trait
from audiences.query.conditions import Operator as Op
from audiences.query.dialects import STUDIOS
from audiences.query.errors import InvalidTree
from audiences.query.functions import forbidden_in
from audiences.query.insights import Calculation, Measure, breakdown, overlap, spread, suggestions, type_of
from audiences.query.schema import Privacy, SavedAudience, SavedTrait, StudioSchema, ValueList
from audiences.query.sentences import Speaker
from audiences.query.statements import Asker, Output
from connectors.sdk.types import ColumnType, Table
from tests.audiences.query import shop
from tests.audiences.query.stores import DuckStore


def _asker(schema: StudioSchema | None = None) -> Asker:
    return Asker(schema=schema or shop.schema("duckdb"), clock=shop.clock(shop.BASE))


def _audience(*conditions: c.Condition, **changed: Any) -> SavedAudience:
    definition = c.Definition(c.Group(conditions=conditions), changed.pop("limit", None))
    return SavedAudience(**{"id": "asked", "name": "Asked", "model": "customers", "definition": definition, **changed})


def _property(column: str, operator: Op, *values: Any) -> c.Condition:
    return c.PropertyCondition(c.Field(column), c.Test(operator, c.Values(values) if values else None))


def _group(*conditions: Any) -> dict[str, Any]:
    return {"where": {"type": "group", "conditions": list(conditions)}}


@pytest.mark.parametrize(
    ("given", "pointer", "words"),
    [
        ([], "", "A definition is a JSON object."),
        ({"version": 99}, "/version", "The definition has the version 99: versions up to 1 are known."),
        (_group({"type": "guess"}), "/where/conditions/0/type", "“guess” is not a value that this can have."),
        (_group({"type": "relation"}), "/where/conditions/0", "“relationship” is missing here."),
        (
            _group({"type": "property", "field": {"column": "a"}, "test": {"operator": "like"}}),
            "/where/conditions/0/test/operator",
            "“like” is not a value that this can have.",
        ),
        (
            _group({"type": "property", "field": {"column": "a", "colour": 1}, "test": {"operator": "exists"}}),
            "/where/conditions/0/field",
            "“colour” is not known here.",
        ),
        (
            _group({"type": "audience", "audience": 5}),
            "/where/conditions/0/audience",
            "This has to be of the type str, and is int.",
        ),
        ({"limit": {"percent": 101.0}}, "/limit/percent", "This has to be at most 100.0."),
    ],
)
def test_what_is_malformed_is_said_with_its_place(given: Any, pointer: str, words: str) -> None:
    with pytest.raises(InvalidTree) as refused:
        load_definition(given)
    (problem,) = refused.value.problems
    assert (problem.pointer, problem.message) == (pointer, words)


def test_deep_nesting_is_refused_before_it_is_read() -> None:
    tree: dict[str, Any] = {"type": "group"}
    for _ in range(2_000):
        tree = {"type": "group", "conditions": [tree]}
    with pytest.raises(InvalidTree, match="too deeply"):
        load_definition({"where": tree})


def test_the_published_schema_takes_what_is_dumped() -> None:
    definition = load_definition(
        _group(
            {
                "type": "trait",
                "definition": {"method": "count", "relationship": "orders"},
                "test": {"operator": "less", "operand": {"kind": "values", "values": [3]}},
            },
            {
                "type": "event",
                "relationship": "orders",
                "when": {"operator": "within", "operand": {"kind": "window", "amount": 2, "unit": "month"}},
            },
        )
    )
    made = json.loads(json.dumps(dump(definition)))
    jsonschema.Draft202012Validator.check_schema(json_schema())
    jsonschema.validate(made, json_schema())
    assert load_definition(made) == definition
    assert made["version"] == c.VERSION
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**made, "limit": {"percent": 101}}, json_schema())


def test_older_versions_are_brought_up_to_date(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("audiences.query.codec.VERSION", 2)
    monkeypatch.setattr("audiences.query.codec.UPGRADES", {**UPGRADES, 1: lambda old: {"where": old["filter"]}})
    found = load_definition({"version": 1, "filter": {"type": "group", "match": "any"}})
    assert (found.version, found.where.match) == (2, c.Match.ANY)


DEEP = c.RelationCondition("lines")
for _way in ("orders", "orders", "orders"):
    DEEP = c.RelationCondition(_way, where=c.Group(conditions=(DEEP,)))


@pytest.mark.parametrize(
    ("condition", "code", "words"),
    [
        (_property("ltv", Op.EXISTS), "unknown_column", "There is no column “ltv” in Customers any more."),
        (_property("score", Op.CONTAINS, "a"), "operator_unfit", "“score” is of the type number: “contains” does not"),
        (_property("score", Op.EQUALS, "many"), "operand_unfit", "“score” is a number, and “many” is not."),
        (_property("vip", Op.EQUALS, "yes"), "operand_unfit", "“vip” is a yes or no, and “yes” is not."),
        (_property("name", Op.EQUALS), "unfinished", "“name” has nothing to compare with"),
        (_property("name", Op.CONTAINS, ""), "operand_unfit", "Every text holds an empty one"),
        (c.RelationCondition("gone"), "unknown_relationship", "Customers is not related to that model any more."),
        (c.RelationCondition("lines"), "unknown_relationship", "Customers is not related to that model any more."),
        (c.RelationCondition("orders", c.Quantifier.NUMBER), "operand_unfit", "The number is missing"),
        (c.EventCondition("clubs"), "wrong_model", "Clubs is not a model of events."),
        (c.AudienceCondition("gone"), "unknown_audience", "The audience that this is about is not there any more."),
        (c.TraitCondition(c.Test(Op.EXISTS), trait="gone"), "unknown_trait", "The trait that this is about is not"),
        (c.TraitCondition(c.Test(Op.EXISTS)), "malformed", "A trait condition is about one trait"),
        (DEEP, "too_deep", "Conditions on related rows nest 3 levels deep at most."),
        (
            c.PropertyCondition(c.Field("item", via=("orders",)), c.Test(Op.EXISTS)),
            "not_single",
            "A row of Customers has several rows there",
        ),
        (
            c.PropertyCondition(c.Field("seen"), c.Test(Op.BEFORE, c.Instant(c.At("soon")))),
            "not_a_moment",
            "“soon” is not a date or time, such as 2024-06-03.",
        ),
        (
            c.PropertyCondition(c.Field("seen"), c.Test(Op.WITHIN, c.Window(100_000, c.Unit.YEAR))),
            "operand_unfit",
            "That is further away than calendars reach.",
        ),
        (
            c.PropertyCondition(c.Field("score"), c.Test(Op.GREATER, c.Blank("how much"))),
            "blank",
            "“score” has a blank that is not filled in (how much).",
        ),
        (
            c.PropertyCondition(c.Field("name", path="a.b"), c.Test(Op.EXISTS)),
            "operand_unfit",
            "“name” holds no JSON, so there is no path in it.",
        ),
    ],
)
def test_what_does_not_fit_is_said_in_words(condition: c.Condition, code: str, words: str) -> None:
    (problem,) = _asker().check(_audience(_property("id", Op.EXISTS), condition))
    assert problem.code == code
    assert problem.message.startswith(words)
    assert problem.path[:3] == ("where", "conditions", 1)
    assert Speaker(_asker().schema).sentence("customers", _audience(condition).definition).endswith(".")


def test_everything_that_is_wrong_is_found_at_once() -> None:
    problems = _asker().check(
        _audience(_property("one", Op.EXISTS), c.Group(conditions=(_property("two", Op.EXISTS),)))
    )
    assert [each.pointer for each in problems] == ["/where/conditions/0", "/where/conditions/1/conditions/0"]


def test_audiences_and_traits_do_not_loop() -> None:
    one = _audience(c.AudienceCondition("two"), id="one", name="One")
    two = _audience(c.AudienceCondition("one"), id="two", name="Two")
    formula = c.FormulaTrait('{{"trait.spiral"}} + 1', c.ResultType.NUMBER)
    traits = {"spiral": SavedTrait(id="spiral", name="spiral", model="customers", definition=formula)}
    asker = _asker(shop.schema("duckdb", audiences={"one": one, "two": two}, traits=traits))
    (problem,) = asker.check(one)
    assert (problem.code, problem.pointer) == ("audience_loop", "/where/conditions/0")
    assert problem.message == "Audience “Two”: “One” would be made of itself."
    (problem,) = asker.check(_audience(c.TraitCondition(c.Test(Op.EXISTS), trait="spiral")))
    assert problem.code == "trait_loop"


def test_percentiles_need_suggestions_off() -> None:
    schema = shop.schema("duckdb")
    model = schema.models["customers"]
    columns = tuple(replace(each, suggestions=each.name == "score") for each in model.columns)
    schema = replace(schema, models={**schema.models, "customers": replace(model, columns=columns)})
    condition = c.PropertyCondition(c.Field("score"), c.Test(Op.GREATER, c.Percentile(90)))
    limit = c.Limit(by=c.Field("score"), percent=25)
    problems = _asker(schema).check(_audience(condition, limit=limit))
    assert [each.code for each in problems] == ["percentile_off", "percentile_off"]


@pytest.mark.parametrize("trait", [True, False])
def test_columns_that_are_blocked_are_no_condition(trait: bool) -> None:
    schema = shop.schema("duckdb")
    models = {
        id_: replace(
            model,
            columns=tuple(replace(each, privacy=Privacy.BLOCKED, alias="Secret") for each in model.columns),
        )
        for id_, model in schema.models.items()
    }
    counted = c.CountTrait("orders", c.Field("item"))
    condition = c.TraitCondition(c.Test(Op.EXISTS), definition=counted) if trait else _property("name", Op.EQUALS, "a")
    (problem,) = _asker(replace(schema, models=models)).check(_audience(condition))
    assert problem.code == "column_blocked"
    assert "“Secret”" in problem.message


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("SUM(", "This is not SQL that can be read"),
        ("SELECT 1", "This has to be one SQL expression"),
        ("SUM((SELECT 1))", "A query inside a trait is not possible"),
        ("SUM(amount)", '“amount” is not known here: write {{ column "amount" }} for a column.'),
        ('{{ column "amount" }}', "This has to be one value for many rows"),
        ("SUM(1) AS x", "This has to be one SQL expression"),
        ("SUM('{{ column \"amount\" }}')", "A reference in braces stands where no column can stand"),
        ('SUM({{ column "Amount" }})', "There is no column “Amount” in Orders any more."),
        ("1; DROP TABLE customers", "This has to be one SQL expression"),
        ("MAX(pg_read_file('/etc/passwd'))", "Traits cannot call “pg_read_file”"),
    ],
)
def test_sql_of_traits_is_one_expression(sql: str, words: str) -> None:
    trait = c.SqlTrait("orders", sql, c.ResultType.NUMBER)
    (problem,) = _asker().check(_audience(c.TraitCondition(c.Test(Op.EXISTS), definition=trait)))
    assert problem.message.startswith(words)


@pytest.mark.parametrize(
    ("dialect", "reaching", "plain"),
    [
        (
            "postgres",
            ["query_to_xml('SELECT 1')", "dblink('x', 'y')", "a.b(1)"],
            ["age(x)", "x ~ 'y'"],
        ),
        (
            "duckdb",
            ["getenv('HOME')", "read_text('/x')", "nextval('s')"],
            ["strftime(x, '%Y')", "list_sum(x)"],
        ),
        ("snowflake", ["SYSTEM$WAIT(9)", "GET_DDL('table', 'x')", "db.own.f(x)"], ["ZEROIFNULL(x)", "x:b::string"]),
        ("bigquery", ["EXTERNAL_QUERY('a', 'b')", "`p.d.f`(x)"], ["SAFE.SUBSTR(x, 1)", "NET.HOST(x)"]),
        ("databricks", ["secret('a', 'b')", "java_method('a', 'b')", "ai_query('m', x)"], ["element_at(x, 1)"]),
        ("mysql", ["LOAD_FILE('/x')", "BENCHMARK(9, 1)", "@@version"], ["FIND_IN_SET(x, 'a')"]),
        ("clickhouse", ["dictGet('a', 'b', 1)", "getSetting('x')", "sleep(3)"], ["toYYYYMM(x)", "quantile(0.5)(x)"]),
        ("tsql", ["OPENROWSET('a', 'b', 'c')", "dbo.f(x)"], ["EOMONTH(x)", "ISNULL(x, 0)"]),
    ],
)
def test_sql_of_traits_makes_values_of_values_alone(dialect: str, reaching: list[str], plain: list[str]) -> None:
    """No function that reads, runs or waits for anything else; those that are in daily use."""
    refused = [sql for sql in (*reaching, *plain) if forbidden_in(sqlglot.parse_one(sql, read=dialect))]
    assert refused == reaching


def test_the_documented_sql_traits_work() -> None:
    store = DuckStore()
    store.connection.execute("INSERT INTO cities VALUES (7, 'dogtown', 1)")
    store.connection.execute("INSERT INTO customers (id, name, region, city_id) VALUES (1, 'Ann', 'Lee', 7)")
    store.connection.execute(
        "INSERT INTO orders (id, customer_id, amount, item) VALUES (1, 1, 70, 'x'), (2, 1, 40, 'x')"
    )
    asker = _asker(shop.schema("duckdb", traits={"spent": shop.spent}))
    number, text = c.ResultType.NUMBER, c.ResultType.STRING
    traits: list[tuple[c.Trait, Any]] = [
        (c.SqlTrait("orders", 'SUM({{ column "amount" }})', number), 110),
        (c.SqlTrait("orders", 'ARRAY_AGG(DISTINCT {{column "item"}})', c.ResultType.OBJECT), ["x"]),
        (
            c.SqlTrait(
                "orders",
                "CASE WHEN SUM( {{column \"amount\"}} ) > 100 THEN 'high' "
                "WHEN SUM( {{column \"amount\"}} ) > 50 THEN 'medium' ELSE 'low' END",
                text,
            ),
            "high",
        ),
        (c.FormulaTrait('CONCAT({{"name"}}, \' \', {{"region"}})', text), "Ann Lee"),
        (c.FormulaTrait("CONCAT(name, ' ', region)", text), "Ann Lee"),
        (c.FormulaTrait("CASE WHEN {{\"merged.Cities.label\"}} LIKE 'dog%' THEN true ELSE false END", text), True),
        (c.FormulaTrait("CASE WHEN {{\"trait.spent\"}} > 100 THEN 'high' ELSE 'low' END", text), "high"),
        (load_trait({"method": "sql", "relationship": "stays", "sql": "SUM(1)", "result": "number", "default": 0}), 0),
    ]
    for trait, wanted in traits:
        assert store.rows(asker.trait_values("customers", trait).sql()) == [(1, wanted)]


def test_a_hundred_thousand_uploaded_values() -> None:
    store = DuckStore()
    store.connection.execute("INSERT INTO customers (id, name) SELECT range, 'n' || range FROM range(0, 200000, 20000)")
    names = [f"n{number}" for number in range(100_000)]
    lists = {
        "names": ValueList(id="names", name="Names", values=names),
        "ids": ValueList(id="ids", name="Ids", values=range(100_000)),
        "loaded": ValueList(id="loaded", name="Loaded", values=(), table=Table("", "loaded")),
    }
    asker = _asker(shop.schema("duckdb", lists=lists))

    def count(column: str, operator: Op, id_: str, *, alone: bool = True) -> int:
        condition: c.Condition = c.PropertyCondition(c.Field(column), c.Test(operator, c.Uploaded(id_)))
        if not alone:
            condition = c.Group(c.Match.ANY, (condition, _property("vip", Op.EQUALS, True)))
        return int(store.rows(asker.count(_audience(condition)).sql())[0][0])

    assert (count("name", Op.EQUALS, "names"), count("name", Op.NOT_EQUALS, "names")) == (5, 5)
    assert (count("id", Op.EQUALS, "ids"), count("id", Op.NOT_EQUALS, "ids", alone=False)) == (5, 5)
    (problem,) = asker.check(_audience(c.PropertyCondition(c.Field("name"), c.Test(Op.CONTAINS, c.Uploaded("names")))))
    assert problem.message == "“contains” takes 1,000 values at most, and here are 100,000."
    athena = replace(asker, schema=replace(asker.schema, dialect="athena"))
    (problem,) = athena.check(_audience(c.PropertyCondition(c.Field("name"), c.Test(Op.EQUALS, c.Uploaded("names")))))
    assert problem.message.startswith("These are too many values: Amazon Athena takes statements of 262,144")


def test_a_list_that_was_loaded_is_joined_where_it_is() -> None:
    store = DuckStore()
    store.connection.execute("INSERT INTO customers (id, name) VALUES (1, 'a'), (2, 'b'), (3, NULL)")
    store.connection.execute("CREATE TABLE loaded AS SELECT 'a' AS value UNION ALL SELECT 'a' UNION ALL SELECT NULL")
    given = ValueList(id="l", name="L", values=("a",), table=Table("", "loaded"))
    asker = _asker(shop.schema("duckdb", lists={"l": given}))
    for operator, wanted in [(Op.EQUALS, 1), (Op.NOT_EQUALS, 2)]:
        condition = c.PropertyCondition(c.Field("name"), c.Test(operator, c.Uploaded("l")))
        assert store.rows(asker.count(_audience(condition)).sql()) == [(wanted,)]


def test_values_and_names_stay_values_and_names() -> None:
    """Neither quotes nor what stands for a model's text can break out of where they are."""
    evil = "'; DROP TABLE customers; -- headrace_model_0__"
    store = DuckStore()
    store.connection.execute("INSERT INTO customers (id, name) VALUES (1, ?)", [evil])
    store.connection.execute("INSERT INTO orders (id, customer_id, item) VALUES (1, 1, ?)", [evil])
    asker = _asker()
    bought = c.EventCondition("orders", where=c.Group(conditions=(_property("item", Op.EQUALS, evil),)))
    query = asker.members(_audience(_property("name", Op.EQUALS, evil), bought), [Output(f'"{evil}', c.Field("name"))])
    assert store.rows(query.sql()) == [(evil,)]
    assert query.columns == (f'"{evil}',)


def test_overlap_and_breakdown() -> None:
    store = DuckStore()
    store.connection.execute(
        "INSERT INTO customers (id, region, score) VALUES (1, 'a', 1), (2, 'a', 2), (3, 'b', 3), (4, NULL, 4)"
    )
    store.connection.execute("INSERT INTO orders (id, customer_id) VALUES (1, 1), (2, 1), (3, 3)")
    asker = _asker()
    low = _audience(_property("score", Op.LESS, 4), id="low")
    top = _audience(limit=c.Limit(by=c.Field("score"), count=2), id="top")
    query = overlap(asker, low, top)
    assert store.rows(query.sql()) == [(1, 2, 1)]
    assert query.columns == ("both", "only_first", "only_second")
    # What a priority list gives to others is neither shared nor counted, and makes room within a limit.
    first = _audience(_property("score", Op.EQUALS, 4), id="first")
    assert store.rows(overlap(asker, low, top, ((), (first,))).sql()) == [(2, 1, 0)]
    by = Measure(field=c.Field("region"))
    assert store.rows(breakdown(asker, top, by, before=(first,)).sql()) == [("a", 1, 1), ("b", 1, 1)]
    assert store.rows(breakdown(asker, low, by).sql()) == [("a", 2, 2), ("b", 1, 1)]
    orders = Measure(relationship="orders")
    summed = breakdown(asker, low, by, measure=orders, calculation=Calculation.SUM)
    assert store.rows(summed.sql()) == [("a", 2, 2), ("b", 1, 1)]
    assert sorted(store.rows(breakdown(asker, low, orders).sql())) == [(0, 1, 1), (1, 1, 1), (2, 1, 1)]
    assert store.rows(suggestions(asker, "customers", Output("region", c.Field("region"))).sql()) == [
        ("a", 2),
        ("b", 1),
    ]
    with pytest.raises(InvalidTree, match="no number"):
        breakdown(asker, low, by, measure=by, calculation=Calculation.SUM)
    everybody = _audience(id="all")
    assert store.rows(spread(asker, everybody, by).sql()) == [(4, 1, 2, None, None)]
    assert store.rows(spread(asker, everybody, Measure(field=c.Field("score"))).sql()) == [(4, 0, 4, 1, 4)]
    edges = [c.Test(Op.LESS, c.Values((edge,))) for edge in (2, 4)]
    parts = breakdown(asker, everybody, Measure(field=c.Field("score")), edges=edges)
    assert store.rows(parts.sql()) == [(1, 2, 2), (0, 1, 1), (2, 1, 1)]
    store.connection.execute("UPDATE customers SET joined = '2024-05-02 01:00' WHERE id < 3")
    days = [c.Test(Op.BEFORE, c.Instant(c.At("2024-05-02")))]
    joined = Measure(field=c.Field("joined"))
    assert store.rows(breakdown(asker, everybody, joined, edges=days).sql()) in (
        [(1, 2, 2), (None, 2, 2)],
        [(None, 2, 2), (1, 2, 2)],
    )
    assert type_of(asker, "customers", joined) is ColumnType.TIMESTAMP


def test_templates_say_their_blanks() -> None:
    blank = c.PropertyCondition(c.Field("score"), c.Test(Op.GREATER, c.Blank("how much")))
    group = c.Group(c.Match.ANY, (blank, _property("name", Op.EQUALS, "a", "b")))
    audience = _audience(group, _property("vip", Op.EQUALS, True), limit=c.Limit(by=c.Field("score"), count=1000))
    assert Speaker(_asker().schema).sentence("customers", audience.definition) == (
        "Customers where (score is more than [how much] or name is “a” or “b”) and where vip is yes, "
        "only the top 1,000 by score."
    )
    lines = Speaker(_asker().schema).lines("customers", audience.definition)
    places = [((0,), 0), ((0, "conditions", 0), 1), ((0, "conditions", 1), 1), ((1,), 0)]
    assert [(line.path[2:], line.depth) for line in lines] == places


def test_households_with_a_member_are_counted_once() -> None:
    store = DuckStore()
    store.connection.execute("INSERT INTO cities (id) VALUES (1), (2), (3)")
    store.connection.execute(
        "INSERT INTO customers (id, city_id, score) VALUES (1, 1, 1), (2, 1, 2), (3, 2, 3), (4, NULL, 4), (5, 3, 9)"
    )
    asker = _asker()
    low = _audience(_property("score", Op.LESS, 5))
    assert store.rows(asker.count_linked(low, "city").sql()) == [(2,)]
    lowest = _audience(limit=c.Limit(by=c.Field("score"), count=2, bottom=True))
    assert store.rows(asker.count_linked(lowest, "city").sql()) == [(1,)]


def test_anniversaries_where_moments_cannot_be_shown_in_a_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    """SQL Server knows no zone by its usual name: there each year's day is a stretch of time."""
    store = DuckStore()
    moments = ["1999-02-27 22:30", "1999-02-27 23:30", "2020-02-28 12:00", "2020-02-29 12:00", "2023-02-28 23:30"]
    values = ", ".join(f"({place}, '{moment}+00:00')" for place, moment in enumerate(moments))
    store.connection.execute(f"INSERT INTO customers (id, joined) VALUES {values}")
    audience = _audience(c.PropertyCondition(c.Field("joined"), c.Test(Op.ANNIVERSARY)))
    found = {}
    for year, zones in [(year, zones) for year in (2023, 2024) for zones in (True, False)]:
        monkeypatch.setitem(STUDIOS, "duckdb", replace(STUDIOS["duckdb"], zones=zones))
        now = datetime(year, 2, 28, 9, tzinfo=UTC)
        query = Asker(schema=shop.schema("duckdb"), clock=shop.clock(now)).members(audience)
        found[year, zones] = sorted(key for (key,) in store.rows(query.sql()))
    assert found[2023, True] == found[2023, False] == [1, 2, 3]
    assert found[2024, True] == found[2024, False] == [1, 2]


def test_a_row_that_is_linked_twice_counts_once() -> None:
    store = DuckStore()
    store.connection.execute("INSERT INTO customers (id) VALUES (1)")
    store.connection.execute("INSERT INTO clubs VALUES (7, 'gold', 10), (8, 'gold', 20)")
    store.connection.execute("INSERT INTO memberships VALUES (1, 1, 7), (2, 1, 7), (3, 1, 8)")
    asker = _asker()
    two = c.RelationCondition("clubs", c.Quantifier.NUMBER, c.Number(Op.EQUALS, 2))
    assert store.rows(asker.count(_audience(two)).sql()) == [(1,)]
    fees = c.AggregationTrait("clubs", c.Function.SUM, c.Field("fee"))
    assert store.rows(asker.trait_values("customers", fees).sql()) == [(1, 30)]
