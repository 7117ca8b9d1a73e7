"""What only the other system knows: whether it lets us in, its tables, fields and pickers.

These functions call other systems and may take seconds: never inside a
transaction. Fields and picker choices are remembered for a quarter of an hour,
per connection and exact settings.
"""

from __future__ import annotations

import asyncio
import hashlib
import inspect
import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeVar

from django.core.cache import cache

from config.errors import HeadraceError, Invalid
from connectors import access, secrets
from connectors.models import Connection, Destination, Source
from connectors.sdk.destination import DestinationField, SyncType
from connectors.sdk.errors import ConfigError, ConnectorError
from connectors.sdk.fields import Asked, Field, Listed, Section, Select, with_asked
from connectors.sdk.planner import warehouse_of
from connectors.sdk.types import Choice, Column, ColumnType, Table
from connectors.sdk.waiting import answered

logger = logging.getLogger(__name__)
T = TypeVar("T")
REMEMBER_SECONDS = 900
MAX_TABLES = 20_000
# Beyond this many tables, columns are read when a table is opened.
EAGER_TABLES = 300


@dataclass(frozen=True, slots=True)
class CheckOutcome:
    """What a connection test found, in the other side's words, free of credentials."""

    ok: bool
    message: str
    hint: str = ""
    code: str = ""
    field: str = ""
    seconds: float = 0.0


class RemoteError(HeadraceError):
    """The other system could not answer."""

    code = "connector_error"
    status = 502


@dataclass(frozen=True, slots=True)
class TableRead:
    """A table as just read; ``columns`` is ``None`` where they were left for later."""

    table: Table
    columns: tuple[Column, ...] | None


def check(connection: Connection) -> CheckOutcome:
    """Test a connection; never raises, whatever the connector does."""
    return _outcome(connection, _checked, "Connected.")


def check_write(source: Source) -> CheckOutcome:
    """Test whether Headrace may write into its own schemas in a source's warehouse; never raises."""
    return _outcome(
        source, lambda _: warehouse_of(access.open_source(source)).check_write(), "Both schemas can be written."
    )


def _outcome(connection: Connection, test: Callable[[Connection], None], passed: str) -> CheckOutcome:
    started = time.monotonic()
    try:
        test(connection)
    except ConnectorError as error:
        return _failed(connection, error, started)
    except HeadraceError as error:
        return CheckOutcome(False, error.message, error.hint, error.code, seconds=time.monotonic() - started)
    except Exception as error:  # a connector's own defect reads as a failed test, not as a broken page
        text = _words(connection, f"{type(error).__name__}: {error}")
        logger.error("check of %r failed unexpectedly: %s", connection, text)
        hint = "This is a defect in the connector, not in your settings: report it with these words."
        return CheckOutcome(False, text, hint, "unexpected_answer", seconds=time.monotonic() - started)
    return CheckOutcome(True, passed, seconds=time.monotonic() - started)


@dataclass(frozen=True, slots=True)
class TablesRead:
    """The tables of a source; ``left_out`` says in words what is missing among them."""

    tables: list[TableRead]
    left_out: str = ""


def read_tables(source: Source) -> TablesRead:
    """Every table of a source, with columns as long as there are not too many."""

    def read() -> TablesRead:
        opened = access.open_source(source)
        found = opened.tables()
        tables = found[:MAX_TABLES]
        eager = len(tables) <= EAGER_TABLES and opened.columns_are_cheap
        left_out = opened.left_out
        if len(found) > MAX_TABLES:
            left_out = f"There are more than {MAX_TABLES:,} tables: name others in SQL."
        return TablesRead([TableRead(t, tuple(opened.columns(t)) if eager else None) for t in tables], left_out)

    return told(source, read)


def read_columns(source: Source, table: Table) -> tuple[Column, ...]:
    """The columns of one table, from the source itself."""
    return told(source, lambda: tuple(access.open_source(source).columns(table)))


def destination_fields(
    destination: Destination, sync_type: str, settings: Mapping[str, Any], *, refresh: bool = False
) -> tuple[DestinationField, ...]:
    """The fields that rows can be mapped to, given a sync's settings."""

    def ask() -> list[dict[str, Any]]:
        found = asyncio.run(answered(access.open_destination(destination).fields(sync_type, settings)))
        return [asdict(f) for f in found]

    key = _key(destination, "fields", sync_type, settings)
    found = _remembered(key, refresh, lambda: told(destination, ask))
    return tuple(DestinationField(**{**f, "type": ColumnType(f["type"])}) for f in found)


def asked_settings(
    destination: Destination, kind: SyncType, settings: Mapping[str, Any], *, refresh: bool = False
) -> SyncType:
    """The sync type with the settings that only the connected system knows, given the others."""
    if not any(isinstance(declared, Asked) for declared in kind.settings):
        return kind

    def ask() -> list[Field]:
        return list(asyncio.run(answered(access.open_destination(destination).asked(kind.key, settings))))

    plain = {f.name: settings.get(f.name) for f in kind.settings if not isinstance(f, Asked)}
    found = _remembered(_key(destination, "asked", kind.key, plain), refresh, lambda: told(destination, ask))
    return replace(kind, settings=with_asked(kind.settings, found))


def choices(
    connection: Connection, declared: Listed, settings: Mapping[str, Any], *, refresh: bool = False
) -> tuple[Choice, ...]:
    """What a picker or text offers: the declared choices, or those the connected system lists.

    ``settings`` are the values chosen so far; the connector's method gets those
    that the picker depends on, as keyword arguments.
    """
    if not declared.discover:
        return declared.choices if isinstance(declared, Select) else ()
    wanted = {name: settings.get(name) for name in declared.depends}
    if declared.wait and any(value in (None, "") for value in wanted.values()):
        return ()

    def ask() -> list[dict[str, Any]]:
        found = getattr(access.open_connection(connection), declared.discover)(**wanted)
        return [asdict(c) for c in (asyncio.run(answered(found)) if inspect.isawaitable(found) else found)]

    key = _key(connection, "choices", declared.discover, wanted)
    found = _remembered(key, refresh, lambda: told(connection, ask))
    return tuple(Choice(**c) for c in found)


def picker(fields: Sequence[Field], path: str) -> Select:
    """The declared picker at a path such as ``table`` or ``added.list``."""
    head, _, rest = path.partition(".")
    for declared in fields:
        if declared.name == head and isinstance(declared, Section) and rest:
            return picker(declared.fields, rest)
        if declared.name == head and isinstance(declared, Select) and not rest:
            return declared
    raise Invalid.field("field", f"There is no picker called “{path}”.")


def level(values: Mapping[str, Any], path: str) -> dict[str, Any]:
    """The values beside a setting: those of its section, with the outer ones behind them."""
    found = dict(values)
    for part in path.split(".")[:-1]:
        values = values.get(part) or {}
        found |= values
    return found


def waits_for(fields: Sequence[Field], declared: Listed, settings: Mapping[str, Any]) -> str:
    """What has to be chosen before a picker can be filled, in words; empty where nothing is missing."""
    labels = {each.name: each.label for each in _every(fields)}
    return next((labels[name] for name in declared.depends if declared.wait and settings.get(name) in (None, "")), "")


def _every(fields: Sequence[Field]) -> Iterator[Field]:
    for declared in fields:
        yield declared
        if isinstance(declared, Section):
            yield from _every(declared.fields)


def _checked(connection: Connection) -> None:
    opened = access.open_connection(connection)
    answer = opened.check()
    if inspect.isawaitable(answer):
        asyncio.run(answered(answer))


def _failed(connection: Connection, error: ConnectorError, started: float) -> CheckOutcome:
    return CheckOutcome(
        ok=False,
        message=_words(connection, error.message),
        hint=_words(connection, error.hint),
        code=error.code,
        field=error.field if isinstance(error, ConfigError) else "",
        seconds=time.monotonic() - started,
    )


def told(connection: Connection, ask: Callable[[], T]) -> T:
    """Call the other system; its error becomes one that pages and the API show."""
    try:
        return ask()
    except ConnectorError as error:
        message, hint = _words(connection, error.message), _words(connection, error.hint)
        raise RemoteError(message, hint=hint, code=error.code) from None


def _words(connection: Connection, text: str) -> str:
    """An error text without the connection's credentials, short enough to keep."""
    try:
        known = secrets.decrypt(connection.secret_config)
    except secrets.UnreadableSecret:
        known = {}
    return secrets.scrub(text, known)[:2_000]


def _remembered(key: str, refresh: bool, ask: Callable[[], list[T]]) -> list[T]:
    found = None if refresh else cache.get(key)
    if found is None:
        found = ask()
        cache.set(key, found, REMEMBER_SECONDS)
    return list(found)


def _key(connection: Connection, *parts: Any) -> str:
    """A cache key that changes with the connection's settings and credentials."""
    told = [connection.kind.value, connection.pk, connection.type, connection.config, connection.secret_config, *parts]
    digest = hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()
    return f"discovery:{connection.workspace_id}:{digest}"
