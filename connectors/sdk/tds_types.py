"""SQL Server's column types as its protocol names them: what people see them as, and how each is read without loss."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
from pytds import tds_types as wire
from pytds.tds_base import Column as WireColumn
from sqlglot import exp

from connectors.sdk.arrow import check_calendar, native_type
from connectors.sdk.readings import Described, Read, Reading
from connectors.sdk.text_columns import unreadable
from connectors.sdk.types import Column, ColumnType

_LONGEST, _WIDEST = 4_000, 8_000  # characters of NVARCHAR and of VARCHAR with a length


def described(column: WireColumn, comment: str = "", *, utf8: bool = False) -> Described:
    """A column of a result. ``utf8``: text is kept in UTF-8 there, and there is no NVARCHAR to cast it to."""
    native, found = _known(column.serializer, utf8)
    nullable = bool(column.flags & WireColumn.fNullable)
    return Described(Column(column.column_name, found.type, native, comment, nullable), found)


def batch(rows: Sequence[Sequence[Any]], schema: pa.Schema) -> pa.RecordBatch:
    """Rows as the driver hands them out, as the schema says."""
    columns = [_array(field, values) for field, values in zip(schema, zip(*rows, strict=True), strict=True)]
    made = pa.RecordBatch.from_arrays(columns, schema=schema)
    check_calendar(made)
    return made


def _array(field: pa.Field, values: Sequence[Any]) -> pa.Array:
    if pa.types.is_string(field.type):
        binary = native_type(field).startswith(("varbinary", "binary", "rowversion", "image"))
        values = [value if value is None else _text(value, binary) for value in values]
    try:
        return pa.array(values, field.type)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError) as error:
        raise unreadable(field) from error


def _text(value: Any, binary: bool) -> str:
    if isinstance(value, bytes | bytearray):
        return value.hex() if binary else value.decode("utf-8", "replace")
    if isinstance(value, uuid.UUID):
        return str(value).upper()  # as the server itself writes them
    return value.isoformat() if isinstance(value, dt.time) else str(value)


def _cast(kind: str) -> Read:
    return lambda column: exp.cast(column, kind, dialect="tsql")


def _sized(name: str, size: float) -> str:
    return f"{name}({int(size) if 0 < size <= _WIDEST else 'max'})"


def _known(kind: Any, utf8: bool) -> tuple[str, Reading]:
    """The type's own name, and how it is read."""
    if isinstance(kind, wire.IntNSerializer | wire.FloatNSerializer | wire.MoneyNSerializer | wire.DateTimeNSerializer):
        kind = kind.subtypes[kind.size]
    for cls, (native, found) in _FIXED.items():
        if isinstance(kind, cls):
            return native, found
    if isinstance(kind, wire.MsDecimalSerializer):
        number = pa.decimal128(kind.precision, kind.scale)
        return f"decimal({kind.precision},{kind.scale})", Reading(ColumnType.NUMBER, number)
    if isinstance(kind, wire.UDT72Serializer):
        return kind.type_name.lower(), _AS_TEXT
    if isinstance(kind, wire.NVarChar70Serializer):
        return _sized("nvarchar", kind.size), _TEXT
    if isinstance(kind, wire.VarChar70Serializer):
        return _sized("varchar", kind.size), _narrow(kind.size, utf8)
    if isinstance(kind, wire.VarBinarySerializer):
        return _sized("varbinary", kind.size), _TEXT
    if isinstance(kind, wire.BaseDateTime73Serializer):
        return _clock(kind)
    return "sql_variant", Reading(ColumnType.STRING, pa.string(), _cast(f"NVARCHAR({_LONGEST})"))


def _narrow(size: int, utf8: bool) -> Reading:
    """Text that is not Unicode: what its bytes mean is its collation's, which only the server knows for sure."""
    if utf8:
        return Reading(ColumnType.STRING, pa.string(), _cast(f"VARBINARY({size if 0 < size <= _WIDEST else 'MAX'})"))
    return Reading(ColumnType.STRING, pa.string(), _cast(f"NVARCHAR({size if 0 < size <= _LONGEST else 'MAX'})"))


def _clock(kind: Any) -> tuple[str, Reading]:
    digits = kind.precision
    if isinstance(kind, wire.MsTimeSerializer):
        return f"time({digits})", _TEXT
    if isinstance(kind, wire.DateTimeOffsetSerializer):
        return f"datetimeoffset({digits})", Reading(ColumnType.TIMESTAMP, pa.timestamp("us", "UTC"))
    return f"datetime2({digits})", _MOMENT


_TEXT = Reading(ColumnType.STRING, pa.string())
_AS_TEXT = Reading(ColumnType.STRING, pa.string(), _cast("NVARCHAR(MAX)"))
_MOMENT = Reading(ColumnType.TIMESTAMP, pa.timestamp("us"))
_FIXED: dict[type, tuple[str, Reading]] = {
    wire.BitSerializer: ("bit", Reading(ColumnType.BOOLEAN, pa.bool_())),
    wire.BitNSerializer: ("bit", Reading(ColumnType.BOOLEAN, pa.bool_())),
    wire.TinyIntSerializer: ("tinyint", Reading(ColumnType.NUMBER, pa.uint8())),
    wire.SmallIntSerializer: ("smallint", Reading(ColumnType.NUMBER, pa.int16())),
    wire.IntSerializer: ("int", Reading(ColumnType.NUMBER, pa.int32())),
    wire.BigIntSerializer: ("bigint", Reading(ColumnType.NUMBER, pa.int64())),
    wire.RealSerializer: ("real", Reading(ColumnType.NUMBER, pa.float32())),
    wire.FloatSerializer: ("float", Reading(ColumnType.NUMBER, pa.float64())),
    wire.Money4Serializer: ("smallmoney", Reading(ColumnType.NUMBER, pa.decimal128(10, 4))),
    wire.Money8Serializer: ("money", Reading(ColumnType.NUMBER, pa.decimal128(19, 4))),
    wire.MsUniqueSerializer: ("uniqueidentifier", _TEXT),
    wire.MsDateSerializer: ("date", Reading(ColumnType.DATE, pa.date32())),
    wire.SmallDateTimeSerializer: ("smalldatetime", _MOMENT),
    wire.DateTimeSerializer: ("datetime", _MOMENT),
    wire.XmlSerializer: ("xml", _TEXT),
    wire.Text70Serializer: ("text", _AS_TEXT),
    wire.NText70Serializer: ("ntext", _AS_TEXT),
    wire.Image70Serializer: ("image", Reading(ColumnType.STRING, pa.string(), _cast("VARBINARY(MAX)"))),
}
