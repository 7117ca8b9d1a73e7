"""Files in buckets and on servers as tables: one set of questions for all places, against real ones and emulators."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncssh
import boto3
import pytest
from moto.server import ThreadedMotoServer

from connectors.registry import source_class
from connectors.sdk.context import Environment
from connectors.sdk.errors import AuthError, ConfigError, ConnectorError, QueryError, Unavailable
from connectors.sdk.source import Source
from connectors.sdk.types import ColumnType, Table
from connectors.sources.gcs import GcsSource
from connectors.sources.sftp import SftpSource
from tests.connectors.sources.reading import rows
from tests.support.sshd import MISSING, running_sshd

PEOPLE = 'id,name\n007,"Zoë 🌊, junior"\n8,\n'
OBJECTS = [
    {"id": 9007199254740993, "name": "a", "ok": True, "price": 1.5, "tags": [1, {"x": None}], "mixed": 1},
    {"id": 2, "name": None, "ok": None, "price": 2, "mixed": "x", "extra": "only here"},
]
FILES = {
    "people.csv": PEOPLE.encode(),
    "in/2026-01.csv": b"id,name\n1,old\n",
    "in/2026-02.csv": b"id,name\n2,new\n",
    "things.json": json.dumps(OBJECTS).encode(),
    "one.json": b'{"a": 1}',
    "broken.json": b'[{"a": 1}, {"a"',
    "numbers.json": b"[1, 2]",
    "semicolons.csv": b"a;b\n1;2\n",
    "latin.csv": "name\nMüller\n".encode("latin-1"),
    "empty.csv": b"",
    "twice.csv": b"a,a\n1,2\n",
    "ragged.csv": b"a,b\n1,2\n3,4,5\n",
    "notes.txt": b"no table",
    'hos"tile --.csv': b'a"b,c; DROP\n1,2\n',
}


@dataclass
class Spot:
    """A place that holds files, and the source that reads it."""

    open: Callable[..., Source]
    put: Callable[[str, bytes], None]
    wrong: tuple[tuple[dict[str, Any], type[ConnectorError]], ...] = ()


@contextlib.contextmanager
def s3(tmp: Path) -> Iterator[Spot]:
    """A bucket of moto's."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url, keys = f"http://{host}:{port}", {"aws_access_key_id": "AKIA0000000000000000", "aws_secret_access_key": "x"}
    client = boto3.client("s3", endpoint_url=url, region_name="us-east-1", **keys)
    client.create_bucket(Bucket="acme-files")
    settings = {"bucket": "acme-files", "endpoint": url, "path_style": True, "region": "us-east-1"}
    settings |= {"access_key_id": keys["aws_access_key_id"], "secret_access_key": "x"}
    wrong = (
        ({"bucket": "nobody-has-this"}, ConfigError),
        ({"secret_access_key": ""}, AuthError),
        ({"access_key_id": "", "secret_access_key": ""}, AuthError),
        ({"endpoint": "http://127.0.0.1:1"}, Unavailable),
    )
    yield Spot(
        lambda environment, **changed: source_class("s3")({**settings, **changed}, environment),
        lambda path, data: client.put_object(Bucket="acme-files", Key=path, Body=data) and None,
        wrong,
    )
    server.stop()


@contextlib.contextmanager
def gcs(tmp: Path) -> Iterator[Spot]:
    """A bucket of the emulator's, which asks nobody who they are."""
    from gcp_storage_emulator.server import create_server
    from gcsfs.core import GCSFileSystem

    server = create_server("127.0.0.1", 0, in_memory=True, default_bucket="acme-files")
    server.start()
    host, port = server._api._httpd.socket.getsockname()[:2]
    url = f"http://{host}:{port}"
    own = type("Gcs", (GcsSource,), {"endpoint": url, "_token": lambda self: "anon"})
    files = GCSFileSystem(token="anon", endpoint_url=url, project="acme", skip_instance_cache=True)
    settings = {"bucket": "acme-files", "project": "acme"}
    yield Spot(
        lambda environment, **changed: own({**settings, **changed}, environment),
        lambda path, data: files.pipe(f"acme-files/{path}", data),
        (({"bucket": "nobody-has-this"}, ConfigError),),
    )
    server.stop()


@contextlib.contextmanager
def sftp(tmp: Path) -> Iterator[Spot]:
    """A folder behind a real OpenSSH server."""
    if MISSING:
        pytest.skip(MISSING)
    key, other = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
    (home := tmp / "files").mkdir()

    def put(path: str, data: bytes) -> None:
        (home / path).parent.mkdir(parents=True, exist_ok=True)
        (home / path).write_bytes(data)

    with running_sshd(tmp) as server:
        server.admit(key.export_public_key().decode().strip())
        settings = {"host": server.host, "port": server.port, "user": server.user, "login": "key"}
        settings |= {"private_key": key.export_private_key().decode(), "host_key": server.host_key}
        settings |= {"folder": str(home)}
        wrong: Any = (
            ({"private_key": other.export_private_key().decode()}, AuthError),
            ({"private_key": "no key"}, ConfigError),
            ({"login": "password", "password": "x"}, AuthError),
            ({"host_key": other.export_public_key().decode()}, AuthError),
            ({"host_key": ""}, ConfigError),
            ({"folder": "/no/such/folder"}, ConfigError),
            ({"port": 1}, Unavailable),
        )
        yield Spot(
            lambda environment, **changed: source_class("sftp")({**settings, **changed}, environment), put, wrong
        )


SPOTS = {"gcs": gcs, "s3": s3, "sftp": sftp}


@pytest.fixture(scope="module", params=SPOTS)
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spot]:
    tmp = tmp_path_factory.mktemp(request.param)
    with SPOTS[request.param](tmp) as found:
        for path, data in FILES.items():
            found.put(path, data)
        if request.param == "sftp":
            os.utime(tmp / "files/in/2026-01.csv", (1, 1))
        else:
            found.put("in/2026-02.csv", FILES["in/2026-02.csv"])  # the last that was written
        yield found
    shutil.rmtree(tmp, ignore_errors=True)


@pytest.fixture
def source(place: Spot, loopback: Environment) -> Source:
    return place.open(loopback)


def test_files_are_tables_and_folders_have_their_newest(source: Source) -> None:
    source.check()
    names = {(t.schema, t.name) for t in source.tables()}
    assert {("", "people.csv"), ("", "in/2026-01.csv"), ("newest", "in/*"), ("newest", "*")} <= names
    assert ("", "notes.txt") not in names
    assert (("", "things.json") in names) == (".json" in source.endings)  # type: ignore[attr-defined]
    assert [c.name for c in source.columns(Table("", 'hos"tile --.csv'))] == ['a"b', "c; DROP"]


def test_a_csv_file_is_text_as_it_was_written(source: Source) -> None:
    assert [(c.name, c.type) for c in source.describe('SELECT * FROM "people.csv"')] == [
        ("id", ColumnType.STRING),
        ("name", ColumnType.STRING),
    ]
    assert rows(source, 'SELECT * FROM "people.csv"') == [
        {"id": "007", "name": "Zoë 🌊, junior"},
        {"id": "8", "name": None},
    ]


def test_the_newest_of_a_prefix_is_read_and_files_join(source: Source) -> None:
    assert rows(source, 'SELECT name FROM newest."in/2026-*"') == [{"name": "new"}]
    joined = 'WITH p AS (SELECT * FROM "in/2026-01.csv") SELECT p.name a, q.name b FROM p, "in/2026-02.csv" q'
    assert rows(source, joined) == [{"a": "old", "b": "new"}]


def test_a_json_file_keeps_each_value_as_it_is(source: Source, place: Spot) -> None:
    if ".json" not in source.endings:  # type: ignore[attr-defined]
        with pytest.raises(QueryError, match="no known kind"):
            rows(source, 'SELECT * FROM "things.json"')
        return
    shown = {c.name: c.type for c in source.describe('SELECT * FROM "things.json"')}
    assert shown == {
        "id": ColumnType.NUMBER,
        "name": ColumnType.STRING,
        "ok": ColumnType.BOOLEAN,
        "price": ColumnType.NUMBER,
        "tags": ColumnType.OBJECT,
        "mixed": ColumnType.OBJECT,
        "extra": ColumnType.STRING,
    }
    first, second = rows(source, 'SELECT * FROM "things.json"')
    assert (first["id"], first["ok"], first["price"], first["extra"]) == (9007199254740993, True, 1.5, None)
    assert json.loads(first["tags"]) == [1, {"x": None}]
    assert (second["name"], second["ok"], second["tags"], second["mixed"]) == (None, None, None, '"x"')
    for name in ("one.json", "broken.json", "numbers.json"):
        with pytest.raises(QueryError, match=r"array of objects") as caught:
            rows(source, f'SELECT * FROM "{name}"')
        assert caught.value.hint


def test_more_files_than_are_looked_through_are_said_and_never_guessed_from(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.sdk.file_source.MOST_SEEN", 3)
    assert len([t for t in source.tables() if not t.schema]) <= 3
    assert "more files than are looked through" in source.left_out
    with pytest.raises(QueryError, match="More than 3 files begin with") as caught:
        rows(source, 'SELECT * FROM newest."*"')
    assert "longer prefix" in caught.value.hint
    assert rows(source, 'SELECT name FROM newest."in/2026-*"') == [{"name": "new"}]


WRONG = {
    "semicolons.csv": "semicolons",
    "latin.csv": "UTF-8",
    "empty.csv": "empty",
    "twice.csv": "“a”",
    "ragged.csv": "[Ee]xpected Number of Columns|CSV Error",
    "notes.txt": "no known kind",
    "nothing.csv": "no file",
    "../people.csv": "no file|leads out",
}


def test_each_unreadable_file_has_its_own_words(source: Source) -> None:
    for name, words in WRONG.items():
        with pytest.raises(ConnectorError, match=words) as caught:
            rows(source, f'SELECT * FROM "{name}"')
        assert caught.value.hint, name
    with pytest.raises(QueryError, match="begins with"):
        rows(source, 'SELECT * FROM newest."no/such/prefix*"')


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('/etc/passwd')",
        'DROP VIEW "people.csv"',
        "COPY (SELECT 1) TO '/tmp/x.csv'",
    ],
)
def test_a_query_reads_nothing_else(source: Source, sql: str) -> None:
    with pytest.raises(ConnectorError):
        rows(source, sql)


def test_each_way_not_to_connect_has_its_own_words(place: Spot, loopback: Environment) -> None:
    for change, expected in place.wrong:
        with pytest.raises(expected) as caught:
            place.open(loopback, **change).check()
        assert caught.value.hint, change
    if place.wrong and not isinstance(place.open(loopback), GcsSource):
        with pytest.raises(ConfigError, match="not a public address"):
            place.open(Environment()).check()


def test_a_server_with_too_much_below_its_folder_says_so(
    place: Spot, loopback: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not isinstance(place.open(loopback), SftpSource):
        pytest.skip("stores are listed by prefix")
    monkeypatch.setattr("connectors.sources.sftp._MOST", 5)
    with pytest.raises(ConfigError, match="too much below the folder"):
        place.open(loopback).tables()
    assert rows(place.open(loopback), 'SELECT name FROM newest."in/2026-*"') == [{"name": "new"}]
