"""The MongoDB destination before a stand-in of the server: how it is reached, discovery, places and failures."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import dns.message
import dns.resolver
import dns.rrset
import pyarrow as pa
import pytest

from connectors.registry import destination_class
from connectors.sdk import trace
from connectors.sdk.arrow import mark
from connectors.sdk.context import Environment
from connectors.sdk.destination import Batch, Destination, Job, Mode
from connectors.sdk.errors import AuthError, ConfigError, ConnectorError, Gone, RateLimited, Unavailable
from connectors.sdk.mongodb import Server
from connectors.sdk.rows import dumps
from connectors.sdk.types import ColumnType, Operation
from tests.connectors.kit.drivers import destination_of
from tests.connectors.kit.jobs import batch_of, job_for
from tests.support.mongodb import LOGIN, Deployment

driver = pytest.importorskip("pymongo", reason="the driver is not installed; `make test` does that")
ROWS = [{"email": "a@x.test", "name": "Ann"}, {"email": "b@x.test", "name": "Bea"}]


@pytest.fixture
def deployment(mongodb_deployment: Callable[[], Deployment]) -> Deployment:
    return mongodb_deployment()


@pytest.fixture
def database(deployment: Deployment) -> Iterator[Any]:
    """The database of the open server, looked at from outside."""
    with driver.MongoClient("127.0.0.1", deployment.port) as client:
        client.drop_database("people")
        yield client.people


def people(deployment: Deployment, *opened: str, **config: Any) -> Destination:
    told = {"host": "127.0.0.1", "port": deployment.port, "database": "people", "tls": False, **config}
    return destination_of("mongodb", told, Environment(outbound_allow=opened or ("*",)))


def job(destination: Destination, by: str = "email", fields: str = "email name", **options: Any) -> Job:
    told = {"collection": "members", **options.pop("settings", {})}
    return job_for(destination.definition, told, identifiers=(by,), fields=fields.split(), **options)


async def told_by(destination: Destination) -> ConnectorError:
    with pytest.raises(ConnectorError) as caught:
        await destination.check()
    return caught.value


async def test_the_certificate_is_checked_for_the_name_that_is_dialled_and_the_login_is_used(
    deployment: Deployment,
) -> None:
    port, ca = deployment.secure_port, deployment.authority
    secure = {"host": "localhost", "port": port, "tls": True, "ca": ca, **LOGIN}
    await people(deployment, **secure, direct=True).check()
    uri = f"mongodb://headrace:p%40ss%2Fword@localhost:{port}/people?tls=true&directConnection=true"
    await people(deployment, at="uri", uri=uri, ca=ca).check()
    for change, kind, field in (
        ({"ca": ""}, ConfigError, "ca"),
        ({"host": "localhost.localdomain"}, ConnectorError, ""),
        ({"password": "another"}, AuthError, ""),
        ({"user": "", "password": ""}, AuthError, ""),
    ):
        error = await told_by(people(deployment, **{**secure, "direct": True, **change}))
        assert isinstance(error, kind), error.message
        assert getattr(error, "field", "") == field or not field
        assert "p@ss" not in error.message


async def test_members_that_the_deployment_names_pass_the_door_too(deployment: Deployment) -> None:
    """The server is asked for by a name that is open, and calls itself by an address that is not."""
    name = f"localhost:{deployment.port}"
    settings = {"at": "uri", "uri": f"mongodb://{name}/?serverSelectionTimeoutMS=300", "database": "people"}
    for opened in ((), (name,)):
        closed = destination_of("mongodb", settings, Environment(outbound_allow=opened))
        error = await told_by(closed)
        assert isinstance(error, ConfigError)
        assert "not a public address" in error.message or "private address" in error.message
        assert ("127.0.0.1" in error.message, "Only this server" in error.hint) == (bool(opened),) * 2
    await people(deployment, name, host="localhost", direct=True).check()
    await people(deployment, name, at="uri", uri=f"mongodb://{name}/?directConnection=true").check()


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("mongodb://u:very/private@h/", "cannot be read"),
        ("mongodb://u:private@h/?tlsCAFile=/etc/passwd", "tlscafile"),
        ("mongodb://u:private@h/?tlsInsecure=true", "tlsallowinvalid"),
        ("mongodb://u:private@h/?w=0", "w=0"),
        ("mongodb://u:private@h/?w=-1", "value"),
        ("mongodb://u:private@h/?authMechanism=MONGODB-OIDC", "OIDC"),
        ("mongodb://u:private@h/?authMechanism=PLAIN", "PLAIN"),
        ("mongodb://u:private@%2Ftmp%2Fx.sock/", "Sockets"),
    ],
)
def test_connection_strings_that_cannot_be_kept_to_are_refused(uri: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        Server.of({"at": "uri", "uri": uri, "database": "people"})
    assert "private" not in f"{caught.value.message}{caught.value.hint}"


def test_connection_strings_are_read() -> None:
    uri = "mongodb://u:p%40@a.test,b.test:1/shop?replicaSet=r&ssl=true&w=2&readPreference=nearest"
    server = Server.of({"at": "uri", "uri": uri, "database": "people"})
    assert server.seeds == (("a.test", 27017), ("b.test", 1))
    assert (server.user, server.password, server.database, server.encrypted) == ("u", "p@", "people", True)
    assert server.options == {"authsource": "shop", "replicaset": "r", "w": 2}
    assert not Server.of({"at": "uri", "uri": "mongodb://a.test/shop"}).encrypted


def test_the_members_of_a_seed_list_are_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    records = {
        "_mongodb._tcp.cluster.acme.test.": ("SRV", ["0 0 27018 a.acme.test.", "0 0 27019 b.acme.test."]),
        "cluster.acme.test.": ("TXT", ['"authSource=admin&replicaSet=r"']),
        "_mongodb._tcp.stray.acme.test.": ("SRV", ["0 0 1 a.another.test."]),
    }
    with name_server(records) as port:
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = ["127.0.0.1"], port
        monkeypatch.setattr(dns.resolver, "default_resolver", resolver)
        found = Server.of({"host": "cluster.acme.test", "srv": True, "database": "people"})
        by_uri = Server.of({"at": "uri", "uri": "mongodb+srv://u:p@cluster.acme.test/people"})
        for host in ("stray.acme.test", "none.acme.test"):
            with pytest.raises(ConfigError, match=f"members of {host}"):
                Server.of({"host": host, "srv": True, "database": "people"})
    for server in (found, by_uri):
        assert sorted(server.seeds) == [("a.acme.test", 27018), ("b.acme.test", 27019)]
        assert (server.options["authsource"], server.options["replicaset"]) == ("admin", "r")
        assert server.encrypted


@contextmanager
def name_server(records: dict[str, tuple[str, list[str]]]) -> Iterator[int]:
    """The port of a name service that knows these records."""

    def serve() -> None:
        while True:
            data, client = line.recvfrom(4_096)
            if not data:
                return
            asked = dns.message.from_wire(data)
            answer = dns.message.make_response(asked)
            name, kind = asked.question[0].name.to_text(), asked.question[0].rdtype.name
            if name in records and records[name][0] == kind:
                answer.answer.append(dns.rrset.from_text(name, 60, "IN", kind, *records[name][1]))
            line.sendto(answer.to_wire(), client)

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=serve)
        thread.start()
        yield line.getsockname()[1]
        line.sendto(b"", line.getsockname())
        thread.join()


async def test_collections_and_fields_are_found(deployment: Deployment, database: Any) -> None:
    database.members.create_index("email", unique=True)
    database.members.create_index("name")
    database.members.create_index([("a", 1), ("b", 1)], unique=True)
    database.members.create_index("part", unique=True, partialFilterExpression={"part": {"$gt": 1}})
    database.members.insert_one({"email": "a@x.test", "age": 5, "tags": ["x"], "about": {"k": 1}})
    destination: Any = people(deployment)
    assert [choice.value for choice in await destination.collections()] == ["members"]
    fields = {f.name: f for f in await destination.fields("documents", {"collection": "members"})}
    assert {name for name, f in fields.items() if f.identifier} == {"_id", "email"}
    assert (fields["age"].type, fields["tags"].native_type) == (ColumnType.NUMBER, "list")
    assert fields["about"].type == ColumnType.OBJECT
    assert [f.name for f in await destination.fields("documents", {"collection": "none"})] == ["_id"]


async def test_a_collection_is_made_once_and_missed_when_it_is_gone(deployment: Deployment, database: Any) -> None:
    destination = people(deployment)
    first = job(destination)
    assert destination.lacks(first)
    kept = await destination.provide(first)
    assert await destination.provide(first) == kept
    made = replace(first, kept=kept)
    assert not destination.lacks(made)
    with trace.recording() as exchanges:
        async with destination.session(made) as session:
            await session.deliver(batch_of(Operation.ADDED, ROWS))
    assert [d["name"] for d in database.members.find({}, sort=[("email", 1)])] == ["Ann", "Bea"]
    assert database.members.index_information()["email_1"]["unique"]
    assert (exchanges[0].method, exchanges[0].target) == ("UPSERT", "members")
    assert "x.test" not in repr(exchanges)
    with pytest.raises(ConfigError, match="unique index") as caught:
        async with destination.session(job(destination, by="name")):
            pass
    assert "createIndex" in caught.value.hint
    database.members.drop()
    with pytest.raises(Gone):
        async with destination.session(made):
            pass


@pytest.mark.parametrize("fields", ["email $set", "email a a.b", "email a..b", "email _id"])
def test_what_no_document_can_hold_is_told_before_a_row_is_sent(fields: str) -> None:
    destination = destination_class("mongodb")({}, Environment())
    with pytest.raises(ConfigError):
        destination.validate(job(destination, fields=fields))


async def test_values_that_cannot_be_written_down_cost_their_row_alone(deployment: Deployment, database: Any) -> None:
    destination = people(deployment)
    made = job(destination, by="_id", fields="_id doc")
    await destination.provide(made)
    documents = [{"k": 1.5}, {"a\0b": 1}, {"k": "x" * 17_000_000}, {"k": 10**40 + 1}, nested(150), {"k": [10**20]}]
    async with destination.session(made) as session:
        results = await session.deliver(json_batch([str(i) for i in range(len(documents))], documents))
        objects = await session.deliver(json_batch([{"$gt": ""}], [{"k": 2}]))
    assert [result.accepted for result in results] == [True, False, False, False, False, True]
    assert not objects[0].accepted
    assert {d["_id"]: d["doc"] for d in database.members.find()}["0"] == {"k": 1.5}
    assert database.members.count_documents({}) == 2


def json_batch(ids: list[Any], documents: list[Any]) -> Batch:
    """Rows as the engine has them, with JSON in text."""
    fields = [pa.field("_id", pa.string()), mark(pa.field("doc", pa.string()), ColumnType.OBJECT)]
    if not isinstance(ids[0], str):
        fields[0] = mark(fields[0], ColumnType.OBJECT)
    columns = [[v if isinstance(v, str) else dumps(v).decode() for v in values] for values in (ids, documents)]
    arrays = [pa.array(texts, pa.string()) for texts in columns]
    rows = pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields))
    return Batch(Operation.ADDED, [str(i) for i in range(len(rows))], rows)


def nested(levels: int) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for _ in range(levels):
        made = {"k": made}
    return made


@pytest.mark.parametrize(
    ("fails", "kind"),
    [
        ({"errorCode": 13}, AuthError),
        ({"errorCode": 16500}, RateLimited),
        ({"errorCode": 112}, Unavailable),
        ({"errorCode": 166}, ConfigError),
        ({"closeConnection": True}, Unavailable),
        ({"writeConcernError": {"code": 64, "errmsg": "waiting for replication timed out"}}, Unavailable),
    ],
)
async def test_failures_of_a_whole_batch_stop_it(
    deployment: Deployment, database: Any, fails: dict[str, Any], kind: type[ConnectorError]
) -> None:
    destination = people(deployment)
    await destination.provide(job(destination))
    point = {"configureFailPoint": "failCommand", "data": {"failCommands": ["update"], **fails}}
    async with destination.session(job(destination, mode=Mode.UPSERT)) as session:
        database.client.admin.command({**point, "mode": "alwaysOn"})
        try:
            with pytest.raises(kind) as caught:
                await session.deliver(batch_of(Operation.ADDED, ROWS))
        finally:
            database.client.admin.command({**point, "mode": "off"})
        assert type(caught.value) is kind
        assert [r.accepted for r in await session.deliver(batch_of(Operation.ADDED, ROWS))] == [True, True]
