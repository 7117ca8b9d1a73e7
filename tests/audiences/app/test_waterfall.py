"""The waterfall of an audience's sync: each number, and who is behind it."""

from __future__ import annotations

from typing import Any

from django.test import Client

from audiences.calculating import work
from audiences.models import Audience, Calculation, SchemaModel
from audiences.services import audiences as writes
from audiences.services.rules import create_destination_rule
from tests.audiences.app.acting import sync_of
from tests.audiences.app.test_syncing import customers, paying, shop, world
from tests.syncs.app.shop import Shop
from tests.world import World

__all__ = ["customers", "paying", "shop", "world"]


def only(key: int) -> dict[str, Any]:
    """Everybody but the row with this key."""
    test = {"operator": "not_equals", "operand": {"kind": "values", "values": [key]}}
    return {
        "where": {
            "type": "group",
            "match": "all",
            "conditions": [{"type": "property", "field": {"column": "id"}, "test": test}],
        }
    }


def test_each_number_explains_itself(shop: Shop, customers: SchemaModel, paying: Audience, world: World) -> None:
    create_destination_rule(
        actor=shop.actor, parent=customers, destination=shop.destination, name="Consent", definition=only(3)
    )
    sync = sync_of(shop, paying)
    shop.run(sync)
    assert [row[0] for row in shop.there()] == [1]
    client = Client()
    client.force_login(shop.place.owner)
    path = f"/{shop.place.workspace.slug}/studio/syncs/{sync.pk}/waterfall"
    assert "What stands between" in client.get(path).content.decode()
    assert client.post(path).status_code == 302
    waiting = Calculation.objects.get(kind="layers")
    work(waiting.pk)
    waiting.refresh_from_db()
    assert waiting.counts == {"audience": 2, "subsets": 2, "priority": 2, "limit": 2, "split": 2, "rule": 1}
    page = client.get(path).content.decode()
    assert "stopped by a rule of the destination" in page
    assert "The newest run got" not in page
    rows = client.get(f"{path}/rule").content.decode()
    assert "c@x.test" in rows
    assert "email" in rows, "columns have their names"
    assert "a@x.test" not in rows
    assert client.get(f"{path}/nowhere").status_code == 404
    shop.query("UPDATE customers SET plan = 'paid'")
    client.post(path)
    work(Calculation.objects.filter(kind="layers").latest("pk").pk)
    assert "The newest run got 1 rows" in client.get(path).content.decode()
    viewer = Client()
    viewer.force_login(world["viewer"])
    assert "What the newest run made of them" in viewer.get(path).content.decode()
    hidden = viewer.get(f"{path}/rule").content.decode()
    assert "You may not see rows of Customers" in hidden
    assert "c@x.test" not in hidden


def test_a_rule_tightened_later_removes_at_the_destination_alone(
    shop: Shop, customers: SchemaModel, paying: Audience
) -> None:
    sync = sync_of(shop, paying)
    shop.run(sync)
    rule = create_destination_rule(
        actor=shop.actor, parent=customers, destination=shop.destination, name="Consent", definition=only(3)
    )
    run = shop.run(sync)
    assert (run.planned_removed, [row[0] for row in shop.there()]) == (1, [1]), rule
    asked = writes.calculate_size(actor=shop.actor, parent=customers, definition=paying.definition, audience=paying)
    work(asked.pk)
    asked.refresh_from_db()
    assert asked.counts["members"] == 2, "rules never change the audience"


def test_other_syncs_have_no_waterfall(shop: Shop) -> None:
    sync = shop.sync()
    client = Client()
    client.force_login(shop.place.owner)
    assert client.get(f"/{shop.place.workspace.slug}/studio/syncs/{sync.pk}/waterfall").status_code == 404
    assert "Waterfall" not in client.get(f"/{shop.place.workspace.slug}/syncs/{sync.pk}").content.decode()
