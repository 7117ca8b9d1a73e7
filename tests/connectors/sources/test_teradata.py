"""Teradata's source against its driver: what the driver sends to a server, and what we ask of the driver.

No server can be had here. What answers is a socket; what our code calls is held to the driver's real classes.
"""

from __future__ import annotations

import datetime as dt
import socket
import ssl
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest.mock import create_autospec

import pytest

from connectors.registry import source_class
from connectors.sdk.context import Environment
from connectors.sdk.errors import AuthError, ConfigError, ConnectorError, QueryError, Unavailable
from connectors.sdk.net import Blocked
from connectors.sdk.source import Source
from connectors.sdk.teradata import connect_error, statement_error
from connectors.sdk.types import ColumnType, Table
from tests.connectors.sources.reading import rows
from tests.support.certificates import localhost_pem
from tests.support.listening import serving

teradatasql = pytest.importorskip("teradatasql", reason="the driver is not installed; `make test` does that")
LOCAL = Environment(outbound_allow=("*",))
LOGIN = {"host": "127.0.0.1", "user": "reader", "password": "known", "sslmode": "disable"}


def source(**changes: Any) -> Source:
    return source_class("teradata")({**LOGIN, **changes}, LOCAL)


def test_the_driver_s_first_message_reaches_the_server_and_nothing_that_is_closed() -> None:
    received: list[bytes] = []
    with serving(lambda connection: received.append(connection.recv(4_096))) as port:
        with pytest.raises(Unavailable) as caught:
            source(port=port).check()
        assert "gosqldriver" not in caught.value.message
        for mode in ("disable", "require"):
            with pytest.raises(Blocked, match="not a public address"):
                source_class("teradata")({**LOGIN, "port": port, "sslmode": mode}, Environment()).check()
    assert {data[0] for data in received if data} == {3}  # the version of a message's header (CLIv2 over TCP)


def test_encrypted_connections_are_checked_against_the_true_host_name(tmp_path: Path) -> None:
    authority = localhost_pem(tmp_path / "server.pem", address="127.0.0.9")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tmp_path / "server.pem")
    received: list[bytes] = []

    def listener(connection: socket.socket) -> None:
        with server.wrap_socket(connection, server_side=True) as secure:
            received.append(secure.recv(4_096))

    with serving(listener) as port:
        for asked, arrives in (
            *(  # however long the text is: the driver takes no padding
                ({"host": "localhost", "sslmode": "verify-full", "ca": authority + "\n" * more}, True)
                for more in range(3)
            ),
            ({"host": "127.0.0.1", "sslmode": "verify-full", "ca": authority}, False),
            ({"host": "127.0.0.1", "sslmode": "verify-ca", "ca": authority}, True),
            ({"host": "localhost", "sslmode": "verify-full"}, False),
            ({"host": "localhost", "sslmode": "require"}, True),
        ):
            received.clear()
            with pytest.raises(ConnectorError) as caught:
                source(port=port, **asked).check()
            assert any(received) is arrives, (asked, caught.value.message)
            assert isinstance(caught.value, Unavailable if arrives else ConfigError), caught.value.message


# As the driver describes columns: name, type, display size, bytes, precision, scale, whether they may be null.
COLUMNS = {
    "id": ("BIGINT", (int, None, 8, 0, 0, False)),
    "price": ("DECIMAL", (str, None, 8, 12, 2, True)),
    "amount": ("NUMBER", (str, None, 18, 0, 0, True)),
    "ratio": ("FLOAT", (float, None, 8, 0, 0, True)),
    "name": ("VARCHAR", (str, None, 80, 0, 0, True)),
    "born": ("DATE", (str, None, 4, 0, 0, True)),
    "made": ("TIMESTAMP", (str, None, 26, 0, 6, True)),
    "seen": ("TIMESTAMP WITH TIME ZONE", (str, None, 32, 0, 6, True)),
    "picture": ("BLOB", (bytes, None, 80, 0, 0, True)),
    "about": ("JSON", (str, None, 80, 0, 0, True)),
}
ROW = [
    1, "12.50", "0.123456789012345678901234567890123456789", 0.1, "Zoë 🌊", "2026-02-03", "2026-02-03 04:05:06.123456",
    "2026-02-03 04:05:06.000000+02:00", b"\xde\xad", '{"a": 1}',
]  # fmt: skip


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The driver's connection, with the driver's own signatures and nothing behind them."""
    made = create_autospec(teradatasql.TeradataConnection, instance=True)
    cursor = made.cursor.return_value = create_autospec(teradatasql.TeradataCursor, instance=True)
    cursor.description = [[name, *facts] for name, (_, facts) in COLUMNS.items()]
    cursor.columntypename = [native for native, _ in COLUMNS.values()]
    made.given = {}

    def connect(**given: Any) -> Any:
        made.given.update(given)
        return made

    monkeypatch.setattr(teradatasql, "connect", connect)
    return made


def test_a_query_is_described_without_being_run_and_its_rows_arrive_without_loss(connection: Any) -> None:
    cursor = connection.cursor.return_value
    cursor.fetchmany.side_effect = [[ROW], [[None] * len(ROW)], []]
    with serving(lambda line: None) as port:
        reader = source(port=port, statement_timeout=7)
        described = reader.describe("SELECT * FROM shop;")
        assert cursor.execute.call_args.args == ("{fn teradata_rpo(S)}SELECT * FROM shop",)
        found = rows(reader, "SELECT * FROM shop")
        for sql in ("{fn teradata_write_csv(/tmp/x)}SELECT 1 AS a", "SELECT '{ fn x}' AS a"):
            with pytest.raises(QueryError, match="brace"):
                reader.describe(sql)
    assert [c.type for c in described] == [ColumnType.NUMBER] * 4 + [
        ColumnType.STRING, ColumnType.DATE, ColumnType.TIMESTAMP, ColumnType.TIMESTAMP, ColumnType.STRING,
        ColumnType.OBJECT,
    ]  # fmt: skip
    assert described[1].native_type == "DECIMAL(12,2)"
    listed = ", ".join(f'"{name}"' for name in COLUMNS)
    assert cursor.execute.call_args.args == (f'SELECT {listed} FROM (\nSELECT * FROM shop\n) AS "_headrace_model"',)
    assert found[0] == {
        "id": 1,
        "price": Decimal("12.50"),
        "amount": ROW[2],
        "ratio": 0.1,
        "name": "Zoë 🌊",
        "born": dt.date(2026, 2, 3),
        "made": dt.datetime(2026, 2, 3, 4, 5, 6, 123456),  # noqa: DTZ001 - without a zone
        "seen": dt.datetime(2026, 2, 3, 2, 5, 6, tzinfo=dt.UTC),
        "picture": "dead",
        "about": '{"a": 1}',
    }
    assert found[1] == dict.fromkeys(COLUMNS)
    assert {k: connection.given[k] for k in ("cop", "redrive", "request_timeout", "teradata_values")} == {
        "cop": False, "redrive": 0, "request_timeout": 7, "teradata_values": False,
    }  # fmt: skip
    assert connection.close.called


def test_tables_and_columns_are_those_of_people_with_their_comments(connection: Any) -> None:
    cursor = connection.cursor.return_value
    with serving(lambda line: None) as port:
        cursor.fetchall.return_value = [["shop", "orders", "T ", None], ["shop", "big ", "V", "Large ones"]]
        assert source(port=port).tables() == [
            Table("shop", "orders", "table", ""),
            Table("shop", "big", "view", "Large ones"),
        ]
        cursor.fetchall.return_value = [["id", "Their number"]]
        assert source(port=port).columns(Table("shop", "O'R"))[0].description == "Their number"
        assert "TableName = 'O''R'" in cursor.execute.call_args.args[0]


@pytest.mark.parametrize(
    ("make", "code", "expected", "hint"),
    [
        (lambda error: connect_error(error, "vantage"), 8017, AuthError, "password"),
        (lambda error: connect_error(error, "vantage"), 444, Unavailable, "1025"),
        (statement_error, 3110, QueryError, ""),
        (statement_error, 3523, AuthError, "SELECT"),
        (statement_error, 3807, QueryError, ""),
    ],
)
def test_each_refusal(make: Any, code: int, expected: type[ConnectorError], hint: str) -> None:
    words = f"[Version 20.0.0.72] [Session 1] [Teradata Database] [Error {code}] Some words.\n at gosqldriver/x.go:1"
    found = make(teradatasql.OperationalError(words))
    assert isinstance(found, expected)
    assert hint in found.hint
    assert "gosqldriver" not in found.message
    assert "[" not in found.message
