"""A strict stand-in of SQL Server: TDS 7.4 as MS-TDS documents it, with T-SQL run by DuckDB.

It encrypts, as today's servers do, asserts that what it is sent is what the document says, and stops what it works on
when it is asked to. It never sends what a client has not asked for.
"""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import struct
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from tests.support.certificates import localhost_pem
from tests.support.tds_duck import Refused, Result, Session, Warehouse
from tests.support.tds_types import COLLATION, Reader

BATCH, RPC, REPLY, ATTENTION, BULK, TRANSACTION, LOGIN, PRELOGIN = 1, 3, 4, 6, 7, 14, 16, 18
_MORE, _ERROR, _COUNT, _STOPPED = 1, 2, 0x10, 0x20
_PACKET = 4096
_BULK = re.compile(r"INSERT BULK (?P<table>\S+?)\((?P<columns>.*)\)\s*(?P<options>WITH \(.*\))?\s*$", re.DOTALL)
_ROUTE = 20


@dataclass
class Stand:
    """What a server knows and has seen. ``routes``: databases whose connections are sent on to another place."""

    warehouse: Warehouse
    certificate: Path
    login: tuple[str, str] = ("headrace", "known-password-1")
    token: str = ""
    database: str = "stand"
    routes: dict[str, tuple[str, int]] = field(default_factory=dict)
    encrypts: bool = True
    port: int = 0
    logins: list[dict[str, Any]] = field(default_factory=list)
    statements: list[str] = field(default_factory=list)
    stopped: int = 0
    transactions: Counter[str] = field(default_factory=Counter)
    slow: set[str] = field(default_factory=set)  # statements that begin so run until they are stopped
    drops_commits: bool = False
    connections: list[socket.socket] = field(default_factory=list)
    threads: list[threading.Thread] = field(default_factory=list)

    def hang_up(self) -> None:
        """Break all connections."""
        for connection in self.connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Pipe:
    """A socket that becomes encrypted."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._lock, self._sending = threading.Lock(), threading.Lock()
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls: ssl.SSLObject | None = None

    def begin(self, context: ssl.SSLContext, packet: Callable[[], bytes], send: Callable[[bytes], None]) -> None:
        tls, over = context.wrap_bio(self._in, self._out, server_side=True), False
        while not over:
            self._in.write(packet())
            with contextlib.suppress(ssl.SSLWantReadError):
                tls.do_handshake()
                over = True
            if data := self._out.read():
                send(data)
        self.tls = tls

    def take(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            data += self._some(size - len(data))
        return data

    def _some(self, size: int) -> bytes:
        while self.tls is not None:
            with self._lock, contextlib.suppress(ssl.SSLWantReadError):
                return self.tls.read(size)
            self._in.write(self._received(65536))
        return self._received(size)

    def _received(self, size: int) -> bytes:
        if data := self._socket.recv(size):
            return data
        raise ConnectionError

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def send(self, data: bytes) -> None:
        with self._sending:
            if self.tls is not None:
                with self._lock:
                    self.tls.write(data)
                    data = self._out.read()
            self._socket.sendall(data)


class _Answer:
    """A message in packets, sent as they fill."""

    def __init__(self, pipe: _Pipe, code: int = REPLY) -> None:
        self._pipe, self._code, self._held, self._number = pipe, code, b"", 0

    def add(self, data: bytes) -> None:
        self._held += data
        while len(self._held) > _PACKET - 8:
            self._send(self._held[: _PACKET - 8], last=False)
            self._held = self._held[_PACKET - 8 :]

    def end(self) -> None:
        self._send(self._held, last=True)

    def _send(self, part: bytes, *, last: bool) -> None:
        self._pipe.send(struct.pack(">BBHHBB", self._code, last, len(part) + 8, 51, self._number % 256, 0) + part)
        self._number += 1


class _Peer:
    """One client."""

    def __init__(self, connection: socket.socket, stand: Stand) -> None:
        self._pipe, self._stand = _Pipe(connection), stand
        self._session: Session | None = None
        self._worker: threading.Thread | None = None
        self._stop = threading.Event()
        self._bulk: tuple[str, list[str]] | None = None
        self._transaction = 0

    def serve(self) -> None:
        if self._greeted() and self._logged_in():
            while True:
                code, data = self._message()
                if code == ATTENTION:
                    self._attend()
                    continue
                self._wait()
                self._stop.clear()
                self._worker = threading.Thread(target=self._answer, args=(code, data), daemon=True)
                self._worker.start()

    def leave(self) -> None:
        self._stop.set()
        if self._session is not None:
            self._session.interrupt()
        self._wait()

    def _wait(self) -> None:
        if self._worker is not None:
            self._worker.join(20)

    def _attend(self) -> None:
        self._stand.stopped += 1
        busy = self._worker is not None and self._worker.is_alive()
        self._stop.set()
        if busy and self._session is not None:
            self._session.interrupt()
        self._wait()
        if not busy:
            self._reply(_done(_STOPPED))

    # Packets

    def _message(self) -> tuple[int, bytes]:
        data, code = b"", 0
        while True:
            code, status, length, _, _, _ = struct.unpack(">BBHHBB", self._pipe.take(8))
            data += self._pipe.take(length - 8)
            if status & 1:
                return code, data

    def _reply(self, data: bytes, code: int = REPLY) -> None:
        answer = _Answer(self._pipe, code)
        answer.add(data)
        answer.end()

    # Signing in

    def _greeted(self) -> bool:
        code, data = self._message()
        assert code == PRELOGIN
        asked = _options(data)
        assert asked[1] == b"\x01", "a client that does not ask for encryption"
        said = {0: bytes((16, 0, 16, 0, 0, 0)), 1: b"\x01" if self._stand.encrypts else b"\x02", 4: b"\x00"}
        if 6 in asked:
            said[6] = b"\x01"
        self._reply(_prelogin(said))
        if not self._stand.encrypts:
            return False
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._stand.certificate)
        self._pipe.begin(context, lambda: self._message()[1], lambda out: self._reply(out, PRELOGIN))
        return True

    def _logged_in(self) -> bool:
        code, data = self._message()
        assert code == LOGIN
        assert struct.unpack("<I", data[:4])[0] == len(data), "LOGIN7 says another length than it has"
        told = _login(data)
        stand = self._stand
        stand.logins.append(told)
        if route := stand.routes.get(told["database"]):
            host, port = route
            value = struct.pack("<BHH", 0, port, len(host)) + host.encode("utf-16-le")
            self._reply(_ack() + _change(_ROUTE, struct.pack("<H", len(value)) + value + b"\0\0") + _done())
            return False
        known = told["token"] == stand.token if stand.token else (told["user"], told["password"]) == stand.login
        if not known:
            self._reply(_error(18456, f"Login failed for user '{told['user']}'.", 14) + _done(_ERROR))
            return False
        if told["database"] != stand.database:
            words = f'Cannot open database "{told["database"]}" requested by the login. The login failed.'
            self._reply(_error(4060, words, 11) + _done(_ERROR))
            return False
        self._session = stand.warehouse.session()
        named = bytes([len(stand.database)]) + stand.database.encode("utf-16-le") + b"\0"
        sizes = b"\x04" + str(_PACKET).encode("utf-16-le") + b"\x04" + "4096".encode("utf-16-le")
        self._reply(_change(1, named) + _change(7, b"\x05" + COLLATION + b"\0") + _ack() + _change(4, sizes) + _done())
        return True

    # Requests

    def _answer(self, code: int, data: bytes) -> None:
        with contextlib.suppress(ConnectionError, OSError), self._hanging_up():
            answer = _Answer(self._pipe)
            try:
                for token in self._done_of(code, data):
                    answer.add(token)
            except _Stopped:
                answer.add(_done(_STOPPED))
            except (Refused, duckdb.Error) as error:
                number, line = getattr(error, "number", 50_000), getattr(error, "line", 1)
                told = _error(number, str(error), 16, line) + _done(_ERROR)
                answer.add(_done(_STOPPED) if self._stop.is_set() else told)
            answer.end()

    @contextmanager
    def _hanging_up(self) -> Iterator[None]:
        """A request that is none ends the connection, so that whoever sent it does not wait."""
        try:
            yield
        except BaseException:
            self._pipe.close()
            raise

    def _done_of(self, code: int, data: bytes) -> Iterator[bytes]:
        assert self._session is not None
        if code == BULK:
            yield self._loaded(data)
            return
        request = Reader(data)
        headers = request.number("<I")
        request.take(headers - 4)
        if code == TRANSACTION:
            yield self._transacted(request.number("<H"))
        elif code == BATCH:
            yield from self._batch(request.data[request.at :].decode("utf-16-le"))
        else:
            raise AssertionError(f"a request that nothing sends: {code}")

    def _transacted(self, what: int) -> bytes:
        assert self._session is not None
        if what == 5:
            self._stand.transactions["begun"] += 1
            self._session.begin()
            self._transaction = 77
            return _change(8, b"\x08" + struct.pack("<Q", 77) + b"\0") + _done()
        if what == 7 and self._stand.drops_commits:
            raise ConnectionError
        self._stand.transactions[{7: "committed", 8: "undone"}[what]] += 1
        self._session.end({7: "COMMIT", 8: "ROLLBACK"}[what])
        self._transaction = 0
        return _change({7: 9, 8: 10}[what], b"\0\x08" + struct.pack("<Q", 77)) + _done()

    def _batch(self, sql: str) -> Iterator[bytes]:
        assert self._session is not None
        self._stand.statements.append(sql)
        if found := _BULK.match(sql):
            names = [n.replace("]]", "]") for n in re.findall(r"\[((?:[^\]]|\]\])*)\] ", found["columns"])]
            self._bulk = (found["table"], names)
            yield _done()
            return
        if any(sql.startswith(verb) for verb in self._stand.slow):
            self._stop.wait(20)
            raise _Stopped
        last: bytes | None = None
        for result in self._session.run(sql):
            if last is not None:
                yield last[:1] + struct.pack("<H", last[1] | _MORE) + last[3:]
            if result.columns:
                yield _metadata(result)
            count = 0
            for row in result.rows:
                if self._stop.is_set():
                    raise _Stopped
                yield _row(result, row)
                count += 1
            last = _done(_COUNT, count if result.columns else result.touched)
        yield last or _done()

    def _loaded(self, data: bytes) -> bytes:
        assert self._session is not None
        assert self._bulk is not None, "a bulk load without INSERT BULK before it"
        request = Reader(data)
        assert request.take(1) == b"\x81"
        readers, names = [], []
        for _ in range(request.number("<H")):
            request.take(6)
            readers.append(request.column())
            names.append(request.text(request.take(1)[0]))
        table, announced = self._bulk
        assert names == announced, (names, announced)
        rows = []
        while (token := request.take(1)) == b"\xd1":
            rows.append([read() for read in readers])
        assert token == b"\xfd"
        return _done(_COUNT, self._session.load(table, names, rows))


class _Stopped(Exception):
    """The client asked to stop."""


def _options(data: bytes) -> dict[int, bytes]:
    found, at = {}, 0
    while data[at] != 0xFF:
        token, offset, length = struct.unpack(">BHH", data[at : at + 5])
        found[token] = data[offset : offset + length]
        at += 5
    return found


def _prelogin(said: dict[int, bytes]) -> bytes:
    at, head, tail = 5 * len(said) + 1, b"", b""
    for token, value in said.items():
        head += struct.pack(">BHH", token, at + len(tail), len(value))
        tail += value
    return head + b"\xff" + tail


def _login(data: bytes) -> dict[str, Any]:
    def text(place: int) -> str:
        offset, length = struct.unpack("<HH", data[place : place + 4])
        return data[offset : offset + length * 2].decode("utf-16-le")

    offset, length = struct.unpack("<HH", data[44:48])
    hidden = data[offset : offset + length * 2]
    password = bytes((((b ^ 0xA5) << 4) & 0xF0) | ((b ^ 0xA5) >> 4) for b in hidden).decode("utf-16-le")
    told = {"user": text(40), "password": password, "app": text(48), "server": text(52), "database": text(68)}
    return {**told, "token": _token(data) if data[27] & 0x10 else ""}


def _token(data: bytes) -> str:
    """What the federated authentication extension holds (2.2.6.4)."""
    (place,) = struct.unpack("<H", data[56:58])
    (at,) = struct.unpack("<I", data[place : place + 4])
    feature, _, options, length = struct.unpack("<BIBI", data[at : at + 10])
    assert feature == 2
    assert options >> 1 == 1, "not by security token"
    return data[at + 10 : at + 10 + length].decode("utf-16-le")


def _b(text: str) -> bytes:
    data = text.encode("utf-16-le")
    return bytes([len(data) // 2]) + data


def _ack() -> bytes:
    body = b"\x01" + bytes((0x74, 0, 0, 4)) + _b("Microsoft SQL Server\0\0") + bytes((16, 0, 0x10, 0))
    return b"\xad" + struct.pack("<H", len(body)) + body


def _change(kind: int, value: bytes) -> bytes:
    return b"\xe3" + struct.pack("<HB", len(value) + 1, kind) + value


def _error(number: int, words: str, severity: int, line: int = 1) -> bytes:
    said = words.encode("utf-16-le")
    text = struct.pack("<H", len(said) // 2) + said
    body = struct.pack("<iBB", number, 1, severity) + text + _b("stand") + b"\0" + struct.pack("<i", line)
    return b"\xaa" + struct.pack("<H", len(body)) + body


def _done(status: int = 0, count: int = 0) -> bytes:
    return b"\xfd" + struct.pack("<HHQ", status, 0xC1, count)


def _metadata(result: Result) -> bytes:
    columns = (struct.pack("<IH", 0, 9) + kind.info + _b(name) for name, kind in result.columns)
    return b"\x81" + struct.pack("<H", len(result.columns)) + b"".join(columns)


def _row(result: Result, row: Sequence[Any]) -> bytes:
    kinds = [kind for _, kind in result.columns]
    if None not in row:
        return b"\xd1" + b"".join(kind.value(value) for kind, value in zip(kinds, row, strict=True))
    bits = sum(1 << i for i, value in enumerate(row) if value is None)
    there = (kind.value(value) for kind, value in zip(kinds, row, strict=True) if value is not None)
    return b"\xd2" + bits.to_bytes((len(row) + 7) // 8, "little") + b"".join(there)


@contextmanager
def a_server(folder: Path, seed: Sequence[str] = (), *, utf8: bool = False) -> Iterator[Stand]:
    """A server on this machine, whose tables are made by T-SQL."""
    certificate = folder / "tds.pem"
    localhost_pem(certificate, folder.name)
    stand = Stand(Warehouse(utf8=utf8), certificate)
    prepared = stand.warehouse.session()
    for statement in seed:
        if statement.startswith("COMMENT ON"):
            stand.warehouse.duck.execute(statement)
        else:
            list(prepared.run(statement))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        stand.port = listening.getsockname()[1]
        accepting = threading.Thread(target=_accept, args=(listening, stand), daemon=True)
        accepting.start()
        try:
            yield stand
        finally:
            with contextlib.suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
            stand.hang_up()
            for thread in (accepting, *stand.threads):
                thread.join(20)
            stand.warehouse.duck.close()


def settings(stand: Stand) -> dict[str, Any]:
    """What a source or destination needs to sign in there with a password."""
    user, password = stand.login
    login = {"login": "password", "user": user, "password": password}
    place = {"host": "127.0.0.1", "port": stand.port, "database": stand.database}
    return {**place, **login, "ca": stand.certificate.read_text().partition("-----BEGIN PRIVATE")[0], "schema": "dbo"}


def _accept(listening: socket.socket, stand: Stand) -> None:
    with contextlib.suppress(OSError):
        while True:
            connection, _ = listening.accept()
            stand.connections.append(connection)
            stand.threads.append(threading.Thread(target=_serve, args=(connection, stand), daemon=True))
            stand.threads[-1].start()


def _serve(connection: socket.socket, stand: Stand) -> None:
    peer = _Peer(connection, stand)
    with connection:
        try:
            with contextlib.suppress(ConnectionError, ssl.SSLError, OSError):
                peer.serve()
        finally:
            peer.leave()
