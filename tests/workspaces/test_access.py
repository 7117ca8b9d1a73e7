"""What people may do: roles, the one-group rule, API keys, and what denials say."""

from __future__ import annotations

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.errors import Denied, NotFound
from governance.audit.actors import system
from tests.world import World, give_role, join
from workspaces import services
from workspaces.access import (
    Grants,
    HeldRole,
    grants_of,
    may,
    remembered_grants,
    require,
    workspace_for,
)
from workspaces.actors import for_api_key, person
from workspaces.choices import RoleKind
from workspaces.models import UserGroup
from workspaces.permissions import CONFIGURE_FROM_SOURCE, CONFIGURE_TO_DESTINATION, Permission, object_permissions
from workspaces.roles import BUILT_IN
from workspaces.scoping import workspace_scope

SOURCE_SIDE = [p for p in Permission if p.side == "source"]
DESTINATION_SIDE = [p for p in Permission if p.side == "destination"]
IDS = st.integers(1, 3)


@st.composite
def held_roles(draw: st.DrawFn) -> HeldRole:
    everywhere = draw(st.frozensets(st.sampled_from([*SOURCE_SIDE, *DESTINATION_SIDE]), max_size=3))
    on_objects = draw(
        st.dictionaries(st.sampled_from([*SOURCE_SIDE, *DESTINATION_SIDE]), st.frozensets(IDS, min_size=1), max_size=4)
    )
    return HeldRole(everywhere, on_objects)


@given(
    roles=st.lists(held_roles(), max_size=4),
    source=st.sampled_from(SOURCE_SIDE),
    destination=st.sampled_from(DESTINATION_SIDE),
    source_id=IDS,
    destination_id=IDS,
)
def test_both_sides_count_only_within_one_group(
    roles: list[HeldRole], source: Permission, destination: Permission, source_id: int, destination_id: int
) -> None:
    def holds(role: HeldRole, permission: Permission, object_id: int) -> bool:
        return permission in role.everywhere or object_id in role.on_objects.get(permission, frozenset())

    expected = any(holds(r, source, source_id) and holds(r, destination, destination_id) for r in roles)
    allowed = Grants(False, tuple(roles)).allow(
        (source, destination), source_id=source_id, destination_id=destination_id
    )
    assert allowed == expected


@given(roles=st.lists(held_roles(), max_size=4), permission=st.sampled_from([*SOURCE_SIDE, *DESTINATION_SIDE]))
def test_without_an_id_one_object_is_enough(roles: list[HeldRole], permission: Permission) -> None:
    expected = any(permission in r.everywhere or r.on_objects.get(permission) for r in roles)
    assert Grants(False, tuple(roles)).allow((permission,)) == expected


def test_each_role_holds_what_the_one_below_holds() -> None:
    viewer, drafter, editor, admin = (
        BUILT_IN[k] for k in (RoleKind.VIEWER, RoleKind.DRAFT_EDITOR, RoleKind.EDITOR, RoleKind.ADMIN)
    )
    assert viewer < drafter < editor < admin
    assert Permission.MANAGE_ORGANIZATION not in admin


def test_editors_never_manage_credentials() -> None:
    assert not BUILT_IN[RoleKind.EDITOR] & {Permission.MANAGE_SOURCE, Permission.MANAGE_DESTINATION}


def test_object_permissions_name_every_permission_of_a_side() -> None:
    names = chain(object_permissions("source"), object_permissions("destination"))
    assert len(list(names)) == len(SOURCE_SIDE) + len(DESTINATION_SIDE)


@pytest.mark.parametrize(
    ("name", "permission", "allowed"),
    [
        ("owner", Permission.MANAGE_ORGANIZATION, True),
        ("admin", Permission.MANAGE_ORGANIZATION, False),
        ("admin", Permission.MANAGE_WORKSPACE, True),
        ("editor", Permission.MANAGE_WORKSPACE, False),
        ("editor", Permission.TRIGGER, True),
        ("drafter", Permission.TRIGGER, False),
        ("drafter", Permission.VIEW_ROWS, True),
        ("viewer", Permission.VIEW_ROWS, False),
        ("viewer", Permission.MEMBER, True),
        ("member", Permission.MEMBER, False),
    ],
)
def test_what_people_may(world: World, name: str, permission: Permission, allowed: bool) -> None:
    with workspace_scope(world.acme.workspace.pk):
        assert may(world.actor(name), permission) is allowed


def test_people_may_nothing_in_another_workspace(world: World) -> None:
    with workspace_scope(world.globex.workspace.pk):
        for user in world.people.values():
            assert grants_of(person(user)) == Grants()
    with workspace_scope(world.acme.workspace.pk):
        assert grants_of(person(world.outsider)) == Grants()


def test_a_person_in_two_groups_may_what_either_allows(world: World) -> None:
    with workspace_scope(world.acme.workspace.pk):
        group = services.create_group(
            actor=world.acme.actor,
            organization=world.acme.workspace.organization,
            name="Also editors",
            members=[world["viewer"].memberships.get()],
        )
        assert not may(world.actor("viewer"), Permission.TRIGGER)
        give_role(world.acme.workspace, group, RoleKind.EDITOR)
        assert may(world.actor("viewer"), Permission.TRIGGER)
        assert may(world.actor("viewer"), (*CONFIGURE_FROM_SOURCE, *CONFIGURE_TO_DESTINATION))


def test_grants_are_one_query_a_request(world: World, django_assert_num_queries: pytest.FixtureRequest) -> None:
    actor = world.actor("editor")
    one = django_assert_num_queries(1)  # type: ignore[operator]
    with workspace_scope(world.acme.workspace.pk), remembered_grants(), one:
        may(actor, Permission.TRIGGER)
        may(actor, Permission.VIEW_ROWS)
        may(actor, CONFIGURE_FROM_SOURCE)


def test_a_changed_role_counts_in_the_same_request(world: World) -> None:
    with workspace_scope(world.acme.workspace.pk), remembered_grants():
        assert may(world.actor("editor"), Permission.TRIGGER)
        give_role(world.acme.workspace, UserGroup.objects.get(name="Editor group"), RoleKind.VIEWER)
        assert not may(world.actor("editor"), Permission.TRIGGER)


def test_denials_name_the_missing_right_and_who_can_grant_it(world: World) -> None:
    with workspace_scope(world.acme.workspace.pk), pytest.raises(Denied) as denied:
        require(world.actor("viewer"), Permission.TRIGGER)
    assert "run syncs to the destination" in denied.value.message
    assert "owner@acme.test" in denied.value.hint
    assert "admin@acme.test" in denied.value.hint


def test_both_sides_are_asked_of_a_sync(world: World) -> None:
    both = (*CONFIGURE_FROM_SOURCE, *CONFIGURE_TO_DESTINATION)
    with workspace_scope(world.acme.workspace.pk):
        require(world.actor("editor"), both, source_id=1, destination_id=2)
        with pytest.raises(Denied):
            require(world.actor("drafter"), both, source_id=1, destination_id=2)


def test_system_actors_are_not_held(world: World) -> None:
    with workspace_scope(world.acme.workspace.pk):
        assert may(system("scheduler"), Permission.MANAGE_SOURCE, source_id=1)


def test_a_key_has_its_owners_rights_in_its_workspace_only(world: World) -> None:
    with workspace_scope(world.acme.workspace.pk):
        second = services.create_workspace(
            actor=world.acme.actor, organization=world.acme.workspace.organization, name="Acme two"
        )
        actor = for_api_key(world.acme.rows["api_key"].key)
        assert may(actor, Permission.MANAGE_SOURCE)
    with workspace_scope(second.pk):
        assert may(world.acme.actor, Permission.MANAGE_SOURCE)
        assert not may(actor, Permission.MEMBER)


def test_someone_who_left_may_nothing(world: World) -> None:
    with workspace_scope(world.acme.workspace.pk):
        services.remove_person(actor=world.acme.actor, member=world["editor"].memberships.get())
        assert not may(world.actor("editor"), Permission.MEMBER)


def test_foreign_workspaces_are_not_found(world: World) -> None:
    assert workspace_for(world["viewer"].pk, "acme") == world.acme.workspace
    for user, slug in ((world["viewer"], "globex"), (world["member"], "acme"), (world.outsider, "acme")):
        with pytest.raises(NotFound):
            workspace_for(user.pk, slug)


def test_a_new_person_of_a_group_gets_its_role(world: World) -> None:
    with workspace_scope(world.acme.workspace.pk):
        newcomer = join(world.acme.workspace, "late", RoleKind.EDITOR)
        assert may(person(newcomer), Permission.TRIGGER)
