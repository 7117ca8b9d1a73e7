"""Arrow types that Parquet and DuckDB both carry without loss, and how to get there.

Most types stay. Those that one of the two would refuse, widen to a float or
hand back changed become their nearest lossless form, usually text. Times finer
than microseconds are cut, because Python's own, which connectors use, end there.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pyarrow as pa

Convert = Callable[[pa.Array], pa.Array]
_MAX_DECIMAL_DIGITS = 38  # wider ones are beyond DuckDB


def storable_type(kind: pa.DataType) -> pa.DataType:
    """The type in which values of ``kind`` are stored."""
    if isinstance(kind, pa.BaseExtensionType):
        return kind if kind.extension_name in ("arrow.json", "arrow.uuid") else storable_type(kind.storage_type)
    if pa.types.is_dictionary(kind):
        return storable_type(kind.value_type)
    if pa.types.is_struct(kind) and kind.num_fields:
        return pa.struct([pa.field(f.name, storable_type(f.type)) for f in kind])
    if pa.types.is_map(kind):
        return pa.map_(storable_type(kind.key_type), storable_type(kind.item_type))
    if pa.types.is_large_list(kind):
        return pa.large_list(storable_type(kind.value_type))
    if _is_list(kind):
        return pa.list_(storable_type(kind.value_type))
    return _storable_scalar(kind)


def converter(kind: pa.DataType) -> Convert | None:
    """How an array of ``kind`` becomes storable; ``None`` where nothing has to be done."""
    target = storable_type(kind)
    if target.equals(kind):
        return None
    if pa.types.is_interval(kind) or pa.types.is_duration(kind):
        return lambda array: pa.array([_interval_text(v) for v in array.to_pylist()], pa.string())
    if pa.types.is_union(kind) or (pa.types.is_struct(kind) and not kind.num_fields):
        return lambda array: pa.array([_json_text(v) for v in array.to_pylist()], pa.string())
    return lambda array: _cast(array, target)


def is_json(kind: pa.DataType) -> bool:
    """Whether values are JSON text that stands for the value written in it."""
    return isinstance(kind, pa.BaseExtensionType) and kind.extension_name == "arrow.json"


def _is_list(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_list(kind)
        or pa.types.is_fixed_size_list(kind)
        or pa.types.is_list_view(kind)
        or pa.types.is_large_list_view(kind)
    )


def _storable_scalar(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_decimal256(kind):
        fits = kind.precision <= _MAX_DECIMAL_DIGITS
        return pa.decimal128(kind.precision, kind.scale) if fits else pa.string()
    if pa.types.is_decimal(kind) and not pa.types.is_decimal128(kind):
        return pa.decimal128(kind.precision, kind.scale)
    if pa.types.is_float16(kind):
        return pa.float32()
    if pa.types.is_timestamp(kind) and kind.unit == "ns":
        return pa.timestamp("us", kind.tz)
    if pa.types.is_time64(kind) and kind.unit == "ns":
        return pa.time64("us")
    as_text = (pa.types.is_null, pa.types.is_interval, pa.types.is_duration, pa.types.is_union, pa.types.is_struct)
    return pa.string() if any(test(kind) for test in as_text) else kind


def _cast(array: pa.Array, target: pa.DataType) -> pa.Array:
    if isinstance(array, pa.ExtensionArray) and not isinstance(target, pa.BaseExtensionType):
        array = array.storage
    try:
        # Only what is finer than a microsecond may be cut: no value that reaches a connector can hold it.
        return array.cast(target, safe=not pa.types.is_temporal(target))
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        return pa.array(array.to_pylist(), target)


def _interval_text(value: Any) -> str | None:
    """An interval as ISO 8601 writes it; months, days and seconds are kept apart."""
    if value is None:
        return None
    if isinstance(value, timedelta):
        value = pa.MonthDayNano([0, value.days, (value.seconds * 1_000_000 + value.microseconds) * 1000])
    months, days, nanoseconds = value
    seconds = f"{nanoseconds / 1e9:.9f}".rstrip("0").rstrip(".") if nanoseconds else "0"
    return f"P{months}M{days}DT{seconds}S"


def _json_text(value: Any) -> str | None:
    return None if value is None else json.dumps(value, default=str)
