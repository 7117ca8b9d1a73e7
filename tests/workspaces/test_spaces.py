"""Spaces: who sees what is in one, on every route, in every list and count, and who does not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from django.test import Client

from tests.api.calls import Call, caller, key_of
from tests.invariants.addresses import Route, matrix_routes
from tests.invariants.conftest import built, shared_world  # noqa: F401
from tests.world import BUILDER, Place, Rows, World
from workspaces.scoping import workspace_scope

if TYPE_CHECKING:
    from syncs.models import Sync

HIDDEN = "Payroll to the bank"
HIDDEN_AUDIENCE = "Payroll people"
ABOUT_SYNCS = {"syncs:sync", "syncs:run", "syncs:preview", "syncs:sequence"}


@pytest.fixture
def world(shared_world: World) -> World:  # noqa: F811
    return shared_world


@pytest.fixture
def hidden(world: World) -> Iterator[Sync]:
    """The world's sync and its audience, moved to a space that only the drafter's group sees."""
    from audiences.services import audiences, organizing
    from syncs import services as syncs
    from workspaces import services
    from workspaces.models import UserGroup

    place = world.acme
    with workspace_scope(place.workspace.pk):
        sync = syncs.update_sync(actor=place.actor, sync=place.rows["sync"], name=HIDDEN)
        group = UserGroup.objects.get(name="Drafter group")
        space = services.update_space(actor=BUILDER, space=place.rows["space"], groups=[group])
        audience = place.rows["audience"]
        audiences.update_audience(actor=place.actor, audience=audience, name=HIDDEN_AUDIENCE)
        organizing.move_audience_to_space(actor=place.actor, audience=audience, space=space)
        yield syncs.move_sync_to_space(actor=place.actor, sync=sync, space=space)


# The world's rows that belong to the sync or to the audience.
ABOUT_HIDDEN: tuple[str, ...] = (
    "sync",
    "run",
    "preview",
    "sequence",
    "sequence_run",
    "audience",
    "audience_model",
    "calculation",
)
ABOUT_HIDDEN += ("experiment", "audience_sync", "templated_sync", "sync_template", "snapshot")


class Ghost(Place):
    """A place whose sync and audience, and what belongs to them, do not exist."""

    def __post_init__(self) -> None:
        self.rows = Rows(self)
        for name in ABOUT_HIDDEN:
            self.rows[name] = SimpleNamespace(pk=10**9)
        self.rows["enrichment"] = {"id": "nothing"}


def calling(world: World, name: str) -> Call:
    """Calls with a key that acts as this person; keys are made by admins alone."""
    from workspaces.models import ApiKey

    key = key_of(world.acme, world.owner)
    with workspace_scope(world.acme.workspace.pk):
        ApiKey.objects.filter(pk=ApiKey.objects.latest("pk").pk).update(owner=world[name])
    return caller(key)


def in_space(hidden: Sync) -> list[Sync]:
    """The syncs of the hidden sync's space: itself, and those of the audience."""
    return list(type(hidden).objects.filter(space=hidden.space_id).order_by("pk"))


def browser(world: World, name: str) -> Client:
    client = Client()
    client.force_login(world[name])
    return client


def names_a_hidden_row(route: Route) -> bool:
    """Whether the address holds the id of the sync, or of something that belongs to it."""
    if route.name in {"syncs:sync_new", "syncs:sync_configure", "syncs:mapping_value", "syncs:syncs"}:
        return False
    if route.name == "audiences:audience_define":
        return False
    if route.is_rest:
        return bool({"sync_id", "sequence_id", "sequence_run_id", "preview_id", "audience_id"} & set(route.parameters))
    about = (
        "syncs:sync_",
        "syncs:run",
        "syncs:preview",
        "syncs:sequence",
        "audiences:audience",
        "audiences:calculation",
    )
    return (route.name.startswith(about) and "pk" in (route.parameters)) or route.name == "syncs:sync"


def pages_of(place: Place) -> Iterator[str]:
    """Every page that one may open without naming anything of the sync."""
    for route in matrix_routes():
        if route.in_workspace and not names_a_hidden_row(route):
            yield route.address(place)


def test_routes_about_the_sync_are_found() -> None:
    named = {route.name for route in matrix_routes() if names_a_hidden_row(route)}
    assert named >= ABOUT_SYNCS
    assert {"api:sync", "api:sync_runs", "api:sync_trigger", "api:sequence", "api:audience"} <= named
    assert {"audiences:audience", "audiences:audience_members", "audiences:calculation"} <= named


@pytest.mark.parametrize("method", ["get", "post"])
def test_its_addresses_answer_as_if_it_did_not_exist(world: World, hidden: Sync, method: str) -> None:
    client, call, place = browser(world, "editor"), calling(world, "editor"), world.acme
    nobody = Ghost(place.workspace, place.owner)

    def status(route: Route, address: str) -> int:
        if route.is_rest:
            return int(call(method, address.removeprefix("/api/v1")).status_code)
        return int(getattr(client, method)(address).status_code)

    told = {
        route.name: statuses
        for route in filter(names_a_hidden_row, matrix_routes())
        if len(set(statuses := [status(route, route.address(place, rows)) for rows in (place, nobody)])) > 1
        or statuses[0] < 400
    }
    assert told == {}


def test_no_page_names_it_to_those_outside(world: World, hidden: Sync) -> None:
    client, told = browser(world, "editor"), []
    for address in pages_of(world.acme):
        response = client.get(address)
        body = b"" if response.streaming else response.content
        told += [address for secret in (HIDDEN, HIDDEN_AUDIENCE, hidden.slug) if secret.encode() in body]
    assert told == []


@pytest.mark.parametrize(
    ("who", "sees"), [("owner", True), ("admin", True), ("drafter", True), ("editor", False), ("viewer", False)]
)
def test_lists_counts_search_and_the_api_agree(world: World, hidden: Sync, who: str, sees: bool) -> None:
    client, call = browser(world, who), calling(world, who)
    assert client.get(f"/acme/syncs/{hidden.pk}").status_code == (200 if sees else 404)
    assert (HIDDEN in client.get("/acme/syncs").content.decode()) is sees
    assert (HIDDEN in client.get(f"/acme/destinations/{hidden.destination_id}").content.decode()) is sees
    assert (HIDDEN in client.get(f"/acme/models/{hidden.model_id}/syncs").content.decode()) is sees
    found = {group["label"] for group in client.get("/acme/palette", {"q": "Payroll"}).json()["groups"]}
    assert bool(found - {"Search"}) is sees
    ids = [str(sync.pk) for sync in in_space(hidden)] if sees else []
    assert [row["id"] for row in call("get", "/syncs").json()["data"]] == ids
    assert call("get", f"/models/{hidden.model_id}").json()["syncs"] == [str(hidden.pk)] * sees
    assert call("get", f"/destinations/{hidden.destination_id}").json()["syncs"] == ids
    assert len(call("get", "/sync-sequences").json()["data"]) == sees
    assert (HIDDEN_AUDIENCE in client.get("/acme/studio/audiences").content.decode()) is sees
    named = [row["name"] for row in call("get", "/audiences").json()["data"]]
    assert named.count(HIDDEN_AUDIENCE) == sees


def test_the_overview_counts_only_what_is_in_view(world: World, hidden: Sync) -> None:
    from syncs.selectors import overview

    seen = {name: overview(world.actor(name)) for name in ("drafter", "editor")}
    assert [found.syncs for found in seen.values()] == [len(in_space(hidden)), 0]
    assert [len(found.running) for found in seen.values()] == [1, 0]


def test_a_space_gives_no_rights(world: World, hidden: Sync) -> None:
    from config.errors import Denied
    from syncs import services as syncs

    with pytest.raises(Denied):
        syncs.delete_sync(actor=world.actor("drafter"), sync=hidden)


def test_what_depends_on_a_model_counts_though_it_is_not_named(world: World, hidden: Sync) -> None:
    from config.errors import Conflict
    from syncs import services as syncs

    with pytest.raises(Conflict, match="a sync in a space that you do not see") as refused:
        syncs.delete_model(actor=world.actor("editor"), model=hidden.model)
    assert HIDDEN not in str(refused.value)


def test_a_sync_moves_only_to_spaces_that_the_person_sees(world: World, hidden: Sync) -> None:
    from config.errors import NotFound
    from syncs import services as syncs
    from workspaces import services

    other = services.create_space(actor=BUILDER, workspace=world.acme.workspace, name="Brand")
    back = syncs.move_sync_to_space(actor=world.acme.actor, sync=hidden, space=None)
    with pytest.raises(NotFound):
        syncs.move_sync_to_space(actor=world.actor("editor"), sync=back, space=other)
    moved = calling(world, "owner")("patch", f"/syncs/{hidden.pk}", {"spaceId": other.pk})
    assert moved.json()["spaceId"] == str(other.pk)


def test_an_audience_moves_and_is_used_only_by_those_who_see_it(world: World, hidden: Sync) -> None:
    place, editor = world.acme, world.actor("editor")
    from audiences.services import audiences, members
    from config.errors import Conflict, Invalid
    from workspaces import services

    audience, parent = place.rows["audience"], place.rows["schema_model"]
    made_of = {"where": {"conditions": [{"type": "audience", "audience": str(audience.pk)}]}}
    with pytest.raises(Invalid, match="not there any more"):
        audiences.create_audience(actor=editor, parent=parent, name="Who is in it?", definition=made_of)
    with pytest.raises(Invalid, match="not there any more"):
        members.preview_members(actor=editor, parent=parent, definition=made_of)
    open_one = audiences.create_audience(actor=place.actor, parent=parent, name="Open", definition=made_of)
    audiences.update_audience(actor=editor, audience=open_one, definition={**made_of, "limit": None})
    with pytest.raises(Conflict, match="“Open”"):
        audiences.delete_audience(actor=place.actor, audience=audience)

    secret = {"where": {"conditions": [{"type": "audience", "audience": str(open_one.pk)}]}}
    kept = audiences.create_audience(
        actor=place.actor, parent=parent, name="Kept back", definition=secret, space_id=hidden.space_id
    )
    with pytest.raises(Conflict, match="an audience in a space that you do not see") as refused:
        audiences.delete_audience(actor=editor, audience=open_one)
    assert kept.name not in str(refused.value)

    other = services.create_space(actor=BUILDER, workspace=place.workspace, name="Brand")
    moved = calling(world, "owner")("patch", f"/audiences/{audience.pk}", {"spaceId": other.pk, "tags": {"a": "b"}})
    assert (moved.json()["spaceId"], moved.json()["tags"]) == (str(other.pk), {"a": "b"})
    client = browser(world, "owner")
    client.post(
        "/acme/studio/audiences/organize", {"do": "space", "selected": [audience.pk], "space": "", "confirm": "yes"}
    )
    assert calling(world, "editor")("get", f"/audiences/{audience.pk}").json()["spaceId"] is None


def test_spaces_are_managed_by_admins_and_leave_audit_entries(world: World) -> None:
    from governance.audit.models import AuditEntry
    from workspaces.models import Space, UserGroup

    client = browser(world, "admin")
    with workspace_scope(world.acme.workspace.pk):
        group, last = UserGroup.objects.get(name="Viewer group"), AuditEntry.objects.latest("pk").pk
        client.post(f"/acme/settings/spaces/{world.acme.rows['space'].pk}/delete")
        client.post("/acme/settings/spaces/switch", {"enabled": "no"})
        assert "Spaces are off" in client.get("/acme/settings/spaces").content.decode()
        client.post("/acme/settings/spaces/switch", {"enabled": "yes"})
        assert client.post("/acme/settings/spaces/new", {"name": "everyone"}).status_code == 422
        client.post("/acme/settings/spaces/new", {"name": "North", "groups": [group.pk]})
        space = Space.objects.get()
        client.post(f"/acme/settings/spaces/{space.pk}", {"name": "Nordics", "groups": []})
        client.post("/acme/settings/spaces/switch", {"enabled": "no"})
        client.post(f"/acme/settings/spaces/{space.pk}/delete")
        entries = AuditEntry.objects.filter(workspace_id=world.acme.workspace.pk, pk__gt=last).order_by("pk")
        events = [entry.event for entry in entries if entry.event.startswith(("space.", "workspace.updated"))]
    switched = ["space.deleted", "workspace.updated", "workspace.updated"]
    assert events == [*switched, "space.created", "space.updated", "space.deleted"]
    assert browser(world, "editor").get("/acme/settings/spaces").status_code == 403


def test_a_space_that_holds_syncs_is_not_deleted(world: World, hidden: Sync) -> None:
    response = browser(world, "admin").post(f"/acme/settings/spaces/{hidden.space_id}/delete", follow=True)
    assert re.search(r"still holds [1-9] syncs? and 1 audience", response.content.decode())
