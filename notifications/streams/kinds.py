"""The kinds of places that an audit log is streamed to: one declaration each."""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

import orjson

from config.errors import NotFound
from connectors.access import environment
from connectors.registry import destination_class
from connectors.sdk.errors import ConfigError
from connectors.sdk.fields import Field, Text
from connectors.sdk.files import FileStore
from connectors.sdk.net import Request
from connectors.sdk.net.client import parse_url
from connectors.sdk.planner import AUDIT_SCHEMA
from governance.audit.models import AuditEntry
from governance.log.exporting import entry_json, plain
from notifications.channels.base import TIMEOUT_S, post
from notifications.signing import signature_headers
from notifications.streams import warehouse
from notifications.streams.waiting import MOST, WRITE_EVERY, waits

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Batch:
    """Entries that follow each other in the chain."""

    stream_id: int
    organization_id: int
    entries: Sequence[AuditEntry]

    @property
    def first(self) -> int:
        """The place of the first one in the chain."""
        return self.entries[0].sequence or 0

    @property
    def last(self) -> int:
        """The place of the last one."""
        return self.entries[-1].sequence or 0

    @property
    def checkpoint(self) -> str:
        """Where the chain was at the last one."""
        return f"{self.last}:{bytes(self.entries[-1].link or b'').hex()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamKind:
    """One kind of place. ``deliver`` raises ``ConnectorError``; ``waits`` is how long few entries wait for more."""

    key: str
    name: str
    icon: str
    about: str
    most: int
    fields: Callable[[], tuple[Field, ...]]
    deliver: Callable[[Values, Batch], None]
    check: Callable[[Values], None]
    target: Callable[[Values], str]
    waits: Callable[[Values], timedelta]


def stream_kind(key: str) -> StreamKind:
    """The kind of this key."""
    if key not in KINDS:
        raise NotFound(f"There is no kind of audit stream called “{key}”.")
    return KINDS[key]


def _webhook_fields() -> tuple[Field, ...]:
    return (
        Text(
            name="endpoint",
            label="Address",
            pattern=r"https?://\S+",
            pattern_hint="an address that begins with https://",
            placeholder="https://siem.example.com/headrace",
        ),
        Text(
            name="signing_secret",
            label="Signing secret",
            secret=True,
            pattern=r"\S{24,200}",
            pattern_hint="at least 24 characters without spaces",
            help="Signs each request (Standard Webhooks). A value that begins with whsec_ is read as base 64.",
        ),
    )


def _send_webhook(values: Values, batch: Batch) -> None:
    body = {
        "type": "audit.entries",
        "timestamp": batch.entries[-1].at.isoformat(),
        "data": {
            "organizationId": str(batch.organization_id),
            "checkpoint": batch.checkpoint,
            "entries": [plain(entry_json(entry)) for entry in batch.entries],
        },
    }
    _post(values, f"audit-{batch.stream_id}-{batch.first}-{batch.last}", body)


def _test_webhook(values: Values) -> None:
    body = {"type": "audit.test", "timestamp": None, "data": {"message": "This is a test from Headrace."}}
    _post(values, f"audit-test-{time.time_ns()}", body)


def _post(values: Values, message_id: str, said: Mapping[str, Any]) -> None:
    secret, body = values["signing_secret"], orjson.dumps(said)
    headers = {
        "Content-Type": "application/json",
        **signature_headers([secret], message_id, int(time.time()), body),
    }
    request = Request("POST", values["endpoint"], headers, body, TIMEOUT_S)
    post(request, secrets=(secret,), judge=lambda response: "")


def _webhook_target(values: Values) -> str:
    try:
        return parse_url(values["endpoint"]).authority
    except ConfigError as error:
        raise ConfigError(error.message, field="endpoint", hint=error.hint) from None


_FILES = (
    Text(
        name="audit_prefix",
        label="Folder in it",
        default="audit",
        pattern=r"[A-Za-z0-9._/-]{1,200}",
        pattern_hint="letters, digits, dots, dashes and slashes",
        help="Files are FOLDER/YYYY/MM/DD/FIRST-LAST.jsonl.gz, named by places in the chain.",
    ),
    WRITE_EVERY,
)


@cache
def _file_fields(connector: str) -> tuple[Field, ...]:
    return (*destination_class(connector).definition.fields, *_FILES)


def _send_file(connector: str) -> Callable[[Values, Batch], None]:
    def send(values: Values, batch: Batch) -> None:
        lines = b"".join(orjson.dumps(plain(entry_json(entry))) + b"\n" for entry in batch.entries)
        prefix = str(values["audit_prefix"]).strip("/")
        path = f"{prefix}/{batch.entries[0].at:%Y/%m/%d}/{batch.first:012}-{batch.last:012}.jsonl.gz"
        if ".." in path.split("/"):
            raise ConfigError("The folder leads out of its place.", field="audit_prefix")
        asyncio.run(_store(connector, values).put(path, gzip.compress(lines, mtime=0)))

    return send


def _check_file(connector: str) -> Callable[[Values], None]:
    def check(values: Values) -> None:
        asyncio.run(_store(connector, values).check())

    return check


def _store(connector: str, values: Values) -> FileStore:
    store = destination_class(connector)(dict(values), environment())
    assert isinstance(store, FileStore)
    return store


KINDS: Mapping[str, StreamKind] = {
    kind.key: kind
    for kind in (
        StreamKind(
            key="webhook",
            name="Webhook",
            icon="webhook",
            about="Signed JSON documents of up to 100 entries, within seconds: for a SIEM or log collector.",
            most=100,
            fields=_webhook_fields,
            deliver=_send_webhook,
            check=_test_webhook,
            target=_webhook_target,
            waits=lambda values: timedelta(0),
        ),
        StreamKind(
            key="s3",
            name="Amazon S3",
            icon="archive",
            about="Compressed JSON lines in a bucket of Amazon S3 or a compatible store.",
            most=MOST,
            fields=lambda: _file_fields("s3"),
            deliver=_send_file("s3"),
            check=_check_file("s3"),
            target=lambda values: str(values.get("bucket", "")),
            waits=waits,
        ),
        StreamKind(
            key="local_files",
            name="Local files",
            icon="folder",
            about="Compressed JSON lines in a folder on the machine that runs Headrace.",
            most=MOST,
            fields=lambda: _file_fields("local_files"),
            deliver=_send_file("local_files"),
            check=_check_file("local_files"),
            target=lambda values: str(values.get("folder", "")),
            waits=waits,
        ),
        StreamKind(
            key="warehouse",
            name="Warehouse",
            icon="database",
            about=f"A table, {AUDIT_SCHEMA}.{warehouse.TABLE}, in a source that Headrace may write into.",
            most=MOST,
            fields=warehouse.fields,
            deliver=lambda values, batch: warehouse.append(values, batch.organization_id, batch.entries),
            check=warehouse.check,
            target=warehouse.target,
            waits=waits,
        ),
    )
}
