"""Writes to the workspace's rules for the studio."""

from __future__ import annotations

from audiences.models import StudioSettings
from audiences.models.settings import REDACTED_WORDS
from audiences.selectors.settings import settings_here
from governance.audit.actors import Actor
from governance.audit.services import changes, record, service, snapshot, unchanged
from workspaces.access import require
from workspaces.models import Workspace
from workspaces.permissions import Permission
from workspaces.scoping import current_workspace_id

AUDITED = ("null_is_a_value", "templates_required", "audience_templates_required", "redacted_words")


@service("studio_settings.changed")
def change_studio_settings(
    *,
    actor: Actor,
    null_is_a_value: bool | None = None,
    templates_required: bool | None = None,
    audience_templates_required: bool | None = None,
    redacted_words: str | None = None,
) -> StudioSettings:
    """Change the workspace's rules for the studio; what is ``None`` stays.

    Syncs and audiences that there are stay as they are, also where templates are required from now on.
    """
    require(actor, Permission.MANAGE_WORKSPACE)
    Workspace.objects.select_for_update(no_key=True).get(pk=current_workspace_id())
    stored = settings_here()
    before = snapshot(stored, AUDITED)
    if null_is_a_value is not None:
        stored.null_is_a_value = null_is_a_value
    if templates_required is not None:
        stored.templates_required = templates_required
    if audience_templates_required is not None:
        stored.audience_templates_required = audience_templates_required
    if redacted_words is not None:
        stored.redacted_words = " ".join(redacted_words.split()) or REDACTED_WORDS
    changed = changes(before, snapshot(stored, AUDITED))
    if not changed:
        unchanged()
        return stored
    stored.save()
    record(stored, before=changed.before, after=changed.after)
    return stored
