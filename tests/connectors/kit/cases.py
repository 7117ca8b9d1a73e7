"""Data cases: input rows, what must be sent, what must come back; one JSON file each, beside the connector's name."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from connectors.sdk.destination import Batch, RowResult
from connectors.sdk.types import Operation
from tests.connectors.kit.jobs import batch_of

FOLDER = Path(__file__).resolve().parents[1] / "cases"

# What the cases of a destination must show between them.
TOPICS = frozenset(
    {"minimal", "every type", "nulls", "unicode", "nested", "exact numbers and times", "removed", "hostile"}
)


@dataclass(frozen=True)
class Digits:
    """A fraction as it was written: 1.50 is not 1.5."""

    text: str


@dataclass(frozen=True)
class Case:
    """One file. ``told`` is its content, fractions as :class:`Digits`."""

    key: str
    name: str
    told: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.key}/{self.name}"


def cases_of(*keys: str) -> list[Case]:
    """The cases of these connectors."""
    paths = (path for key in keys for path in sorted((FOLDER / key).glob("*.json")))
    return [Case(path.parent.name, path.stem, exact_json(path.read_text())) for path in paths]


def exact_json(text: str | bytes) -> Any:
    """JSON with every digit of its fractions kept, for comparing."""
    return json.loads(text, parse_float=Digits)


def batch_in(told: Mapping[str, Any]) -> Batch:
    """The batch that a case describes; ``old`` are the values that its rows had before."""
    batch = batch_of(Operation(told.get("operation", "added")), rows_in(told), omit_nulls=told.get("omit_nulls", ()))
    return replace(batch, old=rows_in({**told, "rows": told["old"]})) if "old" in told else batch


def rows_in(told: Mapping[str, Any]) -> pa.RecordBatch:
    """Rows from ``columns`` (name → type) and ``rows`` (lists of values)."""
    columns: Mapping[str, str] = told["columns"]
    values = [[row[i] for row in told["rows"]] for i in range(len(columns))]
    arrays = [_array(v, kind) for v, kind in zip(values, columns.values(), strict=True)]
    return pa.RecordBatch.from_arrays(arrays, names=list(columns))


def _array(values: list[Any], kind: str) -> pa.Array:
    if kind == "nested":
        return pa.array(_plain(values))
    if kind == "hex":
        return pa.array([None if v is None else bytes.fromhex(v) for v in values], pa.binary())
    texts = [v.text if isinstance(v, Digits) else v for v in values]
    if size := re.fullmatch(r"decimal\((\d+),(\d+)\)", kind):
        return pa.array(texts, pa.string()).cast(pa.decimal128(int(size[1]), int(size[2])))
    if kind == "moment":
        return pa.array(texts, pa.string()).cast(pa.timestamp("us")).cast(pa.timestamp("us", "UTC"))
    if kind == "float64":
        return pa.array([None if v is None else float(v) for v in texts], pa.float64())
    target = pa.type_for_alias(kind)
    return pa.array(texts, pa.string()).cast(target) if kind.startswith(("date", "time")) else pa.array(texts, target)


def _plain(value: Any) -> Any:
    if isinstance(value, Digits):
        return float(value.text)
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    return [_plain(v) for v in value] if isinstance(value, list) else value


def told_results(results: Any) -> list[dict[str, Any]]:
    """Row results in the words of a case: only what is set."""
    return [_told(result) for result in results]


def _told(result: RowResult) -> dict[str, Any]:
    words = {"message": result.message, "code": result.code, "field": result.field}
    kept = {name: value for name, value in words.items() if value and (name, value) != ("code", "row_rejected")}
    return {"accepted": result.accepted, **kept}
