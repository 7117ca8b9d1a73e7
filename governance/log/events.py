"""What is done to the audit log itself."""

from __future__ import annotations

from governance.audit.events import register

register("audit_log.exported", "exported the audit log")
register("audit_log.retention_changed", "changed how long the audit log is kept")
register("audit_log.purged", "deleted audit entries past their retention")
register("audit_log.verification_started", "started a verification of the audit log")
