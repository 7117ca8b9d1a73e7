"""What tests of the studio say and do: conditions, audiences, marketers, and those who use the pages and the API."""

from __future__ import annotations

import json
import re
from typing import Any

import orjson
from django.test import Client

from audiences.models import Audience, SchemaModel, Subset
from audiences.services import audiences as building
from audiences.services.syncing import open_for_syncs
from syncs.models import Sync
from tests.syncs.app.shop import Shop
from tests.world import BUILDER, Place, World
from workspaces import services as people
from workspaces.grants import Grant
from workspaces.models import OrganizationMember, User
from workspaces.permissions import Permission
from workspaces.scopes import KeyScope


def where(*conditions: Any, match: str = "all") -> dict[str, Any]:
    return {"where": {"type": "group", "match": match, "conditions": list(conditions)}}


def is_(column: str, *values: Any) -> dict[str, Any]:
    test = {"operator": "equals", "operand": {"kind": "values", "values": list(values)}}
    return {"type": "property", "field": {"column": column}, "test": test}


NORTH = is_("region", "north")
PAID = is_("plan", "paid")


def audience(place: Place, customers: SchemaModel, name: str = "North", definition: Any = None) -> Audience:
    return building.create_audience(
        actor=place.actor, parent=customers, name=name, definition=definition or where(NORTH)
    )


def subset(name: str) -> Subset:
    return Subset.objects.get(name=name)


def sync_of(shop: Shop, audience: Audience, **changed: Any) -> Sync:
    return shop.unguarded(shop.sync(open_for_syncs(actor=shop.actor, audience=audience), **changed))


def with_key(shop: Shop, *scopes: str) -> Client:
    """A program with an API key of these scopes."""
    workspace = shop.place.workspace
    made = people.create_api_key(actor=shop.actor, workspace=workspace, name=scopes[-1], scopes=scopes)
    return Client(headers={"Authorization": f"Bearer {made.secret}"})


def marketer(world: World, customers: SchemaModel, *names: str) -> User:
    """A person whose one role builds on the customers, sees their rows, and holds these subsets."""
    place = world.acme
    role = people.create_role(actor=place.actor, workspace=place.workspace, name=f"Marketing {' '.join(names)}")
    rights = [Grant(Permission.CONFIGURE_AUDIENCES, customers.pk), Grant(Permission.VIEW_MEMBERS, customers.pk)]
    held = [Grant(Permission.USE_SUBSET, subset(name).pk) for name in names]
    people.change_role_grants(actor=place.actor, role=role, give=[*rights, *held])
    user = people.create_person(actor=BUILDER, email=f"m{role.pk}@acme.test", password=None, name="Marketer")
    member = OrganizationMember.objects.create(organization_id=place.workspace.organization_id, user=user)
    group = people.create_group(
        actor=place.actor, organization=place.workspace.organization, name=f"Group {role.pk}", members=[member]
    )
    people.set_group_role(actor=place.actor, workspace=place.workspace, group=group, role=role)
    return user


class Caller:
    """Asks the API with a key of the owner's."""

    def __init__(self, place: Place) -> None:
        made = people.create_api_key(
            actor=place.actor, workspace=place.workspace, name="Test", scopes=[scope.value for scope in KeyScope]
        )
        self.headers = {"Authorization": f"Bearer {made.secret}"}

    def __call__(self, method: str, path: str, body: Any = None, *, status: int = 200) -> Any:
        answer = Client().generic(
            method, f"/api/v1/{path}", json.dumps(body or {}), "application/json", headers=self.headers
        )
        assert answer.status_code == status, answer.content
        return answer.json() if answer.content else None


class Person:
    """Somebody in front of a builder's page: presses buttons and changes fields of the form."""

    def __init__(self, place: Place, path: str, user: Any = None) -> None:
        self.client = Client()
        self.client.force_login(user or place.owner)
        self.path = f"/{place.workspace.slug}/studio/{path}"
        self.html = self.client.get(self.path).content.decode()

    @property
    def tree(self) -> Any:
        found = re.search(r'name="tree" value="([^"]*)"', self.html)
        assert found
        return orjson.loads(found[1].replace("&quot;", '"').replace("&#x27;", "'"))

    @property
    def version(self) -> str:
        """What the page was opened with, where it is of something saved."""
        found = re.search(r'name="version" value="(\w+)"', self.html)
        return found[1] if found else ""

    def press(self, do: str, **fields: str) -> Any:
        data = {"tree": orjson.dumps(self.tree).decode(), "do": do, "version": self.version, **fields}
        answer = self.client.post(self.path, data, headers={"HX-Request": "true"})
        self.html = answer.content.decode()
        return answer

    def type(self, **fields: str) -> Any:
        return self.press("", **fields)
