"""Writes to SSH tunnels. Calls to the SSH server happen before or after a service, never inside its transaction."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from config.errors import Conflict, Invalid
from connectors import tunnels
from connectors.choices import Health
from connectors.discovery import CheckOutcome
from connectors.models import Tunnel
from connectors.sdk.errors import ConfigError, ConnectorError
from connectors.sdk.tunnels import fingerprint
from connectors.sdk.validation import InvalidSettings, clean
from connectors.secrets import encrypt
from governance.audit.actors import Actor
from governance.audit.services import changes, record, service, unchanged
from workspaces.access import require
from workspaces.permissions import Permission
from workspaces.scoping import current_workspace_id

MAX_TUNNEL_NAME = 120


@service("tunnel.created")
def create_tunnel(*, actor: Actor, name: str, values: dict[str, Any]) -> Tunnel:
    """Add a tunnel with a key pair of its own. ``values`` are host, port and user of the SSH server.

    It cannot be used before somebody confirmed the server's host key (:func:`confirm_tunnel_server`).
    """
    require(actor, Permission.MANAGE_WORKSPACE)
    tunnel = Tunnel(workspace_id=current_workspace_id(), created_by_id=actor.user_id)
    tunnel.name = free_name(name)
    _set_server(tunnel, values)
    _set_key(tunnel)
    tunnel.save(force_insert=True)
    record(tunnel, after={**_facts(tunnel), "public_key": tunnel.public_key})
    return tunnel


@service("tunnel.updated")
def update_tunnel(*, actor: Actor, tunnel: Tunnel, name: str, values: dict[str, Any]) -> Tunnel:
    """Change a tunnel's name or server. The server stays while connections go through it:
    their credentials would reach another one. A reverse tunnel has a name only."""
    tunnel = tunnels.tunnel_for(actor, tunnel.pk, Permission.MANAGE_WORKSPACE, lock=True)
    before = _facts(tunnel)
    tunnel.name = free_name(name, besides=tunnel.pk)
    if not tunnel.is_reverse:
        _set_server(tunnel, values)
    difference = changes(before, _facts(tunnel))
    if not difference:
        unchanged()
        return tunnel
    if set(difference.after) - {"name"}:
        if users := tunnels.users_of(tunnel.pk):
            raise Conflict(
                f"Connections go through this tunnel: {tunnels.sentence(users)}.",
                hint="Make another tunnel for the other server, and choose it in those connections.",
            )
        _forget(tunnel)
    tunnel.save()
    record(tunnel, before=difference.before, after=difference.after)
    return tunnel


@service("tunnel.server_confirmed")
def confirm_tunnel_server(*, actor: Actor, tunnel: Tunnel, host_key: str) -> Tunnel:
    """Trust the host key that the SSH server showed; from now on it must prove this one."""
    tunnel = tunnels.tunnel_for(actor, tunnel.pk, Permission.MANAGE_WORKSPACE, lock=True)
    _refuse_reverse(tunnel)
    before, tunnel.host_key = tunnel.fingerprint, _host_key(host_key)
    if before == tunnel.fingerprint:
        unchanged()
        return tunnel
    tunnel.confirmed_by_id, tunnel.confirmed_at = actor.user_id, timezone.now()
    tunnel.health, tunnel.last_check_message, tunnel.last_check_hint = Health.UNTESTED, "", ""
    tunnel.save()
    record(tunnel, before={"fingerprint": before}, after={"fingerprint": tunnel.fingerprint})
    return tunnel


@service("tunnel.key_replaced")
def replace_tunnel_key(*, actor: Actor, tunnel: Tunnel) -> Tunnel:
    """Make a new key pair; the SSH server must be given its public key before anything connects again."""
    tunnel = tunnels.tunnel_for(actor, tunnel.pk, Permission.MANAGE_WORKSPACE, lock=True)
    _refuse_reverse(tunnel)
    before = tunnel.public_key
    _set_key(tunnel)
    tunnel.health, tunnel.last_check_message, tunnel.last_check_hint = Health.UNTESTED, "", ""
    tunnel.save()
    record(tunnel, before={"public_key": before}, after={"public_key": tunnel.public_key})
    return tunnel


@service("tunnel.deleted")
def delete_tunnel(*, actor: Actor, tunnel: Tunnel) -> None:
    """Remove a tunnel with its key; refused while connections go through it."""
    tunnel = tunnels.tunnel_for(actor, tunnel.pk, Permission.MANAGE_WORKSPACE, lock=True)
    if users := tunnels.users_of(tunnel.pk):
        raise Conflict(
            f"Connections go through this tunnel: {tunnels.sentence(users)}.",
            hint="Let them connect directly or through another tunnel first.",
        )
    record(tunnel, before=_facts(tunnel))
    tunnel.delete()


def check_tunnel(*, actor: Actor, tunnel: Tunnel, host: str = "", port: int = 0) -> Tunnel:
    """Log in at the SSH server, connect to a host behind it where one is named, and remember what came of it."""
    tunnel = tunnels.tunnel_for(actor, tunnel.pk, Permission.MANAGE_WORKSPACE)
    try:
        tunnels.try_out(tunnel, host.strip(), port)
        outcome = CheckOutcome(True, _reached(tunnel, host.strip(), port))
    except ConnectorError as error:
        outcome = CheckOutcome(False, error.message, error.hint, error.code)
    return record_tunnel_check(actor=actor, tunnel=tunnel, outcome=outcome)


@service("tunnel.checked")
def record_tunnel_check(*, actor: Actor, tunnel: Tunnel, outcome: CheckOutcome) -> Tunnel:
    """Keep what a test of ``tunnel`` (as it was read) found; nothing if it was changed meanwhile."""
    locked = tunnels.tunnel_for(actor, tunnel.pk, Permission.MANAGE_WORKSPACE, lock=True)
    if _identity(locked) != _identity(tunnel):
        unchanged()
        return locked
    before = {"health": locked.health}
    locked.health = Health.HEALTHY if outcome.ok else Health.FAILING
    locked.last_checked_at = timezone.now()
    locked.last_check_message, locked.last_check_hint = outcome.message[:2_000], outcome.hint[:2_000]
    locked.save()
    record(locked, before=before, after={"health": locked.health, "message": locked.last_check_message})
    return locked


def _reached(tunnel: Tunnel, host: str, port: int) -> str:
    if tunnel.is_reverse:
        return "The client's service was reached."
    return f"{host}:{port} was reached." if host else "The SSH server let Headrace in."


def _refuse_reverse(tunnel: Tunnel) -> None:
    if tunnel.is_reverse:
        raise Conflict(f"“{tunnel}” is a reverse tunnel: its client logs in here, and there is no server of yours.")


def _set_server(tunnel: Tunnel, values: dict[str, Any]) -> None:
    try:
        cleaned = clean(tunnels.FIELDS, values).config
    except InvalidSettings as error:
        raise Invalid("Some settings need another look.", fields=error.errors) from None
    tunnel.host, tunnel.port, tunnel.username = cleaned["host"], cleaned["port"], cleaned["username"]


def _set_key(tunnel: Tunnel) -> None:
    private, tunnel.public_key = tunnels.new_key(f"headrace-{tunnel.workspace_id}")
    tunnel.sealed_key = encrypt({"private_key": private})


def _forget(tunnel: Tunnel) -> None:
    """Another server has another host key, and nobody has tested it."""
    tunnel.host_key, tunnel.confirmed_by, tunnel.confirmed_at = "", None, None
    tunnel.health, tunnel.last_checked_at = Health.UNTESTED, None
    tunnel.last_check_message = tunnel.last_check_hint = ""


def _host_key(text: str) -> str:
    """The type and the key; a comment behind them is nobody's proof."""
    try:
        fingerprint(text)
    except ConfigError as error:
        raise Invalid.field("host_key", error.message) from None
    return " ".join(text.split()[:2])


def _facts(tunnel: Tunnel) -> dict[str, Any]:
    if tunnel.is_reverse:
        return {"name": tunnel.name, "tunnel": tunnel.handle}
    return {name: getattr(tunnel, name) for name in ("name", "host", "port", "username")}


def _identity(tunnel: Tunnel) -> tuple[Any, ...]:
    return (tunnel.host, tunnel.port, tunnel.username, tunnel.public_key, tunnel.host_key)


def free_name(name: str, besides: int = 0) -> str:
    """A sound name that no other tunnel of the workspace has."""
    name = " ".join(name.split())
    if not name:
        raise Invalid.field("name", "Enter a name.")
    if len(name) > MAX_TUNNEL_NAME:
        raise Invalid.field("name", f"Enter at most {MAX_TUNNEL_NAME} characters.")
    if Tunnel.objects.filter(name=name).exclude(pk=besides).exists():
        raise Invalid.field("name", "Another tunnel of this workspace has this name.")
    return name
