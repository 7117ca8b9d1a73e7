"""How long a workspace keeps its data."""

from __future__ import annotations

from governance.audit.actors import Actor
from governance.audit.services import changes, record, service, snapshot, unchanged
from governance.privacy.access import require_privacy
from governance.privacy.models import Retention
from workspaces.scoping import current_workspace_id

FIELDS = ("request_days", "row_days", "run_days", "preview_hours")


@service("retention.changed")
def set_retention(
    *,
    actor: Actor,
    request_days: int | None,
    row_days: int | None,
    run_days: int | None,
    preview_hours: int | None,
) -> Retention:
    """Set how long requests, rows, runs and previews are kept; nothing chosen is the default."""
    require_privacy(actor)
    found, _ = Retention.objects.select_for_update(no_key=True).get_or_create(workspace_id=current_workspace_id())
    before = snapshot(found, FIELDS)
    found.request_days, found.row_days = request_days, row_days
    found.run_days, found.preview_hours = run_days, preview_hours
    changed = changes(before, snapshot(found, FIELDS))
    if not changed:
        unchanged()
        return found
    found.full_clean(exclude=["workspace"])
    found.save()
    record(found, before=changed.before, after=changed.after, label="Data retention")
    return found
