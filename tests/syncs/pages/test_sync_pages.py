"""Pages of syncs: the wizard with and without scripts, the tabs, the actions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from syncs.models import Run, Sync
from tests.syncs.app.shop import FIELDS, Shop

TABS = ("", "/configuration", "/schedule", "/activity")


def text(response: Any, status: int = 200) -> str:
    assert response.status_code == status
    return str(response.content.decode())


def lines(*mappings: dict[str, Any]) -> dict[str, Any]:
    """The mapping as the form sends it."""
    sent: dict[str, Any] = {"map-TOTAL_FORMS": len(mappings), "map-INITIAL_FORMS": 0}
    for number, mapping in enumerate(mappings):
        sent |= {f"map-{number}-{name}": value for name, value in mapping.items()}
    return sent


def column(name: str, **more: Any) -> dict[str, Any]:
    return {"kind": "column", "column": name, "to": name, **more}


def configuration(shop: Shop, **changed: Any) -> dict[str, Any]:
    """The whole form, filled in."""
    mapping = lines(column("id", identifier="on"), column("email"), column("plan", ignore_null="on"))
    if any(name.startswith("map-") for name in changed):
        mapping = {}
    return {
        "settings-table": f"public.{shop.table}",
        "settings-batch_size": "100",
        "settings-pause": "0",
        "settings-timeout": "300",
        "mode": "upsert",
        "removal": "delete",
        "first_run": "backfill",
        "action": "save",
        **mapping,
        **changed,
    }


@pytest.fixture
def start(shop: Shop) -> str:
    """Where a sync of the model to the database is configured."""
    shop.fill(2)
    return f"/acme/syncs/new/{shop.model().pk}/{shop.destination.pk}"


def test_the_wizard_leads_from_model_to_destination_to_schedule_to_a_run(shop: Shop, owner: Client, start: str) -> None:
    model = shop.model("Shoppers")
    assert "Shoppers" in text(owner.get("/acme/syncs/new"))
    assert shop.destination.name in text(owner.get(f"/acme/syncs/new?model={model.pk}"))
    saved = owner.post(f"/acme/syncs/new/{model.pk}/{shop.destination.pk}", configuration(shop))
    sync = Sync.objects.get(model=model)
    assert saved["Location"] == f"/acme/syncs/{sync.pk}/schedule?new=1"
    assert "Whenever it is run, Headrace adds new rows of “Shoppers”" in text(owner.get(saved["Location"]))
    chosen = {"schedule_kind": "interval", "interval_count": "2", "interval_unit": "hour", "name": "Nightly"}
    words = text(owner.post(saved["Location"], {**chosen, "action": "words"}))
    assert "Every 2 hours, Headrace adds" in words
    sync.refresh_from_db()
    assert sync.schedule_kind == "manual"
    ended = owner.post(saved["Location"], {**chosen, "action": "run"})
    sync.refresh_from_db()
    assert (sync.name, sync.schedule_kind, sync.interval_count) == ("Nightly", "interval", 2)
    assert ended["Location"] == f"/acme/syncs/{sync.pk}/runs/{sync.last_run_id}"
    assert [(m["to"], m["identifier"], m["ignore_null"]) for m in sync.mappings] == [
        ("id", True, False),
        ("email", False, False),
        ("plan", False, True),
    ]


def test_choosing_a_table_suggests_columns_of_the_same_name(shop: Shop, owner: Client, start: str) -> None:
    chosen = configuration(shop, action="fields", **lines())
    page = text(owner.post(start, chosen))
    for number, name in enumerate(FIELDS):
        assert f'name="map-{number}-to"' in page
        assert f'<option value="{name}" selected' in page
    assert f'<option value="public.{shop.table}" selected>' in page


def test_reading_the_fields_again_keeps_lines_that_still_fit(shop: Shop, owner: Client, start: str) -> None:
    kept = lines({"kind": "static", "static": "gold", "static_type": "string", "to": "plan"}, {"to": "vanished"})
    page = text(owner.post(start, configuration(shop, action="fields", **kept)))
    assert 'value="gold"' in page
    assert "vanished" not in page


def test_lines_and_table_names_come_without_scripts_too(shop: Shop, owner: Client, start: str) -> None:
    assert f"public.{shop.table}" in text(owner.get(f"{start}?type=table&choices=1"))
    page = text(owner.post(start, configuration(shop, action="lines")))
    assert 'name="map-5-to"' in page
    assert 'name="map-TOTAL_FORMS" value="6"' in page


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"settings-table": ""}, "Table"),
        (lines(column("id"), column("email")), "Choose the field by which rows are matched"),
        (lines(column("id", identifier="on"), {"kind": "column", "column": "email", "to": ""}), "destination field"),
        (lines(), "Map the required fields: id"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_typed_is_lost(
    shop: Shop, owner: Client, start: str, changed: dict[str, Any], words: str
) -> None:
    page = text(owner.post(start, configuration(shop, **changed)), 422)
    assert words in page
    assert not Sync.objects.exists()


def test_editing_keeps_the_values_and_says_that_known_rows_are_sent_again(
    shop: Shop, owner: Client, start: str
) -> None:
    owner.post(start, configuration(shop))
    sync = Sync.objects.get()
    address = f"/acme/syncs/{sync.pk}/edit"
    page = text(owner.get(address))
    assert f'<option value="public.{shop.table}" selected>' in page
    assert page.count("checked") >= 4
    shop.run(sync)
    owner.post(address, configuration(shop, **lines(column("id", identifier="on"), column("email"))))
    sync.refresh_from_db()
    assert [m["to"] for m in sync.mappings] == ["id", "email"]
    assert "the next run sends all known rows again" in text(owner.get(f"/acme/syncs/{sync.pk}"))


@pytest.mark.parametrize("tab", TABS)
@pytest.mark.parametrize("name", ["owner", "viewer"])
def test_every_tab_opens_and_viewers_find_nothing_they_may_not_do(
    sync: Sync, browser_of: Callable[[str], Client], name: str, tab: str
) -> None:
    page = text(browser_of(name).get(f"/acme/syncs/{sync.pk}{tab}"))
    for address in (f"/acme/syncs/{sync.pk}/do/", f"/acme/syncs/{sync.pk}/edit", f"/acme/syncs/{sync.pk}/delete"):
        assert (address in page) is (name == "owner"), address


def test_a_sync_is_paused_resumed_reset_and_its_schedule_switched(sync: Sync, owner: Client) -> None:
    def do(action: str) -> Sync:
        owner.post(f"/acme/syncs/{sync.pk}/do/{action}")
        sync.refresh_from_db()
        return sync

    assert do("pause").paused
    assert do("run").last_run is None
    assert not do("resume").paused
    assert do("reset").pending_reset == "reset"
    assert do("keep").pending_reset == ""
    assert not do("disable").schedule_enabled
    assert do("enable").schedule_enabled
    assert do("resync").last_run is not None


def test_an_unknown_action_is_not_found(sync: Sync, owner: Client) -> None:
    assert owner.post(f"/acme/syncs/{sync.pk}/do/anything").status_code == 404


def test_a_cron_expression_that_cannot_work_is_refused_beside_its_field(sync: Sync, owner: Client) -> None:
    page = text(owner.post(f"/acme/syncs/{sync.pk}/schedule", {"schedule_kind": "cron", "cron": "61 * * * *"}), 422)
    assert "id_cron_error" in page


def test_ticked_syncs_run_together_and_refusals_are_counted(shop: Shop, sync: Sync, owner: Client) -> None:
    other = shop.sync(sync.model)
    owner.post(f"/acme/syncs/{other.pk}/do/pause")
    response = owner.post("/acme/syncs", {"action": "run", "selected": [str(sync.pk), str(other.pk)]}, follow=True)
    assert "1 started, 1 could not be" in text(response)
    assert Run.objects.count() == 1


def test_lists_show_syncs_that_never_ran_and_narrow_to_a_health(sync: Sync, owner: Client) -> None:
    page = text(owner.get("/acme/syncs"))
    assert "Never" in page
    assert str(sync) in text(owner.get("/acme/syncs?health=idle"))
    assert "No sync matches" in text(owner.get("/acme/syncs?health=failed"))


def test_deleting_asks_for_the_name(sync: Sync, owner: Client) -> None:
    owner.post(f"/acme/syncs/{sync.pk}/delete", {"confirm_name": "another"})
    assert Sync.objects.filter(pk=sync.pk).exists()
    owner.post(f"/acme/syncs/{sync.pk}/delete", {"confirm_name": str(sync)})
    assert not Sync.objects.filter(pk=sync.pk).exists()


def test_people_of_another_workspace_find_nothing(sync: Sync, browser_of: Callable[[str], Client]) -> None:
    outsider = browser_of("outsider")
    for tab in (*TABS, "/edit"):
        assert outsider.get(f"/globex/syncs/{sync.pk}{tab}").status_code == 404
    assert outsider.post(f"/globex/syncs/{sync.pk}/do/run").status_code == 404
