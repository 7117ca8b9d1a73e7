"""Destination rules: written by who may configure the schema, held to by whatever is sent, shown before it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from audiences.calculating import work
from audiences.models import Audience, Calculation, SchemaModel
from audiences.query.conditions import Definition
from audiences.selectors.rules import rules_for
from audiences.services import audiences as building
from audiences.services import rules as services
from audiences.services.members import preview_members
from config.errors import Denied, Invalid
from connectors.models import Destination
from governance.audit.models import AuditEntry
from tests.audiences.app.acting import Caller, is_, where
from tests.audiences.app.shop import orders, parent, warehouse
from tests.connectors.app.connections import a_destination
from tests.world import Place, World
from workspaces.scoping import workspace_scope


@pytest.fixture
def place(world: World) -> Iterator[Place]:
    with workspace_scope(world.acme.workspace.pk):
        yield world.acme


@pytest.fixture
def customers(place: Place) -> SchemaModel:
    made = parent(place, warehouse(place))
    orders(place, made)
    return made


@pytest.fixture
def mailer(place: Place) -> Destination:
    return a_destination(place)


def rule(place: Place, customers: SchemaModel, mailer: Destination, name: str, *conditions: Any) -> Any:
    return services.create_destination_rule(
        actor=place.actor, parent=customers, destination=mailer, name=name, definition=where(*conditions)
    )


def test_rules_that_are_on_hold_for_a_parent_model_and_a_destination(
    place: Place, customers: SchemaModel, mailer: Destination
) -> None:
    assert rules_for(customers.pk, mailer.pk) == ()
    north = rule(place, customers, mailer, "North only", is_("region", "north"))
    rule(place, customers, mailer, "Linus never", is_("name", "Ada", "Grace"))
    held = rules_for(customers.pk, mailer.pk)
    assert len(held) == 2
    assert all(isinstance(each, Definition) for each in held)
    services.update_destination_rule(actor=place.actor, rule=north, enabled=False)
    assert len(rules_for(customers.pk, mailer.pk)) == 1
    services.delete_destination_rule(actor=place.actor, rule=north)
    told = list(
        AuditEntry.objects.filter(event__startswith="destination_rule.").order_by("pk").values_list("event", flat=True)
    )
    assert told == ["destination_rule.created"] * 2 + ["destination_rule.updated", "destination_rule.deleted"]


def test_rules_are_whole_and_belong_to_who_configures_the_schema(
    world: World, place: Place, customers: SchemaModel, mailer: Destination
) -> None:
    with pytest.raises(Invalid) as unknown:
        rule(place, customers, mailer, "Nothing", is_("shoe_size", 4))
    assert any(place.startswith("definition/where/conditions/0") for place in unknown.value.fields)
    with pytest.raises(Invalid, match="no limit"):
        services.create_destination_rule(
            actor=place.actor,
            parent=customers,
            destination=mailer,
            name="Ten",
            definition={**where(), "limit": {"count": 10, "by": {"column": "id"}}},
        )
    with pytest.raises(Denied):
        services.create_destination_rule(
            actor=world.actor("editor"), parent=customers, destination=mailer, name="Mine", definition=where()
        )
    made = rule(place, customers, mailer, "North only", is_("region", "north"))
    with pytest.raises(Denied):
        services.update_destination_rule(actor=world.actor("drafter"), rule=made, enabled=False)
    with pytest.raises(Invalid, match="already has a rule"):
        rule(place, customers, mailer, "North only")


def test_a_count_says_whom_each_rule_lets_through_and_changes_no_audience(
    place: Place, customers: SchemaModel, mailer: Destination
) -> None:
    made = building.create_audience(actor=place.actor, parent=customers, name="All", definition=where())
    consent = building.create_audience(
        actor=place.actor, parent=customers, name="Consented", definition=where(is_("name", "Linus", "Ada"))
    )
    rule(place, customers, mailer, "Consent", {"type": "audience", "audience": str(consent.pk)})
    rule(place, customers, mailer, "North only", is_("region", "north"))
    counted = building.calculate_size(
        actor=place.actor, parent=customers, definition=made.definition, audience=made, destination=mailer
    )
    work(counted.pk)
    counted.refresh_from_db()
    assert (counted.error_message, counted.counts["members"], counted.counts["sent"]) == ("", 4, 1)
    assert {each["name"]: each["sent"] for each in counted.counts["rules"]} == {"Consent": 3, "North only": 2}
    assert Audience.objects.get(pk=made.pk).size == 4

    def names(audience: Audience) -> list[str]:
        found = preview_members(
            actor=place.actor, parent=customers, definition=audience.definition, audience=audience, destination=mailer
        )
        assert found.rows is not None
        return sorted(row[0] for row in found.rows)

    assert names(made) == ["Ada"]
    # A rule may ask for members of the very audience that is sent.
    assert names(consent) == ["Ada"]


def test_rules_over_the_api(place: Place, customers: SchemaModel, mailer: Destination) -> None:
    call = Caller(place)
    body = {"parentModelId": customers.pk, "destinationId": mailer.pk, "name": "North only"}
    refused = call("POST", "destination-rules", {**body, "definition": where(is_("shoes", 4))}, status=422)
    assert "definition/where/conditions/0" in str(refused)
    made = call("POST", "destination-rules", {**body, "definition": where(is_("region", "north"))})
    everybody = {"parentModelId": customers.pk, "name": "All", "definition": where()}
    audience = call("POST", "audiences", everybody)
    size = f"audiences/{audience['id']}/size"
    call("POST", size, {"destinationId": int(made["destinationId"])})
    work(Calculation.objects.get().pk)
    found = call("GET", size)
    assert (found["members"], found["sent"], found["rules"]) == (4, 2, [{"name": "North only", "sent": 2}])
    changed = call("PATCH", f"destination-rules/{made['id']}", {"enabled": False})
    assert changed["enabled"] is False
    assert rules_for(customers.pk, mailer.pk) == ()
    assert [row["id"] for row in call("GET", f"destination-rules?destinationId={mailer.pk}")["data"]] == [made["id"]]
    call("DELETE", f"destination-rules/{made['id']}", status=204)
    call("GET", f"destination-rules/{made['id']}", status=404)
