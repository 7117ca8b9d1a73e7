"""Elasticsearch: rows become documents of an index, by the bulk API."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar
from urllib.parse import quote

from connectors.sdk.destination import (
    ACCEPTED,
    DestinationDefinition,
    DestinationField,
    Job,
    Limits,
    Mode,
    Removal,
    RowResult,
    Shape,
    SyncType,
    rejected,
)
from connectors.sdk.errors import BatchRejected, ConfigError, RateLimited
from connectors.sdk.fields import SPLIT_RETRY, Field, Number, Select, Text, When
from connectors.sdk.liquid import liquid_text
from connectors.sdk.modes import update, upsert
from connectors.sdk.rest import (
    Api,
    Basic,
    Either,
    KeyHeader,
    Line,
    Record,
    RestDestination,
    Results,
    Work,
    Writer,
)
from connectors.sdk.rest.work import NO_MATCH, NOTHING_TO_REMOVE
from connectors.sdk.rows import dumps
from connectors.sdk.types import Choice, ColumnType, Operation, Verification

ID = "_id"
_NDJSON = "application/x-ndjson"
_SEARCHED = 100  # values in one search
BATCH, PARALLEL = 1_000, 2
_TYPES = {
    **dict.fromkeys(("long", "integer", "short", "byte", "double", "float", "half_float", "scaled_float"), "number"),
    **dict.fromkeys(("unsigned_long",), "number"),
    **dict.fromkeys(("text", "keyword", "ip", "version", "wildcard", "constant_keyword"), "string"),
    **dict.fromkeys(("object", "nested", "flattened", "geo_point", "geo_shape"), "object"),
    "boolean": "boolean",
    "date": "timestamp",
}


def cloud_address(cloud_id: str) -> str:
    """The address that a Cloud ID names: “name:” and, in base64, “domain$cluster$…”."""
    try:
        domain, cluster = base64.b64decode(cloud_id.partition(":")[2]).decode().split("$")[:2]
    except (binascii.Error, ValueError) as error:
        raise ConfigError("This is not a Cloud ID.", field="cloud_id") from error
    host, _, port = domain.partition(":")
    return f"https://{cluster}.{host}" + (f":{port}" if port not in ("", "443") else "")


def server_address(config: Mapping[str, Any]) -> str:
    """The address of a server by protocol, host and port."""
    host = str(config.get("host") or "").strip().removeprefix("https://").removeprefix("http://").rstrip("/")
    return f"{config.get('protocol') or 'https'}://{host}:{int(config.get('port') or 9200)}"


def _base(config: Mapping[str, Any]) -> str:
    return cloud_address(str(config.get("cloud_id") or "")) if config.get("at") == "cloud" else server_address(config)


BASIC = Basic(
    user=Text(name="user", label="User"),
    password=Text(name="password", label="Password", secret=True),
)
SERVER: tuple[Field, ...] = (
    Select(
        name="protocol",
        label="Protocol",
        default="https",
        choices=(Choice("https", "HTTPS"), Choice("http", "HTTP", "Only on a network that you trust.")),
    ),
    Text(name="host", label="Host", placeholder="search.example.com", max_length=253),
    Number(name="port", label="Port", default=9200, minimum=1, maximum=65_535),
)
API = Api(
    base=_base,
    sign_in=Either(
        ways={
            "key": (
                Choice("key", "API key", "Made under Stack Management → API keys, encoded."),
                KeyHeader(key=Text(name="api_key", label="API key", secret=True), prefix="ApiKey "),
            ),
            "basic": (Choice("basic", "User and password"), BASIC),
        }
    ),
    test=("GET", "_cat/indices?format=json&h=index"),
)


async def write_documents(work: Work) -> Results:
    """Documents whose ID is known in one request; others are looked for first."""
    results: list[RowResult] = [ACCEPTED] * len(work)
    actions: list[tuple[int, list[Any]]] = []
    places: dict[str, int] = {}
    for place, record in enumerate(work.records):
        if record.get(work.match) in (None, ""):
            results[place] = rejected(f"{work.match} is empty, so no document can match.", field=work.match)
        else:
            places[liquid_text(record[work.match])] = place  # of rows with the same match the last one counts
    found = {} if work.match == ID else await _found(work, list(places))
    for value, place in places.items():
        ids: Sequence[str] = [value] if work.match == ID else found.get(value, ())
        if len(ids) > 1:
            results[place] = rejected(f"{len(ids)} documents have this {work.match}; one is needed.", field=work.match)
        elif action := _action(work, work.records[place], ids[0] if ids else ""):
            actions.append((place, action))
        else:
            results[place] = NOTHING_TO_REMOVE if work.removing else NO_MATCH
    if actions:
        for (place, _), result in zip(actions, await _bulk(work, [a for _, a in actions]), strict=True):
            results[place] = result
    return results


def _action(work: Work, record: Record, found: str) -> list[Any]:
    """The lines of one document; nothing where there is nothing to do."""
    about = {ID: found} if found else {}
    document = {name: value for name, value in record.items() if name != ID}
    if work.removing:
        return [{"delete": about}] if found else []
    if work.operation is Operation.REMOVED:
        cleared = {f.name: None for f in work.job.fields if f.name not in (ID, work.match)}
        return [{"update": about}, {"doc": cleared}] if found else []
    if work.job.mode is Mode.UPDATE:
        return [{"update": about}, {"doc": document}] if found else []
    if found:
        return [{"update": about}, {"doc": document, "doc_as_upsert": True}]
    return [{"index": {}}, document]


async def _bulk(work: Work, actions: Sequence[Sequence[Any]]) -> list[RowResult]:
    body = b"".join(dumps(line) + b"\n" for action in actions for line in action)
    # What is written is found by the next batch, where documents are looked for.
    query = {} if work.match == ID else {"refresh": "wait_for"}
    path = _path(work, "_bulk")
    answer = await work.line.send("POST", path, body=body, content_type=_NDJSON, query=query, takes=(413,))
    if answer.status == 413:
        raise BatchRejected("The request is larger than the server takes.")
    items = [next(iter(item.values())) for item in answer.json()["items"]]
    if items and all(item.get("status") == 429 for item in items):
        raise RateLimited(_words(items[0]))
    return [_result(work, item) for item in items]


def _result(work: Work, item: Mapping[str, Any]) -> RowResult:
    status = int(item["status"])
    missing = "error" not in item or item["error"].get("type") == "document_missing_exception"
    if status == 404 and (work.removing or missing):
        return NOTHING_TO_REMOVE if work.removing else NO_MATCH
    if status < 300:
        return ACCEPTED
    code = str(item.get("error", {}).get("type") or status)
    return rejected(_words(item), code=code, passing=status in (429, 503))


def _words(item: Mapping[str, Any]) -> str:
    error = item.get("error") or {}
    cause = error.get("caused_by") or {}
    return " ".join(str(part) for part in (error.get("reason"), cause.get("reason")) if part) or f"{item['status']}"


async def _found(work: Work, values: Sequence[str]) -> dict[str, list[str]]:
    """The IDs of documents by the value of the field that matches."""
    found: dict[str, list[str]] = {}
    name = await _exact(work.line, work, work.match)
    wanted = {liquid_text(record[work.match]): record[work.match] for record in work.records if work.match in record}
    for start in range(0, len(values), _SEARCHED):
        some = values[start : start + _SEARCHED]
        lines: list[Any] = []
        for value in some:
            lines += [{}, {"query": {"term": {name: wanted[value]}}, "size": 2, "_source": False}]
        body = b"".join(dumps(line) + b"\n" for line in lines)
        answer = await work.line.send("POST", _path(work, "_msearch"), body=body, content_type=_NDJSON)
        for value, told in zip(some, answer.json()["responses"], strict=True):
            if "error" in told:
                raise ConfigError(_words({**told, "status": told.get("status", 400)}), field="identifiers")
            found[value] = [hit[ID] for hit in told["hits"]["hits"]]
    return found


async def _exact(line: Line, work: Work, name: str) -> str:
    """The field in which whole values are found: text is analysed, its keyword beside it is not."""
    if "exact" not in work.memo:
        known = await _mapping(line, str(work.settings["index"]))
        about = known.get(name, {})
        keyword = next((k for k, v in about.get("fields", {}).items() if v.get("type") == "keyword"), "")
        work.memo["exact"] = f"{name}.{keyword}" if about.get("type") == "text" and keyword else name
    return str(work.memo["exact"])


async def _mapping(line: Line, index: str) -> dict[str, Any]:
    """The fields of an index by name, those inside objects with dots."""
    answer = await line.get(f"{quote(index, safe='')}/_mapping")
    found: dict[str, Any] = {}
    for about in answer.values():
        found.update(_flat(about.get("mappings", {}).get("properties", {})))
    return found


def _flat(properties: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, about in properties.items():
        found[prefix + name] = about
        found.update(_flat(about.get("properties", {}), f"{prefix}{name}."))
    return found


def _path(work: Work, action: str) -> str:
    return f"{quote(str(work.settings['index']), safe='')}/{action}"


def documents_sync_type() -> SyncType:
    """Rows as documents of an index."""
    return SyncType(
        key="documents",
        name="Documents",
        description="Rows of a model become documents of an index, matched by their ID or by another field.",
        modes=(
            upsert(Removal.CLEAR, Removal.DELETE, noun="documents"),
            update(Removal.CLEAR, Removal.DELETE, noun="documents"),
        ),
        settings=(
            Select(
                name="index", label="Index", help="An index, or an alias with one that is written.", discover="indices"
            ),
            Number(
                name="batch_size",
                label="Rows in a batch",
                help="Fewer where the cluster refuses requests as too large, or without saying why.",
                default=BATCH,
                minimum=1,
                maximum=10_000,
                unit="rows",
                group="Load",
            ),
            Number(
                name="parallel",
                label="Batches at once",
                default=PARALLEL,
                minimum=1,
                maximum=16,
                group="Load",
            ),
            SPLIT_RETRY,
        ),
        limits=Limits(batch_rows=BATCH, batch_bytes=10_000_000, concurrency=PARALLEL),
        custom_fields=True,
        split_retry=True,
    )


class SearchDestination(RestDestination):
    """A cluster with indices; its members differ in how they are reached."""

    writers: ClassVar[Mapping[str, Writer]] = {"documents": write_documents}

    def limits(self, job: Job, operation: Operation | None = None) -> Limits:
        """As the person set them."""
        rows, parallel = (int(job.settings.get(name) or 0) for name in ("batch_size", "parallel"))
        return replace(super().limits(job), batch_rows=rows or BATCH, concurrency=parallel or PARALLEL)

    async def indices(self) -> Sequence[Choice]:
        """Indices and aliases that can be written to, for the picker."""
        async with self.line() as line:
            found = await line.get("_cat/indices", {"format": "json", "h": "index,docs.count"})
            aliases = await line.get("_cat/aliases", {"format": "json", "h": "alias"})
        names = {str(i["index"]): f"{i['docs.count'] or 0} documents" for i in found}
        names |= {str(a["alias"]): "alias" for a in aliases}
        return [Choice(name, name, about) for name, about in sorted(names.items()) if not name.startswith(".")]

    async def fields(self, sync_type: str, settings: Mapping[str, Any]) -> Sequence[DestinationField]:
        if not settings.get("index"):
            return ()
        async with self.line() as line:
            known = await _mapping(line, str(settings["index"]))
        about = "The document's own ID: matching by it is fastest."
        return [
            DestinationField(
                name=ID, label="ID", type=ColumnType.STRING, identifier=True, recommended=True, description=about
            ),
            *(_field(name, str(told.get("type") or "object")) for name, told in known.items()),
        ]


def _field(name: str, kind: str) -> DestinationField:
    shown = ColumnType(_TYPES.get(kind, "unknown"))
    matches = shown in (ColumnType.STRING, ColumnType.NUMBER, ColumnType.BOOLEAN, ColumnType.TIMESTAMP)
    shape = Shape.ARRAY if kind == "nested" else Shape.OBJECT
    return DestinationField(name=name, type=shown, native_type=kind, identifier=matches, shape=shape)


class ElasticsearchDestination(SearchDestination):
    """The indices of one cluster of Elasticsearch."""

    api = API
    definition = DestinationDefinition(
        key="elasticsearch",
        name="Elasticsearch",
        category="Databases",
        summary="Keep the documents of an index in step with a model.",
        docs_url="docs/destinations/elasticsearch.md",
        fields=(
            Select(
                name="at",
                label="Where it runs",
                default="cloud",
                style="cards",
                choices=(Choice("cloud", "Elastic Cloud"), Choice("server", "Your own server")),
            ),
            Text(
                name="cloud_id",
                label="Cloud ID",
                help="Shown on the deployment's page.",
                when=When(field="at", values=("cloud",)),
            ),
            *(replace(f, when=When(field="at", values=("server",))) for f in SERVER),
            *API.sign_in.fields,
        ),
        verification=Verification.DOCS,
        sync_types=(documents_sync_type(),),
    )
