"""Configurations: what can be known to be wrong is said at once, beside its input; secrets stay secret."""

from __future__ import annotations

import json
from typing import Any

import pytest

from config.errors import Conflict, Denied, Invalid
from connectors import services as connectors
from governance.audit.models import AuditEntry
from syncs import services
from syncs.configuration import Proposal
from syncs.models import Run
from tests.connectors.app.connections import HEADER_SECRET, http_settings
from tests.syncs.app.shop import FIELDS, Shop, mapping
from tests.world import World

ALL = [mapping(name) for name in FIELDS]


def template(text: str) -> dict[str, Any]:
    return {"to": "plan", "kind": "template", "value": text}


def inline(kind: str, value: Any) -> dict[str, Any]:
    return {"to": "plan", "kind": kind, "value": value}


PART = {"to": "part", "kind": "property", "value": "part"}
DEEP = inline("object", [inline("object", [mapping("x", "plan")])])


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"sync_type": "rows"}, "sync_type"),
        ({"mode": "snapshot"}, "mode"),
        ({"mode": "insert", "removal": "delete"}, "removal"),
        ({"first_run": "sometimes"}, "first_run"),
        ({"settings": {"batch_size": 10}}, "settings.table"),
        ({"settings": {"table": "public.customers", "speed": 1}}, "settings.speed"),
        ({"mappings": []}, "mappings"),
        ({"mappings": [*ALL, mapping("shoe_size")]}, "mappings.3"),
        ({"mappings": [mapping("id"), mapping("email", "phone")]}, "mappings.1"),
        ({"mappings": [*ALL, mapping("plan", "email")]}, "mappings.3"),
        ({"mappings": [mapping("email"), mapping("plan")]}, "identifier"),
        ({"mappings": [mapping("id"), mapping("email"), mapping("plan", identifier=True)]}, "identifier"),
        ({"mappings": [mapping("id"), {"to": "plan", "kind": "variable", "value": "weather"}]}, "mappings.1"),
        ({"mappings": [mapping("id"), template("{{ row.email | shout }}")]}, "mappings.1"),
        ({"mappings": [mapping("id"), template("{{ row.phone }}")]}, "mappings.1"),
        ({"mappings": [mapping("id"), {"to": "plan", "kind": "static", "value": ["free"]}]}, "mappings.1"),
        ({"mappings": [mapping("id"), {"kind": "column", "value": "plan"}]}, "mappings.1"),
        ({"mappings": [mapping("id"), inline("object", [])]}, "mappings.1"),
        ({"mappings": [mapping("id"), inline("object", [{"to": "x", "kind": "shape"}])]}, "mappings.1.value.0"),
        ({"mappings": [mapping("id"), inline("object", [mapping("x", "gone")])]}, "mappings.1.value.0"),
        ({"mappings": [mapping("id"), inline("object", [mapping("x", "plan")] * 2)]}, "mappings.1.value.1"),
        ({"mappings": [mapping("id"), inline("object", [DEEP])]}, "mappings.1.value.0.value.0"),
        ({"mappings": [mapping("id"), inline("array", {"column": "gone", "mappings": [PART]})]}, "mappings.1"),
        ({"mappings": [mapping("id"), inline("array", {"column": "id", "mappings": [PART]})]}, "mappings.1"),
        ({"mappings": [mapping("id"), inline("array", {"mappings": [PART]})]}, "mappings.1"),
        ({"mappings": [mapping("id"), {**PART, "to": "plan"}]}, "mappings.1"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_said_beside_its_input(shop: Shop, changed: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        shop.sync(**changed)
    assert field in refused.value.fields


def test_constants_variables_and_templates_arrive(shop: Shop) -> None:
    shop.fill(2)
    template = {"to": "email", "kind": "template", "value": "{{ row.email | upcase }}"}
    variable = {"to": "plan", "kind": "variable", "value": "operation"}
    run = shop.run(shop.sync(mappings=[mapping("id"), template, variable]))
    assert run.succeeded == 2
    assert shop.there() == [(1, "C1@SHOP.TEST", "added"), (2, "C2@SHOP.TEST", "added")]


def test_nulls_are_left_out_where_the_mapping_says_so(shop: Shop) -> None:
    shop.fill(1)
    shop.at_destination(f"ALTER TABLE {shop.table} ALTER plan SET DEFAULT 'standard'")
    shop.query("UPDATE customers SET plan = NULL")
    shop.run(shop.sync(mappings=[mapping("id"), mapping("email"), mapping("plan", ignore_null=True)]))
    assert shop.there() == [(1, "c1@shop.test", "standard")]


def test_the_headers_of_a_connection_reach_no_run_and_no_log(shop: Shop) -> None:
    shop.fill(1)
    destination = connectors.create_destination(
        actor=shop.actor, type="http_request", values=http_settings(), name="API"
    )
    sync = services.create_sync(
        actor=shop.actor,
        model=shop.model(),
        destination=destination,
        proposal=Proposal(sync_type="requests", settings={"added": {"endpoint": "/customers"}}),
    )
    run = services.start_run(actor=shop.actor, sync=sync)
    stored = json.dumps([sync.settings, run.spec, run.job, list(AuditEntry.objects.values("after", "before"))])
    assert HEADER_SECRET not in stored
    assert HEADER_SECRET not in destination.secret_config


def test_connection_secrets_reach_neither_run_nor_error(shop: Shop) -> None:
    shop.fill(1)
    sync = shop.sync()
    password = "s3cret-s3cret"
    values = {**shop.destination.config, "password": password, "user": "nobody"}
    connectors.update_destination(actor=shop.actor, destination=shop.destination, values=values)
    run = shop.run(sync)
    told = json.dumps([run.spec, run.job, run.error_message, run.error_hint, run.timings])
    assert run.status == "failed"
    assert password not in told


def test_a_change_without_difference_leaves_no_trace(shop: Shop) -> None:
    sync = shop.sync()
    entries = AuditEntry.objects.count()
    services.update_sync(actor=shop.actor, sync=sync, proposal=shop.proposal())
    sync.refresh_from_db()
    assert (AuditEntry.objects.count(), sync.pending_reprocess, sync.revision) == (entries, False, 1)


def test_slugs_are_free_and_stay_as_chosen(shop: Shop) -> None:
    model = shop.model()
    first, second = shop.sync(model), shop.sync(model)
    assert first.slug != second.slug
    with pytest.raises(Invalid):
        services.create_sync(
            actor=shop.actor,
            model=model,
            destination=shop.destination,
            proposal=shop.proposal(),
            slug=first.slug,
        )


def test_a_running_sync_is_not_deleted(shop: Shop) -> None:
    shop.fill(1)
    sync = shop.sync()
    services.start_run(actor=shop.actor, sync=sync)
    with pytest.raises(Conflict):
        services.delete_sync(actor=shop.actor, sync=sync)


def test_who_may_do_what_with_a_sync(shop: Shop, world: World) -> None:
    shop.fill(1)
    sync = shop.sync()
    for who in ("viewer", "drafter"):
        for change in (
            lambda actor: services.start_run(actor=actor, sync=sync),
            lambda actor: services.update_sync(actor=actor, sync=sync, name="Mine"),
            lambda actor: services.pause_sync(actor=actor, sync=sync),
            lambda actor: services.delete_sync(actor=actor, sync=sync),
        ):
            with pytest.raises(Denied):
                change(world.actor(who))
    services.update_sync(actor=world.actor("editor"), sync=sync, name="Ours")
    run = services.start_run(actor=world.actor("editor"), sync=sync)
    assert (run.actor_label, Run.objects.count()) == ("editor@acme.test", 1 + _runs_of_the_world())


def _runs_of_the_world() -> int:
    """Runs that the shared world began with."""
    return Run.objects.exclude(sync__destination__type="postgres").count()
