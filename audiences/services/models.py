"""Writes to the models of a schema: define, change, refresh, label, archive, delete.

Asking the source can take a while, so it happens before the transaction; the
transaction then stores what it answered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from django.utils import timezone

from audiences import access, dependants
from audiences.choices import Entity, EventType, Every, ModelKind
from audiences.models import Relationship, SchemaModel
from audiences.services.checks import checked_name
from audiences.services.columns import store_columns
from audiences.services.looks import ask_to_look
from audiences.services.relationships import Tie, add_tie, check_tie
from audiences.services.sampling import stop_sampling
from audiences.services.syncing import follow_schema
from config.errors import Conflict, Invalid
from connectors import access as connections
from connectors import catalog
from connectors.choices import Kind
from connectors.models import Source
from connectors.sdk.types import Column, ColumnType
from governance.audit.actors import Actor
from governance.audit.services import changes, record, service, snapshot, unchanged
from syncs.definitions import Definition, describe
from syncs.services.naming import free_slug
from workspaces.labels import changed_labels
from workspaces.scoping import current_workspace_id

AUDITED = (
    "name", "slug", "description", "kind", "method", "sql", "table_schema", "table_name", "primary_key",
    "primary_label", "secondary_label", "timestamp", "event_type", "entity", "look_every",
)  # fmt: skip
MOMENTS = frozenset({ColumnType.TIMESTAMP, ColumnType.DATE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What people say about a schema model besides its rows; ``None`` leaves a setting as it is."""

    name: str | None = None
    description: str | None = None
    primary_key: tuple[str, ...] | None = None
    primary_label: str | None = None
    secondary_label: str | None = None
    timestamp: str | None = None
    event_type: str | None = None
    entity: str | None = None
    look_every: str | None = None


def create_schema_model(
    *,
    actor: Actor,
    source: Source,
    kind: ModelKind,
    definition: Definition,
    settings: Settings,
    slug: str = "",
    tie: Tie | None = None,
) -> SchemaModel:
    """Add a model to a schema: asks the source for its columns, then stores it, with how it belongs to another."""
    source = access.source_to_configure(actor, source.pk)
    require_studio(source)
    columns = describe(source, definition)
    return store_schema_model(
        actor=actor,
        source=source,
        kind=kind,
        definition=definition,
        settings=settings,
        slug=slug,
        tie=tie,
        columns=columns,
    )


@service("schema_model.created")
def store_schema_model(
    *,
    actor: Actor,
    source: Source,
    kind: ModelKind,
    definition: Definition,
    settings: Settings,
    columns: Sequence[Column],
    slug: str = "",
    tie: Tie | None = None,
) -> SchemaModel:
    """Store a model whose columns the source has just described."""
    source = access.source_to_configure(actor, source.pk, lock=True)
    name = checked_name(settings.name or "", "model")
    model = SchemaModel(
        workspace_id=current_workspace_id(),
        source=source,
        kind=kind,
        slug=free_slug(SchemaModel, slug or name, chosen=bool(slug)),
        primary_key=[],
        columns_refreshed_at=timezone.now(),
        created_by_id=actor.user_id,
    )
    _define(model, definition)
    _apply(model, settings, columns)
    if tie is not None:
        check_tie(tie, model, [column.name for column in columns])
    model.save()
    store_columns(model, columns)
    related = add_tie(model, tie) if tie is not None else None
    ask_to_look(model)
    record(model, after={**snapshot(model, AUDITED), **({"relationship": str(related)} if related else {})})
    return model


def update_schema_model(
    *, actor: Actor, model: SchemaModel, settings: Settings | None = None, definition: Definition | None = None
) -> SchemaModel:
    """Change a schema model; another query or table is described by the source first."""
    model = access.schema_model_for(actor, model.pk)
    access.require_configure(actor, model.source_id)
    columns = describe(model.source, definition) if definition is not None else None
    return store_schema_change(
        actor=actor, model=model, settings=settings or Settings(), definition=definition, columns=columns
    )


@service("schema_model.updated")
def store_schema_change(
    *,
    actor: Actor,
    model: SchemaModel,
    settings: Settings,
    definition: Definition | None,
    columns: Sequence[Column] | None,
) -> SchemaModel:
    """Store a change of a schema model, with its columns as the source has just described them."""
    model = access.schema_model_to_change(actor, model.pk)
    before = snapshot(model, AUDITED)
    if definition is not None:
        _define(model, definition)
    _apply(model, settings, columns if columns is not None else known_columns(model))
    changed = changes(before, snapshot(model, AUDITED))
    if not changed:
        unchanged()
        return model
    if columns is not None:
        store_columns(model, columns)
        model.columns_refreshed_at = timezone.now()
    model.save()
    if definition is not None or "primary_key" in changed.after:
        ask_to_look(model)
    follow_schema(model)
    record(model, before=changed.before, after=changed.after)
    return model


def refresh_schema_columns(*, actor: Actor, model: SchemaModel) -> SchemaModel:
    """Ask the source again which columns the model has; what people decided about them stays."""
    model = access.schema_model_for(actor, model.pk)
    access.require_configure(actor, model.source_id)
    columns = describe(model.source, Definition.of(model))
    return store_refreshed_columns(actor=actor, model=model, columns=columns)


@service("schema_model.columns_refreshed")
def store_refreshed_columns(*, actor: Actor, model: SchemaModel, columns: Sequence[Column]) -> SchemaModel:
    """Store the columns that the source has just described."""
    model = access.schema_model_to_change(actor, model.pk)
    found = store_columns(model, columns)
    model.columns_refreshed_at = timezone.now()
    model.save(update_fields=["columns_refreshed_at", "updated_at"])
    ask_to_look(model)
    follow_schema(model)
    record(model, after={"added": found.added, "missing": found.missing, "retyped": found.retyped})
    return model


@service("schema_model.labelled")
def label_schema_model(
    *, actor: Actor, model: SchemaModel, add: Mapping[str, str], remove: Iterable[str] = ()
) -> SchemaModel:
    """Put labels on a schema model, and take those with the keys of ``remove`` off."""
    model = access.schema_model_to_change(actor, model.pk)
    before = model.labels
    model.labels = changed_labels(before, add, remove)
    if model.labels == before:
        unchanged()
        return model
    model.save(update_fields=["labels"])
    record(model, before={"labels": before}, after={"labels": model.labels})
    return model


@service("schema_model.archived")
def archive_schema_model(*, actor: Actor, model: SchemaModel) -> SchemaModel:
    """Offer a model nowhere any more; nothing of it is lost. Refused while something is built on it."""
    model = access.schema_model_to_change(actor, model.pk)
    if model.archived_at is not None:
        unchanged()
        return model
    _require_unused(actor, model, "archived")
    stop_sampling(model)
    model.archived_at = timezone.now()
    model.save(update_fields=["archived_at", "updated_at"])
    record(model, after={"archived": True})
    return model


@service("schema_model.restored")
def restore_schema_model(*, actor: Actor, model: SchemaModel) -> SchemaModel:
    """Offer an archived model again."""
    model = access.schema_model_to_change(actor, model.pk)
    if model.archived_at is None:
        unchanged()
        return model
    model.archived_at = None
    model.save(update_fields=["archived_at", "updated_at"])
    record(model, after={"archived": False})
    return model


@service("schema_model.deleted")
def delete_schema_model(*, actor: Actor, model: SchemaModel) -> None:
    """Delete a model with its relationships, unless something is built on it."""
    model = access.schema_model_to_change(actor, model.pk)
    _require_unused(actor, model, "deleted")
    own = Relationship.objects.filter(from_model=model) | Relationship.objects.filter(to_model=model)
    names = sorted(str(relationship) for relationship in own.select_related("from_model", "to_model"))
    # What goes through a relationship of this model would lead nowhere.
    Relationship.objects.filter(steps__relationship__in=own).delete()
    record(model, before={**snapshot(model, AUDITED), "relationships": names})
    stop_sampling(model)
    model.delete()


def require_studio(source: Source) -> None:
    """Refuse sources on which no audience can be built."""
    connections.require_ready(source)
    entry = catalog.known_entry(Kind.SOURCE, source.type)
    if not entry.studio:
        raise Conflict(
            f"Audiences cannot be built on {entry.name}.",
            hint="Choose a source whose system can answer their queries.",
            code="no_studio_source",
        )


def known_columns(model: SchemaModel) -> list[Column]:
    """The columns that the model had when the source was last asked, with the types people chose."""
    rows = model.columns.filter(missing=False)
    return [Column(row.name, ColumnType(row.effective_type), row.native_type, row.description) for row in rows]


def _define(model: SchemaModel, definition: Definition) -> None:
    model.method, model.sql = definition.method, definition.sql
    model.table_schema, model.table_name = definition.table_schema, definition.table_name


def _apply(model: SchemaModel, settings: Settings, columns: Sequence[Column]) -> None:
    """Put the settings on a model (unsaved), and see that all that names a column still does."""
    for item in fields(settings):
        value = getattr(settings, item.name)
        if value is not None:
            setattr(model, item.name, list(value) if item.name == "primary_key" else value)
    model.name, model.description = checked_name(model.name, "model"), model.description.strip()
    types = {column.name: column.type for column in columns}
    for row in model.columns.filter(missing=False) if model.pk else ():
        if row.override_type:
            types[row.name] = ColumnType(row.override_type)
    _check_key(model, types)
    _check_labels(model, types)
    _check_moment(model, types)
    for name, choices in (("event_type", EventType), ("entity", Entity), ("look_every", Every)):
        if getattr(model, name) not in choices.values:
            raise Invalid.field(name, f"Choose one of {', '.join(filter(None, choices.values))}.")


def _check_key(model: SchemaModel, types: Mapping[str, ColumnType]) -> None:
    key = model.primary_key
    if not key:
        raise Invalid.field("primary_key", "Choose the column that identifies a row.")
    if model.is_parent and len(key) > 1:
        raise Invalid.field("primary_key", "A parent model has one column as its key: syncs compare rows by it.")
    if lost := [name for name in key if name not in types]:
        raise Invalid.field("primary_key", f"The model has no column “{lost[0]}”.", hint="Choose another key.")
    if len(set(key)) < len(key):
        raise Invalid.field("primary_key", "A column is in the key twice.")


def _check_labels(model: SchemaModel, types: Mapping[str, ColumnType]) -> None:
    for name in ("primary_label", "secondary_label"):
        if (column := getattr(model, name)) and column not in types:
            raise Invalid.field(name, f"The model has no column “{column}”.", hint="Choose another label.")


def _check_moment(model: SchemaModel, types: Mapping[str, ColumnType]) -> None:
    if not model.is_event:
        model.timestamp, model.event_type = "", EventType.GENERIC
        return
    if not model.timestamp:
        raise Invalid.field("timestamp", "Choose the column that says when the event happened.")
    if model.timestamp not in types:
        raise Invalid.field("timestamp", f"The model has no column “{model.timestamp}”.", hint="Choose another one.")
    if types[model.timestamp] not in MOMENTS:
        raise Invalid.field(
            "timestamp",
            f"“{model.timestamp}” is {types[model.timestamp].value}, not a time.",
            hint="Choose a timestamp or date, or cast it in the query.",
        )


def _require_unused(actor: Actor, model: SchemaModel, done: str) -> None:
    found = dependants.built_on(actor, model)
    if found:
        raise Conflict(
            f"“{model}” cannot be {done} while it is used by {dependants.sentence(found)}.",
            hint="Change or delete these first.",
            code="in_use",
        )


def settings_from(values: Mapping[str, Any]) -> Settings:
    """Settings from names and values, of which others are passed over."""
    known = {item.name for item in fields(Settings)}
    return Settings(**{name: value for name, value in values.items() if name in known})
