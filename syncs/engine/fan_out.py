"""Several records for one row, where a field that identifies people holds an array.

The row stays one row: its records travel together, and all their answers decide
what became of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, product
from math import prod
from operator import itemgetter
from typing import Any

import pyarrow as pa

from connectors.sdk.arrow import column_type, python_values
from connectors.sdk.destination import ACCEPTED, Batch, DestinationField, FanOut, RowResult, rejected
from connectors.sdk.types import ColumnType
from syncs.engine.values import inferred

MAX_RECORDS = 1_000
TOO_MANY_CODE = "too_many_records"


@dataclass(frozen=True, slots=True)
class Fanned:
    """The records with the place of the row each belongs to, and the rows that would be too many."""

    batch: Batch
    places: Sequence[int]
    refused: dict[int, RowResult]


@dataclass(frozen=True, slots=True)
class FanOutFields:
    """The mapped fields that take arrays apart, by how they go together."""

    independent: frozenset[str]
    linked: frozenset[str]

    @classmethod
    def of(cls, fields: Sequence[DestinationField]) -> FanOutFields | None:
        """Those among a sync's fields; ``None`` where there are none."""
        independent = frozenset(f.name for f in fields if f.fan_out is FanOut.INDEPENDENT)
        linked = frozenset(f.name for f in fields if f.fan_out is FanOut.LINKED)
        return cls(independent, linked) if independent or linked else None

    def apply(self, batch: Batch, places: Sequence[int]) -> Fanned:
        """One record for each element or combination. Text is never taken apart, also where it holds JSON."""
        values = self._arrays(batch.rows)
        if not any(isinstance(value, list) for column in values.values() for value in column):
            return Fanned(batch, places, {})
        taken: list[int] = []
        made: dict[str, list[Any]] = {name: [] for name in values}
        refused: dict[int, RowResult] = {}
        for row, place in enumerate(places):
            held = {name: column[row] for name, column in values.items()}
            alone = {name: _elements(value) for name, value in held.items() if name in self.independent}
            pairs = _pairs({name: value for name, value in held.items() if name in self.linked})
            count = prod(map(len, alone.values())) * len(pairs)
            if count > MAX_RECORDS:
                words = f"The arrays of this row make {count:,} records; {MAX_RECORDS:,} are the most."
                refused[place] = rejected(words, code=TOO_MANY_CODE)
                continue
            records = [
                dict(zip(alone, chosen, strict=True)) | pair for *chosen, pair in product(*alone.values(), pairs)
            ]
            taken += [row] * len(records)
            for name, column in made.items():
                column += [record[name] for record in records]
        return Fanned(_taken(batch, taken, made), [places[row] for row in taken], refused)

    def _arrays(self, rows: pa.RecordBatch) -> dict[str, list[Any]]:
        """The fields that may hold arrays, as values."""
        return {
            field.name: python_values(rows.column(field.name), ColumnType.OBJECT)
            for field in rows.schema
            if field.name in self.independent | self.linked and column_type(field) is ColumnType.OBJECT
        }


def by_place(places: Sequence[int], results: Sequence[RowResult | None]) -> Iterator[tuple[int, RowResult | None]]:
    """One answer a row: open while any of its records has none, refused where any was."""
    for place, group in groupby(zip(places, results, strict=True), key=itemgetter(0)):
        yield place, _together([result for _, result in group])


def _together(results: Sequence[RowResult | None]) -> RowResult | None:
    if len(results) == 1 or None in results:
        return None if None in results else results[0]
    bad = [result for result in results if result is not None and not result.accepted]
    if not bad:
        return ACCEPTED
    words = f"{bad[0].message} ({len(bad)} of the row’s {len(results)} records were refused.)"
    return rejected(words, code=bad[0].code, field=bad[0].field)


def _elements(value: Any) -> list[Any]:
    """The values of an independent field, each once; no value where there is none."""
    if not isinstance(value, list):
        return [value]
    unique: list[Any] = []
    for element in value:
        if element is not None and element not in unique:
            unique.append(element)
    return unique or [None]


def _pairs(together: dict[str, Any]) -> list[dict[str, Any]]:
    """The linked fields' values, paired by their place; a single value goes with every pair."""
    length = max((len(v) for v in together.values() if isinstance(v, list)), default=1) or 1
    return [{name: _nth(value, n) for name, value in together.items()} for n in range(length)]


def _nth(value: Any, n: int) -> Any:
    if not isinstance(value, list):
        return value
    return value[n] if n < len(value) else None


def _taken(batch: Batch, rows: Sequence[int], made: dict[str, list[Any]]) -> Batch:
    """The rows at these indices, with columns replaced."""
    chosen = pa.array(rows, pa.int64())
    values = batch.rows.take(chosen)
    new = {name: inferred(name, column) for name, column in made.items()}
    fields = [new[f.name][0] if f.name in new else f for f in values.schema]
    arrays = [new[f.name][1] if f.name in new else values.column(f.name) for f in values.schema]
    taken = pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields))
    old = None if batch.old is None else batch.old.take(chosen)
    return Batch(batch.operation, [batch.keys[row] for row in rows], taken, batch.omit_nulls, old=old)
