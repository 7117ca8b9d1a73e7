"""SSH tunnels: one connection to each SSH server and process, shared by all that go through it.

A door (:mod:`~connectors.sdk.net.doors`) stands for each host behind the tunnel. A
connection that broke is made again for whoever comes next.
"""

from __future__ import annotations

import asyncio
import logging
from functools import cache

import asyncssh

from connectors.sdk.context import Environment
from connectors.sdk.errors import AuthError, ConfigError, ConnectorError, Unavailable
from connectors.sdk.net.doors import Channel, Doors, run
from connectors.sdk.net.proxy import Proxy, way_to
from connectors.sdk.tunnels import SshServer

# At INFO it tells of every connection and channel.
logging.getLogger("asyncssh").setLevel(logging.WARNING)
CONNECT_S = 10.0
OPEN_S = 15.0
_KEY_HINT = (
    "Add the tunnel's public key to ~/.ssh/authorized_keys of that user. The folder must have mode 0700 and the "
    "file 0600, and both must belong to the user."
)


class ForwardRefused(Unavailable):
    """The SSH server let us in and would not, or could not, connect to the host behind it."""

    code = "tunnel_forward_refused"


def local_port(server: SshServer, environment: Environment, host: str, port: int) -> int:
    """A port on 127.0.0.1 that leads to ``host``; it has just been reached.

    Raises ``AuthError`` where the SSH server refuses the key or shows another host key,
    ``ConfigError`` for an address that may not be called, ``Unavailable`` for the rest.
    """
    return run(_opened(server, environment, host, port))


def check(server: SshServer, environment: Environment, host: str = "", port: int = 0) -> None:
    """Log in at the SSH server, and connect to a host behind it where one is named; raises as :func:`local_port`."""
    run(_checked(server, environment, host, port))


def host_key_of(host: str, port: int, environment: Environment) -> str:
    """The public key that an SSH server shows, unproven: for a person to confirm."""
    return run(_shown_key(host, port, environment))


def new_key(comment: str) -> tuple[str, str]:
    """A new Ed25519 key pair: private and public, in OpenSSH's formats."""
    key = asyncssh.generate_private_key("ssh-ed25519", comment=comment)
    return key.export_private_key().decode(), key.export_public_key().decode().strip()


class _Line:
    """The connection to one SSH server, and the doors to what is behind it. Lives in the loop of the doors."""

    def __init__(self, server: SshServer, environment: Environment) -> None:
        self._server = server
        self._environment = environment
        self._lock = asyncio.Lock()
        self._ssh: asyncssh.SSHClientConnection | None = None
        self.doors = Doors(self._channel, self._leave, (OSError, asyncssh.Error))

    async def _channel(self, host: str, port: int) -> Channel:
        """A connection to a host behind the server, made over a new SSH connection where the old one broke."""
        for attempt in (1, 2):
            ssh = await self._connected()
            try:
                return await asyncio.wait_for(ssh.open_connection(host, port), OPEN_S)
            except (asyncssh.Error, OSError, TimeoutError) as error:
                if attempt == 2 or not ssh.is_closed():
                    raise _not_forwarded(error, self._server, host, port) from error
        raise AssertionError("unreachable")

    async def _connected(self) -> asyncssh.SSHClientConnection:
        async with self._lock:
            if self._ssh is None or self._ssh.is_closed():
                self._ssh = await _connect(self._server, self._environment)
            return self._ssh

    def _leave(self) -> None:
        """Nobody uses a door any more."""
        if self._ssh is not None:
            self._ssh.close()
            self._ssh = None


async def _checked(server: SshServer, environment: Environment, host: str, port: int) -> None:
    async with await _connect(server, environment) as ssh:
        if not host:
            return
        try:
            _, writer = await asyncio.wait_for(ssh.open_connection(host, port), OPEN_S)
        except (asyncssh.Error, OSError, TimeoutError) as error:
            raise _not_forwarded(error, server, host, port) from error
        writer.close()


async def _connect(server: SshServer, environment: Environment) -> asyncssh.SSHClientConnection:
    way = await way_to(environment, server.host, server.port)
    try:
        # What the operator's own account has lying about (configuration, agent, keys) stays out of it.
        return await asyncssh.connect(
            way.addresses[0],
            way.port,
            username=server.user,
            client_keys=[asyncssh.import_private_key(server.private_key)],
            known_hosts=([asyncssh.import_public_key(server.host_key)], [], []),
            preferred_auth="publickey",
            config=[],
            agent_path=None,
            connect_timeout=CONNECT_S,
            login_timeout=CONNECT_S,
            keepalive_interval=15,
            keepalive_count_max=3,
        )
    except (asyncssh.Error, OSError, TimeoutError, ValueError) as error:
        raise _not_connected(error, server.host, server.port, server.user) from error


async def _shown_key(host: str, port: int, environment: Environment) -> str:
    way = await way_to(environment, host, port)
    try:
        key = await asyncio.wait_for(asyncssh.get_server_host_key(way.addresses[0], way.port, config=[]), CONNECT_S)
    except (asyncssh.Error, OSError, TimeoutError, ValueError) as error:
        raise _not_connected(error, host, port, "") from error
    if key is None:
        raise Unavailable(f"{host}:{port} showed no host key.", hint="Check that an SSH server listens there.")
    return key.export_public_key().decode().strip()


def _not_connected(error: Exception, host: str, port: int, user: str) -> ConnectorError:
    """Why there is no SSH connection, and what to look at."""
    place = f"{host}:{port}"
    words = str(error) or type(error).__name__
    if isinstance(error, asyncssh.HostKeyNotVerifiable):
        return AuthError(
            f"{place} shows another host key than the one that was confirmed.",
            hint="If its administrator replaced the key, open the tunnel and confirm the new one. If nobody did, "
            "somebody may be listening in between: find out before going on.",
        )
    if isinstance(error, asyncssh.PermissionDenied):
        return AuthError(f"{place} did not let {user} in: {words}", hint=_KEY_HINT)
    if isinstance(error, ConnectionRefusedError):
        return Unavailable(
            f"{place} refused the connection.",
            hint="Check host and port, and that the SSH server runs and its firewall lets this machine through.",
        )
    if isinstance(error, TimeoutError):
        return Unavailable(
            f"{place} did not answer within {CONNECT_S:g} seconds.",
            hint="Usually a firewall: let this machine's address through to the SSH port.",
        )
    if isinstance(error, asyncssh.KeyExchangeFailed):
        return ConfigError(f"{place} offers no method of encryption that is still safe: {words}", field="host")
    if isinstance(error, asyncssh.Error):
        return Unavailable(
            f"{place} ended the SSH connection: {words}",
            hint="Check that it is an SSH server, and look into its log for the reason.",
        )
    return Unavailable(f"No connection to {place}: {words}", hint="Check host, port and the network between.")


def _not_forwarded(error: Exception, server: SshServer, host: str, port: int) -> ConnectorError:
    """Why the SSH server did not lead on to the host behind it."""
    target = f"{host}:{port}"
    if isinstance(error, asyncssh.ChannelOpenError) and error.code == asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED:
        return ForwardRefused(
            f"The SSH server {server.place} does not allow {server.user} to connect to {target}.",
            hint="Allow it there: AllowTcpForwarding in sshd_config, and permitopen in authorized_keys if it is used.",
        )
    if isinstance(error, asyncssh.ChannelOpenError):
        return ForwardRefused(
            f"The SSH server {server.place} could not connect to {target}: {error.reason}.",
            hint=f"On that server, try: nc -z {host} {port}",
        )
    if isinstance(error, TimeoutError):
        return ForwardRefused(
            f"{target} did not answer the SSH server {server.place} within {OPEN_S:g} seconds.",
            hint=f"On that server, try: nc -z {host} {port}",
        )
    return _not_connected(error, server.host, server.port, server.user)


async def _opened(server: SshServer, environment: Environment, host: str, port: int) -> int:
    return await _line(server, environment.outbound_allow, environment.proxy).doors.open(host, port)


@cache
def _line(server: SshServer, outbound_allow: tuple[str, ...], proxy: Proxy | None) -> _Line:
    """The one line to a server; made in the loop's thread only."""
    return _Line(server, Environment(outbound_allow=outbound_allow, proxy=proxy))
