"""What the overview of an audience says."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count

from audiences.definitions import schema_with_audiences
from audiences.models import Audience
from audiences.query.codec import load_definition
from audiences.query.errors import InvalidTree
from audiences.query.sentences import Speaker
from governance.audit.actors import Actor
from governance.selectors import activity_of, sentence
from syncs.access import syncs_in_view
from syncs.choices import RunStatus
from syncs.models import Run

RECENT = 6
WEEK = timedelta(days=7)


def in_words(actor: Actor, audience: Audience) -> str:
    """Whom the audience means, as one sentence; empty where this version cannot read its definition."""
    try:
        definition = load_definition(audience.definition)
    except InvalidTree:
        return ""
    schema = schema_with_audiences(audience.parent_model.source, actor)
    return Speaker(schema).sentence(str(audience.parent_model_id), definition)


def recent_entries(audience: Audience) -> list[dict[str, Any]]:
    """The newest entries of the audit log about the audience, each with its sentence."""
    rows = activity_of("audience", audience)[:RECENT]
    return [{"entry": entry, "sentence": sentence(entry)} for entry in rows]


def recent_runs(actor: Actor, audience: Audience, now: datetime) -> dict[str, int]:
    """How many runs of the audience's syncs ended in the last seven days, by how they ended."""
    syncs = syncs_in_view(actor).filter(model_id=audience.model_id or 0)
    ended = Run.objects.filter(sync__in=syncs, finished_at__gte=now - WEEK).order_by()
    found = dict(ended.values_list("status").annotate(Count("pk")))
    completed, rejected = found.pop(RunStatus.SUCCEEDED, 0), found.pop(RunStatus.WARNING, 0)
    return {"completed": completed, "rejected": rejected, "failed": sum(found.values())}
