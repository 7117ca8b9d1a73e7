"""Guardrails and held runs on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from syncs.codec import load
from syncs.engine.guardrails import Guardrails
from syncs.holds import hold_of
from syncs.models import Run, Sync


class GuardrailsShape(serializers.Serializer[Any]):
    """When a run is held before sending. ``null`` is no limit; what is left out has its usual value."""

    on = serializers.BooleanField(required=False, default=True)
    empty = serializers.BooleanField(required=False, default=True)
    removedPercent = serializers.FloatField(required=False, default=20.0, allow_null=True, min_value=0, max_value=100)
    changedPercent = serializers.FloatField(required=False, default=None, allow_null=True, min_value=0, max_value=100)
    removedRows = serializers.IntegerField(required=False, default=None, allow_null=True, min_value=0)
    changedRows = serializers.IntegerField(required=False, default=None, allow_null=True, min_value=0)
    addedRows = serializers.IntegerField(required=False, default=None, allow_null=True, min_value=0)


_GUARDRAILS = {
    "on": "on",
    "empty": "empty",
    "removedPercent": "removed_percent",
    "changedPercent": "changed_percent",
    "removedRows": "removed_rows",
    "changedRows": "changed_rows",
    "addedRows": "added_rows",
}


def guardrails_from(values: Mapping[str, Any]) -> Guardrails:
    """Limits as the engine knows them."""
    return Guardrails(**{name: values[wire] for wire, name in _GUARDRAILS.items()})


def guardrails_json(sync: Sync) -> dict[str, Any]:
    """The wire shape of a sync's limits."""
    stored = load(Guardrails, sync.guardrails)
    return {wire: getattr(stored, name) for wire, name in _GUARDRAILS.items()}


class HeldOut(serializers.Serializer[Any]):
    """Why a run was held before sending, and what was decided. Empty fields while nobody has decided."""

    since = serializers.DateTimeField()
    reasons = serializers.ListField(child=serializers.CharField())
    decision = serializers.CharField(allow_null=True, help_text="released, dropped or cancelled")
    decidedBy = serializers.CharField(allow_null=True)
    decidedAt = serializers.DateTimeField(allow_null=True)
    note = serializers.CharField(allow_null=True)


class DecisionBody(serializers.Serializer[Any]):
    """Why a held run is released or dropped."""

    note = serializers.CharField(required=False, default="", allow_blank=True, max_length=500)


def held_json(run: Run) -> dict[str, Any] | None:
    """Why a run is or was held, and what was decided."""
    hold = hold_of(run)
    if hold is None:
        return None
    made = hold.decision
    return {
        "since": hold.since,
        "reasons": [breach.words for breach in hold.breaches],
        "decision": made.choice.value if made else None,
        "decidedBy": made.by if made else None,
        "decidedAt": made.at if made else None,
        "note": made.note or None if made else None,
    }
