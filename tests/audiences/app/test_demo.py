"""The demo's schema over the sample shop."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from audiences.calculating import work
from audiences.models import Audience, Relationship, SchemaModel
from audiences.selectors import studio_schema
from audiences.services.audiences import calculate_size
from config.demo.audiences import LOYALTY, seed_audience_sync, seed_audiences
from config.demo.seed import EMAIL
from config.demo.studio import seed_schema
from connectors import services as connectors
from syncs.models import Run
from syncs.services.runs import start_run
from tests.world import BUILDER, Place, World, build_world
from workspaces.scoping import workspace_scope
from workspaces.services import create_person


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


def test_the_demo_has_audiences_with_members_and_syncs_the_loyal_who_read_mails(
    transactional_db: None, settings: Any
) -> None:
    settings.OUTBOUND_ALLOW = ["*"]
    place = build_world().acme
    with workspace_scope(place.workspace.pk):
        values = {"scale": 0.02, "first_day": timezone.now().date().isoformat()}
        store = connectors.create_source(actor=place.actor, type="sample_b2c", name="Online shop", values=values)
        audiences = seed_audiences(place.actor, seed_schema(place.actor, store))
        sizes = {name: size_of(place, audience) for name, audience in audiences.items()}
        assert len(sizes) == 6
        assert all(sizes.values()), sizes
        assert sizes["Best hundred"] == 100
        assert sizes["Loyal and gone quiet"] < sizes["Gone quiet"]
        sync = seed_audience_sync(place.actor, audiences[LOYALTY], place.rows["destination"])
        run = start_run(actor=place.actor, sync=sync)
        assert '"in_rule" = 1' in Run.objects.get(pk=run.pk).spec["sql"]


def size_of(place: Place, audience: Audience) -> int:
    """How many members it has now."""
    asked = calculate_size(
        actor=place.actor, parent=audience.parent_model, definition=audience.definition, audience=audience
    )
    work(asked.pk)
    asked.refresh_from_db()
    assert asked.state == "ready", asked.error_message
    members: int = asked.counts["members"]
    return members


def test_a_demo_that_was_set_up_in_part_says_what_to_do(db: None, settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    create_person(actor=BUILDER, email=EMAIL, password=None, name="Demo")
    with pytest.raises(CommandError, match="run `make clean`"):
        call_command("demo")
