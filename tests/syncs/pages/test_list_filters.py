"""Every filter of the lists of syncs and models: each narrows, and all that are set hold together."""

from __future__ import annotations

from django.test import Client

from connectors import services as connectors
from syncs import services
from syncs.choices import ModelMethod
from syncs.definitions import Definition
from syncs.models import Model, Sync
from tests.syncs.app.shop import Shop, postgres_settings
from tests.world import World


def somebody_elses(shop: Shop, world: World) -> tuple[Model, Sync]:
    """A model and a paused sync of an editor, over a source and a destination of their own."""
    editor = world.actor("editor")
    values = {"mode": "database", "path": shop.file.name}
    source = connectors.create_source(actor=editor, type="duckdb", values=values, name="Other warehouse")
    destination = connectors.create_destination(
        actor=editor, type="postgres", values=postgres_settings(shop.address), name="Other database"
    )
    definition = Definition(method=ModelMethod.SQL, sql="SELECT * FROM customers")
    model = services.create_model(actor=editor, source=source, name="Others", definition=definition, primary_key="id")
    sync = services.create_sync(actor=editor, model=model, destination=destination, proposal=shop.proposal())
    return model, sync


def test_each_filter_narrows_and_all_hold_together(shop: Shop, world: World, owner: Client) -> None:
    shop.fill(3)
    shop.query("INSERT INTO customers SELECT * FROM customers WHERE id = 1")
    mine = shop.sync(shop.model("Mine"))
    shop.run(mine)
    model, others = somebody_elses(shop, world)
    owner.post(f"/acme/syncs/{others.pk}/do/pause")
    unused = shop.model("Unused")
    editor = world["editor"].pk
    lists: dict[str, tuple[dict[str, int], dict[str, set[str]]]] = {
        "syncs": (
            {"mine": mine.pk, "others": others.pk},
            {
                f"source={shop.source.pk}": {"mine"},
                f"destination={others.destination_id}": {"others"},
                f"creator={editor}": {"others"},
                f"creator={editor}&creator={world.owner.pk}": {"mine", "others"},
                "progress=running": set(),
                "progress=idle": {"mine", "others"},
                "schedule=paused": {"others"},
                "last_run=day": {"mine"},
                "last_run=older": set(),
                "last_run=never": {"others"},
                f"last_run=day&source={shop.source.pk}": {"mine"},
                f"last_run=day&creator={editor}": set(),
            },
        ),
        "models": (
            {"mine": mine.model_id, "others": model.pk, "unused": unused.pk},
            {
                f"source={shop.source.pk}": {"mine", "unused"},
                f"creator={editor}": {"others"},
                "method=sql": {"mine", "others", "unused"},
                "method=table": set(),
                "duplicates=yes": {"mine"},
                "duplicates=no": {"others", "unused"},
                "used=no": {"unused"},
                f"used=yes&source={shop.source.pk}": {"mine"},
                f"duplicates=yes&creator={editor}": set(),
            },
        ),
    }
    for name, (rows, expected) in lists.items():
        for query, wanted in expected.items():
            page = owner.get(f"/acme/{name}?{query}").content.decode()
            shown = {row for row, pk in rows.items() if f'data-href="/acme/{name}/{pk}"' in page}
            assert shown == wanted, f"{name}?{query}"
