"""An identity provider that pushes people and groups into an organization."""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from django.test import Client

from tests.world import BUILDER, Place
from workspaces import services
from workspaces.models import DirectoryGroup, GroupMapping, Organization, OrganizationMember, User, UserGroup
from workspaces.scoping import unscoped, workspace_scope

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


def load_packages() -> None:
    """Import what speaks SCIM, ours and the public client and tester, in a thread of its own.

    Each of their fields looks up the source of every caller on the stack: below pytest's deep one that took
    every test process ten seconds before its first test.
    """
    with ThreadPoolExecutor(1) as thread:
        for name in ("workspaces.scim.endpoints", "scim2_client.engines.wsgi", "scim2_tester"):
            thread.submit(import_module, name).result()


@dataclass
class Pusher:
    """One provider with its token."""

    place: Place
    token: str

    @classmethod
    def of(cls, place: Place) -> Pusher:
        with workspace_scope(place.workspace.pk):
            assert place.rows["identity_provider"]
            token = services.make_scim_token(actor=BUILDER, organization=place.workspace.organization)
        return cls(place, token)

    @property
    def organization(self) -> Organization:
        return self.place.workspace.organization

    def send(self, method: str, path: str, body: object = None, **headers: str) -> Any:
        """One request; the answer has ``said``, its document."""
        content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        response: Any = Client().generic(
            method,
            f"/api/scim/v2/{path}",
            content,
            content_type="application/scim+json",
            headers={"Authorization": f"Bearer {self.token}", **headers},
        )
        response.said = json.loads(response.content) if response.content else {}
        return response

    def add_user(self, user_name: str = "grace@acme.test", **attributes: object) -> dict[str, Any]:
        answer = self.send("POST", "Users", {"schemas": [USER], "userName": user_name, **attributes})
        assert answer.status_code == 201, answer.content
        said: dict[str, Any] = answer.said
        return said

    def add_group(self, name: str, *members: dict[str, Any]) -> dict[str, Any]:
        body = {"schemas": [GROUP], "displayName": name, "members": [{"value": m["id"]} for m in members]}
        answer = self.send("POST", "Groups", body)
        assert answer.status_code == 201, answer.content
        said: dict[str, Any] = answer.said
        return said

    def patch(self, path: str, *operations: Mapping[str, object], **headers: str) -> Any:
        return self.send("PATCH", path, {"schemas": [PATCH], "Operations": list(operations)}, **headers)

    def names(self, path: str) -> list[str]:
        """The user names or group names that a list holds."""
        answer = self.send("GET", path)
        assert answer.status_code == 200, answer.content
        return [found.get("userName") or found["displayName"] for found in answer.said["Resources"]]

    def map(self, name: str, group: str | None) -> GroupMapping:
        """Let a group of the provider's mean a group of ours, or organization admins."""
        with workspace_scope(self.place.workspace.pk):
            return services.map_group(
                actor=BUILDER,
                organization=self.organization,
                directory_group=DirectoryGroup.objects.get(name=name),
                group=UserGroup.objects.get(name=group) if group else None,
            )


def account(email: str) -> User:
    return User.objects.get(email=email, sso_organization__isnull=False)


def place_of(email: str) -> OrganizationMember:
    with unscoped("the test looks at everybody"):
        return OrganizationMember.objects.get(user=account(email))


def groups_of(email: str) -> list[str]:
    with unscoped("the test looks at everybody"):
        return sorted(place_of(email).groups.values_list("group__name", flat=True))
