"""Templates of audiences: made with blanks, filled in, combined, and left behind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from audiences.models import Audience, AudienceTemplate, SchemaModel
from audiences.services import templates as services
from audiences.services.audiences import clone_audience
from config.errors import Conflict
from governance.audit.models import AuditEntry
from tests.audiences.app.acting import NORTH, Caller, Person, audience, is_, where
from tests.audiences.app.shop import orders, parent, warehouse
from tests.world import Place, World
from workspaces.scoping import workspace_scope

BLANK = {**NORTH, "test": {"operator": "equals", "operand": {"kind": "blank", "label": "Which region"}}}
NAMED = {**NORTH, "field": {"column": "name"}, "test": {"operator": "exists"}}


@pytest.fixture
def place(world: World) -> Iterator[Place]:
    with workspace_scope(world.acme.workspace.pk):
        yield world.acme


@pytest.fixture
def customers(place: Place) -> SchemaModel:
    made = parent(place, warehouse(place))
    orders(place, made)
    return made


def template(place: Place, customers: SchemaModel, *conditions: Any, name: str = "Regional") -> AudienceTemplate:
    return services.create_template(
        actor=place.actor, parent=customers, name=name, definition=where(*conditions or (BLANK,))
    )


def test_what_nobody_filled_in_is_left_blank_in_a_template(place: Place, customers: SchemaModel) -> None:
    person = Person(place, f"templates/new/{customers.pk}")
    person.press("add|/where|property")
    person.type(**{"json:/where/conditions/0/field": '{"column":"region","via":[]}'})
    person.type(**{"text:/where/conditions/0/test/operand/label": "Which region"})
    assert "region is [Which region]" in person.html
    assert "Calculate size" not in person.html
    person.press("add|/where|property")
    person.type(**{"list:/where/conditions/1/test/operand/values": "3"})
    person.press("save", name="Regional", description="One region")
    made = AudienceTemplate.objects.get()
    assert made.blank_count == 1
    assert [each["test"]["operand"]["kind"] for each in made.definition["where"]["conditions"]] == ["blank", "values"]
    page = Person(place, "templates").html
    assert "Regional" in page
    assert "Which region" in Person(place, f"templates/{made.pk}").html
    person = Person(place, f"templates/{made.pk}")
    person.press("save", name="Of a region", description="")
    made.refresh_from_db()
    assert made.name == "Of a region"
    person.client.post(f"{person.path}/delete")
    assert not AudienceTemplate.objects.exists()


def test_an_audience_begins_with_templates_whose_blanks_must_be_filled(place: Place, customers: SchemaModel) -> None:
    regional, named = template(place, customers), template(place, customers, NAMED, name="Named")
    person = Person(place, f"audiences/new/{customers.pk}")
    assert "Start with a template" in person.html
    person.press(f"template|{regional.pk}")
    assert "has a blank that is not filled in (Which region)" in person.html
    assert person.press("save", name="Unfinished").status_code == 422
    person.type(**{"list:/where/conditions/0/test/operand/values": "north"})
    person.press(f"template|{named.pk}")
    assert "region is “north” and name has a value" in person.html
    person.press("save", name="North with a name")
    assert len(Audience.objects.get().definition["where"]["conditions"]) == 2

    saved = Person(place, f"audiences/{Audience.objects.get().pk}/definition")
    saved.press(f"template|{regional.pk}")
    assert "Discard changes" in saved.html
    begun = Person(place, f"audiences/new/{customers.pk}?template={regional.pk}")
    assert "Which region" in begun.html
    assert begun.client.get(f"{begun.path.partition('?')[0]}?template=99999").status_code == 404


def test_an_audience_is_saved_as_a_template(world: World, place: Place, customers: SchemaModel) -> None:
    made = audience(place, customers)
    path = f"templates/new/{customers.pk}?audience={made.pk}"
    assert path in Person(place, f"audiences/{made.pk}").html
    person = Person(place, path)
    assert 'value="North"' in person.html
    person.press("save", name="North", description="")
    assert AudienceTemplate.objects.get().definition == made.definition
    reader = Person(place, f"templates/{AudienceTemplate.objects.get().pk}", world.people["viewer"])
    assert "Save template" not in reader.html
    assert reader.press("save", name="Mine").status_code == 403


def test_programs_keep_templates_and_make_audiences_of_them(place: Place, customers: SchemaModel) -> None:
    call = Caller(place)
    body = {"parentModelId": customers.pk, "name": "Regional", "definition": where(BLANK)}
    made = call("POST", "audience-templates", body)
    assert made["blanks"] == [{"pointer": "/where/conditions/0/test/operand", "label": "Which region"}]
    new: dict[str, Any] = {"parentModelId": customers.pk, "name": "North", "templateIds": [int(made["id"])]}
    refused = call("POST", "audiences", new, status=422)
    assert "blank that is not filled in" in str(refused)
    new["blanks"] = {"Which region": {"kind": "values", "values": ["north"]}}
    new["definition"] = where(NAMED, NAMED, match="any")
    found = call("POST", "audiences", new)["definition"]["where"]["conditions"]
    assert [each["type"] for each in found] == ["group", "property"]
    assert found[1]["test"]["operand"] == new["blanks"]["Which region"]
    call("PATCH", f"audience-templates/{made['id']}", {"name": "By region"})
    assert [each["name"] for each in call("GET", "audience-templates")["data"]] == ["By region"]
    call("DELETE", f"audience-templates/{made['id']}", status=204)
    assert Audience.objects.count() == 1


def test_new_audiences_keep_an_approved_template_where_one_is_required(
    world: World, place: Place, customers: SchemaModel
) -> None:
    free, editor = audience(place, customers, "Before"), world.people["editor"]
    consented, more = NAMED, {**NORTH, "test": {"operator": "exists"}}
    regional = template(place, customers, BLANK, consented)
    admin = Person(place, "templates", world.people["admin"])
    admin.client.post("/acme/settings/studio", {"nulls": "value", "audience_templates_required": "on"})
    person = Person(place, f"audiences/new/{customers.pk}", editor)
    assert "There is no approved template yet" in person.html
    approve = f"/acme/studio/templates/{regional.pk}/approve"
    assert person.client.post(approve).status_code == 403
    assert admin.client.post(approve).status_code == 302

    person = Person(place, f"audiences/new/{customers.pk}", editor)
    assert "Start with one of these approved templates" in person.html
    refused = person.press("save", name="Everybody")
    assert (refused.status_code, "keep what an approved template asks" in refused.content.decode()) == (409, True)
    person.press(f"template|{regional.pk}")
    person.type(**{"list:/where/conditions/0/test/operand/values": "north"})
    person.press("save", name="North, named")
    made = Audience.objects.get(name="North, named")

    call = Caller(place)
    for changed in (where(NORTH), where(NORTH, consented, match="any"), where({**NORTH, "field": {"column": "name"}})):
        assert call("PATCH", f"audiences/{made.pk}", {"definition": changed}, status=409)
    south = where(is_("region", "south"), {"type": "group", "conditions": [more, consented]})
    call("PATCH", f"audiences/{made.pk}", {"definition": south})
    call("PATCH", f"audiences/{free.pk}", {"definition": where(more)})
    with pytest.raises(Conflict, match="approved template"):
        clone_audience(actor=place.actor, audience=free)
    clone_audience(actor=place.actor, audience=made)

    call("PATCH", f"audience-templates/{regional.pk}", {"definition": where(BLANK)})
    assert call("GET", f"audience-templates/{regional.pk}")["approvedAt"] is None
    new = {"parentModelId": customers.pk, "name": "Another", "definition": south}
    assert call("POST", "audiences", new, status=409)["code"] == "audience_template_required"
    call("PUT", f"audience-templates/{regional.pk}/approval")
    call("POST", "audiences", new)
    call("DELETE", f"audience-templates/{regional.pk}/approval", status=204)
    logged = AuditEntry.objects.filter(event__startswith="audience_template.").order_by("pk")
    assert [entry.event.partition(".")[2] for entry in logged] == [
        "created",
        "approved",
        "updated",
        "approved",
        "approval_withdrawn",
    ]
