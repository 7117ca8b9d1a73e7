"""How syncs stand: rollups for lists, and the alerts of one sync with their history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import QuerySet
from django.utils import timezone

from governance.audit.actors import Actor
from notifications.models import Notification
from notifications.selectors import deliveries_of
from syncs.access import of_syncs_on
from syncs.alerting.policy import Effective, Origin, effective_policy
from syncs.alerting.triggers import TRIGGERS, Rule, TriggerType
from syncs.choices import AlertLevel, TriggerKind
from syncs.models import AlertState, AlertTransition, Sync
from workspaces.access import require
from workspaces.permissions import Permission

HISTORY = 25


@dataclass(frozen=True, slots=True)
class Rollup:
    """How many of a sync's triggers alert, by level; muted ones count and are counted apart."""

    critical: int = 0
    warning: int = 0
    muted: int = 0

    @property
    def active(self) -> int:
        """Triggers that alert."""
        return self.critical + self.warning

    @property
    def level(self) -> AlertLevel:
        """The worst of them."""
        if self.critical:
            return AlertLevel.CRITICAL
        return AlertLevel.WARNING if self.warning else AlertLevel.OK


@dataclass(frozen=True, slots=True)
class TriggerLine:
    """One trigger of a sync: what holds for it, and how it stands."""

    trigger: TriggerType
    rule: Rule
    origin: Origin
    state: AlertState | None
    muted: bool

    @property
    def sentence(self) -> str:
        """What holds, in words."""
        return self.trigger.sentence(self.rule)

    @property
    def level(self) -> AlertLevel:
        """How it stands; nothing judged is no alert."""
        return AlertLevel(self.state.level) if self.state else AlertLevel.OK


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One change, and who was told of it."""

    transition: AlertTransition
    trigger: TriggerType
    notifications: Sequence[Notification] = field(default=())


def rollups(sync_ids: Sequence[int], now: datetime | None = None) -> dict[int, Rollup]:
    """The rollup of several syncs, in one statement; those without an alert too."""
    now = now or timezone.now()
    counts: dict[int, dict[str, int]] = {pk: {} for pk in sync_ids}
    for state in _active().filter(sync__in=sync_ids) if sync_ids else ():
        count = counts[state.sync_id]
        count[state.level] = count.get(state.level, 0) + 1
        count["muted"] = count.get("muted", 0) + state.is_muted(now)
    return {pk: Rollup(**count) for pk, count in counts.items()}


def active_alerts(actor: Actor, *, limit: int = 20) -> list[AlertState]:
    """What alerts in the workspace, critical first, then the longest; muted ones too."""
    require(actor, Permission.MEMBER)
    states = of_syncs_on(_active(), actor).select_related("sync__model", "sync__destination", "run")
    states = states.defer("run__spec", "run__job", "run__prepared", "sync__settings", "sync__mappings")
    # "critical" comes before "warning".
    return list(states.order_by("level", "since", "pk")[:limit])


def trigger_lines(sync: Sync, now: datetime | None = None) -> tuple[Effective, list[TriggerLine]]:
    """What holds for a sync, and each trigger with how it stands: three statements."""
    now, policy = now or timezone.now(), effective_policy(sync)
    states = {TriggerKind(s.trigger): s for s in AlertState.objects.filter(sync=sync).select_related("run")}
    lines = []
    for kind, trigger in TRIGGERS.items():
        state = states.get(kind)
        muted = state is not None and state.is_muted(now)
        lines.append(TriggerLine(trigger, policy.rules[kind], policy.origins[kind], state, muted))
    return policy, lines


def history(sync: Sync, *, limit: int = HISTORY) -> list[HistoryLine]:
    """The latest changes of a sync's triggers, newest first, with who was told: two statements."""
    rows = AlertTransition.objects.filter(state__sync=sync).select_related("state", "run").order_by("-pk")
    transitions = list(rows.defer("run__spec", "run__job", "run__prepared")[:limit])
    told = deliveries_of([transition.topic for transition in transitions])
    return [HistoryLine(t, TRIGGERS[TriggerKind(t.state.trigger)], told[t.topic]) for t in transitions]


def _active() -> QuerySet[AlertState]:
    return AlertState.objects.exclude(level=AlertLevel.OK)
