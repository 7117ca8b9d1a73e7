"""SSH tunnels of a workspace: set up, confirmed, tested and used by a source, through a real OpenSSH server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from config.embedded import Urls
from config.errors import Conflict, Invalid
from connectors import discovery
from connectors import services as door
from connectors.models import Source, Tunnel
from connectors.sdk.tunnels import fingerprint
from connectors.secrets import decrypt
from governance.audit.models import AuditEntry
from tests.api.calls import caller, key_of
from tests.support.sshd import MISSING, Sshd, running_sshd
from tests.world import Place, World
from workspaces.scoping import workspace_scope

needs_sshd = pytest.mark.skipif(bool(MISSING), reason=MISSING)
SERVER = {"host": "bastion.example.com", "port": 22, "username": "headrace"}


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with running_sshd(tmp_path_factory.mktemp("sshd")) as server:
        yield server


@pytest.fixture
def acme(world: World) -> Iterator[Place]:
    with workspace_scope(world.acme.workspace.pk):
        yield world.acme


def a_tunnel(place: Place, **server: Any) -> Tunnel:
    return door.create_tunnel(actor=place.actor, name="Bastion", values={**SERVER, **server})


def database_settings(services: Urls) -> dict[str, Any]:
    """Settings of a PostgreSQL source that reads the demo company's database."""
    parts = urlsplit(services.acme_url)
    return {
        "host": parts.hostname,
        "port": parts.port,
        "database": parts.path.lstrip("/"),
        "user": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
    }


@needs_sshd
def test_a_source_is_read_through_a_tunnel_that_people_set_up(
    acme: Place, client: Client, sshd: Sshd, services: Urls, settings: Any
) -> None:
    """Only the SSH server is open to connectors: what the source reads came through it."""
    settings.OUTBOUND_ALLOW = [f"127.0.0.1:{sshd.port}"]
    client.force_login(acme.owner)
    made = client.post(
        reverse("connectors:tunnel_new", args=["acme"]),
        {"name": "Bastion", "host": sshd.host, "port": sshd.port, "username": sshd.user},
    )
    page = client.get(made["Location"]).content.decode()
    tunnel = Tunnel.objects.get()
    sshd.admit(tunnel.authorized_line)
    assert tunnel.public_key in page
    assert "PRIVATE KEY" not in page

    shown = client.post(reverse("connectors:tunnel_server_key", args=["acme", tunnel.pk])).content.decode()
    assert fingerprint(sshd.host_key) in shown
    client.post(reverse("connectors:tunnel_server_key", args=["acme", tunnel.pk]), {"host_key": sshd.host_key})
    target = database_settings(services)
    behind = {"service_host": target["host"], "service_port": target["port"]}
    client.post(reverse("connectors:tunnel_test", args=["acme", tunnel.pk]), behind)
    tunnel.refresh_from_db()
    assert (tunnel.health, tunnel.last_check_hint) == ("healthy", "")

    direct = a_source(acme, target)
    assert not discovery.check(direct).ok
    through = a_source(acme, {**target, "tunnel": str(tunnel.pk)})
    outcome = discovery.check(through)
    assert outcome.ok or "may read no table" in outcome.message, outcome
    with pytest.raises(Conflict, match="source “Through”"):
        door.delete_tunnel(actor=acme.actor, tunnel=tunnel)

    events = AuditEntry.objects.filter(resource_type="tunnel").order_by("id")
    assert [entry.event for entry in events] == ["tunnel.created", "tunnel.server_confirmed", "tunnel.checked"]
    kept = json.dumps([[entry.before, entry.after] for entry in events])
    assert decrypt(tunnel.sealed_key)["private_key"][40:80] not in kept


def a_source(place: Place, values: dict[str, Any]) -> Source:
    name = "Through" if "tunnel" in values else "Direct"
    return door.create_source(actor=place.actor, type="postgres", name=name, values=values)


@needs_sshd
def test_a_failed_test_says_what_to_do(acme: Place, sshd: Sshd, settings: Any) -> None:
    settings.OUTBOUND_ALLOW = ["*"]
    tunnel = a_tunnel(acme, host=sshd.host, port=sshd.port, username=sshd.user)
    unconfirmed = door.check_tunnel(actor=acme.actor, tunnel=tunnel)
    assert "has not been confirmed" in unconfirmed.last_check_message
    door.confirm_tunnel_server(actor=acme.actor, tunnel=tunnel, host_key=f"{sshd.host_key} a comment")
    sshd.admit()
    refused = door.check_tunnel(actor=acme.actor, tunnel=tunnel)
    assert refused.health == "failing"
    assert "did not let" in refused.last_check_message
    assert "authorized_keys" in refused.last_check_hint
    sshd.admit(door.replace_tunnel_key(actor=acme.actor, tunnel=refused).authorized_line)
    assert door.check_tunnel(actor=acme.actor, tunnel=refused).health == "healthy"


def test_the_server_of_a_tunnel_in_use_cannot_be_swapped_below_its_connections(acme: Place) -> None:
    """Their credentials would reach a server that nobody chose for them."""
    tunnel = a_tunnel(acme)
    a_source(acme, {"host": "db", "database": "d", "user": "u", "tunnel": str(tunnel.pk)})
    renamed = door.update_tunnel(actor=acme.actor, tunnel=tunnel, name="Frankfurt", values=SERVER)
    assert renamed.name == "Frankfurt"
    with pytest.raises(Conflict, match="source “Through”"):
        door.update_tunnel(
            actor=acme.actor, tunnel=tunnel, name="Frankfurt", values={**SERVER, "host": "evil.example.com"}
        )


def test_another_tunnel_asks_for_the_credentials_again(acme: Place) -> None:
    first = a_tunnel(acme)
    second = door.create_tunnel(actor=acme.actor, name="Other", values=SERVER)
    values = {"host": "db", "database": "d", "user": "u", "password": "hunter2", "tunnel": str(first.pk)}
    source = a_source(acme, values)
    with pytest.raises(Invalid) as refused:
        door.update_source(actor=acme.actor, source=source, values={"tunnel": str(second.pk)})
    assert set(refused.value.fields) == {"password"}
    kept = door.update_source(actor=acme.actor, source=source, values={"port": 5433})
    assert kept.config["tunnel"] == str(first.pk)


@pytest.mark.parametrize("chosen", ["999999", "1; drop", "-1", "9" * 40, "٣"])
def test_only_a_tunnel_of_this_workspace_can_be_chosen(world: World, chosen: str) -> None:
    with workspace_scope(world.globex.workspace.pk):
        foreign = str(a_tunnel(world.globex).pk)
    with workspace_scope(world.acme.workspace.pk):
        for wrong in (chosen, foreign):
            with pytest.raises(Invalid) as refused:
                a_source(world.acme, {"host": "db", "database": "d", "user": "u", "tunnel": wrong})
            assert set(refused.value.fields) == {"tunnel"}


@pytest.mark.parametrize(
    ("field", "value"),
    [("host", "user@bastion"), ("host", "a b"), ("host", ""), ("port", 0), ("port", 70_000), ("username", "a b")],
)
def test_unsound_servers_are_refused_at_their_field(acme: Place, field: str, value: Any) -> None:
    with pytest.raises(Invalid) as refused:
        a_tunnel(acme, **{field: value})
    assert set(refused.value.fields) == {field}


def test_the_api_does_what_the_pages_do(world: World) -> None:
    api = caller(key_of(world.acme, world.owner))
    made = api("post", "/tunnels", {"name": "Bastion", **SERVER}).json()
    assert made["publicKey"].startswith("ssh-ed25519 ")
    assert "private" not in json.dumps(made).lower()
    assert api("post", f"/tunnels/{made['id']}/confirm", {"hostKey": "nonsense"}).status_code == 422
    confirmed = api("post", f"/tunnels/{made['id']}/confirm", {"hostKey": made["publicKey"]}).json()
    assert confirmed["fingerprint"] == fingerprint(made["publicKey"])
    assert api("patch", f"/tunnels/{made['id']}", {"port": 2222}).json()["fingerprint"] is None
    assert [row["name"] for row in api("get", "/tunnels").json()["data"]] == ["Bastion"]
    assert api("delete", f"/tunnels/{made['id']}").status_code == 204
    assert api("get", f"/tunnels/{made['id']}").status_code == 404
