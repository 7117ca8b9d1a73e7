"""A crowd of numbered customers, audiences of some of them, and syncs that send those to a real database."""

from __future__ import annotations

from typing import Any

from audiences import services as schema_services
from audiences.choices import ModelKind
from audiences.models import Audience, SchemaModel
from audiences.services import audiences as writes
from audiences.services.syncing import open_for_syncs
from syncs.models import Sync
from tests.audiences.app.shop import table
from tests.syncs.app.shop import Shop


def parent_of(shop: Shop, name: str = "Customers", schema: str = "main") -> SchemaModel:
    """A parent model of the shop's customers."""
    return schema_services.create_schema_model(
        actor=shop.actor,
        source=shop.source,
        kind=ModelKind.PARENT,
        definition=table("customers", schema),
        settings=schema_services.Settings(name=name, primary_key=("id",), primary_label="email"),
    )


def between(low: int, high: int, **more: Any) -> dict[str, Any]:
    """The definition of those whose ids lie between two."""
    tests = [("greater_or_equal", low), ("less_or_equal", high)]
    conditions = [
        {
            "type": "property",
            "field": {"column": "id"},
            "test": {"operator": operator, "operand": {"kind": "values", "values": [value]}},
        }
        for operator, value in tests
    ]
    return {"where": {"type": "group", "match": "all", "conditions": conditions}, **more}


def audience_of(shop: Shop, parent: SchemaModel, name: str, low: int, high: int) -> Audience:
    """The customers whose ids lie between two."""
    definition = between(low, high)
    return writes.create_audience(actor=shop.actor, parent=parent, name=name, definition=definition)


def sync_to_table(shop: Shop, audience: Audience) -> Sync:
    """A sync of the audience that begins with an empty table."""
    shop.at_destination(f"TRUNCATE {shop.table}")
    return shop.unguarded(shop.sync(open_for_syncs(actor=shop.actor, audience=audience)))


def ids_there(shop: Shop) -> list[int]:
    """Who is in the table."""
    return [row[0] for row in shop.there("id")]
