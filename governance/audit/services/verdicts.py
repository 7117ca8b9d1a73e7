"""What the latest verification of a chain found, and how far one is that goes on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from governance.audit.chain import BEGINNING
from governance.audit.models import AuditChain

SILENCE = timedelta(minutes=5)  # a verification that tells nothing for so long has died


def begin_verification(organization_id: int) -> bool:
    """Note that a verification begins; false where one goes on already."""
    chain, _ = AuditChain.objects.select_for_update(no_key=True).get_or_create(
        organization_id=organization_id, defaults={"head": BEGINNING}
    )
    if verifying(chain, timezone.now()):
        return False
    _store(organization_id, verifying_at=timezone.now(), verify_progress=0)
    return True


def verifying(chain: AuditChain, now: datetime) -> bool:
    """Whether a verification goes on."""
    return chain.verifying_at is not None and chain.verifying_at > now - SILENCE


def store_progress(organization_id: int, checked: int, total: int) -> None:
    """Note how far the verification is, in per cent."""
    _store(organization_id, verifying_at=timezone.now(), verify_progress=100 * checked // max(total, 1))


def store_verdict(organization_id: int, verdict: Mapping[str, Any]) -> None:
    """Note what the verification found."""
    _store(organization_id, verifying_at=None, verified_at=timezone.now(), verdict=dict(verdict))


def _store(organization_id: int, **values: Any) -> None:
    AuditChain.objects.filter(organization_id=organization_id).update(**values)
