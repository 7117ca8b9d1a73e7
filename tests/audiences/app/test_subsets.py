"""Subsets: which rows people build from and see, what becomes of audiences, and who may change what."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from audiences import services as schema
from audiences.calculating import work
from audiences.choices import Cardinality, ModelKind
from audiences.models import Audience, SchemaModel, SubsetCategory
from audiences.services import audiences as building
from audiences.services import subsets as services
from audiences.services.explaining import view_evidence
from audiences.services.members import preview_members
from audiences.services.previews import preview_schema_model
from audiences.services.profiles import view_related
from audiences.services.restoring import restore_audience
from audiences.services.rules import create_destination_rule
from audiences.services.syncing import open_for_syncs
from audiences.syncing import asked_for
from config.errors import Conflict, Denied, Invalid
from governance.audit.actors import Actor
from governance.audit.models import AuditEntry
from syncs.configuration import Proposal
from syncs.services import create_sync
from tests.audiences.app.acting import Caller, is_, marketer, subset, where
from tests.audiences.app.shop import change, orders, parent, table, warehouse
from tests.connectors.app.connections import a_destination
from tests.world import Place, World
from workspaces import services as people
from workspaces.actors import person
from workspaces.grants import Grant
from workspaces.models import Role
from workspaces.permissions import Permission
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
def region(place: Place, customers: SchemaModel) -> SubsetCategory:
    """North and south; whoever is nowhere is in neither."""
    made = services.create_subset_category(actor=place.actor, parent=customers, name="Region")
    for name in ("north", "south"):
        services.create_subset(
            actor=place.actor, category=made, name=name.capitalize(), definition=where(is_("region", name))
        )
    return made


def require(place: Place, category: SubsetCategory, **more: Any) -> SubsetCategory:
    return services.update_subset_category(actor=place.actor, category=category, required=True, **more)


def names_in(actor: Actor, audience: Audience) -> list[str]:
    found = preview_members(
        actor=actor, parent=audience.parent_model, definition=audience.definition, audience=audience
    )
    return sorted(row[0] for row in found.rows or ())


def build(actor: Actor, customers: SchemaModel, name: str = "All", *chosen: str, definition: Any = None) -> Audience:
    ids = [subset(each).pk for each in chosen] if chosen else None
    return building.create_audience(
        actor=actor, parent=customers, name=name, definition=definition or where(), subset_ids=ids
    )


def test_subsets_are_any_of_a_category_and_all_categories(
    place: Place, customers: SchemaModel, region: SubsetCategory
) -> None:
    consent = services.create_subset_category(actor=place.actor, parent=customers, name="Consent")
    services.create_subset(
        actor=place.actor, category=consent, name="E-mail", definition=where(is_("name", "Ada", "Linus"))
    )
    both = build(place.actor, customers, "Both", "North", "South")
    assert names_in(place.actor, both) == ["Ada", "Grace", "Linus"]
    narrowed = build(place.actor, customers, "Narrowed", "North", "South", "E-mail")
    assert names_in(place.actor, narrowed) == ["Ada", "Linus"]
    counted = building.calculate_size(
        actor=place.actor, parent=customers, definition=where(is_("region", "north")), audience=narrowed
    )
    work(counted.pk)
    counted.refresh_from_db()
    assert counted.counts == {"members": 1, "total": 2, "alone": [1], "after": [1]}
    # Whoever refers to the audience means its members within its subsets.
    member = {"type": "audience", "audience": str(narrowed.pk)}
    assert names_in(place.actor, build(place.actor, customers, "In it", definition=where(member))) == ["Ada", "Linus"]


def test_people_build_from_and_see_only_what_their_roles_hold(
    world: World, place: Place, customers: SchemaModel, region: SubsetCategory
) -> None:
    everybody = build(place.actor, customers, "Everybody")
    with pytest.raises(Invalid, match="choose the one they get"):
        require(place, region)
    require(place, region, fallback=subset("South"))
    assert [row.subset.name for row in everybody.chosen.all()] == ["South"]

    north, none = person(marketer(world, customers, "North")), person(marketer(world, customers))
    with pytest.raises(Denied, match="takes a subset of “Region”"):
        build(none, customers)
    mine = build(north, customers)  # the only one is taken by itself
    assert [row.subset.name for row in mine.chosen.all()] == ["North"]
    assert names_in(north, mine) == ["Ada", "Grace"]
    with pytest.raises(Denied, match="do not hold “South”"):
        build(north, customers, "Theirs", "South")
    for forbidden in (
        lambda: names_in(none, mine),
        lambda: names_in(north, everybody),
        lambda: building.update_audience(actor=north, audience=everybody, definition=where(is_("name", "Ada"))),
        lambda: building.update_audience(actor=north, audience=everybody, subset_ids=[subset("North").pk]),
        lambda: building.clone_audience(actor=north, audience=everybody),
        lambda: building.delete_audience(actor=north, audience=everybody),
        lambda: building.calculate_size(
            actor=north, parent=customers, definition=where(), subset_ids=[subset("South").pk]
        ),
    ):
        with pytest.raises(Denied):
            forbidden()
    # A posted definition of nobody's is within what the person may see, too.
    found = preview_members(actor=north, parent=customers, definition=where(), subset_ids=[])
    assert sorted(row[0] for row in found.rows or ()) == ["Ada", "Grace"]
    with pytest.raises(Invalid, match="Choose at least one subset"):
        build(place.actor, customers, "Admins choose as well")


def test_what_somebody_else_chose_in_an_optional_category_stays(
    world: World, place: Place, customers: SchemaModel, region: SubsetCategory
) -> None:
    made = build(place.actor, customers, "Southerners", "South")
    north = person(marketer(world, customers, "North"))
    for widened in ([], [subset("North").pk], [subset("North").pk, subset("South").pk]):
        with pytest.raises(Denied, match="it stays so"):
            building.update_audience(actor=north, audience=made, subset_ids=widened)
    building.update_audience(actor=north, audience=made, definition=where(is_("name", "Linus")))
    assert [row.subset.name for row in made.chosen.all()] == ["South"]
    build(north, customers, "Without any")  # an optional category may be left out


def test_a_changed_subset_changes_every_audience_in_it(
    place: Place, customers: SchemaModel, region: SubsetCategory
) -> None:
    made = build(place.actor, customers, "Northerners", "North")
    Audience.objects.filter(pk=made.pk).update(size=2)
    services.update_subset(actor=place.actor, subset=subset("North"), definition=where(is_("name", "Ada")))
    made.refresh_from_db()
    assert made.size is None
    assert names_in(place.actor, made) == ["Ada"]
    entry = AuditEntry.objects.get(event="subset.updated")
    assert entry.after
    assert entry.after["audiences"] == 1
    with pytest.raises(Conflict, match="Northerners"):
        services.delete_subset(actor=place.actor, subset=subset("North"))
    with pytest.raises(Conflict, match="Northerners"):
        services.delete_subset_category(actor=place.actor, category=region)
    with pytest.raises(Conflict, match="is a condition of subset “Members”"):
        building.delete_audience(actor=place.actor, audience=_made_of(place, customers, region))
    building.update_audience(actor=place.actor, audience=made, subset_ids=[])
    services.delete_subset(actor=place.actor, subset=subset("North"))


def _made_of(place: Place, customers: SchemaModel, region: SubsetCategory) -> Audience:
    """An audience that a subset asks for."""
    made = build(place.actor, customers, "Asked for")
    member = {"type": "audience", "audience": str(made.pk)}
    services.create_subset(actor=place.actor, category=region, name="Members", definition=where(member))
    return made


def test_nothing_is_made_of_itself_by_way_of_a_subset(
    place: Place, customers: SchemaModel, region: SubsetCategory
) -> None:
    made = build(place.actor, customers, "Northerners", "North")
    member = where({"type": "audience", "audience": str(made.pk)})
    with pytest.raises(Invalid) as loop:
        services.update_subset(actor=place.actor, subset=subset("North"), definition=member)
    assert "would be made of itself" in loop.value.message
    assert "definition/where/conditions/0" in loop.value.fields
    services.create_subset(actor=place.actor, category=region, name="Of it", definition=member)
    with pytest.raises(Invalid, match="would be made of itself"):
        building.update_audience(actor=place.actor, audience=made, subset_ids=[subset("Of it").pk])


def test_who_may_govern(world: World, place: Place, customers: SchemaModel, region: SubsetCategory) -> None:
    editor = world.actor("editor")
    calls: list[Any] = [
        lambda: services.create_subset_category(actor=editor, parent=customers, name="Brand"),
        lambda: services.update_subset_category(actor=editor, category=region, name="Brand"),
        lambda: services.create_subset(actor=editor, category=region, name="All", definition=where()),
        lambda: services.update_subset(actor=editor, subset=subset("North"), name="Up"),
        lambda: services.delete_subset(actor=editor, subset=subset("North")),
        lambda: services.delete_subset_category(actor=editor, category=region),
    ]
    for call in calls:
        with pytest.raises(Denied):
            call()
    for wrong in ({"name": "North", "definition": where()}, {"name": " ", "definition": where()}):
        with pytest.raises(Invalid):
            services.create_subset(actor=place.actor, category=region, **wrong)  # type: ignore[arg-type]


def test_rows_of_models_are_seen_as_far_as_the_subsets_reach(
    world: World, place: Place, customers: SchemaModel, region: SubsetCategory
) -> None:
    require(place, region)
    bought = SchemaModel.objects.get(name="Orders")
    user = marketer(world, customers, "South")
    south, north = person(user), person(marketer(world, customers, "North"))

    def keys(actor: Actor, model: SchemaModel) -> list[int]:
        found = preview_schema_model(actor=actor, model=model)
        return sorted(row[0] for row in found.rows or ())

    assert (keys(south, customers), keys(north, customers), keys(place.actor, customers)) == ([3], [1, 2], [1, 2, 3, 4])
    assert (keys(south, bought), keys(north, bought)) == ([], [10, 11])
    none = person(marketer(world, customers))
    with pytest.raises(Denied):
        keys(none, bought)


def test_rows_of_another_parent_model_are_shown_within_its_own_subsets(
    world: World, place: Place, customers: SchemaModel
) -> None:
    """Somebody who looks at a customer sees the products beside them as far as the subsets of products reach."""
    change(customers.source, "INSERT INTO products VALUES (101, 1, 'Adidas')")
    products = schema.create_schema_model(
        actor=place.actor,
        source=customers.source,
        kind=ModelKind.PARENT,
        definition=table("products"),
        settings=schema.Settings(name="Products", primary_key=("product_id",)),
    )
    tie = schema.Tie(other=products, cardinality=Cardinality.ONE_TO_MANY, keys=(("id", "shop_id"),))
    way = str(schema.create_relationship(actor=place.actor, model=customers, tie=tie).pk)
    brand = services.create_subset_category(actor=place.actor, parent=products, name="Brand")
    for name in ("Nike", "Adidas"):
        services.create_subset(actor=place.actor, category=brand, name=name, definition=where(is_("brand", name)))
    require(place, brand)
    seller = person(marketer(world, customers, "Nike"))
    role = Role.objects.get(name="Marketing Nike")
    people.change_role_grants(actor=place.actor, role=role, give=[Grant(Permission.VIEW_MEMBERS, products.pk)], take=[])
    bought = where({"type": "relation", "relationship": way})

    def seen(actor: Actor) -> list[list[str]]:
        """By the profile, by what decides a condition, and by what a trait in one is calculated from."""
        test = {"operator": "greater", "operand": {"kind": "values", "values": [0]}}
        counted = where({"type": "trait", "definition": {"method": "count", "relationship": way}, "test": test})
        asked: dict[str, Any] = {"actor": actor, "parent": customers, "key": "1"}
        found = [
            next(rows for rows in view_related(**asked) if rows.model == "Products"),
            *(view_evidence(definition=each, pointer="/where/conditions/0", **asked) for each in (bought, counted)),
        ]
        return [sorted(row[2] for row in rows.rows) for rows in found]

    assert seen(place.actor) == [["Adidas", "Nike"]] * 3
    assert seen(seller) == [["Nike"]] * 3


def test_snapshots_which_no_subset_narrows_are_for_those_who_hold_all(
    world: World, place: Place, customers: SchemaModel, region: SubsetCategory
) -> None:
    require(place, region)
    made = build(place.actor, customers, "Northerners", "North")
    for names, status in ((("North",), 403), (("North", "South"), 200)):
        client = Client()
        client.force_login(marketer(world, customers, *names))
        path = f"/{place.slug}/studio/audiences/{made.pk}/history/members"
        assert client.get(path).status_code == status


def test_an_audience_is_sent_by_whoever_may_build_from_its_subsets(
    world: World, place: Place, customers: SchemaModel, region: SubsetCategory
) -> None:
    require(place, region)
    mailer = a_destination(place)
    made = build(place.actor, customers, "Southerners", "South")
    model = open_for_syncs(actor=place.actor, audience=made)
    proposal = Proposal(sync_type="requests", settings={"added": {"endpoint": "/members"}})
    senders = []
    for name in ("North", "South"):
        user = marketer(world, customers, name)
        role = Role.objects.get(holders__group__members__member__user=user)
        both = (Permission.DRAFT_TO_DESTINATION, Permission.APPROVE_TO_DESTINATION)
        people.change_role_grants(actor=place.actor, role=role, give=[Grant(right, mailer.pk) for right in both])
        senders.append(person(user))
    with pytest.raises(Denied, match="which your roles do not hold"):
        create_sync(actor=senders[0], model=model, destination=mailer, proposal=proposal)
    with pytest.raises(Denied, match="which your roles do not hold"):
        open_for_syncs(actor=senders[0], audience=made)
    sync = create_sync(actor=senders[1], model=model, destination=mailer, proposal=proposal)
    create_destination_rule(
        actor=place.actor, parent=customers, destination=mailer, name="Nobody", definition=where(is_("name", "-"))
    )
    sent = asked_for(sync, ["id"], timezone.now()).sql
    assert "south" in sent
    assert "'-'" in sent


def test_subsets_over_the_api(world: World, place: Place, customers: SchemaModel) -> None:
    call = Caller(place)
    category = call("POST", "subset-categories", {"parentModelId": customers.pk, "name": "Region"})
    made = {}
    for name in ("north", "south"):
        body = {"categoryId": category["id"], "name": name, "definition": where(is_("region", name))}
        made[name] = call("POST", "subsets", body)["id"]
    wrong = {"categoryId": category["id"], "name": "far", "definition": where(is_("shoes", 4))}
    assert "definition/where/conditions/0" in str(call("POST", "subsets", wrong, status=422))
    audience = call(
        "POST", "audiences", {"parentModelId": customers.pk, "name": "All", "definition": where(), "subsetIds": []}
    )
    assert audience["subsetIds"] == []
    call("PATCH", f"subset-categories/{category['id']}", {"required": True}, status=422)
    changed = call(
        "PATCH", f"subset-categories/{category['id']}", {"required": True, "fallbackSubsetId": made["north"]}
    )
    assert (changed["required"], [each["id"] for each in changed["subsets"]]) == (True, list(made.values()))
    assert call("GET", f"audiences/{audience['id']}")["subsetIds"] == [made["north"]]
    call("PATCH", f"audiences/{audience['id']}", {"subsetIds": []}, status=422)
    both = call("PATCH", f"audiences/{audience['id']}", {"subsetIds": list(made.values())})
    assert both["subsetIds"] == list(made.values())
    renamed = call("PATCH", f"subsets/{made['south']}", {"name": "South"})
    assert (renamed["name"], renamed["audiences"]) == ("South", 1)
    call("DELETE", f"subsets/{made['south']}", status=409)
    assert [row["name"] for row in call("GET", f"subsets?categoryId={category['id']}")["data"]] == ["north", "South"]
    call("DELETE", f"audiences/{audience['id']}", status=204)
    call("DELETE", f"subset-categories/{category['id']}", status=204)
    assert call("GET", "subset-categories")["data"] == []


def test_an_audience_goes_back_to_an_earlier_version(
    place: Place, world: World, customers: SchemaModel, region: SubsetCategory
) -> None:
    north = [subset("North").pk]
    made = building.create_audience(
        actor=place.actor, parent=customers, name="Ada", definition=where(is_("name", "Ada")), subset_ids=north
    )
    building.update_audience(
        actor=place.actor, audience=made, definition=where(is_("name", "Bob")), subset_ids=[], name="Bob"
    )
    client = Client()
    client.force_login(place.owner)
    page = f"/acme/studio/audiences/{made.pk}/versions"
    assert "Conditions, Subsets" in client.get(page).content.decode()
    call = Caller(place)
    now, then = call("GET", f"audiences/{made.pk}/versions")["data"]
    assert (now["current"], then["current"], now["changed"]) == (True, False, ["Conditions", "Subsets"])
    shown = call("GET", f"audiences/{made.pk}/versions/{then['id']}")
    assert shown["differences"][0]["version"] == "Customers where name is “Ada”."
    assert shown["differences"][2] == {"part": "Subsets", "live": "", "version": "Region: North"}
    outsider = marketer(world, customers, "South")
    with pytest.raises(Denied, match="do not hold “North”"):
        restore_audience(actor=person(outsider), audience=made, version=int(then["id"]))
    path = f"{page}/{then['id']}"
    call("PATCH", f"subsets/{north[0]}", {"name": "Northern"})
    assert "Region: Northern" in client.get(path).content.decode(), "by the name that it has now"
    late = client.post(path, {"version": "0" * 16}).content.decode()
    assert "Somebody else saved “Bob” while you worked on it." in late
    restored = call("POST", f"audiences/{made.pk}/versions/{then['id']}")
    assert (restored["name"], restored["subsetIds"]) == ("Bob", [str(north[0])])
    entry = AuditEntry.objects.get(event="audience.restored")
    assert entry.after is not None
    assert (entry.after["audit_entry"], entry.after["subsets"]) == (
        int(then["id"]),
        {str(north[0]): "Region: Northern"},
    )
    back = client.post(f"{page}/{now['id']}").headers["Location"]
    assert back.endswith("/definition")
    assert "Bob" in str(Audience.objects.get(pk=made.pk).definition)
    call("POST", f"audiences/{made.pk}/versions/{then['id']}")
    again = call("POST", f"audiences/{made.pk}/versions/{then['id']}", status=422)
    assert again["code"] == "nothing_changed"

    assert client.post(f"{page}/{now['id']}").status_code == 302
    services.delete_subset(actor=place.actor, subset=subset("Northern"))
    refused = client.post(f"{page}/{then['id']}")
    assert refused.status_code == 422
    assert "not there any more: “Region: North”" in refused.content.decode()
    assert not names_of(Audience.objects.get(pk=made.pk))


def names_of(audience: Audience) -> list[str]:
    return [row.subset.name for row in audience.chosen.all()]
