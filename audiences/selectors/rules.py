"""Which rows a destination may get at all."""

from __future__ import annotations

from django.db.models import QuerySet

from audiences.models import DestinationRule
from audiences.query.codec import load_definition
from audiences.query.conditions import Definition
from connectors.models import Destination


def rules_for(parent_model_id: int, destination_id: int) -> tuple[Definition, ...]:
    """What every row of a parent model has to meet before this destination gets it: all of it.

    Raises :class:`~audiences.query.errors.InvalidTree` where a rule cannot be read: nothing is sent past a rule.
    """
    return tuple(load_definition(rule.definition) for rule in rules_that_hold(parent_model_id, destination_id))


def rules_that_hold(parent_model_id: int, destination_id: int) -> QuerySet[DestinationRule]:
    """The rules of a destination for a parent model that are on."""
    return DestinationRule.objects.filter(parent_model_id=parent_model_id, destination_id=destination_id, enabled=True)


def destinations_with_rules(parent_model_id: int) -> list[Destination]:
    """The destinations that get a parent model's rows by rules alone."""
    held = DestinationRule.objects.filter(parent_model_id=parent_model_id, enabled=True).values("destination_id")
    return list(Destination.objects.filter(pk__in=held).order_by("name", "pk"))
