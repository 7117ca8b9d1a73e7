"""What the audit log says of itself, and of what people saw or were refused."""

from __future__ import annotations

from governance.audit.events import register

register("audit_log.redacted", "erased a person's values from the audit log", observed=True)
register("access.denied", "was refused", observed=True)
