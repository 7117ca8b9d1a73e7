"""Which edits need approval, and models and syncs as the JSON states that drafts hold. Reads only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

from connectors.sdk.types import Column, ColumnType
from connectors.sdk.validation import Cleaned, assemble
from connectors.secrets import decrypt
from governance.approvals.models import Draft
from syncs.choices import ModelMethod, PendingReset
from syncs.codec import dump, load
from syncs.configuration import Checked, Proposal
from syncs.definitions import Definition
from syncs.drafts import MODEL, SYNC
from syncs.engine.guardrails import Guardrails
from syncs.locks import Whole
from syncs.mapping_checks import Configuration
from syncs.mappings import from_json
from syncs.models import Model, ModelColumn, Sync
from syncs.schedules import Schedule


class Treatment(StrEnum):
    """What an edit of a field takes where changes need approval."""

    APPROVAL = "needs approval"
    LIVE = "goes live"


_APPROVAL, _LIVE = Treatment.APPROVAL, Treatment.LIVE

#: The one table of which edits need approval: by resource and field.
TREATMENTS: Mapping[str, Mapping[str, Treatment]] = {
    MODEL: {
        "method": _APPROVAL,
        "sql": _APPROVAL,
        "table_schema": _APPROVAL,
        "table_name": _APPROVAL,
        "primary_key": _APPROVAL,
        "columns.override_type": _APPROVAL,
        "columns.enabled": _APPROVAL,
        "columns.description": _LIVE,
        "name": _LIVE,
        "slug": _LIVE,
        "description": _LIVE,
        "labels": _LIVE,
        "folder": _LIVE,
    },
    SYNC: {
        "sync_type": _APPROVAL,
        "mode": _APPROVAL,
        "removal": _APPROVAL,
        "first_run": _APPROVAL,
        "settings": _APPROVAL,
        "sealed_settings": _APPROVAL,
        "mappings": _APPROVAL,
        "guardrails": _APPROVAL,
        "schedule_kind": _APPROVAL,
        "interval_count": _APPROVAL,
        "interval_unit": _APPROVAL,
        "cron": _APPROVAL,
        "recurrences": _APPROVAL,
        "zone": _APPROVAL,
        "after": _APPROVAL,
        "after_seen": _LIVE,
        "starts_at": _APPROVAL,
        "ends_at": _APPROVAL,
        "schedule_enabled": _LIVE,
        "paused": _LIVE,
        "sync_logs": _LIVE,
        "name": _LIVE,
        "slug": _LIVE,
        "labels": _LIVE,
        "space": _LIVE,
    },
}


def _governed(resource: str) -> tuple[str, ...]:
    return tuple(name for name, how in TREATMENTS[resource].items() if how is _APPROVAL and "." not in name)


DEFINITION = _governed(MODEL)
CONFIGURATION = ("sync_type", "mode", "removal", "first_run", "settings", "mappings")
SCHEDULE = (
    "schedule_kind", "interval_count", "interval_unit", "cron", "recurrences", "zone", "after", "starts_at", "ends_at"
)  # fmt: skip


def plain(state: Mapping[str, Any]) -> dict[str, Any]:
    """The values as they come back from the database."""
    found: dict[str, Any] = json.loads(json.dumps(state, cls=DjangoJSONEncoder))
    return found


def model_state(model: Model) -> dict[str, Any]:
    """What of a model needs approval."""
    rows = list(model.columns.values_list("name", "override_type", "enabled"))
    columns = {"casts": {name: cast for name, cast, _ in rows if cast}, "off": sorted(n for n, _, on in rows if not on)}
    return plain({**{name: getattr(model, name) for name in DEFINITION}, **columns})


def sync_state(sync: Sync) -> dict[str, Any]:
    """What of a sync needs approval, without its credentials."""
    values = {name: getattr(sync, name) for name in (*CONFIGURATION, *SCHEDULE)}
    return plain({**values, "guardrails": dump(load(Guardrails, sync.guardrails))})


def whole_of(sync: Sync) -> Whole:
    """What of a sync needs approval, with its credentials."""
    return Whole(sync_state(sync), decrypt(sync.sealed_settings))


def timing(sync: Sync) -> dict[str, Any]:
    """A sync's schedule as states have it."""
    return plain({name: getattr(sync, name) for name in SCHEDULE})


def put_model_state(model: Model, state: Mapping[str, Any]) -> Model:
    """The model (unsaved) as a state has it, besides its columns."""
    for name in DEFINITION:
        setattr(model, name, state[name])
    return model


def put_sync_state(sync: Sync, state: Mapping[str, Any]) -> Sync:
    """The sync (unsaved) as a state has it."""
    known = {"after": {}, **state}  # older states know nothing of jobs
    for name in (*CONFIGURATION, *SCHEDULE, "guardrails"):
        setattr(sync, name, known[name])
    sync.starts_at, sync.ends_at = _moment(state["starts_at"]), _moment(state["ends_at"])
    return sync


def drafted_columns(model: Model, state: Mapping[str, Any] | None) -> list[ModelColumn]:
    """The model's columns (unsaved) with the casts and switches of a state."""
    rows = list(model.columns.all())
    if state is not None:
        for row in rows:
            row.override_type, row.enabled = state["casts"].get(row.name, ""), row.name not in state["off"]
    return rows


def definition_in(state: Mapping[str, Any]) -> Definition:
    """The query or table of a model's state."""
    return Definition(
        method=ModelMethod(state["method"]),
        sql=state["sql"],
        table_schema=state["table_schema"],
        table_name=state["table_name"],
    )


def described_in(state: Mapping[str, Any]) -> list[Column] | None:
    """The columns that the source described when the definition was drafted; nothing where it is as before."""
    rows = state.get("described")
    return None if rows is None else [Column(name, ColumnType(kind), native, text) for name, kind, native, text in rows]


def described(columns: Any) -> list[list[str]]:
    """Columns as a state keeps them."""
    return [[c.name, ColumnType(c.type).value, c.native_type, c.description] for c in columns]


def reset_in(state: Mapping[str, Any]) -> tuple[PendingReset, bool]:
    """What dependent syncs do with another key, and whether they start at once."""
    return PendingReset(state.get("reset", "")), bool(state.get("run_now"))


def schedule_in(state: Mapping[str, Any]) -> Schedule:
    """The schedule of a sync's state."""
    return put_sync_state(Sync(), state).schedule


def guardrails_in(state: Mapping[str, Any]) -> Guardrails:
    """The guardrails of a sync's state."""
    return load(Guardrails, state["guardrails"])


def proposal_in(state: Mapping[str, Any]) -> Proposal:
    """The configuration of a sync's state, to be checked again."""
    return Proposal(**{name: state[name] for name in CONFIGURATION})


def proposal_of(whole: Whole) -> Proposal:
    """The configuration of a sync's state, to be checked again with its credentials."""
    settings = assemble(whole.state["settings"], whole.secrets)
    return replace(proposal_in(whole.state), settings=settings)


def checked_in(state: Mapping[str, Any], secrets: Mapping[str, Any]) -> Checked:
    """The configuration of a sync's state as it was checked when it was drafted."""
    from connectors.sdk.destination import FirstRun, Mode, Removal

    chosen = Configuration(
        sync_type=state["sync_type"],
        mode=Mode(state["mode"]),
        removal=Removal(state["removal"]),
        first_run=FirstRun(state["first_run"]),
        mappings=from_json(state["mappings"]),
    )
    return Checked(configuration=chosen, cleaned=Cleaned(config=dict(state["settings"]), secrets=dict(secrets)))


def merged(base: Mapping[str, Any], proposed: Mapping[str, Any], live: Mapping[str, Any]) -> dict[str, Any]:
    """The proposed changes on top of what is live now: part by part, the draft's where it differs from its base."""
    own = {name: value for name, value in proposed.items() if name not in base or base[name] != value}
    return {**live, **own}


def state_of(draft: Draft | None) -> Mapping[str, Any] | None:
    """What an open draft proposes."""
    return draft.proposed if draft is not None else None


def _moment(stored: str | None) -> datetime | None:
    return datetime.fromisoformat(stored) if stored else None
