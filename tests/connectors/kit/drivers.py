"""How a case is played against each kind of system."""

from __future__ import annotations

import gzip
import io
import json
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncssh
import boto3
import psycopg
import pyarrow.parquet as pq
import pymysql
import pytest
from psycopg import sql

from connectors.registry import destination_class
from connectors.sdk.context import Environment
from connectors.sdk.destination import Destination, Job, Mode, Removal
from connectors.sdk.errors import ConnectorError
from tests.connectors.kit.cases import Case, batch_in, exact_json, rows_in, told_results
from tests.connectors.kit.fake_http import Answer, Received, fake_http
from tests.connectors.kit.jobs import Streams, job_for, settled
from tests.support import tds_server
from tests.support.databases import RUN_PREFIX
from tests.support.mongodb import Deployment
from tests.support.sshd import MISSING, running_sshd


@dataclass(frozen=True)
class Ground:
    """The real servers and folders that a case may use."""

    database_url: str
    folder: Path
    store_url: str
    mysql: Callable[[], dict[str, Any]]  # how root logs in; skips where there is no server
    redis_url: str
    mongodb: Callable[[], Deployment]  # skips where it is not installed


def destination_of(key: str, config: Mapping[str, Any], environment: Environment) -> Destination:
    """A destination with checked configuration."""
    loaded = destination_class(key)
    return loaded(settled(loaded.definition.fields, config), environment)


def told_job(destination: Destination, told: Mapping[str, Any]) -> Job:
    """The job that a case describes; the columns of its (first) batch are the mapped fields."""
    first = told["batches"][0] if "batches" in told else told
    return job_for(
        destination.definition,
        told.get("settings", {}),
        mode=Mode(told["mode"]) if "mode" in told else None,
        removal=Removal(told.get("removal", "nothing")),
        identifiers=told.get("identifiers", ()),
        fields=list(first["columns"]),
        sync_type=destination.definition.sync_type(told["type"]) if "type" in told else None,
    )


async def play_http(case: Case, ground: Ground) -> None:
    """Deliver the batch to a server that answers as told; compare requests and results."""
    told = case.told
    async with fake_http(*[_answer(a) for a in told.get("answers", ())], always=_always(told)) as server:
        config = {"base_url": server.url, **told.get("config", {})}
        destination = destination_of(case.key, config, Environment(outbound_allow=server.opened))
        async with destination.session(told_job(destination, told)) as session:
            outcome = await outcome_of(session.deliver(batch_in(told)))
    assert [_seen(r, wanted) for r, wanted in zip(server.received, told["requests"], strict=True)] == told["requests"]
    assert outcome == expected(told)


def _answer(told: Mapping[str, Any]) -> Answer:
    return Answer(told.get("status", 200), str(told.get("body", "")).encode(), told.get("headers", {}))


def _always(told: Mapping[str, Any]) -> Answer | None:
    return None if "answers" in told else Answer()


def _seen(request: Received, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The request in the words of the case: only what the case speaks of."""
    seen: dict[str, Any] = {"method": request.method, "path": request.path}
    if "json" in wanted:
        seen["json"] = exact_json(request.body)
    if "body" in wanted:
        seen["body"] = request.body.decode()
    if "headers" in wanted:
        seen["headers"] = {name: request.headers.get(name) for name in wanted["headers"]}
    return seen


async def play_table(case: Case, ground: Ground) -> None:
    """Write batches to a table made for the case; compare results and what the table then holds."""
    told = case.told
    with psycopg.connect(ground.database_url, autocommit=True) as connection:
        schema = "case_" + "".join(c if c.isalnum() else "_" for c in case.name)
        name = sql.Identifier(schema)
        connection.execute(sql.SQL("CREATE SCHEMA {}; SET search_path TO {}").format(name, name))
        for statement in told["tables"]:
            connection.execute(statement)
        destination = table_destination(ground.database_url)
        settings = {**told.get("settings", {}), "table": f"{schema}.{told['table']}"}
        async with destination.session(told_job(destination, {**told, "settings": settings})) as session:
            outcomes = [await outcome_of(session.deliver(batch_in(b))) for b in told["batches"]]
        rows = connection.execute(
            sql.SQL("SELECT to_json(t)::text FROM ({}) t").format(sql.SQL(told["query"]))
        ).fetchall()
    assert outcomes == [expected(b) for b in told["batches"]]
    assert [exact_json(row) for (row,) in rows] == told["holds"]


def table_destination(url: str) -> Destination:
    """The PostgreSQL destination for a test database."""
    parts = urlsplit(url)
    config = {
        "host": parts.hostname,
        "port": parts.port,
        "database": parts.path.lstrip("/"),
        "user": parts.username,
        "password": parts.password or "",
        "sslmode": "disable",
    }
    return destination_of("postgres", config, Environment(outbound_allow=(f"{parts.hostname}:{parts.port}",)))


async def play_mysql(case: Case, ground: Ground) -> None:
    """As :func:`play_table`, in a database of a real MariaDB; queries give rows as JSON."""
    told, login = case.told, ground.mysql()
    with pymysql.connect(**login, charset="utf8mb4", autocommit=True) as connection, connection.cursor() as cursor:
        name = f"{RUN_PREFIX}{os.getpid()}_case"
        cursor.execute(f"CREATE OR REPLACE DATABASE {name} CHARACTER SET utf8mb4")
        connection.select_db(name)
        for statement in told["tables"]:
            cursor.execute(statement)
        destination = mysql_destination(login, name, key=case.key)
        async with destination.session(told_job(destination, told)) as session:
            outcomes = [await outcome_of(session.deliver(batch_in(b))) for b in told["batches"]]
        outcomes = json.loads(json.dumps(outcomes).replace(name, "{db}"))
        cursor.execute(told["query"])
        rows = cursor.fetchall()
        cursor.execute(f"DROP DATABASE {name}")
    assert outcomes == [expected(b) for b in told["batches"]]
    assert [exact_json(row) for (row,) in rows] == told["holds"]


def mysql_destination(login: Mapping[str, Any], database: str, *, key: str = "mysql", **changes: Any) -> Destination:
    """The MySQL destination for a database of the test server."""
    config = {**login, "database": database, "sslmode": "disable", **changes}
    return destination_of(key, config, Environment(outbound_allow=(f"{login['host']}:{login['port']}",)))


async def play_sqlserver(case: Case, ground: Ground) -> None:
    """As :func:`play_table`, before a stand-in of SQL Server; queries are the engine's behind it."""
    told = case.told
    with tds_server.a_server(ground.folder, told["tables"]) as stand:
        destination = sqlserver_destination(stand)
        settings = {**told.get("settings", {}), "table": f"dbo.{told['table']}"}
        async with destination.session(told_job(destination, {**told, "settings": settings})) as session:
            outcomes = [await outcome_of(session.deliver(batch_in(b))) for b in told["batches"]]
        rows = stand.warehouse.duck.execute(f"SELECT to_json(t)::text FROM ({told['query']}) t").fetchall()
    assert outcomes == [expected(b) for b in told["batches"]]
    assert [exact_json(row) for (row,) in rows] == told["holds"]


def sqlserver_destination(stand: tds_server.Stand, **changes: Any) -> Destination:
    """The SQL Server destination for a stand-in."""
    config = {name: value for name, value in tds_server.settings(stand).items() if name != "schema"}
    return destination_of("sqlserver", {**config, **changes}, Environment(outbound_allow=("*",)))


async def play_files(case: Case, ground: Ground) -> None:
    """Write a run into a folder; compare every file in it."""
    environment = Environment(local_roots=(str(ground.folder),))
    destination = destination_of(case.key, {"folder": "out"}, environment)
    await _write(destination, case)
    root = ground.folder / "out"
    found = {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}
    assert {name: _content(name, data) for name, data in found.items()} == case.told["files"]


async def play_sftp(case: Case, ground: Ground) -> None:
    """Write a run onto a real OpenSSH server; compare every file there."""
    if MISSING:
        pytest.skip(MISSING)
    home = ground.folder / "home"
    home.mkdir()
    key = asyncssh.generate_private_key("ssh-ed25519")
    with running_sshd(ground.folder) as server:
        server.admit(key.export_public_key().decode().strip())
        config = {"host": server.host, "port": server.port, "user": server.user, "login": "key"}
        config |= {"private_key": key.export_private_key().decode(), "host_key": server.host_key}
        config |= {"folder": str(home), "temporary_folder": str(ground.folder)}
        destination = destination_of("sftp", config, Environment(outbound_allow=("*",)))
        await destination.check()
        await _write(destination, case)
        await _write(destination, case)  # what is there is replaced
    found = {str(p.relative_to(home)): p.read_bytes() for p in sorted(home.rglob("*")) if p.is_file()}
    assert {name: _content(name, data) for name, data in found.items()} == case.told["files"]
    assert not list(ground.folder.glob(".*.part"))


async def play_objects(case: Case, ground: Ground) -> None:
    """Write a run into a bucket; compare every object in it."""
    bucket = f"case-{case.name.replace('_', '-')}"
    store = store_client(ground.store_url)
    store.create_bucket(Bucket=bucket)
    await _write(store_destination(ground.store_url, bucket), case)
    keys = [o["Key"] for o in store.list_objects_v2(Bucket=bucket).get("Contents", ())]
    found = {key: store.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}
    assert {name: _content(name, data) for name, data in found.items()} == case.told["files"]


def store_client(url: str) -> Any:
    """A plain client of the test store, to look from outside."""
    return boto3.client(
        "s3",
        endpoint_url=url,
        aws_access_key_id="AKIATEST",
        aws_secret_access_key="test-secret",
        region_name="us-east-1",
    )


def store_destination(url: str, bucket: str, **changes: Any) -> Destination:
    """The S3 destination for the test store."""
    config = {
        "bucket": bucket,
        "endpoint": url,
        "path_style": True,
        "access_key_id": "AKIATEST",
        "secret_access_key": "test-secret",
        **changes,
    }
    return destination_of("s3", config, Environment(outbound_allow=(urlsplit(url).netloc,)))


async def _write(destination: Destination, case: Case) -> None:
    told = case.told
    rows = {operation: rows_in({**told, "rows": rows}) for operation, rows in told["streams"].items()}
    job = job_for(destination.definition, told["settings"], mode=Mode(told["mode"]))
    destination.validate(job)
    await destination.write(job, Streams(piece=2, **rows))


def _content(name: str, data: bytes) -> Any:
    if name.endswith(".gz"):
        data, name = gzip.decompress(data), name.removesuffix(".gz")
    if name.endswith(".parquet"):
        table = pq.read_table(io.BytesIO(data))
        return {
            "types": [str(t) for t in table.schema.types],
            "rows": [[str(v) for v in r.values()] for r in table.to_pylist()],
        }
    return data.decode()


async def outcome_of(delivering: Awaitable[Any]) -> Any:
    """Row results, or what was raised, in the words of a case."""
    try:
        return told_results(await delivering)
    except ConnectorError as error:
        return {"raises": error.code, "message": error.message}


def expected(told: Mapping[str, Any]) -> Any:
    """What a case tells of the outcome."""
    return told["raises"] if "raises" in told else told["results"]


Driver = Callable[[Case, Ground], Awaitable[None]]

DRIVERS: Mapping[str, Driver] = {
    "http_request": play_http,
    "local_files": play_files,
    "mysql": play_mysql,
    "planetscale": play_mysql,
    "postgres": play_table,
    "s3": play_objects,
    "sftp": play_sftp,
    "sqlserver": play_sqlserver,
}
