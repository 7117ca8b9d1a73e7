"""What templates decide of the syncs of audiences, as ``syncs`` asks for it."""

from __future__ import annotations

from config.errors import Conflict
from syncs.locks import Locks, Whole
from syncs.models import Sync


class TemplateKeeper:
    """A :class:`syncs.locks.Keeper`. It loads what it needs on first use: starting Django loads no connector."""

    def require_free(self) -> None:
        """Raise where the workspace wants audiences to be sent by templates only."""
        from audiences.models import SyncTemplate
        from audiences.selectors.settings import settings_here

        if not settings_here().templates_required:
            return
        hint = "Add the sync from a template, in the Syncs tab of the audience."
        if not SyncTemplate.objects.exists():
            hint = "There is no sync template yet. Ask somebody who may configure the schema to create one."
        raise Conflict(
            "In this workspace audiences are sent by sync templates only.", hint=hint, code="templates_required"
        )

    def locks_of(self, sync: Sync) -> Locks | None:
        """What the sync's template locks."""
        from audiences.sync_templates import locks_on, template_of

        link = template_of(sync)
        return None if link is None else locks_on(link, sync)

    def changed(self, sync: Sync, before: Whole, after: Whole) -> None:
        """Remember in which parts the sync goes its own way now."""
        from audiences.services.following import note_overrides

        note_overrides(sync, before, after)
