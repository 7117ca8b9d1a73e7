"""Models: previews, columns, keys, and what their changes mean for syncs."""

from __future__ import annotations

from typing import Any

import pytest

from config.errors import Conflict, Denied, Invalid
from governance.audit.models import AuditEntry
from syncs import selectors, services
from syncs.choices import ModelMethod, PendingReset
from syncs.configuration import Proposal
from syncs.definitions import Definition
from syncs.engine.guardrails import Guardrails
from syncs.models import Model
from syncs.schedules import Schedule
from syncs.services.models import KeyChange
from tests.connectors.app.connections import a_destination
from tests.syncs.app.shop import Shop, mapping, work_off
from tests.world import Place, World


def sql(text: str) -> Definition:
    return Definition(method=ModelMethod.SQL, sql=text)


def columns(model: Model) -> dict[str, Any]:
    return {column.name: column for column in model.columns.all()}


def test_a_preview_shows_the_first_rows_with_types_and_leaves_an_audit_entry(shop: Shop) -> None:
    shop.fill(250)
    query = sql("SELECT * FROM customers ORDER BY id DESC")
    seen = services.preview_definition(actor=shop.actor, source=shop.source, definition=query, with_count=True)
    assert [(c.name, c.type) for c in seen.columns] == [("id", "number"), ("email", "string"), ("plan", "string")]
    assert seen.rows is not None
    assert (len(seen.rows), seen.rows[0], seen.more, seen.row_count) == (
        100, (250, "c250@shop.test", "free"), True, 250,
    )  # fmt: skip
    entry = AuditEntry.objects.latest("id")
    assert (entry.event, entry.after) == ("source.previewed", {"query": query.sql})


def test_without_the_row_data_right_a_preview_shows_columns_only(shop: Shop, world: World) -> None:
    shop.fill(2)
    seen = services.preview_model(actor=world.actor("viewer"), model=shop.model())
    assert seen.rows is None
    assert [c.name for c in seen.columns] == ["id", "email", "plan"]
    with pytest.raises(Denied):
        services.preview_definition(actor=world.actor("viewer"), source=shop.source, definition=sql("SELECT 1 AS one"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("DELETE FROM customers", "DELETE"),
        ("SELECT 1 AS a; SELECT 2 AS b", "Only one statement"),
        ("SELECT nothing FROM customers", "nothing"),
        ("SELECT id, id FROM customers", "AS"),
        ("", "Write the query"),
    ],
)
def test_queries_that_cannot_be_models_are_refused_beside_the_query(shop: Shop, text: str, words: str) -> None:
    with pytest.raises(Invalid) as refused:
        services.create_model(
            actor=shop.actor,
            source=shop.source,
            name="Bad",
            definition=Definition.parse(method="sql", sql=text),
            primary_key="id",
        )
    assert words in refused.value.fields["sql"] + refused.value.hint


def test_a_table_is_a_model_without_sql(shop: Shop) -> None:
    shop.fill(4)
    model = services.create_model(
        actor=shop.actor,
        source=shop.source,
        name="All customers",
        definition=Definition.parse(method="table", table_schema="main", table_name="customers"),
        primary_key="id",
    )
    assert shop.run(shop.sync(model)).succeeded == 4


def test_a_model_needs_a_key_among_its_columns(shop: Shop) -> None:
    with pytest.raises(Invalid) as refused:
        shop.model(key="uuid")
    assert "primary_key" in refused.value.fields


def test_a_refresh_keeps_what_people_decided_and_flags_what_vanished(shop: Shop) -> None:
    shop.fill(2)
    model = shop.model()
    sync = shop.sync(model)
    services.change_column(actor=shop.actor, model=model, name="id", description="Our own number")
    services.change_column(actor=shop.actor, model=model, name="email", override_type="object")
    shop.query("ALTER TABLE customers DROP COLUMN plan")
    shop.query("ALTER TABLE customers ADD COLUMN age INTEGER")
    services.refresh_columns(actor=shop.actor, model=model)
    now = columns(model)
    assert now["age"].type == "number"
    assert (now["plan"].missing, now["email"].missing) == (True, False)
    assert (now["id"].description, now["email"].effective_type) == ("Our own number", "object")
    [stale] = selectors.stale_mappings(shop.actor, model)
    assert (stale.sync, stale.columns) == (sync, ("plan",))
    assert [use.place for use in stale.uses] == ["the mapping to “plan”"]
    shop.query("ALTER TABLE customers ADD COLUMN plan VARCHAR")
    services.refresh_columns(actor=shop.actor, model=model)
    assert not columns(model)["plan"].missing
    services.change_column(actor=shop.actor, model=model, name="id", description="")
    assert not columns(model)["id"].description_edited


def test_a_cast_applies_at_run_time_and_sends_all_rows_again(shop: Shop) -> None:
    shop.fill(3)
    shop.query("ALTER TABLE customers ADD COLUMN score INTEGER DEFAULT 1")
    model = shop.model()
    sync = shop.sync(model, mappings=[mapping("id"), mapping("email"), mapping("plan", "score")])
    shop.run(sync)
    services.change_column(actor=shop.actor, model=model, name="score", override_type="boolean")
    run = shop.run(sync)
    assert (run.planned_changed, run.succeeded_changed) == (3, 3)
    assert {row[2] for row in shop.there()} == {"true"}


def test_a_column_can_be_switched_off_unless_a_mapping_names_it(shop: Shop) -> None:
    model = shop.model()
    services.change_column(actor=shop.actor, model=model, name="plan", enabled=False)
    with pytest.raises(Invalid) as refused:
        shop.sync(model)
    assert "plan" in refused.value.message
    services.change_column(actor=shop.actor, model=model, name="plan", enabled=True)
    shop.sync(model)
    with pytest.raises(Conflict):
        services.change_column(actor=shop.actor, model=model, name="plan", enabled=False)
    with pytest.raises(Invalid):
        services.change_column(actor=shop.actor, model=model, name="id", enabled=False)


def test_a_new_key_needs_a_choice_which_every_dependent_sync_remembers(shop: Shop) -> None:
    shop.fill(2)
    model = shop.model()
    syncs = [shop.sync(model), shop.sync(model)]
    with pytest.raises(Invalid) as refused:
        services.update_model(actor=shop.actor, model=model, primary_key="email")
    assert "reset" in refused.value.fields
    later = KeyChange(reset=PendingReset.RESYNC, run_now=False)
    services.change_primary_key(actor=shop.actor, model=model, primary_key="email", key_change=later)
    for sync in syncs:
        sync.refresh_from_db()
        assert (sync.pending_reset, sync.runs_started) == (PendingReset.RESYNC, 0)


def test_every_place_that_names_a_lost_column_is_told_before_and_after_saving(shop: Shop, place: Place) -> None:
    model = shop.model()
    mapped = shop.sync(
        model,
        mappings=[
            mapping("id"),
            mapping("email", "{{ row.email | downcase }}", kind="template"),
            mapping("plan", "{{ row.plan | upcase }}", kind="template"),
        ],
    )
    api = a_destination(place)
    added = {
        "endpoint": "/c/{{ row.email }}",
        "payload": "json_columns",
        "columns": [{"name": "mail", "value": "email"}, {"name": "note", "value": "Plan {{ row.plan }}"}],
    }
    sent = services.create_sync(
        actor=shop.actor,
        model=model,
        destination=api,
        proposal=Proposal(sync_type="requests", settings={"added": added}),
    )
    found = selectors.stale_mappings(shop.actor, model, ["id", "mail", "plan"])
    assert [(item.sync, [(use.place, use.columns) for use in item.uses]) for item in found] == [
        (mapped, [("the mapping to “email”", ("email",))]),
        (
            sent,
            [
                ("the setting “Rows added: Endpoint”", ("email",)),
                ("the field “mail” of “Rows added: Fields”", ("email",)),
            ],
        ),
    ]
    assert selectors.stale_mappings(shop.actor, model) == []


def test_a_new_key_runs_what_this_person_may_run_and_the_rest_remembers(shop: Shop) -> None:
    shop.fill(2)
    model = shop.model()
    first, paused, running = (shop.sync(model) for _ in range(3))
    for sync in (first, paused, running):
        shop.run(sync)
    services.pause_sync(actor=shop.actor, sync=paused)
    services.start_run(actor=shop.actor, sync=running)
    waits = {item.sync: item.waits for item in selectors.dependants_of_key(shop.actor, model)}
    assert waits == {first: "", paused: "it is paused", running: "it is running"}
    now = KeyChange(reset=PendingReset.RESET)
    services.change_primary_key(actor=shop.actor, model=model, primary_key="email", key_change=now)
    work_off()
    state = {sync.pk: (sync.pending_reset, sync.runs_started) for sync in model.syncs.all()}
    assert state == {
        first.pk: (PendingReset.NONE, 2),
        paused.pk: (PendingReset.RESET, 1),
        running.pk: (PendingReset.RESET, 2),
    }
    assert first.runs.latest("id").planned == 0
    services.resume_sync(actor=shop.actor, sync=paused)
    assert shop.run(paused).planned == 0


def test_a_clone_takes_casts_and_chosen_syncs_along_and_leads_a_life_of_its_own(shop: Shop, place: Place) -> None:
    shop.fill(3)
    model = shop.model()
    services.change_column(actor=shop.actor, model=model, name="plan", override_type="boolean")
    services.change_column(actor=shop.actor, model=model, name="email", description="Where mail goes")
    api = a_destination(place)
    requests = Proposal(sync_type="requests", settings={"added": {"endpoint": "/c/{{ row.plan }}"}})
    kept = shop.sync(model, mappings=[mapping("id"), mapping("email")], schedule=Schedule.every(1, "hour"))
    kept = services.set_guardrails(actor=shop.actor, sync=kept, guardrails=Guardrails(on=False))
    broken = services.create_sync(actor=shop.actor, model=model, destination=api, proposal=requests, name="To the API")
    shop.sync(model)
    clone = services.clone_model(
        actor=shop.actor,
        model=model,
        name="Customers again",
        definition=sql("SELECT id, email FROM customers WHERE id > 1"),
        syncs=[kept, broken],
    )
    copied = columns(clone.of)
    assert (copied["email"].description, list(copied)) == ("Where mail goes", ["id", "email"])
    copy, other = clone.syncs
    [stale] = selectors.stale_mappings(shop.actor, clone.of)
    assert (stale.sync, stale.columns, clone.failed) == (other, ("plan",), [])
    assert (copy.model, copy.mappings, copy.schedule_enabled) == (clone.of, kept.mappings, False)
    assert (copy.schedule, copy.guardrails["on"]) == (kept.schedule, False)
    assert shop.run(copy).succeeded == 2
    services.delete_sync(actor=shop.actor, sync=kept)
    assert shop.run(copy).planned == 0


def test_a_clone_needs_the_rights_of_every_sync_it_takes_along(shop: Shop, world: World) -> None:
    model = shop.model()
    sync = shop.sync(model)
    with pytest.raises(Denied):
        services.clone_model(actor=world.actor("drafter"), model=model, name="Mine", syncs=[sync])
    other = shop.sync(shop.model("Others"))
    with pytest.raises(Invalid, match="Not a sync of this model"):
        services.clone_model(actor=shop.actor, model=model, name="Mine", syncs=[other])
    assert Model.objects.count() == 2


def test_a_key_of_another_type_at_the_source_sends_everything_again(shop: Shop) -> None:
    shop.fill(2)
    model = shop.model()
    sync = shop.sync(model)
    shop.query("ALTER TABLE customers ALTER id TYPE VARCHAR")
    services.refresh_columns(actor=shop.actor, model=model)
    sync.refresh_from_db()
    assert sync.pending_reset == PendingReset.RESYNC


def test_a_changed_query_takes_effect_at_the_next_run(shop: Shop) -> None:
    shop.fill(10)
    model = shop.model()
    sync = shop.unguarded(shop.sync(model))
    shop.run(sync)
    services.update_model(actor=shop.actor, model=model, definition=sql("SELECT * FROM customers WHERE id <= 4"))
    assert shop.run(sync).succeeded_removed == 6
    assert len(shop.there()) == 4


def test_a_model_in_use_is_not_deleted(shop: Shop) -> None:
    model = shop.model()
    sync = shop.sync(model)
    with pytest.raises(Conflict) as refused:
        services.delete_model(actor=shop.actor, model=model)
    assert str(sync) in refused.value.message
    services.delete_sync(actor=shop.actor, sync=sync)
    services.delete_model(actor=shop.actor, model=model)
    assert not Model.objects.exists()


@pytest.mark.parametrize("who", ["viewer", "drafter"])
def test_models_are_changed_only_with_the_rights_to_draft_and_publish(shop: Shop, world: World, who: str) -> None:
    model = shop.model()
    for change in (
        lambda: services.create_model(
            actor=world.actor(who), source=shop.source, name="Mine", definition=sql("SELECT 1 AS id"), primary_key="id"
        ),
        lambda: services.update_model(actor=world.actor(who), model=model, name="Mine"),
        lambda: services.refresh_columns(actor=world.actor(who), model=model),
        lambda: services.delete_model(actor=world.actor(who), model=model),
    ):
        with pytest.raises(Denied):
            change()
