"""What this app tells the audit log. Publishing a draft is the owning app's own event."""

from __future__ import annotations

from governance.audit.events import register

register("approval_policy.changed", "changed when changes need approval")
register("draft.saved", "saved a draft")
register("draft.submitted", "asked for approval of a draft")
register("draft.approved", "approved a draft")
register("draft.denied", "declined a draft")
register("draft.withdrawn", "withdrew a request for approval")
register("draft.deleted", "deleted a draft")
register("draft.rebased", "brought a draft up to date with what is live")
register("draft.commented", "commented on a draft")
