"""Where an audience is, who sees it, and its labels. None of it changes who is in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from audiences import access
from audiences.models import Audience
from governance.audit.actors import Actor
from governance.audit.services import record, service, unchanged
from syncs.services.audience_models import file_with_audience, show_with_audience
from workspaces.access import folder_for
from workspaces.labels import changed_labels
from workspaces.models import Folder, Space
from workspaces.spaces import EVERYONE


@service("audience.space_changed")
def move_audience_to_space(*, actor: Actor, audience: Audience, space: Space | None) -> Audience:
    """Let only a space's people see an audience and its syncs; without a space, everyone."""
    audience = access.audience_to_change(actor, audience.pk)
    chosen = access.space_to_put_into(actor, space.pk if space else None)
    before = audience.space
    if before == chosen:
        unchanged()
        return audience
    audience.space = chosen
    audience.save(update_fields=["space", "updated_at"])
    if audience.model is not None:
        show_with_audience(audience.model, chosen)
    record(audience, before={"space": str(before or EVERYONE)}, after={"space": str(chosen or EVERYONE)})
    return audience


@service("audience.moved")
def move_audience(*, actor: Actor, audience: Audience, folder: Folder | None) -> Audience:
    """Put an audience and its syncs into a folder, or into none."""
    audience = access.audience_to_organize(actor, audience.pk)
    folder = folder and folder_for(folder.pk)
    before = audience.folder
    if before == folder:
        unchanged()
        return audience
    audience.folder = folder
    audience.save(update_fields=["folder"])
    if audience.model is not None:
        file_with_audience(audience.model, folder)
    record(audience, before={"folder": before and before.name}, after={"folder": folder and folder.name})
    return audience


@service("audience.labelled")
def label_audience(*, actor: Actor, audience: Audience, add: Mapping[str, str], remove: Iterable[str] = ()) -> Audience:
    """Put labels on an audience, and take those with the keys of ``remove`` off."""
    audience = access.audience_to_organize(actor, audience.pk)
    before = audience.labels
    audience.labels = changed_labels(before, add, remove)
    if audience.labels == before:
        unchanged()
        return audience
    audience.save(update_fields=["labels"])
    record(audience, before={"labels": before}, after={"labels": audience.labels})
    return audience
