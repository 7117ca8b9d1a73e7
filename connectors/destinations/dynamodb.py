"""Amazon DynamoDB: rows become items of a table, matched by its primary key."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from botocore.exceptions import ClientError

from connectors.sdk.aws import CONNECTION, Account, refusal, told, typed_errors
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
from connectors.sdk.errors import BatchRejected, ConfigError, ConnectorError
from connectors.sdk.fields import Select
from connectors.sdk.liquid import liquid_text
from connectors.sdk.modes import update, upsert
from connectors.sdk.rest.work import NO_MATCH
from connectors.sdk.rows import decimal_text, json_rows
from connectors.sdk.tables import outcome, traced
from connectors.sdk.types import Choice, ColumnType, Operation, Verification

_RIGHTS = (
    "The key or role needs dynamodb:DescribeTable, UpdateItem, DeleteItem and BatchWriteItem on the table, and "
    "dynamodb:ListTables to find it."
)
_GONE = {"ResourceNotFoundException": "Create the table, or choose another one."}
_AT_ONCE, _PUT_AT_ONCE = 16, 25
_TYPES = {"S": ColumnType.STRING, "N": ColumnType.NUMBER, "B": ColumnType.STRING}
REPLACE = "replace"
Item = dict[str, Any]


class DynamodbDestination(Destination):
    """The tables of one region."""

    definition = DestinationDefinition(
        key="dynamodb",
        name="Amazon DynamoDB",
        category="Databases",
        summary="Keep the items of a table in step with a model.",
        docs_url="docs/destinations/dynamodb.md",
        fields=CONNECTION,
        verification=Verification.EMULATOR,
        sync_types=(
            SyncType(
                key="items",
                name="Items",
                description="Rows of a model become items of a table, matched by its primary key.",
                modes=(
                    upsert(Removal.CLEAR, Removal.DELETE, noun="items"),
                    update(Removal.CLEAR, Removal.DELETE, noun="items"),
                ),
                settings=(
                    Select(name="table", label="Table", discover="tables"),
                    Select(
                        name="strategy",
                        label="How items are written",
                        default="update",
                        style="cards",
                        choices=(
                            Choice("update", "Update attributes", "Attributes that are not mapped stay as they are."),
                            Choice(REPLACE, "Replace items", "25 items a request; other attributes are lost."),
                        ),
                    ),
                ),
                limits=Limits(batch_rows=100, concurrency=4),
                custom_fields=True,
            ),
        ),
    )

    async def check(self) -> None:
        """List tables."""
        await self.tables()

    async def tables(self) -> Sequence[Choice]:
        """The tables of the region, for the picker."""
        async with self._client() as client:
            pages = client.get_paginator("list_tables").paginate()
            return [Choice(name, name) async for page in pages for name in page["TableNames"]]

    async def fields(self, sync_type: str, settings: Mapping[str, Any]) -> Sequence[DestinationField]:
        if not settings.get("table"):
            return ()
        async with self._client() as client:
            keys = await _keys(client, str(settings["table"]))
        return [
            DestinationField(name=name, type=_TYPES[kind], required=True, identifier=True, native_type=kind)
            for name, kind in keys.items()
        ]

    def validate(self, job: Job) -> None:
        if job.mode == Mode.UPDATE and job.settings.get("strategy") == REPLACE:
            raise ConfigError("Items can only be replaced where missing ones may be made.", field="strategy")

    @asynccontextmanager
    async def session(self, job: Job) -> AsyncIterator[ItemSession]:
        async with self._client(self.limits(job).timeout_s) as client:
            keys = await _keys(client, str(job.settings.get("table") or ""))
            if set(job.identifiers) != set(keys):
                names = " and ".join(keys)
                raise ConfigError(f"Items are matched by {names}: the primary key of the table.", field="identifiers")
            yield ItemSession(client, keys, job)

    @asynccontextmanager
    async def _client(self, read_s: float = 30.0) -> AsyncIterator[Any]:
        with typed_errors(_refused):
            async with Account(self.config, self.environment).client("dynamodb", read_s=read_s) as client:
                yield client


async def _keys(client: Any, table: str) -> dict[str, str]:
    """The attributes of the primary key with their types."""
    with typed_errors(_refused, field="table"):
        about = (await client.describe_table(TableName=table))["Table"]
    types = {a["AttributeName"]: a["AttributeType"] for a in about["AttributeDefinitions"]}
    return {k["AttributeName"]: types[k["AttributeName"]] for k in about["KeySchema"]}


@dataclass(frozen=True)
class Row:
    """A row as DynamoDB takes it. ``values``: what is mapped besides the key."""

    place: int
    key: Item
    values: Item


class ItemSession:
    """One part's line to a table."""

    def __init__(self, client: Any, keys: Mapping[str, str], job: Job) -> None:
        self._client = client
        self._keys = keys
        self._job = job
        self._table = str(job.settings["table"])

    async def deliver(self, batch: Batch) -> Sequence[RowResult]:
        """Write a batch; an answer for each row."""
        results: list[RowResult] = [ACCEPTED] * len(batch)
        rows = self._rows(batch, results)
        removing = batch.operation == Operation.REMOVED
        deletes = removing and self._job.removal == Removal.DELETE
        with traced("DELETE" if deletes else "CLEAR" if removing else "PUT", self._table) as seen:
            if deletes or (self._job.settings.get("strategy") == REPLACE and not removing):
                await self._in_batches(rows, results, deletes=deletes)
            else:
                await self._one_by_one(rows, results, clears=removing)
            seen.answer = outcome(results)
        return results

    def _rows(self, batch: Batch, results: list[RowResult]) -> list[Row]:
        """The rows that can be written; of rows with the same key the last one counts."""
        found: dict[tuple[str, ...], Row] = {}
        for place, record in enumerate(json_rows(batch.rows)):
            try:
                key = {name: _key(name, record.get(name), kind) for name, kind in self._keys.items()}
                kept = {
                    n: v for n, v in record.items() if n not in key and (v is not None or n not in batch.omit_nulls)
                }
                row = Row(place, key, {name: attribute(value) for name, value in kept.items()})
            except _Unfit as error:
                results[place] = rejected(error.message, field=error.name)
                continue
            found[tuple(str(value) for value in key.values())] = row
        return list(found.values())

    async def _one_by_one(self, rows: Sequence[Row], results: list[RowResult], *, clears: bool) -> None:
        limit = asyncio.Semaphore(_AT_ONCE)

        async def one(row: Row) -> RowResult | ConnectorError:
            async with limit:
                try:
                    with typed_errors(_refused):
                        await self._client.update_item(**self._update(row, clears=clears))
                except (BatchRejected, ConfigError) as error:
                    return rejected(error.message)
                except _NotThere:
                    return NO_MATCH
                except ConnectorError as error:
                    return error
            return ACCEPTED

        answers = await asyncio.gather(*(one(row) for row in rows))
        errors = [answer for answer in answers if isinstance(answer, ConnectorError)]
        if errors and len(errors) == len(answers):
            raise errors[0]
        for row, answer in zip(rows, answers, strict=True):
            results[row.place] = (
                rejected(answer.message, code=answer.code) if isinstance(answer, ConnectorError) else answer
            )

    def _update(self, row: Row, *, clears: bool) -> dict[str, Any]:
        names = {f"#k{i}": name for i, name in enumerate(row.key)}
        fields = [f.name for f in self._job.fields if f.name not in row.key] if clears else list(row.values)
        names |= {f"#n{i}": name for i, name in enumerate(fields)}
        asked: dict[str, Any] = {"TableName": self._table, "Key": row.key}
        if clears or self._job.mode == Mode.UPDATE:
            asked["ConditionExpression"] = "attribute_exists(#k0)"
        if fields and clears:
            asked["UpdateExpression"] = "REMOVE " + ", ".join(f"#n{i}" for i in range(len(fields)))
        elif fields:
            asked["UpdateExpression"] = "SET " + ", ".join(f"#n{i} = :v{i}" for i in range(len(fields)))
            asked["ExpressionAttributeValues"] = {f":v{i}": row.values[name] for i, name in enumerate(fields)}
        said = f"{asked.get('UpdateExpression', '')} {asked.get('ConditionExpression', '')}".replace(",", "").split()
        if used := {mark: name for mark, name in names.items() if mark in said or f"attribute_exists({mark})" in said}:
            asked["ExpressionAttributeNames"] = used
        return asked

    async def _in_batches(self, rows: Sequence[Row], results: list[RowResult], *, deletes: bool) -> None:
        done = False
        for start in range(0, len(rows), _PUT_AT_ONCE):
            some = rows[start : start + _PUT_AT_ONCE]
            asked = [
                {"DeleteRequest": {"Key": row.key}} if deletes else {"PutRequest": {"Item": {**row.key, **row.values}}}
                for row in some
            ]
            try:
                with typed_errors(_refused):
                    answer = await self._client.batch_write_item(RequestItems={self._table: asked})
            except BatchRejected:
                await self._separately(some, asked, results)
            except ConnectorError as error:
                if not done:
                    raise
                for row in rows[start:]:
                    results[row.place] = rejected(error.message, code=error.code)
                return
            else:
                left = answer.get("UnprocessedItems", {}).get(self._table, ())
                for row, request in zip(some, asked, strict=True):
                    if request in left:
                        results[row.place] = rejected(
                            "The table is too busy for this item.", code="unprocessed", passing=True
                        )
            done = True

    async def _separately(self, rows: Sequence[Row], asked: Sequence[Item], results: list[RowResult]) -> None:
        """A refused request again, item by item, to find those at fault."""
        calls: list[Callable[[], Awaitable[Any]]] = [
            lambda request=request: self._client.batch_write_item(RequestItems={self._table: [request]})  # type: ignore[misc]
            for request in asked
        ]
        for row, call in zip(rows, calls, strict=True):
            try:
                with typed_errors(_refused):
                    await call()
            except BatchRejected as error:
                results[row.place] = rejected(error.message)


class _Unfit(Exception):
    """A value that an item cannot hold."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name, self.message = name, message


class _NotThere(ConnectorError):
    """The condition that the item exists did not hold."""


def _key(name: str, value: Any, kind: str) -> Item:
    """A value of the primary key, as the type that the table says."""
    if value is None or value == "":
        raise _Unfit(name, f"“{name}” is empty, so no item can match.")
    if kind == "N":
        try:
            return {"N": decimal_text(Decimal(liquid_text(value)))}
        except InvalidOperation:
            raise _Unfit(name, f"“{liquid_text(value)[:100]}” is not a number, which “{name}” is.") from None
    return {"B": base64.b64decode(str(value))} if kind == "B" else {"S": liquid_text(value)}


def attribute(value: Any) -> Item:
    """A JSON value as an attribute: its type is that of the value."""
    if value is None:
        return {"NULL": True}
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, int | float | Decimal):
        return {"N": decimal_text(value) if isinstance(value, Decimal) else str(value)}
    if isinstance(value, dict):
        return {"M": {str(name): attribute(inner) for name, inner in value.items()}}
    if isinstance(value, list):
        return {"L": [attribute(inner) for inner in value]}
    return {"S": str(value)}


def _refused(error: ClientError) -> ConnectorError:
    code, _, message = told(error)
    if code == "ConditionalCheckFailedException":
        return _NotThere(message)
    if code in ("ValidationException", "ItemCollectionSizeLimitExceededException"):
        return BatchRejected(message)
    return refusal(error, _RIGHTS, gone=_GONE)
