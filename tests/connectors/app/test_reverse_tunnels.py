"""Reverse tunnels as people set them up, with the server's own desk and a real OpenSSH client."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse as address

from config.embedded import Urls
from config.embedded.ports import choose
from config.errors import Conflict
from connectors import discovery, reverse
from connectors import services as door
from connectors.models import Tunnel
from governance.audit.models import AuditEntry
from tests.api.calls import caller, key_of
from tests.connectors.app.test_tunnels import a_source, database_settings
from tests.support.reverse_ssh import accepts, needs_ssh, running_server, until
from tests.world import Place, World
from workspaces.scoping import workspace_scope

_KEY = re.compile(r"-----BEGIN OPENSSH PRIVATE KEY-----.*?-----END OPENSSH PRIVATE KEY-----\n", re.S)


@pytest.fixture
def acme(world: World, settings: Any) -> Iterator[Place]:
    settings.TUNNEL_ADDRESS = "tunnels.example.com:2222"
    port = choose(None)
    settings.TUNNEL_PORTS = f"{port}-{port + 1}"
    with workspace_scope(world.acme.workspace.pk):
        yield world.acme


@needs_ssh
@pytest.mark.django_db(transaction=True)
def test_a_source_is_read_through_the_client_of_a_reverse_tunnel(
    acme: Place, client: Client, services: Urls, tmp_path: Path
) -> None:
    """No private address is open to connectors: what the source reads came through the client."""
    client.force_login(acme.owner)
    page = unescape(client.post(address("connectors:tunnel_new_reverse", args=["acme"]), {"name": "Office"}).text)
    tunnel = Tunnel.objects.get(kind="reverse")
    private_key = _KEY.findall(page)[0]
    assert f"-R 0.0.0.0:{tunnel.lent_port}:$SERVICE_HOST:$SERVICE_PORT" in page
    assert f"{tunnel.handle}@tunnels.example.com" in page
    assert f"[tunnels.example.com]:2222 {reverse.host_key()[1]}" in page
    its_page = address("connectors:tunnel", args=["acme", tunnel.pk])
    assert "PRIVATE KEY" not in client.get(its_page).text

    target = database_settings(services)
    assert tunnel.handle
    assert tunnel.lent_port
    with running_server(reverse.HouseDesk(), reverse.host_key(), tmp_path) as server:
        server.lend(tunnel.handle, private_key, tunnel.lent_port, target["port"])
        until(lambda: tunnel.pk in reverse.presences([tunnel]), "the client")
        assert "Connected" in client.get(address("connectors:tunnels", args=["acme"])).text
        client.post(address("connectors:tunnel_test", args=["acme", tunnel.pk]))
        assert "The client&#x27;s service was reached." in client.get(its_page).text
        assert not discovery.check(a_source(acme, target)).ok
        through = a_source(acme, {**target, "host": "db.internal", "tunnel": str(tunnel.pk)})
        outcome = discovery.check(through)
        assert outcome.ok or "may read no table" in outcome.message, outcome

        again = unescape(client.post(address("connectors:tunnel_replace_reverse_key", args=["acme", tunnel.pk])).text)
        assert _KEY.findall(again)[0] != private_key
        until(lambda: not accepts(tunnel.lent_port or 0), "the end of the old key")
        assert "No client is connected" in discovery.check(through).message

    entries = AuditEntry.objects.filter(resource_type="tunnel").order_by("id")
    assert [entry.event for entry in entries] == ["tunnel.created", "tunnel.checked", "tunnel.key_replaced"]
    kept = json.dumps([[entry.before, entry.after] for entry in entries]) + Tunnel.objects.get().sealed_key
    assert private_key[60:100] not in kept


def test_ports_are_given_once_in_the_installation_and_come_back(acme: Place, world: World) -> None:
    first = door.create_reverse_tunnel(actor=acme.actor, name="One").tunnel
    with workspace_scope(world.globex.workspace.pk):
        theirs = door.create_reverse_tunnel(actor=world.globex.actor, name="One").tunnel
    assert first.lent_port != theirs.lent_port
    with pytest.raises(Conflict, match="All ports for reverse tunnels are taken"):
        door.create_reverse_tunnel(actor=acme.actor, name="Two")
    door.delete_tunnel(actor=acme.actor, tunnel=first)
    assert door.create_reverse_tunnel(actor=acme.actor, name="Two").tunnel.lent_port == first.lent_port


def test_the_api_gives_the_private_key_once_and_only_where_the_operator_enabled_it(acme: Place, settings: Any) -> None:
    api = caller(key_of(acme, acme.owner))
    made = api("post", "/tunnels/reverse", {"name": "Office"}).json()
    assert made["privateKey"].startswith("-----BEGIN OPENSSH PRIVATE KEY-----")
    assert made["tunnelId"] in made["command"]
    shown = api("get", f"/tunnels/{made['id']}").json()
    assert (shown["kind"], shown["tunnelPort"]) == ("reverse", made["tunnelPort"])
    assert "privateKey" not in shown
    assert api("post", f"/tunnels/{made['id']}/confirm", {"hostKey": made["publicKey"]}).status_code == 409
    settings.TUNNEL_ADDRESS = ""
    assert "HEADRACE_TUNNEL_ADDRESS" in api("post", "/tunnels/reverse", {"name": "Other"}).text
