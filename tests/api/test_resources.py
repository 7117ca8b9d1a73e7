"""Sources, destinations, models, syncs and runs over the REST API."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from syncs.models import Run, Sync
from tests.api.calls import Call, caller, key_of
from tests.syncs.app.shop import FIELDS, Shop, mapping, work_off
from tests.world import World
from workspaces.scoping import workspace_scope


def model_body(shop: Shop, **changed: Any) -> dict[str, Any]:
    """A SQL model over the shop's customers."""
    return {
        "name": "Customers",
        "slug": "customers",
        "sourceId": str(shop.source.pk),
        "queryType": "raw_sql",
        "raw": {"sql": "SELECT * FROM customers"},
        "primaryKey": "id",
        "isSchema": False,
        **changed,
    }


def sync_body(shop: Shop, model_id: str, **changed: Any) -> dict[str, Any]:
    """A sync of all columns to the shop's table."""
    configuration = {
        "syncType": "table",
        "mode": "upsert",
        "removal": "delete",
        "settings": {"table": f"public.{shop.table}"},
        "mappings": [mapping(name) for name in FIELDS],
    }
    return {
        "slug": "customers-to-app",
        "modelId": model_id,
        "destinationId": str(shop.destination.pk),
        "configuration": configuration,
        "schedule": {"type": "interval", "schedule": {"interval": {"quantity": 2, "unit": "hour"}}},
        "disabled": True,
        **changed,
    }


def test_what_is_created_is_read_back_and_runs(shop: Shop, call: Call) -> None:
    shop.fill(3)
    model = call("post", "/models", model_body(shop)).json()
    assert call("get", f"/models/{model['id']}").json() == model
    assert model["raw"] == {"sql": "SELECT * FROM customers"}

    sync = call("post", "/syncs", sync_body(shop, model["id"])).json()
    assert call("get", f"/syncs/{sync['id']}").json() == sync
    assert sync["schedule"] == {"type": "interval", "schedule": {"interval": {"quantity": 2, "unit": "hour"}}}
    assert (sync["status"], sync["disabled"], sync["primaryKey"]) == ("disabled", True, "id")
    assert sync["referencedColumns"] == ["id", "email", "plan"]

    run_id = call("post", f"/syncs/{sync['id']}/trigger").json()["id"]
    work_off()
    (run,) = call("get", f"/syncs/{sync['id']}/runs", runId=run_id).json()["data"]
    assert (run["id"], run["status"], run["completionRatio"], run["querySize"]) == (run_id, "success", 1.0, 3)
    assert run["successfulRows"] == {"addedCount": 3, "changedCount": 0, "removedCount": 0}
    assert len(shop.there()) == 3
    listed = call("get", "/models").json()["data"][0]
    assert listed["syncs"] == [sync["id"]]


def test_mappings_of_every_kind_come_back_as_they_were_given(shop: Shop, call: Call) -> None:
    shop.fill(1)
    shop.at_destination(f"ALTER TABLE {shop.table} ADD profile jsonb, ADD lines jsonb, ADD by text")
    model = call("post", "/models", model_body(shop)).json()
    plan = wire("plan", "static", "vip", ignoreNull=True)
    mappings = [
        wire("id", "template", "{{ row.id }}", identifier=True),
        wire("email", "column", "email", ignoreNull=True),
        wire("by", "variable", "sync_id"),
        wire("profile", "object", [wire("mail", "column", "email"), wire("inner", "object", [plan])]),
        wire("lines", "array", {"column": "email", "mappings": [wire("sku", "property", "sku", ignoreNull=True)]}),
    ]
    body = sync_body(shop, model["id"])
    body["configuration"]["mappings"] = mappings
    sync = call("post", "/syncs", body).json()
    assert sync["configuration"]["mappings"] == mappings
    assert call("patch", f"/syncs/{sync['id']}", {"configuration": sync["configuration"]}).json() == sync
    mappings[3]["value"][1]["value"][0]["kind"] = "shape"
    refused = call("patch", f"/syncs/{sync['id']}", {"configuration": {**sync["configuration"], "mappings": mappings}})
    assert refused.status_code == 422
    assert "mappings.3.value.1.value.0" in str(refused.json())


def wire(to: str, kind: str, value: Any, **more: Any) -> dict[str, Any]:
    """A mapping as the API shows it."""
    return {"to": to, "kind": kind, "value": value, "ignoreNull": False, "identifier": False, **more}


def test_full_resync_sends_every_row_again(shop: Shop, call: Call) -> None:
    shop.fill(5)
    sync = shop.sync()
    shop.run(sync)
    call("post", "/syncs/trigger", {"syncSlug": sync.slug, "fullResync": True})
    work_off()
    run = Run.objects.filter(sync=sync).latest("pk")
    assert (run.planned_added, run.succeeded_added) == (5, 5)


def test_a_sync_is_triggered_by_id_in_the_body_too(shop: Shop, call: Call) -> None:
    shop.fill(1)
    sync = shop.sync()
    assert call("post", "/syncs/trigger", {"syncId": str(sync.pk)}).status_code == 200
    second = call("post", "/syncs/trigger", {"syncId": str(sync.pk)})
    assert second.status_code == 409
    assert second.json()["message"]


def test_changes_keep_what_is_left_out(shop: Shop, call: Call) -> None:
    shop.fill(1)
    sync = shop.sync()
    changed = call(
        "patch", f"/syncs/{sync.pk}", {"schedule": {"type": "cron", "schedule": {"expression": "0 6 * * 1"}}}
    )
    assert changed.json()["schedule"] == {"type": "cron", "schedule": {"expression": "0 6 * * 1"}}
    assert changed.json()["configuration"]["mode"] == "upsert"
    assert call("patch", f"/syncs/{sync.pk}", {"disabled": True}).json()["disabled"] is True
    renamed = call("patch", f"/destinations/{shop.destination.pk}", {"name": "App database"}).json()
    assert (renamed["name"], renamed["syncs"]) == ("App database", [str(sync.pk)])
    model = call("patch", f"/models/{sync.model_id}", {"raw": {"sql": "SELECT * FROM customers WHERE id > 0"}}).json()
    assert model["raw"]["sql"].endswith("id > 0")


def test_credentials_go_in_and_never_out(shop: Shop, call: Call) -> None:
    body = {"name": "Warehouse", "slug": "warehouse", "type": "postgres"}
    configuration = {"host": "db.example", "port": 5432, "database": "d", "user": "u", "password": "hunter2-secret"}
    created = call("post", "/sources", {**body, "configuration": configuration})
    assert created.status_code == 200
    assert created.json()["configuration"]["host"] == "db.example"
    for answer in (created, call("get", f"/sources/{created.json()['id']}"), call("get", "/sources")):
        assert "hunter2-secret" not in answer.content.decode()


@pytest.mark.parametrize(
    ("path", "change", "field"),
    [
        ("/models", {"raw": {"sql": "DELETE FROM customers"}}, "raw.sql"),
        ("/models", {"raw": {"sql": "SELECT nothing FROM customers"}}, "raw.sql"),
        ("/models", {"primaryKey": "nope"}, "primaryKey"),
        ("/models", {"queryType": "table"}, "table"),
        ("/models", {"name": ""}, "name"),
    ],
)
def test_wrong_input_names_its_field(shop: Shop, call: Call, path: str, change: dict[str, Any], field: str) -> None:
    answer = call("post", path, model_body(shop, **change))
    assert answer.status_code == 422
    assert answer.json()["message"] == "Validation failed"
    assert list(answer.json()["details"]) == [field]


def test_wrong_input_of_a_change_names_its_field(shop: Shop, call: Call) -> None:
    shop.fill(1)
    sync = shop.sync()
    made = call("get", f"/syncs/{sync.pk}").json()["configuration"]
    refused = [
        call("patch", f"/models/{sync.model_id}", {"primaryKey": "email"}),
        call("patch", f"/syncs/{sync.pk}", {"configuration": {**made, "syncType": "nothing"}}),
        call("put", f"/sources/{shop.source.pk}/logs", {"tables": [], "changelogDays": 0}),
        call("post", "/sources", {"name": "W", "type": "postgres", "configuration": {"host": "db.example"}}),
    ]
    assert [answer.status_code for answer in refused] == [422] * 4
    assert [min(answer.json()["details"]) for answer in refused] == [
        "primaryKeyChange",
        "configuration.syncType",
        "changelogDays",
        "database",  # a setting of the connector, in its own words
    ]


def test_days_of_the_week_and_a_window_over_the_wire(shop: Shop, call: Call) -> None:
    sync = shop.sync()
    days = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    weekend = {"days": {"saturday": True, "sunday": True}, "time": "8:30"}
    window = {"startsAt": "2031-01-01T00:00:00Z", "endsAt": "2032-01-01T00:00:00Z"}
    detail = {"expressions": [weekend], "timezone": "Europe/Berlin", **window}
    changed = call("patch", f"/syncs/{sync.pk}", {"schedule": {"type": "visual_cron", "schedule": detail}})
    read = {"days": {day: day.startswith("s") for day in days}, "time": "08:30"}
    assert changed.json()["schedule"] == {"type": "visual_cron", "schedule": {**detail, "expressions": [read]}}
    wrong = {"type": "visual_cron", "schedule": {**detail, "timezone": "Mars/Olympus"}}
    answer = call("patch", f"/syncs/{sync.pk}", {"schedule": wrong})
    assert (answer.status_code, list(answer.json()["details"])) == (422, ["schedule.schedule.timezone"])


def test_a_schedule_that_cannot_work_is_refused(shop: Shop, call: Call) -> None:
    shop.fill(1)
    model = shop.model()
    wrong = {"type": "cron", "schedule": {"expression": "0 0 31 2 *"}}
    answer = call("post", "/syncs", sync_body(shop, str(model.pk), schedule=wrong))
    assert answer.status_code == 422
    assert answer.json()["details"] == {"schedule.schedule.expression": "Not a cron expression: Bad day-of-month."}
    assert not Sync.objects.exists()


def test_lists_page_without_gaps(shop: Shop, call: Call) -> None:
    names = [f"Model {i:02}" for i in range(7)]
    for name in reversed(names):
        shop.model(name)
    seen: list[str] = []
    for offset in range(0, 8, 3):
        page = call("get", "/models", limit=3, offset=offset, orderBy="name").json()
        seen += [model["name"] for model in page["data"]]
        assert page["hasMore"] is (offset + 3 < 7)
    assert seen == names
    assert call("get", "/models", orderBy="sql").status_code == 422
    assert [m["name"] for m in call("get", "/models", name="Model 03").json()["data"]] == ["Model 03"]


def test_another_workspace_is_not_there(world: World, shop: Shop, call: Call) -> None:
    shop.fill(1)
    sync = shop.sync()
    theirs = caller(key_of(world.globex, world.outsider))
    paths = (f"/sources/{shop.source.pk}", f"/destinations/{shop.destination.pk}", f"/models/{sync.model_id}")
    for path in (*paths, f"/syncs/{sync.pk}", f"/syncs/{sync.pk}/runs"):
        assert call("get", path).status_code == 200
        assert theirs("get", path).status_code == 404
    assert theirs("post", f"/syncs/{sync.pk}/trigger").status_code == 404
    assert theirs("post", "/syncs/trigger", {"syncSlug": sync.slug}).status_code == 404
    assert theirs("get", "/syncs").json()["data"] == []


def test_without_a_key_nothing_is_answered(db: None) -> None:
    for key in ("", "hr_wrong"):
        answer = caller(key)("get", "/syncs")
        assert answer.status_code == 401
        assert answer.json()["message"] == "Authentication error"


def test_a_viewer_reads_and_changes_nothing(world: World, shop: Shop) -> None:
    shop.fill(1)
    sync = shop.sync()
    with workspace_scope(world.acme.workspace.pk):
        from workspaces.actors import for_api_key
        from workspaces.services import create_api_key

        made = create_api_key(actor=world.acme.actor, workspace=world.acme.workspace, name="Mine")
        made.key.owner = world["viewer"]
        made.key.save()
        assert for_api_key(made.key).user_id == world["viewer"].pk
    viewer = caller(made.secret)
    assert viewer("get", f"/syncs/{sync.pk}").status_code == 200
    assert viewer("post", f"/syncs/{sync.pk}/trigger").status_code == 403
    assert viewer("patch", f"/syncs/{sync.pk}", {"disabled": True}).status_code == 403


def test_the_rate_limit_is_the_workspaces(shop: Shop, call: Call, key: str, world: World, settings: Any) -> None:
    settings.API_RATE_LIMIT = "3/600s"
    other = caller(key_of(world.acme, world.owner))
    codes = [
        call("get", "/sources").status_code,
        other("get", "/sources").status_code,
        call("get", "/sources").status_code,
    ]
    assert codes == [200, 200, 200]
    refused = other("get", "/sources")
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 600
    assert caller(key_of(world.globex, world.outsider))("get", "/sources").status_code == 200


def test_nothing_in_the_openapi_document_is_guessed(tmp_path: Path) -> None:
    """Names that collide and answers that nobody described would mislead whoever makes a client of it."""
    call_command("spectacular", "--fail-on-warn", "--file", str(tmp_path / "openapi.yml"))


def test_the_openapi_document_describes_every_endpoint(db: None) -> None:
    document = caller("")("get", "/openapi.json").json()
    assert document["openapi"].startswith("3.")
    operations = {o["operationId"] for path in document["paths"].values() for o in path.values() if "operationId" in o}
    assert {"ListSync", "CreateSync", "TriggerRunCustom", "ListSyncRuns", "UpdateModel", "CreateSource"} <= operations
    assert document["components"]["securitySchemes"]["apiKey"]["scheme"] == "bearer"
