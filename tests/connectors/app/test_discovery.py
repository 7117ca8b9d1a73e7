"""What a destination lists for the sync form: tables to choose, then the fields of the chosen one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from django.test import Client, override_settings

from config.embedded import Urls
from config.errors import Invalid
from connectors import access, discovery, services
from connectors.choices import Kind
from connectors.destinations.postgres import PostgresDestination
from connectors.models import Destination
from connectors.sdk.fields import Select
from connectors.sdk.types import Choice
from tests.api.calls import caller, key_of
from tests.world import Place, World
from workspaces.scoping import workspace_scope

TABLE = "discovery_people"


@pytest.fixture
def acme(world: World) -> Iterator[Place]:
    with workspace_scope(world.acme.workspace.pk):
        yield world.acme


@pytest.fixture
def people_table(services: Urls) -> Iterator[str]:
    """A table in the embedded server's destination database; the database's address."""
    with psycopg.connect(services.acme_url, autocommit=True) as database:
        database.execute(f"DROP TABLE IF EXISTS {TABLE}")
        database.execute(f"CREATE TABLE {TABLE} (id int PRIMARY KEY, email text NOT NULL)")
        yield services.acme_url
        database.execute(f"DROP TABLE IF EXISTS {TABLE}")


@pytest.fixture
def postgres(acme: Place, people_table: str) -> Iterator[Destination]:
    """A destination on that database; private networks are open to it."""
    where = urlsplit(people_table)
    values = {
        "host": where.hostname,
        "port": where.port,
        "database": where.path.lstrip("/"),
        "user": where.username,
        "password": where.password or "",
    }
    with override_settings(OUTBOUND_ALLOW=["*"]):
        yield services.create_destination(actor=acme.actor, type="postgres", values=values)


def picker_of(destination: Destination) -> tuple[str, str]:
    """The sync type and the name of its picker that the database fills."""
    for sync_type in access.definition_of(Kind.DESTINATION, destination.type).sync_types:
        for field in sync_type.settings:
            if getattr(field, "discover", ""):
                return sync_type.key, field.name
    raise AssertionError("the PostgreSQL destination lists nothing")


def test_the_check_passes(acme: Place, postgres: Destination) -> None:
    outcome = services.check_destination(actor=acme.actor, destination=postgres)
    assert outcome.ok, f"{outcome.message} {outcome.hint}"


def test_tables_are_offered_as_options_and_the_chosen_one_is_kept(
    acme: Place, postgres: Destination, client: Client
) -> None:
    sync_type, name = picker_of(postgres)
    client.force_login(acme.owner)
    url = f"/acme/destinations/{postgres.pk}/choices?sync_type={sync_type}&field={name}"
    options = client.post(url, {name: f"public.{TABLE}"}).content.decode()
    assert f'<option value="public.{TABLE}" selected>' in options


def test_fields_of_the_chosen_table_and_a_refresh_after_it_changed(
    acme: Place, postgres: Destination, people_table: str, client: Client
) -> None:
    sync_type, name = picker_of(postgres)
    client.force_login(acme.owner)
    url = f"/acme/destinations/{postgres.pk}/fields?sync_type={sync_type}"

    def names(query: str = "") -> list[str]:
        found = client.post(url + query, {name: f"public.{TABLE}"}).json()["fields"]
        return [field["name"] for field in found]

    assert names() == ["id", "email"]
    with psycopg.connect(people_table, autocommit=True) as database:
        database.execute(f"ALTER TABLE {TABLE} ADD COLUMN city text")
    assert names() == ["id", "email"]
    assert names("&refresh=1") == ["id", "email", "city"]


def test_changed_credentials_forget_what_was_listed(acme: Place, postgres: Destination) -> None:
    sync_type, name = picker_of(postgres)
    settings = {name: f"public.{TABLE}"}
    assert discovery.destination_fields(postgres, sync_type, settings)
    broken = services.update_destination(actor=acme.actor, destination=postgres, values={"port": 9})
    with pytest.raises(discovery.RemoteError) as told:
        discovery.destination_fields(broken, sync_type, settings)
    assert told.value.message


def test_a_list_that_cannot_be_had_reads_as_a_disabled_option(
    acme: Place, postgres: Destination, client: Client
) -> None:
    sync_type, name = picker_of(postgres)
    services.update_destination(actor=acme.actor, destination=postgres, values={"port": 9})
    client.force_login(acme.owner)
    url = f"/acme/destinations/{postgres.pk}/choices?sync_type={sync_type}&field={name}"
    options = client.post(url, {name: "public.kept"}).content.decode()
    assert '<option value="public.kept" selected>' in options
    assert "disabled>Could not be listed" in options


def test_a_picker_follows_those_it_depends_on(
    acme: Place, postgres: Destination, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second picker asks for the first one, gives up what is no longer offered, and the API tells the same."""

    async def columns(self: PostgresDestination, table: str) -> list[Choice]:
        return [Choice(f"{table}.id", "ID")]

    sync_type, name = picker_of(postgres)
    kinds = PostgresDestination.definition.sync_types
    follower = Select(name="column", label="Column", discover="columns", depends=(name,))
    changed = [replace(kind, settings=(*kind.settings, follower)) for kind in kinds]
    definition = replace(PostgresDestination.definition, sync_types=tuple(changed))
    monkeypatch.setattr(PostgresDestination, "definition", definition)
    monkeypatch.setattr(PostgresDestination, "columns", columns, raising=False)
    api = caller(key_of(acme, acme.owner))
    client.force_login(acme.owner)
    url = f"/acme/destinations/{postgres.pk}/choices?sync_type={sync_type}&field=column"
    assert "first</option>" in client.post(url, {}).content.decode()
    kept = client.post(url, {name: "a", "column": "a.id"})
    assert '<option value="a.id" selected>' in kept.content.decode()
    assert "HX-Trigger-After-Swap" not in kept
    given_up = client.post(url, {name: "b", "column": "a.id"})
    assert "selected" not in given_up.content.decode()
    assert given_up["HX-Trigger-After-Swap"] == "change"

    def asked(settings: dict[str, str]) -> dict[str, Any]:
        body = {"syncType": sync_type, "setting": "column", "settings": settings}
        address = f"/destinations/{postgres.pk}/choices"
        told: dict[str, Any] = api("post", address, body).json()
        return told

    assert asked({}) == {"choices": [], "waitsFor": "Table"}
    assert asked({name: "b"})["choices"] == [{"value": "b.id", "label": "ID", "description": ""}]


def test_the_api_lists_fields(acme: Place, postgres: Destination) -> None:
    api = caller(key_of(acme, acme.owner))
    sync_type, name = picker_of(postgres)
    body = {"syncType": sync_type, "settings": {name: f"public.{TABLE}"}}
    address = f"/destinations/{postgres.pk}/fields"
    found = api("post", address, body).json()["fields"]
    assert [field["name"] for field in found] == ["id", "email"]
    assert api("post", address, {"syncType": "fax"}).status_code == 422


def test_an_unknown_picker_or_sync_type_is_refused(acme: Place, postgres: Destination, client: Client) -> None:
    with pytest.raises(Invalid):
        discovery.picker(access.fields_of(Kind.DESTINATION, "postgres"), "nothing.here")
    client.force_login(acme.owner)
    assert client.post(f"/acme/destinations/{postgres.pk}/fields?sync_type=fax").status_code == 422
