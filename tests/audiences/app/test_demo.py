"""The demo's schema over the sample shop."""

from __future__ import annotations

from audiences.models import Relationship, SchemaModel
from audiences.selectors import studio_schema
from config.demo.studio import seed_schema
from connectors import services as connectors
from tests.world import World
from workspaces.scoping import workspace_scope


def test_the_demo_describes_its_shop(world: World) -> None:
    place = world.acme
    with workspace_scope(place.workspace.pk):
        store = connectors.create_source(
            actor=place.actor, type="sample_b2c", name="Online shop", values={"scale": 0.002}
        )
        customers = seed_schema(place.actor, store)
        assert SchemaModel.objects.filter(source=store, look_state="done").count() == 5
        [way] = Relationship.objects.filter(name="Bought products")
        hops = studio_schema(store).step(str(way.pk), str(customers.pk)) or ()
        assert len(hops) == 3
        assert SchemaModel.objects.get(pk=int(hops[-1].model)).name == "Products"
