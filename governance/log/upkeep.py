"""What workers do with the audit log: verify it, and delete what is past its time."""

from __future__ import annotations

from config.queue import enqueue
from governance.audit.actors import system
from governance.audit.models import AuditChain
from governance.audit.services import seal_organization, store_progress, store_verdict
from governance.audit.verification import verify_chain
from governance.log.services import purge_log
from governance.selectors import chain_of
from workspaces.models import Organization
from workspaces.scoping import organization_scope, unscoped

RETENTION = system("retention")


def verify(organization_id: int) -> None:
    """Seal what waits, verify the chain and keep the verdict."""
    with organization_scope(organization_id):
        seal_organization(organization_id)
        verdict = verify_chain(
            organization_id, progress=lambda checked, total: store_progress(organization_id, checked, total)
        )
        store_verdict(organization_id, verdict.to_json())


def purge(organization_id: int) -> int:
    """Delete everything past the retention, some thousands of entries a transaction; how many they were."""
    total = 0
    with organization_scope(organization_id):
        chain = chain_of(organization_id)
        if chain is None or chain.retention_days is None:
            return 0
        organization = Organization.objects.get(pk=organization_id)
        while number := purge_log(actor=RETENTION, organization=organization, days=chain.retention_days):
            total += number
    return total


def enqueue_purges() -> int:
    """Tell workers of every organization that keeps its log for a time. To be called unscoped."""
    from governance.tasks import purge_audit_log

    kept = AuditChain.objects.filter(retention_days__isnull=False, organization_id__gt=0)
    found = list(kept.values_list("organization_id", flat=True))
    for organization_id in found:
        enqueue(purge_audit_log, organization_id)
    return len(found)


def organizations() -> list[Organization]:
    """All of them, for commands of the installation's operator."""
    with unscoped("the operator verifies every organization's log"):
        return list(Organization.objects.order_by("pk"))
