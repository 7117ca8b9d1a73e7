"""Two workspaces of one organization, each with a warehouse file and a database table of its own."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import uuid4

from governance.environments.linking import link_things
from governance.environments.sides import Side
from tests.syncs.app.shop import Shop, open_shop
from tests.world import Place, World
from workspaces.scoping import unscoped, workspace_scope
from workspaces.services import create_workspace


@dataclass(frozen=True)
class Stage:
    """One environment: its shop, and its owner acting there."""

    place: Place
    shop: Shop

    @property
    def side(self) -> Side:
        return Side(self.place.workspace, self.place.actor)


@dataclass(frozen=True)
class Stages:
    """Development and production."""

    dev: Stage
    prod: Stage

    def link(self) -> None:
        """Link the sources and the destinations."""
        for kind in ("source", "destination"):
            pair = [getattr(stage.shop, kind).pk for stage in (self.dev, self.prod)]
            link_things(here=self.dev.side, kind=kind, pk=pair[0], there=self.prod.side, other_pk=pair[1])


def open_stages(world: World, address: str) -> Stages:
    """Make production beside the world's first workspace, and a shop in each."""
    with unscoped("tests make a second workspace of the organization"):
        organization = world.acme.workspace.organization
    made = create_workspace(actor=world.acme.actor, organization=organization, name="Prod", slug="acme-prod")
    places = (world.acme, Place(made, world.owner))
    shops = []
    for place in places:
        with workspace_scope(place.workspace.pk):
            shops.append(open_shop(place, address, uuid4().hex[:8]))
    return Stages(Stage(places[0], shops[0]), Stage(places[1], shops[1]))
