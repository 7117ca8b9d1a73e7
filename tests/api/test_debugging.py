"""What a run did, over the REST API: rows, requests, cancelling, and what is logged in the warehouse."""

from __future__ import annotations

from connectors import services as connectors
from syncs import services
from tests.api.calls import Call, caller
from tests.syncs.app.shop import Shop
from workspaces.scopes import KeyScope
from workspaces.services import create_api_key


def reader(shop: Shop) -> Call:
    """A key that reads, and neither sees row data nor runs anything."""
    made = create_api_key(actor=shop.actor, workspace=shop.place.workspace, name="Reader", scopes=[KeyScope.READ])
    return caller(made.secret)


def test_a_refused_row_is_found_with_its_words_and_requests(shop: Shop, call: Call) -> None:
    shop.fill(5)
    shop.query("UPDATE customers SET plan = 'broken' WHERE id = 3")
    sync = shop.sync()
    run = shop.run(sync)
    base = f"/syncs/{sync.pk}/runs/{run.pk}"
    first = call("get", f"{base}/rows", limit=2).json()
    second = call("get", f"{base}/rows", limit=10, after=first["next"]).json()
    assert sorted(row["key"] for row in first["rows"] + second["rows"]) == ["1", "2", "3", "4", "5"]
    assert second["next"] is None
    [refused] = call("get", f"{base}/rows", failed=True).json()["rows"]
    assert (refused["key"], refused["operation"], refused["status"]) == ("3", "added", "rejected")
    assert "violates check constraint" in refused["message"]
    assert refused["values"]["email"] == "c3@shop.test"
    detail = call("get", f"{base}/rows/{refused['id']}").json()
    assert any("INSERT INTO" in request["requestBody"] for request in detail["requests"])
    assert call("get", f"{base}/rows", status="sent").status_code == 422
    assert call("get", f"{base}/rows/9:9").status_code == 404
    assert call("get", f"/syncs/{shop.sync().pk}/runs/{run.pk}/rows").status_code == 404

    found = call("get", f"{base}/requests", text="insert into", key="3").json()["requests"]
    assert {request["id"] for request in found} >= {request["id"] for request in detail["requests"]}
    assert all("INSERT INTO" in request["requestBody"] for request in found)
    assert call("get", f"{base}/requests", text="nowhere to be found").json() == {"requests": [], "next": None}
    blind = reader(shop)
    [hidden] = blind("get", f"{base}/rows", failed=True).json()["rows"]
    assert (hidden["key"], hidden["values"]) == ("3", {})
    assert blind("get", f"{base}/requests", text="insert").status_code == 403
    assert "shop.test" not in blind("get", f"{base}/requests").content.decode()


def test_a_run_is_cancelled_once(shop: Shop, call: Call) -> None:
    shop.fill(1)
    sync = shop.sync()
    run = services.start_run(actor=shop.actor, sync=sync)
    base = f"/syncs/{sync.pk}/runs/{run.pk}"
    assert reader(shop)("post", f"{base}/cancel").status_code == 403
    assert call("post", f"{base}/cancel").status_code == 200
    run.refresh_from_db()
    assert run.cancel_requested_at is not None


def test_logs_are_chosen_for_a_sync_and_for_all_of_a_source(shop: Shop, call: Call) -> None:
    sync = shop.sync()
    of_sync, of_source = f"/syncs/{sync.pk}/logs", f"/sources/{shop.source.pk}/logs"
    assert call("get", of_sync).json() == {"tables": [], "ofSource": []}
    refused = call("put", of_sync, {"tables": ["runs"]})
    assert (refused.status_code, refused.json()["message"] != "") == (409, True)
    shop.fill(1)
    assert call("post", f"/sources/{shop.source.pk}/check-write").json()["ok"] is True
    assert call("put", of_source, {"tables": ["runs"], "changelogDays": 30}).json() == {
        "tables": ["runs"],
        "changelogDays": 30,
    }
    assert call("put", of_sync, {"tables": ["changelog"]}).json() == {"tables": ["changelog"], "ofSource": ["runs"]}
    assert call("put", of_sync, {"tables": ["diary"]}).status_code == 422


def test_a_source_moves_to_the_warehouse_planner_once_it_can_be_written(shop: Shop, call: Call) -> None:
    planner, viewer = f"/sources/{shop.source.pk}/planner", reader(shop)
    before = call("get", planner).json()
    assert (before["planner"], before["writeAccess"]["health"]) == ("local", "untested")
    assert call("put", planner, {"planner": "warehouse"}).status_code == 409, "nobody tested whether it can"
    shop.fill(1)
    assert viewer("post", f"/sources/{shop.source.pk}/check-write").status_code == 403
    assert call("post", f"/sources/{shop.source.pk}/check-write").json()["ok"] is True
    assert viewer("put", planner, {"planner": "warehouse"}).status_code == 403
    moved = call("put", planner, {"planner": "warehouse"}).json()
    assert (moved["planner"], moved["writeAccess"]["health"]) == ("warehouse", "healthy")
    assert call("put", planner, {"planner": "local"}).status_code == 409, "what was delivered is known there only"
    server = {"host": "db.example", "database": "shop", "user": "u", "password": "p"}
    mysql, postgres = (
        connectors.create_source(actor=shop.actor, type=type, values=server, name=type).pk
        for type in ("mysql", "postgres")
    )
    assert call("get", f"/sources/{mysql}/planner").json() == {"planner": "local", "writeAccess": None}
    assert call("post", f"/sources/{mysql}/check-write").status_code == 409
    assert "headrace_planner" in call("get", f"/sources/{postgres}/planner").json()["writeAccess"]["setupSql"]
