"""PostgreSQL as a stand-in for Redshift: each statement is translated on the wire, on its way to the server.

What it shows is that Redshift's own SQL says what is meant. That Redshift has a function, or refuses what
PostgreSQL takes, it cannot show.
"""

from __future__ import annotations

import re
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache

import sqlglot
from sqlglot import exp

_NO_STARTUP = (80877103, 80877104)  # asks for TLS, or for encryption by GSS
_TRANSLATED = re.compile(r"\s*(CREATE|INSERT|DELETE|SELECT|DROP|ALTER)\b(?!.*(pg_catalog|\$1))", re.DOTALL)
_CURSOR = re.compile(r"(DECLARE \w+ CURSOR FOR )(.*)", re.DOTALL)
# What Redshift has and PostgreSQL has not.
SEED = (
    "CREATE DOMAIN super AS jsonb",
    "CREATE FUNCTION redshift_serialized(given jsonb) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT given::text'",
    "CREATE FUNCTION redshift_parsed(given text) RETURNS jsonb LANGUAGE sql IMMUTABLE AS 'SELECT given::jsonb'",
    "CREATE VIEW svv_tables AS SELECT table_schema::text, table_name::text, table_type::text, NULL::text AS remarks "
    "FROM information_schema.tables",
)


@lru_cache(maxsize=512)
def translated(sql: str) -> str:
    """A statement in PostgreSQL's words."""
    if found := _CURSOR.fullmatch(sql):
        return found[1] + translated(found[2])
    if not _TRANSLATED.match(sql):
        return sql
    [tree] = sqlglot.parse(sql, read="redshift")
    assert tree is not None
    return tree.transform(_spoken).sql(dialect="postgres")


def _spoken(node: exp.Expr) -> exp.Expr:
    if isinstance(node, exp.ParseJSON):
        return exp.Anonymous(this="redshift_parsed", expressions=[node.this])
    if isinstance(node, exp.Anonymous) and node.name.upper() == "JSON_SERIALIZE":
        return exp.Anonymous(this="redshift_serialized", expressions=node.expressions)
    if isinstance(node, exp.DataType) and node.this is exp.DType.VARCHAR and node.sql("redshift") == "VARCHAR(MAX)":
        return exp.DataType.build("TEXT")
    if isinstance(node, exp.DataType) and node.this is exp.DType.SUPER:
        return exp.DataType.build("jsonb", dialect="postgres")
    return node


@contextmanager
def in_front_of(host: str, port: int) -> Iterator[int]:
    """The port of something that translates for the server behind it."""
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=_serve, args=(client, (host, port)), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.close()


def _serve(client: socket.socket, place: tuple[str, int]) -> None:
    with client, socket.create_connection(place) as server, suppress(OSError, EOFError):
        while True:
            head = _exactly(client, 8)
            size, code = struct.unpack("!II", head)
            server.sendall(head + _exactly(client, size - 8))
            if code not in _NO_STARTUP:
                break
            client.sendall(_exactly(server, 1))
        threading.Thread(target=_copy, args=(server, client), daemon=True).start()
        while True:
            kind, size = struct.unpack("!cI", _exactly(client, 5))
            body = _exactly(client, size - 4)
            if kind in (b"Q", b"P"):
                body = _rewritten(kind, body)
            server.sendall(struct.pack("!cI", kind, len(body) + 4) + body)


def _rewritten(kind: bytes, body: bytes) -> bytes:
    name, rest = (b"", body) if kind == b"Q" else body.split(b"\0", 1)
    sql, after = rest.split(b"\0", 1)
    said = translated(sql.decode()).encode() + b"\0" + after
    return said if kind == b"Q" else name + b"\0" + said


def _copy(server: socket.socket, client: socket.socket) -> None:
    with suppress(OSError):
        while data := server.recv(65_536):
            client.sendall(data)
    with suppress(OSError):
        client.shutdown(socket.SHUT_RDWR)


def _exactly(end: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        if not (got := end.recv(size - len(data))):
            raise EOFError
        data += got
    return data
