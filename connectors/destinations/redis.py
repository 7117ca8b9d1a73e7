"""Redis: rows become keys, or members of sorted sets and places."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from connectors.sdk.destination import (
    ACCEPTED,
    Batch,
    Destination,
    DestinationDefinition,
    DestinationField,
    Job,
    Limits,
    Mode,
    Removal,
    RowResult,
    SyncType,
    rejected,
)
from connectors.sdk.errors import ConfigError
from connectors.sdk.fields import TUNNEL, Field, KeyValues, Number, Select, Text, Toggle, When
from connectors.sdk.liquid import liquid_text
from connectors.sdk.modes import update, upsert
from connectors.sdk.redis import Server, check_answer, opened, typed
from connectors.sdk.rest.fields import field, fields
from connectors.sdk.rest.work import NO_MATCH
from connectors.sdk.rows import json_rows
from connectors.sdk.server_settings import authority
from connectors.sdk.tables import outcome, traced
from connectors.sdk.types import Choice, Operation, Verification

_KEY = field("key", "Key", identifier=True, required=True)
_PLACE = fields(field("longitude", required=True, kind="number"), field("latitude", required=True, kind="number"))
_VALUES: Mapping[str, tuple[DestinationField, ...]] = {
    "set": fields(field("value", required=True)),
    "hset": (),
    "sadd": fields(field("value", required=True, kind="any")),
    "keys/geoadd": (field("member", required=True), *_PLACE),
    "zadd": fields(field("score", required=True, kind="number")),
    "members/geoadd": _PLACE,
}
_KEYS = SyncType(
    key="keys",
    name="Keys",
    description="Rows of a model become keys.",
    modes=(upsert(Removal.CLEAR, Removal.DELETE, noun="keys"), update(Removal.CLEAR, Removal.DELETE, noun="keys")),
    settings=(
        Select(
            name="command",
            label="Kind of value",
            default="set",
            style="cards",
            choices=(
                Choice("set", "Text (SET)", "One value a key."),
                Choice("hset", "Hash (HSET)", "Any fields a key."),
                Choice("sadd", "Set (SADD)", "A value is added to a key's set, or several from an array."),
                Choice("geoadd", "Places (GEOADD)", "A member is added to a key's places."),
            ),
        ),
        Number(
            name="ttl",
            label="Time to live",
            help="Keys are forgotten so long after they were last written. Left out, they stay.",
            required=False,
            minimum=1,
            maximum=2_147_483_647,
            unit="seconds",
        ),
    ),
    limits=Limits(batch_rows=1_000, concurrency=2),
    custom_fields=True,
)
_MEMBERS = SyncType(
    key="members",
    name="Members",
    description="Rows of a model become members of one sorted set, or of one key with places.",
    modes=(upsert(Removal.DELETE, noun="members"), update(Removal.DELETE, noun="members")),
    settings=(
        Text(name="set_key", label="Key", help="The key whose members the rows are.", max_length=500),
        Select(
            name="command",
            label="Kind of key",
            default="zadd",
            style="cards",
            choices=(
                Choice("zadd", "Sorted set (ZADD)", "Members with a score."),
                Choice("geoadd", "Places (GEOADD)", "Members with longitude and latitude."),
            ),
        ),
    ),
    limits=Limits(batch_rows=1_000, concurrency=2),
)
_FIELDS: tuple[Field, ...] = (
    Text(name="host", label="Host", placeholder="redis.example.com", max_length=253),
    Number(name="port", label="Port", default=6379, minimum=1, maximum=65_535),
    Toggle(name="cluster", label="Cluster", help="The host is one of its nodes, which names the others."),
    Number(
        name="database",
        label="Database",
        default=0,
        minimum=0,
        maximum=10_000,
        when=When(field="cluster", values=(False,)),
    ),
    KeyValues(
        name="nodes",
        label="Addresses of nodes",
        help="Where nodes are reached, by what the cluster calls them: 10.0.0.5:6379 → nat.example.com:7001. "
        "Those left out are called as they are named.",
        when=When(field="cluster", values=(True,)),
    ),
    Text(name="user", label="User", help="Left out, the default user.", required=False),
    Text(name="password", label="Password", required=False, secret=True),
    Toggle(name="tls", label="Encrypt with TLS", help="And check the server's certificate.", group="Security"),
    authority(When(field="tls", values=(True,))),
    TUNNEL,
)


class RedisDestination(Destination):
    """One database of a server, or a cluster."""

    definition = DestinationDefinition(
        key="redis",
        name="Redis",
        category="Databases",
        summary="Keep keys, hashes, sets, sorted sets and places in step with a model.",
        docs_url="docs/destinations/redis.md",
        fields=_FIELDS,
        verification=Verification.SERVER,
        sync_types=(_KEYS, _MEMBERS),
    )

    async def check(self) -> None:
        """PING, which every user may."""
        async with self._client(10.0) as client:
            with typed():
                await client.execute_command("PING")

    async def fields(self, sync_type: str, settings: Mapping[str, Any]) -> Sequence[DestinationField]:
        command = str(settings.get("command") or "")
        known = _VALUES.get(f"{sync_type}/{command}", _VALUES.get(command, ()))
        return (_KEY if sync_type == "keys" else field("member", identifier=True, required=True), *known)

    def validate(self, job: Job) -> None:
        command = job.settings.get("command")
        if job.mode == Mode.UPDATE and command in ("sadd", "geoadd"):
            raise ConfigError("Sets and places are only added to: choose upsert.", field="command")
        known = {f.name for f in job.fields}
        wanted = _VALUES.get(f"{job.sync_type}/{command}", _VALUES.get(str(command), ()))
        if missing := [f.label for f in wanted if f.name not in known]:
            raise ConfigError(f"Map {' and '.join(missing)}.", field="mapping")

    @asynccontextmanager
    async def session(self, job: Job) -> AsyncIterator[RedisSession]:
        async with self._client(self.limits(job).timeout_s) as client:
            yield RedisSession(client, job)

    def _client(self, timeout_s: float) -> AbstractAsyncContextManager[Any]:
        return opened(_server(self.config), self.environment, timeout_s)


def _server(config: Mapping[str, Any]) -> Server:
    cluster = bool(config.get("cluster"))
    return Server(
        host=str(config.get("host") or "").strip(),
        port=int(config.get("port") or 6379),
        database=0 if cluster else int(config.get("database") or 0),
        user=str(config.get("user") or ""),
        password=str(config.get("password") or ""),
        encrypted=bool(config.get("tls")),
        authority=str(config.get("ca") or ""),
        cluster=cluster,
        nodes={_place(row["name"]): _place(row["value"]) for row in config.get("nodes") or ()} if cluster else {},
    )


def _place(told: str) -> tuple[str, int]:
    """A node's host and port."""
    host, _, port = told.strip().rpartition(":")
    if not host or not port.isdigit():
        raise ConfigError(f"“{told}” is no node.", field="nodes", hint="Write host:port on both sides.")
    return host.strip("[]"), int(port)


Command = tuple[Any, ...]


class RedisSession:
    """One part's line to the server: a pipeline a batch."""

    def __init__(self, client: Any, job: Job) -> None:
        self._client = client
        self._job = job
        self._command = str(job.settings["command"])
        self._ttl = int(job.settings.get("ttl") or 0)
        self._name = "key" if job.sync_type == "keys" else "member"

    async def deliver(self, batch: Batch) -> Sequence[RowResult]:
        """Write a batch; an answer for each row."""
        results: list[RowResult] = [ACCEPTED] * len(batch)
        rows: dict[int, dict[str, Any]] = {}
        for place, record in enumerate(json_rows(batch.rows)):
            if missing := self._missing(record, batch.operation):
                results[place] = rejected(f"“{missing}” is empty.", field=missing)
            else:
                rows[place] = record
        with traced(self._command.upper(), str(self._job.settings.get("set_key") or "keys")) as told:
            if self._job.mode == Mode.UPDATE and batch.operation != Operation.REMOVED:
                known = await self._run({place: [self._known(record)] for place, record in rows.items()})
                for place in [p for p, answers in known.items() if answers[0] in (0, None)]:
                    results[place] = NO_MATCH
                    del rows[place]
            sent = {place: self._commands(record, batch) for place, record in rows.items()}
            for place, answers in (await self._run(sent)).items():
                if wrong := next((a for a in answers if isinstance(a, Exception)), None):
                    results[place] = rejected(str(wrong))
            told.answer = outcome(results)
        return results

    def _missing(self, record: Mapping[str, Any], operation: Operation) -> str:
        wanted = _VALUES.get(f"{self._job.sync_type}/{self._command}", _VALUES.get(self._command, ()))
        names = [self._name, *(f.name for f in wanted if operation != Operation.REMOVED)]
        return next((name for name in names if record.get(name) in (None, "", []) and name in record), "")

    def _known(self, record: Mapping[str, Any]) -> Command:
        if self._job.sync_type == "members":
            return ("ZSCORE", self._job.settings["set_key"], liquid_text(record["member"]))
        return ("EXISTS", liquid_text(record["key"]))

    def _commands(self, record: Mapping[str, Any], batch: Batch) -> list[Command]:
        if self._job.sync_type == "members":
            return [self._of_member(str(self._job.settings["set_key"]), record, batch.operation)]
        key = liquid_text(record["key"])
        if batch.operation == Operation.REMOVED:
            return [self._emptied(key)] if self._job.removal == Removal.CLEAR else [("DEL", key)]
        found = self._written(key, record, batch)
        return [*found, ("EXPIRE", key, self._ttl)] if self._ttl else found

    def _written(self, key: str, record: Mapping[str, Any], batch: Batch) -> list[Command]:
        if self._command == "set":
            return [("SET", key, liquid_text(record["value"]))]
        if self._command == "sadd":
            value = record["value"]
            return [("SADD", key, *(map(liquid_text, value) if isinstance(value, list) else [liquid_text(value)]))]
        if self._command == "geoadd":
            return [self._of_member(key, record, batch.operation)]
        values = {n: v for n, v in record.items() if n != "key"}
        filled = [part for n, v in values.items() if v is not None for part in (n, liquid_text(v))]
        emptied = [n for n, v in values.items() if v is None and n not in batch.omit_nulls]
        return [*([("HSET", key, *filled)] if filled else []), *([("HDEL", key, *emptied)] if emptied else [])]

    def _of_member(self, key: str, record: Mapping[str, Any], operation: Operation) -> Command:
        member = liquid_text(record["member"])
        if operation == Operation.REMOVED:
            return ("ZREM", key, member)
        if self._command == "zadd":
            return ("ZADD", key, liquid_text(record["score"]), member)
        return ("GEOADD", key, liquid_text(record["longitude"]), liquid_text(record["latitude"]), member)

    def _emptied(self, key: str) -> Command:
        """What keeps a key and empties it; sets that are empty do not exist."""
        if self._command == "hset":
            return ("HDEL", key, *(f.name for f in self._job.fields if f.name != "key"))
        return ("SET", key, "", "XX") if self._command == "set" else ("DEL", key)

    async def _run(self, commands: Mapping[int, Sequence[Command]]) -> dict[int, list[Any]]:
        """All commands in one pipeline; the answers by row."""
        if not commands:
            return {}
        with typed():
            async with self._client.pipeline(transaction=False) as pipe:
                for some in commands.values():
                    for command in some:
                        pipe.execute_command(*command)
                answers = iter(await pipe.execute(raise_on_error=False))
        found = {place: [next(answers) for _ in some] for place, some in commands.items()}
        for answer in (a for some in found.values() for a in some):
            check_answer(answer)
        return found
