"""Endpoints of earlier versions of audiences."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from audiences import access
from audiences.api.audiences import AudienceOut, audiences_json
from audiences.services.restoring import restore_audience
from audiences.versions import live_state, parts_between, version_of, versions_of
from config.api import ApiView, error_answers, list_of
from syncs.api.versions import VersionDetail, VersionOut, detail_json, version_json
from workspaces.permissions import Permission


class AudienceVersionsView(ApiView):
    """The versions of an audience."""

    permission = {"GET": Permission.MEMBER}

    @extend_schema(operation_id="ListAudienceVersion", responses={200: list_of(VersionOut), **error_answers()})
    def get(self, request: Request, audience_id: int) -> Response:
        """List the versions of an audience that the audit log knows, newest first."""
        audience = access.audience_for(self.actor, audience_id)
        return Response({"data": [version_json(version) for version in versions_of(audience)]})


class AudienceVersionView(ApiView):
    """One version of an audience."""

    permission = {"GET": Permission.MEMBER, "POST": Permission.CONFIGURE_AUDIENCES}

    @extend_schema(operation_id="GetAudienceVersion", responses={200: VersionDetail, **error_answers()})
    def get(self, request: Request, audience_id: int, version_id: int) -> Response:
        """Get a version of an audience, with what restoring it would change."""
        audience = access.audience_for(self.actor, audience_id)
        found = version_of(audience, version_id)
        return Response(detail_json(found, parts_between(self.actor, audience, live_state(audience), found.state)))

    @extend_schema(operation_id="RestoreAudienceVersion", request=None, responses={200: AudienceOut, **error_answers()})
    def post(self, request: Request, audience_id: int, version_id: int) -> Response:
        """Restore a version of an audience: its conditions and subsets, checked again."""
        audience = access.audience_for(self.actor, audience_id)
        restore_audience(actor=self.actor, audience=audience, version=version_of(audience, version_id).entry.pk)
        return Response(audiences_json([access.audience_for(self.actor, audience_id)])[0])
