"""Earlier versions of models and syncs: worked out from the audit log, compared, put back like any edit."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from config.errors import Conflict, HeadraceError, Invalid
from governance.approvals import services as approvals
from governance.approvals.access import open_draft
from governance.approvals.choices import Way
from governance.audit.models import AuditEntry
from governance.audit.services import redact_values
from syncs import services
from syncs.choices import ModelMethod, PendingReset
from syncs.definitions import Definition
from syncs.drafts.state import model_state, sync_state
from syncs.engine.guardrails import Guardrails
from syncs.models import Model, Sync
from syncs.schedules import Schedule
from syncs.services.models import KeyChange
from syncs.versions import versions_of
from tests.api.calls import caller, key_of
from tests.syncs.app.shop import Shop, mapping
from tests.syncs.pages.test_sync_pages import text
from tests.world import World

BrowserOf = Callable[[str], Client]
PAID = Definition(method=ModelMethod.SQL, sql="SELECT * FROM customers WHERE plan = 'paid'")


@pytest.fixture
def model(sync: Sync) -> Model:
    return sync.model


def entry_ids(row: Model | Sync) -> list[int]:
    return [version.entry.pk for version in versions_of(row)]


def test_a_model_goes_back_to_every_version_it_had(shop: Shop, model: Model) -> None:
    states = [model_state(model)]
    services.change_column(actor=shop.actor, model=model, name="plan", override_type="object")
    states.append(model_state(model))
    services.update_model(actor=shop.actor, model=model, name="Renamed", definition=PAID)
    states.append(model_state(Model.objects.get(pk=model.pk)))
    services.update_model(actor=shop.actor, model=model, name="Renamed again")
    model = Model.objects.get(pk=model.pk)
    versions = versions_of(model)
    assert [version.state for version in versions] == states[::-1]
    assert [version.parts for version in versions] == [("Query or table",), ("Columns",), ()]
    assert [version.current for version in versions] == [True, False, False]
    for version, state in zip(entry_ids(model)[1:], (states[1], states[0]), strict=True):
        assert services.restore_model(actor=shop.actor, model=model, version=version, way=Way.NOW) is None
        model = Model.objects.get(pk=model.pk)
        assert (model_state(model), model.name) == (state, "Renamed again")
    told = AuditEntry.objects.filter(event="model.restored").order_by("pk")
    assert [entry.after for entry in told] == [{"audit_entry": version.entry.pk} for version in versions[1:]]
    with pytest.raises(Invalid, match="Nothing differs"):
        services.restore_model(actor=shop.actor, model=model, version=versions[2].entry.pk, way=Way.NOW)


def test_a_sync_goes_back_with_mapping_schedule_and_guardrails(shop: Shop, sync: Sync) -> None:
    states = [sync_state(sync)]
    services.set_schedule(actor=shop.actor, sync=sync, schedule=Schedule.every(2, "hour"))
    states.append(sync_state(Sync.objects.get(pk=sync.pk)))
    services.set_guardrails(actor=shop.actor, sync=sync, guardrails=Guardrails(on=False))
    states.append(sync_state(Sync.objects.get(pk=sync.pk)))
    proposal = shop.proposal(mappings=[mapping("id"), mapping("email")])
    services.update_sync(actor=shop.actor, sync=Sync.objects.get(pk=sync.pk), proposal=proposal)
    sync = Sync.objects.get(pk=sync.pk)
    sealed = sync.sealed_settings
    versions = versions_of(sync)
    assert [version.state for version in versions] == [sync_state(sync), *states[::-1]]
    services.restore_sync(actor=shop.actor, sync=sync, version=versions[-1].entry.pk, way=Way.NOW)
    sync = Sync.objects.get(pk=sync.pk)
    assert sync_state(sync) == states[0]
    assert bool(sync.sealed_settings) == bool(sealed)
    assert AuditEntry.objects.filter(event="sync.restored", resource_id=sync.pk).count() == 1


def test_where_changes_need_approval_a_version_comes_back_as_a_draft(
    shop: Shop, model: Model, world: World, browser_of: BrowserOf
) -> None:
    services.update_model(actor=shop.actor, model=model, definition=PAID)
    first = entry_ids(model)[-1]
    approvals.set_policy(actor=world.actor("admin"), required=True, self_approval=False)
    with pytest.raises(HeadraceError, match="approval"):
        services.restore_model(actor=world.actor("editor"), model=model, version=first, way=Way.NOW)
    page = f"/acme/models/{model.pk}/versions/{first}"
    assert "Restore this version" not in text(browser_of("drafter").get(page))
    answer = browser_of("drafter").post(page, {"action": "draft"})
    assert answer.status_code == 302
    draft = open_draft("model", model.pk)
    assert draft is not None
    assert draft.proposed["sql"] == "SELECT * FROM customers"
    assert Model.objects.get(pk=model.pk).sql == PAID.sql
    with pytest.raises(Conflict, match="a draft of this model already"):
        services.restore_model(actor=world.actor("owner"), model=model, version=first, way=Way.DRAFT)


def test_what_is_gone_is_told_and_nothing_changes(shop: Shop, sync: Sync, browser_of: BrowserOf) -> None:
    services.update_sync(
        actor=shop.actor, sync=sync, proposal=shop.proposal(mappings=[mapping("id"), mapping("email")])
    )
    services.update_model(
        actor=shop.actor,
        model=sync.model,
        definition=Definition(method=ModelMethod.SQL, sql="SELECT id, email FROM customers"),
    )
    now = sync_state(Sync.objects.get(pk=sync.pk))
    page = f"/acme/syncs/{sync.pk}/versions/{entry_ids(Sync.objects.get(pk=sync.pk))[-1]}"
    owner = browser_of("owner")
    assert "plan" in text(owner.get(page))
    refused = text(owner.post(page, {"action": "save"}), 422)
    assert "It was not restored." in refused
    assert "plan" in refused.partition("It was not restored.")[2].partition("</div>")[0]
    assert sync_state(Sync.objects.get(pk=sync.pk)) == now
    shop.query("DROP TABLE customers")
    version = entry_ids(sync.model)[-1]
    with pytest.raises(Invalid, match="customers"):
        services.restore_model(actor=shop.actor, model=sync.model, version=version, way=Way.NOW)


def test_another_key_asks_what_the_syncs_do_and_erased_values_do_not_come_back(shop: Shop, model: Model) -> None:
    services.change_primary_key(
        actor=shop.actor, model=model, primary_key="email", key_change=KeyChange(PendingReset.RESET, run_now=False)
    )
    model = Model.objects.get(pk=model.pk)
    first = entry_ids(model)[-1]
    with pytest.raises(Invalid, match="with the new key"):
        services.restore_model(actor=shop.actor, model=model, version=first, way=Way.NOW)
    chosen = KeyChange(PendingReset.RESYNC, run_now=False)
    services.restore_model(actor=shop.actor, model=model, version=first, way=Way.NOW, key_change=chosen)
    assert Model.objects.get(pk=model.pk).primary_key == "id"
    assert set(model.syncs.values_list("pending_reset", flat=True)) == {"resync"}
    named = Definition(method=ModelMethod.SQL, sql="SELECT * FROM customers WHERE email <> 'ada@shop.test'")
    services.update_model(actor=shop.actor, model=model, definition=named)
    services.update_model(actor=shop.actor, model=model, definition=PAID)
    organization = model.workspace.organization_id
    assert redact_values(actor=shop.actor, organization_id=organization, texts=["ada@shop.test"]).entries
    erased = entry_ids(Model.objects.get(pk=model.pk))[1]
    with pytest.raises(Conflict, match="values were erased"):
        services.restore_model(actor=shop.actor, model=model, version=erased, way=Way.NOW)


def test_members_read_versions_and_only_who_may_edit_restores(
    shop: Shop, model: Model, sync: Sync, browser_of: BrowserOf
) -> None:
    services.update_model(actor=shop.actor, model=model, definition=PAID)
    viewer, first = browser_of("viewer"), entry_ids(model)[-1]
    listed = text(viewer.get(f"/acme/models/{model.pk}/versions"))
    assert "Compare and restore" in listed
    assert "Query or table" in listed
    page = text(viewer.get(f"/acme/models/{model.pk}/versions/{first}"))
    assert "SELECT * FROM customers" in page
    assert 'value="save"' not in page
    assert viewer.post(f"/acme/models/{model.pk}/versions/{first}", {"action": "save"}).status_code == 403
    assert viewer.get(f"/acme/models/{model.pk}/versions/{entry_ids(sync)[-1]}").status_code == 404
    owner = browser_of("owner")
    assert owner.post(f"/acme/models/{model.pk}/versions/{first}", {"action": "save"}).status_code == 302
    assert Model.objects.get(pk=model.pk).sql == "SELECT * FROM customers"


def test_programs_list_compare_and_restore(
    shop: Shop, model: Model, sync: Sync, world: World, browser_of: BrowserOf
) -> None:
    services.update_model(actor=shop.actor, model=model, definition=PAID)
    services.set_schedule(actor=shop.actor, sync=sync, schedule=Schedule.every(2, "hour"))
    owner = caller(key_of(world.acme, world.acme.owner))
    for kind, part in (("models", "Query or table"), ("syncs", "Schedule")):
        row = model if kind == "models" else sync
        path = f"/{kind}/{row.pk}/versions"
        now, then = owner("get", path).json()["data"]
        assert (now["current"], now["changed"], then["current"], then["obstacle"]) == (True, [part], False, "")
        shown = owner("get", f"{path}/{then['id']}").json()
        assert [each["part"] for each in shown["differences"]] == [part]
        approvals.set_policy(actor=world.actor("admin"), required=True, self_approval=True)
        refused = owner("post", f"{path}/{then['id']}")
        assert (refused.status_code, refused.json()["code"]) == (403, "approval_required")
        drafted = owner("post", f"{path}/{then['id']}", {"publication": "draft"})
        assert drafted.status_code == 200, drafted.json()
        assert drafted.json()["draftId"]
        draft = open_draft(kind[:-1], row.pk)
        assert draft is not None
        approvals.delete_draft(actor=world.actor("owner"), draft=draft)
        approvals.set_policy(actor=world.actor("admin"), required=False, self_approval=True)
        assert owner("post", f"{path}/{then['id']}").status_code == 200
        assert owner("get", f"{path}/{10**9}").status_code == 404
    assert Model.objects.get(pk=model.pk).sql == "SELECT * FROM customers"
