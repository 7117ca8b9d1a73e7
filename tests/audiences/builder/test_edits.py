"""Edits give new trees, leave the old ones alone, and refuse what does not fit."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiences.builder import edits
from audiences.builder.edits import BadEdit


def column(name: str) -> dict[str, Any]:
    return {"type": "property", "field": {"column": name}, "test": {"operator": "exists"}}


def group(*conditions: dict[str, Any], match: str = "all") -> dict[str, Any]:
    return {"type": "group", "match": match, "conditions": list(conditions)}


def tree(*conditions: dict[str, Any]) -> dict[str, Any]:
    return {"where": group(*conditions)}


def names(found: dict[str, Any]) -> list[Any]:
    """The columns' names, groups as lists."""
    return [names(each) if each["type"] == "group" else each["field"]["column"] for each in found["conditions"]]


def test_posted_fields_land_where_their_pointers_say() -> None:
    before = tree(column("a"), {"type": "event", "relationship": "1", "where": {}})
    after = edits.posted(
        before,
        [
            ("text:/where/match", ["any"]),
            ("json:/where/conditions/0/field", ['{"column": "b", "via": ["7"]}']),
            ("list:/where/conditions/0/test", ["x", "", "y"]),
            ("number:/where/conditions/1/number", ["12"]),
            ("flag:/where/conditions/1/performed", ["true"]),
            ("csrfmiddlewaretoken", ["…"]),
        ],
    )
    assert after["where"]["match"] == "any"
    assert after["where"]["conditions"][0]["field"] == {"column": "b", "via": ["7"]}
    assert after["where"]["conditions"][0]["test"] == ["x", "y"]
    assert after["where"]["conditions"][1] | {"where": 0} == {
        "type": "event",
        "relationship": "1",
        "where": 0,
        "number": 12,
        "performed": True,
    }
    assert before == tree(column("a"), {"type": "event", "relationship": "1", "where": {}})


@pytest.mark.parametrize(
    ("written", "read"), [("", None), ("12", 12), (" 12.5 ", 12.5), ("-3", -3), ("a dozen", "a dozen")]
)
def test_numbers_that_are_none_are_kept_for_the_page_to_show(written: str, read: object) -> None:
    assert edits.posted({"where": 0}, [("number:/where", [written])]) == {"where": read}


@pytest.mark.parametrize(
    "pointer", ["/where/conditions/9/test", "/where/nothing/here", "where", "/where/conditions/x", "/where/match/deep"]
)
def test_places_that_are_not_there_are_refused(pointer: str) -> None:
    with pytest.raises(BadEdit):
        edits.put(tree(column("a")), pointer, 1)


def test_conditions_are_added_doubled_and_removed() -> None:
    found = edits.add(tree(column("a")), "/where", column("b"))
    found = edits.duplicate(found, "/where/conditions/0")
    assert names(found["where"]) == ["a", "a", "b"]
    found = edits.remove(found, "/where/conditions/1")
    assert names(found["where"]) == ["a", "b"]


def test_a_group_that_is_left_empty_goes_too() -> None:
    found = edits.remove(tree(column("a"), group(group(column("b")))), "/where/conditions/1/conditions/0/conditions/0")
    assert names(found["where"]) == ["a"]


def test_the_conditions_on_related_rows_may_become_none() -> None:
    relation = {"type": "relation", "relationship": "1", "where": {"conditions": [column("a")]}}
    found = edits.remove(tree(relation), "/where/conditions/0/where/conditions/0")
    assert found["where"]["conditions"][0]["where"] == {"conditions": []}


def test_conditions_are_wrapped_the_other_way_and_unwrapped() -> None:
    found = edits.wrap(tree(column("a"), column("b")), "/where/conditions/1")
    assert names(found["where"]) == ["a", ["b"]]
    assert found["where"]["conditions"][1]["match"] == "any"
    assert edits.unwrap(found, "/where/conditions/1") == tree(column("a"), column("b"))


@pytest.mark.parametrize(
    ("condition", "to", "place", "expected"),
    [
        ("/where/conditions/0", "/where", 3, ["b", ["c"], "a"]),
        ("/where/conditions/2/conditions/0", "/where", 0, ["c", "a", "b", []]),
        ("/where/conditions/0", "/where/conditions/2", 1, ["b", ["c", "a"]]),
        ("/where/conditions/1", "/where", 0, ["b", "a", ["c"]]),
        ("/where/conditions/1", "/where", 99, ["a", ["c"], "b"]),
    ],
)
def test_conditions_move(condition: str, to: str, place: int, expected: list[Any]) -> None:
    found = edits.move(tree(column("a"), column("b"), group(column("c"))), condition, to, place)
    assert names(found["where"]) == expected


def test_a_group_does_not_move_into_itself() -> None:
    with pytest.raises(BadEdit, match="into itself"):
        edits.move(tree(group(group())), "/where/conditions/0", "/where/conditions/0/conditions/0", 0)


def test_there_is_a_most() -> None:
    full = {"where": group(*[column("a")] * edits.MOST_CONDITIONS)}
    with pytest.raises(BadEdit, match="at most 500"):
        edits.add(full, "/where", column("b"))


@given(
    st.recursive(
        st.text("abc", min_size=1, max_size=3).map(column),
        lambda inner: st.lists(inner, max_size=4).map(lambda some: group(*some)),
        max_leaves=8,
    ),
    st.data(),
)
def test_moving_keeps_every_condition(condition: dict[str, Any], data: st.DataObject) -> None:
    whole = {"where": group(condition, column("last"))}
    before = copy.deepcopy(whole)
    places = list(pointers(whole["where"], "/where"))
    moved = data.draw(st.sampled_from(places))
    target = data.draw(st.sampled_from(["/where", *(each for each in places if kind_of(whole, each) == "group")]))
    try:
        after = edits.move(whole, moved, target, data.draw(st.integers(0, 5)))
    except BadEdit:
        assert (target + "/").startswith(moved + "/")
        return
    assert whole == before
    assert sorted(leaves(after["where"])) == sorted(leaves(before["where"]))
    assert edits.count(after) == edits.count(before)


def pointers(found: dict[str, Any], at: str) -> list[str]:
    own = [f"{at}/conditions/{place}" for place in range(len(found["conditions"]))]
    inner = [pointers(each, own[place]) for place, each in enumerate(found["conditions"]) if each["type"] == "group"]
    return [*own, *(each for one in inner for each in one)]


def kind_of(whole: dict[str, Any], pointer: str) -> str:
    return str(edits.value_at(whole, pointer)["type"])


def leaves(found: dict[str, Any]) -> list[str]:
    if found["type"] != "group":
        return [found["field"]["column"]]
    return [leaf for each in found["conditions"] for leaf in leaves(each)]
