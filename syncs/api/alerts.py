"""Endpoints of alerts: thresholds and recipients of destinations and syncs, how triggers stand, mutes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from config.api import ApiView, error_answers, list_of
from config.errors import Invalid, NotFound
from connectors.access import destination_for
from syncs import access, services
from syncs.alerting.policy import rules_of
from syncs.alerting.triggers import Rule
from syncs.choices import Subscription, TriggerKind
from syncs.models import AlertPolicy, AlertRecipient
from syncs.selectors.alerts import TriggerLine, active_alerts, trigger_lines
from syncs.services.alerts import Alerting, Recipient
from workspaces.permissions import Permission

MOST = 500


class RuleShape(serializers.Serializer[Any]):
    """When a trigger alerts. A threshold that is null is never reached."""

    enabled = serializers.BooleanField(default=True)
    warning = serializers.FloatField(allow_null=True, default=None)
    critical = serializers.FloatField(allow_null=True, default=None)
    percent = serializers.BooleanField(default=False, help_text="Rejected rows in hundredths of the queried ones")
    windowHours = serializers.IntegerField(default=168, help_text="How far back deliveries are added up")


class RecipientShape(serializers.Serializer[Any]):
    """Whom to tell: a channel or a person of the workspace."""

    channelId = serializers.CharField(required=False, allow_null=True)
    personId = serializers.CharField(required=False, allow_null=True)
    subscription = serializers.ChoiceField(choices=Subscription.choices, default=Subscription.ALL)


class AlertingShape(serializers.Serializer[Any]):
    """A policy. Triggers that are left out, and for a sync also recipients, are those of the layer below."""

    rules = serializers.DictField(child=RuleShape(), default=dict)
    recipients = RecipientShape(many=True, required=False, allow_null=True)
    reminderHours = serializers.IntegerField(allow_null=True, default=None)


class TriggerOut(serializers.Serializer[Any]):
    """How one trigger of a sync stands, and what holds for it."""

    trigger = serializers.CharField()
    level = serializers.CharField(help_text="ok, warning or critical")
    since = serializers.DateTimeField(allow_null=True)
    rule = RuleShape()
    rulesFrom = serializers.CharField(help_text="default, destination or sync")
    sentence = serializers.CharField()
    muted = serializers.BooleanField()
    mutedUntil = serializers.DateTimeField(allow_null=True)
    runId = serializers.CharField(allow_null=True)


class ActiveAlertOut(serializers.Serializer[Any]):
    """A trigger that alerts."""

    syncId = serializers.CharField()
    trigger = serializers.CharField()
    level = serializers.CharField()
    since = serializers.DateTimeField()
    muted = serializers.BooleanField()
    runId = serializers.CharField(allow_null=True)


class MuteIn(serializers.Serializer[Any]):
    """For how long; null until it is unmuted."""

    hours = serializers.FloatField(allow_null=True, default=None, min_value=0, max_value=24 * 365)


class ActiveAlertsView(ApiView):
    """What alerts in the workspace."""

    permission = {"GET": Permission.MEMBER}

    @extend_schema(operation_id="ListAlerts", responses={200: list_of(ActiveAlertOut), **error_answers()})
    def get(self, request: Request) -> Response:
        """Triggers that are not well, critical first, then the longest."""
        found = active_alerts(self.actor, limit=MOST)
        return Response(
            {
                "data": [
                    {
                        "syncId": str(state.sync_id),
                        "trigger": state.trigger,
                        "level": state.level,
                        "since": state.since,
                        "muted": state.muted_at is not None,
                        "runId": str(state.run_id) if state.run_id else None,
                    }
                    for state in found
                ],
                "hasMore": len(found) == MOST,
            }
        )


class SyncAlertsView(ApiView):
    """How the triggers of a sync stand."""

    permission = {"GET": Permission.MEMBER}

    @extend_schema(operation_id="ListSyncAlerts", responses={200: list_of(TriggerOut), **error_answers()})
    def get(self, request: Request, sync_id: int) -> Response:
        """Every trigger with its level and the rule that holds."""
        _, lines = trigger_lines(access.sync_for(self.actor, sync_id))
        return Response({"data": [_line_json(line) for line in lines], "hasMore": False})


class SyncAlertingView(ApiView):
    """What a sync has of its own."""

    permission = {"GET": Permission.MEMBER, "PUT": Permission.DRAFT_TO_DESTINATION}

    @extend_schema(operation_id="GetSyncAlerting", responses={200: AlertingShape, **error_answers()})
    def get(self, request: Request, sync_id: int) -> Response:
        """Its own thresholds and recipients; empty where its destination's hold."""
        sync = access.sync_for(self.actor, sync_id)
        return Response(_policy_json(AlertPolicy.objects.filter(sync=sync).first()))

    @extend_schema(
        operation_id="SetSyncAlerting", request=AlertingShape, responses={200: AlertingShape, **error_answers()}
    )
    def put(self, request: Request, sync_id: int) -> Response:
        """Replace them."""
        sync = access.sync_for(self.actor, sync_id)
        alerting = _alerting(self.body(AlertingShape))
        return Response(_policy_json(services.set_sync_alerting(actor=self.actor, sync=sync, alerting=alerting)))


class DestinationAlertingView(ApiView):
    """What holds for the syncs of a destination."""

    permission = {"GET": Permission.MEMBER, "PUT": Permission.DRAFT_TO_DESTINATION}

    @extend_schema(operation_id="GetDestinationAlerting", responses={200: AlertingShape, **error_answers()})
    def get(self, request: Request, destination_id: int) -> Response:
        """Its thresholds and recipients."""
        destination = destination_for(self.actor, destination_id)
        return Response(_policy_json(AlertPolicy.objects.filter(destination=destination).first()))

    @extend_schema(
        operation_id="SetDestinationAlerting", request=AlertingShape, responses={200: AlertingShape, **error_answers()}
    )
    def put(self, request: Request, destination_id: int) -> Response:
        """Replace them."""
        destination = destination_for(self.actor, destination_id)
        alerting = _alerting({"recipients": [], **self.body(AlertingShape)})
        saved = services.set_destination_alerting(actor=self.actor, destination=destination, alerting=alerting)
        return Response(_policy_json(saved))


class MuteAlertView(ApiView):
    """Not telling anybody of one trigger of a sync for a while."""

    permission = {"POST": Permission.TRIGGER, "DELETE": Permission.TRIGGER}

    @extend_schema(operation_id="MuteAlert", request=MuteIn, responses={204: None, **error_answers()})
    def post(self, request: Request, sync_id: int, trigger: str) -> Response:
        """Mute it."""
        sync = access.sync_for(self.actor, sync_id)
        hours = self.body(MuteIn)["hours"]
        duration = None if hours is None else timedelta(hours=hours)
        services.mute_alert(actor=self.actor, sync=sync, trigger=_trigger(trigger), duration=duration)
        return Response(status=204)

    @extend_schema(operation_id="UnmuteAlert", responses={204: None, **error_answers()})
    def delete(self, request: Request, sync_id: int, trigger: str) -> Response:
        """Tell people again."""
        sync = access.sync_for(self.actor, sync_id)
        services.unmute_alert(actor=self.actor, sync=sync, trigger=_trigger(trigger))
        return Response(status=204)


def _trigger(name: str) -> TriggerKind:
    if name not in TriggerKind.values:
        raise NotFound(f"There is no trigger “{name}”.", hint=f"There are {', '.join(TriggerKind.values)}.")
    return TriggerKind(name)


def _alerting(body: Mapping[str, Any]) -> Alerting:
    unknown = sorted(set(body["rules"]) - set(TriggerKind.values))
    if unknown:
        raise Invalid.field("rules", f"There is no trigger “{unknown[0]}”.")
    rules = {
        TriggerKind(name): Rule(
            enabled=rule["enabled"],
            warning=rule["warning"],
            critical=rule["critical"],
            percent=rule["percent"],
            window_hours=rule["windowHours"],
        )
        for name, rule in body["rules"].items()
    }
    given = body.get("recipients")
    return Alerting(rules, None if given is None else _recipients(given), body["reminderHours"])


def _recipients(given: Sequence[Mapping[str, Any]]) -> list[Recipient]:
    return [
        Recipient(Subscription(one["subscription"]), _id(one.get("channelId")), _id(one.get("personId")))
        for one in given
    ]


def _id(value: str | None) -> int | None:
    if value is None:
        return None
    if not value.isdecimal() or len(value) > 18:
        raise Invalid.field("recipients", f"“{value[:40]}” is no id.")
    return int(value)


def _rule_json(rule: Rule) -> dict[str, Any]:
    return {
        "enabled": rule.enabled,
        "warning": rule.warning,
        "critical": rule.critical,
        "percent": rule.percent,
        "windowHours": rule.window_hours,
    }


def _policy_json(policy: AlertPolicy | None) -> dict[str, Any]:
    """The wire shape of a policy; the trigger's own defaults are not part of it."""
    rows = AlertRecipient.objects.filter(policy=policy).order_by("pk") if policy else ()
    recipients = [
        {
            "channelId": str(row.channel_id) if row.channel_id else None,
            "personId": str(row.person_id) if row.person_id else None,
            "subscription": row.subscription,
        }
        for row in rows
    ]
    return {
        "rules": {kind.value: _rule_json(rule) for kind, rule in rules_of(policy).items()},
        "recipients": recipients if policy and policy.own_recipients else None,
        "reminderHours": policy.reminder_hours if policy else None,
    }


def _line_json(line: TriggerLine) -> dict[str, Any]:
    state = line.state
    return {
        "trigger": line.trigger.kind.value,
        "level": line.level.value,
        "since": state.since if state else None,
        "rule": _rule_json(line.rule),
        "rulesFrom": line.origin.value,
        "sentence": line.sentence,
        "muted": line.muted,
        "mutedUntil": state.muted_until if state and line.muted else None,
        "runId": str(state.run_id) if state and state.run_id else None,
    }
