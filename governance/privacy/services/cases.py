"""Cases as people write them: look somebody up, ask for them to be forgotten, confirm it."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from config.errors import Conflict, Invalid
from config.queue import enqueue
from governance.audit.actors import Actor
from governance.audit.services import record, record_event, service
from governance.privacy.access import case_to_change, require_privacy
from governance.privacy.choices import CaseState
from governance.privacy.models import PersonCase
from governance.privacy.registry import ANY_COLUMN, ANY_KEY, holders
from workspaces.scoping import current_workspace_id

KEPT = timedelta(hours=8)
REQUEST_KEPT = timedelta(days=30)
LONGEST = 1_000
SCOPES = ((ANY_KEY, "Any primary key"), (ANY_COLUMN, "Any column"))


def scope_choices() -> list[tuple[str, str]]:
    """Where people can be looked for: value and label."""
    return [*SCOPES, *(choice for holder in holders().values() for choice in holder.scopes())]


@service("person.looked_up")
def start_look_up(*, actor: Actor, value: str, scope: str = ANY_KEY) -> PersonCase:
    """Search everything Headrace holds in this workspace for one person; a worker does it."""
    require_privacy(actor)
    value = value.strip()
    if not value:
        raise Invalid.field("value", "Give an e-mail address or a key.")
    if len(value) > LONGEST or "\0" in value:
        raise Invalid.field("value", f"Give at most {LONGEST:,} characters of text.")
    words = dict(scope_choices()).get(scope)
    if words is None:
        raise Invalid.field("scope", "There is no such model or column here.")
    now = timezone.now()
    case = PersonCase.objects.create(
        workspace_id=current_workspace_id(),
        value=value,
        scope=scope,
        scope_words=words,
        hint=masked(value),
        requested_by=actor.label[:320],
        requested_by_id=actor.user_id,
        created_at=now,
        beat_at=now,
        available_at=now,
        expires_at=now + KEPT,
    )
    _send(case)
    record(case, after={"searched": words})
    return case


def note_view(*, actor: Actor, case: PersonCase) -> None:
    """Remember that somebody saw what was found; looking again and again is one look."""
    record_event(
        "person.viewed",
        actor=actor,
        organization_id=case.workspace.organization_id,
        workspace_id=case.workspace_id,
        resource_id=case.pk,
        label=str(case),
    )


@service("person.discarded")
def discard_case(*, actor: Actor, case: PersonCase) -> None:
    """Delete what was found before its time is over."""
    case = case_to_change(actor, case.pk)
    _require(case, CaseState.FOUND, CaseState.FAILED)
    record(case)
    case.delete()


@service("person.erasure_requested")
def request_erasure(
    *, actor: Actor, case: PersonCase, reason: str, ticket: str = "", remove_first: bool = False
) -> PersonCase:
    """Ask for the person to be forgotten; nothing happens before somebody confirms it.

    ``remove_first`` lets the syncs that can remove the person's records from their destinations first.
    """
    case = case_to_change(actor, case.pk)
    _require(case, CaseState.FOUND)
    reason = reason.strip()
    if not reason:
        raise Invalid.field("reason", "Say why, as the report will: for example “Request of the person, art. 17 GDPR”.")
    if case.value and case.value.lower() in f"{reason} {ticket}".lower():
        raise Invalid.field("reason", "Leave the person's own data out: the reason is kept after they are forgotten.")
    case.state, case.reason, case.ticket = CaseState.REQUESTED, reason[:500], ticket.strip()[:120]
    case.remove_first = remove_first
    case.erasure_by, case.erasure_at = actor.label[:320], timezone.now()
    case.expires_at = case.erasure_at + REQUEST_KEPT
    case.save()
    record(case, after={"reason": case.reason, "ticket": case.ticket, "remove_first": remove_first})
    return case


@service("person.erasure_withdrawn")
def withdraw_erasure(*, actor: Actor, case: PersonCase) -> PersonCase:
    """Take the request back; what was found is kept for a while longer."""
    case = case_to_change(actor, case.pk)
    _require(case, CaseState.REQUESTED)
    case.state, case.expires_at = CaseState.FOUND, timezone.now() + KEPT
    case.save(update_fields=["state", "expires_at"])
    record(case, before={"reason": case.reason})
    return case


@service("person.erasure_confirmed")
def confirm_erasure(*, actor: Actor, case: PersonCase) -> PersonCase:
    """Let the erasure begin. It cannot be taken back."""
    case = case_to_change(actor, case.pk)
    _require(case, CaseState.REQUESTED)
    now = timezone.now()
    case.state, case.confirmed_by, case.confirmed_at = CaseState.CONFIRMED, actor.label[:320], now
    case.expires_at, case.available_at, case.attempts, case.step = None, now, 0, ""
    case.error_message = case.error_hint = ""
    case.save()
    _send(case)
    record(case, after={"remove_first": case.remove_first})
    return case


@service("person.erasure_resumed")
def resume_erasure(*, actor: Actor, case: PersonCase, anyway: bool = False) -> PersonCase:
    """Let an erasure that stopped go on: try again, or erase ``anyway`` what could not be removed elsewhere."""
    case = case_to_change(actor, case.pk)
    _require(case, CaseState.STUCK)
    now = timezone.now()
    case.state, case.available_at, case.attempts = CaseState.CONFIRMED, now, 0
    case.erase_anyway = case.erase_anyway or anyway
    case.notes = {**case.notes, "resumed_at": now.isoformat()}
    case.error_message = case.error_hint = ""
    case.save()
    _send(case)
    record(case, after={"erase_anyway": case.erase_anyway})
    return case


def masked(value: str) -> str:
    """A value as a page may show it beside others: ``a•••@e•••.com``, ``4•••``."""
    name, at, domain = value.partition("@")
    if not at:
        return f"{name[:1]}•••"
    host, dot, end = domain.rpartition(".")
    return f"{name[:1]}•••@{host[:1]}•••{dot}{end}"[:100]


def _require(case: PersonCase, *states: CaseState) -> None:
    if case.state not in states:
        raise Conflict(
            f"This case is in another state by now: {case.get_state_display().lower()}.", hint="Load the page again."
        )


def _send(case: PersonCase) -> None:
    from governance.privacy.tasks import work_on_case

    enqueue(work_on_case, case.workspace_id, case.pk)
