"""What carries TDS, the protocol of SQL Server: a socket of ours, and TLS by the standard library.

The driver's own TLS compares names less strictly than the standard library and dials by itself where a server sends
it on, so neither is used: it is handed :class:`Wire` in place of a socket, and :func:`secure` in place of its
answer to the first packet (MS-TDS, 2.2.6.5: the handshake travels inside packets, what follows is plain TLS).
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from typing import Any

import pytds
from pytds.tds_base import PacketType, PreLoginEnc, PreLoginToken

from connectors.sdk.errors import ConfigError, Unavailable

_READ_BYTES = 1 << 16
# A packet of its own that asks the server to stop what it works on (MS-TDS, 2.2.1.7).
_ATTENTION = bytes((PacketType.CANCEL, 1, 0, 8, 0, 0, 0, 0))


class Wire:
    """A socket as the driver uses one. One thread may read while another one writes."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._writing = threading.Lock()
        self._tls_lock = threading.Lock()
        self._tls: ssl.SSLObject | None = None
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()

    def gettimeout(self) -> float | None:
        """Seconds that a read waits at most."""
        return self._socket.gettimeout()

    def settimeout(self, timeout: float | None) -> None:
        """Change how long a read waits at most."""
        self._socket.settimeout(timeout)

    def sendall(self, data: Any, flags: int = 0) -> None:
        """Send all of it."""
        with self._writing:
            self._socket.sendall(self._sealed(bytes(data)) if self._tls else data)

    def recv(self, size: int, flags: int = 0) -> bytes:
        """At most ``size`` bytes; none where the other side has hung up."""
        if self._tls is None:
            return self._socket.recv(size)
        while (data := self._opened(size)) is None:
            received = self._socket.recv(_READ_BYTES)
            with self._tls_lock:
                if received:
                    self._incoming.write(received)
                else:
                    self._incoming.write_eof()
        return data

    def recv_into(self, buffer: memoryview, size: int = 0, flags: int = 0) -> int:
        """As :meth:`recv`, into a buffer; how many bytes there were."""
        data = self.recv(size or len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def attention(self) -> None:
        """Ask the server to stop; from any thread, while another one waits for the answer."""
        self.sendall(_ATTENTION)

    def abort(self) -> None:
        """Hang up, so that a thread that waits does so no longer."""
        with contextlib.suppress(OSError):  # it is closed already
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close without a word: the server rolls back what was open."""
        self._socket.close()

    def handshake(self, session: Any, context: ssl.SSLContext, host: str) -> None:
        """Agree on keys, inside packets of the protocol; from then on all is encrypted."""
        tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        while not _agreed(tls):
            _send(session, self._outgoing.read())
            self._incoming.write(_packet(session))
        _send(session, self._outgoing.read())
        self._tls = tls

    def _sealed(self, data: bytes) -> bytes:
        assert self._tls is not None
        with self._tls_lock:
            rest = memoryview(data)
            while rest:
                rest = rest[self._tls.write(rest) :]
            return self._outgoing.read()

    def _opened(self, size: int) -> bytes | None:
        assert self._tls is not None
        with self._tls_lock:
            try:
                return self._tls.read(size)
            except ssl.SSLWantReadError:
                return None
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return b""


def secure(session: Any, wire: Wire, context: ssl.SSLContext, host: str) -> None:
    """Read the answer to the driver's first packet, and encrypt all that follows.

    Raises :class:`ConfigError` where the server does not encrypt, ``ssl.SSLError`` where its certificate will not do.
    """
    asked = session.begin_response()
    octets = bytearray(session._reader.read_whole_packet())
    if asked.type != PacketType.REPLY:
        raise pytds.InterfaceError("The first packet of the answer is none of TDS.")
    if _taken_out(octets) not in (PreLoginEnc.ENCRYPT_ON, PreLoginEnc.ENCRYPT_REQ):
        raise ConfigError(
            "The server does not encrypt connections.",
            field="host",
            hint="Switch encryption on at the server: nothing is sent without it.",
        )
    session.conn._login.enc_flag = PreLoginEnc.ENCRYPT_NOT_SUP
    session.parse_prelogin(octets=bytes(octets), login=session.conn._login)
    wire.handshake(session, context, host)


def _agreed(tls: ssl.SSLObject) -> bool:
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        return False
    return True


def _send(session: Any, data: bytes) -> None:
    if data:
        session._writer.begin_packet(PacketType.PRELOGIN)
        session._writer.write(data)
        session._writer.flush()


def _taken_out(octets: bytearray) -> int:
    """What the server says of encryption, which is then none of the driver's business."""
    place = 0
    while place + 5 <= len(octets) and octets[place] != PreLoginToken.TERMINATOR:
        offset = int.from_bytes(octets[place + 1 : place + 3], "big")
        if octets[place] == PreLoginToken.ENCRYPTION and offset < len(octets):
            said, octets[offset] = octets[offset], PreLoginEnc.ENCRYPT_NOT_SUP
            return said
        place += 5
    return int(PreLoginEnc.ENCRYPT_NOT_SUP)


def _packet(session: Any) -> bytes:
    """The next part of the server's handshake."""
    received = session.begin_response()
    if received.type not in (PacketType.PRELOGIN, PacketType.REPLY):
        raise Unavailable("The server broke off the TLS handshake.")
    data = bytearray()
    while not session._reader.stream_finished():
        data += session._reader.recv(_READ_BYTES)
    return bytes(data)
