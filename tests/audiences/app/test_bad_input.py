"""What goes wrong around the people who build audiences is said to them where they are, and no page breaks of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils.html import escape

from audiences.calculating import work
from audiences.models import Audience, Calculation, Relationship, SchemaModel, ValueList
from connectors.models import Source
from tests.audiences.app.acting import NORTH, Person, audience, where
from tests.audiences.app.shop import change, orders, parent, warehouse
from tests.world import Place, World
from workspaces.scoping import workspace_scope

MANY = 100_000
SCRIPTS = ("עברית ולקוחות", "عملاء أوفياء", "忠実な客", "ลูกค้า", "👩‍👩‍👧 \u202eevil", "<b>&amp;'\"", "Ä" * 200)


@pytest.fixture
def place(world: World) -> Iterator[Place]:
    with workspace_scope(world.acme.workspace.pk):
        yield world.acme


@pytest.fixture
def source(place: Place) -> Source:
    return warehouse(place)


@pytest.fixture
def customers(place: Place, source: Source) -> SchemaModel:
    return parent(place, source)


def page_of(place: Place) -> Client:
    client = Client()
    client.force_login(place.owner)
    return client


def counted(place: Place, person: Person, audience: Audience) -> str:
    """Press “Calculate size”, let a worker count, and look again."""
    path = f"/{place.slug}/studio/parents/{audience.parent_model_id}/calculate"
    person.client.post(path, {"audience": audience.pk})
    asked = Calculation.objects.latest("pk")
    work(asked.pk)
    return person.client.get(f"/{place.slug}/studio/calculations/{asked.pk}").content.decode()


def test_columns_that_vanish_or_change_their_type_are_told_where_they_are_used(
    place: Place, source: Source, customers: SchemaModel
) -> None:
    made = audience(place, customers)
    builder = f"audiences/{made.pk}/definition"
    change(source, "ALTER TABLE customers DROP COLUMN region")
    unaware = counted(place, Person(place, builder), made)
    assert "The count failed" in unaware
    assert "region" in unaware

    model = f"/{place.slug}/studio/schema/{customers.pk}"
    page_of(place).post(f"{model}/do/refresh")
    gone = Person(place, builder)
    assert "There is no column “region” in Customers any more." in gone.html
    assert "1 to finish" in gone.html

    change(source, "ALTER TABLE customers ADD COLUMN region INTEGER DEFAULT 7")
    page_of(place).post(f"{model}/do/refresh")
    changed = Person(place, builder)
    assert "“region” is a number, and “north” is not." in changed.html
    refused = changed.press("save")
    assert refused.status_code == 422
    changed.type(**{"list:/where/conditions/0/test/operand/values": "7"})
    changed.press("save")
    made.refresh_from_db()
    assert made.definition["where"]["conditions"][0]["test"]["operand"]["values"] == [7]
    assert '<b class="audience-count">4</b>' in counted(place, Person(place, builder), made)


def test_relationships_that_lead_back_are_refused_at_their_form(place: Place, customers: SchemaModel) -> None:
    orders(place, customers)
    [back] = Relationship.objects.all()
    base, client = f"/{place.slug}/studio/schema/{customers.pk}/relationships", page_of(place)
    keys = {"tie-mine_0": "id", "tie-theirs_0": "id"}
    itself = client.post(f"{base}/new", {"tie-other": customers.pk, "tie-cardinality": "one_to_one", **keys})
    assert itself.status_code == 422
    assert "field-error" in itself.content.decode()
    there_and_back = client.post(f"{base}/through", {"path": f"{back.pk}-{back.pk}", "label": "Round and round"})
    assert there_and_back.status_code == 422
    assert Relationship.objects.count() == 1
    person = Person(place, f"audiences/new/{customers.pk}")
    where_ = ""
    for _ in range(6):
        person.press(f"add|/where{where_}|relation")
        where_ += "/conditions/0/where"
    assert "In words" in person.html


def test_a_hundred_thousand_values_are_uploaded_used_and_counted(place: Place, customers: SchemaModel) -> None:
    values = "\n".join(["north", *(f"place {number}" for number in range(MANY - 1))])
    file = SimpleUploadedFile("places.csv", values.encode(), "text/csv")
    page_of(place).post(f"/{place.slug}/studio/lists/new", {"name": "Places", "file": file})
    listed = ValueList.objects.get()
    operand = {"kind": "list", "list": str(listed.pk)}
    made = audience(place, customers, "Listed", where({**NORTH, "test": {"operator": "equals", "operand": operand}}))
    person = Person(place, f"audiences/{made.pk}/definition")
    assert "region is one of the 100,000 in “Places”" in person.html
    assert len(person.html) < 300_000
    assert '<b class="audience-count">2</b>' in counted(place, person, made)
    pasted = person.press("", **{"list:/where/conditions/0/test/operand/values": values[:2_000_000]})
    assert pasted.status_code == 200


def test_a_name_in_any_script_goes_through_the_pages(place: Place, customers: SchemaModel) -> None:
    for name in SCRIPTS:
        person = Person(place, f"audiences/new/{customers.pk}")
        person.press("save", name=name)
        made = Audience.objects.get(name=name)
        for tab in ("", "/definition", "/experiments", "/history"):
            answer = person.client.get(f"/{place.slug}/studio/audiences/{made.pk}{tab}")
            assert answer.status_code == 200
            assert "<b>&amp;'" not in answer.content.decode()
        assert person.client.get(f"/{place.slug}/studio/audiences/{made.pk}/history/members").status_code == 200
    for page in ("audiences", f"priority-lists/new/{customers.pk}"):
        shown = person.client.get(f"/{place.slug}/studio/{page}").content.decode()
        assert all(escape(name) in shown for name in SCRIPTS)
