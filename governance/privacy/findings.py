"""What a search found, as pages, the API and evidence show it: values only for who may see the source's rows.

A finding is the JSON that :meth:`governance.privacy.registry.Holder.find` gives: ``label``, ``url``,
``destination``, ``model``, ``source_id``, ``primary_key``, ``keys``, ``held`` (rows that are compared
with: ``key``, ``values``, ``present``, ``operation``, ``reason``, ``message``), ``sent`` (rows of runs:
``run``, ``number``, ``at``, ``by``, ``url``, ``key``, ``operation``, ``status``, ``message``,
``requests``) and ``problems``. Those of histories also have ``memberships`` (``audience``, ``url``, ``key``,
``event``, ``at``, ``group``) and ``held_out`` (a number), those of uploaded lists ``lists`` (``name``, ``url``,
``count``); ``source_id`` is ``None`` where no row of a source is shown. ``link`` says what ``url`` opens.
``held_words`` are what is said of held rows that no sync delivered.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Q, QuerySet

from governance.audit.actors import Actor
from governance.audit.models import AuditEntry
from governance.privacy.access import may_see_values
from governance.privacy.models import PersonCase
from governance.privacy.registry import holders

HIDDEN = "••••"
MOST_ENTRIES = 200
# What people did with the rows themselves, as opposed to decisions about what is sent.
VIEWS = ("previewed", "exported", "viewed", "tested", "opened", "looked_up")


def shown_findings(actor: Actor, case: PersonCase) -> list[dict[str, Any]]:
    """The findings as this person may see them; ``masked`` says where values are hidden."""
    return [_shown(actor, dict(finding)) for finding in case.findings]


def counts_of(findings: Sequence[dict[str, Any]]) -> dict[str, int]:
    """The numbers of a case."""
    sent = [line for finding in findings for line in finding["sent"]]
    return {
        "places": len(findings),
        "held": sum(len(finding["held"]) for finding in findings),
        "sent": len(sent),
        "entries": sum(len(finding.get("memberships", ())) for finding in findings),
        "requests": len({r["url"] for line in sent for r in line["requests"]}),
    }


def entries_about(case: PersonCase) -> QuerySet[AuditEntry]:
    """What the audit log says of the things in which the person was found, newest first."""
    about = Q(pk__in=())
    for finding in case.findings:
        for kind, pk in holders()[finding["holder"]].resources(finding):
            about |= Q(resource_type=kind, resource_id=pk)
    return AuditEntry.objects.filter(about, workspace_id=case.workspace_id).order_by("-id")


def split_entries(entries: QuerySet[AuditEntry]) -> tuple[list[AuditEntry], list[AuditEntry]]:
    """Decisions about what is sent, and looks at rows: at most ``MOST_ENTRIES`` of both together."""
    found = list(entries[:MOST_ENTRIES])
    views = [entry for entry in found if entry.event.rpartition(".")[2].startswith(VIEWS)]
    return [entry for entry in found if entry not in views], views


def _shown(actor: Actor, finding: dict[str, Any]) -> dict[str, Any]:
    if finding["source_id"] is None or may_see_values(actor, finding["source_id"]):
        return {**finding, "masked": False}
    held = [
        {**row, "values": dict.fromkeys(row["values"], HIDDEN), "message": row["message"] and HIDDEN}
        for row in finding["held"]
    ]
    sent = [
        {
            **line,
            "message": line["message"] and HIDDEN,
            "requests": [{**request, "target": HIDDEN} for request in line["requests"]],
        }
        for line in finding["sent"]
    ]
    return {**finding, "held": held, "sent": sent, "masked": True}
