"""The tabs of an audience's page, in their order. A room that has something to say of an audience adds one line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from audiences.models import Audience, ExperimentGroup
from governance.audit.actors import Actor
from syncs.access import syncs_in_view


@dataclass(frozen=True, slots=True)
class Tab:
    """One tab: the name of its route (which gets the audience's id), its label, and what it counts, if anything."""

    route: str
    label: str
    counter: Callable[[Actor, Audience], int] | None = None


def syncs_of(actor: Actor, audience: Audience) -> int:
    """How many syncs that the actor sees send the audience."""
    return syncs_in_view(actor).filter(model_id=audience.model_id).count() if audience.model_id else 0


def groups_of(actor: Actor, audience: Audience) -> int:
    """How many groups the audience's experiment has."""
    return ExperimentGroup.objects.filter(experiment__audience=audience, experiment__ended_at=None).count()


TABS = (
    Tab("audience", "Overview"),
    Tab("audience_definition", "Definition"),
    Tab("audience_insights", "Insights"),
    Tab("audience_members", "Members"),
    Tab("audience_enrichments", "Traits", lambda actor, audience: len(audience.enrichments)),
    Tab("audience_syncs", "Syncs", syncs_of),
    Tab("audience_experiments", "Experiments", groups_of),
    Tab("audience_history", "History"),
    Tab("audience_versions", "Versions"),
    Tab("audience_activity", "Activity"),
)
