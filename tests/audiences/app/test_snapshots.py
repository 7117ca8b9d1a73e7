"""Who was in which audience, when, and in which group: in the warehouse, or in files with the same columns."""

from __future__ import annotations

import base64
from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import duckdb
import pytest
from django.test import Client
from django.utils import timezone

from audiences.choices import Every, LogPlace, Privacy, RecordingReason, RecordingState
from audiences.history_places import history_folder
from audiences.models import Audience, AudienceLogs, Recording, SchemaModel
from audiences.recording import work
from audiences.selectors.history import members_of_moment
from audiences.services import audiences as writes
from audiences.services import experiments, priority
from audiences.services import recordings as services
from audiences.services.experiments import GroupProposal
from audiences.services.lists import create_list
from config.errors import Conflict, Denied
from connectors import services as connectors
from connectors.models import Source
from governance.privacy.choices import CaseState
from syncs.choices import RunStatus
from syncs.engine.persons import Wanted
from syncs.models import Sync
from syncs.privacy.erasing import erase_from_sync, person_of
from syncs.services.privacy import hold_syncs, place_tombstones
from syncs.storage import storage
from tests.audiences.app.acting import Caller, is_, where, with_key
from tests.audiences.app.crowd import audience_of, between, ids_there, sync_to_table
from tests.syncs.app.shop import Shop
from tests.syncs.app.test_forgetting import confirm, look_up
from tests.world import World
from workspaces.scopes import KeyScope

PLACES = (LogPlace.WAREHOUSE, LogPlace.STORAGE)


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest, crowd: Shop) -> LogPlace:
    """Both places in turn: the warehouse is written to only where that was tested."""
    if request.param == LogPlace.WAREHOUSE:
        writable(crowd)
    return LogPlace(request.param)


def writable(crowd: Shop) -> None:
    assert connectors.check_write_access(actor=crowd.actor, source=crowd.source).ok
    crowd.source = Source.objects.get(pk=crowd.source.pk)


def logging(crowd: Shop, **chosen: Any) -> None:
    wanted = {"snapshots": True, "holdouts": True, **chosen}
    services.change_audience_logs(actor=crowd.actor, source=crowd.source, **wanted)


def record() -> list[Recording]:
    """Write what waits, as workers would; the recordings, oldest first."""
    for recording in Recording.objects.filter(state=RecordingState.WAITING).order_by("pk"):
        work(recording.pk)
    found = list(Recording.objects.order_by("pk"))
    assert [each.error_message for each in found if each.error_message] == []
    return found


def logged(crowd: Shop, place: LogPlace, audience: Audience, table: str, columns: str) -> list[tuple[Any, ...]]:
    """Rows of a table, wherever it is."""
    schema = "headrace_audit" if table == "audience_holdout" else "headrace_planner"
    if place == LogPlace.WAREHOUSE:
        with duckdb.connect(str(crowd.file), read_only=True) as warehouse:
            return warehouse.execute(f"SELECT {columns} FROM {schema}.{table} ORDER BY ALL").fetchall()
    paths = storage().list(f"{history_folder(audience.workspace_id, audience.pk)}/{table}")
    files = [str(storage().local(path)) for path in paths]
    with duckdb.connect() as bench:
        bench.read_parquet(files).create_view("t")
        return bench.execute(f"SELECT {columns} FROM t ORDER BY ALL").fetchall()


def members_now(audience: Audience) -> list[str]:
    return sorted(row for row, _ in members_of_moment(audience))


def divided(crowd: Shop, audience: Audience) -> tuple[dict[str, int], dict[int, str]]:
    """Two groups: their ids by name, and their names by id."""
    groups = [GroupProposal("Mail", Decimal(50)), GroupProposal("Holdout", Decimal(50))]
    made = experiments.enable_experiment(actor=crowd.actor, audience=audience, groups=groups)
    ids = {group.name: group.pk for group in made.groups.all()}
    return ids, {pk: name for name, pk in ids.items()}


def test_snapshots_begin_with_everybody_and_go_on_with_changes(
    crowd: Shop, people: SchemaModel, place: LogPlace
) -> None:
    logging(crowd)
    audience = audience_of(crowd, people, "First", 1, 4)
    sync = sync_to_table(crowd, audience)
    crowd.run(sync)
    [first] = record()
    assert (first.reason, first.entered, first.exited) == (RecordingReason.RUN, 4, 0)
    crowd.query("DELETE FROM customers WHERE id = 2")
    writes.update_audience(actor=crowd.actor, audience=audience, definition=between(1, 5))
    crowd.run(sync)
    second = record()[-1]
    assert (second.entered, second.exited) == (1, 1)
    crowd.run(sync)
    third = record()[-1]
    assert (third.entered, third.exited) == (0, 0)
    assert AudienceLogs.objects.get(source=crowd.source).place == place
    entries = logged(
        crowd, place, audience, "audience_membership", "ht_row_id, ht_event_type, ht_audience_id, ht_split_group"
    )
    own = str(audience.pk)
    entered = [(str(number), "enter", own, None) for number in (1, 2, 3, 4, 5)]
    assert entries == sorted([*entered, ("2", "exit", own, None)])
    assert members_now(audience) == ["1", "3", "4", "5"]
    assert sorted(row for row, _ in members_of_moment(audience, first.moment)) == ["1", "2", "3", "4"]
    assert list(members_of_moment(audience, first.moment - timedelta(seconds=1))) == []


def test_failed_runs_take_none_and_an_experiment_is_written_down_whatever_is_chosen(
    crowd: Shop, people: SchemaModel, place: LogPlace
) -> None:
    audience = audience_of(crowd, people, "First", 1, 6)
    ids, names = divided(crowd, audience)
    sync = sync_to_table(crowd, audience)
    crowd.run(sync)
    assert record() == []
    experiments.choose_sync_groups(actor=crowd.actor, sync=sync, group_ids=[ids["Mail"]])
    crowd.query("ALTER TABLE customers RENAME TO away")
    assert crowd.run(sync).status == RunStatus.FAILED
    assert record() == []
    crowd.query("ALTER TABLE away RENAME TO customers")
    crowd.at_destination(f"TRUNCATE {crowd.table}")
    run = crowd.run(sync, full_resync=True)
    [recording] = record()
    mail = [str(number) for number in ids_there(crowd)]
    assert (recording.entered, recording.synced, recording.held_out) == (6, len(mail), None)
    entries = logged(crowd, place, audience, "audience_membership", "ht_row_id, ht_split_group")
    assert {row for row, group in entries if names[int(group)] == "Mail"} == set(mail)
    synced = logged(crowd, place, audience, "audience_synced", "ht_row_id, sync_id, sync_run_id")
    assert synced == [(row, sync.pk, run.pk) for row in mail]


def test_the_holdout_log_agrees_with_what_was_sent_after_priorities_change(
    crowd: Shop, people: SchemaModel, place: LogPlace
) -> None:
    crowd.fill(40)
    logging(crowd, snapshots=False)
    low, high = audience_of(crowd, people, "Low", 1, 30), audience_of(crowd, people, "High", 21, 40)
    make: dict[str, Any] = {"actor": crowd.actor, "parent": people, "name": "Once"}
    ranked = priority.create_priority_list(**make, audience_ids=[high.pk, low.pk])
    ids, _ = divided(crowd, low)
    sync = sync_to_table(crowd, low)
    experiments.choose_sync_groups(actor=crowd.actor, sync=sync, group_ids=[ids["Mail"]])
    if place == LogPlace.WAREHOUSE:
        connectors.change_sync_logs(actor=crowd.actor, source=crowd.source, tables=["changelog", "snapshot"])
    crowd.run(sync)
    [first] = record()
    sent = ids_there(crowd)
    if place == LogPlace.WAREHOUSE:
        for table in ("headrace_audit.sync_changelog", "headrace_audit.sync_snapshot"):
            with duckdb.connect(str(crowd.file), read_only=True) as warehouse:
                found = warehouse.execute(f"SELECT row_id::INT, split_group FROM {table} ORDER BY 1").fetchall()
            assert found == [(number, "Mail") for number in sent]
    held = logged(crowd, place, low, "audience_holdout", "row_id::BIGINT, split_group, sync_run_id, model_id")
    assert sorted([*sent, *(row[0] for row in held)]) == list(range(1, 21))
    assert {row[1:] for row in held} == {("Holdout", first.run_id, low.pk)}
    [fields] = set(
        logged(crowd, place, low, "audience_holdout", "fields::JSON->>'email' = 'c' || row_id || '@shop.test'")
    )
    assert fields == (True,)

    priority.update_priority_list(actor=crowd.actor, priority_list=ranked, audience_ids=[low.pk, high.pk])
    crowd.run(sync)
    second = record()[-1]
    now = [
        row
        for row, run in logged(crowd, place, low, "audience_holdout", "row_id::BIGINT, sync_run_id")
        if run == second.run_id
    ]
    assert sorted([*ids_there(crowd), *now]) == list(range(1, 31))
    assert set(sent) < set(ids_there(crowd))
    before = logged(crowd, place, low, "audience_holdout", "row_id, sync_run_id")
    Recording.objects.filter(pk=second.pk).update(state=RecordingState.WAITING)
    record()
    assert logged(crowd, place, low, "audience_holdout", "row_id, sync_run_id") == before


def test_people_who_are_forgotten_leave_the_history_and_do_not_come_back(
    crowd: Shop, people: SchemaModel, place: LogPlace
) -> None:
    logging(crowd)
    audience = audience_of(crowd, people, "First", 1, 6)
    ids, _ = divided(crowd, audience)
    sync = sync_to_table(crowd, audience)
    experiments.choose_sync_groups(actor=crowd.actor, sync=sync, group_ids=[ids["Mail"]])
    crowd.run(sync)
    record()
    gone = str(ids_there(crowd)[0])
    sync = Sync.objects.select_related("model__source", "destination", "workspace", "last_run").get(pk=sync.pk)
    hold_syncs(1, [sync.pk])
    place_tombstones(1, {(sync.model_id, "id"): {gone}})
    lines = erase_from_sync(sync, person_of(Wanted(gone), [gone], [gone]), 1, lambda: None)
    assert next(line["count"] for line in lines if line["what"] == "Entries of its history") == 2
    assert gone not in members_now(audience)
    services.take_snapshot(actor=crowd.actor, audience=audience)
    assert (record()[-1].entered, record()[-1].exited) == (0, 0)
    assert gone not in {row for (row,) in logged(crowd, place, audience, "audience_membership", "ht_row_id")}


def test_snapshots_are_taken_on_demand_by_schedule_and_after_lost_messages(crowd: Shop, people: SchemaModel) -> None:
    audience = audience_of(crowd, people, "First", 1, 4)
    now = timezone.now()
    client = Client()
    client.force_login(crowd.place.owner)
    base = f"/{crowd.place.workspace.slug}"
    page = f"{base}/studio/audiences/{audience.pk}/history"
    assert "No snapshots yet" in client.get(page).content.decode()
    client.post(page)
    with pytest.raises(Conflict, match="already"):
        services.take_snapshot(actor=crowd.actor, audience=audience)
    assert services.take_up_recordings(now + timedelta(minutes=1)) == 0
    assert services.take_up_recordings(now + timedelta(minutes=10)) == 1
    record()
    assert "Somebody took a snapshot" in client.get(page).content.decode()
    file = client.get(f"{page}/members").getvalue().decode().split()
    assert sorted(file) == ["1,", "2,", "3,", "4,", "row_id,experiment_group"]
    assert file[0] == "row_id,experiment_group"
    asked = client.get(f"{page}/members", {"at": "2020-01-01T00:00"}).getvalue().decode().split()
    assert asked == ["row_id,experiment_group"]

    settings = f"{base}/sources/{crowd.source.pk}/audience-logs"
    assert "audience_membership" in client.get(settings).content.decode()
    assert client.post(settings, {"every": Every.DAY}).status_code == 422
    client.post(settings, {"every": Every.DAY, "snapshots": "on"})
    assert services.ask_for_due_snapshots(now) == 0  # no sync sends it
    sync_to_table(crowd, audience)
    assert services.ask_for_due_snapshots(now + timedelta(hours=1)) == 0
    assert services.ask_for_due_snapshots(now + timedelta(days=2)) == 1
    assert services.ask_for_due_snapshots(now + timedelta(days=2)) == 0
    assert record()[-1].reason == RecordingReason.SCHEDULE


def test_failures_are_told_and_tried_again(crowd: Shop, people: SchemaModel) -> None:
    audience = audience_of(crowd, people, "First", 1, 4)
    recording = services.take_snapshot(actor=crowd.actor, audience=audience)
    crowd.query("ALTER TABLE customers RENAME TO elsewhere")
    for attempt in range(1, services.ATTEMPTS + 1):
        work(recording.pk)
        recording.refresh_from_db()
        assert recording.attempts == attempt
    assert recording.state == RecordingState.FAILED
    assert "customers" in recording.error_message
    crowd.query("ALTER TABLE elsewhere RENAME TO customers")
    services.take_snapshot(actor=crowd.actor, audience=audience)
    work(Recording.objects.latest("pk").pk)
    assert members_now(audience) == ["1", "2", "3", "4"]


def test_only_those_with_the_right_decide_and_see(crowd: Shop, people: SchemaModel, committed: World) -> None:
    audience = audience_of(crowd, people, "First", 1, 4)
    with pytest.raises(Denied):
        services.take_snapshot(actor=committed.actor("viewer"), audience=audience)
    with pytest.raises(Denied):
        services.change_audience_logs(
            actor=committed.actor("viewer"), source=crowd.source, snapshots=True, holdouts=False
        )


def test_programs_read_the_history_page_by_page(crowd: Shop, people: SchemaModel, place: LogPlace) -> None:
    call = Caller(crowd.place)
    logs = f"sources/{crowd.source.pk}/audience-logs"
    assert call("GET", logs) == {"snapshots": False, "holdouts": False, "every": "", "place": ""}
    changed = call("PATCH", logs, {"holdouts": True, "snapshots": True})
    assert (changed["holdouts"], changed["snapshots"]) == (True, True)
    call("PATCH", logs, {"every": Every.DAY, "snapshots": False}, status=422)
    audience = audience_of(crowd, people, "First", 1, 6)
    path = f"audiences/{audience.pk}"
    assert call("GET", f"{path}/members") == {"data": [], "after": ""}
    assert call("GET", f"{path}/holdouts") == {"data": [], "after": ""}
    ids, _ = divided(crowd, audience)
    sync = sync_to_table(crowd, audience)
    experiments.choose_sync_groups(actor=crowd.actor, sync=sync, group_ids=[ids["Mail"]])
    run = crowd.run(sync)
    [first] = record()
    crowd.query("DELETE FROM customers WHERE id = 2")
    taken = call("POST", f"{path}/snapshots")
    assert (taken["reason"], taken["status"], taken["runId"]) == (RecordingReason.ASKED, RecordingState.WAITING, None)
    record()
    assert call("GET", f"{path}/snapshots/{taken['id']}")["exited"] == 1
    newest, oldest = call("GET", f"{path}/snapshots")["data"]
    assert (newest["id"], oldest["runId"], oldest["entered"]) == (taken["id"], str(run.pk), 6)
    other = audience_of(crowd, people, "Second", 1, 2)
    call("GET", f"audiences/{other.pk}/snapshots/{taken['id']}", status=404)

    def pages(address: str, **more: Any) -> list[Any]:
        found, after = [], ""
        while True:
            page = call("GET", f"{address}?{urlencode({'limit': 2, 'after': after, **more})}")
            assert len(page["data"]) <= 2
            found += page["data"]
            if not (after := page["after"]):
                return found

    assert [row["rowId"] for row in pages(f"{path}/members")] == ["1", "3", "4", "5", "6"]
    before = pages(f"{path}/members", at=first.moment.isoformat())
    assert [row["rowId"] for row in before] == ["1", "2", "3", "4", "5", "6"]
    assert {row["group"] for row in before} <= {"Mail", "Holdout"}
    entries = pages(f"{path}/history")
    assert [(row["rowId"], row["event"]) for row in entries] == [
        *((str(number), "enter") for number in range(1, 7)),
        ("2", "exit"),
    ]
    assert [row["event"] for row in pages(f"{path}/history", rowId="2")] == ["enter", "exit"]
    held = pages(f"{path}/holdouts")
    assert {row["rowId"] for row in held} == {str(n) for n in range(1, 7)} - {str(n) for n in ids_there(crowd)}
    assert all(row["values"]["email"] == f"c{row['rowId']}@shop.test" for row in held)
    redacted = {"columns": [{"name": "email", "privacy": Privacy.REDACTED}]}
    call("PATCH", f"schema-models/{people.pk}/columns", redacted)
    assert all("email" not in row["values"] and "id" in row["values"] for row in pages(f"{path}/holdouts"))
    for nonsense in ("x", "WzFd", base64.b64encode(b'["2026", "a", "b", "c"]').decode(), "WyIxIiwgdHJ1ZV0="):
        call("GET", f"{path}/history?{urlencode({'after': nonsense})}", status=422)
    call("GET", f"{path}/members?limit=100000", status=422)


def test_a_history_is_for_those_who_see_everybody_in_it(crowd: Shop, people: SchemaModel, committed: World) -> None:
    audience = audience_of(crowd, people, "First", 1, 4)
    services.take_snapshot(actor=crowd.actor, audience=audience)
    record()
    address = f"/{crowd.place.workspace.slug}/studio/audiences/{audience.pk}/history"
    client = Client()
    client.force_login(committed["viewer"])
    assert "Who was in it is shown to people with the right" in client.get(address).content.decode()
    assert client.get(f"{address}/members").status_code == 403
    program = with_key(crowd, KeyScope.READ)
    assert program.get(f"/api/v1/audiences/{audience.pk}/snapshots").status_code == 200
    for name in ("members", "history", "holdouts"):
        assert program.get(f"/api/v1/audiences/{audience.pk}/{name}").status_code == 403


def test_a_person_is_found_and_forgotten_where_nothing_was_ever_sent(
    crowd: Shop, people: SchemaModel, place: LogPlace
) -> None:
    logging(crowd)
    listed = create_list(actor=crowd.actor, name="Invited", values=["1", "2", "3", "6"])
    counted = create_list(actor=crowd.actor, name="Numbers", values=["2", "3"])
    mailed = create_list(actor=crowd.actor, name="Mailed", values=["C2@Shop.test", "c3@shop.test"])
    condition = {
        "type": "property",
        "field": {"column": "id"},
        "test": {"operator": "equals", "operand": {"kind": "list", "list": str(listed.pk)}},
    }
    definition = {"where": {"type": "group", "match": "all", "conditions": [condition]}}
    make: dict[str, Any] = {"actor": crowd.actor, "parent": people, "definition": definition}
    audience = writes.create_audience(**make, name="Invited")
    sent = sync_to_table(crowd, writes.create_audience(**make, name="Sent"))
    run = crowd.run(sent)
    services.take_snapshot(actor=crowd.actor, audience=audience)
    record()
    typed = writes.create_audience(
        actor=crowd.actor, parent=people, name="Typed", definition=where(is_("email", "C2@shop.test"), is_("id", 2, 3))
    )
    case = look_up(crowd)
    by_holder = {finding["holder"]: finding for finding in case.findings}
    assert [(line["name"], line["count"]) for line in by_holder["conditions"]["lists"]] == [("Typed", 2)]
    lines = by_holder["histories"]["memberships"]
    assert sorted((line["audience"], line["key"], line["event"]) for line in lines) == [
        ("Invited", "2", "enter"),
        ("Sent", "2", "enter"),
    ]
    assert [line["name"] for line in by_holder["value_lists"]["lists"]] == ["Invited", "Mailed"]
    client = Client()
    client.force_login(crowd.place.owner)
    page = client.get(case.get_absolute_url()).content.decode()
    assert "Histories of audiences of Customers" in page
    assert "Entered" in page
    assert "Mailed" in page

    done = confirm(crowd, case)
    assert (done.state, done.error_message) == (CaseState.ERASED, "")
    assert done.report is not None
    counts = {line["what"]: line["count"] for line in done.report["lines"]}
    assert (counts["Values of uploaded lists"], counts["Entries of histories of audiences"]) == (1, 1)
    for each in (listed, counted, mailed):
        each.refresh_from_db()
    assert (listed.values, listed.size, mailed.values) == (["1", "3", "6"], 3, ["c3@shop.test"])
    typed.refresh_from_db()
    left = [each["test"]["operand"]["values"] for each in typed.definition["where"]["conditions"]]
    assert left == [["forgotten"], [3]], "it asks for nobody else than before"
    assert counted.values == ["2", "3"], "a number that no condition compares with a key may count anything"
    run.refresh_from_db()
    assert (run.spec["sql"], run.spec["counting"]) == ("", "")
    assert members_now(audience) == ["1", "3", "6"]
    writes.update_audience(actor=crowd.actor, audience=audience, definition=between(1, 9))
    services.take_snapshot(actor=crowd.actor, audience=audience)
    assert record()[-1].entered == 2, "those who were not in the list, but for the forgotten one"
    assert "2" not in members_now(audience)
    assert look_up(crowd).findings == []
