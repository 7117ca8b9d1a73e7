"""The SSH server of reverse tunnels: clients log in with their tunnel's key and may lend us one port, nothing else.

No shell, no files, no way from the client into this network: a client can only open the port that its tunnel was given,
on the inside of this server, and what connects there reaches the service that the client names.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import time
from dataclasses import dataclass, field

import asyncssh

from connectors.sdk.lending import Desk, Guest, Place, Presence

logger = logging.getLogger(__name__)
# At INFO it tells of every connection and channel.
logging.getLogger("asyncssh").setLevel(logging.WARNING)
LOGIN_S = 20
KEEPALIVE_S = 15
LOOK_S = 5.0
MOST_STRANGERS = 200


@dataclass(slots=True)
class _House:
    """What the sessions share."""

    desk: Desk
    inside: str
    present: dict[int, _Session] = field(default_factory=dict)
    strangers: int = 0


async def serve(desk: Desk, place: Place, host_key: str, ended: asyncio.Event) -> None:
    """Let clients in until ``ended``. ``host_key`` is the private key that proves this server, in OpenSSH's format."""
    house = _House(desk, place.inside)
    acceptor = await asyncssh.listen(
        place.host,
        place.port,
        server_factory=lambda: _Session(house),
        server_host_keys=[asyncssh.import_private_key(host_key)],
        config=[],
        login_timeout=LOGIN_S,
        keepalive_interval=KEEPALIVE_S,
        keepalive_count_max=3,
        allow_pty=False,
        agent_forwarding=False,
        x11_forwarding=False,
        password_auth=False,
        kbdint_auth=False,
        host_based_auth=False,
        gss_host=None,
    )
    logger.info("Reverse tunnels: clients log in at %s:%s", place.host, place.port)
    try:
        while not ended.is_set():
            await _look_around(house)
            try:
                await asyncio.wait_for(ended.wait(), LOOK_S)
            except TimeoutError:
                continue
    finally:
        acceptor.close()
        for session in list(house.present.values()):
            session.leave("the server stops")
        await desk.tell({})


async def _look_around(house: _House) -> None:
    """Send away whose tunnel is gone or has another key, and tell who is here."""
    try:
        known = await house.desk.guests(list(house.present))
        for number, session in list(house.present.items()):
            if known.get(number) != session.guest:
                session.leave("its tunnel was deleted or has another key")
        await house.desk.tell({n: session.presence for n, session in house.present.items() if session.lends})
    except Exception:
        # The database or Redis may be away for a while; connections that stand go on.
        logger.exception("Reverse tunnels could not be looked after; trying again")


class _Session(asyncssh.SSHServer):
    """One client's connection."""

    def __init__(self, house: _House) -> None:
        self._house = house
        self._conn: asyncssh.SSHServerConnection | None = None
        self._counted = False
        self._listener: asyncssh.SSHListener | None = None
        self.guest: Guest | None = None
        self.presence = Presence(0.0, "")

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """A stranger; too many at once are sent away."""
        self._conn = conn
        self._house.strangers += 1
        self._counted = True
        if self._house.strangers > MOST_STRANGERS:
            conn.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Gone: its port closes, unless a newer connection of the same tunnel has it."""
        self._greet()
        if self._listener is not None:
            self._listener.close()
        if self.guest is not None and self._house.present.get(self.guest.tunnel) is self:
            del self._house.present[self.guest.tunnel]
            logger.info("Reverse tunnel %s: the client at %s left", self.guest.tunnel, self.presence.peer)

    async def begin_auth(self, username: str) -> bool:
        """Everybody has to prove a key, also under names that nobody has."""
        self.guest = await self._house.desk.guest(username)
        return True

    def public_key_auth_supported(self) -> bool:
        """The only way in."""
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """Whether it is the tunnel's key."""
        if self.guest is None:
            return False
        own = asyncssh.import_public_key(self.guest.public_key)
        return hmac.compare_digest(own.public_data, key.public_data)

    def auth_completed(self) -> None:
        """A client that comes again takes the place of its old connection, which may be dead without knowing."""
        assert self.guest is not None
        assert self._conn is not None
        self._greet()
        peer = self._conn.get_extra_info("peername")
        self.presence = Presence(time.time(), str(peer[0]) if peer else "")
        before = self._house.present.pop(self.guest.tunnel, None)
        self._house.present[self.guest.tunnel] = self
        if before is not None:
            before.leave("the same client connected again")
        logger.info("Reverse tunnel %s: a client at %s logged in", self.guest.tunnel, self.presence.peer)

    async def server_requested(self, listen_host: str, listen_port: int) -> asyncssh.SSHListener | bool:
        """Open the tunnel's own port, on the inside, whatever address the client asks for."""
        if self.guest is None or self._conn is None or listen_port != self.guest.port or self._listener is not None:
            return False
        self._listener = await self._conn.forward_local_port(self._house.inside, listen_port, listen_host, listen_port)
        return self._listener

    @property
    def lends(self) -> bool:
        """Whether its port is open."""
        return self._listener is not None

    def leave(self, reason: str) -> None:
        """Hang up."""
        if self._listener is not None:
            self._listener.close()
        if self._conn is not None:
            self._conn.disconnect(asyncssh.DISC_BY_APPLICATION, reason)

    def _greet(self) -> None:
        """No stranger any more."""
        if self._counted:
            self._house.strangers -= 1
            self._counted = False
