"""The waterfall of an audience's sync: each number, and who is behind it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from audiences.calculating import work
from audiences.models import Audience, Calculation, RunLayers, SchemaModel
from audiences.services import audiences as writes
from audiences.services.rules import create_destination_rule
from connectors.registry import DESTINATIONS
from syncs import matching, services
from syncs.choices import RunStatus
from syncs.models import MatchReport, Run
from syncs.services.matches import LOST_AFTER, ask_for_matches, forget_old_matches
from tests.audiences.app.acting import sync_of
from tests.audiences.app.test_syncing import customers, paying, shop, world
from tests.syncs.app.audience import AudienceDestination
from tests.syncs.app.shop import Shop
from tests.world import World

__all__ = ["customers", "paying", "shop", "world"]


def count_runs() -> None:
    """Count for runs what waits, as workers would."""
    for waiting in Calculation.objects.filter(kind="layers", state="waiting", question__has_key="run"):
        work(waiting.pk)


def layers(run: Run) -> RunLayers:
    """What was kept of a run."""
    return RunLayers.objects.get(run=run)


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
    run = shop.run(sync)
    assert [row[0] for row in shop.there()] == [1]
    client = Client()
    client.force_login(shop.place.owner)
    path = f"/{shop.place.workspace.slug}/studio/syncs/{sync.pk}/waterfall"
    assert "What stands between" in client.get(path).content.decode()
    count_runs()
    assert layers(run).counts == {"audience": 2, "subsets": 2, "priority": 2, "limit": 2, "split": 2, "rule": 1}
    assert client.post(path).status_code == 302
    waiting = Calculation.objects.get(kind="layers", state="waiting")
    work(waiting.pk)
    waiting.refresh_from_db()
    assert waiting.counts == {"audience": 2, "subsets": 2, "priority": 2, "limit": 2, "split": 2, "rule": 1}
    page = client.get(path).content.decode()
    assert "stopped by a rule of the destination" in page
    rows = client.get(f"{path}/rule").content.decode()
    assert "c@x.test" in rows
    assert "email" in rows, "columns have their names"
    assert "a@x.test" not in rows
    assert client.get(f"{path}/nowhere").status_code == 404
    shop.query("UPDATE customers SET plan = 'paid'")
    client.post(path)
    work(Calculation.objects.filter(kind="layers").latest("pk").pk)
    assert layers(run).counts["rule"] == 1, "what is counted now is not the run's"
    viewer = Client()
    viewer.force_login(world["viewer"])
    assert "Asked for by the run" in viewer.get(path).content.decode()
    hidden = viewer.get(f"{path}/rule").content.decode()
    assert "You may not see rows of Customers" in hidden
    assert "c@x.test" not in hidden


def test_each_run_keeps_its_own_numbers(shop: Shop, paying: Audience) -> None:
    sync = sync_of(shop, paying)
    first = shop.run(sync)
    writes.update_audience(actor=shop.actor, audience=paying, definition=only(3))
    count_runs()  # by what the run was asked by, whatever the audience means by now
    second = shop.run(sync)
    count_runs()
    assert (layers(first).counts["audience"], first.queried) == (2, 2)
    assert layers(second).counts["rule"] == second.queried

    shop.query("ALTER TABLE customers RENAME TO elsewhere")
    shop.query("CREATE VIEW customers AS SELECT * FROM elsewhere")
    third = shop.run(sync)
    shop.query("DROP VIEW customers")
    count_runs()
    assert third.status == RunStatus.SUCCEEDED, "a count that fails costs the run nothing"
    assert layers(third).error
    shop.query("ALTER TABLE elsewhere RENAME TO customers")
    client = Client()
    client.force_login(shop.place.owner)
    path = f"/{shop.place.workspace.slug}/studio/syncs/{sync.pk}/waterfall"
    newest = client.get(path).content.decode()
    assert "The layers of this run could not be counted" in newest
    assert "Matched, about" not in newest
    before = client.get(path, {"run": first.pk}).content.decode()
    assert f"run {first.number}<" in before
    assert "Let through by the destination" in before
    assert client.get(path, {"run": 10**12}).status_code == 404
    assert client.get(path, {"run": "x"}).status_code == 404
    retried = shop.run(sync)
    Run.objects.filter(pk=retried.pk).delete()
    count_runs()
    assert not RunLayers.objects.filter(run=retried.pk).exists()


def test_a_count_for_a_run_that_nobody_finishes_says_so(shop: Shop, paying: Audience) -> None:
    sync = sync_of(shop, paying)
    lost, stopped = shop.run(sync), shop.run(sync)
    asked = {row.question["run"]: row for row in Calculation.objects.filter(kind="layers")}
    assert writes.begin_calculation(asked[lost.pk].pk) is not None
    Calculation.objects.filter(pk=asked[lost.pk].pk).update(created_at=timezone.now() - 2 * writes.TRIED_FOR)
    writes.take_up_lost_calculations(timezone.now() + 2 * writes.LOST_AFTER)
    assert layers(lost).error == "The workers that counted stopped before there was an answer."
    writes.give_up_calculation(actor=shop.actor, calculation=asked[stopped.pk])
    assert layers(stopped).error == "Somebody gave up counting."


def test_a_destination_tells_whom_it_recognised(shop: Shop, paying: Audience, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DESTINATIONS, "postgres", "tests.syncs.app.audience:AudienceDestination")
    monkeypatch.setattr(AudienceDestination, "down", False)

    def asked(at: datetime) -> MatchReport:
        assert ask_for_matches(at) == 1
        assert ask_for_matches(at) == 0, "one at a time"
        report = MatchReport.objects.latest("pk")
        matching.work(report.pk)
        report.refresh_from_db()
        return report

    sync = sync_of(shop, paying)
    now = timezone.now()
    assert ask_for_matches(now) == 0, "nothing was sent"
    run = shop.run(sync)
    lost = timezone.now()
    assert ask_for_matches(lost) == 1
    assert ask_for_matches(lost + LOST_AFTER) == 1, "its message was lost"
    matching.work(MatchReport.objects.get().pk)
    report = MatchReport.objects.get()
    assert (report.run, report.matched, report.rate, report.status) == (run, 0, 0.0, "Ready")
    assert ask_for_matches(lost + timedelta(hours=1)) == 0
    shop.at_destination(f"UPDATE {shop.table} SET plan = 'free' WHERE id = 1")
    daily = asked(timezone.now() + timedelta(days=1))
    assert (daily.matched, daily.percent) == (1, 50.0)

    client = Client()
    client.force_login(shop.place.owner)
    base = f"/{shop.place.workspace.slug}"
    for page in (
        f"{base}/studio/syncs/{sync.pk}/waterfall",
        f"{base}/studio/audiences/{paying.pk}/syncs",
        f"{base}/syncs/{sync.pk}",
    ):
        shown = " ".join(client.get(page).content.decode().split())
        assert "1 (50 %)" in shown, page
    assert "https://ads.test/list/7" in shown
    assert "Recognised by the destination" in client.get(f"{base}/studio/syncs/{sync.pk}/waterfall").content.decode()

    MatchReport.objects.update(asked_at=timezone.now() - timedelta(days=1))
    monkeypatch.setattr(AudienceDestination, "down", True)
    silent = asked(timezone.now())
    assert silent.error_message == "The audience service is down."
    assert "1 (50 %)" in " ".join(client.get(f"{base}/syncs/{sync.pk}").content.decode().split())
    MatchReport.objects.update(asked_at=timezone.now() - timedelta(days=2))
    services.pause_sync(actor=shop.actor, sync=sync)
    assert ask_for_matches(timezone.now()) == 0, "nobody wants it while it is paused"
    assert forget_old_matches(timezone.now() + timedelta(days=500)) == 3


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
