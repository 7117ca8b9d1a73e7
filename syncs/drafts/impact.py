"""What approving a draft would do to rows, as the previews that were made of it have found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.urls import reverse

from governance.approvals.models import Draft
from governance.approvals.registry import Impact
from governance.audit.actors import Actor
from syncs.access import SOMEWHERE_ELSE, of_syncs_in_view
from syncs.choices import PreviewState
from syncs.models import Preview
from syncs.selectors.errors import error_words
from syncs.selectors.previews import preview_numbers, preview_rows

SAMPLE_ROWS = 5


def impact_of(actor: Actor, draft: Draft, *, sample: bool = False) -> list[Impact]:
    """One entry for each sync that the draft touches; with the first rows that differ where they are asked for."""
    rows = Preview.objects.filter(draft=draft, draft_revision=draft.revision)
    rows = rows.select_related("sync__model__source", "sync__destination", "sync__workspace").order_by("pk")
    seen = set(of_syncs_in_view(rows, actor).values_list("pk", flat=True))
    return [_impact(actor, preview, seen=preview.pk in seen, sample=sample) for preview in rows]


def _impact(actor: Actor, preview: Preview, *, seen: bool, sample: bool) -> Impact:
    """What was found about one sync; of one that the actor does not see, the numbers only."""
    numbers, sync = preview_numbers(preview), preview.sync
    name = sync.name or f"{sync.model.name} → {sync.destination.name}"
    planned = numbers.planned if numbers else None
    return Impact(
        label=name if seen else SOMEWHERE_ELSE,
        state=preview.state,
        url=reverse("syncs:preview", args=[sync.workspace.slug, sync.pk, preview.pk]) if seen else "",
        added=planned.added if planned else 0,
        changed=planned.changed if planned else 0,
        removed=planned.removed if planned else 0,
        queried=preview.queried,
        warnings=tuple(preview.warnings),
        error=f"{error_words(actor, preview, sync)} {preview.error_hint}".strip(),
        at=preview.finished_at,
        sample=_sample(actor, preview) if sample and seen and preview.state == PreviewState.READY else {},
    )


def _sample(actor: Actor, preview: Preview) -> Mapping[str, Any]:
    """The first rows through the one redaction gate."""
    page = preview_rows(actor, preview, limit=SAMPLE_ROWS)
    return {"rows": page.rows, "columns": page.columns, "redacted": page.redacted}


def presented(sample: Mapping[str, Any]) -> Mapping[str, Any]:
    """The first rows as the table of a preview shows them."""
    from syncs.views.run_detail import row_headings, row_lines

    columns = () if sample["redacted"] else sample["columns"]
    lines = row_lines(sample["rows"], columns)
    return {"lines": lines, "headings": row_headings(lines, columns, False), "redacted": sample["redacted"]}
