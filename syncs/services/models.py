"""Writes to models: define, preview, refresh, change the key, delete.

Asking the source can take a while, so it happens before the transaction; the
transaction then stores what it answered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from config.errors import Conflict, HeadraceError, Invalid
from connectors import access as connections
from connectors.models import Source
from connectors.sdk.types import Column, ColumnType
from governance.approvals.access import require_direct
from governance.approvals.models import Draft
from governance.approvals.services import begin_draft, drop_draft, take_for_publishing
from governance.audit.actors import Actor
from governance.audit.services import changes, record, service, snapshot, unchanged
from syncs import access
from syncs.areas import REVERSE_ETL
from syncs.choices import PendingReset, Trigger
from syncs.definitions import PREVIEW_ROWS, Definition, Preview, describe, preview
from syncs.drafts import MODEL
from syncs.drafts.state import described, model_state
from syncs.models import Model, ModelColumn, Sync
from syncs.runspec import names_column
from syncs.services.columns import reprocess_readers, store_columns
from syncs.services.naming import clean_name, free_slug
from workspaces import access as rights
from workspaces.areas import require_on
from workspaces.models import Folder
from workspaces.permissions import CONFIGURE_FROM_SOURCE, Permission
from workspaces.scoping import current_workspace_id

AUDITED = (
    "name",
    "slug",
    "description",
    "method",
    "sql",
    "table_schema",
    "table_name",
    "primary_key",
    "published",
    "folder",
)


@dataclass(frozen=True, slots=True)
class KeyChange:
    """What a person chose to happen to dependent syncs when a model's key changes.

    ``reset``: remember the new rows and send nothing, or send every row as added.
    ``run_now``: start the syncs that the person may run; the others keep the reset for later.
    """

    reset: PendingReset
    run_now: bool = True


@dataclass(frozen=True, slots=True)
class ColumnChoices:
    """What people decided about all columns: the casts by name, and the names that are switched off."""

    casts: Mapping[str, str]
    off: Sequence[str]


def preview_definition(
    *, actor: Actor, source: Source, definition: Definition, limit: int = PREVIEW_ROWS, with_count: bool = False
) -> Preview:
    """The first rows of a query that is being written; columns only without the row-data right."""
    source = connections.source_for(actor, source.pk, Permission.DRAFT_FROM_SOURCE)
    if not access.may_view_source_rows(actor, source.pk):
        return Preview(columns=describe(source, definition), rows=None)
    record_source_preview(actor=actor, source=source, definition=definition)
    return preview(source, definition, limit=limit, with_count=with_count)


def preview_model(*, actor: Actor, model: Model, limit: int = PREVIEW_ROWS, with_count: bool = False) -> Preview:
    """The first rows of a saved model; columns only without the row-data right."""
    model = access.defined_model_for(actor, model.pk)
    definition = Definition.of(model)
    if not access.may_view_rows(actor, model):
        return Preview(columns=describe(model.source, definition), rows=None)
    record_model_preview(actor=actor, model=model)
    return preview(model.source, definition, limit=limit, with_count=with_count)


def create_model(
    *,
    actor: Actor,
    source: Source,
    name: str,
    definition: Definition,
    primary_key: str,
    description: str = "",
    slug: str = "",
    published: bool = True,
    folder: Folder | None = None,
) -> Model:
    """Define a model: asks the source for its columns, then stores it, live or (not ``published``) as a draft."""
    rights.require(actor, CONFIGURE_FROM_SOURCE if published else Permission.DRAFT_FROM_SOURCE, source_id=source.pk)
    require_on(REVERSE_ETL)
    connections.require_ready(source)
    columns = describe(source, definition)
    return store_model(
        actor=actor,
        source=source,
        name=name,
        definition=definition,
        primary_key=primary_key,
        description=description,
        slug=slug,
        columns=columns,
        published=published,
        folder=folder,
    )


@service("model.created")
def store_model(
    *,
    actor: Actor,
    source: Source,
    name: str,
    definition: Definition,
    primary_key: str,
    columns: Sequence[Column],
    description: str = "",
    slug: str = "",
    published: bool = True,
    folder: Folder | None = None,
) -> Model:
    """Store a model whose columns the source has just described."""
    source = connections.source_for(actor, source.pk, lock=True)
    rights.require(actor, CONFIGURE_FROM_SOURCE if published else Permission.DRAFT_FROM_SOURCE, source_id=source.pk)
    if published:
        require_direct(actor)
    name = clean_name(name)
    require_key(primary_key, columns)
    model = Model.objects.create(
        workspace_id=current_workspace_id(),
        source=source,
        name=name,
        slug=free_slug(Model, slug or name, chosen=bool(slug)),
        description=description.strip(),
        folder=folder and rights.folder_for(folder.pk),
        method=definition.method,
        sql=definition.sql,
        table_schema=definition.table_schema,
        table_name=definition.table_name,
        primary_key=primary_key,
        published=published,
        columns_refreshed_at=timezone.now(),
        created_by_id=actor.user_id,
    )
    store_columns(model, columns)
    if not published:
        begin_draft(MODEL, model.pk, {**model_state(model), "described": described(columns)}, actor)
    record(model, after=snapshot(model, AUDITED))
    return model


def update_model(
    *,
    actor: Actor,
    model: Model,
    name: str | None = None,
    description: str | None = None,
    definition: Definition | None = None,
    primary_key: str | None = None,
    key_change: KeyChange | None = None,
) -> Model:
    """Change a model. A new key needs the person's choice of what dependent syncs do."""
    current = access.defined_model_for(actor, model.pk)
    access.require_model_change(actor, current)
    columns = describe(current.source, definition) if definition is not None else None
    model = store_model_change(
        actor=actor,
        model=current,
        name=name,
        description=description,
        definition=definition,
        primary_key=primary_key,
        key_change=key_change,
        columns=columns,
    )
    if key_change and key_change.run_now:
        start_dependents(actor, model)
    return model


def change_primary_key(*, actor: Actor, model: Model, primary_key: str, key_change: KeyChange) -> Model:
    """Choose another key column; dependent syncs remember the reset for their next run."""
    return update_model(actor=actor, model=model, primary_key=primary_key, key_change=key_change)


@service("model.updated")
def store_model_change(
    *,
    actor: Actor,
    model: Model,
    name: str | None,
    description: str | None,
    definition: Definition | None,
    primary_key: str | None,
    key_change: KeyChange | None,
    columns: Sequence[Column] | None,
    choices: ColumnChoices | None = None,
    draft: Draft | None = None,
) -> Model:
    """Store a change of a model, with its columns as the source has just described them.

    With a ``draft`` this publishes it: whoever may approve may do that, and it is closed in the same transaction.
    """
    if draft is not None:
        model = access.model_to_publish(actor, model.pk)
        told = take_for_publishing(draft, actor)
    else:
        model, told = access.model_to_change(actor, model.pk), {}
        if definition is not None or primary_key is not None:
            require_published(actor, model)
    before = audited(model)
    if name is not None:
        model.name = clean_name(name)
    if description is not None:
        model.description = description.strip()
    apply_model_change(model, definition, primary_key, key_change, columns, choices, by=actor)
    model.published = model.published or draft is not None
    changed = changes(before, audited(model))
    if not changed and not told:
        unchanged()
        return model
    model.revision += 1
    model.save()
    record(model, before=changed.before, after={**changed.after, **told})
    return model


def require_published(actor: Actor, model: Model) -> None:
    """Raise where what needs approval may not be changed directly: by the workspace's rule, or as it is a draft."""
    if not model.published:
        raise Conflict("This model is a draft.", hint="Change its draft, then publish it.", code="draft_only")
    require_direct(actor)


def apply_model_change(
    model: Model,
    definition: Definition | None,
    primary_key: str | None,
    key_change: KeyChange | None,
    columns: Sequence[Column] | None,
    choices: ColumnChoices | None = None,
    *,
    by: Actor | None = None,
) -> None:
    """Put what needs approval on a locked model (unsaved) and its columns (saved)."""
    if definition is not None:
        model.method, model.sql = definition.method, definition.sql
        model.table_schema, model.table_name = definition.table_schema, definition.table_name
    key = primary_key or model.primary_key
    require_key(key, columns if columns is not None else known_columns(model))
    _apply_key(model, key, key_change)
    if columns is not None:
        store_columns(model, columns)
        model.columns_refreshed_at = timezone.now()
    if choices is not None:
        _choose(by, model, choices)


def refresh_columns(*, actor: Actor, model: Model) -> Model:
    """Ask the source again which columns the model has; overrides and edited descriptions stay."""
    model = access.defined_model_for(actor, model.pk)
    access.require_model_change(actor, model)
    return store_refreshed_columns(actor=actor, model=model, columns=describe(model.source, Definition.of(model)))


@service("model.columns_refreshed")
def store_refreshed_columns(*, actor: Actor, model: Model, columns: Sequence[Column]) -> Model:
    """Store the columns that the source has just described."""
    model = access.model_to_change(actor, model.pk)
    found = store_columns(model, columns)
    model.columns_refreshed_at = timezone.now()
    model.save(update_fields=["columns_refreshed_at", "updated_at"])
    record(model, after={"added": found.added, "missing": found.missing, "retyped": found.retyped})
    return model


@service("model.column_changed")
def change_column(
    *,
    actor: Actor,
    model: Model,
    name: str,
    override_type: str | None = None,
    description: str | None = None,
    enabled: bool | None = None,
) -> ModelColumn:
    """Cast a column, describe it, or switch it on or off; a new cast makes dependent syncs reprocess."""
    model = access.model_to_change(actor, model.pk)
    column = model.columns.select_for_update(no_key=True).filter(name=name).first()
    if column is None:
        raise Invalid.field("name", f"The model has no column “{name}”.")
    if override_type is not None or enabled is not None:
        require_published(actor, model)
    before = snapshot(column, ("name", "override_type", "description", "enabled"))
    if override_type is not None:
        override_column(column, override_type)
    if description is not None:
        # Cleared, it is the source's again: the next reading of the columns brings that back.
        column.description, column.description_edited = description.strip(), bool(description.strip())
    if enabled is not None:
        switch_column(actor, model, column, enabled)
    changed = changes(before, snapshot(column, ("name", "override_type", "description", "enabled")))
    if not changed:
        unchanged()
        return column
    column.save()
    if "override_type" in changed.after and name != model.primary_key:
        reprocess_readers(model, [name])
    record(model, before={"column": name, **changed.before}, after={"column": name, **changed.after})
    return column


@service("model.deleted")
def delete_model(*, actor: Actor, model: Model) -> None:
    """Delete a model that no sync uses."""
    model = access.model_to_change(actor, model.pk)
    syncs = list(model.syncs.all())
    if syncs:
        names = access.names_in_view(actor, syncs)
        raise Conflict(f"Syncs use this model: {names}.", hint="Delete or re-point them first.")
    drop_draft(MODEL, model.pk, actor)
    record(model, before=snapshot(model, AUDITED))
    model.delete()


@service("source.previewed")
def record_source_preview(*, actor: Actor, source: Source, definition: Definition) -> None:
    """Remember that somebody looked at rows of a query."""
    source = connections.source_for(actor, source.pk, Permission.VIEW_ROWS)
    record(source, after={"query": definition.sql or f"{definition.table_schema}.{definition.table_name}"})


@service("model.previewed")
def record_model_preview(*, actor: Actor, model: Model) -> None:
    """Remember that somebody looked at rows of a model."""
    record(access.defined_model_for(actor, model.pk))


def known_columns(model: Model) -> list[Column]:
    """The columns that the model had when the source was last asked."""
    rows = model.columns.filter(missing=False)
    return [Column(row.name, ColumnType(row.type), row.native_type, row.description) for row in rows]


def require_key(primary_key: str, columns: Sequence[Column]) -> None:
    """Raise unless the key is one of the columns."""
    if not primary_key:
        raise Invalid.field("primary_key", "Choose the column that identifies a row.")
    if primary_key not in {column.name for column in columns}:
        raise Invalid.field(
            "primary_key", f"The model has no column “{primary_key}”.", hint="Choose another column as its key."
        )


def _apply_key(model: Model, key: str, key_change: KeyChange | None) -> None:
    """Change the key and leave the chosen reset with every dependent sync."""
    if key == model.primary_key:
        return
    if key_change is None or key_change.reset is PendingReset.NONE:
        raise Invalid.field(
            "reset",
            "Choose what dependent syncs do with the new key: remember the rows, or send them all again.",
        )
    model.primary_key = key
    model.syncs.update(pending_reset=key_change.reset)


def audited(model: Model) -> dict[str, Any]:
    """What the log says of a model: its fields, and what people decided about its columns."""
    state = model_state(model)
    return {**snapshot(model, AUDITED), "casts": state["casts"], "off": state["off"]}


def _choose(by: Actor | None, model: Model, choices: ColumnChoices) -> None:
    """Cast and switch columns as chosen; names that the model does not have are passed over."""
    recast = []
    for column in model.columns.select_for_update(no_key=True):
        before = (column.override_type, column.enabled)
        override_column(column, choices.casts.get(column.name, ""))
        switch_column(by, model, column, column.name not in choices.off)
        if column.override_type != before[0] and column.name != model.primary_key:
            recast.append(column.name)
        if (column.override_type, column.enabled) != before:
            column.save(update_fields=["override_type", "enabled"])
    reprocess_readers(model, recast)


def override_column(column: ModelColumn, override_type: str) -> None:
    """Cast a column (unsaved); its own type is no cast."""
    castable = {kind.value for kind in ColumnType} - {ColumnType.REFERENCE, ColumnType.UNKNOWN}
    if override_type and override_type not in castable:
        raise Invalid.field("override_type", f"“{override_type}” is not a column type.")
    column.override_type = "" if override_type == column.type else override_type


def switch_column(by: Actor | None, model: Model, column: ModelColumn, enabled: bool) -> None:
    """Switch a column (unsaved) on or off, unless something needs it."""
    if not enabled and column.name == model.primary_key:
        raise Invalid.field("enabled", "The primary key cannot be switched off.")
    users = [sync for sync in _syncs_of(model) if names_column(sync, column.name)]
    if users and not enabled:
        names = access.names_in_view(by, users) if by else f"{len(users):,}"
        raise Conflict(f"Syncs map this column: {names}.", hint="Remove it from their mappings first.")
    column.enabled = enabled


def _syncs_of(model: Model) -> QuerySet[Sync]:
    return Sync.objects.filter(model=model).select_related("destination")


def start_dependents(actor: Actor, model: Model) -> None:
    """Run the dependent syncs that this person may run; the others keep their pending reset."""
    from syncs.services.runs import start_run

    syncs = access.syncs_in_view(actor).filter(model=model, paused=False, published=True)
    syncs = syncs.select_related("destination")
    for sync in access.syncs_to_trigger(actor, syncs):
        try:
            start_run(actor=actor, sync=sync, trigger=Trigger.RESET)
        except HeadraceError:
            continue  # a live run, or nothing that can run now: the reset waits for the run after
