"""SSH tunnels of a workspace: which connections go through them, and how they are opened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from config.errors import NotFound
from connectors import reverse
from connectors.choices import Kind
from connectors.models import Connection, Destination, Source, Tunnel
from connectors.sdk.errors import ConfigError
from connectors.sdk.fields import Field, Number, Text
from connectors.sdk.tunnels import ReverseTunnel, SshServer
from connectors.secrets import decrypt
from governance.audit.actors import Actor
from workspaces.access import require
from workspaces.permissions import Permission

FIELDS: tuple[Field, ...] = (
    Text(
        name="host",
        label="SSH host",
        help="Name or IP address of the server that stands before your network.",
        placeholder="bastion.example.com",
        max_length=253,
        pattern=r"[^\s/@,]+",
        pattern_hint="Enter a host name or an IP address, without user, port or spaces.",
    ),
    Number(name="port", label="SSH port", default=22, minimum=1, maximum=65_535),
    Text(
        name="username",
        label="User",
        help="The account on that server. It needs no shell, only the right to forward connections.",
        default="headrace",
        max_length=100,
        pattern=r"[^\s:@/]+",
        pattern_hint="Enter the account's name, without spaces.",
    ),
)
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class User:
    """A source or destination that goes through a tunnel."""

    kind: Kind
    pk: int
    name: str


def tunnel_for(
    actor: Actor, tunnel_id: int, permission: Permission = Permission.MEMBER, *, lock: bool = False
) -> Tunnel:
    """A tunnel of this workspace, if the actor has the permission there."""
    require(actor, permission)
    rows = Tunnel.objects.select_for_update() if lock else Tunnel.objects.select_related("created_by", "confirmed_by")
    found = rows.filter(pk=tunnel_id).first()
    if found is None:
        raise NotFound("There is no such tunnel in this workspace.")
    return found


def tunnels(actor: Actor, query: str = "") -> QuerySet[Tunnel]:
    """The tunnels of this workspace."""
    require(actor, Permission.MEMBER)
    rows = Tunnel.objects.all()
    return rows.filter(name__icontains=query) | rows.filter(host__icontains=query) if query else rows


def users_of(tunnel_id: int) -> list[User]:
    """The connections that go through a tunnel."""
    return [
        User(model.kind, pk, name)
        for model in (Source, Destination)
        for pk, name in model.objects.filter(config__tunnel=str(tunnel_id)).order_by("name").values_list("pk", "name")
    ]


def counts() -> dict[int, int]:
    """How many connections go through each tunnel of this workspace."""
    found: dict[int, int] = {}
    for model in (Source, Destination):
        used = model.objects.filter(config__has_key="tunnel").order_by().values_list("config__tunnel", flat=True)
        for value in used:
            if value:
                found[int(value)] = found.get(int(value), 0) + 1
    return found


def sentence(users: Sequence[User]) -> str:
    """The connections' names, as part of a message."""
    names = ", ".join(f"{user.kind.value} “{user.name}”" for user in users[:_SHOWN])
    more = len(users) - _SHOWN
    return f"{names} and {more:,} more" if more > 0 else names


def hold(config: Mapping[str, Any]) -> str:
    """Keep the tunnel that settings name from being deleted meanwhile; what is wrong where there is none."""
    chosen = config.get("tunnel")
    if not chosen or Tunnel.objects.select_for_update(no_key=True).filter(pk=int(chosen)).exists():
        return ""
    return "There is no such tunnel in this workspace."


def way_of(connection: Connection) -> SshServer | ReverseTunnel | None:
    """What a connection goes through; nothing where it connects directly."""
    chosen = connection.config.get("tunnel")
    if not chosen:
        return None
    tunnel = Tunnel.objects.filter(pk=int(chosen)).first()
    if tunnel is None:
        raise ConfigError("The tunnel of this connection no longer exists.", field="tunnel", hint="Choose another one.")
    return reverse.way(tunnel) if tunnel.is_reverse else opened(tunnel)


def opened(tunnel: Tunnel) -> SshServer:
    """The server as the SDK knows it, with its key: for connecting, never for showing."""
    if not tunnel.host_key:
        raise ConfigError(
            f"The host key of the tunnel “{tunnel}” has not been confirmed yet.",
            field="tunnel",
            hint="Open Settings, Tunnels, and confirm the fingerprint of its SSH server.",
        )
    return SshServer(
        host=tunnel.host,
        port=tunnel.port,
        user=tunnel.username,
        private_key=decrypt(tunnel.sealed_key)["private_key"],
        host_key=tunnel.host_key,
    )


def try_out(tunnel: Tunnel, host: str = "", port: int = 0) -> None:
    """Log in, and connect to a host behind the server where one is named; raises what goes wrong.

    A reverse tunnel leads to one service, which is connected to.
    """
    from connectors.access import environment
    from connectors.sdk.net import reverse as lent
    from connectors.sdk.net.ssh import check

    if tunnel.is_reverse:
        lent.check(reverse.way(tunnel))
        return
    check(opened(tunnel), environment(), host, port)


def shown_host_key(tunnel: Tunnel) -> str:
    """The host key that the SSH server shows now, unproven."""
    from connectors.access import environment
    from connectors.sdk.net.ssh import host_key_of

    return host_key_of(tunnel.host, tunnel.port, environment())


def new_key(comment: str) -> tuple[str, str]:
    """A new key pair; the library is loaded on first use."""
    from connectors.sdk.net.ssh import new_key as make

    return make(comment)
