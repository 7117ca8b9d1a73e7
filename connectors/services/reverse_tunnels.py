"""Writes to reverse tunnels. Their private keys are made here, handed out once, and not kept."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from config.errors import Conflict
from connectors import reverse, tunnels
from connectors.choices import Health, TunnelKind
from connectors.models import Tunnel
from connectors.services.tunnels import free_name
from governance.audit.actors import Actor
from governance.audit.services import record, service
from workspaces.access import require
from workspaces.permissions import Permission
from workspaces.scoping import current_workspace_id, unscoped
from workspaces.services.checks import lock


@dataclass(frozen=True, slots=True)
class LentKey:
    """A reverse tunnel with its private key: for this one answer."""

    tunnel: Tunnel
    private_key: str


@service("tunnel.created")
def create_reverse_tunnel(*, actor: Actor, name: str) -> LentKey:
    """Add a tunnel that a client of theirs opens: with a name to log in by, a port of its own, and a key."""
    require(actor, Permission.MANAGE_WORKSPACE)
    reverse.required_front()
    tunnel = Tunnel(workspace_id=current_workspace_id(), created_by_id=actor.user_id, kind=TunnelKind.REVERSE)
    tunnel.name = free_name(name)
    tunnel.handle = f"t-{secrets.token_hex(8)}"
    tunnel.lent_port = _free_port()
    private_key, tunnel.public_key = tunnels.new_key(tunnel.handle)
    tunnel.save(force_insert=True)
    facts = {"name": tunnel.name, "tunnel": tunnel.handle, "port": tunnel.lent_port, "public_key": tunnel.public_key}
    record(tunnel, after=facts)
    return LentKey(tunnel, private_key)


@service("tunnel.key_replaced")
def replace_reverse_tunnel_key(*, actor: Actor, tunnel: Tunnel) -> LentKey:
    """Make a new key; within seconds a client with the old one is sent away, and cannot come again."""
    tunnel = tunnels.tunnel_for(actor, tunnel.pk, Permission.MANAGE_WORKSPACE, lock=True)
    if not tunnel.is_reverse:
        raise Conflict(f"“{tunnel}” is not a reverse tunnel.")
    reverse.required_front()
    before = tunnel.public_key
    private_key, tunnel.public_key = tunnels.new_key(tunnel.handle or "")
    tunnel.health, tunnel.last_check_message, tunnel.last_check_hint = Health.UNTESTED, "", ""
    tunnel.save()
    record(tunnel, before={"public_key": before}, after={"public_key": tunnel.public_key})
    return LentKey(tunnel, private_key)


def _free_port() -> int:
    """A port that no tunnel of the installation has."""
    lock("ports of reverse tunnels")
    with unscoped("one server lends the ports to the tunnels of every workspace"):
        taken = set(Tunnel.objects.exclude(lent_port=None).values_list("lent_port", flat=True))
    free = next((port for port in reverse.ports() if port not in taken), None)
    if free is None:
        raise Conflict(
            "All ports for reverse tunnels are taken.",
            hint="Delete a tunnel that nobody uses, or ask the operator to widen HEADRACE_TUNNEL_PORTS.",
        )
    return free
