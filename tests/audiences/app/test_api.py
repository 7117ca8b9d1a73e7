"""The schema over the REST API: everything the pages can do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from audiences.models import SchemaModel
from connectors.models import Source
from tests.audiences.app.acting import Caller
from tests.audiences.app.shop import warehouse
from tests.world import Place, World
from workspaces.scoping import workspace_scope


@pytest.fixture
def place(world: World) -> Iterator[Place]:
    with workspace_scope(world.acme.workspace.pk):
        yield world.acme


@pytest.fixture
def source(place: Place) -> Source:
    return warehouse(place)


def test_a_schema_is_built_read_changed_and_taken_down(place: Place, source: Source) -> None:
    call = Caller(place)
    customers = call(
        "POST",
        "schema-models",
        {
            "sourceId": source.pk,
            "kind": "parent",
            "name": "Customers",
            "queryType": "table",
            "table": {"name": "main.customers"},
            "primaryKey": ["id"],
            "primaryLabel": "name",
            "tags": {"team": "crm"},
        },
    )
    event = {
        "sourceId": source.pk,
        "kind": "event",
        "name": "Orders",
        "queryType": "raw_sql",
        "raw": {"sql": "SELECT * FROM orders"},
        "primaryKey": ["order_id"],
        "eventTimestampColumn": "ordered_at",
    }
    refused = call("POST", "schema-models", event, status=422)
    assert "relationship" in str(refused)
    keys = [{"fromColumn": "customer_id", "toColumn": "id"}]
    tie = {"toModelId": customers["id"], "cardinality": "many_to_one", "joinKeys": keys, "mergeColumns": ["region"]}
    orders = call("POST", "schema-models", {**event, "relationship": tie})
    [made] = orders["relationships"]
    assert (made["toModelId"], made["mergeColumns"], made["joinKeys"]) == (customers["id"], ["region"], keys)
    listed = call("GET", "schema-models?kind=event")["data"]
    assert [row["name"] for row in listed] == ["Orders"]
    one = call("GET", f"schema-models/{customers['id']}")
    assert (one["tags"], one["table"]) == ({"team": "crm"}, {"name": "main.customers"})
    change = {"columns": [{"name": "region", "alias": "Region", "privacy": "redacted", "suggestValues": False}]}
    columns = call("PATCH", f"schema-models/{customers['id']}/columns", change)["columns"]
    [region] = [column for column in columns if column["name"] == "region"]
    assert (region["alias"], region["redacted"], region["suggestValues"]) == ("Region", True, False)
    replaced = call("PUT", f"schema-relationships/{made['id']}", {**tie, "mergeColumns": [], "name": "Buys"})
    assert (replaced["name"], replaced["mergeColumns"]) == ("Buys", [])
    changed = call("PATCH", f"schema-models/{orders['id']}", {"name": "Purchases", "archived": True})
    assert (changed["name"], changed["archived"]) == ("Purchases", True)
    call("DELETE", f"schema-relationships/{made['id']}", status=204)
    call("DELETE", f"schema-models/{orders['id']}", status=204)
    assert list(SchemaModel.objects.values_list("name", flat=True)) == ["Customers"]


def test_a_way_through_others_is_made_of_ids(place: Place, source: Source) -> None:
    call = Caller(place)

    def model(name: str, key: str, relationship: Any = None) -> Any:
        body: dict[str, Any] = {"sourceId": source.pk, "kind": "related" if relationship else "parent", "name": name}
        body |= {"queryType": "table", "table": {"name": f"main.{name}"}, "primaryKey": [key]}
        return call("POST", "schema-models", {**body, "relationship": relationship})

    def by(other: Any, mine: str, theirs: str) -> Any:
        keys = [{"fromColumn": mine, "toColumn": theirs}]
        return {"toModelId": other["id"], "cardinality": "many_to_one", "joinKeys": keys}

    customers = model("customers", "id")
    orders = model("orders", "order_id", by(customers, "customer_id", "id"))
    lines = model("lines", "order_id", by(orders, "order_id", "order_id"))
    steps = [row["id"] for row in call("GET", "schema-relationships")["data"]]
    made = call("POST", "schema-relationships", {"fromModelId": customers["id"], "through": steps})
    assert (made["toModelId"], made["through"], made["cardinality"]) == (lines["id"], steps, "one_to_many")
    call("POST", "schema-relationships", {"fromModelId": customers["id"], "through": [10**9]}, status=422)
    call("GET", "schema-relationships/987654", status=404)
