"""What workers write while they search and erase: bound to the epoch with which they took the case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from governance.audit.actors import Actor
from governance.audit.services import ServiceContractError, record, service
from governance.privacy.choices import ERASURE, SEARCH, UNDER_WAY, CaseState
from governance.privacy.models import PersonCase
from governance.privacy.services.cases import _send

SILENCE = timedelta(seconds=30)
RETRY_DELAYS = (5, 15, 60, 300)
ATTEMPTS = 6


@dataclass(frozen=True, slots=True)
class Held:
    """A worker's hold on a case."""

    case: PersonCase
    epoch: int
    erasing: bool


def claim_case(case_id: int) -> Held | None:
    """Take a case that waits, or whose worker went silent; nothing where somebody works on it."""
    now = timezone.now()
    free = Q(state__in=(CaseState.WAITING, CaseState.CONFIRMED), available_at__lte=now)
    free |= Q(state__in=(CaseState.SEARCHING, CaseState.ERASING), beat_at__lt=now - SILENCE)
    for states, state in ((SEARCH, CaseState.SEARCHING), (ERASURE, CaseState.ERASING)):
        taken = PersonCase.objects.filter(free, pk=case_id, state__in=states).update(
            state=state, epoch=F("epoch") + 1, attempts=F("attempts") + 1, beat_at=now
        )
        if taken:
            case = PersonCase.objects.select_related("workspace").get(pk=case_id)
            return Held(case, case.epoch, state is CaseState.ERASING)
    return None


def beat_case(held: Held, **progress: Any) -> bool:
    """Tell that the worker lives and how far it is; false where the case is no longer its own."""
    return bool(_held(held).update(beat_at=timezone.now(), **progress))


def keep_findings(held: Held, findings: Sequence[Mapping[str, Any]]) -> bool:
    """Store what the search found."""
    return bool(
        _held(held).update(
            state=CaseState.FOUND, findings=list(findings), finished_at=timezone.now(), step="", attempts=0
        )
    )


def fail_search(held: Held, message: str, hint: str = "") -> None:
    """Store why there is nothing to see."""
    _held(held).update(
        state=CaseState.FAILED, error_message=message, error_hint=hint, finished_at=timezone.now(), step=""
    )


def keep_notes(held: Held, notes: Mapping[str, Any]) -> bool:
    """Store how far the erasure is: whoever goes on with it begins there."""
    return bool(_held(held).update(notes=dict(notes), beat_at=timezone.now()))


def put_off_case(held: Held, words: str, *, seconds: float, counts: bool) -> None:
    """Go on later; ``counts``: as one of the attempts after which a person has to look."""
    values: dict[str, Any] = {} if counts else {"attempts": 0}
    state = CaseState.CONFIRMED if held.erasing else CaseState.WAITING
    _held(held).update(
        state=state, step=words[:300], available_at=timezone.now() + timedelta(seconds=seconds), **values
    )


def stop_case(held: Held, message: str, hint: str) -> None:
    """The erasure needs a person's decision."""
    _held(held).update(state=CaseState.STUCK, error_message=message, error_hint=hint, step="")


@service("person.erased")
def finish_erasure(*, actor: Actor, held: Held, report: Mapping[str, Any]) -> PersonCase:
    """Keep the report and nothing of the person."""
    case = _held(held).select_for_update(no_key=True).first()
    if case is None:
        raise ServiceContractError("the case went to another worker")
    case.state, case.report, case.finished_at = CaseState.ERASED, dict(report), timezone.now()
    case.value = case.hint = case.step = case.error_message = case.error_hint = ""
    case.findings, case.notes, case.expires_at = [], {}, None
    case.save()
    record(case, after={"erased": report["total"], "reason": case.reason, "ticket": case.ticket})
    return case


@transaction.atomic
def resend_cases(now: datetime) -> int:
    """Tell the workers again of cases that nobody works on. Across all workspaces."""
    waiting = Q(state__in=(CaseState.WAITING, CaseState.CONFIRMED), available_at__lte=now)
    silent = Q(beat_at__lt=now - SILENCE)
    found = PersonCase.objects.filter(waiting | silent, state__in=UNDER_WAY)[:100]
    for case in found:
        _send(case)
    return len(found)


def delete_expired_cases(now: datetime) -> int:
    """Delete what was found and nobody asked to be forgotten. Across all workspaces."""
    return int(PersonCase.objects.filter(expires_at__lt=now).exclude(state__in=UNDER_WAY).delete()[0])


def _held(held: Held) -> QuerySet[PersonCase]:
    state = CaseState.ERASING if held.erasing else CaseState.SEARCHING
    return PersonCase.objects.filter(pk=held.case.pk, epoch=held.epoch, state=state)
