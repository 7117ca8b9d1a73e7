"""REST endpoints of the workspace's storage."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from config.api import ApiView, error_answers
from syncs import services
from syncs.models import WorkspaceStorage
from syncs.services.storage import MANAGE
from syncs.storage import own_storage
from syncs.storage_fields import MANAGED

PROVIDERS = (MANAGED, "aws", "gcp", "azure")


class StorageBody(serializers.Serializer[Any]):
    """Where files are kept. ``bucket`` is the container for azure; ``region`` is for aws, ``project`` for gcp,
    ``account`` for azure."""

    provider = serializers.ChoiceField(choices=PROVIDERS)
    credentialId = serializers.CharField(required=False, max_length=20)
    bucket = serializers.CharField(required=False, max_length=222)
    prefix = serializers.CharField(required=False, allow_blank=True, max_length=200)
    region = serializers.CharField(required=False, max_length=40)
    project = serializers.CharField(required=False, max_length=100)
    account = serializers.CharField(required=False, max_length=24)


class StorageOut(StorageBody):
    """The storage as the API shows it."""

    locked = serializers.BooleanField()
    health = serializers.CharField(allow_null=True)
    checkedAt = serializers.DateTimeField(allow_null=True)
    checkMessage = serializers.CharField(allow_null=True)
    checkHint = serializers.CharField(allow_null=True)


def storage_json(own: WorkspaceStorage | None) -> dict[str, Any]:
    """The wire shape of the storage."""
    if own is None:
        nothing = dict.fromkeys(("health", "checkedAt", "checkMessage", "checkHint"))
        return {"provider": MANAGED, "locked": False, **nothing}
    place = {name: getattr(own, name) for name in ("bucket", "prefix", "region", "project", "account")}
    return {
        "provider": own.provider,
        "credentialId": str(own.credential_id),
        **{name: value for name, value in place.items() if value},
        "locked": own.locked,
        "health": own.health,
        "checkedAt": own.checked_at,
        "checkMessage": own.check_message or None,
        "checkHint": own.check_hint or None,
    }


class StorageView(ApiView):
    """The storage of the workspace."""

    permission = {"GET": MANAGE, "PUT": MANAGE}

    @extend_schema(operation_id="GetStorage", responses={200: StorageOut, **error_answers()})
    def get(self, request: Request) -> Response:
        """Get where the workspace keeps its files."""
        return Response(storage_json(own_storage()))

    @extend_schema(operation_id="SetStorage", request=StorageBody, responses={200: StorageOut, **error_answers()})
    def put(self, request: Request) -> Response:
        """Test a bucket and keep the workspace's files in it."""
        sent = self.body(StorageBody)
        provider = sent["provider"]
        values = {name: value for name, value in sent.items() if name != "credentialId"}
        if provider == "azure" and "bucket" in values:
            values["container"] = values.pop("bucket")
        if provider != MANAGED:
            values[f"{provider}_credential"] = sent.get("credentialId", "")
        services.save_storage(actor=self.actor, values=values)
        return Response(storage_json(own_storage()))


class CheckStorageView(ApiView):
    """Whether it works."""

    permission = {"POST": MANAGE}

    @extend_schema(operation_id="CheckStorage", request=None, responses={200: StorageOut, **error_answers()})
    def post(self, request: Request) -> Response:
        """Write, read, list and delete a test object in the workspace's own bucket."""
        return Response(storage_json(services.check_storage(actor=self.actor)))
