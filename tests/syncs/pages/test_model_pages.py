"""Pages of models: the editor with its preview and errors, the tabs, renaming and deleting."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from governance.audit.models import AuditEntry
from syncs import services
from syncs.models import Model, Sync
from tests.syncs.app.shop import Shop

TABS = ("", "/rows", "/columns", "/syncs", "/activity")
PART = {"HX-Request": "true"}


def text(response: object, status: int = 200) -> str:
    assert response.status_code == status  # type: ignore[attr-defined]
    return response.content.decode()  # type: ignore[attr-defined,no-any-return]


@pytest.fixture
def model(shop: Shop) -> Model:
    shop.fill(3)
    return shop.model()


@pytest.mark.parametrize("tab", TABS)
@pytest.mark.parametrize("name", ["owner", "viewer"])
def test_every_tab_opens_and_viewers_find_nothing_they_may_not_do(
    model: Model, browser_of: Callable[[str], Client], name: str, tab: str
) -> None:
    page = text(browser_of(name).get(f"/acme/models/{model.pk}{tab}"))
    changes = f"/acme/models/{model.pk}/edit", f"/acme/models/{model.pk}/rename"
    for address in changes:
        assert (address in page) is (name == "owner"), address


def test_a_query_is_previewed_and_then_saved(shop: Shop, owner: Client) -> None:
    shop.fill(3)
    address = f"/acme/models/new/{shop.source.pk}"
    sql = "SELECT id, email FROM customers"
    page = text(owner.post(address, {"sql": sql, "action": "preview", "with_count": "1"}))
    assert "c1@shop.test" in page
    assert "3 rows in all" in page
    assert 'name="primary_key"' in page
    refused = text(owner.post(address, {"sql": sql, "action": "save", "name": "", "primary_key": "id"}), 422)
    assert "This field is required" in refused
    saved = owner.post(address, {"sql": sql, "action": "save", "name": "Shoppers", "primary_key": "id"})
    model = Model.objects.get(name="Shoppers")
    assert saved["Location"] == f"/acme/models/{model.pk}"
    assert [c.name for c in model.columns.all()] == ["id", "email"]


@pytest.mark.parametrize("headers", [{}, PART], ids=["page", "part"])
def test_a_refused_query_is_shown_with_its_place_and_kept(shop: Shop, owner: Client, headers: dict[str, str]) -> None:
    response = owner.post(
        f"/acme/models/new/{shop.source.pk}",
        {"sql": "\nSELECT 1;\nDELETE FROM customers", "action": "preview"},
        headers=headers,
    )
    page = text(response, 422)
    if headers:
        assert "line 3, column 1" in page
        assert "<html" not in page
    else:
        assert "DELETE FROM customers" in page
        assert "data-code-editor-error-at-value" in page


def test_tables_that_were_never_read_are_read_from_the_editor(shop: Shop, owner: Client) -> None:
    shop.fill(1)
    address = f"/acme/models/new/{shop.source.pk}?method=table"
    assert "were not read yet" in text(owner.get(address))
    assert owner.post(address, {"action": "tables"})["Location"] == address
    page = text(owner.get(address))
    assert "were not read yet" not in page
    value = page.split('value="main')[1].split('"')[0] if 'value="main' in page else ""
    preview = text(owner.post(address, {"table": f"main{value}", "action": "preview"}))
    assert "c1@shop.test" in preview


def test_another_key_asks_what_the_syncs_do(shop: Shop, model: Model, owner: Client) -> None:
    sync = shop.sync(model)
    address = f"/acme/models/{model.pk}/edit"
    assert "Another key" in text(owner.get(address))
    sent = {"sql": model.sql, "action": "save", "name": model.name, "primary_key": "email"}
    assert "Choose what dependent syncs do" in text(owner.post(address, sent), 422)
    assert owner.post(address, {**sent, "reset": "reset"})["Location"] == f"/acme/models/{model.pk}/syncs"
    model.refresh_from_db()
    sync.refresh_from_db()
    assert (model.primary_key, sync.pending_reset) == ("email", "reset")
    after = text(owner.get(f"/acme/models/{model.pk}/syncs"))
    assert "0 syncs run now, 1 do so with their next run." in after
    assert "Remembers the rows next" in after


def test_a_query_that_drops_columns_names_every_mapping_before_it_is_saved(
    shop: Shop, model: Model, owner: Client
) -> None:
    sync = shop.sync(model)
    address = f"/acme/models/{model.pk}/edit"
    sent = {"sql": "SELECT id, email AS mail FROM customers", "action": "preview"}
    page = text(owner.post(address, sent, headers=PART))
    assert "1 sync names columns that this query does not return." in page
    assert page.index("The mapping to “email”") < page.index("The mapping to “plan”")
    assert f"/acme/syncs/{sync.pk}/edit" in page
    assert "Another query, the same key?" in page
    assert "Another query" not in text(owner.post(address, {**sent, "sql": model.sql}, headers=PART))


def test_a_preview_is_limited_and_counted_unless_that_is_switched_off(shop: Shop, model: Model, owner: Client) -> None:
    shop.fill(130)
    address = f"/acme/models/{model.pk}/rows"
    page = text(owner.post(address, headers=PART))
    assert "130 rows in all. The first 100 are shown." in page
    page = text(owner.post(address, {"preview_options": "1", "limited": "1"}, headers=PART))
    assert "rows in all" not in page
    assert "The first 100 are shown." in page
    page = text(owner.post(address, {"preview_options": "1", "with_count": "1"}, headers=PART))
    assert "130 rows in all. Syncs send" in page
    assert "c130@shop.test" in page


def test_a_model_is_cloned_with_the_syncs_that_are_ticked(shop: Shop, model: Model, owner: Client) -> None:
    sync, other = shop.sync(model), shop.sync(model)
    address = f"/acme/models/{model.pk}/clone"
    page = text(owner.get(address))
    assert 'value="Copy of Customers"' in page
    assert f'name="syncs" value="{sync.pk}"' in page
    sent = {"sql": model.sql, "action": "save", "name": "", "primary_key": "id", "syncs": str(sync.pk)}
    again = text(owner.post(address, sent), 422)
    assert f'value="{sync.pk}" checked' in again
    assert f'value="{other.pk}" checked' not in again
    saved = owner.post(address, {**sent, "name": "Twins"})
    clone = Model.objects.get(name="Twins")
    assert saved["Location"] == f"/acme/models/{clone.pk}/syncs"
    assert clone.syncs.get().mappings == sync.mappings
    assert model.syncs.count() == 2


def test_columns_are_cast_described_and_switched_off_in_place(model: Model, owner: Client) -> None:
    address = f"/acme/models/{model.pk}/columns"
    part = text(owner.post(address, {"column": "plan", "override_type": "boolean"}, headers=PART))
    assert part.lstrip().startswith('<div id="columns">')
    owner.post(address, {"column": "plan", "description": "What they pay for"})
    owner.post(address, {"column": "plan", "enabled": "0"})
    column = model.columns.get(name="plan")
    assert (column.override_type, column.description, column.enabled) == ("boolean", "What they pay for", False)
    owner.post(address, {"column": "plan", "enabled": ["0", "1"]})
    column.refresh_from_db()
    assert column.enabled
    assert owner.post(address, {"action": "refresh"})["Location"] == address


def test_rows_need_the_right_to_see_them(model: Model, browser_of: Callable[[str], Client]) -> None:
    address = f"/acme/models/{model.pk}/rows"
    assert "c1@shop.test" in text(browser_of("owner").post(address, headers=PART))
    assert AuditEntry.objects.filter(event="model.previewed").exists()
    refused = browser_of("viewer")
    assert "You may not see rows" in text(refused.get(address))
    assert "c1@shop.test" not in refused.post(address, headers=PART).content.decode()


def test_a_name_of_200_characters_is_kept_and_a_longer_one_refused(model: Model, owner: Client) -> None:
    owner.post(f"/acme/models/{model.pk}/rename", {"name": "x" * 200})
    model.refresh_from_db()
    assert model.name == "x" * 200
    owner.post(f"/acme/models/{model.pk}/rename", {"name": "y" * 201})
    model.refresh_from_db()
    assert model.name == "x" * 200


def test_deleting_asks_for_the_name_and_spares_what_is_used(shop: Shop, model: Model, owner: Client) -> None:
    address = f"/acme/models/{model.pk}/delete"
    owner.post(address, {"confirm_name": "something else"})
    assert Model.objects.filter(pk=model.pk).exists()
    sync = shop.sync(model)
    owner.post(address, {"confirm_name": model.name})
    assert Model.objects.filter(pk=model.pk).exists()
    services.delete_sync(actor=shop.actor, sync=Sync.objects.get(pk=sync.pk))
    assert owner.post(address, {"confirm_name": model.name})["Location"] == "/acme/models"
    assert not Model.objects.filter(pk=model.pk).exists()


def test_models_are_found_by_words_and_by_source(shop: Shop, model: Model, owner: Client) -> None:
    assert "Customers" in text(owner.get("/acme/models?q=custom"))
    assert "No model matches" in text(owner.get("/acme/models?q=custom+nothing"))
    assert "Customers" in text(owner.get(f"/acme/models?source={shop.source.pk}"))


def test_people_of_another_workspace_find_nothing(model: Model, browser_of: Callable[[str], Client]) -> None:
    outsider = browser_of("outsider")
    for tab in TABS:
        assert outsider.get(f"/acme/models/{model.pk}{tab}").status_code == 404
        assert outsider.get(f"/globex/models/{model.pk}{tab}").status_code == 404
