"""Custom roles against every route: whoever holds all rights but one is refused where that one is asked for.

The matrix is {a custom role with each right missing, one with all of them} × every route × every method that asks for
a right, generated from the URL table. Rights that no custom role can hold are refused to the one that has all others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import pytest
from django.test import Client

from tests.invariants.addresses import Route
from tests.invariants.test_routes import JSON, METHODS, PAGES, REST, call, done, methods, session_of
from tests.invariants.walks import every, stretches
from tests.world import BUILDER, World, join
from workspaces import services
from workspaces.choices import RoleKind
from workspaces.grants import Grant, grantable
from workspaces.models import OrganizationMember, Role, User
from workspaces.permissions import Permission
from workspaces.scoping import workspace_scope

GRANTABLE = grantable()
EVERYTHING = "everything"
# Everybody who may open the workspace holds it.
OPEN = Permission.MEMBER


@pytest.fixture(scope="module")
def holders(built: World) -> Mapping[str, tuple[str, str]]:
    """A person for each right that a custom role can lack, and one whose role lacks none: (session, API key)."""
    with workspace_scope(built.acme.workspace.pk):
        return {name: _holder(built, name) for name in (*GRANTABLE, EVERYTHING)}


def _holder(world: World, missing: str) -> tuple[str, str]:
    name = missing.replace(".", "-").replace("_", "-")
    user = join(world.acme.workspace, f"all-but-{name}", RoleKind.VIEWER)
    role = services.create_role(actor=BUILDER, workspace=world.acme.workspace, name=f"All but {name}")
    give = [Grant(permission) for permission in GRANTABLE if permission != missing]
    services.change_role_grants(actor=BUILDER, role=role, give=give)
    _hold(world, user, role)
    key = services.create_api_key(actor=BUILDER, workspace=world.acme.workspace, name=name, owner=user)
    return session_of(user), key.secret


def _hold(world: World, user: User, role: Role) -> None:
    group = services.create_group(
        actor=BUILDER,
        organization=world.acme.workspace.organization,
        name=role.name,
        members=[OrganizationMember.objects.get(user=user)],
    )
    services.set_group_role(actor=BUILDER, workspace=world.acme.workspace, group=group, role=role)


@pytest.fixture
def world(shared_world: World, holders: Mapping[str, tuple[str, str]]) -> World:
    return shared_world


def asked(route: Route) -> list[tuple[str, Permission]]:
    """Each method with each right that it asks for."""
    found = []
    for method in methods(route) if route.is_rest else METHODS:
        needs = route.view.cls.permission[method] if route.is_rest else route.declaration.needed(method)  # type: ignore[union-attr]
        found += [(method, need) for need in (needs if isinstance(needs, tuple) else (needs,)) if need != OPEN]
    return found


@pytest.mark.parametrize("stretch", stretches(r for r in [*PAGES, *REST] if asked(r)))
def test_whoever_lacks_one_right_is_refused_where_it_is_asked_for(
    world: World, holders: Mapping[str, tuple[str, str]], stretch: list[Route]
) -> None:
    def refused(route: Route) -> None:
        address, before = route.address(world.acme), done(world)
        for method, need in asked(route):
            session, key = holders.get(need, holders[EVERYTHING])
            if route.is_rest:
                status = call(key, method, address).status_code
            else:
                client = Client(headers={"Accept": JSON})
                client.cookies["sessionid"] = session
                status = client.generic(method, address).status_code
            assert status == 403, f"all rights but {need}: {method} answers {status}"
        assert done(world) == before, "it is in the log although it was refused"

    every(stretch, refused)


def test_every_right_is_asked_for_somewhere() -> None:
    counts = Counter(need for route in [*PAGES, *REST] for _, need in asked(route))
    print(f"{len(PAGES) + len(REST)} routes; requests refused for a missing right: {sum(counts.values())}")
    for need, number in sorted(counts.items()):
        print(f"  {need}: {number}")
    assert counts[Permission.MANAGE_WORKSPACE]
    assert counts[Permission.MANAGE_ORGANIZATION]
