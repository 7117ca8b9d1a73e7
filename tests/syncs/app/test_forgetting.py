"""A person is looked up and forgotten: in files, in a warehouse, killed on the way, and the next run proves it."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection, transaction
from django.utils import timezone

from config.errors import Conflict
from governance.audit.models import AuditEntry
from governance.privacy import services as privacy
from governance.privacy.choices import CaseState
from governance.privacy.findings import entries_about, split_entries
from governance.privacy.models import PersonCase
from governance.privacy.services.work import SILENCE
from governance.privacy.working import work
from syncs.choices import RunStatus
from syncs.models import Run, Sync, Tombstone
from syncs.selectors import run_rows
from syncs.storage import storage
from tests.syncs.app.shop import Shop, wait_until, work_off
from tests.syncs.app.test_runs import counts
from tests.syncs.app.test_warehouse_planner import TABLE, Warehouse, warehouse  # noqa: F401 - a fixture
from tests.syncs.app.workers import kill, process

EMAIL = "c2@shop.test"
PLANNER = "headrace_planner"


def look_up(shop: Shop, value: str = EMAIL, scope: str = "*") -> PersonCase:
    case = privacy.start_look_up(actor=shop.actor, value=value, scope=scope)
    work(case.pk)
    case.refresh_from_db()
    assert (case.state, case.error_message) == (CaseState.FOUND, "")
    return case


def confirm(shop: Shop, case: PersonCase, *, remove_first: bool = False) -> PersonCase:
    privacy.request_erasure(actor=shop.actor, case=case, reason="Asked for it", ticket="T-1", remove_first=remove_first)
    privacy.confirm_erasure(actor=shop.actor, case=case)
    return work_on(case)


def work_on(case: PersonCase) -> PersonCase:
    PersonCase.objects.filter(pk=case.pk).update(available_at=timezone.now())
    work(case.pk)
    return PersonCase.objects.get(pk=case.pk)


def texts_held(workspace_id: int) -> list[str]:
    """Files of the workspace in which the person still stands, read as a person would."""
    import pyarrow.parquet as pq

    return [
        path
        for path in storage().list(f"workspaces/{workspace_id}")
        if EMAIL in repr(pq.read_table(storage().local(path)).to_pydict())
    ]


def test_a_person_is_forgotten_and_the_next_run_skips_and_counts_them(shop: Shop) -> None:
    shop.fill(20)
    shop.query("UPDATE customers SET plan = 'broken' WHERE id = 3")
    sync = shop.unguarded(shop.sync())
    first = shop.run(sync)
    assert (first.status, first.rejected) == (RunStatus.WARNING, 1)
    shop.query("UPDATE customers SET plan = 'paid' WHERE id = 2")
    shop.run(sync)
    case = look_up(shop)
    [found] = case.findings
    assert (found["keys"], found["held"][0]["values"]["email"]) == (["2"], EMAIL)
    assert [(line["number"], line["operation"], line["status"]) for line in found["sent"]] == [
        (2, "changed", "succeeded"),
        (1, "added", "succeeded"),
    ]
    cache.clear()
    run_rows(shop.actor, first)
    looks = split_entries(entries_about(case))[1]
    assert [(entry.event, entry.user_id, entry.resource_id) for entry in looks] == [
        ("rows.viewed", shop.actor.user_id, first.pk)
    ]
    done = confirm(shop, case)
    assert (done.state, done.error_message) == (CaseState.ERASED, "")
    assert (done.value, done.findings, done.notes, done.hint) == ("", [], {}, "")
    assert texts_held(sync.workspace_id) == []
    assert done.report is not None
    assert EMAIL not in repr(done.report)
    assert {line["what"]: line["count"] for line in done.report["lines"]}["Rows of runs"] == 2
    after = shop.run(sync)
    assert (after.queried, after.forgotten, counts(after, "planned")) == (20, 1, (1, 0, 0))  # the refused row
    assert (after.planned_removed, len(shop.there())) == (0, 19)
    assert Tombstone.objects.get().fresh is False
    assert look_up(shop).findings == []
    again = shop.run(sync, full_resync=True)
    assert (again.queried, again.forgotten, again.planned) == (20, 1, 19)
    events = AuditEntry.objects.filter(resource_type="person", resource_id=case.pk).order_by("id")
    assert [entry.event for entry in events] == [
        "person.looked_up",
        "person.erasure_requested",
        "person.erasure_confirmed",
        "person.erased",
    ]
    assert EMAIL not in repr(list(AuditEntry.objects.values()))


def test_removal_comes_first_where_it_was_asked_for_and_waits_for_what_is_running(shop: Shop) -> None:
    shop.fill(5)
    sync = shop.unguarded(shop.sync())
    shop.run(sync)
    case = look_up(shop)
    going: Run = shop_services().start_run(actor=shop.actor, sync=sync)
    waiting = confirm(shop, case, remove_first=True)
    assert (waiting.state, waiting.step) == (CaseState.CONFIRMED, f"Run {going.number} of “{sync}” is going on.")
    work_off()
    waiting = work_on(case)
    assert waiting.step == f"Run 3 of “{sync}” removes the person."
    with pytest.raises(Conflict):
        shop_services().start_run(actor=shop.actor, sync=sync)
    work_off()
    done = work_on(case)
    assert (done.state, [row[0] for row in shop.there()]) == (CaseState.ERASED, [1, 3, 4, 5])
    assert texts_held(sync.workspace_id) == []
    assert shop.run(sync).planned == 0


def test_a_removal_that_is_refused_stops_the_erasure_until_a_person_decides(shop: Shop) -> None:
    shop.fill(3)
    sync = shop.unguarded(shop.sync())
    shop.run(sync)
    shop.at_destination(f"ALTER TABLE {shop.table} RENAME TO {shop.table}_away")
    case = look_up(shop)
    confirm(shop, case, remove_first=True)
    work_off()
    stuck = work_on(case)
    assert stuck.state == CaseState.STUCK
    assert Sync.objects.get(pk=sync.pk).erasing_for == case.pk
    shop.at_destination(f"ALTER TABLE {shop.table}_away RENAME TO {shop.table}")
    privacy.resume_erasure(actor=shop.actor, case=stuck)
    work_on(case)
    work_off()
    assert work_on(case).state == CaseState.ERASED
    assert [row[0] for row in shop.there()] == [1, 3]


def test_a_warehouse_that_compares_forgets_too(shop: Shop, warehouse: Warehouse) -> None:  # noqa: F811
    warehouse.fill(6)
    sync = shop.unguarded(warehouse.sync())
    warehouse.move()
    shop.run(sync)
    done = confirm(shop, look_up(shop))
    assert (done.state, done.error_message) == (CaseState.ERASED, "")
    for table in warehouse.run(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'headrace_planner'"
    ):
        assert EMAIL not in repr(warehouse.run(f"SELECT * FROM headrace_planner.{table[0]}"))
    after = shop.run(sync)
    assert (after.queried, after.forgotten, after.planned) == (6, 1, 0)
    assert warehouse.run(f"SELECT count(*) FROM {TABLE}") == [(6,)]


def shop_services() -> Any:
    from syncs import services

    return services


def test_a_worker_that_is_killed_in_the_middle_is_followed_by_another(shop: Shop) -> None:
    """A real process, ended by the kernel while it has written a sync's new files and not yet moved its pointer."""
    shop.fill(4)
    syncs = [shop.unguarded(shop.sync()) for _ in range(2)]
    runs = [shop.run(sync) for sync in syncs]
    case = look_up(shop)
    privacy.request_erasure(actor=shop.actor, case=case, reason="Asked for it")
    privacy.confirm_erasure(actor=shop.actor, case=case)
    with transaction.atomic():
        Run.objects.select_for_update().get(pk=runs[1].pk)
        with process(("-c", WORK.format(workspace=case.workspace_id, case=case.pk))) as worker:
            wait_until(lambda: waits_for(case, [f"sync {syncs[0].pk}"]), "the second sync's erasure", seconds=25)
            kill(worker)
    killed = PersonCase.objects.get(pk=case.pk)
    assert (killed.state, killed.notes["finished"]) == (CaseState.ERASING, [["syncs", f"sync {syncs[0].pk}"]])
    assert texts_held(case.workspace_id), "the second sync still holds the person"
    with pytest.raises(Conflict):
        shop_services().start_run(actor=shop.actor, sync=syncs[0])
    work(case.pk)
    assert PersonCase.objects.get(pk=case.pk).state == CaseState.ERASING, "nobody takes it from a worker that may live"
    PersonCase.objects.filter(pk=case.pk).update(beat_at=timezone.now() - SILENCE * 2)
    done = work_on(case)
    assert (done.state, done.value) == (CaseState.ERASED, "")
    assert texts_held(case.workspace_id) == []
    assert done.report is not None
    compared = [line for line in done.report["lines"] if line["what"] == "Rows it compares with"]
    assert [(line["where"], line["count"]) for line in compared] == [(str(sync), 1) for sync in syncs]
    after = shop.run(syncs[1])
    assert (after.queried, after.forgotten, after.planned) == (4, 1, 0)


WORK = """
import django
django.setup()
from governance.privacy.tasks import work_on_case
work_on_case.fn({workspace}, {case})
"""


def waits_for(case: PersonCase, finished: list[str]) -> bool:
    """Whether the erasure has finished these steps and its next one waits for a lock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")  # within a transaction the view does not change by itself
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        (waiting,) = cursor.fetchone()
    notes = PersonCase.objects.get(pk=case.pk).notes
    return bool(waiting) and [step for _, step in notes.get("finished", [])] == finished
