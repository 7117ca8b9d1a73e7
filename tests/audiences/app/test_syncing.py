"""Audiences sent to a real database: the same syncs, runs and rights as for any model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission as StoredPermission
from django.test import Client

from audiences import services as schema_services
from audiences.calculating import work
from audiences.choices import ModelKind, Privacy
from audiences.dependants import built_on
from audiences.models import Audience, Calculation, ParentModelGrant, SchemaModel
from audiences.services import audiences as writes
from audiences.services.organizing import move_audience_to_space
from audiences.services.sizes import ask_for_sizes_after_runs
from audiences.services.syncing import open_for_syncs
from config.embedded import Urls
from config.errors import Conflict, Denied, Invalid
from connectors.models import DestinationGrant
from syncs import services as sync_services
from syncs.access import syncs_in_view
from syncs.choices import RunStatus
from syncs.models import Model, Sync
from tests.audiences.app.acting import PAID, sync_of, with_key
from tests.audiences.app.shop import table
from tests.syncs.app.shop import Shop, open_shop
from tests.workspaces.test_object_grants import custom_role, grant
from tests.world import World, build_world
from workspaces import services as workspaces
from workspaces.permissions import CONFIGURE_TO_DESTINATION
from workspaces.scoping import workspace_scope


@pytest.fixture
def world(transactional_db: None) -> World:
    """Committed, so that runs see it."""
    return build_world()


@pytest.fixture
def shop(world: World, services: Urls, settings: Any) -> Iterator[Shop]:
    settings.OUTBOUND_ALLOW = ["*"]
    with workspace_scope(world.acme.workspace.pk):
        made = open_shop(world.acme, services.acme_url, uuid4().hex[:8])
        for row in ("(1, 'a@x.test', 'paid')", "(2, 'b@x.test', 'free')", "(3, 'c@x.test', 'paid')"):
            made.query(f"INSERT INTO customers VALUES {row}")
        yield made


@pytest.fixture
def customers(shop: Shop) -> SchemaModel:
    return schema_services.create_schema_model(
        actor=shop.actor,
        source=shop.source,
        kind=ModelKind.PARENT,
        definition=table("customers"),
        settings=schema_services.Settings(name="Customers", primary_key=("id",), primary_label="email"),
    )


@pytest.fixture
def paying(shop: Shop, customers: SchemaModel) -> Audience:
    where = {"where": {"type": "group", "match": "all", "conditions": [PAID]}}
    return writes.create_audience(actor=shop.actor, parent=customers, name="Paying", definition=where)


def test_members_are_added_and_those_who_leave_are_removed(shop: Shop, paying: Audience) -> None:
    sync = sync_of(shop, paying)
    assert shop.run(sync).status == RunStatus.SUCCEEDED
    assert shop.there() == [(1, "a@x.test", "paid"), (3, "c@x.test", "paid")]
    shop.query("UPDATE customers SET plan = 'free' WHERE id = 3")
    shop.query("UPDATE customers SET plan = 'paid' WHERE id = 2")
    run = shop.run(sync)
    assert (run.planned_added, run.planned_changed, run.planned_removed) == (1, 0, 1)
    assert shop.there() == [(1, "a@x.test", "paid"), (2, "b@x.test", "paid")]


def test_a_changed_definition_is_what_the_next_run_sends(shop: Shop, paying: Audience) -> None:
    sync = sync_of(shop, paying)
    shop.run(sync)
    with pytest.raises(Invalid):
        writes.update_audience(actor=shop.actor, audience=paying, definition={"where": {"type": "spell"}})
    everyone = {"where": {"type": "group", "match": "all", "conditions": []}}
    writes.update_audience(actor=shop.actor, audience=paying, definition=everyone)
    shop.run(sync)
    assert [row[0] for row in shop.there()] == [1, 2, 3]


def test_what_may_not_be_synced_is_no_column_and_stops_a_run_that_needs_it(
    shop: Shop, customers: SchemaModel, paying: Audience
) -> None:
    sync = sync_of(shop, paying)
    schema_services.change_columns(
        actor=shop.actor,
        model=customers,
        names=["email"],
        settings=schema_services.ColumnSettings(privacy=Privacy.SYNC_BLOCKED),
    )
    model = Model.objects.get(pk=sync.model_id)
    assert [column.name for column in model.columns.filter(missing=False)] == ["id", "plan"]
    with pytest.raises(Invalid, match="“email” may not be synced"):
        shop.run(sync)
    assert shop.there() == []


def test_a_row_is_tried_out_without_what_is_redacted(shop: Shop, customers: SchemaModel, paying: Audience) -> None:
    sync = sync_of(shop, paying)
    schema_services.change_columns(
        actor=shop.actor,
        model=customers,
        names=["email"],
        settings=schema_services.ColumnSettings(privacy=Privacy.REDACTED),
    )
    choices = sync_services.rows_to_try(actor=shop.actor, sync=sync, key="1")
    assert (choices.hidden, choices.rows[0].values) == (["email"], {"id": 1, "plan": "paid"})
    client = Client()
    client.force_login(shop.place.owner)
    path = f"/{shop.place.workspace.slug}/syncs/{sync.pk}/try"
    assert "a@x.test" not in client.get(path, {"row": "1"}).content.decode()
    form = {"row": "1", "operation": "added", "type-plan": "string", "value-plan": "paid"}
    sent = client.post(path, {**form, "type-email": "", "value-email": ""}).content.decode()
    assert "took the row" in sent
    assert "a@x.test" not in sent
    assert "Not shown: values of email are in it" in sent
    assert shop.there() == [(1, "a@x.test", "paid")], "it is sent all the same"
    typed = {**form, "operation": "changed", "type-email": "string", "value-email": "t@x.test"}
    assert "Not shown" not in client.post(path, typed).content.decode(), "one's own value is no secret"
    assert shop.there() == [(1, "t@x.test", "paid")]


def test_a_marketer_without_rights_on_the_source_syncs_within_one_group(
    world: World, shop: Shop, customers: SchemaModel, paying: Audience
) -> None:
    role = custom_role(world, "Marketing")
    stored = StoredPermission.objects.get(content_type__model="schemamodel", codename="configure")
    ParentModelGrant.objects.create(
        workspace_id=role.workspace_id, role=role, permission=stored, content_object=customers
    )
    marketer = world.actor("member")
    model = open_for_syncs(actor=marketer, audience=paying)
    asked: dict[str, Any] = {
        "actor": marketer,
        "model": model,
        "destination": shop.destination,
        "proposal": shop.proposal(),
    }
    with pytest.raises(Denied, match="draft syncs to the destination"):
        sync_services.create_sync(**asked)
    for permission in CONFIGURE_TO_DESTINATION:
        grant(role, DestinationGrant, permission, shop.destination)
    sync = sync_services.create_sync(**asked)
    with pytest.raises(Denied, match="run syncs"):
        sync_services.start_run(actor=marketer, sync=sync)
    DestinationGrant.objects.all().delete()
    with pytest.raises(Denied, match="sends this audience"):
        writes.update_audience(actor=marketer, audience=paying, name="Mine")


def test_the_audience_stays_while_syncs_send_it(shop: Shop, paying: Audience) -> None:
    sync = sync_of(shop, paying)
    named = [found.name for found in built_on(shop.actor, paying.parent_model) if found.noun == "sync"]
    assert named == [str(sync)]
    with pytest.raises(Conflict, match="1 sync send"):
        writes.delete_audience(actor=shop.actor, audience=paying)
    sync_services.delete_sync(actor=shop.actor, sync=sync)
    writes.delete_audience(actor=shop.actor, audience=paying)
    assert not Model.objects.filter(pk=sync.model_id).exists()


def test_models_of_audiences_are_in_no_list_of_models(shop: Shop, paying: Audience) -> None:
    sync = sync_of(shop, paying)
    client = Client()
    client.force_login(shop.place.owner)
    base = f"/{shop.place.workspace.slug}"
    assert "Paying" not in client.get(f"{base}/models").content.decode()
    page = client.get(f"{base}/studio/audiences/{paying.pk}/syncs").content.decode()
    assert shop.destination.name in page
    assert client.get(f"{base}/studio/audiences/of/{sync.model_id}").headers["Location"] == paying.get_absolute_url()
    detail = client.get(f"{base}/syncs/{sync.pk}").content.decode()
    assert f"{base}/studio/audiences/of/{sync.model_id}" in detail
    client.post(f"{base}/models/{sync.model_id}/rename", {"name": "Mine"})
    assert Model.objects.get(pk=sync.model_id).name == "Paying"


def test_programs_ask_who_is_in_which_audience(shop: Shop, customers: SchemaModel, paying: Audience) -> None:
    among = {
        "where": {"type": "group", "match": "all", "conditions": [{"type": "audience", "audience": str(paying.pk)}]}
    }
    writes.create_audience(actor=shop.actor, parent=customers, name="Still paying", definition=among)
    nobody = {"where": {**paying.definition["where"], "conditions": [PAID, {**among["where"], "match": "any"}]}}
    last = writes.create_audience(actor=shop.actor, parent=customers, name="Both", definition=nobody)
    client = with_key(shop, "read", "rows", "write")
    asked = client.get(f"/api/v1/audiences/{customers.pk}/1").json()
    ids = [str(each.pk) for each in Audience.objects.order_by("pk")]
    assert asked == {"parent_model_id": str(customers.pk), "user_id": "1", "audience_ids": ids}
    assert client.get(f"/api/v1/audiences/{customers.pk}/2").json()["audience_ids"] == []
    assert client.get(f"/api/v1/audiences/{customers.pk}/1' OR 1=1").json()["audience_ids"] == []
    assert client.get(f"/api/v1/audiences/{last.pk}/memberships/3").json() == {"isMember": True}
    assert client.get(f"/api/v1/audiences/{last.pk}/memberships/99").json() == {"isMember": False}
    opened = client.post(f"/api/v1/audiences/{last.pk}/model").json()
    assert opened["modelId"] == str(Audience.objects.get(pk=last.pk).model_id)
    assert with_key(shop, "read").get(f"/api/v1/audiences/{customers.pk}/1").status_code == 403


def test_syncs_are_where_their_audience_is(world: World, shop: Shop, paying: Audience) -> None:
    workspace = shop.place.workspace
    workspaces.switch_spaces(actor=shop.actor, workspace=workspace, enabled=True)
    north = workspaces.create_space(actor=shop.actor, workspace=workspace, name="North")
    south = workspaces.create_space(actor=shop.actor, workspace=workspace, name="South")
    move_audience_to_space(actor=shop.actor, audience=paying, space=north)
    sync = sync_of(shop, paying)
    assert Sync.objects.get(pk=sync.pk).space == north
    with pytest.raises(Conflict, match="where its audience is"):
        sync_services.move_sync_to_space(actor=shop.actor, sync=sync, space=None)
    move_audience_to_space(actor=shop.actor, audience=paying, space=south)
    assert Sync.objects.get(pk=sync.pk).space == south
    assert sync.pk not in syncs_in_view(world.actor("editor")).values_list("pk", flat=True)


def test_an_audience_is_counted_after_each_run_that_sent_it(shop: Shop, paying: Audience) -> None:
    sync = sync_of(shop, paying)
    assert ask_for_sizes_after_runs() == 0
    shop.run(sync)
    assert ask_for_sizes_after_runs() == 1
    assert ask_for_sizes_after_runs() == 0, "once for each run"
    work(Calculation.objects.get(kind="run").pk)
    assert [(size.reason, size.members) for size in paying.sizes.all()] == [("run", 2)]
    assert ask_for_sizes_after_runs() == 0
    shop.query("UPDATE customers SET plan = 'paid'")
    shop.run(sync)
    assert ask_for_sizes_after_runs() == 1
