"""Pages of runs: progress, the debugger, a row with its requests, exports; and the overview."""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from governance.audit.models import AuditEntry
from syncs import selectors, services
from syncs.models import Run, Sync
from tests.syncs.app.shop import Shop
from tests.syncs.pages.conftest import FORMULA

PART = {"HX-Request": "true"}


def text(response: Any, status: int = 200) -> str:
    assert response.status_code == status
    return str(response.content.decode())


def page_of(run: Run) -> str:
    return f"/acme/syncs/{run.sync_id}/runs/{run.pk}"


def rejected_row(shop: Shop, run: Run) -> str:
    [row] = selectors.run_rows(shop.actor, run, failed=True).rows
    return row.id


def test_a_run_shows_its_errors_first(run: Run, owner: Client) -> None:
    page = text(owner.get(page_of(run)))
    assert "What went wrong" in page
    assert "violates check constraint" in page
    assert "c1@shop.test" not in page
    assert "c1@shop.test" in text(owner.get(f"{page_of(run)}?status=succeeded"))
    assert "c1@shop.test" not in text(owner.get(f"{page_of(run)}?status=succeeded&operation=changed"))
    assert "c4@shop.test" not in text(owner.get(f"{page_of(run)}?status=succeeded&q=1"))
    assert "No key holds" in text(owner.get(f"{page_of(run)}?q=77"))


def test_a_run_tells_the_operations_that_the_sync_sends_and_rows_that_left(shop: Shop, owner: Client) -> None:
    def labels(run: Run) -> list[str]:
        page = text(owner.get(page_of(run)))
        return re.findall(r"(Added|Changed|Removed)</span>\s*<span class=\"stat-value\">", page)

    shop.fill(20)
    inserts = shop.sync(mode="insert", removal="nothing")
    assert labels(shop.run(inserts)) == ["Added"]
    listed = text(owner.get(f"/acme/syncs/{inserts.pk}"))
    assert re.findall(r"<th[^>]*>\s*(Added|Changed|Removed)\s*<", listed) == ["Added"]
    keeps = shop.sync(removal="nothing")
    shop.run(keeps)
    shop.query("DELETE FROM customers WHERE id > 18")
    run = shop.run(keeps)
    assert labels(run) == ["Added", "Changed", "Removed"]
    assert "This sync does nothing with them." in text(owner.get(page_of(run)))
    assert run.planned_removed == 0


def test_rows_that_share_a_key_come_with_a_query_that_keeps_one(shop: Shop, owner: Client) -> None:
    shop.fill(3)
    shop.query("INSERT INTO customers VALUES (NULL, 'nobody', 'free'), (2, 'twin', 'free')")
    page = text(owner.get(page_of(shop.run(shop.sync()))))
    assert "1 row was skipped because its key is empty." in page
    assert "2 rows were rejected because another row has the same key." in page
    assert "PARTITION BY id ORDER BY id" in page


def test_a_row_shows_its_values_and_every_request(shop: Shop, run: Run, owner: Client) -> None:
    address = f"{page_of(run)}/rows/{rejected_row(shop, run)}"
    page = text(owner.get(address, headers=PART))
    assert "<html" not in page
    assert "INSERT INTO" in page
    assert FORMULA in page
    assert "violates check constraint" in page
    assert "<html" in text(owner.get(address))
    assert owner.get(f"{page_of(run)}/rows/99:9").status_code == 404


def test_a_changed_row_shows_old_and_new(shop: Shop, run: Run, owner: Client) -> None:
    shop.query("UPDATE customers SET email = 'new@shop.test' WHERE id = 2")
    second = shop.run(run.sync)
    [row] = selectors.run_rows(shop.actor, second, operation="changed").rows
    page = text(owner.get(f"{page_of(second)}/rows/{row.id}", headers=PART))
    assert "c2@shop.test" in page
    assert "new@shop.test" in page
    assert "diff-removed" in page


def test_without_the_right_to_rows_values_are_hidden_and_exports_refused(
    shop: Shop, run: Run, browser_of: Callable[[str], Client]
) -> None:
    viewer = browser_of("viewer")
    page = text(viewer.get(f"{page_of(run)}?status=succeeded"))
    assert "shop.test" not in page
    assert "/export" not in page
    row = text(viewer.get(f"{page_of(run)}/rows/{rejected_row(shop, run)}", headers=PART))
    assert FORMULA not in row
    assert "You may not see rows of this source" in row
    assert viewer.get(f"{page_of(run)}/export").status_code == 403
    assert not AuditEntry.objects.filter(event="run.exported").exists()


def test_whoever_sees_values_is_in_the_log_once_for_each_kind_of_look(
    shop: Shop, run: Run, browser_of: Callable[[str], Client]
) -> None:
    def looks() -> list[tuple[Any, ...]]:
        entries = AuditEntry.objects.filter(event="rows.viewed").order_by("id")
        return [(e.actor_label, e.resource_type, e.resource_id, e.after) for e in entries]

    cache.clear()
    viewer, owner = browser_of("viewer"), browser_of("owner")
    for client in (viewer, owner, owner):
        for end in ("", "?status=succeeded", "/requests"):
            text(client.get(page_of(run) + end))
    rows, requests = {"run": 1, "shown": "rows"}, {"run": 1, "shown": "requests"}
    name = shop.actor.label
    assert looks() == [(name, "run", run.pk, rows), (name, "run", run.pk, requests)]
    second = shop.run(run.sync)
    text(owner.get(f"{page_of(second)}?status=rejected"))
    assert looks()[2:] == [(name, "run", second.pk, {"run": 2, "shown": "rows"})]


def test_an_export_is_streamed_recorded_and_safe_to_open_in_a_spreadsheet(run: Run, owner: Client) -> None:
    response = owner.get(f"{page_of(run)}/export?format=csv")
    assert response.streaming
    rows = list(csv.DictReader(io.StringIO(response.getvalue().decode())))
    assert [row["key"] for row in rows] == ["1", "2", "3", "4", "5"]
    assert rows[2]["email"] == f"'{FORMULA}"
    assert rows[2]["status"] == "rejected"
    assert AuditEntry.objects.filter(event="run.exported").count() == 1
    failed = owner.get(f"{page_of(run)}/export?format=json&failed=1").getvalue().decode().splitlines()
    assert len(failed) == 1
    offered = re.findall(r'/export\?([^"]*)"', html.unescape(text(owner.get(page_of(run)))))
    assert sorted(offered) == ["format=csv", "format=csv&failed=1", "format=json", "format=json&failed=1"]


def test_a_query_that_the_source_refuses_leads_to_the_model(shop: Shop, owner: Client) -> None:
    shop.fill(1)
    sync = shop.sync()
    shop.query("DROP TABLE customers")
    assert f'href="/acme/models/{sync.model_id}">Open the model</a>' in text(owner.get(page_of(shop.run(sync))))


def test_progress_asks_again_while_the_run_is_live_and_ends_with_a_fresh_page(
    shop: Shop, sync: Sync, owner: Client
) -> None:
    run = services.start_run(actor=shop.actor, sync=sync)
    page = text(owner.get(page_of(run)))
    assert f'hx-get="{page_of(run)}/progress"' in page
    assert "Cancel run" in page
    rest = 'hx-select="#run-page"'
    assert rest not in text(owner.get(f"{page_of(run)}/progress", headers=PART))
    owner.post(f"{page_of(run)}/cancel")
    assert "Cancelling" in text(owner.get(page_of(run)))
    Run.objects.filter(pk=run.pk).update(status="cancelled", finished_at=run.created_at)
    assert rest in text(owner.get(f"{page_of(run)}/progress", headers=PART))
    assert f'hx-get="{page_of(run)}/progress"' not in text(owner.get(page_of(run)))
    assert "This run has ended" in text(owner.post(f"{page_of(run)}/cancel", follow=True))


def test_a_run_is_found_only_under_its_own_sync_and_workspace(
    shop: Shop, run: Run, browser_of: Callable[[str], Client]
) -> None:
    other = shop.sync(run.sync.model)
    assert browser_of("owner").get(f"/acme/syncs/{other.pk}/runs/{run.pk}").status_code == 404
    outsider = browser_of("outsider")
    for end in ("", "/progress", "/export", f"/rows/{rejected_row(shop, run)}"):
        assert outsider.get(f"/globex/syncs/{run.sync_id}/runs/{run.pk}{end}").status_code == 404


def test_the_overview_leads_newcomers_and_then_counts(
    shop: Shop, browser_of: Callable[[str], Client], request: pytest.FixtureRequest
) -> None:
    owner = browser_of("owner")
    assert re.search('get-started"[^>]* open', text(owner.get("/acme/")))
    run: Run = request.getfixturevalue("run")
    page = text(owner.get("/acme/"))
    assert not re.search('get-started"[^>]* open', page), "it is folded once syncs are there"
    assert "/acme/syncs?health=warning" in page
    assert "4 in the last 14 days" in page
    Run.objects.filter(pk=run.pk).update(status="failed", error_message="The database went away")
    assert "The database went away" in text(owner.get("/acme/"))


def test_requests_are_found_by_text_answer_and_key(shop: Shop, run: Run, owner: Client) -> None:
    listed = f"{page_of(run)}/requests"
    assert request_ids(text(owner.get(listed)))
    assert "No request matches" in text(owner.get(listed, {"q": "nothing says this"}))
    request = request_ids(text(owner.get(listed, {"q": "INSERT INTO"})))[0]
    detail = text(owner.get(f"{listed}/{request}", headers=PART))
    assert "INSERT INTO" in detail
    assert "Rows it carried" in detail
    assert "<html" in text(owner.get(f"{listed}/{request}"))
    assert request_ids(text(owner.get(listed, {"key": "3"})))
    assert "No request matches" in text(owner.get(listed, {"key": "77"}))
    assert "No request matches" in text(owner.get(listed, {"answer": "5xx"}))
    assert owner.get(f"{listed}/00099:00000:0").status_code == 404
    assert owner.get(f"{listed}/nonsense").status_code == 404
    assert "names no request" in text(owner.get(listed, {"after": "nonsense"}))


def test_requests_show_no_row_data_without_the_right(run: Run, browser_of: Callable[[str], Client]) -> None:
    viewer = browser_of("viewer")
    listed = f"{page_of(run)}/requests"
    page = text(viewer.get(listed))
    assert "Search in requests" not in page
    assert "right to view" in text(viewer.get(listed, {"q": "shop.test"}))
    detail = text(viewer.get(f"{listed}/{request_ids(page)[0]}", headers=PART))
    assert "shop.test" not in detail
    assert FORMULA not in detail
    assert "bodies are hidden" in detail


def test_rows_that_failed_alike_are_listed_together(shop: Shop, run: Run, owner: Client) -> None:
    row = rejected_row(shop, run)
    assert f'href="?status=rejected&amp;like={row}"' in text(owner.get(page_of(run))).replace("&like", "&amp;like")
    page = text(owner.get(page_of(run), {"status": "rejected", "like": row}))
    assert f"/rows/{row}" in page
    assert f"/rows/{row}" not in text(owner.get(page_of(run), {"status": "succeeded", "like": row}))


def test_runs_without_operations_can_be_hidden(shop: Shop, run: Run, owner: Client) -> None:
    shop.query("UPDATE customers SET plan = 'free', email = 'c3@shop.test' WHERE id = 3")
    shop.run(run.sync)
    idle = shop.run(run.sync)
    runs = f"/acme/syncs/{run.sync_id}"
    assert f"{runs}/runs/{idle.pk}" in text(owner.get(runs))
    for hidden in ("empty", "fruitless"):
        page = text(owner.get(runs, {"hide": hidden}))
        assert f"{runs}/runs/{idle.pk}" not in page
        assert f"{runs}/runs/{run.pk}" in page


def request_ids(page: str) -> list[str]:
    return re.findall(r'data-href="[^"]*/requests/([^"]+)"', page)


def test_a_run_that_queries_tells_what_it_waits_for(shop: Shop, sync: Sync, owner: Client) -> None:
    run = services.start_run(actor=shop.actor, sync=sync)

    def words(status: str, read: int) -> str:
        Run.objects.filter(pk=run.pk).update(status=status)
        run.steps.update(rows_done=read)
        return text(owner.get(page_of(run)))

    assert "Waiting for query results" in words("querying", 0)
    assert "Saving query results: 1,200 rows so far" in words("querying", 1200)
    assert "1,200 rows read. Computing changes" in words("preparing", 1200)
