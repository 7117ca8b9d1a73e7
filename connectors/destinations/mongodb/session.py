"""One part's line to a collection: a bulk write for each batch, in no order, with an answer for each row."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa

from connectors.destinations.mongodb.values import Unfit, document_values, object_ids
from connectors.sdk.destination import ACCEPTED, Batch, Job, Mode, Removal, RowResult, rejected
from connectors.sdk.drivers import driver
from connectors.sdk.errors import ConfigError, Unavailable
from connectors.sdk.mongodb import PACKAGE, PASSING, Database, refusal
from connectors.sdk.rest.work import NO_MATCH
from connectors.sdk.tables import Told, outcome, traced, usable
from connectors.sdk.types import Operation

ID = "_id"
_LARGEST = 16 * 1024 * 1024  # bytes of a document
_STOPS = frozenset((13, 16500))  # of one row, and so of every other one
Row = tuple[int, Any, dict[str, Any]]  # its place in the batch, what matches, its other values


class DocumentSession:
    """Writes rows as documents of one collection."""

    def __init__(self, database: Database, job: Job) -> None:
        self._database = database
        self._job = job
        self._name = str(job.settings["collection"])
        self._match = job.identifiers[0]

    async def deliver(self, batch: Batch) -> Sequence[RowResult]:
        """Write a batch. A row that the server refuses costs that row only."""
        results: list[RowResult] = [ACCEPTED] * len(batch)
        with traced(self._verb(batch.operation), self._name) as told:
            await asyncio.to_thread(self._write, batch, results, told)
            told.answer = outcome(results)
        return results

    def _verb(self, operation: Operation) -> str:
        if operation != Operation.REMOVED:
            return self._job.mode.value.upper()
        return "DELETE" if self._job.removal == Removal.DELETE else "CLEAR"

    def _write(self, batch: Batch, results: list[RowResult], told: Told) -> None:
        rows = self._rows(batch, results)
        operation = self._operation(batch)
        if not rows or operation is None:
            return
        told.statement = str(operation("?", dict.fromkeys(rows[0][2], "?")))
        matched = self._send(rows, [operation(key, values) for _, key, values in rows], results)
        if self._job.mode == Mode.UPDATE and batch.operation != Operation.REMOVED and matched < len(rows):
            self._tell_missing(rows, results)

    def _rows(self, batch: Batch, results: list[RowResult]) -> list[Row]:
        """The rows that can be written; of rows with the same match the last one counts."""
        places = usable(batch.rows, (self._match,), results, nul=False)
        taken = batch.rows if len(places) == len(batch) else batch.rows.take(pa.array(places, pa.int64()))
        columns = {f.name: document_values(f, c) for f, c in zip(taken.schema, taken.columns, strict=True)}
        if self._match == ID and self._job.settings.get("id_type") == "object_id":
            columns[ID] = object_ids(columns[ID])
        for name, values in columns.items():
            for i, value in [(i, v) for i, v in enumerate(values) if isinstance(v, Unfit)]:
                results[places[i]] = rejected(value.message, field=name)
        for i, value in enumerate(columns[self._match]):
            if isinstance(value, dict | list):  # an object could be read as a condition
                results[places[i]] = rejected("No document can be matched by an object or array.", field=self._match)
        keys, names = columns.pop(self._match), list(columns)
        records = (
            [dict(zip(names, v, strict=True)) for v in zip(*columns.values(), strict=True)]
            if names
            else [{} for _ in keys]
        )
        if batch.omit_nulls:
            records = [{n: v for n, v in r.items() if v is not None or n not in batch.omit_nulls} for r in records]
        rows = list(zip(places, keys, records, strict=True))
        return [row for row in rows if results[row[0]] is ACCEPTED]

    def _operation(self, batch: Batch) -> Callable[[Any, dict[str, Any]], Any] | None:
        """What is done with a document, given what matches and its values; nothing where there is nothing to do."""
        library, match = driver("pymongo", PACKAGE), self._match
        if batch.operation != Operation.REMOVED:
            update_one, upsert = library.UpdateOne, self._job.mode == Mode.UPSERT

            def update(key: Any, values: dict[str, Any]) -> Any:
                change = {"$set": values} if values else {"$setOnInsert": {match: key}}
                return update_one({match: key}, change, upsert)

            return update
        if self._job.removal == Removal.DELETE:
            return lambda key, _: library.DeleteOne({match: key})
        emptied = {f.name: "" for f in self._job.fields if f.name != match}
        return (lambda key, _: library.UpdateOne({match: key}, {"$unset": emptied})) if emptied else None

    def _send(self, rows: Sequence[Row], operations: Sequence[Any], results: list[RowResult]) -> int:
        """Write; refused rows are told in the results. How many documents matched or were made."""
        errors = driver("pymongo", PACKAGE).errors
        try:
            answer = self._database.ask(lambda d: self._written(d, operations, errors))
        except (driver("bson.errors", PACKAGE).BSONError, OverflowError, ValueError, RecursionError) as error:
            fit = self._fit(rows, results)  # the driver refused to write one of them down
            if len(fit) == len(rows):
                raise ConfigError(str(error), field="mapping") from error
            return self._send([rows[i] for i in fit], [operations[i] for i in fit], results) if fit else 0
        for refused in answer["writeErrors"]:
            code, words = int(refused["code"]), str(refused["errmsg"])
            if code in _STOPS:
                raise refusal(errors.OperationFailure(words, code, refused))
            results[rows[refused["index"]][0]] = rejected(words, code=str(code), passing=code in PASSING)
        if unsure := answer["writeConcernErrors"]:
            raise Unavailable(str(unsure[0].get("errmsg") or "Not every member has it."), in_doubt=True)
        return int(answer["nMatched"]) + int(answer["nUpserted"]) + len(answer["writeErrors"])

    def _written(self, database: Any, operations: Sequence[Any], errors: Any) -> Mapping[str, Any]:
        try:
            found: Mapping[str, Any] = database[self._name].bulk_write(operations, ordered=False).bulk_api_result
        except errors.BulkWriteError as error:
            found = error.details
        return found

    def _fit(self, rows: Sequence[Row], results: list[RowResult]) -> list[int]:
        """The places of those that can be written down; the others are told."""
        bson: Any = driver("bson", PACKAGE)
        kept = []
        for i, (place, key, values) in enumerate(rows):
            try:
                size = len(bson.encode({self._match: key, **values}))
            except (bson.errors.BSONError, OverflowError, ValueError, RecursionError) as error:
                results[place] = rejected(str(error))
                continue
            if size > _LARGEST:
                results[place] = rejected(f"A document has {_LARGEST:,} bytes at most; this one has {size:,}.")
                continue
            kept.append(i)
        return kept

    def _tell_missing(self, rows: Sequence[Row], results: list[RowResult]) -> None:
        """Say which rows no document matches: the server tells only how many."""
        match, keys = self._match, [key for _, key, _ in rows]
        found = self._database.ask(lambda d: list(d[self._name].find({match: {"$in": keys}}, {match: 1})))
        values = (value for document in found for value in _at(document, match.split(".")))
        known = {_plain(value) for value in values if not isinstance(value, Mapping)}
        for place, key, _ in rows:
            if results[place] is ACCEPTED and _plain(key) not in known:
                results[place] = NO_MATCH


def _at(value: Any, path: Sequence[str]) -> list[Any]:
    """What stands at a path, the elements of arrays each for themselves."""
    if isinstance(value, list):
        return [found for item in value for found in _at(item, path)]
    if not path:
        return [value]
    return _at(value.get(path[0]), path[1:]) if isinstance(value, Mapping) else []


def _plain(value: Any) -> Any:
    """A value as it compares in Python: decimals there equal whole numbers, as they do at the server."""
    if hasattr(value, "to_decimal"):
        value = value.to_decimal()
    kind = "number" if isinstance(value, int | float | Decimal) and not isinstance(value, bool) else type(value)
    return kind, value
