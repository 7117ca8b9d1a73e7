"""What holds for a sync: its own thresholds and recipients over its destination's over the defaults."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from django.db.models import Q

from syncs.alerting.triggers import TRIGGERS, Rule, rule_from
from syncs.choices import TriggerKind
from syncs.models import AlertPolicy, AlertRecipient, Sync


class Origin(StrEnum):
    """Where something that holds for a sync was set."""

    DEFAULT = "default"
    DESTINATION = "destination"
    SYNC = "sync"


@dataclass(frozen=True, slots=True)
class Effective:
    """The rules, recipients and reminder of one sync, each with where it comes from."""

    rules: Mapping[TriggerKind, Rule]
    origins: Mapping[TriggerKind, Origin]
    recipients: tuple[AlertRecipient, ...]
    recipients_from: Origin
    reminder_hours: int | None


def effective_policy(sync: Sync) -> Effective:
    """What holds for a sync: two statements."""
    return effective_policies([sync])[sync.pk]


def effective_policies(syncs: Iterable[Sync]) -> dict[int, Effective]:
    """What holds for several syncs, in two statements however many they are."""
    wanted = list(syncs)
    owners = Q(sync__in=[s.pk for s in wanted]) | Q(destination__in={s.destination_id for s in wanted})
    people = AlertRecipient.objects.select_related("channel", "person")
    policies = list(AlertPolicy.objects.filter(owners))
    recipients: dict[int, list[AlertRecipient]] = {policy.pk: [] for policy in policies}
    for recipient in people.filter(policy__in=policies).order_by("pk") if policies else ():
        recipients[recipient.policy_id].append(recipient)
    by_sync = {policy.sync_id: policy for policy in policies if policy.sync_id}
    by_destination = {policy.destination_id: policy for policy in policies if policy.destination_id}
    return {
        sync.pk: _merged(by_destination.get(sync.destination_id), by_sync.get(sync.pk), recipients) for sync in wanted
    }


def rules_of(policy: AlertPolicy | None) -> dict[TriggerKind, Rule]:
    """A policy's own rules."""
    stored = policy.rules if policy else {}
    return {kind: rule for kind in TriggerKind if (rule := rule_from(kind, stored.get(kind.value)))}


def _merged(
    destination: AlertPolicy | None, sync: AlertPolicy | None, recipients: Mapping[int, list[AlertRecipient]]
) -> Effective:
    layers = ((Origin.SYNC, rules_of(sync)), (Origin.DESTINATION, rules_of(destination)))
    rules: dict[TriggerKind, Rule] = {}
    origins: dict[TriggerKind, Origin] = {}
    for kind in TRIGGERS:
        origin, rule = next(
            ((origin, own[kind]) for origin, own in layers if kind in own), (Origin.DEFAULT, TRIGGERS[kind].default)
        )
        rules[kind], origins[kind] = rule, origin
    own = sync is not None and sync.own_recipients
    speaks = sync if own else destination
    return Effective(
        rules=rules,
        origins=origins,
        recipients=tuple(recipients.get(speaks.pk, ())) if speaks else (),
        recipients_from=Origin.SYNC if own else Origin.DESTINATION,
        reminder_hours=speaks.reminder_hours if speaks else None,
    )
