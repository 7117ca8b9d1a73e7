"""Whatever is chosen in the builder fits the schema: it compiles, or its problem is shown at its block."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from audiences.builder import edits
from audiences.builder.blocks import Block, blocks
from audiences.builder.edits import Tree
from audiences.builder.fitting import NEW_OPERANDS, fitted, operand_kinds
from audiences.builder.offers import Offers
from audiences.query.codec import dump, load_definition
from audiences.query.errors import Problem
from audiences.query.schema import Privacy, SavedAudience, StudioSchema
from audiences.query.statements import Asker
from audiences.query.times import Clock
from audiences.query.values import OPERATORS
from tests.audiences.query.shop import schema

SHOP = schema("duckdb")
CLOCK = Clock(datetime(2024, 6, 3, 12, tzinfo=UTC))


def offers(shop: StudioSchema = SHOP) -> Offers:
    return Offers(shop, shop.models["customers"])


def problems_of(tree: Tree) -> list[Problem]:
    audience = SavedAudience(id="new", name="New", model="customers", definition=load_definition(tree))
    return Asker(schema=SHOP, clock=CLOCK).check(audience)


def with_condition(kind: str, **given: Any) -> Tree:
    tree = edits.add(edits.empty(), "/where", {**edits.NEW_CONDITIONS[kind], **given})
    return fitted(tree, offers())


def first(tree: Tree) -> Any:
    return tree["where"]["conditions"][0]


def fields() -> Iterator[Any]:
    for group in offers().fields():
        for choice in group.choices:
            yield pytest.param(orjson.loads(choice.value), id=choice.label)


@pytest.mark.parametrize("field", fields())
def test_every_operator_and_kind_of_value_that_is_offered_compiles(field: Any) -> None:
    tested = offers().tested_field(field)
    assert tested is not None
    for operator in OPERATORS[tested.type]:
        for kind in operand_kinds(tested, operator) or ("",):
            tree = with_condition("property", field=field, test={"operator": operator, "operand": {"kind": kind}})
            test = first(tree)["test"]
            assert (test["operator"], test.get("operand", {"kind": ""})["kind"]) == (operator, kind)
            if kind == "values" and not test["operand"]["values"]:
                pointer = "/where/conditions/0/test/operand/values"
                tree = fitted(edits.posted(tree, [(f"list:{pointer}", ["1"])]), offers())
            if kind == "list":
                tree = edits.posted(tree, [("text:/where/conditions/0/test/operand/list", ["gone"])])
                assert [each.code for each in problems_of(tree)] == ["unknown_list"]
                continue
            assert problems_of(tree) == [], (operator, kind)


def test_another_column_keeps_what_still_fits() -> None:
    tree = with_condition("property", field={"column": "name"})
    tree = edits.posted(
        tree,
        [
            ("text:/where/conditions/0/test/operator", ["equals"]),
            ("json:/where/conditions/0/test/operand", ['{"kind": "values", "values": ["7", "8"]}']),
        ],
    )
    other = fitted(edits.put(tree, "/where/conditions/0/field", {"column": "email"}), offers())
    assert first(other)["test"] == {"operator": "equals", "operand": {"kind": "values", "values": ["7", "8"]}}
    number = fitted(edits.put(tree, "/where/conditions/0/field", {"column": "score"}), offers())
    assert first(number)["test"] == {"operator": "equals", "operand": {"kind": "values", "values": [7, 8]}}
    moment = fitted(edits.put(tree, "/where/conditions/0/field", {"column": "seen"}), offers())
    assert first(moment)["test"]["operand"] == NEW_OPERANDS["moment"]


def test_words_in_a_number_stay_and_are_refused_at_their_block() -> None:
    tree = with_condition("property", field={"column": "score"}, test={"operator": "equals"})
    tree = fitted(edits.posted(tree, [("list:/where/conditions/0/test/operand/values", ["a dozen"])]), offers())
    shown = blocks(tree, offers(), problems_of(tree))
    assert shown.children[0].problems == ("“score” is a number, and “a dozen” is not.",)
    assert shown.children[0].test is not None
    assert shown.children[0].test.operand["values"] == ["a dozen"]


def test_related_rows_nest_three_levels_deep_and_no_further() -> None:
    tree, where = with_condition("event"), "/where/conditions/0/where"
    shown = blocks(tree, offers())
    for _ in range(2):
        tree = fitted(edits.add(tree, where, edits.NEW_CONDITIONS["relation"]), offers())
        where += "/conditions/0/where"
    assert problems_of(tree) == []
    deepest = blocks(tree, offers())
    while deepest.where or deepest.children:
        deepest = deepest.where or deepest.children[0]
    assert {choice.value for choice in shown.addable} >= {"property", "relation", "event", "group"}
    assert {choice.value for choice in deepest.addable} == {"property", "group"}


def test_events_are_counted_and_timed() -> None:
    tree = with_condition("event")
    assert first(tree) == {"type": "event", "relationship": "orders", "where": {"match": "all", "conditions": []}}
    tree = edits.posted(tree, [("json:/where/conditions/0/when", ['{"operator": "within"}'])])
    tree = fitted(edits.posted(tree, [("json:/where/conditions/0/number", ['{"operator": "greater"}'])]), offers())
    assert first(tree)["number"] == {"operator": "greater", "count": 1}
    assert first(tree)["when"]["operand"] == NEW_OPERANDS["window"]
    assert problems_of(tree) == []
    never = fitted(edits.posted(tree, [("flag:/where/conditions/0/performed", ["false"])]), offers())
    assert "number" not in first(never)
    assert problems_of(never) == []


def test_a_column_that_vanished_is_shown_with_what_it_was() -> None:
    tree = with_condition("property", field={"column": "shoe_size"}, test={"operator": "equals"})
    shown = blocks(tree, offers(), problems_of(tree)).children[0]
    assert shown.gone
    assert shown.test is None
    assert "shoe_size" in shown.problems[0]


def test_blocked_and_switched_off_columns_are_not_offered() -> None:
    customers = SHOP.models["customers"]
    closed: dict[str, dict[str, Any]] = {
        "email": {"privacy": Privacy.BLOCKED},
        "name": {"enabled": False},
        "born": {"privacy": Privacy.REDACTED},
    }
    columns = tuple(replace(each, **closed.get(each.name, {})) for each in customers.columns)
    changed = replace(SHOP, models={**SHOP.models, "customers": replace(customers, columns=columns)})
    offered = {choice.label for choice in offers(changed).fields()[0].choices}
    assert offered.isdisjoint({"email", "name"})
    assert {"born", "score"} <= offered


def test_problems_of_inner_conditions_are_not_said_twice() -> None:
    tree = with_condition("event")
    condition = {"type": "property", "field": {"column": "gone"}, "test": {"operator": "exists"}}
    tree = fitted(edits.add(tree, "/where/conditions/0/where", condition), offers())
    event = blocks(tree, offers(), problems_of(tree)).children[0]
    assert event.problems == ()
    assert event.where is not None
    assert len(event.where.children[0].problems) == 1


def test_fitting_twice_changes_nothing_and_saves_as_it_is() -> None:
    for kind in edits.NEW_CONDITIONS:
        tree = with_condition(kind)
        assert fitted(tree, offers()) == tree
        if not _unfinished(blocks(tree, offers())):
            assert load_definition(dump(load_definition(tree))) == load_definition(tree)


def _unfinished(block: Block) -> bool:
    return any(not child.chosen and not child.is_group for child in block.children)
