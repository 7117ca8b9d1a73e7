"""A sync somebody is told about, and what they were told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from notifications.models import Notification
from syncs import services
from syncs.alerting.triggers import TRIGGERS, Rule
from syncs.choices import Subscription, TriggerKind
from syncs.models import AlertState, Run, Sync
from syncs.scheduler import watch_alerts
from syncs.services.alerts import Alerting, Recipient
from tests.syncs.app.shop import Shop


@dataclass
class Watched:
    """A sync and its alerts."""

    shop: Shop
    sync: Sync

    def set(
        self,
        rules: Mapping[TriggerKind, Rule] | None = None,
        *,
        subscription: Subscription = Subscription.ALL,
        reminder_hours: int | None = None,
    ) -> None:
        """Thresholds of the sync's own, told to the owner."""
        owner = Recipient(subscription, person_id=self.shop.place.owner.pk)
        services.set_sync_alerting(
            actor=self.shop.actor, sync=self.sync, alerting=Alerting(rules or {}, [owner], reminder_hours)
        )

    def run(self, *, broken: int = 0, fails: bool = False) -> Run:
        """A run of ten customers of whom some are refused; or one whose destination has lost its table."""
        plan = f"CASE WHEN id <= {broken} THEN 'broken' ELSE 'free' END"
        self.shop.query(f"UPDATE customers SET plan = {plan}")
        table = self.shop.table
        if fails:
            self.shop.at_destination(f"ALTER TABLE {table} RENAME TO {table}_away")
        try:
            return self.shop.run(self.sync)
        finally:
            if fails:
                self.shop.at_destination(f"ALTER TABLE {table}_away RENAME TO {table}")

    def told(self) -> list[str]:
        """Phase and severity of what was written to the outbox, oldest first."""
        messages = Notification.objects.order_by("pk").values_list("message", flat=True)
        return [f"{message['phase']} {message['severity']}" for message in messages]

    def messages(self) -> list[dict[str, Any]]:
        """What was written to the outbox."""
        return list(Notification.objects.order_by("pk").values_list("message", flat=True))

    def state(self, kind: TriggerKind) -> AlertState:
        """How a trigger stands."""
        return AlertState.objects.get(sync=self.sync, trigger=kind)

    def watch(self, *, later: timedelta = timedelta(0)) -> datetime:
        """What the scheduler does every few minutes, now or after a while."""
        now = timezone.now() + later
        watch_alerts(now)
        return now


def rule(kind: TriggerKind, **changed: Any) -> dict[TriggerKind, Rule]:
    """One rule, switched on, with some of it changed."""
    values = {**TRIGGERS[kind].default.to_json(), "enabled": True, **changed}
    return {kind: Rule(**values)}
