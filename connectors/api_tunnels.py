"""REST endpoints of SSH tunnels. Private keys never leave; the public key and the fingerprint are for comparing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from config.api import ApiView, ListQuery, error_answers, list_of, list_response, parse_query
from connectors import reverse, services, tunnels
from connectors.models import Tunnel
from workspaces.permissions import Permission

MANAGE = Permission.MANAGE_WORKSPACE


class TunnelBody(serializers.Serializer[Any]):
    """An SSH server that connections go through."""

    name = serializers.CharField(max_length=services.MAX_TUNNEL_NAME)
    host = serializers.CharField(max_length=253)
    port = serializers.IntegerField(default=22, min_value=1, max_value=65_535)
    username = serializers.CharField(default="headrace", max_length=100)


class TunnelChange(TunnelBody):
    """What to change; the server can change only while no connection goes through the tunnel."""

    name = serializers.CharField(max_length=services.MAX_TUNNEL_NAME, required=False)
    host = serializers.CharField(max_length=253, required=False)
    port = serializers.IntegerField(required=False, min_value=1, max_value=65_535)
    username = serializers.CharField(required=False, max_length=100)


class TunnelOut(TunnelBody):
    """A tunnel as the API shows it. ``publicKey`` goes into the server's authorized_keys.

    The client of a reverse tunnel logs in as ``tunnelId`` and lends ``tunnelPort``; its host and username are empty.
    """

    id = serializers.CharField()
    kind = serializers.CharField()
    tunnelId = serializers.CharField(allow_null=True)
    tunnelPort = serializers.IntegerField(allow_null=True)
    publicKey = serializers.CharField()
    hostKey = serializers.CharField(allow_null=True)
    fingerprint = serializers.CharField(allow_null=True)
    health = serializers.CharField()
    lastCheckedAt = serializers.DateTimeField(allow_null=True)
    lastCheckMessage = serializers.CharField(allow_null=True)
    createdAt = serializers.DateTimeField()
    updatedAt = serializers.DateTimeField()


class ReverseBody(serializers.Serializer[Any]):
    """A tunnel that a client of yours opens."""

    name = serializers.CharField(max_length=services.MAX_TUNNEL_NAME)


class ReverseMade(TunnelOut):
    """The tunnel with what its client needs. ``privateKey`` is in this one answer only."""

    privateKey = serializers.CharField()
    command = serializers.CharField()
    knownHosts = serializers.CharField()


class HostKey(serializers.Serializer[Any]):
    """The host key to trust, as ``ssh-keyscan`` prints it behind the host: type and key."""

    hostKey = serializers.CharField(max_length=4_000)


class Target(serializers.Serializer[Any]):
    """A host behind the tunnel that the test is to reach; without one it only logs in."""

    host = serializers.CharField(required=False, default="", allow_blank=True, max_length=253)
    port = serializers.IntegerField(required=False, default=0, min_value=0, max_value=65_535)


def tunnel_json(tunnel: Tunnel) -> dict[str, Any]:
    """The wire shape of a tunnel."""
    return {
        "id": str(tunnel.pk),
        "name": tunnel.name,
        "kind": tunnel.kind,
        "tunnelId": tunnel.handle,
        "tunnelPort": tunnel.lent_port,
        "host": tunnel.host,
        "port": tunnel.port,
        "username": tunnel.username,
        "publicKey": tunnel.public_key,
        "hostKey": tunnel.host_key or None,
        "fingerprint": tunnel.fingerprint or None,
        "health": tunnel.health,
        "lastCheckedAt": tunnel.last_checked_at,
        "lastCheckMessage": tunnel.last_check_message or None,
        "createdAt": tunnel.created_at,
        "updatedAt": tunnel.updated_at,
    }


def _with_key(made: services.LentKey) -> dict[str, Any]:
    told = {"command": reverse.command(made.tunnel), "knownHosts": reverse.known_hosts_line()}
    return {**tunnel_json(made.tunnel), "privateKey": made.private_key, **told}


def tunnels_json(rows: Iterable[Tunnel]) -> list[dict[str, Any]]:
    """Several tunnels."""
    return [tunnel_json(row) for row in rows]


class TunnelListView(ApiView):
    """All tunnels of the workspace; adding one."""

    permission = {"GET": MANAGE, "POST": MANAGE}

    @extend_schema(
        operation_id="ListTunnel", parameters=[ListQuery], responses={200: list_of(TunnelOut), **error_answers()}
    )
    def get(self, request: Request) -> Response:
        """List the tunnels of the API key's workspace."""
        query = parse_query(request, ListQuery)
        rows = tunnels.tunnels(self.actor)
        return list_response(rows.filter(name=query["name"]) if query.get("name") else rows, query, tunnels_json)

    @extend_schema(operation_id="CreateTunnel", request=TunnelBody, responses={200: TunnelOut, **error_answers()})
    def post(self, request: Request) -> Response:
        """Add a tunnel with a key pair of its own."""
        values = self.body(TunnelBody)
        name = values.pop("name")
        return Response(tunnel_json(services.create_tunnel(actor=self.actor, name=name, values=values)))


class ReverseTunnelView(ApiView):
    """Tunnels that clients open."""

    permission = {"POST": MANAGE}

    @extend_schema(
        operation_id="CreateReverseTunnel", request=ReverseBody, responses={200: ReverseMade, **error_answers()}
    )
    def post(self, request: Request) -> Response:
        """Add a reverse tunnel; answers with its private key, which is not kept."""
        made = services.create_reverse_tunnel(actor=self.actor, name=self.body(ReverseBody)["name"])
        return Response(_with_key(made))


class ReplaceReverseKeyView(ApiView):
    """Keys of reverse tunnels."""

    permission = {"POST": MANAGE}

    @extend_schema(
        operation_id="ReplaceReverseTunnelKey", request=None, responses={200: ReverseMade, **error_answers()}
    )
    def post(self, request: Request, tunnel_id: int) -> Response:
        """Give a reverse tunnel a new key; a client with the old one is sent away."""
        tunnel = tunnels.tunnel_for(self.actor, tunnel_id, MANAGE)
        return Response(_with_key(services.replace_reverse_tunnel_key(actor=self.actor, tunnel=tunnel)))


class TunnelView(ApiView):
    """One tunnel."""

    permission = {"GET": MANAGE, "PATCH": MANAGE, "DELETE": MANAGE}

    @extend_schema(operation_id="GetTunnel", responses={200: TunnelOut, **error_answers()})
    def get(self, request: Request, tunnel_id: int) -> Response:
        """Get a tunnel by its id."""
        return Response(tunnel_json(tunnels.tunnel_for(self.actor, tunnel_id, MANAGE)))

    @extend_schema(operation_id="UpdateTunnel", request=TunnelChange, responses={200: TunnelOut, **error_answers()})
    def patch(self, request: Request, tunnel_id: int) -> Response:
        """Change a tunnel's name or server."""
        tunnel = tunnels.tunnel_for(self.actor, tunnel_id, MANAGE)
        known = {name: getattr(tunnel, name) for name in ("name", "host", "port", "username")}
        values = {**known, **self.body(TunnelChange)}
        name = values.pop("name")
        return Response(tunnel_json(services.update_tunnel(actor=self.actor, tunnel=tunnel, name=name, values=values)))

    @extend_schema(operation_id="DeleteTunnel", responses={204: None, **error_answers()})
    def delete(self, request: Request, tunnel_id: int) -> Response:
        """Delete a tunnel that no connection goes through."""
        services.delete_tunnel(actor=self.actor, tunnel=tunnels.tunnel_for(self.actor, tunnel_id, MANAGE))
        return Response(status=204)


class ConfirmTunnelView(ApiView):
    """Whom to trust."""

    permission = {"POST": MANAGE}

    @extend_schema(operation_id="ConfirmTunnel", request=HostKey, responses={200: TunnelOut, **error_answers()})
    def post(self, request: Request, tunnel_id: int) -> Response:
        """Trust a host key: the SSH server must prove this one from now on."""
        tunnel = tunnels.tunnel_for(self.actor, tunnel_id, MANAGE)
        values = self.body(HostKey)
        confirmed = services.confirm_tunnel_server(actor=self.actor, tunnel=tunnel, host_key=values["hostKey"])
        return Response(tunnel_json(confirmed))


class CheckTunnelView(ApiView):
    """Whether it works."""

    permission = {"POST": MANAGE}

    @extend_schema(operation_id="CheckTunnel", request=Target, responses={200: TunnelOut, **error_answers()})
    def post(self, request: Request, tunnel_id: int) -> Response:
        """Log in at the SSH server, and reach a host behind it where one is named; ``health`` says what came of it."""
        tunnel = tunnels.tunnel_for(self.actor, tunnel_id, MANAGE)
        values = self.body(Target)
        checked = services.check_tunnel(actor=self.actor, tunnel=tunnel, host=values["host"], port=values["port"])
        return Response(tunnel_json(checked))
