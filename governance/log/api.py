"""REST endpoints of the audit log: the same entries, filters and rights as its pages."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from config.api import ApiView, error_answers
from governance import selectors
from governance.audit.chain import Checkpoint
from governance.audit.models import AuditChain, AuditEntry
from governance.audit.services.verdicts import verifying
from governance.log import services
from governance.log.exporting import entry_json, plain
from governance.selectors import AuditFilter
from workspaces.access import may, require
from workspaces.models import Workspace
from workspaces.permissions import Permission
from workspaces.scoping import organization_scope

MOST = 1_000
LATEST_ID = 2**63 - 1


class EntryActorOut(serializers.Serializer[Any]):
    """Who did it: ``kind`` is person, api_key or system; ``userId`` the person who answers for it."""

    kind = serializers.CharField()
    id = serializers.CharField(allow_null=True)
    label = serializers.CharField()  # type: ignore[assignment]
    userId = serializers.CharField(allow_null=True)


class EntryResourceOut(serializers.Serializer[Any]):
    """What it was done to."""

    type = serializers.CharField()
    id = serializers.CharField(allow_null=True)
    label = serializers.CharField(allow_blank=True)  # type: ignore[assignment]


class AuditEntryOut(serializers.Serializer[Any]):
    """An entry as exports and streams have it. The last four are its proof, empty in its first seconds."""

    id = serializers.CharField()
    organizationId = serializers.CharField(allow_null=True)
    workspaceId = serializers.CharField(allow_null=True)
    at = serializers.DateTimeField()
    event = serializers.CharField(help_text="For example sync.updated; the reference lists all")
    actor = EntryActorOut()
    resource = EntryResourceOut()
    before = serializers.DictField(allow_null=True, help_text="The changed fields as they were")
    after = serializers.DictField(allow_null=True, help_text="The changed fields as they are now, or what was seen")
    correlationId = serializers.CharField(help_text="The same for everything one request or job did")
    sequence = serializers.IntegerField(allow_null=True)
    salt = serializers.CharField(allow_null=True)
    digest = serializers.CharField(allow_null=True)
    link = serializers.CharField(allow_null=True)


class AuditEntryListOut(serializers.Serializer[Any]):
    """A page of entries, newest first."""

    data = AuditEntryOut(many=True)  # type: ignore[assignment]
    next = serializers.CharField(allow_null=True, help_text="Send it as `after` for the next page; null at the end")


class _Several(serializers.ListField):
    """A parameter that may stand in the address several times; each narrows to any of them."""

    child = serializers.CharField(max_length=80)


class AuditEntryQuery(serializers.Serializer[Any]):
    """Every part narrows."""

    limit = serializers.IntegerField(required=False, default=100, min_value=1, max_value=MOST)
    after = serializers.IntegerField(
        required=False, default=LATEST_ID, min_value=0, max_value=LATEST_ID, help_text="The `next` of the page before"
    )
    event = _Several(required=False, default=list, help_text="sync.updated; may be sent several times")
    person = _Several(required=False, default=list, help_text="A person's user id, or “system”; several times")
    apiKey = _Several(required=False, default=list, help_text="The id of an API key; several times")
    resourceType = _Several(required=False, default=list, help_text="sync, model, …; several times")
    resourceId = serializers.IntegerField(
        required=False, min_value=0, max_value=LATEST_ID, help_text="With one resourceType: a single thing"
    )
    workspaceId = _Several(required=False, default=list, help_text="With organization=true; several times")
    since = serializers.DateTimeField(required=False, help_text="Entries from this moment on")
    until = serializers.DateTimeField(required=False, help_text="Entries before this moment")
    correlationId = serializers.CharField(required=False, default="", max_length=32)
    q = serializers.CharField(required=False, default="", max_length=200, help_text="Words, by their beginning")
    organization = serializers.BooleanField(
        required=False, default=False, help_text="All workspaces; takes an organization admin's key"
    )

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        """An id alone names nothing."""
        if values.get("resourceId") is not None and len(values["resourceType"]) != 1:
            raise serializers.ValidationError({"resourceId": "Send one resourceType with it."})
        return values


class AuditEntryListView(ApiView):
    """The audit log."""

    permission = {"GET": Permission.MANAGE_WORKSPACE}

    @extend_schema(
        operation_id="ListAuditEntry",
        parameters=[AuditEntryQuery],
        responses={200: AuditEntryListOut, **error_answers()},
    )
    def get(self, request: Request) -> Response:
        """List audit entries, newest first: of the API key's workspace, or of the whole organization."""
        asked = AuditEntryQuery(data=_listed(request))
        asked.is_valid(raise_exception=True)
        query = asked.validated_data
        if query["organization"]:
            require(self.actor, Permission.MANAGE_ORGANIZATION)
        with _scope(request, whole=query["organization"]):
            rows = _rows(self, _filter(query), whole=query["organization"])
            page = list(rows.filter(pk__lt=query["after"]).order_by("-pk")[: query["limit"] + 1])
        shown = page[: query["limit"]]
        following = str(shown[-1].pk) if len(page) > len(shown) else None
        return Response({"data": [_entry(entry) for entry in shown], "next": following})


class AuditEntryView(ApiView):
    """One entry."""

    permission = {"GET": Permission.MANAGE_WORKSPACE}

    @extend_schema(operation_id="GetAuditEntry", responses={200: AuditEntryOut, **error_answers()})
    def get(self, request: Request, entry_id: int) -> Response:
        """Get an entry of the API key's workspace by its id."""
        whole = may(self.actor, Permission.MANAGE_ORGANIZATION)
        return Response(_entry(selectors.audit_entry(_workspace(request), entry_id, whole_organization=whole)))


class LogChange(serializers.Serializer[Any]):
    """For how long entries are kept."""

    wire_names: Mapping[str, str] = {"days": "retentionDays"}
    retentionDays = serializers.IntegerField(allow_null=True, help_text="30 to 36,500; null keeps them for ever")


class LogOut(LogChange):
    """The organization's log as a whole. Keep ``checkpoint`` elsewhere: a rewritten log does not lead to it."""

    entries = serializers.IntegerField(help_text="Sealed into the chain and still kept")
    checkpoint = serializers.CharField(allow_blank=True)
    verifying = serializers.BooleanField()
    progress = serializers.IntegerField(help_text="Of a verification that goes on, in per cent")
    verifiedAt = serializers.DateTimeField(allow_null=True)
    verdict = serializers.DictField(allow_null=True, help_text="What the latest verification found")


class AuditLogView(ApiView):
    """The organization's audit log as a whole."""

    permission = {"GET": Permission.MANAGE_ORGANIZATION, "PATCH": Permission.MANAGE_ORGANIZATION}

    @extend_schema(operation_id="GetAuditLog", responses={200: LogOut, **error_answers()})
    def get(self, request: Request) -> Response:
        """Say how long the log is kept, and what the latest verification found."""
        return Response(_log_json(_workspace(request).organization_id))

    @extend_schema(operation_id="UpdateAuditLog", request=LogChange, responses={200: LogOut, **error_answers()})
    def patch(self, request: Request) -> Response:
        """Keep entries for so many days, or for ever. Older ones are deleted, and the chain still verifies."""
        days, organization = self.body(LogChange)["retentionDays"], _workspace(request).organization
        services.change_retention(actor=self.actor, organization=organization, days=days)
        return Response(_log_json(organization.pk))


class VerificationView(ApiView):
    """Verifying the log."""

    permission = {"POST": Permission.MANAGE_ORGANIZATION}

    @extend_schema(operation_id="VerifyAuditLog", request=None, responses={202: LogOut, **error_answers()})
    def post(self, request: Request) -> Response:
        """Have a worker verify the whole chain; ``GET /audit-log`` says how far it is, and what it found."""
        organization = _workspace(request).organization
        services.start_verification(actor=self.actor, organization=organization)
        return Response(_log_json(organization.pk), status=202)


def _log_json(organization_id: int) -> dict[str, Any]:
    chain = selectors.chain_of(organization_id) or AuditChain(organization_id=organization_id, head=b"")
    return {
        "retentionDays": chain.retention_days,
        "entries": chain.sequence - chain.start_sequence,
        "checkpoint": str(Checkpoint(chain.sequence, bytes(chain.head))) if chain.sequence else "",
        "verifying": verifying(chain, timezone.now()),
        "progress": chain.verify_progress,
        "verifiedAt": chain.verified_at,
        "verdict": chain.verdict,
    }


def _rows(view: ApiView, wanted: AuditFilter, *, whole: bool) -> QuerySet[AuditEntry]:
    """What the pages show: organization admins see the organization's own entries beside their workspace's."""
    workspace = _workspace(view.request)
    if whole:
        return selectors.organization_entries(workspace.organization_id, wanted)
    sees_all = may(view.actor, Permission.MANAGE_ORGANIZATION)
    return selectors.audit_entries(workspace, wanted, whole_organization=sees_all)


def _scope(request: Request, *, whole: bool) -> AbstractContextManager[None]:
    return organization_scope(_workspace(request).organization_id) if whole else nullcontext()


def _workspace(request: Request) -> Workspace:
    return request._request.workspace  # type: ignore[attr-defined, no-any-return]


def _listed(request: Request) -> dict[str, Any]:
    """The parameters, with those that may stand several times as lists."""
    several = {name for name, field in AuditEntryQuery().fields.items() if isinstance(field, _Several)}
    return {name: values if name in several else values[-1] for name, values in request.query_params.lists()}


def _filter(query: Mapping[str, Any]) -> AuditFilter:
    pk, kinds = query.get("resourceId"), tuple(query["resourceType"])
    return AuditFilter(
        query=query["q"],
        people=tuple(query["person"]),
        keys=tuple(query["apiKey"]),
        resources=kinds,
        resource=f"{kinds[0]}:{pk}" if pk is not None else "",
        events=tuple(query["event"]),
        workspaces=tuple(query["workspaceId"]) if query["organization"] else (),
        begin=query.get("since"),
        end=query.get("until"),
        correlation_id=query["correlationId"],
    )


def _entry(entry: AuditEntry) -> dict[str, Any]:
    shown: dict[str, Any] = plain(entry_json(entry))
    return shown
