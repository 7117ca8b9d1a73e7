"""What people set about alerts: thresholds, recipients and mutes. They hold from the next look on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils import timezone

from config.errors import Conflict, Invalid
from connectors.access import destination_for
from connectors.models import Destination
from governance.audit.actors import Actor
from governance.audit.services import changes, record, service, unchanged
from notifications.models import Channel
from notifications.selectors import people_here
from syncs import access
from syncs.alerting.triggers import TRIGGERS, Rule
from syncs.choices import Subscription, TriggerKind
from syncs.models import AlertPolicy, AlertRecipient, AlertState, Sync
from workspaces.access import require
from workspaces.models import User
from workspaces.permissions import CONFIGURE_TO_DESTINATION

LONGEST_REMINDER_HOURS = 24 * 30


@dataclass(frozen=True, slots=True)
class Recipient:
    """Whom to tell, of what: a channel or a person, by id."""

    subscription: Subscription
    channel_id: int | None = None
    person_id: int | None = None


@dataclass(frozen=True, slots=True)
class Alerting:
    """All that a policy says. For a sync, ``recipients=None`` leaves them to its destination."""

    rules: Mapping[TriggerKind, Rule]
    recipients: Sequence[Recipient] | None
    reminder_hours: int | None = None


@service("destination.alerting_changed")
def set_destination_alerting(*, actor: Actor, destination: Destination, alerting: Alerting) -> AlertPolicy:
    """Set what holds for all syncs of a destination that have nothing of their own."""
    destination = destination_for(actor, destination.pk, lock=True)
    require(actor, CONFIGURE_TO_DESTINATION, destination_id=destination.pk)
    policy = AlertPolicy.objects.filter(destination=destination).first()
    policy = policy or AlertPolicy(workspace_id=destination.workspace_id, destination=destination)
    _store(policy, alerting, destination)
    return policy


@service("sync.alerting_changed")
def set_sync_alerting(*, actor: Actor, sync: Sync, alerting: Alerting) -> AlertPolicy:
    """Set what one sync has of its own."""
    sync = access.sync_to_configure(actor, sync.pk)
    policy = AlertPolicy.objects.filter(sync=sync).first() or AlertPolicy(workspace_id=sync.workspace_id, sync=sync)
    _store(policy, alerting, sync)
    return policy


@service("sync.alert_muted")
def mute_alert(*, actor: Actor, sync: Sync, trigger: TriggerKind, duration: timedelta | None) -> AlertState:
    """Tell nobody of one trigger of a sync for a while, or until it is unmuted; its state still follows."""
    sync = access.sync_to_trigger(actor, sync.pk)
    if duration is not None and duration <= timedelta(0):
        raise Invalid.field("duration", "Longer than nothing.")
    now = timezone.now()
    state = AlertState.objects.filter(sync=sync, trigger=trigger).first()
    state = state or AlertState(workspace_id=sync.workspace_id, sync=sync, trigger=trigger, since=now)
    state.muted_at, state.muted_until, state.muted_by = now, now + duration if duration else None, actor.label[:320]
    state.save()
    until = state.muted_until.isoformat() if state.muted_until else "unmuted"
    record(sync, after={"trigger": trigger.value, "until": until})
    return state


@service("sync.alert_unmuted")
def unmute_alert(*, actor: Actor, sync: Sync, trigger: TriggerKind) -> AlertState:
    """Tell people of a trigger again; what holds by then is told at the next look."""
    sync = access.sync_to_trigger(actor, sync.pk)
    state = AlertState.objects.filter(sync=sync, trigger=trigger).first()
    if state is None:
        raise Conflict("This alert is not muted.")
    if not state.is_muted(timezone.now()):
        unchanged()
        return state
    state.muted_at, state.muted_until, state.muted_by = None, None, ""
    state.save()
    record(sync, before={"trigger": trigger.value})
    return state


def _store(policy: AlertPolicy, alerting: Alerting, owner: Sync | Destination) -> None:
    problems = _problems(alerting)
    channels, people = _known(alerting.recipients or ())
    for recipient in alerting.recipients or ():
        if recipient.channel_id not in channels and recipient.person_id not in people:
            problems["recipients"] = "One of them is not in this workspace any more."
    if problems:
        raise Invalid("Some of the alerting is not right.", fields=problems)
    before = _facts(policy)
    policy.rules = {kind.value: rule.to_json() for kind, rule in alerting.rules.items()}
    policy.own_recipients = alerting.recipients is not None
    policy.reminder_hours = alerting.reminder_hours
    policy.save()
    _replace_recipients(policy, alerting.recipients or (), channels, people)
    difference = changes(before, _facts(policy))
    if not difference:
        unchanged()
        return
    record(owner, before=difference.before, after=difference.after)


def _problems(alerting: Alerting) -> dict[str, str]:
    found = {
        f"{kind.value}.{name}": words
        for kind, rule in alerting.rules.items()
        for name, words in TRIGGERS[kind].problems(rule).items()
    }
    hours = alerting.reminder_hours
    if hours is not None and not 1 <= hours <= LONGEST_REMINDER_HOURS:
        found["reminder_hours"] = f"Between 1 and {LONGEST_REMINDER_HOURS} hours."
    named = [(r.channel_id, r.person_id) for r in alerting.recipients or ()]
    if len(set(named)) < len(named):
        found["recipients"] = "The same recipient is named twice."
    return found


def _known(recipients: Sequence[Recipient]) -> tuple[dict[int, Channel], dict[int, User]]:
    """The channels and people that are named and exist here; people who may open the workspace."""
    channels = Channel.objects.filter(pk__in=[r.channel_id for r in recipients if r.channel_id])
    people = people_here() if any(r.person_id for r in recipients) else []
    return {c.pk: c for c in channels}, {p.pk: p for p in people}


def _replace_recipients(
    policy: AlertPolicy, recipients: Sequence[Recipient], channels: Mapping[int, Channel], people: Mapping[int, User]
) -> None:
    AlertRecipient.objects.filter(policy=policy).delete()
    AlertRecipient.objects.bulk_create(
        AlertRecipient(
            workspace_id=policy.workspace_id,
            policy=policy,
            channel=channels.get(recipient.channel_id or 0),
            person=people.get(recipient.person_id or 0),
            subscription=recipient.subscription,
        )
        for recipient in recipients
    )


def _facts(policy: AlertPolicy) -> dict[str, Any]:
    named = policy.recipients.select_related("channel", "person") if policy.pk else ()
    return {
        "rules": policy.rules,
        "recipients": [f"{recipient} ({recipient.get_subscription_display()})" for recipient in named],
        "own_recipients": policy.own_recipients,
        "reminder_hours": policy.reminder_hours,
    }
