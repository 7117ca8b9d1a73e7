"""The lines of a mapping: what each offers, and that a long list of fields is there once and not on every line."""

from __future__ import annotations

import pytest

from connectors.sdk.destination import DestinationField, Shape
from connectors.sdk.types import ColumnType
from syncs.forms.mapping import LONG_LIST, Offer, field_words, lines_of

FIELDS = [DestinationField(name=f"f{n}", type=ColumnType.NUMBER) for n in range(2_000)]


@pytest.mark.parametrize(("fields", "custom"), [(FIELDS, False), (FIELDS[:3], True)])
def test_all_lines_search_in_one_list(fields: list[DestinationField], custom: bool) -> None:
    offer = Offer(columns={"age": "number"}, fields=fields, custom=custom)
    lines = lines_of(None, [{"to": f"f{n}", "kind": "column", "column": "age"} for n in range(3)], offer)
    shown = [str(line["to"]) for line in lines.forms]
    assert all('list="mapping-fields"' in line and len(line) < 400 for line in shown)
    assert ("data-combobox-free" in shown[0]) is custom
    assert [words for _, words in offer.listed][:2] == ["f0 · number", "f1 · number"]


def test_a_short_list_is_a_select_that_says_what_is_put_together_for_a_field() -> None:
    tags = DestinationField(name="tags", type=ColumnType.OBJECT, shape=Shape.VALUES)
    fields = [
        DestinationField(name="profile", type=ColumnType.OBJECT),
        DestinationField(name="lines", type=ColumnType.OBJECT, shape=Shape.ARRAY),
        tags,
    ]
    shown = str(lines_of(None, [], Offer(fields=fields, custom=False)).forms[0]["to"])
    assert '<option value="profile" data-type="object" data-nests="object">' in shown
    assert '<option value="lines" data-type="object" data-nests="array">' in shown
    assert '<option value="tags" data-type="object">' in shown
    assert field_words(tags) == "tags · list"
    assert len(fields) < LONG_LIST
