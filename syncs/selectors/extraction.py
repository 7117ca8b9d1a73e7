"""The extraction of ad platforms' audiences, as pages and the API show it."""

from __future__ import annotations

from config.errors import Conflict
from connectors.access import can_host_planner, lists_audiences
from connectors.choices import Health
from connectors.models import Destination, Source
from governance.audit.actors import Actor
from syncs.models import AudienceExtraction
from workspaces.access import may
from workspaces.permissions import Permission

MANAGE_BOTH = (Permission.MANAGE_SOURCE, Permission.MANAGE_DESTINATION)


def extraction_of(destination: Destination) -> AudienceExtraction | None:
    """That of a destination, if it was ever switched on; :class:`Conflict` where it can have none."""
    if not lists_audiences(destination):
        raise Conflict(f"“{destination}” does not list its audiences.", hint="Choose a destination of an ad platform.")
    related = ("source", "destination")
    return AudienceExtraction.objects.select_related(*related).filter(destination=destination).first()


def extraction_targets(actor: Actor, destination: Destination) -> list[Source]:
    """The sources in which Headrace may write, and that the actor may choose for this destination."""
    rows = Source.objects.filter(write_health=Health.HEALTHY).order_by("name", "pk")
    return [
        source
        for source in rows
        if can_host_planner(source) and may(actor, MANAGE_BOTH, source_id=source.pk, destination_id=destination.pk)
    ]
