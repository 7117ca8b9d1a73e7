"""REST endpoints of credentials at cloud providers. Secrets go in and never come out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from config.api import ApiView, ListQuery, error_answers, list_of, list_response, parse_query
from connectors import clouds, services
from connectors.choices import Cloud, CloudAccess
from connectors.models import CloudCredential

MANAGE = clouds.MANAGE


class CloudCredentialBody(serializers.Serializer[Any]):
    """A credential. ``config`` holds ``access`` (role or keys) with ``role_arn`` or ``access_key_id`` and
    ``secret_access_key`` for aws, ``key`` (the JSON text) for gcp, ``tenant_id``, ``client_id`` and
    ``client_secret`` for azure, ``url`` and ``token`` for dbt_cloud, ``api_key`` and ``api_secret`` for fivetran."""

    name = serializers.CharField(max_length=services.MAX_CREDENTIAL_NAME)
    provider = serializers.ChoiceField(choices=Cloud.choices)
    config = serializers.DictField()


class CloudCredentialChange(serializers.Serializer[Any]):
    """What to change. A secret that is left out stays, as long as the identity does too."""

    name = serializers.CharField(max_length=services.MAX_CREDENTIAL_NAME, required=False)
    config = serializers.DictField(required=False)


class CloudUse(serializers.Serializer[Any]):
    """Something that works with a credential."""

    kind = serializers.CharField()
    name = serializers.CharField(allow_blank=True)


class CloudCredentialOut(serializers.Serializer[Any]):
    """A credential as the API shows it."""

    id = serializers.CharField()
    name = serializers.CharField()
    provider = serializers.ChoiceField(choices=Cloud.choices)
    access = serializers.ChoiceField(choices=CloudAccess.choices)
    config = serializers.DictField()
    usedBy = CloudUse(many=True)
    secretSetAt = serializers.DateTimeField()
    createdAt = serializers.DateTimeField()
    updatedAt = serializers.DateTimeField()


class CloudCredentialMade(CloudCredentialOut):
    """A new credential. For a role, what it has to trust: ``externalId`` is in this answer only."""

    accountId = serializers.CharField(required=False)
    externalId = serializers.CharField(required=False)


def credential_json(row: CloudCredential, used: dict[int, list[clouds.Use]] | None = None) -> dict[str, Any]:
    """The wire shape of a credential."""
    uses = (clouds.uses() if used is None else used).get(row.pk, [])
    return {
        "id": str(row.pk),
        "name": row.name,
        "provider": row.provider,
        "access": row.access,
        "config": row.config,
        "usedBy": [{"kind": use.noun, "name": use.name} for use in uses],
        "secretSetAt": row.secret_set_at,
        "createdAt": row.created_at,
        "updatedAt": row.updated_at,
    }


def credentials_json(rows: Iterable[CloudCredential]) -> list[dict[str, Any]]:
    """Several credentials."""
    used = clouds.uses()
    return [credential_json(row, used) for row in rows]


class UpstreamJobOut(serializers.Serializer[Any]):
    """A job that schedules can wait for."""

    id = serializers.CharField()
    name = serializers.CharField()


class CloudCredentialListView(ApiView):
    """All cloud credentials of the workspace; adding one."""

    permission = {"GET": MANAGE, "POST": MANAGE}

    @extend_schema(
        operation_id="ListCloudCredential",
        parameters=[ListQuery],
        responses={200: list_of(CloudCredentialOut), **error_answers()},
    )
    def get(self, request: Request) -> Response:
        """List the cloud credentials of the API key's workspace."""
        query = parse_query(request, ListQuery)
        rows = clouds.credentials(self.actor)
        rows = rows.filter(name=query["name"]) if query.get("name") else rows
        return list_response(rows, query, credentials_json)

    @extend_schema(
        operation_id="CreateCloudCredential",
        request=CloudCredentialBody,
        responses={200: CloudCredentialMade, **error_answers()},
    )
    def post(self, request: Request) -> Response:
        """Add a cloud credential."""
        values = self.body(CloudCredentialBody)
        made = services.create_cloud_credential(
            actor=self.actor, provider=values["provider"], name=values["name"], values=values["config"]
        )
        shown = credential_json(made, {})
        if external_id := clouds.opened(made).values.get("external_id"):
            shown |= {"accountId": settings.AWS_ACCOUNT_ID, "externalId": external_id}
        return Response(shown)


class CloudCredentialView(ApiView):
    """One cloud credential."""

    permission = {"GET": MANAGE, "PATCH": MANAGE, "DELETE": MANAGE}

    @extend_schema(operation_id="GetCloudCredential", responses={200: CloudCredentialOut, **error_answers()})
    def get(self, request: Request, credential_id: int) -> Response:
        """Get a cloud credential by its id."""
        return Response(credential_json(clouds.credential_for(self.actor, credential_id)))

    @extend_schema(
        operation_id="UpdateCloudCredential",
        request=CloudCredentialChange,
        responses={200: CloudCredentialOut, **error_answers()},
    )
    def patch(self, request: Request, credential_id: int) -> Response:
        """Rename a cloud credential, or replace what it proves itself with."""
        row = clouds.credential_for(self.actor, credential_id)
        values = self.body(CloudCredentialChange)
        shown = {field.name: row.config[field.name] for field in clouds.fields_of(row) if field.name in row.config}
        config = {**shown, **values.get("config", {})}
        name = values.get("name", row.name)
        changed = services.update_cloud_credential(actor=self.actor, credential=row, name=name, values=config)
        return Response(credential_json(changed))

    @extend_schema(operation_id="DeleteCloudCredential", responses={204: None, **error_answers()})
    def delete(self, request: Request, credential_id: int) -> Response:
        """Delete a cloud credential that nothing uses."""
        row = clouds.credential_for(self.actor, credential_id)
        services.delete_cloud_credential(actor=self.actor, credential=row)
        return Response(status=204)


class CloudCredentialJobsView(ApiView):
    """The jobs that a credential of dbt Cloud or Fivetran sees."""

    permission = {"GET": MANAGE}

    @extend_schema(
        operation_id="ListCloudCredentialJobs", responses={200: UpstreamJobOut(many=True), **error_answers()}
    )
    def get(self, request: Request, credential_id: int) -> Response:
        """List jobs that schedules can wait for, as the service has them now."""
        from connectors.jobs import jobs_of

        found = jobs_of(clouds.credential_for(self.actor, credential_id))
        return Response([{"id": job.id, "name": job.name} for job in found])
