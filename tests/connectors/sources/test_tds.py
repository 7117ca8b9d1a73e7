"""What is asked of sources that speak TDS besides what all are asked: being sent on, certificates, sign-ins, T-SQL."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from connectors.registry import source_class
from connectors.sdk.context import Environment
from connectors.sdk.errors import AuthError, ConfigError, ConnectorError, QueryError
from connectors.sdk.net.guard import Blocked
from connectors.sdk.source import Source
from connectors.sdk.tds_settings import server_of
from connectors.sdk.tunnels import ReverseTunnel
from tests.connectors.sources.reading import rows
from tests.support.http import serving
from tests.support.tds_server import Stand, a_server, settings

SEED = (
    "CREATE TABLE people (id int, name nvarchar(40))",
    "INSERT INTO people VALUES (1, N'Zoë'), (2, N'Ann'), (3, NULL)",
)


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with a_server(tmp_path_factory.mktemp("tds"), SEED) as made:
        yield made


def opened(stand: Stand, environment: Environment, **more: Any) -> Source:
    return source_class("sqlserver")({**settings(stand), **more}, environment)


def test_models_may_begin_with_common_tables_and_may_be_sorted(stand: Stand, loopback: Environment) -> None:
    source = opened(stand, loopback)
    sql = """
        WITH known (id, called) AS (SELECT id, name FROM people WHERE name IS NOT NULL),
             last AS (SELECT MAX(id) AS id FROM known)
        SELECT known.id, called, last.id AS newest FROM known CROSS JOIN last ORDER BY known.id DESC -- newest first
    """
    assert rows(source, sql) == [
        {"id": 2, "called": "Ann", "newest": 2},
        {"id": 1, "called": "Zoë", "newest": 2},
    ]
    assert rows(source, "SELECT TOP 1 id FROM people ORDER BY id DESC") == [{"id": 3}]
    with pytest.raises(QueryError, match="nobody") as caught:
        source.describe("WITH a AS (SELECT 1 AS x)\nSELECT x,\n  nobody\nFROM a")
    assert caught.value.position == "WITH a AS (SELECT 1 AS x)\nSELECT x,\n  nobody".index("nobody")


def test_reading_happens_in_a_transaction_that_is_not_kept_and_says_who_it_is(
    stand: Stand, loopback: Environment
) -> None:
    asked = len(stand.logins)
    rows(opened(stand, loopback), "SELECT id FROM people")
    told = stand.logins[-1]
    assert len(stand.logins) == asked + 2  # one to look at the columns, one to read
    assert (told["app"], told["server"], told["user"]) == ("headrace", "127.0.0.1", "headrace")
    assert stand.transactions["begun"] > 0
    assert stand.transactions["committed"] == 0


def test_a_connection_that_is_sent_on_is_dialled_and_judged_and_checked_again(tmp_path: Path, stand: Stand) -> None:
    with a_server(tmp_path) as gateway:
        gateway.routes["stand"] = ("127.0.0.1", stand.port)
        trusted = {"port": gateway.port, "ca": settings(gateway)["ca"] + settings(stand)["ca"]}
        both = Environment(outbound_allow=(f"127.0.0.1:{gateway.port}", f"127.0.0.1:{stand.port}"))
        assert rows(opened(stand, both, **trusted), "SELECT COUNT(*) AS n FROM people") == [{"n": 3}]
        assert gateway.logins

        only_the_gateway = Environment(outbound_allow=(f"127.0.0.1:{gateway.port}",))
        with pytest.raises(Blocked, match=r"127\.0\.0\.1"):
            opened(stand, only_the_gateway, **trusted).tables()

        known = {"port": gateway.port, "ca": settings(gateway)["ca"]}
        with pytest.raises(ConfigError, match="certificate verify failed"):
            opened(stand, both, **known).tables()

        gateway.routes["stand"] = ("127.0.0.1", gateway.port)
        with pytest.raises(ConnectorError, match="on and on"):
            opened(stand, both, **trusted).tables()


def test_the_certificate_has_to_be_for_the_host_and_nothing_goes_unencrypted(
    tmp_path: Path, stand: Stand, loopback: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: [(2, 1, 6, "", ("127.0.0.1", stand.port))])
    with pytest.raises(ConfigError, match="certificate verify failed") as caught:
        opened(stand, loopback, host="sql.example.test").tables()
    assert caught.value.field == "trust_certificate"
    assert "host name" in caught.value.hint
    assert opened(stand, loopback, host="sql.example.test", trust_certificate=True, ca="").tables()
    monkeypatch.undo()

    with a_server(tmp_path) as plain:
        plain.encrypts = False
        with pytest.raises(ConfigError, match="does not encrypt"):
            opened(plain, loopback, trust_certificate=True).tables()
        assert plain.logins == []  # the password stays here


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            "Server=tcp:db.example.com,1444;Initial Catalog=shop;User ID=sa;Password={a;b}}c};Encrypt=True",
            ("db.example.com", 1444, "shop", "sa", "a;b}c", False),
        ),
        (
            'Data Source = db.example.com ; Database="my ""shop"""; uid=x; pwd=\'it\'\'s\'; Application Name=any',
            ("db.example.com", 1433, 'my "shop"', "x", "it's", False),
        ),
        ("Server=h; Password = 'a'b ;;User Id=u", ("h", 1433, "", "u", "'a'b", False)),
        ("Server=h;Database=d;User Id=u;Password=p=q;Encrypt=false", ("h", 1433, "d", "u", "p=q", True)),
        ("Server=h;Database=d;User Id=u;TrustServerCertificate=yes", ("h", 1433, "d", "u", "", True)),
    ],
)
def test_connection_strings_are_read_as_drivers_read_them(given: str, expected: tuple[Any, ...]) -> None:
    found = server_of({"login": "connection_string", "connection_string": given})
    assert (found.host, found.port, found.database, found.user, found.password, found.trust) == expected


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("Database=d", "names no server"),
        (r"Server=host\instance;Database=d", "names no port"),
        ("Server=h;Database=d;Integrated Security=true", "none of the ways"),
        ("Server=h;Authentication=Active Directory Password", "none of the ways"),
        pytest.param(" " * 4_000, "names no server", id="blanks take no time"),
    ],
)
def test_connection_strings_that_cannot_work_are_told(given: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        server_of({"login": "connection_string", "connection_string": given})
    assert caught.value.field == "connection_string"


class Entra(BaseHTTPRequestHandler):
    """The token address of Microsoft Entra."""

    asked: ClassVar[list[dict[str, str]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = {key: value for key, (value,) in parse_qs(body).items()}
        self.asked.append({"path": self.path, **form})
        known = form.get("client_secret") == "known-secret-1" or "client_assertion" in form
        told = {"access_token": "known-token-1", "expires_in": 3599} if known else {"error": "invalid_client"}
        data = json.dumps(told).encode()
        self.send_response(200 if known else 401)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Tests need no access log."""


@contextmanager
def with_entra(stand: Stand) -> Iterator[Environment]:
    Entra.asked.clear()
    with serving(Entra) as port:
        routes = {"https://login.microsoftonline.com": f"http://127.0.0.1:{port}"}
        stand.token = "known-token-1"
        yield Environment(outbound_allow=("*",), routes=routes)
        stand.token = ""


def test_a_service_principal_signs_in_with_its_secret(stand: Stand) -> None:
    config = {**settings(stand), "login": "client_secret", "tenant_id": "t1", "client_id": "c1"}
    with with_entra(stand) as environment:
        source = source_class("fabric")({**config, "client_secret": "known-secret-1"}, environment)
        source.check()
        source.tables()
        assert len(Entra.asked) == 1  # a token serves more than one connection
        assert Entra.asked[0]["path"] == "/t1/oauth2/v2.0/token"
        assert Entra.asked[0]["scope"] == "https://database.windows.net/.default"
        assert stand.logins[-1]["token"] == "known-token-1"
        assert stand.logins[-1]["user"] == ""
        with pytest.raises(AuthError, match="No access token"):
            source_class("fabric")({**config, "client_secret": "wrong"}, environment).tables()


def test_a_service_principal_signs_in_with_its_certificate(stand: Stand) -> None:
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    config = {**settings(stand), "login": "certificate", "tenant_id": "t1", "client_id": "c1"}
    with with_entra(stand) as environment:
        # A tunnel leads to the database alone; the token is not fetched through it.
        given = {**config, "private_key": pem, "thumbprint": "00:" * 19 + "FF"}
        tunnel = replace(environment, tunnel=ReverseTunnel(name="none", host="127.0.0.1", port=1))
        with pytest.raises(ConnectorError):
            source_class("synapse")(given, tunnel).tables()
        assert len(Entra.asked) == 1
        assert source_class("synapse")(given, environment).tables()
        asked = Entra.asked[-1]
        assert "client_secret" not in asked
        assert asked["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        assertion = asked["client_assertion"]
        assert jwt.get_unverified_header(assertion)["x5t"] == "AAAAAAAAAAAAAAAAAAAAAAAAAP8"
        audience = "https://login.microsoftonline.com/t1/oauth2/v2.0/token"
        claims = jwt.decode(assertion, key.public_key(), ["RS256"], audience=audience)
        assert claims["sub"] == "c1"
        assert datetime.fromtimestamp(claims["exp"], UTC) < datetime.now(UTC) + timedelta(minutes=11)
        with pytest.raises(ConfigError, match="private key cannot be read"):
            source_class("synapse")({**given, "private_key": "none"}, environment).tables()
