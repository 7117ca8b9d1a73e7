"""Deletes entries that are past their time, from the chain's beginning, so that the rest still verifies."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import Min

from governance.audit.chain import BEGINNING, Checkpoint, sign
from governance.audit.models import AuditChain, AuditEntry

BATCH = 50_000


@dataclass(frozen=True, slots=True)
class Purged:
    """What a purge deleted, and the checkpoint of the last entry that is gone."""

    entries: int
    oldest: datetime
    newest: datetime
    checkpoint: Checkpoint


def purge_before(organization_id: int, before: datetime, *, limit: int = BATCH) -> Purged | None:
    """Delete the chain's first entries, at most ``limit``, as long as each is older than ``before``.

    The caller's transaction records what is returned (``through`` and ``link`` of the checkpoint) in an entry
    ``audit_log.purged``: verification asks for it. Nothing to delete: nothing is returned.
    """
    chain = AuditChain.objects.select_for_update(no_key=True).filter(organization_id=organization_id).first()
    if chain is None:
        return None
    sealed = AuditEntry.objects.filter(organization_id=organization_id or None, sequence__gt=chain.start_sequence)
    window = sealed.filter(sequence__lte=chain.start_sequence + limit)
    kept = window.filter(at__gte=before).aggregate(first=Min("sequence"))["first"]
    through = (kept - 1) if kept else min(chain.start_sequence + limit, chain.sequence)
    last = window.filter(sequence=through).first()
    if through <= chain.start_sequence or last is None or last.link is None:
        return None
    gone = window.filter(sequence__lte=through)
    times = list(gone.order_by("sequence").values_list("at", flat=True)[:1])
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL headrace.retention = 'on'")
    number, _ = gone.delete()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL headrace.retention = 'off'")
    chain.start_sequence, chain.start_head = through, bytes(last.link)
    sign(chain)
    chain.save(update_fields=["start_sequence", "start_head", "signed_with", "signature"])
    return Purged(number, times[0], last.at, Checkpoint(through, bytes(last.link)))


def set_retention_days(organization_id: int, days: int | None) -> int | None:
    """Keep entries this long, or for ever; returns what it was before."""
    chain, _ = AuditChain.objects.select_for_update(no_key=True).get_or_create(
        organization_id=organization_id, defaults={"head": BEGINNING}
    )
    before = chain.retention_days
    chain.retention_days = days
    chain.save(update_fields=["retention_days"])
    return before
