"""What a worker does with a case: searches everything, or erases step by step.

Whatever happens to this process, the case's notes say how far things are, and another
worker goes on from there.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils import timezone

from config.errors import HeadraceError
from config.queue import stopping
from governance.audit.actors import system
from governance.privacy.erased_audit import erase_from_audit
from governance.privacy.models import PersonCase
from governance.privacy.registry import Order, Stuck, Subject, Wait, holders
from governance.privacy.services import work as writes
from governance.privacy.services.work import ATTEMPTS, RETRY_DELAYS, Held

logger = logging.getLogger(__name__)
BEAT_SECONDS = 1.0
WAIT_SECONDS = 5.0


class Lost(Exception):
    """The case went to another worker, or this process is to end."""


def work(case_id: int) -> None:
    """Take a case, if it is free, and carry it on."""
    held = writes.claim_case(case_id)
    if held is None:
        return
    try:
        (_erase if held.erasing else _search)(held, _Pulse(held))
    except Lost:
        logger.info("case %s goes to another worker", case_id)
        if stopping.is_set():
            writes.put_off_case(held, held.case.step, seconds=0, counts=False)
    except Wait as wait:
        writes.put_off_case(held, str(wait), seconds=WAIT_SECONDS, counts=False)
    except Stuck as stuck:
        writes.stop_case(held, stuck.message, stuck.hint)
    except Exception as error:
        _failed(held, error)


def _failed(held: Held, error: Exception) -> None:
    """Try again later, and in the end leave it to a person. Other systems' words may hold row values: they stay out."""
    known = isinstance(error, HeadraceError)
    logger.warning("case %s failed: %s", held.case.pk, type(error).__name__, exc_info=None if known else error)
    message = getattr(error, "message", "") or f"An error of the kind {type(error).__name__} stopped it."
    hint = getattr(error, "hint", "") or "The worker's log has the details."
    if held.case.attempts < ATTEMPTS:
        delay = RETRY_DELAYS[min(held.case.attempts, len(RETRY_DELAYS)) - 1]
        writes.put_off_case(held, "Trying again after an error", seconds=delay, counts=True)
    elif held.erasing:
        writes.stop_case(held, message, hint)
    else:
        writes.fail_search(held, message, hint)


def _search(held: Held, pulse: _Pulse) -> None:
    subject = Subject(held.case.value, held.case.scope)
    places = [(name, place) for name, holder in holders().items() for place in holder.places(subject)]
    findings: list[Mapping[str, Any]] = []
    for number, (name, place) in enumerate(places):
        pulse.tell(done=number, total=len(places))
        found = holders()[name].find(place, subject, pulse)
        if found is not None:
            findings.append({"holder": name, "place": place, **found})
    if not writes.keep_findings(held, findings):
        raise Lost


def _erase(held: Held, pulse: _Pulse) -> None:
    case = held.case
    notes: dict[str, Any] = {"begun": {}, "finished": [], "lines": [], **case.notes}
    for name, holder in holders().items():
        order = _order(case, name, notes)
        if name not in notes["begun"]:
            pulse.tell(step="Waiting for what is running to end")
            notes["begun"][name] = dict(holder.begin(order, pulse))
            _keep(held, notes)
        holder.remove(order, notes["begun"][name])
        steps = list(holder.steps(order, notes["begun"][name]))
        for number, step in enumerate(steps):
            if [name, step] in notes["finished"]:
                continue
            pulse.tell(step="Erasing", done=number, total=len(steps))
            notes["lines"] += [dict(line) for line in holder.erase(order, notes["begun"][name], step, pulse)]
            notes["finished"].append([name, step])
            _keep(held, notes)
    if "audit" not in notes:
        mine = [(holder, notes["begun"][name]) for name, holder in holders().items()]
        texts = {case.value, *(text for holder, begun in mine for text in holder.texts(begun))}
        keys = {key for holder, begun in mine for key in holder.keys(begun)}
        notes["audit"] = erase_from_audit(case, texts, keys)
        _keep(held, notes)
    for name, holder in holders().items():
        holder.end(_order(case, name, notes), notes["begun"][name])
    writes.finish_erasure(actor=system("Erasure"), held=held, report=_report(case, notes))


def _order(case: PersonCase, holder: str, notes: Mapping[str, Any]) -> Order:
    found = [finding for finding in case.findings if finding["holder"] == holder]
    resumed = notes.get("resumed_at")
    return Order(
        case_id=case.pk,
        subject=Subject(case.value, case.scope),
        places=tuple(finding["place"] for finding in found),
        keys=frozenset(key for finding in found for key in finding["keys"]),
        remove_first=case.remove_first,
        anyway=case.erase_anyway,
        resumed_at=datetime.fromisoformat(resumed) if resumed else None,
    )


def _report(case: PersonCase, notes: Mapping[str, Any]) -> dict[str, Any]:
    """What, where, how many, when and by whom; nothing of the person."""
    lines = [line for line in notes["lines"] if line["count"]]
    if notes["audit"]:
        lines.append({"what": "Values in audit entries", "where": "Audit log", "count": notes["audit"]})
    return {
        "case": case.pk,
        "searched": case.scope_words,
        "reason": case.reason,
        "ticket": case.ticket,
        "asked_by": case.erasure_by,
        "asked_at": case.erasure_at.isoformat() if case.erasure_at else "",
        "confirmed_by": case.confirmed_by,
        "confirmed_at": case.confirmed_at.isoformat() if case.confirmed_at else "",
        "erased_at": timezone.now().isoformat(),
        "removed_at_destinations": case.remove_first,
        "lines": lines,
        "total": sum(line["count"] for line in lines),
    }


def _keep(held: Held, notes: Mapping[str, Any]) -> None:
    if not writes.keep_notes(held, notes):
        raise Lost


class _Pulse:
    """Tells about once a second that the worker lives, and learns whether the case is still its own."""

    def __init__(self, held: Held) -> None:
        self._held = held
        self._told = 0.0

    def __call__(self) -> None:
        """Raise :class:`Lost` once somebody else has the case or this process is to end."""
        if stopping.is_set():
            raise Lost
        if time.monotonic() - self._told >= BEAT_SECONDS:
            self.tell()

    def tell(self, **progress: Any) -> None:
        """Say how far things are."""
        self._told = time.monotonic()
        if stopping.is_set() or not writes.beat_case(self._held, **progress):
            raise Lost
