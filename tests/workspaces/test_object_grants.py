"""Custom roles with rights on single sources and destinations: one at a time, and in SQL for lists."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from django.contrib.auth.models import Permission as StoredPermission
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction

from connectors import services as connectors
from connectors.models import Destination, DestinationGrant, Source, SourceGrant
from governance.audit.actors import Actor
from governance.audit.models import AuditEntry
from syncs.models import Model, Sync
from tests.connectors.app.connections import a_destination, a_source, file_settings
from tests.world import BUILDER, World
from workspaces import services
from workspaces.access import grants_of, may, remembered_grants, visible, visible_by
from workspaces.choices import RoleKind
from workspaces.models import ObjectGrant, Role, RoleGrant
from workspaces.permissions import Permission, permissions_of
from workspaces.scoping import unscoped, workspace_scope


@pytest.fixture
def acme(world: World) -> Iterable[World]:
    """Inside the workspace, with two sources, two destinations and a sync from the first to the first."""
    with workspace_scope(world.acme.workspace.pk):
        assert world.acme.rows["sync"]
        a_source(world.acme, name="Second source")
        a_destination(world.acme, name="Second destination")
        yield world


def grant(role: Role, kind: Any, permission: Permission, target: Source | Destination) -> ObjectGrant:
    """One right on one object."""
    stored = StoredPermission.objects.get(content_type__model=permission.side, codename=permission.codename)
    made: ObjectGrant = kind.objects.create(
        workspace_id=role.workspace_id, role=role, permission=stored, content_object=target
    )
    return made


def custom_role(world: World, name: str, *permissions: Permission) -> Role:
    """A custom role with rights in the whole workspace, held by a group in which only ``member`` is."""
    workspace = world.acme.workspace
    role = Role.objects.create(workspace=workspace, name=name, kind=RoleKind.CUSTOM)
    RoleGrant.objects.bulk_create(RoleGrant(workspace=workspace, role=role, permission=p) for p in permissions)
    group = services.create_group(
        actor=BUILDER,
        organization=workspace.organization,
        name=name,
        members=[world["member"].memberships.get()],
    )
    services.set_group_role(actor=BUILDER, workspace=workspace, group=group, role=role)
    return role


def sources_of(world: World) -> tuple[Source, Source]:
    first = world.acme.rows["source"]
    return first, Source.objects.exclude(pk=first.pk).get()


def destinations_of(world: World) -> tuple[Destination, Destination]:
    first = world.acme.rows["destination"]
    return first, Destination.objects.exclude(pk=first.pk).get()


def test_a_right_on_one_source_is_a_right_on_that_one(acme: World) -> None:
    first, second = sources_of(acme)
    grant(custom_role(acme, "Readers"), SourceGrant, Permission.VIEW_ROWS, first)
    actor = acme.actor("member")
    assert may(actor, Permission.VIEW_ROWS, source_id=first.pk)
    assert not may(actor, Permission.VIEW_ROWS, source_id=second.pk)
    assert may(actor, Permission.VIEW_ROWS), "on at least one"
    assert not may(actor, Permission.MANAGE_SOURCE, source_id=first.pk)
    assert may(actor, Permission.MEMBER), "every role lets in"


def test_rights_of_two_groups_do_not_make_a_sync(acme: World) -> None:
    (s1, s2), (d1, d2) = sources_of(acme), destinations_of(acme)
    for name, source, destination in (("A to B", s1, d1), ("C to D", s2, d2)):
        role = custom_role(acme, name)
        grant(role, SourceGrant, Permission.DRAFT_FROM_SOURCE, source)
        grant(role, DestinationGrant, Permission.DRAFT_TO_DESTINATION, destination)
    needs = (Permission.DRAFT_FROM_SOURCE, Permission.DRAFT_TO_DESTINATION)
    allowed = {
        (source.pk, destination.pk)
        for source in (s1, s2)
        for destination in (d1, d2)
        if may(acme.actor("member"), needs, source_id=source.pk, destination_id=destination.pk)
    }
    assert allowed == {(s1.pk, d1.pk), (s2.pk, d2.pk)}


def people(world: World) -> dict[str, Actor]:
    return {**{name: world.actor(name) for name in world.people}, "outsider": world.globex.actor, "system": BUILDER}


@pytest.mark.parametrize("permission", [Permission.VIEW_ROWS, Permission.MANAGE_SOURCE, Permission.DRAFT_FROM_SOURCE])
def test_lists_agree_with_single_checks(acme: World, permission: Permission) -> None:
    first, _ = sources_of(acme)
    grant(custom_role(acme, "One"), SourceGrant, permission, first)
    for name, actor in people(acme).items():
        shown = set(visible(Source.objects.all(), actor, permission))
        expected = {s for s in Source.objects.all() if may(actor, permission, source_id=s.pk)}
        assert shown == expected, name


def test_lists_of_syncs_agree_with_single_checks(acme: World) -> None:
    (s1, s2), (d1, d2) = sources_of(acme), destinations_of(acme)
    model, sync = acme.acme.rows["model"], acme.acme.rows["sync"]
    for number, (source, destination) in enumerate([(s1, d2), (s2, d1), (s2, d2)]):
        other = Model.objects.get(pk=model.pk)
        other.pk, other.source, other.slug, other.name = None, source, f"m{number}", f"M{number}"
        other.save()
        twin = Sync.objects.get(pk=sync.pk)
        twin.pk, twin.model, twin.destination, twin.slug = None, other, destination, f"s{number}"
        twin.save()
    one, two = custom_role(acme, "One"), custom_role(acme, "Two", Permission.TRIGGER)
    grant(one, SourceGrant, Permission.DRAFT_FROM_SOURCE, s1)
    grant(one, DestinationGrant, Permission.TRIGGER, d1)
    grant(two, SourceGrant, Permission.DRAFT_FROM_SOURCE, s2)
    needs = {Permission.TRIGGER: "destination_id", Permission.DRAFT_FROM_SOURCE: "model__source_id"}
    assert Sync.objects.count() == 4
    for name, actor in people(acme).items():
        expected = {
            s
            for s in Sync.objects.select_related("model")
            if may(actor, tuple(needs), source_id=s.model.source_id, destination_id=s.destination_id)
        }
        assert set(visible_by(Sync.objects.all(), actor, needs)) == expected, name
    member = set(visible_by(Sync.objects.all(), acme.actor("member"), needs))
    assert {(s.model.source_id, s.destination_id) for s in member} == {(s1.pk, d1.pk), (s2.pk, d1.pk), (s2.pk, d2.pk)}


def test_object_grants_come_with_the_one_query(acme: World, django_assert_num_queries: pytest.FixtureRequest) -> None:
    first, _ = sources_of(acme)
    grant(custom_role(acme, "Readers"), SourceGrant, Permission.VIEW_ROWS, first)
    one = django_assert_num_queries(1)  # type: ignore[operator]
    with remembered_grants(), one:
        grants_of(acme.actor("member"))
        may(acme.actor("member"), Permission.VIEW_ROWS, source_id=first.pk)


def test_a_permission_of_the_other_side_is_refused(acme: World) -> None:
    first, _ = sources_of(acme)
    role = custom_role(acme, "Odd")
    stored = StoredPermission.objects.get(content_type__model="destination", codename="trigger")
    with pytest.raises(ValidationError):
        SourceGrant.objects.create(workspace_id=role.workspace_id, role=role, permission=stored, content_object=first)


def test_a_grant_cannot_name_another_workspaces_source(acme: World) -> None:
    with unscoped("the test makes a foreign source"):
        foreign = acme.globex.rows["source"]
    role = custom_role(acme, "Thieves")
    refused = pytest.raises(IntegrityError, match="content_object_id_wall")
    with refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        grant(role, SourceGrant, Permission.VIEW_ROWS, foreign)


def test_a_role_that_creates_a_source_may_do_everything_with_it_and_nothing_with_others(acme: World) -> None:
    custom_role(acme, "Bringers", Permission.CREATE_SOURCE)
    maker, place = acme.actor("member"), acme.acme
    made = connectors.create_source(actor=maker, type="duckdb", values=file_settings(), name="Mine")
    assert all(may(maker, permission, source_id=made.pk) for permission in permissions_of("source"))
    assert not any(may(maker, permission, source_id=place.rows["source"].pk) for permission in permissions_of("source"))
    assert connectors.update_source(actor=maker, source=made, name="Still mine").name == "Still mine"
    last = AuditEntry.objects.filter(event="source.created").order_by("-pk")[0]
    assert last.after
    assert last.after["full rights for the roles"] == ["Bringers"]
    place_admin = connectors.create_source(actor=place.actor, type="duckdb", values=file_settings(), name="Other")
    assert not may(maker, Permission.MANAGE_SOURCE, source_id=place_admin.pk), "what others make is no part of it"
