"""Whatever a browser or program sends as a definition, the builder shows it or refuses it in words."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import orjson
import pytest
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from audiences.builder import edits
from audiences.builder.blocks import blocks, suggested_in
from audiences.builder.fitting import NEW_OPERANDS, fitted
from audiences.builder.offers import Offers
from audiences.query.codec import json_schema, load_definition
from audiences.query.conditions import Operator
from audiences.query.errors import InvalidTree
from audiences.query.sentences import Speaker
from audiences.views.building import posted_tree
from config.errors import Invalid
from tests.audiences.query.shop import schema

SHOP = schema("duckdb")
OFFERS = Offers(SHOP, SHOP.models["customers"])
KEYS = sorted({key for each in json_schema()["$defs"].values() for key in each.get("properties", ())} | {"where"})
WORDS = [*edits.NEW_CONDITIONS, *NEW_OPERANDS, *(operator.value for operator in Operator), "all", "number", "at"]
WORDS += [*SHOP.relationships, *SHOP.traits, *(each.name for each in SHOP.models["customers"].columns), "", "x"]
HUGE = st.sampled_from([2**63, 2**64 - 1, -(2**63), 1e308, -1, 0, 1.5])  # the widest that JSON brings in
JSON = st.recursive(
    st.none() | st.booleans() | HUGE | st.sampled_from(WORDS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)


def condition(kind: str) -> st.SearchStrategy[Any]:
    """A condition of which any part may be anything."""
    known = {"type": st.just(kind), "relationship": st.sampled_from([*SHOP.relationships, "x"]), "where": JSON}
    spoilt = st.dictionaries(st.sampled_from([key for key in KEYS if key != "type"]), JSON, max_size=5)
    field = st.fixed_dictionaries({"column": st.sampled_from(WORDS)}, optional={"via": JSON, "path": JSON})
    kinds, others = st.sampled_from(tuple(NEW_OPERANDS)), {key: JSON for key in KEYS if key != "kind"}
    operand = st.fixed_dictionaries({"kind": kinds}, optional=others)
    test = st.fixed_dictionaries({}, optional={"operator": st.sampled_from(WORDS) | JSON, "operand": operand | JSON})
    whole = st.fixed_dictionaries(known, optional={"field": field | JSON, "test": test | JSON, "when": test})
    return st.tuples(whole, spoilt).map(lambda both: {**both[0], **both[1]})


CONDITIONS = st.sampled_from(tuple(edits.NEW_CONDITIONS)).flatmap(condition) | JSON


WHERE = st.fixed_dictionaries({"conditions": st.lists(CONDITIONS, max_size=3)}) | JSON


@given(st.fixed_dictionaries({"where": WHERE}, optional={"limit": JSON | st.dictionaries(st.sampled_from(KEYS), JSON)}))
def test_no_tree_brings_the_builder_down(tree: Any) -> None:
    once = fitted(tree, OFFERS)
    assert fitted(once, OFFERS) == once
    suggested_in(blocks(once, OFFERS))
    orjson.dumps(once)
    with suppress(InvalidTree):
        Speaker(SHOP).sentence("customers", load_definition(once))


NAMED = st.sampled_from(["text", "number", "flag", "list", "json", "other"])
PLACES = st.sampled_from(["/where", "/where/match", "/where/conditions", "/where/conditions/²", "", "/", "where"])
DO = st.sampled_from(["add", "remove", "duplicate", "wrap", "unwrap", "up", "down", "set", "drop", "save", ""])


@given(
    JSON.map(lambda value: orjson.dumps({"where": value}).decode()) | st.text(max_size=8),
    st.lists(st.tuples(NAMED, PLACES, st.text(max_size=8) | st.just("9" * 40)), max_size=3),
    DO,
    st.lists(PLACES | st.sampled_from(["property", "[[1]]", "{}"]), max_size=3),
)
def test_no_post_is_worse_than_refused(
    tree: str, fields: list[tuple[str, str, str]], do: str, arguments: list[str]
) -> None:
    data = QueryDict(mutable=True)
    data["tree"] = tree
    data["do"] = "|".join([do, *arguments])
    for kind, place, value in fields:
        data.appendlist(f"{kind}:{place}", value)
    with suppress(Invalid):
        blocks(fitted(posted_tree(data), OFFERS), OFFERS)


@pytest.mark.parametrize("inside", ["tree", "field", "edit"])
def test_deep_nesting_is_refused_before_anything_recursive_meets_it(inside: str) -> None:
    deep = '{"where":' * 200 + "1" + "}" * 200
    sent = {
        "tree": {"tree": deep},
        "field": {"tree": '{"where": {}}', "json:/where": deep},
        "edit": {"tree": '{"where": {}}', "do": f"set|/where|{deep}"},
    }[inside]
    data = QueryDict(mutable=True)
    data.update(sent)
    with pytest.raises(Invalid, match="nested too deeply"):
        posted_tree(data)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (str(2**63 - 1), 2**63 - 1),
        (str(-(2**63)), -(2**63)),
        (str(2**63), None),
        ("9" * 5000, None),
        ("1e999", None),
        ("inf", None),
        ("nan", None),
        ("1_000", None),
        ("٣", None),
        (".5", 0.5),
        ("1e3", 1000.0),
        (" +7 ", 7),
    ],
)
def test_numbers_that_json_cannot_carry_stay_text(written: str, read: object) -> None:
    assert edits.number(written) == read
    score = {"type": "property", "field": {"column": "score"}, "test": {"operator": "equals"}}
    tree = fitted({"where": {"conditions": [score]}}, OFFERS)
    tree = fitted(edits.posted(tree, [("list:/where/conditions/0/test/operand/values", [written])]), OFFERS)
    assert tree["where"]["conditions"][0]["test"]["operand"]["values"] == [written if read is None else read]
    orjson.dumps(tree)


def test_what_a_program_stored_is_shown_however_wide() -> None:
    values = {"operator": "equals", "operand": {"kind": "values", "values": [10**30]}}
    stored = {"where": {"conditions": [{"type": "property", "field": {"column": "score"}, "test": values}]}}
    load_definition(stored)
    shown = fitted(stored, OFFERS)
    assert shown["where"]["conditions"][0]["test"]["operand"]["values"] == [str(10**30)]
    orjson.dumps(shown)
