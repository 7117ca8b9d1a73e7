"""What people decide about the columns of a schema model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from audiences import access
from audiences.choices import PersonalData, Privacy
from audiences.models import Relationship, SchemaColumn, SchemaModel
from audiences.services.looks import ask_to_look
from audiences.services.syncing import follow_schema
from audiences.services.traits import forget_trait_values
from config.errors import Conflict, Invalid
from connectors.sdk.types import ColumnType
from governance.audit.actors import Actor
from governance.audit.services import changes, record, service, snapshot, unchanged

AUDITED = ("enabled", "alias", "override_type", "privacy", "personal_data", "suggest", "ignore_case", "description")
MOST = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnSettings:
    """What to change about columns; ``None`` leaves it as it is. ``redacted`` is the older switch of the privacy."""

    enabled: bool | None = None
    alias: str | None = None
    override_type: str | None = None
    privacy: str | None = None
    personal_data: str | None = None
    redacted: bool | None = None
    suggest: bool | None = None
    ignore_case: bool | None = None
    description: str | None = None


@service("schema_model.columns_changed")
def change_columns(
    *, actor: Actor, model: SchemaModel, names: Sequence[str], settings: ColumnSettings
) -> list[SchemaColumn]:
    """Change one column or several in the same way."""
    model = access.schema_model_to_change(actor, model.pk)
    rows = list(model.columns.select_for_update(no_key=True).filter(name__in=names[:MOST]))
    if lost := sorted(set(names) - {row.name for row in rows}):
        raise Invalid.field("name", f"“{model}” has no column “{lost[0]}”.")
    told_before: dict[str, Any] = {}
    told_after: dict[str, Any] = {}
    look = hidden = False
    for row in rows:
        before, shown = snapshot(row, AUDITED), not row.redacted
        _apply(row, settings)
        changed = changes(before, snapshot(row, AUDITED))
        if not changed:
            continue
        _check(model, row)
        look = look or (row.suggest and "suggest" in changed.after)
        hidden = hidden or (shown and row.redacted)
        told_before[row.name], told_after[row.name] = changed.before, changed.after
        row.changed_at = timezone.now()
        row.save()
    if not told_after:
        unchanged()
        return rows
    if look and not model.looking:
        ask_to_look(model)
    if hidden:
        forget_trait_values(model.source_id)
    follow_schema(model)
    record(model, before=told_before, after=told_after)
    return rows


def _apply(row: SchemaColumn, settings: ColumnSettings) -> None:
    for name in ("enabled", "suggest", "ignore_case"):
        if (value := getattr(settings, name)) is not None:
            setattr(row, name, value)
    if settings.alias is not None:
        row.alias = " ".join(settings.alias.split())[:200]
    if settings.description is not None:
        row.description = settings.description.strip()[:2000]
        row.description_edited = bool(row.description)
    if settings.override_type is not None:
        row.override_type = _type(row, settings.override_type)
    if settings.privacy is not None:
        row.privacy = _privacy(settings.privacy)
    if settings.personal_data is not None:
        row.personal_data = _personal(settings.personal_data)
    if settings.redacted is not None and settings.redacted != row.redacted:
        row.privacy = Privacy.REDACTED if settings.redacted else Privacy.UNREVIEWED
    if row.redacted or not row.suggest:
        row.suggestions, row.different = [], None


def _type(row: SchemaColumn, wanted: str) -> str:
    castable = {kind.value for kind in ColumnType} - {ColumnType.REFERENCE, ColumnType.UNKNOWN}
    if wanted and wanted not in castable:
        raise Invalid.field("override_type", f"“{wanted}” is not a column type.")
    return "" if wanted == row.type else wanted


def _privacy(wanted: str) -> str:
    if wanted not in Privacy.values:
        raise Invalid.field("privacy", f"Choose one of {', '.join(Privacy.values)}.")
    return wanted


def _personal(wanted: str) -> str:
    if wanted not in PersonalData.values:
        raise Invalid.field("personal_data", f"Choose one of {', '.join(filter(None, PersonalData.values))}.")
    return wanted


def _check(model: SchemaModel, row: SchemaColumn) -> None:
    """Refuse what would leave the model without what it needs."""
    if row.enabled and row.privacy != Privacy.BLOCKED:
        return
    done = "switched off" if not row.enabled else "blocked"
    if row.name in model.primary_key:
        raise Conflict(f"“{row.name}” identifies the rows, so it cannot be {done}.")
    if row.name == model.timestamp:
        raise Conflict(f"“{row.name}” says when the event happened, so it cannot be {done}.")
    if row.privacy == Privacy.BLOCKED and (using := _joined_by(model, row.name)):
        raise Conflict(f"“{row.name}” joins the relationship “{using}”, so it cannot be blocked.")


def _joined_by(model: SchemaModel, name: str) -> Relationship | None:
    rows = Relationship.objects.select_related("from_model", "to_model")
    for row in rows.filter(from_model=model) | rows.filter(to_model=model):
        mine = 0 if row.from_model_id == model.pk else 1
        if any(pair[mine] == name for pair in row.keys):
            return row
    return None
