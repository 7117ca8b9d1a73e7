"""What people are told of an alert: written for somebody who was just woken up. No row values, no secrets."""

from __future__ import annotations

from datetime import datetime
from uuid import uuid4

from django.conf import settings
from django.urls import reverse

from notifications.choices import Phase, Severity
from notifications.message import Message
from syncs.alerting.measures import span_words
from syncs.alerting.scrubbing import scrubbed
from syncs.alerting.triggers import TRIGGERS, Rule
from syncs.choices import AlertLevel, TriggerKind
from syncs.models import AlertState, Run, Sync
from workspaces.models import Workspace

_SEVERITY = {
    AlertLevel.CRITICAL: Severity.CRITICAL,
    AlertLevel.WARNING: Severity.WARNING,
    AlertLevel.OK: Severity.OK,
}
_HEADLINES = {
    TriggerKind.FATAL: "runs fail",
    TriggerKind.REJECTED: "rows are rejected",
    TriggerKind.HELD: "a run is held",
    TriggerKind.MODEL_SIZE: "the model returned few rows",
    TriggerKind.DURATION: "a run takes long",
    TriggerKind.THROUGHPUT: "few rows are delivered",
    TriggerKind.CONSENT: "a sign-in has expired",
}
_ADVICE = {
    TriggerKind.FATAL: "Open the run, correct what it names, then run the sync again. Nothing is lost: the next run "
    "that completes delivers everything that is due.",
    TriggerKind.REJECTED: "Open the run: its errors are grouped by message, with the rows of each. Rejected rows are "
    "tried again by every run.",
    TriggerKind.HELD: "Open the run, look at what it would do, then release or drop it. Later runs wait until then.",
    TriggerKind.MODEL_SIZE: "Check the model's query and the tables it reads: rows that left the model may be removed "
    "at the destination.",
    TriggerKind.DURATION: "Open the run to see which phase takes the time; it can be cancelled there.",
    TriggerKind.THROUGHPUT: "Check that the sync's schedule is on and that its model still changes.",
    TriggerKind.CONSENT: "Open the connection and connect it again. Nothing is lost: the next run after that delivers "
    "everything that is due.",
}


def alert_message(
    state: AlertState,
    sync: Sync,
    rule: Rule,
    before: AlertLevel,
    after: AlertLevel,
    phase: Phase,
    now: datetime,
    *,
    named: bool = True,
) -> Message:
    """The message about a change from one level to another, as one kind of recipient sees the two.

    Unless ``named`` neither the sync nor its model is: it is in a space that not all readers may see.
    """
    workspace = Workspace.objects.get(pk=sync.workspace_id)
    kind, run = TriggerKind(state.trigger), state.run
    name = name_of(sync) if named else f"A sync to {sync.destination.name}"
    over = after == AlertLevel.OK
    failed = run is not None and kind is TriggerKind.FATAL and not over
    return Message(
        id=uuid4().hex,
        thread=f"headrace-alert-{state.thread}",
        phase=phase,
        severity=_SEVERITY[after],
        title=_title(kind, name, before, after, phase),
        summary=_summary(state, after, now),
        at=now,
        workspace=workspace.name,
        source=name,
        words=scrubbed(run.error_message) if failed and run and named else "",
        advice=""
        if over
        else (scrubbed(run.error_hint) if failed and named and run and run.error_hint else _ADVICE[kind]),
        facts=_facts(state, sync, rule, over=over, named=named),
        url=settings.BASE_URL + address_of(workspace, sync, run),
        url_label=f"Open run {run.number}" if run else "Open the sync",
    )


def name_of(sync: Sync) -> str:
    """What the sync is called, or what it joins."""
    return sync.name or f"{sync.model.name} → {sync.destination.name}"


def address_of(workspace: Workspace, sync: Sync, run: Run | None) -> str:
    """The page to open first: the run's, or the sync's alerts."""
    if run is not None:
        return reverse("syncs:run", args=[workspace.slug, sync.pk, run.pk])
    return reverse("syncs:sync_alerts", args=[workspace.slug, sync.pk])


def _title(kind: TriggerKind, name: str, before: AlertLevel, after: AlertLevel, phase: Phase) -> str:
    headline = _HEADLINES[kind]
    if after == AlertLevel.OK:
        return f"Recovered: {name} – no longer: {headline}"
    if phase is Phase.REMINDER:
        return f"Still {after.label.lower()}: {name} – {headline}"
    if before.rank > after.rank:
        return f"Now only a warning: {name} – {headline}"
    return f"{after.label}: {name} – {headline}"


def _summary(state: AlertState, after: AlertLevel, now: datetime) -> str:
    """What is the case, and how long it has been."""
    if after != AlertLevel.OK:
        return state.summary
    return f"{state.summary} The alert lasted {span_words(now - state.since)}."


def _facts(state: AlertState, sync: Sync, rule: Rule, *, over: bool, named: bool) -> tuple[tuple[str, str], ...]:
    facts = [("Sync", name_of(sync)), ("Model", sync.model.name)] if named else []
    facts.append(("Destination", sync.destination.name))
    if state.run is not None:
        facts.append(("Run", f"{state.run.number}"))
        if state.trigger == TriggerKind.FATAL and not over and (rejected := state.run.rejected + state.run.duplicates):
            facts.append(("Rejected rows before it failed", f"{rejected:,} of {state.run.queried:,}"))
    if not over:
        facts.append(("Alerting since", f"{state.since:%-d %b %Y, %H:%M} UTC"))
        facts.append(("Threshold", TRIGGERS[TriggerKind(state.trigger)].sentence(rule)))
    return tuple(facts)
