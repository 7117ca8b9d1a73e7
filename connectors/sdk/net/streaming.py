"""A blocking HTTP call whose answer is read as it comes: for sources that stream results over HTTP.

The connection goes to a judged address, through the tunnel or the operator's proxy as every other one.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from connectors.sdk.context import Environment
from connectors.sdk.errors import ConfigError, Unavailable
from connectors.sdk.net.sockets import dial
from connectors.sdk.net.tls import Tls, ssl_context

SILENCE_S = 3_600.0
# What a line that breaks raises, in whatever it was about.
BROKEN = (OSError, http.client.HTTPException)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A server's HTTP interface. ``authority`` is the text of a certificate file to trust."""

    host: str
    port: int
    secure: bool = True
    authority: str = ""

    @property
    def words(self) -> str:
        """Where it is, for messages."""
        return f"{self.host}:{self.port}"


class Answer:
    """An open answer: its status, and its bytes as they come."""

    def __init__(
        self, connection: http.client.HTTPConnection, response: http.client.HTTPResponse, wire: socket.socket
    ) -> None:
        self._connection = connection
        self._response = response
        self._socket = wire
        self.status = response.status
        self.headers = response.headers

    def read(self, size: int = -1) -> bytes:
        """At most so many bytes; nothing at the end."""
        return self._response.read() if size < 0 else self._response.read(size)

    def text(self, most: int) -> bytes:
        """The whole answer; :class:`Unavailable` where it is longer than that or breaks off."""
        try:
            data = self.read(most + 1)
        except BROKEN as error:
            raise Unavailable(f"The answer broke off: {error}") from error
        if len(data) > most:
            raise Unavailable(f"The answer is longer than {most >> 20} MB.", hint="Name fewer tables in the grants.")
        return data

    def close(self) -> None:
        """Hang up, also in the middle of the answer and from another thread."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._connection.close()


def post(
    place: Place,
    environment: Environment,
    body: bytes,
    *,
    query: Mapping[str, str],
    headers: Mapping[str, str],
    silence: float = SILENCE_S,
) -> Answer:
    """Send a request and return when the answer begins; raises typed errors where there is none.

    ``silence`` is for how long the server may send nothing.
    """
    if not place.host:
        raise ConfigError("Give the host.", field="host")
    try:
        connection = _connected(place, environment, silence)
        connection.request("POST", f"/?{urlencode(query)}", body, dict(headers))
        wire = connection.sock  # the library lets go of it where the server says that it will hang up
        return Answer(connection, connection.getresponse(), wire)
    except ssl.SSLError as error:
        hint = "Upload the certificate authority of this server, and use the host name it certifies."
        raise ConfigError(f"{place.words}: {error}", field="secure", hint=hint) from error
    except BROKEN as error:
        words = str(error) or type(error).__name__
        raise Unavailable(
            f"{place.words}: {words}", hint="Check host, port and encryption, and the network between."
        ) from error


def _connected(place: Place, environment: Environment, silence: float) -> http.client.HTTPConnection:
    connection = http.client.HTTPConnection(place.host, place.port)
    connection.sock = dial(environment, place.host, place.port)
    if place.secure:
        context = ssl_context(Tls(authority=place.authority) if place.authority else None)
        connection.sock = context.wrap_socket(connection.sock, server_hostname=place.host.strip("[]"))
    connection.sock.settimeout(silence)  # only now: who does not finish the handshake is no server that computes
    return connection
