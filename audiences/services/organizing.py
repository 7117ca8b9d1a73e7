"""Who sees an audience, and its labels. None of it changes who is in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from audiences import access
from audiences.models import Audience
from governance.audit.actors import Actor
from governance.audit.services import record, service, unchanged
from syncs.services.audience_models import move_with_audience
from workspaces.labels import changed_labels
from workspaces.models import Space
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
        move_with_audience(audience.model, chosen)
    record(audience, before={"space": str(before or EVERYONE)}, after={"space": str(chosen or EVERYONE)})
    return audience


@service("audience.labelled")
def label_audience(*, actor: Actor, audience: Audience, add: Mapping[str, str], remove: Iterable[str] = ()) -> Audience:
    """Put labels on an audience, and take those with the keys of ``remove`` off."""
    audience = access.audience_to_change(actor, audience.pk)
    before = audience.labels
    audience.labels = changed_labels(before, add, remove)
    if audience.labels == before:
        unchanged()
        return audience
    audience.save(update_fields=["labels"])
    record(audience, before={"labels": before}, after={"labels": audience.labels})
    return audience
