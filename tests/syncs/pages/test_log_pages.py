"""What pages show of sync logs in the warehouse, and that their example queries run."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from connectors import services as connectors
from connectors.models import Source
from syncs import services
from syncs.choices import StepKind
from syncs.engine.logs.queries import examples
from syncs.logs import workspace_code
from syncs.models import Run, RunStep, Sync
from tests.syncs.app.shop import Shop, work_off

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

ALL = ["changelog", "snapshot", "runs"]


@pytest.fixture
def writable(shop: Shop) -> Shop:
    """Headrace may write into the shop's warehouse."""
    assert connectors.check_write_access(actor=shop.actor, source=shop.source).ok
    shop.source = Source.objects.get(pk=shop.source.pk)
    return shop


def words(response: Any) -> str:
    body = response.content.decode()
    body = body.partition("<main")[2] or body
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", body)))


def break_log(shop: Shop, table: str) -> None:
    """Something of another shape stands where a log table should be."""
    shop.query(f"CREATE TABLE headrace_audit.{table} (something INTEGER)")


def test_a_sync_chooses_what_it_logs_besides_its_source(writable: Shop, sync: Sync, owner: Client) -> None:
    page = f"/acme/syncs/{sync.pk}/logs"
    owner.post(page, {"tables": ["runs", "changelog"]})
    assert Sync.objects.get(pk=sync.pk).sync_logs == ["changelog", "runs"]
    connectors.change_sync_logs(actor=writable.actor, source=writable.source, tables=["runs"])
    shown = owner.get(page)
    assert "Sync runs: logged for every sync of" in words(shown)
    assert 'value="runs"' not in shown.content.decode()
    owner.post(page, {"tables": ["snapshot"]})
    assert Sync.objects.get(pk=sync.pk).sync_logs == ["snapshot", "runs"]
    assert owner.post(page, {"tables": ["runs"]}).status_code == 422


def test_the_tab_lists_the_latest_writes(writable: Shop, sync: Sync, owner: Client) -> None:
    services.change_sync_logs(actor=writable.actor, sync=sync, tables=ALL)
    run = writable.run(sync)
    shown = words(owner.get(f"/acme/syncs/{sync.pk}/logs"))
    assert "Run 1 just now Changelog 5, Snapshot 5, Sync runs 1" in shown
    assert "changelog 5, snapshot 5, sync runs 1" in words(owner.get(f"/acme/syncs/{sync.pk}/runs/{run.pk}"))


def test_a_run_without_its_logs_says_so_and_offers_them_again(writable: Shop, sync: Sync, owner: Client) -> None:
    services.change_sync_logs(actor=writable.actor, sync=sync, tables=ALL)
    break_log(writable, "sync_runs")
    run = writable.run(sync)
    page, again = f"/acme/syncs/{sync.pk}/runs/{run.pk}", f"/acme/syncs/{sync.pk}/runs/{run.pk}/logs"
    assert "This run is not in the warehouse's sync logs." in words(owner.get(page))
    writable.query("DROP TABLE headrace_audit.sync_runs")
    owner.post(again)
    assert "are being written" in words(owner.get(again))
    work_off()
    assert "sync runs 1" in words(owner.get(again))


def test_somebody_who_may_only_read_can_change_no_logs(
    writable: Shop, sync: Sync, browser_of: Callable[[str], Client]
) -> None:
    viewer = browser_of("viewer")
    page = f"/acme/syncs/{sync.pk}/logs"
    assert viewer.get(page).status_code == 200
    assert viewer.post(page, {"tables": ["runs"]}).status_code == 403
    assert Sync.objects.get(pk=sync.pk).sync_logs == []


def test_the_example_queries_run(writable: Shop, sync: Sync) -> None:
    services.change_sync_logs(actor=writable.actor, sync=sync, tables=ALL)
    run: Run = writable.run(sync)
    assert RunStep.objects.get(run=run, kind=StepKind.LOG).outcome == {
        "written": {"changelog": 5, "snapshot": 5, "runs": 1}
    }
    found = {}
    queries = examples(workspace=workspace_code(writable.place.workspace), sync_id=sync.pk, dialect="duckdb")
    with duckdb.connect(str(writable.file), read_only=True) as warehouse:
        for query in queries:
            found[query.name] = warehouse.execute(query.sql.replace("'42'", "'3'")).fetchall()
    assert [count for _, count in found["Why rows fail"]] == [1]
    assert [row[1:3] for row in found["What happened to one row"]] == [("added", "failed")]
    assert sorted(row[0] for row in found["Who is at the destination now"]) == ["1", "2", "4", "5"]
    assert [row[3:5] for row in found["How the runs went"]] == [(5, 1)]
