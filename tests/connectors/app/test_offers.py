"""What the other side lists for a setting while its connection is being entered."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client, override_settings

from connectors import services
from connectors.models import Source
from tests.support.duck_warehouses import an_athena
from tests.world import Place, World
from workspaces.scoping import workspace_scope


@pytest.fixture(scope="module")
def athena() -> Iterator[dict[str, Any]]:
    """The settings of a stand-in of Athena."""
    with an_athena(("CREATE TABLE people (id BIGINT)",)) as settings:
        yield settings


@pytest.fixture
def acme(world: World) -> Iterator[Place]:
    with workspace_scope(world.acme.workspace.pk), override_settings(OUTBOUND_ALLOW=["*"]):
        yield world.acme


def offered(client: Client, url: str, sent: dict[str, Any]) -> tuple[list[str], str]:
    """The options, and the words below them."""
    answer = client.post(url, sent)
    assert answer.status_code == 200, answer.content
    html = answer.content.decode()
    words = re.search(r'role="status">(.*?)(<button|</p>)', html, re.DOTALL)
    assert words is not None
    return re.findall(r'<option value="([^"]*)"', html), words[1].strip()


def test_lists_are_offered_before_anything_is_saved(acme: Place, client: Client, athena: dict[str, Any]) -> None:
    client.force_login(acme.owner)
    url = f"/{acme.workspace.slug}/sources/new/athena"
    page = client.get(url).content.decode()
    assert 'list="id_workgroup-offers"' in page
    assert f'hx-post="{url}/offers?field=workgroup"' in page
    sent = {key: value for key, value in athena.items() if key not in ("workgroup", "database")}
    assert offered(client, f"{url}/offers?field=workgroup", sent) == (["managed", "primary"], "2 to choose from.")
    assert offered(client, f"{url}/offers?field=database", sent)[0] == ["main"]
    assert offered(client, f"{url}/offers?field=database", {**sent, "catalog": ""}) == (
        [],
        "To choose from a list, enter Data catalog first.",
    )
    assert offered(client, f"{url}/offers?field=database", {**sent, "catalog": "elsewhere"})[1].startswith("Nothing")
    wrong = offered(client, f"{url}/offers?field=workgroup", {**sent, "access_key_id": "AKIAUNKNOWN0000000001"})
    assert wrong[0] == []
    assert "Could not be listed" in wrong[1]
    assert "security token" in wrong[1]
    assert athena["secret_access_key"] not in wrong[1]
    assert offered(client, f"{url}/offers?field=workgroup", {**sent, "endpoint": "nowhere"})[1] == (
        "To choose from a list, enter Endpoint first."
    )
    assert not Source.objects.filter(type="athena").exists()
    assert client.post(f"{url}/offers?field=secret_access_key", sent).status_code == 422


def test_stored_credentials_go_along_but_to_no_other_host(
    acme: Place, world: World, client: Client, athena: dict[str, Any]
) -> None:
    client.force_login(acme.owner)
    row = services.create_source(actor=acme.actor, type="athena", values=athena)
    url = f"/{acme.workspace.slug}/sources/{row.pk}/offers?field=workgroup"
    sent = {**athena, "secret_access_key": ""}
    assert offered(client, url, sent)[0] == ["managed", "primary"]
    elsewhere = offered(client, url, {**sent, "endpoint": "http://127.0.0.9:1"})
    assert elsewhere == ([], "To choose from a list, enter Secret access key first.")
    client.force_login(world.people["viewer"])
    assert client.post(url, sent).status_code == 403
    row.refresh_from_db()
    assert row.config["workgroup"] == "primary"
