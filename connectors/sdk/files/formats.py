"""Rows as files: CSV, JSON, NDJSON, XML and Parquet, written as a stream."""

from __future__ import annotations

import io
import re
import zlib
from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from xml.sax.saxutils import escape

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import csv

from connectors.sdk.errors import ConfigError
from connectors.sdk.liquid import liquid_text
from connectors.sdk.rows import column_values, dumps, json_rows


class Format(StrEnum):
    """Kinds of file."""

    CSV = "csv"
    JSON = "json"
    NDJSON = "ndjson"
    XML = "xml"
    PARQUET = "parquet"


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatOptions:
    """How files are written. ``delimiter``, ``header``, ``bom`` and ``booleans`` are for CSV.

    ``booleans`` are the numbers for true and false, the second one perhaps blank; without them they are words.
    """

    format: Format
    delimiter: str = ","
    header: bool = True
    bom: bool = False
    booleans: tuple[int, int | None] | None = None
    gzip: bool = False


class Encoder(ABC):
    """Turns batches into the bytes of one file; call ``start``, ``add`` for each batch, ``end``."""

    def __init__(self, schema: pa.Schema, options: FormatOptions) -> None:
        self.schema = schema
        self.options = options

    def start(self) -> bytes:
        """What comes before the rows."""
        return b""

    @abstractmethod
    def add(self, rows: pa.RecordBatch) -> bytes:
        """The next rows; may be empty where the format gathers them first."""

    def end(self) -> bytes:
        """What comes after the rows."""
        return b""


def encoder(schema: pa.Schema, options: FormatOptions) -> Encoder:
    """The encoder of a file."""
    made = _ENCODERS[options.format](schema, options)
    # Parquet compresses inside the file, where readers expect it.
    return _Gzip(made) if options.gzip and options.format != Format.PARQUET else made


class _Csv(Encoder):
    """Text in quotes, nulls empty, nested values as JSON."""

    def start(self) -> bytes:
        bom = b"\xef\xbb\xbf" if self.options.bom else b""
        if not self.options.header:
            return bom
        names = ('"' + name.replace('"', '""') + '"' for name in self.schema.names)
        return bom + (self.options.delimiter.join(names) + "\n").encode()

    def add(self, rows: pa.RecordBatch) -> bytes:
        flat = pa.RecordBatch.from_arrays([self._column(c) for c in rows.columns], names=rows.schema.names)
        sink = io.BytesIO()
        csv.write_csv(flat, sink, csv.WriteOptions(include_header=False, delimiter=self.options.delimiter))
        return sink.getvalue()

    def _column(self, column: pa.Array) -> pa.Array:
        if self.options.booleans is not None and pa.types.is_boolean(column.type):
            return pc.if_else(column, *(pa.scalar(number, pa.int8()) for number in self.options.booleans))
        return _csv_column(column)


def _csv_column(column: pa.Array) -> pa.Array:
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind):
        return column
    if pa.types.is_decimal(kind) or pa.types.is_date(kind):
        return column
    return pa.array([None if v is None else liquid_text(_json_text(v)) for v in column_values(column)], pa.string())


def _json_text(value: Any) -> Any:
    return dumps(value).decode() if isinstance(value, list | dict) else value


class _Ndjson(Encoder):
    """One JSON object a line."""

    def add(self, rows: pa.RecordBatch) -> bytes:
        return b"".join(dumps(row) + b"\n" for row in json_rows(rows))


class _Json(Encoder):
    """One array of objects."""

    def __init__(self, schema: pa.Schema, options: FormatOptions) -> None:
        super().__init__(schema, options)
        self._first = True

    def start(self) -> bytes:
        return b"["

    def add(self, rows: pa.RecordBatch) -> bytes:
        if not rows.num_rows:
            return b""
        lead = b"\n" if self._first else b",\n"
        self._first = False
        return lead + b",\n".join(dumps(row) for row in json_rows(rows))

    def end(self) -> bytes:
        return b"\n]\n"


_XML_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_XML_NAME = re.compile(r"[^\w.-]", re.ASCII)


class _Xml(Encoder):
    """``<rows>`` of ``<row>``, an element a column; nulls are marked ``xsi:nil``."""

    def __init__(self, schema: pa.Schema, options: FormatOptions) -> None:
        super().__init__(schema, options)
        self._tags = _xml_names(schema.names)

    def start(self) -> bytes:
        return b'<?xml version="1.0" encoding="UTF-8"?>\n<rows xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">\n'

    def add(self, rows: pa.RecordBatch) -> bytes:
        columns = [column_values(c) for c in rows.columns]
        lines = (
            f"<row>{''.join(map(self._element, self._tags, values))}</row>\n" for values in zip(*columns, strict=True)
        )
        return "".join(lines).encode()

    def end(self) -> bytes:
        return b"</rows>\n"

    @staticmethod
    def _element(tag: str, value: Any) -> str:
        if value is None:
            return f'<{tag} xsi:nil="true"/>'
        text = _XML_FORBIDDEN.sub("\ufffd", liquid_text(_json_text(value)))
        # A bare carriage return would be read back as a line feed.
        return f"<{tag}>{escape(text, {chr(13): '&#13;'})}</{tag}>"


def _xml_names(columns: list[str]) -> list[str]:
    names = [_XML_NAME.sub("_", column) or "_" for column in columns]
    names = [name if name[0].isalpha() or name[0] == "_" else f"_{name}" for name in names]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ConfigError(f"Two columns would both become the XML element <{twice}>.", field="format")
    return names


class _Drain(io.RawIOBase):
    """A sink that forgets what was taken from it, so that a large file never lies in memory whole."""

    def __init__(self) -> None:
        super().__init__()
        self._chunks: list[bytes] = []
        self._at = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        chunk = bytes(data)
        self._chunks.append(chunk)
        self._at += len(chunk)
        return len(chunk)

    def tell(self) -> int:
        return self._at

    def take(self) -> bytes:
        """Everything written since the last time."""
        taken = b"".join(self._chunks)
        self._chunks.clear()
        return taken


class _Parquet(Encoder):
    """Column types are kept; rows are gathered into groups of a size that readers like."""

    _ROW_GROUP = 50_000

    def __init__(self, schema: pa.Schema, options: FormatOptions) -> None:
        super().__init__(schema, options)
        self._sink = _Drain()
        self._writer = pq.ParquetWriter(self._sink, schema, compression="gzip" if options.gzip else "snappy")
        self._held: list[pa.RecordBatch] = []
        self._rows = 0

    def add(self, rows: pa.RecordBatch) -> bytes:
        self._held.append(rows)
        self._rows += rows.num_rows
        if self._rows >= self._ROW_GROUP:
            self._write_group()
        return self._sink.take()

    def end(self) -> bytes:
        if self._rows:
            self._write_group()
        self._writer.close()
        return self._sink.take()

    def _write_group(self) -> None:
        self._writer.write_table(pa.Table.from_batches(self._held, self.schema))
        self._held, self._rows = [], 0


class _Gzip(Encoder):
    """Another encoder's bytes, compressed; the same rows always give the same bytes."""

    def __init__(self, inner: Encoder) -> None:
        super().__init__(inner.schema, inner.options)
        self._inner = inner
        self._stream = zlib.compressobj(6, zlib.DEFLATED, 31)

    def start(self) -> bytes:
        return self._stream.compress(self._inner.start())

    def add(self, rows: pa.RecordBatch) -> bytes:
        return self._stream.compress(self._inner.add(rows))

    def end(self) -> bytes:
        return self._stream.compress(self._inner.end()) + self._stream.flush()


_ENCODERS: dict[Format, type[Encoder]] = {
    Format.CSV: _Csv,
    Format.JSON: _Json,
    Format.NDJSON: _Ndjson,
    Format.XML: _Xml,
    Format.PARQUET: _Parquet,
}
