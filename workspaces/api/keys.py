"""REST endpoints of API keys and service accounts.

A key makes no key that may do more than itself or that outlives it, and none for other people.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from config.api import ApiView, ListQuery, error_answers, list_of, list_response, parse_query
from workspaces import selectors, services
from workspaces.access import api_key_for, member_for
from workspaces.api.shapes import Ids, all_of
from workspaces.models import ApiKey, OrganizationMember, UserGroup
from workspaces.permissions import Permission
from workspaces.scopes import KeyScope


class KeysQuery(ListQuery):
    """Lists of keys."""

    orderable: Mapping[str, str] = {
        "id": "id",
        "name": "name",
        "createdAt": "created_at",
        "expiresAt": "expires_at",
        "lastUsedAt": "last_used_at",
    }
    status = serializers.ChoiceField(choices=["working", "expired", "revoked"], required=False)


class AccountsQuery(ListQuery):
    """Lists of service accounts."""

    orderable: Mapping[str, str] = {"id": "id", "name": "user__name"}


class ApiKeyBody(serializers.Serializer[Any]):
    """A new key. Without ``serviceAccountId`` it acts for the owner of the key that makes it."""

    wire_names: Mapping[str, str] = {"owner": "serviceAccountId"}
    name = serializers.CharField(max_length=120)
    scopes = serializers.ListField(child=serializers.ChoiceField(choices=KeyScope.values))
    expiresAt = serializers.DateTimeField(required=False, allow_null=True, default=None)
    serviceAccountId = serializers.IntegerField(required=False, allow_null=True, default=None, min_value=1)


class ApiKeyOut(serializers.Serializer[Any]):
    """A key by its first characters. ``secret`` is there only in the answer that made it."""

    id = serializers.CharField()
    name = serializers.CharField()
    prefix = serializers.CharField()
    ownerEmail = serializers.CharField()
    scopes = serializers.ListField(child=serializers.CharField())
    createdAt = serializers.DateTimeField()
    expiresAt = serializers.DateTimeField(allow_null=True)
    lastUsedAt = serializers.DateTimeField(allow_null=True)
    revokedAt = serializers.DateTimeField(allow_null=True)
    secret = serializers.CharField(required=False)


class ServiceAccountBody(serializers.Serializer[Any]):
    """A new place for a program, and the groups that give it access."""

    name = serializers.CharField(max_length=120)
    groupIds = Ids(required=False, default=list)


class ServiceAccountOut(serializers.Serializer[Any]):
    """A program's place in the organization; ``id`` is that of its membership."""

    id = serializers.CharField()
    name = serializers.CharField()
    email = serializers.CharField()
    groups = serializers.ListField(child=serializers.CharField())
    workingKeys = serializers.IntegerField()


class ApiKeyListView(ApiView):
    """The keys of the workspace; making one."""

    permission = {"GET": Permission.MANAGE_WORKSPACE, "POST": Permission.MANAGE_WORKSPACE}

    @extend_schema(
        operation_id="ListApiKey", parameters=[KeysQuery], responses={200: list_of(ApiKeyOut), **error_answers()}
    )
    def get(self, request: Request) -> Response:
        """List the keys of the workspace, revoked and expired ones too; never the keys themselves."""
        query = parse_query(request, KeysQuery)
        status = (query["status"],) if query.get("status") else ()
        rows = selectors.api_keys(query.get("name", ""), status)
        return list_response(rows, query, lambda found: [_key_json(key) for key in found])

    @extend_schema(operation_id="CreateApiKey", request=ApiKeyBody, responses={200: ApiKeyOut, **error_answers()})
    def post(self, request: Request) -> Response:
        """Make a key with no more scopes than the calling one has, and no longer life. Only this answer shows it."""
        values = self.body(ApiKeyBody)
        account = values["serviceAccountId"]
        made = services.create_api_key(
            actor=self.actor,
            workspace=request._request.workspace,  # type: ignore[attr-defined]
            name=values["name"],
            scopes=values["scopes"],
            expires_at=values["expiresAt"],
            owner=member_for(account).user if account else None,
        )
        return Response({**_key_json(made.key), "secret": made.secret}, headers={"Cache-Control": "no-store"})


class ApiKeyView(ApiView):
    """One key."""

    permission = {"GET": Permission.MANAGE_WORKSPACE, "DELETE": Permission.MANAGE_WORKSPACE}

    @extend_schema(operation_id="GetApiKey", responses={200: ApiKeyOut, **error_answers()})
    def get(self, request: Request, key_id: int) -> Response:
        """Get one key; never the key itself."""
        return Response(_key_json(api_key_for(key_id)))

    @extend_schema(operation_id="RevokeApiKey", responses={200: ApiKeyOut, **error_answers()})
    def delete(self, request: Request, key_id: int) -> Response:
        """Stop a key for good; also the calling one. It stays in the list."""
        stopped = services.revoke_api_key(actor=self.actor, key=api_key_for(key_id), now=timezone.now())
        return Response(_key_json(stopped))


class ServiceAccountListView(ApiView):
    """The service accounts of the organization; making one. ``/members/{id}`` changes and removes them."""

    permission = {"GET": Permission.MANAGE_WORKSPACE, "POST": Permission.MANAGE_ORGANIZATION}

    @extend_schema(
        operation_id="ListServiceAccount",
        parameters=[AccountsQuery],
        responses={200: list_of(ServiceAccountOut), **error_answers()},
    )
    def get(self, request: Request) -> Response:
        """List the service accounts, with how many of this workspace's keys work for each."""
        query = parse_query(request, AccountsQuery)
        rows = selectors.service_accounts()
        rows = rows.filter(user__name=query["name"]) if query.get("name") else rows
        return list_response(rows, query, _accounts_json)

    @extend_schema(
        operation_id="CreateServiceAccount",
        request=ServiceAccountBody,
        responses={200: ServiceAccountOut, **error_answers()},
    )
    def post(self, request: Request) -> Response:
        """Make a place for a program; it gets access through groups, and can never sign in."""
        values = self.body(ServiceAccountBody)
        made = services.create_service_account(
            actor=self.actor,
            organization=request._request.workspace.organization,  # type: ignore[attr-defined]
            name=values["name"],
            groups=all_of(UserGroup.objects.all(), values["groupIds"], "group"),
        )
        return Response(_accounts_json(selectors.service_accounts().filter(pk=made.pk))[0])


def _key_json(key: ApiKey) -> dict[str, Any]:
    return {
        "id": str(key.pk),
        "name": key.name,
        "prefix": key.prefix,
        "ownerEmail": key.owner.email,
        "scopes": key.scope_labels,
        "createdAt": key.created_at,
        "expiresAt": key.expires_at,
        "lastUsedAt": key.last_used_at,
        "revokedAt": key.revoked_at,
    }


def _accounts_json(members: Iterable[OrganizationMember]) -> list[dict[str, Any]]:
    return [
        {
            "id": str(member.pk),
            "name": member.user.name,
            "email": member.user.email,
            "groups": member.group_names,  # type: ignore[attr-defined]  # annotated by the selector
            "workingKeys": member.working_keys,  # type: ignore[attr-defined]
        }
        for member in members
    ]
