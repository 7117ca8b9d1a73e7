"""The models behind audiences: made and kept up to date by the studio, which has checked who asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.utils import timezone

from connectors.sdk.types import Column
from syncs.choices import ModelMethod, PendingReset
from syncs.models import Model, ModelColumn
from syncs.services.columns import store_columns
from syncs.services.naming import free_slug
from workspaces.models import Folder, Space
from workspaces.scoping import current_workspace_id


def create_audience_model(
    *, source_id: int, parent_model_id: int, name: str, primary_key: str, user_id: int | None, folder: Folder | None
) -> Model:
    """The model that the syncs of an audience have; its columns come with :func:`follow_audience`."""
    return Model.objects.create(
        workspace_id=current_workspace_id(),
        source_id=source_id,
        parent_model_id=parent_model_id,
        name=name,
        slug=free_slug(Model, name),
        method=ModelMethod.AUDIENCE,
        primary_key=primary_key,
        columns_refreshed_at=timezone.now(),
        created_by_id=user_id,
        folder=folder,
    )


def show_with_audience(model: Model, space: Space | None) -> None:
    """Show the syncs of an audience to whom the audience is shown."""
    model.syncs.update(space=space)


def file_with_audience(model: Model, folder: Folder | None) -> None:
    """Put the model of an audience, and so its syncs, into the audience's folder."""
    model.folder = folder
    model.save(update_fields=["folder"])


def follow_audience(
    model: Model, *, name: str, primary_key: str, columns: Sequence[Column], casts: Mapping[str, str]
) -> None:
    """Bring the model of an audience up to date; ``casts`` are types that people chose.

    Under another key what was delivered tells nothing about rows, so that all are sent again.
    """
    store_columns(model, columns)
    if model.primary_key != primary_key:
        model.primary_key = primary_key
        model.syncs.filter(pending_reset=PendingReset.NONE).update(pending_reset=PendingReset.RESYNC)
    rows = list(model.columns.all())
    changed = [row for row in rows if row.override_type != casts.get(row.name, "")]
    for row in changed:
        row.override_type = casts.get(row.name, "")
    if changed:
        ModelColumn.objects.bulk_update(changed, ["override_type"])
    model.name, model.columns_refreshed_at = name, timezone.now()
    model.save(update_fields=["name", "primary_key", "columns_refreshed_at", "updated_at"])
