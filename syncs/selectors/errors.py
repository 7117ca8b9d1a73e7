"""Why a run or preview stopped, through the one redaction gate."""

from __future__ import annotations

from governance.audit.actors import Actor
from syncs.access import may_view_rows
from syncs.alerting.scrubbing import scrubbed
from syncs.models import Preview, Run, Sync


def error_words(actor: Actor, stopped: Run | Preview, sync: Sync) -> str:
    """The other side's words; without the row values that they quote for those who may not see rows of the source."""
    if not stopped.error_message or may_view_rows(actor, sync.model):
        return stopped.error_message
    return scrubbed(stopped.error_message)
