"""The layers between an audience and a sync: what comes through, how many are left after each, who was stopped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiences.query import conditions as c
from audiences.query.conditions import Operator as Op
from audiences.query.errors import InvalidTree
from audiences.query.layers import Layer, Plan, allowed, members, stopped, waterfall
from audiences.query.schema import Privacy, SavedAudience, StudioSchema, Surface
from audiences.query.splits import SLOTS, Split, Stretch, allocate, resize, slot
from audiences.query.statements import Asker, Output
from config.embedded import Urls
from tests.audiences.query import shop
from tests.audiences.query.evaluator import Evaluator, nulls_last
from tests.audiences.query.stores import DuckStore, PostgresStore, Store
from tests.audiences.query.test_oracle import half

KEY = Output("id", c.Field("id"))


@pytest.fixture(scope="module")
def stores(services: Urls) -> Iterator[list[Store]]:
    postgres = PostgresStore(services.database_url)
    yield [DuckStore(), postgres]
    postgres.close()


small = shop.groups("customers", 1, 0, 2)
subsets = st.lists(st.lists(small.map(c.Definition), min_size=1, max_size=2).map(tuple), max_size=1).map(tuple)


@st.composite
def _audience(draw: st.DrawFn, name: str) -> SavedAudience:
    definition = c.Definition(draw(small), draw(shop.limits))
    return SavedAudience(id=name, name=name, model="customers", definition=definition, subsets=draw(subsets))


splits = st.none() | st.builds(
    Split,
    salt=st.sampled_from(["s1", "é'"]),
    stretches=st.sampled_from([allocate({"Holdout": 3000, "É": 7000}), allocate({"A": 5000, "B": 2500, "É": 2500})]),
    stratify=st.sampled_from([(), ("vip",), ("region", "vip")]),
)
plans = st.builds(
    Plan,
    audience=_audience("asked"),
    before=st.lists(_audience("x"), max_size=2).map(
        lambda found: tuple(replace(each, id=f"before{place}") for place, each in enumerate(found))
    ),
    split=splits,
    groups=st.just(("É",)),
    rules=st.lists(small.map(c.Definition), max_size=1).map(tuple),
)


class Layers:
    """What comes through each layer, in plain Python."""

    def __init__(self, evaluator: Evaluator, plan: Plan) -> None:
        self.evaluator, self.plan = evaluator, plan
        self.model = evaluator.schema.models["customers"]
        self.rows = evaluator.tables["customers"]

    def left(self) -> dict[Layer, list[int]]:
        """The keys that are left after each layer."""
        evaluator, model, plan = self.evaluator, self.model, self.plan
        audience = plan.audience
        rows = [row for row in self.rows if evaluator.holds(model, row, audience.definition.where)]
        found = {Layer.AUDIENCE: rows}
        rows = [row for row in rows if evaluator.qualifies(model, row, audience)]
        found[Layer.SUBSETS] = rows
        taken = self.taken()
        found[Layer.PRIORITY] = rows = [row for row in rows if row["id"] not in taken]
        found[Layer.LIMIT] = rows = evaluator.cut(model, rows, audience.definition.limit)
        if plan.split is not None:
            groups = self.groups(rows, plan.split)
            rows = [row for row in rows if groups[row["id"]] in plan.groups]
        found[Layer.SPLIT] = rows
        found[Layer.RULE] = [row for row in rows if all(evaluator.holds(model, row, rule.where) for rule in plan.rules)]
        return {layer: sorted(row["id"] for row in kept) for layer, kept in found.items()}

    def taken(self) -> set[int]:
        taken: set[int] = set()
        for audience in self.plan.before:
            rows = [row for row in self.rows if self.evaluator.qualifies(self.model, row, audience)]
            free = [row for row in rows if row["id"] not in taken]
            taken |= {row["id"] for row in self.evaluator.cut(self.model, free, audience.definition.limit)}
        return taken

    def groups(self, rows: list[Any], split: Split) -> dict[int, str]:
        """Whose each row is: by its slot, or by its place among those that are alike."""
        if not split.stratify:
            return {row["id"]: self.owner(split, slot(split.salt, str(row["id"]))) for row in rows}
        alike: dict[tuple[Any, ...], list[Any]] = {}
        for row in rows:
            alike.setdefault(tuple(row[name] for name in split.stratify), []).append(row)
        found = {}
        for same in alike.values():
            order = nulls_last(same, lambda row: self.digest(split, row), lambda row: row["id"], descending=False)
            for place, row in enumerate(order):
                found[row["id"]] = self.owner(split, place * SLOTS // len(order))
        return found

    def digest(self, split: Split, row: Any) -> str:
        from hashlib import md5

        return md5(f"{split.salt}{row['id']}".encode(), usedforsecurity=False).hexdigest()[:8]

    def owner(self, split: Split, place: int) -> str:
        return next(each.group for each in split.stretches if each.start <= place < each.end)


@half
@given(shop.tables(), st.lists(plans, min_size=1, max_size=3), st.booleans())
def test_layers_say_what_plain_python_says(
    stores: list[Store], tables: dict[str, list[dict[str, Any]]], plans: list[Plan], null_is_a_value: bool
) -> None:
    clock = shop.clock(shop.BASE)
    referred = shop.first_audiences(c.Group(), c.Group())
    for store in stores:
        store.fill(tables)
        schema = shop.schema(
            store.dialect, audiences=referred, traits={"spent": shop.spent}, null_is_a_value=null_is_a_value
        )
        asker, evaluator = Asker(schema=schema, clock=clock), Evaluator(schema, tables, clock, shop.FORMULAS)
        for plan in plans:
            left = Layers(evaluator, plan).left()
            query = waterfall(asker, plan)
            (counts,) = store.rows(query.sql())
            assert dict(zip(query.columns, map(int, counts), strict=True)) == {
                layer.value: len(keys) for layer, keys in left.items()
            }, f"{store.dialect}: {query.sql(pretty=True)}"
            query = members(asker, plan, [KEY])
            found = sorted(row[0] for row in store.rows(query.sql()))
            assert found == left[Layer.RULE], f"{store.dialect}: {query.sql(pretty=True)}"
            _stopped(store, asker, plan, left)


def _stopped(store: Store, asker: Asker, plan: Plan, left: dict[Layer, list[int]]) -> None:
    for before, layer in pairwise(Layer):
        if len(left[before]) != len(left[layer]):
            found = sorted(row[0] for row in store.rows(stopped(asker, plan, layer, [KEY]).sql()))
            assert found == sorted(set(left[before]) - set(left[layer]))


def test_resizing_moves_as_few_slots_as_can_be() -> None:
    first = allocate({"a": 3000, "b": 3000, "c": 4000})
    second = resize(first, {"a": 5000, "b": 3000, "c": 2000})
    assert _moved(first, second) == 2000
    third = resize(second, {"a": 4000, "b": 3000, "d": 3000})
    assert _moved(second, third) == 3000
    assert {group: _size(third, group) for group in "abcd"} == {"a": 4000, "b": 3000, "c": 0, "d": 3000}
    assert resize(third, {"a": 4000, "b": 3000, "d": 3000}) == third


def test_shares_have_to_add_up() -> None:
    with pytest.raises(ValueError, match="10,000"):
        allocate({"a": 9999})


def _owners(stretches: tuple[Stretch, ...]) -> list[str]:
    return [each.group for each in stretches for _ in range(each.size)]


def _size(stretches: tuple[Stretch, ...], group: str) -> int:
    return _owners(stretches).count(group)


def _moved(before: tuple[Stretch, ...], after: tuple[Stretch, ...]) -> int:
    return sum(a != b for a, b in zip(_owners(before), _owners(after), strict=True))


def _masked(**levels: Privacy) -> StudioSchema:
    schema = shop.schema("duckdb")
    models = {
        id_: replace(
            model, columns=tuple(replace(each, privacy=levels.get(each.name, each.privacy)) for each in model.columns)
        )
        for id_, model in schema.models.items()
    }
    return replace(schema, models=models)


@pytest.mark.parametrize(
    ("level", "filters", "previews", "syncs"),
    [
        (Privacy.APPROVED, True, True, True),
        (Privacy.UNREVIEWED, True, True, True),
        (Privacy.BLOCKED, False, False, False),
        (Privacy.REDACTED, True, False, True),
        (Privacy.SYNC_ONLY, False, False, True),
        (Privacy.SYNC_BLOCKED, True, True, False),
    ],
)
def test_privacy_levels_hold_for_columns_and_for_traits_that_show_them(
    level: Privacy, filters: bool, previews: bool, syncs: bool
) -> None:
    asker = Asker(schema=_masked(name=level, item=level), clock=shop.clock(shop.BASE))
    last = c.OccurrenceTrait("orders", c.Which.LAST, c.Field("item"))
    outputs = [KEY, Output("name", c.Field("name")), Output("last", definition=last)]
    for surface, wanted in [(Surface.FILTERS, filters), (Surface.PREVIEWS, previews), (Surface.SYNCS, syncs)]:
        kept, dropped = allowed(asker, "customers", outputs, surface)
        assert [each.name for each in kept] == (["id", "name", "last"] if wanted else ["id"])
        assert all("privacy level" in problem.message for _, problem in dropped)
    if not syncs:
        audience = SavedAudience(id="a", name="A", model="customers", definition=c.Definition())
        with pytest.raises(InvalidTree, match="privacy level"):
            members(asker, Plan(audience=audience), outputs)


def test_a_rule_does_not_change_who_is_within_the_limit() -> None:
    store = DuckStore()
    store.connection.execute("INSERT INTO customers (id, score, vip) SELECT range, range, range > 6 FROM range(10)")
    asker = Asker(schema=shop.schema("duckdb"), clock=shop.clock(shop.BASE))
    limit = c.Limit(by=c.Field("score"), count=5)
    audience = SavedAudience(id="a", name="A", model="customers", definition=c.Definition(limit=limit))
    rule = c.Definition(
        c.Group(conditions=(c.PropertyCondition(c.Field("vip"), c.Test(Op.EQUALS, c.Values((True,)))),))
    )
    # Names that the query uses itself are no trouble as names of columns.
    outputs = [KEY, *[Output(name, c.Field("score")) for name in ("place", "total", "bucket", "in_rule", "out_0")]]
    query = members(asker, Plan(audience=audience, rules=(rule,)), outputs)
    assert sorted(row[0] for row in store.rows(query.sql())) == [7, 8, 9]
    assert query.columns == ("id", "place", "total", "bucket", "in_rule", "out_0")
    assert sorted(store.rows(asker.members(audience, outputs).sql()))[0] == (5, 5, 5, 5, 5, 5)


def _scored(operator: Op, value: int) -> c.Definition:
    return c.Definition(
        c.Group(conditions=(c.PropertyCondition(c.Field("score"), c.Test(operator, c.Values((value,)))),))
    )


def _tens() -> tuple[DuckStore, Asker]:
    store = DuckStore()
    store.connection.execute("INSERT INTO customers (id, score) SELECT range, range FROM range(10)")
    return store, Asker(schema=shop.schema("duckdb"), clock=shop.clock(shop.BASE))


def _counts(store: DuckStore, asker: Asker, plan: Plan) -> dict[str, int]:
    query = waterfall(asker, plan)
    return dict(zip(query.columns, map(int, store.rows(query.sql())[0]), strict=True))


def test_a_limit_counts_only_those_who_came_so_far() -> None:
    store, asker = _tens()
    limit = c.Limit(by=c.Field("score"), count=4)
    audience = SavedAudience(
        id="a", name="A", model="customers", definition=c.Definition(limit=limit), subsets=((_scored(Op.LESS, 8),),)
    )
    plan = Plan(audience=audience, rules=(_scored(Op.NOT_EQUALS, 5),))
    left = {"audience": 10, "subsets": 8, "priority": 8, "limit": 4, "split": 4, "rule": 3}
    assert _counts(store, asker, plan) == left
    assert sorted(store.rows(stopped(asker, plan, Layer.SUBSETS, [KEY]).sql())) == [(8,), (9,)]
    assert sorted(store.rows(stopped(asker, plan, Layer.RULE, [KEY]).sql())) == [(5,)]


def test_a_priority_list_takes_each_member_once_and_leaves_the_rest_of_a_limit_free() -> None:
    store, asker = _tens()
    top = c.Limit(by=c.Field("score"), count=2)
    first = SavedAudience(id="1", name="1", model="customers", definition=c.Definition(limit=top))
    second = SavedAudience(id="2", name="2", model="customers", definition=c.Definition(limit=top))
    last = SavedAudience(id="3", name="3", model="customers", definition=_scored(Op.GREATER, 4))
    plan = Plan(audience=last, before=(first, second))
    assert _counts(store, asker, plan)["priority"] == 1  # 9 and 8 are the first's, 7 and 6 the second's
    assert store.rows(members(asker, plan, [KEY]).sql()) == [(5,)]
    assert store.rows(members(asker, Plan(audience=last, before=(first,)), [KEY]).sql()) == [(5,), (6,), (7,)]
