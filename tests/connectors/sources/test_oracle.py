"""Oracle's source against its driver: what the driver sends to a listener, and what we ask of the driver.

No database can be had here. The listener is a socket that answers as the documented packets do; what our code calls is
held to the driver's real classes.
"""

from __future__ import annotations

import datetime as dt
import inspect
import socket
import ssl
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest.mock import create_autospec

import pyarrow as pa
import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from connectors.registry import source_class
from connectors.sdk.context import Environment
from connectors.sdk.errors import AuthError, ConfigError, QueryError, Unavailable
from connectors.sdk.net import Blocked
from connectors.sdk.source import Source
from connectors.sdk.types import ColumnType, Table
from tests.connectors.sources.reading import rows
from tests.support.certificates import localhost_pem
from tests.support.listening import everything, serving

oracledb = pytest.importorskip("oracledb", reason="the driver is not installed; `make test` does that")
LOCAL = Environment(outbound_allow=("*",))
LOGIN = {"host": "127.0.0.1", "database": "ORCLPDB1", "user": "reader", "password": "known", "sslmode": "disable"}
REFUSED = b"(DESCRIPTION=(ERR=12514)(VSNNUM=0)(ERROR_STACK=(ERROR=(CODE=12514))))"


def packet(kind: int, body: bytes) -> bytes:
    return (8 + len(body)).to_bytes(2, "big") + b"\0\0" + bytes([kind]) + b"\0\0\0" + body


REFUSE = packet(4, b"\0\0" + len(REFUSED).to_bytes(2, "big") + REFUSED)


def source(**changes: Any) -> Source:
    return source_class("oracle")({**LOGIN, **changes}, LOCAL)


def test_the_driver_s_first_packet_reaches_the_listener_whose_refusal_is_said() -> None:
    received: list[bytes] = []

    def listener(connection: socket.socket) -> None:
        received.append(connection.recv(4_096))
        connection.sendall(packet(11, b"") if len(received) == 1 else REFUSE)
        if len(received) == 1:
            received.append(connection.recv(4_096))
            connection.sendall(REFUSE)
        everything(connection)

    with serving(listener) as port:
        with pytest.raises(ConfigError, match="ORCLPDB1") as caught:
            source(port=port).check()
        assert caught.value.field == "database"
        assert f'host "127.0.0.1" port {port}' in caught.value.message
        with pytest.raises(Blocked, match="not a public address"):
            source_class("oracle")({**LOGIN, "port": port}, Environment()).check()
    first, again = received[:2]
    assert (first[4], first == again) == (1, True)
    assert b"(SERVICE_NAME=ORCLPDB1)" in first
    with serving(lambda connection: None) as port, pytest.raises(Unavailable):
        source(port=port).check()


def test_the_driver_is_not_let_to_where_a_listener_sends_it() -> None:
    came: list[bytes] = []
    with serving(lambda connection: came.append(connection.recv(1))) as elsewhere:
        to = f"(ADDRESS=(PROTOCOL=tcp)(HOST=127.0.0.1)(PORT={elsewhere}))\0(DESCRIPTION=)".encode()

        def listener(connection: socket.socket) -> None:
            connection.recv(4_096)
            connection.sendall(packet(5, len(to).to_bytes(2, "big")) + packet(6, b"\0\0" + to))
            connection.recv(1)

        with serving(listener) as port, pytest.raises(ConfigError, match="another address") as caught:
            source(port=port).check()
    assert "TCPS" in caught.value.hint
    assert came == []


@pytest.mark.filterwarnings("ignore:unclosed")  # the driver's own socket, where the name differs
def test_encrypted_connections_are_checked_against_the_true_host_name(tmp_path: Path) -> None:
    authority = localhost_pem(tmp_path / "server.pem", address="127.0.0.9")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tmp_path / "server.pem")
    received: list[bytes] = []

    def listener(connection: socket.socket) -> None:
        with server.wrap_socket(connection, server_side=True) as secure:
            received.append(secure.recv(4_096))
            secure.sendall(REFUSE)
            everything(secure)  # what is left unread when a socket closes resets the line

    with serving(listener) as port:
        for asked, arrives in (
            ({"host": "localhost", "port": port, "sslmode": "verify-full", "ca": authority}, True),
            ({"host": "127.0.0.1", "port": port, "sslmode": "verify-full", "ca": authority}, False),
            ({"host": "127.0.0.1", "port": port, "sslmode": "verify-ca", "ca": authority}, True),
            ({"host": "localhost", "port": port, "sslmode": "verify-ca"}, False),
            ({"host": "localhost", "port": port, "sslmode": "require"}, True),
        ):
            received.clear()
            with pytest.raises(ConfigError) as caught:
                source(**asked).check()
            assert [data[4] for data in received if data] == [1] * arrives, asked  # a CONNECT packet
            assert caught.value.field == ("database" if arrives else "sslmode"), caught.value.message


@pytest.mark.filterwarnings("ignore:unclosed")  # as above
def test_a_wallet_says_who_connects_and_whom_to_trust(tmp_path: Path) -> None:
    authority = localhost_pem(tmp_path / "server.pem")
    identity = localhost_pem(tmp_path / "client.pem", owner="reader")
    key = load_pem_private_key((tmp_path / "client.pem").read_bytes(), None)
    sealed = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"opens"))
    wallet = sealed.decode() + identity + authority
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tmp_path / "server.pem")
    server.load_verify_locations(cadata=identity)
    server.verify_mode = ssl.CERT_REQUIRED
    came: list[Any] = []

    def listener(connection: socket.socket) -> None:
        with suppress(OSError), server.wrap_socket(connection, server_side=True) as secure:
            secure.recv(4_096)
            came.append(secure.getpeercert())
            secure.sendall(REFUSE)
            everything(secure)

    with serving(listener) as port:
        asked = {"host": "localhost", "port": port, "sslmode": "verify-full"}
        with pytest.raises(ConfigError, match="ORCLPDB1"):
            source(**asked, wallet=wallet, wallet_password="opens").check()
        assert came[0]["subject"] == ((("commonName", "reader"),),)
        for wrong in ({"wallet": wallet, "wallet_password": "shut"}, {"wallet": "no PEM"}):
            with pytest.raises(ConfigError) as caught:
                source(**asked, **wrong).check()
            assert caught.value.field == "wallet"
        with pytest.raises((ConfigError, Unavailable)):
            source(**asked, ca=authority).check()
    assert len(came) == 1


def info(name: str, kind: str, **about: Any) -> Any:
    """A column as the driver describes it; only what the driver's class knows can be set."""
    made = create_autospec(oracledb.FetchInfo, instance=True)
    type_code = getattr(oracledb, f"DB_TYPE_{kind}")
    facts = {"precision": None, "scale": None, "is_json": False, "null_ok": True, **about}
    for key, value in {"name": name, "type_code": type_code, "type": type_code, **facts}.items():
        setattr(made, key, value)
    return made


COLUMNS = (
    info("ID", "NUMBER", precision=10, scale=0),
    info("PRICE", "NUMBER", precision=12, scale=2),
    info("ANY_NUMBER", "NUMBER", precision=0, scale=-127),
    info("NAME", "VARCHAR"),
    info("BORN", "DATE"),
    info("SEEN", "TIMESTAMP_TZ"),
    info("PICTURE", "BLOB"),
    info("ABOUT", "CLOB", is_json=True),
    info('C"; --', "JSON"),
)
FOUND = pa.table(
    {
        "ID": pa.array([1, None]),
        "PRICE": pa.array([Decimal("12.50"), None], pa.decimal128(12, 2)),
        "ANY_NUMBER": [".5", "-.25"],
        "NAME": ["Zoë 🌊", None],
        "BORN": pa.array([dt.datetime(2026, 2, 3, 4, 5, 6), None], pa.timestamp("s")),  # noqa: DTZ001 - without a zone
        "SEEN": pa.array([dt.datetime(2026, 2, 3, 2, 5, 6, 7), None], pa.timestamp("us")),  # noqa: DTZ001
        "PICTURE": pa.array([b"\xde\xad", None], pa.large_binary()),
        "ABOUT": pa.array(['{"a": 1}', None], pa.large_string()),
        'C"; --': pa.array(["[1]", None], pa.large_string()),
    }
)
READ = (
    'SELECT "ID", "PRICE", TO_CHAR("ANY_NUMBER", \'TM9\') AS "ANY_NUMBER", "NAME", "BORN", '
    'SYS_EXTRACT_UTC(CAST("SEEN" AS TIMESTAMP(6) WITH TIME ZONE)) AS "SEEN", "PICTURE", "ABOUT", '
    'JSON_SERIALIZE("C""; --" RETURNING CLOB) AS "C""; --" FROM (\nSELECT * FROM shop\n) "_headrace_model"'
)


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The driver's connection, with the driver's own signatures and nothing behind them."""
    made = create_autospec(oracledb.Connection, instance=True)
    cursor = made.cursor.return_value = create_autospec(oracledb.Cursor, instance=True)
    cursor.description = list(COLUMNS)
    signature = inspect.signature(oracledb.connect)

    def connect(**given: Any) -> Any:
        signature.bind(**given)
        return made

    monkeypatch.setattr(oracledb, "connect", connect)
    return made


def test_a_query_is_described_without_being_run_and_its_rows_arrive_without_loss(connection: Any) -> None:
    connection.fetch_df_batches.return_value = iter([FOUND, FOUND.slice(0, 0)])
    with serving(lambda line: None) as port:
        reader = source(port=port, statement_timeout=7)
        described = reader.describe("SELECT * FROM shop;")
        cursor = connection.cursor.return_value
        assert cursor.parse.call_args.args == ("SELECT * FROM shop",)
        found = rows(reader, "SELECT * FROM shop")
    assert [(c.type, c.native_type) for c in described] == [
        (ColumnType.NUMBER, "NUMBER(10)"),
        (ColumnType.NUMBER, "NUMBER(12,2)"),
        (ColumnType.NUMBER, "NUMBER"),
        (ColumnType.STRING, "VARCHAR2"),
        (ColumnType.TIMESTAMP, "DATE"),
        (ColumnType.TIMESTAMP, "TIMESTAMP WITH TIME ZONE"),
        (ColumnType.STRING, "BLOB"),
        (ColumnType.OBJECT, "CLOB"),
        (ColumnType.OBJECT, "JSON"),
    ]
    asked = connection.fetch_df_batches.call_args
    assert asked.args == (READ,)
    assert asked.kwargs["fetch_decimals"] is True
    assert found[0] == {
        "ID": 1,
        "PRICE": Decimal("12.50"),
        "ANY_NUMBER": "0.5",
        "NAME": "Zoë 🌊",
        "BORN": dt.datetime(2026, 2, 3, 4, 5, 6),  # noqa: DTZ001
        "SEEN": dt.datetime(2026, 2, 3, 2, 5, 6, 7, dt.UTC),
        "PICTURE": "dead",
        "ABOUT": '{"a": 1}',
        'C"; --': "[1]",
    }
    assert found[1] == {**dict.fromkeys(found[0]), "ANY_NUMBER": "-0.25"}
    assert connection.call_timeout == 7_000
    said = [call.args[0] for call in connection.cursor.return_value.execute.call_args_list]
    assert "SET TRANSACTION READ ONLY" in said
    assert connection.close.called


def test_tables_and_columns_are_those_of_people_with_their_comments(connection: Any) -> None:
    cursor = connection.cursor.return_value
    with serving(lambda line: None) as port:
        cursor.execute.return_value = iter([("SHOP", "ORDERS", "TABLE", None), ("SHOP", "BIG", "VIEW", "Large ones")])
        assert source(port=port).tables() == [
            Table("SHOP", "ORDERS", "table", ""),
            Table("SHOP", "BIG", "view", "Large ones"),
        ]
        assert "u.oracle_maintained = 'N'" in cursor.execute.call_args.args[0]
        cursor.execute.return_value = iter([("ID", "Their number")])
        assert source(port=port).columns(Table("SHOP", "O'R"))[0].description == "Their number"
        assert "table_name = 'O''R'" in cursor.execute.call_args.args[0]


def test_every_type_of_the_driver_is_read_or_refused_in_words() -> None:
    from connectors.sdk.oracle_types import described

    unreadable = {"BFILE", "BINARY_INTEGER", "CURSOR", "LONG_NVARCHAR", "OBJECT", "UNKNOWN"}
    for name in dir(oracledb):
        kind = name.removeprefix("DB_TYPE_")
        if kind in unreadable:
            with pytest.raises(QueryError, match=f"“C” has the type {kind}"):
                described(info("C", kind))
        elif kind != name:
            assert described(info("C", kind)).column.name == "C"


@pytest.mark.parametrize(
    ("code", "expected", "hint"),
    [
        ("ORA-01017", AuthError, "password"),
        ("ORA-12514", ConfigError, "lsnrctl"),
        ("DPY-3001", ConfigError, "TCPS"),
        ("ORA-12170", Unavailable, "listener"),
    ],
)
def test_each_way_not_to_connect(code: str, expected: type[Exception], hint: str) -> None:
    from connectors.sdk.oracle import Server, connect_error

    found = connect_error(refusal(code), Server.of(LOGIN))
    assert isinstance(found, expected)
    assert hint in found.hint
    assert "Help:" not in found.message


@pytest.mark.parametrize(
    ("code", "expected", "words"),
    [
        ("ORA-01013", QueryError, "cancelled"),
        ("DPY-4024", QueryError, "time limit"),
        ("ORA-00942", QueryError, "SELECT"),
        ("ORA-01456", QueryError, "only reads"),
        ("ORA-03113", Unavailable, "starts over"),
    ],
)
def test_each_refusal_of_a_statement(code: str, expected: type[Exception], words: str) -> None:
    from connectors.sdk.oracle import statement_error

    found = statement_error(refusal(code), "SELECT nobody FROM dual")
    assert isinstance(found, expected)
    assert words in f"{found.message} {found.hint}"


def refusal(code: str) -> Exception:
    from oracledb.errors import _Error

    return oracledb.DatabaseError(_Error(f"{code}: some words\nHelp: https://docs.example.com/{code}"))  # type: ignore[no-any-return]
