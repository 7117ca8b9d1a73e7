"""Every write to sources and destinations: what it does, what it refuses, what it leaves in the audit log."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from config.errors import Conflict, Denied, Invalid, NotFound
from connectors import access, dependants, selectors, services
from connectors.choices import Health, Kind
from connectors.discovery import CheckOutcome
from connectors.models import Source, SourceTable
from governance.audit.models import AuditEntry
from tests.connectors.app.connections import a_destination, a_source, file_settings, files_folder, http_settings
from tests.world import Place, World
from workspaces.permissions import Permission
from workspaces.scoping import workspace_scope


@pytest.fixture
def acme(world: World) -> Iterator[Place]:
    """The workspace of acme, with its scope entered."""
    with workspace_scope(world.acme.workspace.pk):
        yield world.acme


def last(event: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the newest audit entry of an event says: before and after."""
    entry = AuditEntry.objects.filter(event=event).order_by("-pk")[0]
    return entry.before or {}, entry.after or {}


def test_names_may_repeat_and_slugs_are_made_unique(acme: Place) -> None:
    made = [a_destination(acme, name="Shop API") for _ in range(3)]
    assert [d.slug for d in made] == ["shop-api", "shop-api-2", "shop-api-3"]
    assert [d.name for d in made] == ["Shop API"] * 3


def test_a_slug_that_was_asked_for_is_taken_or_refused(acme: Place) -> None:
    def make(slug: str) -> Any:
        return services.create_source(actor=acme.actor, type="duckdb", values=file_settings(), name="A", slug=slug)

    assert make("mine").slug == "mine"
    for bad in ("mine", "Not a slug"):
        with pytest.raises(Invalid) as refused:
            make(bad)
        assert list(refused.value.fields) == ["slug"]


def test_wrong_settings_are_refused_at_their_field_and_nothing_is_saved(acme: Place) -> None:
    before = Source.objects.count()
    with pytest.raises(Invalid) as refused:
        services.create_source(actor=acme.actor, type="duckdb", values={"mode": "database"})
    assert refused.value.fields == {"path": "Enter the database file."}
    with pytest.raises(Invalid) as unknown:
        services.create_source(actor=acme.actor, type="no_such_type", values={})
    assert list(unknown.value.fields) == ["type"]
    assert Source.objects.count() == before


def test_an_update_keeps_what_is_not_given_and_makes_the_connection_untested(acme: Place) -> None:
    source: Source = acme.rows["source"]
    assert services.check_source(actor=acme.actor, source=source).ok
    changed = services.update_source(actor=acme.actor, source=source, timezone="Europe/Berlin")
    assert (changed.health, changed.config) == (Health.HEALTHY, source.config)
    (files_folder() / "orders.csv").write_text("id\n1\n")
    files = [{"name": "orders", "value": "orders.csv"}]
    changed = services.update_source(actor=acme.actor, source=source, values={"files": files})
    assert changed.config["mode"] == "files"
    assert (changed.health, changed.last_checked_at) == (Health.UNTESTED, None)
    assert list(last("source.updated")[1]) == ["config"]


def test_an_update_without_a_difference_leaves_no_trace(acme: Place) -> None:
    source: Source = acme.rows["source"]
    before = AuditEntry.objects.count()
    services.update_source(actor=acme.actor, source=source, values=dict(source.config), name=source.name)
    services.rename_source(actor=acme.actor, source=source, name=f"  {source.name} ")
    assert AuditEntry.objects.count() == before


def test_a_new_name_leaves_the_slug(acme: Place) -> None:
    source = services.rename_source(actor=acme.actor, source=acme.rows["source"], name="Till receipts")
    assert (source.name, source.slug) == ("Till receipts", "shop-files")
    assert last("source.renamed")[0] == {"name": "Shop files"}


def test_a_failed_check_tells_the_reason_and_what_to_do(acme: Place) -> None:
    values = {"mode": "database", "path": "gone.duckdb"}
    source = services.create_source(actor=acme.actor, type="duckdb", values=values)
    outcome = services.check_source(actor=acme.actor, source=source)
    source.refresh_from_db()
    assert not outcome.ok
    assert "gone.duckdb" in source.last_check_message
    assert source.last_check_hint
    assert source.health == Health.FAILING
    assert last("source.checked")[1]["health"] == "failing"


def test_a_check_of_settings_that_changed_meanwhile_is_not_recorded(acme: Place) -> None:
    tested = Source.objects.get(pk=acme.rows["source"].pk)
    services.update_source(actor=acme.actor, source=tested, values={"mode": "database", "path": "other.duckdb"})
    outcome = CheckOutcome(True, "Connected.")
    after = services.record_source_check(actor=acme.actor, source=tested, outcome=outcome)
    assert after.health == Health.UNTESTED


def test_the_setup_ends_only_after_its_test_and_takes_its_slug_from_the_name(acme: Place) -> None:
    source = services.create_source(actor=acme.actor, type="duckdb", values=file_settings(), setup_done=False)
    assert source not in selectors.sources()
    with pytest.raises(Denied):
        access.require_ready(source)
    with pytest.raises(Conflict):
        services.finish_source(actor=acme.actor, source=source, name="Till")
    services.check_source(actor=acme.actor, source=source)
    done = services.finish_source(actor=acme.actor, source=source, name="Till", timezone="Europe/Berlin")
    assert (done.slug, done.setup_done, done.timezone) == ("till", True, "Europe/Berlin")
    assert done in selectors.sources()


def test_reading_the_schema_replaces_what_was_remembered(acme: Place) -> None:
    source: Source = acme.rows["source"]
    (files_folder() / "orders.csv").write_text("id,amount\n1,9.99\n")
    files = [*source.config["files"], {"name": "orders", "value": "orders.csv"}]
    source = services.update_source(actor=acme.actor, source=source, values={"files": files})
    services.refresh_schema(actor=acme.actor, source=source)
    assert [t.name for t in selectors.tables_of(source)] == ["customers", "orders"]
    assert [t.name for t in selectors.tables_of(source, "amount")] == ["orders"]
    assert selectors.schema_map(source)["orders"] == ["id", "amount"]
    (files_folder() / "orders.csv").write_text("id,total\n1,9.99\n")
    table = selectors.tables_of(source, "orders").get()
    fresh = services.refresh_table(actor=acme.actor, source=source, table=table)
    assert [c["name"] for c in fresh.columns or ()] == ["id", "total"]
    assert SourceTable.objects.filter(source=source).count() == 2


@pytest.fixture
def used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty-five models on every source, told as the next app would."""
    provider = dependants.Provider(
        "model",
        listing=lambda actor, pk, limit: [dependants.Dependant("model", f"Model {n}") for n in range(min(limit, 25))],
        counts=lambda actor, pks: dict.fromkeys(pks, 25),
    )
    monkeypatch.setattr(dependants, "_providers", {(Kind.SOURCE, "model"): provider})


def test_a_source_in_use_is_not_deleted_and_its_users_are_named(acme: Place, used: None) -> None:
    with pytest.raises(Conflict) as refused:
        services.delete_source(actor=acme.actor, source=acme.rows["source"])
    assert "model “Model 0”" in refused.value.message
    assert "and 5 more" in refused.value.message
    assert Source.objects.filter(pk=acme.rows["source"].pk).exists()


def test_a_deleted_source_is_gone_with_its_tables(acme: Place) -> None:
    source = a_source(acme, name="Old files")
    services.delete_source(actor=acme.actor, source=source)
    assert not SourceTable.objects.filter(source_id=source.pk).exists()
    assert last("source.deleted")[0]["name"] == "Old files"
    with pytest.raises(NotFound):
        services.delete_source(actor=acme.actor, source=source)


@pytest.mark.parametrize("person", ["viewer", "drafter"])
def test_people_without_the_right_create_change_and_delete_nothing(world: World, acme: Place, person: str) -> None:
    actor, source = world.actor(person), acme.rows["source"]
    with pytest.raises(Denied):
        services.create_source(actor=actor, type="duckdb", values=file_settings())
    with pytest.raises(Denied):
        services.update_source(actor=actor, source=source, values={})
    with pytest.raises(Denied):
        services.rename_source(actor=actor, source=source, name="Mine")
    with pytest.raises(Denied):
        services.delete_source(actor=actor, source=source)


def test_an_editor_sets_up_what_they_created_and_then_leaves_its_credentials_alone(world: World, acme: Place) -> None:
    editor = world.actor("editor")
    made = services.create_destination(actor=editor, type="http_request", values=http_settings(), setup_done=False)
    changed = services.update_destination(
        actor=editor, destination=made, values={"base_url": "https://api2.example.com"}
    )
    services.record_destination_check(actor=editor, destination=changed, outcome=CheckOutcome(True, "Connected."))
    done = services.finish_destination(actor=editor, destination=changed, name="CRM")
    with pytest.raises(Denied):
        services.update_destination(actor=editor, destination=done, values={"base_url": "https://evil.example.com"})
    with pytest.raises(Denied):
        services.update_destination(actor=world.actor("drafter"), destination=made, values={})


def test_another_workspaces_source_is_not_found(world: World, acme: Place) -> None:
    with pytest.raises(NotFound):
        access.source_for(acme.actor, world.globex.rows["source"].pk, Permission.MEMBER)
    with pytest.raises(NotFound):
        services.rename_source(actor=acme.actor, source=world.globex.rows["source"], name="Mine")


@pytest.mark.django_db(transaction=True)
def test_two_people_at_once_lose_no_rename_and_share_no_slug(world: World) -> None:
    together = Barrier(2)
    source, place = world.acme.rows["source"], world.acme

    def act(name: str) -> str:
        with workspace_scope(place.workspace.pk):
            together.wait(timeout=20)
            services.rename_source(actor=place.actor, source=source, name=name)
            made = a_destination(place, name="Twin")
            connection.close()
        return made.slug

    with ThreadPoolExecutor(2) as pool:
        slugs = set(pool.map(act, ("First", "Second")))
    assert slugs == {"twin", "twin-2"}
    with workspace_scope(place.workspace.pk):
        entries = list(AuditEntry.objects.filter(event="source.renamed").order_by("pk"))
    assert entries[0].before == {"name": "Shop files"}
    assert entries[1].before == entries[0].after


@pytest.mark.django_db(transaction=True)
def test_deleting_twice_at_once_deletes_once(world: World) -> None:
    together = Barrier(2)
    place, destination = world.acme, world.acme.rows["destination"]

    def act(_: int) -> str:
        with workspace_scope(place.workspace.pk):
            together.wait(timeout=20)
            try:
                services.delete_destination(actor=place.actor, destination=destination)
            except NotFound:
                return "not found"
            finally:
                connection.close()
        return "deleted"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(act, range(2))) == ["deleted", "not found"]
