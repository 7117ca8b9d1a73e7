"""The pages of sources and destinations, through the doors their users take."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest
from django.test import Client

from config.errors import Conflict
from connectors import dependants, services
from connectors.choices import Kind
from connectors.models import Destination, Source
from governance.audit.models import AuditEntry
from tests.connectors.app.connections import HEADER_SECRET, a_destination, a_source, customers_file, files_folder
from tests.world import Place, World
from workspaces import services as people
from workspaces.grants import Grant, grants_of_role
from workspaces.models import OrganizationMember
from workspaces.permissions import Permission
from workspaces.scoping import workspace_scope

HTMX = {"HX-Request": "true", "HX-Request-Type": "partial"}


@pytest.fixture
def acme(world: World) -> Iterator[Place]:
    with workspace_scope(world.acme.workspace.pk):
        yield world.acme


@pytest.fixture
def owner(acme: Place, client: Client) -> Client:
    """A browser signed in as the owner of acme."""
    client.force_login(acme.owner)
    return client


def words(response: Any) -> str:
    """The page's text, without markup."""
    body = response.content.decode().partition("<main")[2] or response.content.decode()
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", body)))


def file_answer(**changed: Any) -> dict[str, Any]:
    return {"mode": "files", "files__name": ["customers"], "files__value": [customers_file()], **changed}


def test_a_source_is_set_up_step_by_step_and_each_step_is_kept(owner: Client) -> None:
    catalogue = owner.get("/acme/sources/new")
    assert "/acme/sources/new/duckdb" in catalogue.content.decode()
    saved = owner.post("/acme/sources/new/duckdb", file_answer())
    source = Source.objects.get()
    assert saved["Location"] == f"/acme/sources/{source.pk}/setup/test"
    assert "Setting up" in words(owner.get("/acme/sources"))
    test_page = owner.get(saved["Location"])
    assert 'hx-trigger="load"' in test_page.content.decode()
    assert "Continue" not in words(test_page)
    early = owner.post(f"/acme/sources/{source.pk}/setup/name", {"name": "Till", "timezone": "UTC"})
    assert early.status_code == 409
    passed = owner.post(f"/acme/sources/{source.pk}/check", {"setting_up": "1"}, headers=HTMX)
    assert f"/acme/sources/{source.pk}/setup/name" in passed.content.decode()
    back = owner.get(f"/acme/sources/{source.pk}/setup").content.decode()
    assert 'value="customers.csv"' in back
    done = owner.post(f"/acme/sources/{source.pk}/setup/name", {"name": "Till", "timezone": "Europe/Berlin"})
    assert done["Location"] == f"/acme/sources/{source.pk}"
    page = words(owner.get(done["Location"]))
    assert "Till" in page
    assert "Connected" in page
    source.refresh_from_db()
    assert (source.setup_done, source.timezone, source.slug) == (True, "Europe/Berlin", "till")


def test_whoever_makes_a_source_chooses_which_roles_get_what(acme: Place, world: World) -> None:
    bringers, readers = (
        people.create_role(actor=acme.actor, workspace=acme.workspace, name=name) for name in ("Bringers", "Readers")
    )
    people.change_role_grants(actor=acme.actor, role=bringers, give=[Grant(Permission.CREATE_SOURCE)])
    for role, name in ((bringers, "member"), (readers, "viewer")):
        member = OrganizationMember.objects.get(user=world[name])
        group = people.create_group(
            actor=acme.actor, organization=acme.workspace.organization, name=f"The {role.name}", members=[member]
        )
        people.set_group_role(actor=acme.actor, workspace=acme.workspace, group=group, role=role)
    maker = Client()
    maker.force_login(world["member"])
    saved = maker.post("/acme/sources/new/sample_b2b", {"scale": "0.01", "day": "0", "first_day": "2026-01-01"})
    page = maker.get(saved["Location"]).content.decode()
    assert f'value="{readers.pk}:view_rows" aria-label="Readers: View row data">' in page
    assert f'value="{bringers.pk}:manage" aria-label="Bringers: Manage source" checked disabled' in page
    answer = {"name": "Try-out", "timezone": "UTC"}
    for share in (f"{readers.pk}:create", f"{10**9}:view_rows", "x:view_rows"):
        assert maker.post(saved["Location"], {**answer, "share": [share]}).status_code in (404, 422), share
    done = maker.post(saved["Location"], {**answer, "share": [f"{readers.pk}:view_rows"]})
    source = Source.objects.get(name="Try-out")
    assert done["Location"] == f"/acme/sources/{source.pk}"
    assert Grant(Permission.VIEW_ROWS, source.pk) in grants_of_role(readers)
    told = AuditEntry.objects.get(event="source.finished", resource_id=source.pk).after
    assert told
    assert told["shared_with"] == {"Readers": ["view the source's row data"]}
    with pytest.raises(Conflict, match="ended already"):
        services.finish_source(
            actor=acme.actor, source=source, name="Again", shares={readers.pk: [Permission.MANAGE_SOURCE]}
        )


def test_a_sample_needs_no_test_and_is_connected_at_the_end(owner: Client) -> None:
    saved = owner.post("/acme/sources/new/sample_b2b", {"scale": "0.01", "day": "0", "first_day": "2026-01-01"})
    assert saved["Location"].endswith("/setup/name"), words(saved)
    owner.post(saved["Location"], {"name": "Try-out", "timezone": "UTC"})
    page = words(owner.get("/acme/sources"))
    assert "Connected" in page
    assert "Sample" in page


def test_a_failing_test_shows_the_reason_and_leads_back(owner: Client) -> None:
    owner.post("/acme/sources/new/duckdb", {"mode": "database", "path": "gone.duckdb"})
    source = Source.objects.get()
    failed = owner.post(f"/acme/sources/{source.pk}/check", {"setting_up": "1"}, headers=HTMX)
    assert "gone.duckdb" in words(failed)
    assert "Test again" in words(failed)
    assert "Continue" not in words(failed)
    assert f"/acme/sources/{source.pk}/setup" in failed.content.decode()


def test_a_set_up_can_be_discarded_but_a_finished_connection_only_deleted(owner: Client, acme: Place) -> None:
    owner.post("/acme/sources/new/duckdb", file_answer())
    unfinished = Source.objects.get()
    assert owner.post(f"/acme/sources/{unfinished.pk}/setup/discard").status_code == 302
    assert not Source.objects.exists()
    finished = a_source(acme)
    owner.post(f"/acme/sources/{finished.pk}/setup/discard")
    assert Source.objects.filter(pk=finished.pk).exists()


def test_errors_stand_at_their_fields_and_nothing_is_saved(owner: Client) -> None:
    answer = owner.post("/acme/sources/new/duckdb", {"mode": "database", "path": " "})
    assert answer.status_code == 422
    assert "Enter the database file." in words(answer)
    assert not Source.objects.exists()
    answer = owner.post("/acme/destinations/new/http_request", {"base_url": "api.example.com/x?y"})
    assert "Begin with https://" in words(answer)
    assert not Destination.objects.exists()


def test_deleting_asks_for_the_name(owner: Client, acme: Place) -> None:
    destination = a_destination(acme)
    url = f"/acme/destinations/{destination.pk}/delete"
    owner.post(url, {"confirm_name": "something else"})
    assert Destination.objects.filter(pk=destination.pk).exists()
    assert owner.post(url, {"confirm_name": "Shop API"})["Location"] == "/acme/destinations"
    assert not Destination.objects.filter(pk=destination.pk).exists()


def test_what_is_in_use_names_its_users_instead_of_offering_deletion(
    owner: Client, acme: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = dependants.Provider(
        "sync",
        listing=lambda actor, pk, limit: [dependants.Dependant("sync", "Customers to CRM", "/acme/syncs/7")],
        counts=lambda actor, pks: dict.fromkeys(pks, 1),
        new_url=lambda slug, pk: f"/{slug}/syncs/new?destination={pk}",
    )
    monkeypatch.setattr(dependants, "_providers", {(Kind.DESTINATION, "sync"): provider})
    destination = a_destination(acme)
    overview = owner.get(f"/acme/destinations/{destination.pk}").content.decode()
    assert 'href="/acme/syncs/7"' in overview
    assert f"/acme/syncs/new?destination={destination.pk}" in overview
    configuration = words(owner.get(f"/acme/destinations/{destination.pk}/configuration"))
    assert "cannot be deleted while 1 thing needs it: sync “Customers to CRM”" in configuration
    refused = owner.post(f"/acme/destinations/{destination.pk}/delete", {"confirm_name": "Shop API"})
    assert refused.status_code == 409
    assert "1" in re.findall(r'<td class="num">(\d+)</td>', owner.get("/acme/destinations").content.decode())


def test_the_list_is_searched_filtered_and_sorted(owner: Client, acme: Place) -> None:
    a_destination(acme, name="Alpha")
    a_destination(acme, name="Beta")
    page = words(owner.get("/acme/destinations"))
    assert page.index("Alpha") < page.index("Beta")
    assert "2 destinations" in page
    page = words(owner.get("/acme/destinations?order=-name"))
    assert page.index("Beta") < page.index("Alpha")
    page = words(owner.get("/acme/destinations?q=alph&type=http_request&health=untested"))
    assert "Alpha" in page
    assert "Beta" not in page
    assert "No destination matches" in words(owner.get("/acme/destinations?health=failing"))


def test_an_empty_list_teaches_and_offers_one_button_to_those_who_may(owner: Client, world: World) -> None:
    page = owner.get("/acme/sources")
    assert "where your data lives" in words(page)
    assert "/acme/sources/new" in page.content.decode()
    owner.force_login(world["viewer"])
    page = owner.get("/acme/sources")
    assert "/acme/sources/new" not in page.content.decode()
    assert "Ask a workspace admin" in words(page)


def test_the_schema_is_read_once_browsed_and_searched(owner: Client, acme: Place) -> None:
    files = [{"name": "people", "value": customers_file()}]
    source = services.create_source(actor=acme.actor, type="duckdb", values={"mode": "files", "files": files})
    page = owner.get(f"/acme/sources/{source.pk}/schema").content.decode()
    assert 'hx-trigger="load"' in page
    read = owner.post(f"/acme/sources/{source.pk}/schema", headers=HTMX)
    assert "people" in words(read)
    table = source.cached_tables.get()
    columns = words(owner.get(f"/acme/sources/{source.pk}/schema/{table.pk}", headers=HTMX))
    assert "email string" in columns
    assert "people" in words(owner.get(f"/acme/sources/{source.pk}/schema?q=email"))
    assert "No table or column matches" in words(owner.get(f"/acme/sources/{source.pk}/schema?q=nothing"))
    panel = owner.get(f"/acme/sources/{source.pk}/schema?panel=1").content.decode()
    assert "<html" not in panel
    assert owner.get(f"/acme/sources/{source.pk}/schema.json").json() == {"people": ["id", "name", "email"]}


def test_tables_that_cannot_be_read_show_the_sources_words(owner: Client, acme: Place) -> None:
    source = a_source(acme)
    (files_folder() / "customers.csv").unlink()
    answer = owner.post(f"/acme/sources/{source.pk}/schema")
    assert answer.status_code == 502
    assert "The tables could not be read." in words(answer)
    assert "customers.csv" in words(answer)


def test_the_activity_tells_who_did_what(owner: Client, acme: Place) -> None:
    destination = a_destination(acme)
    services.rename_destination(actor=acme.actor, destination=destination, name="New name")
    page = owner.get(f"/acme/destinations/{destination.pk}/activity")
    assert "Renamed the destination" in words(page)
    assert acme.owner.email in words(page)
    assert HEADER_SECRET not in page.content.decode()


def test_viewers_read_everything_but_change_nothing(world: World, acme: Place, client: Client) -> None:
    source, destination = a_source(acme), a_destination(acme)
    client.force_login(world["viewer"])
    for path in (f"sources/{source.pk}/configuration", f"destinations/{destination.pk}/configuration"):
        page = client.get(f"/acme/{path}")
        assert page.status_code == 200
        assert "Only people who may change the connection" in words(page)
        assert client.post(f"/acme/{path}", {}).status_code == 403
    refused = [f"sources/{source.pk}/{action}" for action in ("check", "rename", "delete", "schema", "setup/discard")]
    for path in [*refused, "sources/new/duckdb", f"destinations/{destination.pk}/fields?sync_type=requests"]:
        assert client.post(f"/acme/{path}", {}).status_code == 403, path
    assert client.get("/acme/sources/new").status_code == 403


def test_another_workspaces_ids_are_not_found_anywhere(world: World, acme: Place, owner: Client) -> None:
    theirs = {kind: world.globex.rows[kind].pk for kind in ("source", "destination")}
    table = world.globex.rows["table"].pk
    for kind, pk in theirs.items():
        for path in ("", "/configuration", "/activity", "/setup", "/setup/test", "/setup/name"):
            assert owner.get(f"/acme/{kind}s/{pk}{path}").status_code == 404, path
        for path in ("/configuration", "/setup", "/setup/name", "/setup/discard", "/check", "/rename", "/delete"):
            assert owner.post(f"/acme/{kind}s/{pk}{path}", {"name": "x"}).status_code == 404, path
    own = a_source(acme)
    for path in (f"{theirs['source']}/schema", f"{theirs['source']}/schema.json", f"{own.pk}/schema/{table}"):
        assert owner.get(f"/acme/sources/{path}").status_code == 404, path
    for path in ("fields", "choices"):
        url = f"/acme/destinations/{theirs['destination']}/{path}?sync_type=requests&field=x"
        assert owner.post(url).status_code == 404
    assert owner.get(f"/globex/sources/{theirs['source']}").status_code == 404


def test_the_palette_finds_connections_and_types_to_add(owner: Client, acme: Place, world: World) -> None:
    source = a_source(acme, name="Till receipts")
    found = owner.get("/acme/palette?q=till").json()["groups"]
    assert {"label": "Till receipts", "detail": "DuckDB", "url": f"/acme/sources/{source.pk}"} in [
        item for group in found for item in group["items"]
    ]
    adding = [item["label"] for g in owner.get("/acme/palette?q=duck").json()["groups"] for item in g["items"]]
    assert "Add DuckDB" in adding
    owner.force_login(world["viewer"])
    assert "Add DuckDB" not in owner.get("/acme/palette?q=duck").content.decode()
