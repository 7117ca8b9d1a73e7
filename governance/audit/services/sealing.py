"""Puts written entries into their organization's chain, in order, beside the writers: nobody waits for it."""

from __future__ import annotations

from django.db import connection, transaction
from django.utils import timezone

from governance.audit.chain import BEGINNING, digest_of, link_of, new_salt, sign
from governance.audit.models import AuditChain, AuditEntry

BATCH = 2_000
_SEAL = """
UPDATE audit_auditentry AS entry
SET sequence = sealed.sequence, salt = sealed.salt, digest = sealed.digest, link = sealed.link
FROM unnest(%s::bigint[], %s::bigint[], %s::bytea[], %s::bytea[], %s::bytea[])
    AS sealed (id, sequence, salt, digest, link)
WHERE entry.id = sealed.id
"""


def seal_entries(limit: int = BATCH) -> int:
    """Seal entries of every organization, the oldest ``limit``. Call it unscoped; returns how many were sealed."""
    waiting = AuditEntry.objects.filter(sequence=None).order_by("pk").values_list("organization_id", flat=True)[:limit]
    return sum(seal_organization(organization_id or 0, limit) for organization_id in set(waiting))


def seal_organization(organization_id: int, limit: int = BATCH) -> int:
    """Seal one organization's entries (0: those of none). Does nothing where somebody else is at it."""
    with transaction.atomic():
        AuditChain.objects.get_or_create(organization_id=organization_id, defaults={"head": BEGINNING})
        chain = (
            AuditChain.objects.select_for_update(skip_locked=True, no_key=True)
            .filter(organization_id=organization_id)
            .first()
        )
        if chain is None:
            return 0
        waiting = AuditEntry.objects.filter(organization_id=organization_id or None, sequence=None)
        entries = list(waiting.order_by("pk")[:limit])
        if entries:
            _seal(chain, entries)
        return len(entries)


def _seal(chain: AuditChain, entries: list[AuditEntry]) -> None:
    sequence, link = chain.sequence, bytes(chain.head)
    ids, sequences = [entry.pk for entry in entries], []
    salts: list[bytes] = []
    digests: list[bytes] = []
    links: list[bytes] = []
    for entry in entries:
        sequence += 1
        salts.append(new_salt())
        digests.append(digest_of(entry, salts[-1]))
        link = link_of(link, sequence, digests[-1])
        sequences.append(sequence)
        links.append(link)
    with connection.cursor() as cursor:
        cursor.execute(_SEAL, [ids, sequences, salts, digests, links])
    chain.sequence, chain.head, chain.sealed_at = sequence, link, timezone.now()
    sign(chain)
    chain.save(update_fields=["sequence", "head", "sealed_at", "signed_with", "signature"])
