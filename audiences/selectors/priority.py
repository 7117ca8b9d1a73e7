"""Who stands before an audience in its priority list."""

from __future__ import annotations

from django.db.models import QuerySet

from audiences.access import audiences_in_view
from audiences.models import Audience, PriorityPlace
from audiences.query.schema import SavedAudience, StudioSchema
from config.errors import Conflict
from governance.audit.actors import Actor


def standing_before(audience: Audience, schema: StudioSchema) -> tuple[SavedAudience, ...]:
    """The audiences of higher priority, highest first; none where the audience is in no list.

    Raises :class:`~config.errors.Conflict` where one of them cannot be read: without it others would get its members.
    """
    own = PriorityPlace.objects.filter(audience_id=audience.pk)
    higher = PriorityPlace.objects.filter(list__in=own.values("list_id"), position__lt=own.values("position")[:1])
    found = []
    for place in higher.select_related("audience"):
        saved = schema.audiences.get(str(place.audience_id))
        if saved is None:
            raise Conflict(
                f"“{place.audience}” has priority over “{audience}”, and its definition cannot be read.",
                hint=f"Save “{place.audience}” again, or take it out of the priority list.",
            )
        found.append(saved)
    return tuple(found)


def audiences_to_rank(actor: Actor, parent_model_id: int, list_id: int | None = None) -> QuerySet[Audience]:
    """The audiences of a parent model that may stand in this list, or in a new one: those of no other list."""
    others = PriorityPlace.objects.exclude(list_id=list_id or 0)
    rows = audiences_in_view(actor).filter(parent_model_id=parent_model_id)
    return rows.exclude(pk__in=others.values("audience_id"))
