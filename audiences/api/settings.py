"""The endpoint of the workspace's rules for the studio."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from audiences.models import StudioSettings
from audiences.selectors.settings import settings_here
from audiences.services.settings import change_studio_settings
from config.api import ApiView, error_answers
from workspaces.permissions import Permission


class StudioSettingsShape(serializers.Serializer[Any]):
    """The rules. ``nullIsAValue``: conditions such as "is not" hold for rows without a value.

    ``requireSyncTemplates``: audiences are sent by sync templates only. ``requireAudienceTemplates``: new
    audiences begin with an approved template. ``redactedWords``: what profiles show in place of values that
    privacy hides; empty brings the usual words back. What is left out stays.
    """

    nullIsAValue = serializers.BooleanField(required=False)
    requireSyncTemplates = serializers.BooleanField(required=False)
    requireAudienceTemplates = serializers.BooleanField(required=False)
    redactedWords = serializers.CharField(required=False, allow_blank=True, max_length=80)


class StudioSettingsView(ApiView):
    """What holds for every audience, subset and rule of the workspace."""

    permission = {"GET": Permission.MEMBER, "PATCH": Permission.MANAGE_WORKSPACE}

    @extend_schema(operation_id="GetStudioSettings", responses={200: StudioSettingsShape, **error_answers()})
    def get(self, request: Request) -> Response:
        """Get the rules."""
        return Response(_json(settings_here()))

    @extend_schema(
        operation_id="UpdateStudioSettings",
        request=StudioSettingsShape,
        responses={200: StudioSettingsShape, **error_answers()},
    )
    def patch(self, request: Request) -> Response:
        """Change the rules."""
        values = self.body(StudioSettingsShape)
        changed = change_studio_settings(
            actor=self.actor,
            null_is_a_value=values.get("nullIsAValue"),
            templates_required=values.get("requireSyncTemplates"),
            audience_templates_required=values.get("requireAudienceTemplates"),
            redacted_words=values.get("redactedWords"),
        )
        return Response(_json(changed))


def _json(settings: StudioSettings) -> dict[str, Any]:
    return {
        "nullIsAValue": settings.null_is_a_value,
        "requireSyncTemplates": settings.templates_required,
        "requireAudienceTemplates": settings.audience_templates_required,
        "redactedWords": settings.redacted_words,
    }
