"""What the engine and the monitor write about alerts: run history, not audited.

Whoever calls these holds the sync's row lock, so a trigger is judged by one at a time. What
is told leaves through the outbox, written in the same transaction as the state it tells of.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import reduce
from operator import or_

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from connectors.models import OAuthToken
from notifications.choices import Phase
from notifications.services import queue_notification
from syncs import access
from syncs.alerting.machine import Measured, Standing, after, announce, seen_by
from syncs.alerting.measures import History, Measure, history_of, measure
from syncs.alerting.messages import alert_message
from syncs.alerting.policy import Effective, Origin, effective_policy
from syncs.alerting.triggers import TRIGGERS, Rule
from syncs.choices import AlertLevel, RunStatus, Subscription, TriggerKind
from syncs.models import AlertPolicy, AlertState, AlertTransition, Sync

logger = logging.getLogger(__name__)
CATCH_UP = timedelta(days=1)
TIMED = tuple(kind for kind, trigger in TRIGGERS.items() if trigger.timed)


def judge_after_run(sync: Sync, now: datetime, kinds: Iterable[TriggerKind] = tuple(TRIGGERS)) -> None:
    """Judge triggers as a run ends or is held, inside the transaction that does so.

    An error here costs no run: the monitor finds the sync unjudged and makes up for it.
    """
    try:
        with transaction.atomic():
            judge(sync, now, kinds)
    except Exception:
        logger.exception("alerts of sync %s could not be judged", sync.pk)


def judge(sync: Sync, now: datetime, kinds: Iterable[TriggerKind] = tuple(TRIGGERS)) -> None:
    """Bring the states of some triggers up to date and tell people what changed."""
    policy = effective_policy(sync)
    history = history_of(sync, policy.rules, now)
    states = {TriggerKind(s.trigger): s for s in AlertState.objects.filter(sync=sync).select_related("run")}
    for kind in kinds:
        rule, state = policy.rules[kind], states.get(kind)
        if state is None and (rule.enabled or kind is TriggerKind.FATAL):
            state = states[kind] = AlertState(workspace_id=sync.workspace_id, sync=sync, trigger=kind, since=now)
        if state is not None:
            _judge_one(state, rule, history, told_by_failure=kind is TriggerKind.REJECTED and _fails(states))
    for state in states.values():
        _tell(state, sync, policy, now)


def unwatched_syncs(now: datetime) -> list[tuple[int, int]]:
    """(workspace id, sync id) of syncs that the monitor has to look at. Across all workspaces.

    Those with an alert or something untold, with a trigger that depends on time, and those whose
    latest run ended without being judged.
    """
    enabled = {f"rules__{kind}__enabled": True for kind in (TriggerKind.DURATION, TriggerKind.THROUGHPUT)}
    timed = reduce(or_, (Q(**{name: value}) for name, value in enabled.items()))
    policies = AlertPolicy.objects.filter(timed)
    by_policy = Q(pk__in=policies.values("sync_id")) | Q(destination_id__in=policies.values("destination_id"))
    open_states = AlertState.objects.filter(~Q(level=AlertLevel.OK) | ~Q(announced=AlertLevel.OK))
    judged = AlertState.objects.filter(
        sync=OuterRef("pk"), trigger=TriggerKind.FATAL, judged_run=OuterRef("last_run_id")
    )
    unjudged = Q(~Exists(judged), last_run__finished_at__gte=now - CATCH_UP)
    held = Q(last_run__status=RunStatus.HELD)
    refused = OAuthToken.objects.filter(refused_at__isnull=False)
    signed_out = Q(destination__in=refused.values("destination")) | Q(model__source__in=refused.values("source"))
    syncs = Sync.objects.filter(by_policy | Q(pk__in=open_states.values("sync_id")) | unjudged | held | signed_out)
    return list(syncs.order_by("pk").values_list("workspace_id", "pk"))


@transaction.atomic
def watch_sync(sync_id: int, now: datetime) -> bool:
    """Judge a sync's triggers that depend on time, unless somebody else is at it.

    All of them where its latest run has not been judged.
    """
    rows = Sync.objects.select_for_update(no_key=True, skip_locked=True, of=("self",))
    sync = rows.select_related("model", "destination", "last_run").filter(pk=sync_id).first()
    if sync is None:
        return False
    fatal = AlertState.objects.filter(sync=sync, trigger=TriggerKind.FATAL, judged_run=sync.last_run_id)
    ended = sync.last_run is not None and not sync.last_run.live
    judge(sync, now, tuple(TRIGGERS) if ended and not fatal.exists() else TIMED)
    return True


def close_alerts(sync: Sync, now: datetime) -> None:
    """The sync is about to be deleted: who was told of an alert is told that it is over, and incidents are resolved."""
    policy = effective_policy(sync)
    for state in AlertState.objects.filter(sync=sync).exclude(announced=AlertLevel.OK):
        state.summary, state.run = "The sync was deleted.", None
        _send(state, sync, policy, AlertLevel(state.announced), AlertLevel.OK, now, gone=True)


def _fails(states: Mapping[TriggerKind, AlertState]) -> bool:
    """Whether failed runs alert already: one cause is told once, as the failure that it is."""
    fatal = states.get(TriggerKind.FATAL)
    return fatal is not None and fatal.level != AlertLevel.OK


def _judge_one(state: AlertState, rule: Rule, history: History, *, told_by_failure: bool) -> None:
    kind = TriggerKind(state.trigger)
    worst = _worst(kind, rule, history)
    if worst is not None and worst.partial and told_by_failure:
        worst = None
    standing = Standing(AlertLevel(state.level), AlertLevel(state.announced))
    measured = Measured(TRIGGERS[kind].level(rule, worst.value), worst.partial) if worst else None
    level = after(standing, measured).level
    # What a partial reading did not change, it does not describe either.
    if worst is not None and not (worst.partial and measured and measured.level != level):
        state.value, state.summary, state.run = worst.value, worst.summary[:600], worst.run
    state.judged_run = history.latest.pk if history.latest else None
    if level != state.level:
        _change(state, level, history.now)
    state.save()


def _worst(kind: TriggerKind, rule: Rule, history: History) -> Measure | None:
    """The reading that is furthest on; a trigger that is off reads that nothing is wrong."""
    if not rule.enabled:
        return Measure(0, "The trigger was switched off.", history.latest)
    readings = measure(kind, rule, history)
    trigger = TRIGGERS[kind]
    return max(readings, key=lambda m: (trigger.level(rule, m.value).rank, bool(m.run)), default=None)


def _change(state: AlertState, level: AlertLevel, now: datetime) -> None:
    """A new level, with its line in the history."""
    before, state.level = state.level, level
    if before == AlertLevel.OK:
        state.since = now
    state.save()
    AlertTransition.objects.create(
        workspace_id=state.workspace_id,
        state=state,
        before=before,
        after=level,
        at=now,
        value=state.value,
        summary=state.summary,
        run=state.run,
        muted=state.is_muted(now),
    )


def _tell(state: AlertState, sync: Sync, policy: Effective, now: datetime) -> None:
    """Tell people what they do not know yet, or remind them of what lasts."""
    standing = Standing(AlertLevel(state.level), AlertLevel(state.announced))
    standing, known = announce(standing, muted=state.is_muted(now))
    if known is not None:
        _send(state, sync, policy, known, standing.level, now)
        state.announced = standing.announced
        state.told_at = now if standing.level != AlertLevel.OK else None
        state.save()
    elif _reminder_due(state, policy, now):
        _send(state, sync, policy, AlertLevel.OK, standing.level, now, Phase.REMINDER)
        state.told_at = now
        state.save()


def _reminder_due(state: AlertState, policy: Effective, now: datetime) -> bool:
    if policy.reminder_hours is None or state.told_at is None or state.is_muted(now):
        return False
    return state.level != AlertLevel.OK and now >= state.told_at + timedelta(hours=policy.reminder_hours)


def _send(
    state: AlertState,
    sync: Sync,
    policy: Effective,
    before: AlertLevel,
    level: AlertLevel,
    now: datetime,
    phase: Phase | None = None,
    *,
    gone: bool = False,
) -> None:
    """One notification to each recipient for whom the change is one; without a link where the sync is ``gone``.

    Of a sync in a space only people who see it are told, and channels that were chosen for that very sync; those of
    its destination, whose readers may see another space, are told without its name.
    """
    transition = state.transitions.order_by("-pk").first()
    topic = transition.topic if transition else f"alert-state:{state.pk}"
    for recipient in policy.recipients:
        if recipient.person is not None and not access.sees(recipient.person, sync):
            continue
        subscription = Subscription(recipient.subscription)
        known, news = seen_by(subscription, before), seen_by(subscription, level)
        if known == news:
            continue
        rule = policy.rules[TriggerKind(state.trigger)]
        named = recipient.person is not None or policy.recipients_from is Origin.SYNC or sync.space_id is None
        message = alert_message(state, sync, rule, known, news, phase or _phase(known, news), now, named=named)
        if gone:
            message = replace(message, url="", url_label="")
        queue_notification(message=message, topic=topic, channel=recipient.channel, person=recipient.person)


def _phase(before: AlertLevel, level: AlertLevel) -> Phase:
    if level == AlertLevel.OK:
        return Phase.RESOLVED
    return Phase.OPENED if before == AlertLevel.OK else Phase.CHANGED
