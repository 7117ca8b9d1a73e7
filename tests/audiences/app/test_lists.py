"""Uploaded lists of values: pasted, uploaded and refused, compared with, and kept while something uses them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from audiences.calculating import work
from audiences.models import Audience, SchemaModel, ValueList
from audiences.services import audiences as studio
from audiences.services import lists as services
from audiences.uploads import MOST, values_of_file, values_of_text
from config.errors import Conflict, Invalid
from governance.audit.models import AuditEntry
from tests.audiences.app.acting import NORTH, Caller, Person, where
from tests.audiences.app.shop import parent, warehouse
from tests.world import Place, World
from workspaces.scoping import workspace_scope


@pytest.fixture
def place(world: World) -> Iterator[Place]:
    with workspace_scope(world.acme.workspace.pk):
        yield world.acme


@pytest.fixture
def customers(place: Place) -> SchemaModel:
    return parent(place, warehouse(place))


def listed(value_list: ValueList, field: str = "region", operator: str = "equals") -> dict[str, Any]:
    operand = {"kind": "list", "list": str(value_list.pk)}
    return {**NORTH, "field": {"column": field}, "test": {"operator": operator, "operand": operand}}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("a\nb\r\n\n a ", ["a", "b"]),
        ('flight, hotel,"Paris, France"', ["flight", "hotel", "Paris, France"]),
        ("1;2;3", ["1", "2", "3"]),
        ("x\ty", ["x", "y"]),
    ],
)
def test_values_are_read_however_they_are_written(written: str, read: list[str]) -> None:
    assert values_of_text(written) == read
    assert values_of_file(b"\xef\xbb\xbf" + written.encode()) == read


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xff\xfe\x00a", "not a text file in UTF-8"),
        (b" \n, ,", "no value in it"),
        (b"a\x00b", "holds characters that no text has"),
        (b"x" * 1001, "1,000 characters at most"),
        ("\n".join(map(str, range(MOST + 1))).encode(), "100,000 different values at most"),
    ],
)
def test_what_is_no_list_of_values_is_refused_in_words(content: bytes, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        values_of_file(content)


def test_a_list_is_uploaded_replaced_and_used_in_a_condition(place: Place, customers: SchemaModel) -> None:
    person = Person(place, "lists/new")
    empty = person.client.post(person.path, {"name": "Regions"})
    assert (empty.status_code, b"Choose a file, or paste" in empty.content) == (422, True)
    file = SimpleUploadedFile("regions.csv", b"north,east", "text/csv")
    person.client.post(person.path, {"name": "Regions", "file": file})
    made = ValueList.objects.get()
    assert made.values == ["north", "east"]

    builder = Person(place, f"audiences/new/{customers.pk}")
    builder.press("add|/where|property")
    builder.type(**{"json:/where/conditions/0/field": '{"column":"region","via":[]}'})
    builder.type(**{"text:/where/conditions/0/test/operand/kind": "list"})
    assert "region is one of the 2 in “Regions”" in builder.html
    builder.press("save", name="Listed")
    audience = Audience.objects.get()

    def members() -> int:
        counted = studio.calculate_size(actor=place.actor, parent=customers, definition=audience.definition)
        work(counted.pk)
        counted.refresh_from_db()
        return int(counted.counts["members"])

    assert members() == 2
    page = Person(place, f"lists/{made.pk}")
    assert "north, east" in page.html
    page.client.post(page.path, {"name": "Regions", "values": "south"})
    assert members() == 1
    entry = AuditEntry.objects.get(event="value_list.updated")
    assert "south" not in str(entry.after)
    with pytest.raises(Conflict, match="used by audience “Listed”"):
        services.delete_list(actor=place.actor, value_list=made)
    studio.update_audience(actor=place.actor, audience=audience, definition=where())
    page.client.post(f"{page.path}/delete")
    assert not ValueList.objects.exists()


def test_many_numbers_are_compared_with(place: Place, customers: SchemaModel) -> None:
    many = services.create_list(actor=place.actor, name="Ids", values=[str(each) for each in range(2, 5000)])
    definition = where(listed(many, "id"))
    counted = studio.calculate_size(actor=place.actor, parent=customers, definition=definition)
    work(counted.pk)
    counted.refresh_from_db()
    assert counted.counts["members"] == 3
    wrong = services.create_list(actor=place.actor, name="Words", values=["one", "two"])
    with pytest.raises(Invalid, match="is a number"):
        studio.calculate_size(actor=place.actor, parent=customers, definition=where(listed(wrong, "id")))


def test_programs_keep_lists_and_readers_see_no_values(world: World, place: Place, customers: SchemaModel) -> None:
    call = Caller(place)
    made = call("POST", "value-lists", {"name": "Codes", "values": ["A", "A", " B "]})
    assert made["size"] == 2
    assert call("PATCH", f"value-lists/{made['id']}", {"values": ["C"]})["size"] == 1
    assert [each["name"] for each in call("GET", "value-lists")["data"]] == ["Codes"]
    reader = Person(place, f"lists/{made['id']}", world.people["viewer"])
    assert "Codes" in reader.html
    assert "The first values" not in reader.html
    assert reader.client.post(reader.path, {"name": "Mine"}).status_code == 403
    call("DELETE", f"value-lists/{made['id']}", status=204)
