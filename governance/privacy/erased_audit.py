"""Takes a person's values out of audit entries; the chain still verifies."""

from __future__ import annotations

from collections.abc import Collection

from governance.audit.actors import system
from governance.audit.services import redact_values
from governance.privacy.models import PersonCase


def erase_from_audit(case: PersonCase, texts: Collection[str], keys: Collection[str]) -> int:
    """How many entries held one of the texts, or one of the keys as a row's key, and are redacted now."""
    done = redact_values(
        actor=system("Erasure"),
        organization_id=case.workspace.organization_id,
        workspace_id=case.workspace_id,
        texts=texts,
        row_keys=keys,
        reason=f"Case {case.pk}",
    )
    return done.entries
