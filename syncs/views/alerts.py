"""Alerts of a sync, and what a destination's syncs alert at."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from config.errors import HeadraceError, Invalid
from config.htmx import go_to
from config.ui.listing import Column
from connectors.choices import Kind
from connectors.models import Destination
from connectors.views.detail import DetailView
from governance.audit.actors import Actor
from syncs import access, services
from syncs.alerting.policy import rules_of
from syncs.alerting.triggers import TRIGGERS, Rule
from syncs.choices import TriggerKind
from syncs.forms.alerts import MUTES, RulesForm, alerting_from, recipients_formset
from syncs.models import AlertPolicy, AlertRecipient, Sync
from syncs.selectors.alerts import history, trigger_lines
from syncs.views.base import PageView
from syncs.views.sync_detail import SyncPage
from workspaces.access import may
from workspaces.permissions import CONFIGURE_TO_DESTINATION, Permission

STATE_COLUMNS = [
    Column("State", fit=True),
    Column("Trigger"),
    Column("What was found"),
    Column("Since"),
    Column("Actions", fit=True, hidden_label=True),
]
HISTORY_COLUMNS = [Column("When", fit=True), Column("Trigger"), Column("Change"), Column("Told")]
RULE_COLUMNS = [
    Column("Trigger"),
    Column("Watch", fit=True),
    Column("Warning"),
    Column("Critical"),
    Column("Counted in"),
]
RECIPIENT_COLUMNS = [Column("Recipient"), Column("Told of"), Column("Actions", fit=True, hidden_label=True)]


class SyncAlerts(SyncPage):
    """How the sync's triggers stand, its thresholds and recipients, and what changed and who was told."""

    route = "sync_alerts"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The tab."""
        sync = access.sync_for(self.actor, pk)
        policy = _policy(sync=sync)
        return self._page(sync, _rules_form(sync, policy), recipients_formset(stored=_recipients(policy)))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Save what the sync has of its own."""
        sync = access.sync_for(self.actor, pk)
        rules, people = _rules_form(sync, _policy(sync=sync), request.POST), recipients_formset(request.POST)
        if not (rules.is_valid() & people.is_valid()):
            return self._page(sync, rules, people, 422)
        try:
            services.set_sync_alerting(actor=self.actor, sync=sync, alerting=alerting_from(rules, people))
        except Invalid as error:
            rules.take(error)
            return self._page(sync, rules, people, 422)
        return go_to(request, self.url("sync_alerts", pk), "Saved. It holds from the next look on.")

    def _page(self, sync: Sync, rules: RulesForm, people: Any, status: int = 200) -> HttpResponse:
        policy, lines = trigger_lines(sync)
        context = {
            "lines": lines,
            "history": history(sync),
            "policy": policy,
            "rules": rules,
            "recipients": people,
            "mutes": [(key, words) for key, (words, _) in MUTES.items()],
            "state_columns": STATE_COLUMNS,
            "history_columns": HISTORY_COLUMNS,
            **_shared(self.actor, self.here.workspace.slug),
            "destination_alerting_url": reverse(
                "syncs:destination_alerting", args=[self.here.workspace.slug, sync.destination_id]
            ),
        }
        return self.page(sync, "syncs/syncs/alerts.html", context, status)


class MuteAlert(PageView):
    """The mute of one trigger of a sync; ``for=off`` ends it."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int, trigger: str) -> HttpResponse:
        """Mute or unmute, and go back to the alerts."""
        if trigger not in TriggerKind.values:
            raise Http404(f"There is no trigger “{trigger}”.")
        sync, kind = access.sync_for(self.actor, pk), TriggerKind(trigger)
        here = self.url("sync_alerts", pk)
        chosen = request.POST.get("for", "")
        try:
            if chosen == "off":
                services.unmute_alert(actor=self.actor, sync=sync, trigger=kind)
                return go_to(request, here, f"{kind.label}: people are told again.")
            words, duration = MUTES.get(chosen, MUTES["1h"])
            services.mute_alert(actor=self.actor, sync=sync, trigger=kind, duration=duration)
        except HeadraceError as error:
            return go_to(request, here, f"{error.message} {error.hint}".strip(), tone="bad")
        return go_to(request, here, f"{kind.label}: nobody is told. {_until(words)}")


class DestinationAlerting(DetailView):
    """What holds for all syncs of a destination that have nothing of their own."""

    kind = Kind.DESTINATION

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The tab."""
        row = self.row(pk)
        policy = _policy(destination=row)
        return self._page(row, RulesForm(policy=policy), recipients_formset(stored=_recipients(policy)))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Save."""
        row = self.row(pk)
        assert isinstance(row, Destination)
        rules = RulesForm(request.POST, policy=_policy(destination=row))
        people = recipients_formset(request.POST)
        if not (rules.is_valid() & people.is_valid()):
            return self._page(row, rules, people, 422)
        try:
            services.set_destination_alerting(
                actor=self.here.actor, destination=row, alerting=alerting_from(rules, people)
            )
        except Invalid as error:
            rules.take(error)
            return self._page(row, rules, people, 422)
        here = reverse("syncs:destination_alerting", args=[self.here.workspace.slug, pk])
        return go_to(request, here, "Saved. It holds from the next look on.")

    def _page(self, row: Any, rules: RulesForm, people: Any, status: int = 200) -> HttpResponse:
        context = {
            "rules": rules,
            "recipients": people,
            "may_configure": may(self.here.actor, CONFIGURE_TO_DESTINATION, destination_id=row.pk),
            **_shared(self.here.actor, self.here.workspace.slug),
        }
        return self.page(row, "alerting", "syncs/destination_alerting.html", context, status)


def _shared(actor: Actor, slug: str) -> dict[str, Any]:
    manages = may(actor, Permission.MANAGE_WORKSPACE)
    return {
        "rule_columns": RULE_COLUMNS,
        "recipient_columns": RECIPIENT_COLUMNS,
        "channels_url": reverse("notifications:channels", args=[slug]) if manages else "",
    }


def _policy(**owner: Any) -> AlertPolicy | None:
    return AlertPolicy.objects.filter(**owner).first()


def _recipients(policy: AlertPolicy | None) -> list[AlertRecipient]:
    return list(AlertRecipient.objects.filter(policy=policy)) if policy else []


def _rules_form(sync: Sync, policy: AlertPolicy | None, data: Any = None) -> RulesForm:
    """The form of a sync, which may leave each rule to its destination."""
    theirs = rules_of(_policy(destination=sync.destination_id))
    inherited: dict[TriggerKind, Rule] = {kind: theirs.get(kind, TRIGGERS[kind].default) for kind in TRIGGERS}
    return RulesForm(data, policy=policy, inherited=inherited)


def _until(words: str) -> str:
    return "It stays so until it is unmuted." if words.startswith("Until") else f"This ends by itself in {words}."
