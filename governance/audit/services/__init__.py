"""Every write of the audit log: entries of services, entries of what was seen or refused, and their upkeep."""

from governance.audit.services.door import (
    SERVICES,
    Changes,
    Service,
    ServiceContractError,
    changes,
    record,
    service,
    snapshot,
    unchanged,
)
from governance.audit.services.observing import record_event
from governance.audit.services.purging import Purged, purge_before, set_retention_days
from governance.audit.services.redacting import ERASED, ROW_KEY_FIELDS, Redacted, redact_values
from governance.audit.services.sealing import seal_entries, seal_organization
from governance.audit.services.verdicts import begin_verification, store_progress, store_verdict

__all__ = [
    "ERASED",
    "ROW_KEY_FIELDS",
    "SERVICES",
    "Changes",
    "Purged",
    "Redacted",
    "Service",
    "ServiceContractError",
    "begin_verification",
    "changes",
    "purge_before",
    "record",
    "record_event",
    "redact_values",
    "seal_entries",
    "seal_organization",
    "service",
    "set_retention_days",
    "snapshot",
    "store_progress",
    "store_verdict",
    "unchanged",
]
