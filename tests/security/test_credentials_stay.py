"""Credentials are write-only: whoever does not know them cannot have them sent elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from config.errors import Invalid
from connectors import access, services
from connectors.models import Destination
from tests.api.calls import caller, key_of
from tests.connectors.app.connections import HEADER_SECRET, a_destination, http_settings
from tests.world import Place, World
from workspaces.scoping import workspace_scope

ELSEWHERE = "https://collector.example.net"


@pytest.fixture
def acme(world: World) -> Iterator[Place]:
    """The first workspace, entered."""
    with workspace_scope(world.acme.workspace.pk):
        yield world.acme


def test_another_host_asks_for_the_header_again(acme: Place) -> None:
    destination = a_destination(acme)
    for address in (ELSEWHERE, "http://api.example.com", "https://api.example.com.evil.test"):
        with pytest.raises(Invalid) as refused:
            services.update_destination(actor=acme.actor, destination=destination, values={"base_url": address})
        assert set(refused.value.fields) == {"headers"}
    assert Destination.objects.get(pk=destination.pk).config["base_url"] == "https://api.example.com"


def test_whoever_knows_the_credential_may_move_the_connection(acme: Place) -> None:
    destination = a_destination(acme)
    moved = services.update_destination(
        actor=acme.actor, destination=destination, values=http_settings(base_url=ELSEWHERE)
    )
    assert access.settings_of(moved)["headers"][0]["value"] == HEADER_SECRET


@pytest.mark.parametrize(
    "address", ["https://api.example.com/v2", "https://api.example.com:8443", "https://API.example.com"]
)
def test_another_path_or_port_is_the_same_system(acme: Place, address: str) -> None:
    destination = a_destination(acme)
    moved = services.update_destination(actor=acme.actor, destination=destination, values={"base_url": address})
    assert access.settings_of(moved)["headers"][0]["value"] == HEADER_SECRET


@pytest.mark.parametrize(
    ("type", "values", "moved", "field"),
    [
        ("postgres", {"host": "db.example.com", "database": "d", "user": "u", "password": "hunter2-hunter2"},
         {"host": "db.example.net"}, "password"),
        ("s3", {"bucket": "exports", "access_key_id": "A", "secret_access_key": "hunter2-hunter2"},
         {"endpoint": ELSEWHERE}, "secret_access_key"),
        ("http_request", {"base_url": "https://a.test", "oauth": {"token_url": "https://a.test/t", "client_id": "c",
                                                                  "client_secret": "hunter2-hunter2"}},
         {"oauth": {"token_url": f"{ELSEWHERE}/t", "client_id": "c"}}, "oauth.client_secret"),
        ("http_request", {"base_url": "https://a.test", "oauth": {"token_url": "https://a.test/t", "client_id": "c",
                                                                  "client_secret": "hunter2-hunter2"}},
         {"oauth": {"token_url": "https://a.test/t", "refresh_url": f"{ELSEWHERE}/t", "client_id": "c"}},
         "oauth.client_secret"),
    ],
)  # fmt: skip
def test_every_kind_of_address_is_held(
    acme: Place, type: str, values: dict[str, Any], moved: dict[str, Any], field: str
) -> None:
    made = services.create_destination(actor=acme.actor, type=type, values=values)
    with pytest.raises(Invalid) as refused:
        services.update_destination(actor=acme.actor, destination=made, values=moved)
    assert set(refused.value.fields) == {field}


def test_an_address_that_was_declared_later_is_held_too(acme: Place) -> None:
    oauth = {"token_url": "https://a.test/t", "client_id": "c", "client_secret": "hunter2-hunter2"}
    made = services.create_destination(
        actor=acme.actor, type="http_request", values={"base_url": "https://a.test", "oauth": oauth}
    )
    del made.config["oauth"]["refresh_url"]
    made.save()
    moved = {"token_url": "https://a.test/t", "refresh_url": f"{ELSEWHERE}/t", "client_id": "c"}
    with pytest.raises(Invalid) as refused:
        services.update_destination(actor=acme.actor, destination=made, values={"oauth": moved})
    assert set(refused.value.fields) == {"oauth.client_secret"}


def test_a_source_is_held_through_the_api_too(acme: Place) -> None:
    source = services.create_source(
        actor=acme.actor,
        type="postgres",
        values={"host": "db.example.com", "database": "d", "user": "u", "password": "hunter2-hunter2"},
    )
    call = caller(key_of(acme, acme.owner))
    answer = call("patch", f"/sources/{source.pk}", {"configuration": {"host": "db.example.net"}})
    assert answer.status_code == 422
    assert set(answer.json()["details"]) == {"password"}
    given = {"host": "db.example.net", "password": "hunter2-hunter2"}
    assert call("patch", f"/sources/{source.pk}", {"configuration": given}).status_code == 200


def test_who_is_still_setting_it_up_may_correct_the_host(acme: Place) -> None:
    made = services.create_destination(actor=acme.actor, type="http_request", values=http_settings(), setup_done=False)
    made = services.update_destination(actor=acme.actor, destination=made, values={"base_url": ELSEWHERE})
    assert made.config["base_url"] == ELSEWHERE
