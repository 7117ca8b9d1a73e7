"""The schedule tab: every kind, what it comes to before it is saved, and what is wrong beside its field."""

from __future__ import annotations

import html
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from syncs.models import Sync
from tests.syncs.pages.test_sync_pages import text
from tests.world import World

WEEKEND = {"recurrences-0-day": ["5", "6"], "recurrences-0-time": "08:00"}
NIGHTS = {"recurrences-2-day": ["0", "1", "2", "3", "4"], "recurrences-2-time": "00:00"}
RECURRING = {"schedule_kind": "custom", "zone": "Europe/Berlin", "recurrences-TOTAL_FORMS": "4", **WEEKEND, **NIGHTS}


def said(response: Any, status: int = 200) -> str:
    return html.unescape(text(response, status))


def test_days_and_times_are_saved_and_shown_again(sync: Sync, owner: Client) -> None:
    saved = owner.post(f"/acme/syncs/{sync.pk}/schedule", RECURRING)
    assert saved["Location"] == f"/acme/syncs/{sync.pk}"
    sync.refresh_from_db()
    assert sync.recurrences == [{"days": [5, 6], "time": "08:00"}, {"days": [0, 1, 2, 3, 4], "time": "00:00"}]
    assert sync.zone == "Europe/Berlin"
    assert sync.next_run_at is not None
    assert sync.next_run_at > timezone.now()
    page = said(owner.get(f"/acme/syncs/{sync.pk}/schedule"))
    assert "Weekends at 08:00; weekdays at 00:00 (Europe/Berlin), Headrace adds new rows" in page
    assert 'name="recurrences-1-time" value="00:00"' in page


def test_what_is_typed_is_put_into_words_and_times_before_it_is_saved(sync: Sync, owner: Client, world: World) -> None:
    world.owner.timezone = "Asia/Tokyo"
    world.owner.save()
    page = said(owner.post(f"/acme/syncs/{sync.pk}/schedule", {**RECURRING, "action": "words"}))
    assert "Weekends at 08:00; weekdays at 00:00 (Europe/Berlin), Headrace" in page
    assert page.count("JST</time>") == 5
    cron = {"schedule_kind": "cron", "cron": "30 6 * * *", "action": "words"}
    page = said(owner.post(f"/acme/syncs/{sync.pk}/schedule", cron))
    assert "At the times of the cron expression 30 6 * * * UTC, Headrace" in page
    assert page.count("15:30 JST</time>") == 5
    ended = {"schedule_kind": "interval", "interval_count": "1", "interval_unit": "day", "ends_at": "2020-01-01T00:00"}
    assert "It has ended" in said(owner.post(f"/acme/syncs/{sync.pk}/schedule", {**ended, "action": "words"}))
    sync.refresh_from_db()
    assert sync.schedule_kind == "manual"


def test_a_window_is_typed_in_the_viewers_zone(sync: Sync, owner: Client, world: World) -> None:
    world.owner.timezone = "Asia/Tokyo"
    world.owner.save()
    window = {"starts_at": "2031-01-02T09:00", "ends_at": "2031-02-01T00:00"}
    sent = {"schedule_kind": "interval", "interval_count": "6", "interval_unit": "hour", **window}
    owner.post(f"/acme/syncs/{sync.pk}/schedule", sent)
    sync.refresh_from_db()
    assert sync.starts_at is not None
    assert sync.starts_at.isoformat() == "2031-01-02T00:00:00+00:00"
    assert sync.next_run_at == sync.starts_at
    assert 'value="2031-01-02T09:00"' in text(owner.get(f"/acme/syncs/{sync.pk}/schedule"))


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"recurrences-0-day": []}, "Choose at least one day in every line."),
        ({"recurrences-0-time": "25:00"}, "Give every line a time, such as 08:30."),
        ({"recurrences-TOTAL_FORMS": "0"}, "Add a day and a time."),
        ({"zone": "Mars/Olympus"}, "There is no time zone “Mars/Olympus”."),
        ({"starts_at": "2031-01-02T09:00", "ends_at": "2031-01-01T09:00"}, "The end must come after the start."),
        ({"schedule_kind": "interval", "interval_unit": "hour"}, "Enter 1 or more."),
        ({"schedule_kind": "cron", "cron": "0 0 12 * * *"}, "Six fields: leave out the seconds."),
        ({"schedule_kind": "cron", "cron": "0 12 L-2 * *"}, "offsets from L are not supported"),
    ],
)
def test_what_cannot_work_is_said_before_and_when_saving(
    sync: Sync, owner: Client, changed: dict[str, Any], problem: str
) -> None:
    address = f"/acme/syncs/{sync.pk}/schedule"
    assert problem in said(owner.post(address, {**RECURRING, **changed, "action": "words"}))
    assert problem in said(owner.post(address, {**RECURRING, **changed}), 422)
    sync.refresh_from_db()
    assert sync.schedule_kind == "manual"


def test_fields_of_another_kind_do_not_matter(sync: Sync, owner: Client) -> None:
    nonsense = {"interval_count": "many", "ends_at": "tomorrow", "recurrences-0-time": "late"}
    saved = owner.post(f"/acme/syncs/{sync.pk}/schedule", {**RECURRING, **nonsense, "schedule_kind": "manual"})
    assert saved.status_code == 302
