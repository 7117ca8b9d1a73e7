"""The unmodified public clients, each in a Python of its own, against a served application with a real worker."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from pytest_django.live_server_helper import LiveServer

from syncs.models import Run, Sync
from tests.invariants.tree import CHECKOUT
from tests.syncs.app.shop import Shop
from tests.syncs.app.workers import SCHEDULER, WORKER, process

SDK = """
import json, sys, hightouch
from hightouch.models import operations as o, shared as s

url, key, source, destination, table = sys.argv[1:]
api = hightouch.Hightouch(server_url=url + "/api/v1")
auth = key
model = api.create_model(
    s.ModelCreate(
        is_schema=False, name="From the SDK", primary_key="id", query_type="raw_sql", slug="from-the-sdk",
        source_id=source, raw=s.ModelCreateRaw(sql="SELECT * FROM customers"),
    ),
    o.CreateModelSecurity(bearer_auth=auth),
).create_model_200_application_json_any_of
mappings = [{"to": n, "kind": "column", "value": n, "identifier": n == "id"} for n in ("id", "email", "plan")]
sync = api.create_sync(
    s.SyncCreate(
        configuration={"syncType": "table", "mode": "upsert", "settings": {"table": table}, "mappings": mappings},
        destination_id=destination, disabled=False, model_id=model["id"], slug="from-the-sdk",
        schedule=s.SyncCreateSchedule(type="manual", schedule=None),
    ),
    o.CreateSyncSecurity(bearer_auth=auth),
).create_sync_200_application_json_any_of
listed = api.list_sync(o.ListSyncRequest(slug="from-the-sdk", limit=10), o.ListSyncSecurity(bearer_auth=auth))
read = api.get_sync(o.GetSyncRequest(sync_id=float(sync["id"])), o.GetSyncSecurity(bearer_auth=auth)).sync
triggered = api.trigger_run_custom(
    s.TriggerRunCustomInput(sync_slug="from-the-sdk", full_resync=False), o.TriggerRunCustomSecurity(bearer_auth=auth)
).trigger_run_custom_200_application_json_any_of
import time
for _ in range(600):
    runs = api.list_sync_runs(
        o.ListSyncRunsRequest(sync_id=float(sync["id"]), run_id=float(triggered["id"])),
        o.ListSyncRunsSecurity(bearer_auth=auth),
    ).list_sync_runs_200_application_json_object
    if runs.data[0].completion_ratio == 1:
        break
    time.sleep(0.1)
run = runs.data[0]
print(json.dumps({
    "read": [read.id, read.slug, read.status.value],
    "listed": [x.id for x in listed.list_sync_200_application_json_object.data],
    "sync": sync["id"],
    "run": [run.id, run.status.value, run.successful_rows.added_count, run.query_size],
    "triggered": triggered["id"],
}))
"""
AIRFLOW = """
import json, sys
from airflow_provider_hightouch.hooks.hightouch import HightouchHook

hook = HightouchHook(request_max_retries=0)
output = hook.sync_and_poll(sync_slug=sys.argv[1], poll_interval=0.2, poll_timeout=90)
print(json.dumps({"status": output.sync_run_details["status"], "sync": output.sync_details["slug"]}))
"""
DAGSTER = """
import json, sys
from dagster_hightouch import resources

resources.HIGHTOUCH_API_BASE = sys.argv[1] + "/api/v1/"
resource = resources.HightouchResource(sys.argv[2], request_max_retries=0)
output = resource.sync_and_poll(sys.argv[3], poll_interval=0.2, poll_timeout=90)
print(json.dumps({
    "status": output.sync_run_details["status"],
    "added": output.sync_run_details["successfulRows"]["addedCount"],
    "destination": output.destination_details["name"],
}))
"""


def python_of(environment: str) -> Path:
    """The Python that ``make test`` installed a client for; the test is skipped without it."""
    python = CHECKOUT / ".venv" / environment / "bin" / "python"
    if not python.exists():
        pytest.skip(f"no {environment} installed: run make test")
    return python


def told_by(environment: str, script: str, *arguments: str, **variables: str) -> Any:
    """Run a script in a client's own Python; the JSON it printed last."""
    done = subprocess.run(
        [python_of(environment), "-c", script, *arguments],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    return json.loads(done.stdout.strip().splitlines()[-1])


def test_the_python_sdk_works_unmodified(live_server: LiveServer, shop: Shop, key: str) -> None:
    python_of("clients")
    shop.fill(4)
    ids = (str(shop.source.pk), str(shop.destination.pk), f"public.{shop.table}")
    with process(WORKER), process(SCHEDULER):
        told = told_by("clients", SDK, live_server.url, key, *ids)
    sync = Sync.objects.get(slug="from-the-sdk")
    run = Run.objects.get(sync=sync)
    assert told == {
        "read": [str(sync.pk), "from-the-sdk", "pending"],
        "listed": [str(sync.pk)],
        "sync": str(sync.pk),
        "run": [str(run.pk), "success", 4, 4],
        "triggered": str(run.pk),
    }
    assert len(shop.there()) == 4


def test_the_airflow_hook_works_unmodified(live_server: LiveServer, shop: Shop, key: str, tmp_path: Path) -> None:
    python_of("orchestrators")
    shop.fill(2)
    sync = shop.sync()
    address = live_server.url.removeprefix("http://")
    variables = {"AIRFLOW_HOME": str(tmp_path), "AIRFLOW_CONN_HIGHTOUCH_DEFAULT": f"http://:{key}@{address}/"}
    with process(WORKER), process(SCHEDULER):
        told = told_by("orchestrators", AIRFLOW, sync.slug, **variables)
    assert told == {"status": "success", "sync": sync.slug}
    assert len(shop.there()) == 2


def test_the_dagster_resource_works(live_server: LiveServer, shop: Shop, key: str) -> None:
    python_of("orchestrators")
    shop.fill(3)
    sync = shop.sync()
    with process(WORKER), process(SCHEDULER):
        told = told_by("orchestrators", DAGSTER, live_server.url, key, str(sync.pk))
    assert told == {"status": "success", "added": 3, "destination": shop.destination.name}
