"""The pages of the schema, as the people who use them meet them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import reverse

from audiences import looking
from audiences.models import Relationship, SchemaModel
from connectors.models import Source
from tests.audiences.app.shop import orders, parent, warehouse
from tests.world import Place, World
from workspaces.scoping import workspace_scope

SEPARATOR = "\x1f"


@pytest.fixture
def place(world: World) -> Iterator[Place]:
    with workspace_scope(world.acme.workspace.pk):
        yield world.acme


@pytest.fixture
def source(place: Place) -> Source:
    return warehouse(place)


@pytest.fixture
def admin(world: World) -> Client:
    return signed_in(world, "admin")


def signed_in(world: World, name: str) -> Client:
    client = Client()
    client.force_login(world[name])
    return client


def at(place: Place, name: str, *args: object, query: str = "") -> str:
    return reverse(f"audiences:{name}", args=[place.slug, *args]) + query


def test_an_empty_schema_teaches_and_a_wizard_fills_it(place: Place, source: Source, admin: Client) -> None:
    assert "Begin with one parent model" in admin.get(at(place, "schema")).content.decode()
    address = at(place, "schema_define", source.pk)
    chosen = {"table": f"main{SEPARATOR}customers"}
    seen = admin.post(address, {**chosen, "action": "preview", "preview_options": "1", "limited": "1"})
    text = seen.content.decode()
    assert "ada@shop.test" in text
    assert 'value="Customers"' in text, "the table's name is the first guess"
    wrong = admin.post(address, {**chosen, "action": "save", "name": "Customers", "primary_key": ""})
    assert (wrong.status_code, SchemaModel.objects.count()) == (422, 0)
    made = admin.post(address, {**chosen, "action": "save", "name": "Customers", "primary_key": "id"})
    model = SchemaModel.objects.get()
    assert made["Location"] == at(place, "schema_model", model.pk)
    page = admin.get(at(place, "schema")).content.decode()
    assert "Customers" in page
    assert f"?kind=event&amp;beside={model.pk}" in page


def test_an_event_is_added_beside_its_parent(place: Place, source: Source, admin: Client) -> None:
    customers = parent(place, source)
    address = at(place, "schema_define", source.pk, query=f"?kind=event&beside={customers.pk}")
    sent = {"table": f"main{SEPARATOR}orders", "name": "Orders", "primary_key": "order_id", "timestamp": "ordered_at"}
    tie = {"tie-other": customers.pk, "tie-cardinality": "one_to_many", "tie-mine_0": "customer_id"}
    half = admin.post(address, {**sent, **tie, "event_type": "purchase", "action": "save"})
    assert half.status_code == 422
    assert "Choose a column on both sides" in half.content.decode()
    admin.post(address, {**sent, **tie, "tie-theirs_0": "id", "event_type": "purchase", "action": "save"})
    made = Relationship.objects.get()
    assert (made.from_model.name, made.to_model.name, made.cardinality) == ("Orders", "Customers", "many_to_one")
    assert made.keys == [["customer_id", "id"]]


def test_columns_are_decided_one_by_one_and_many_at_once(place: Place, source: Source, admin: Client) -> None:
    model = parent(place, source)
    address = at(place, "schema_model", model.pk)
    admin.post(address, {"column": "region", "alias": "Part of the country", "enabled": ["0", "1"], "suggest": "0"})
    region = model.columns.get(name="region")
    assert (region.alias, region.enabled, region.suggest) == ("Part of the country", True, False)
    admin.post(address, {"do": "privacy:redacted", "selected": ["email", "name"]})
    assert set(model.columns.filter(privacy="redacted").values_list("name", flat=True)) == {"email", "name"}
    refused = admin.post(address, {"do": "off", "selected": ["id"]}, follow=True)
    assert "cannot be switched off" in refused.content.decode()


def test_a_relationship_is_edited_from_either_side(place: Place, source: Source, admin: Client) -> None:
    customers = parent(place, source)
    ordered = orders(place, customers)
    tie = ordered.relationships.get()
    assert (
        "<code>id</code> = <code>customer_id</code>"
        in admin.get(at(place, "schema_relationships", customers.pk)).content.decode()
    )
    address = at(place, "relationship", ordered.pk, tie.pk)
    sent = {
        "tie-other": customers.pk,
        "tie-cardinality": "many_to_one",
        "tie-mine_0": "customer_id",
        "tie-theirs_0": "id",
        "tie-merge": "on",
        "tie-merged": ["region"],
        "tie-label": "Buys",
    }
    admin.post(address, sent)
    tie.refresh_from_db()
    assert (tie.merged, tie.name) == (["region"], "Buys")
    foreign = at(place, "relationship", customers.pk, 10**6)
    assert admin.get(foreign).status_code == 404


def test_a_model_is_found_renamed_archived_and_deleted(place: Place, source: Source, admin: Client) -> None:
    model = parent(place, source)
    admin.post(at(place, "schema_rename", model.pk), {"name": "People"})
    assert "People" in admin.get(at(place, "schema", query="?q=peop")).content.decode()
    admin.post(at(place, "schema_action", model.pk, "archive"))
    assert "No model matches" not in admin.get(at(place, "schema", query="?shown=archived")).content.decode()
    admin.post(at(place, "schema_delete", model.pk), {"confirm_name": "Something"})
    assert SchemaModel.objects.exists()
    admin.post(at(place, "schema_delete", model.pk), {"confirm_name": "People"})
    assert not SchemaModel.objects.exists()


def test_marketers_read_the_schema_and_are_told_who_changes_it(world: World, place: Place, source: Source) -> None:
    viewer = signed_in(world, "viewer")
    assert "Ask somebody who may configure the schema" in viewer.get(at(place, "schema")).content.decode()
    model = parent(place, source)
    page = viewer.get(at(place, "schema_model", model.pk)).content.decode()
    assert "region" in page
    assert 'name="alias"' not in page
    for name, args in (("schema_define", (source.pk,)), ("schema_edit", (model.pk,))):
        assert viewer.get(at(place, name, *args)).status_code == 403
    assert viewer.post(at(place, "schema_model", model.pk), {"column": "region", "alias": "x"}).status_code == 403
    looking.work(model.pk)
    values = at(place, "schema_values", model.pk, model.columns.get(name="region").pk)
    assert "You may not see these values" in viewer.get(values).content.decode()
    assert "north" in signed_in(world, "drafter").get(values).content.decode(), "who builds audiences chooses from them"
    hidden = viewer.get(at(place, "schema_rows", model.pk)).content.decode()
    assert "You may not see rows of this model" in hidden


def test_the_configuration_keeps_what_it_cannot_store(place: Place, source: Source, admin: Client) -> None:
    model = parent(place, source)
    address = at(place, "schema_configuration", model.pk)
    sent = {
        "name": "Customers",
        "primary_key": "email",
        "primary_label": "name",
        "look_every": "day",
        "entity": "people",
    }
    admin.post(address, sent)
    model.refresh_from_db()
    assert (model.primary_key, model.look_every, model.entity) == (["email"], "day", "people")
    assert admin.post(address, {**sent, "primary_key": "nothing"}).status_code == 422
    admin.post(at(place, "schema_labels", model.pk), {"labels": "team=crm\r\n\r\nregion=eu"})
    model.refresh_from_db()
    assert model.labels == {"region": "eu", "team": "crm"}
