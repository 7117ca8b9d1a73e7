"""Rows as JSON objects, written column by column: many times faster than value by value, and just as exact."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from connectors.sdk.arrow import column_type
from connectors.sdk.rows import column_values, dumps, json_rows, moment_texts, stands_for_more
from connectors.sdk.types import ColumnType

# Names of an object in order, each with the column that holds its value or with an object of its own.
Shape = Mapping[str, "str | Shape"]

_NULL = pa.scalar("null")
# What JSON text may not hold as it is.
_ESCAPED = r'["\\\x00-\x1f]'
_JSON_NUMBER = r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$"
_NOT_JSON = r"[\r\n]|NaN|Infinity"


@dataclass(frozen=True, slots=True)
class JsonRows:
    """Rows as JSON text, side by side in one buffer, each with a comma after it."""

    _text: memoryview
    _ends: memoryview  # of each row before ``_start`` rows were passed over, with a leading zero
    _start: int
    _stop: int

    def __len__(self) -> int:
        return self._stop - self._start

    def slice(self, start: int, stop: int) -> JsonRows:
        """Rows ``start`` to ``stop``, without copying."""
        return JsonRows(self._text, self._ends, self._start + start, min(self._start + stop, self._stop))

    def row(self, index: int) -> bytes:
        """One row: an object."""
        place = self._start + index
        return bytes(self._text[self._ends[place] : self._ends[place + 1] - 1])

    def array(self) -> bytes:
        """All rows: an array of objects."""
        if not len(self):
            return b"[]"
        return b"".join((b"[", self._text[self._ends[self._start] : self._ends[self._stop] - 1], b"]"))


def json_objects(rows: pa.RecordBatch, shape: Shape | None = None) -> JsonRows:
    """Each row as an object, of all columns or in the ``shape`` asked for; the same text that ``dumps`` writes.

    Raises ``pa.ArrowInvalid`` where the text of all rows together passes 2 GB.
    """
    pieces = list(_joined(rows, _object(shape if shape is not None else {n: n for n in rows.schema.names})))
    texts = pc.binary_join_element_wise(*pieces, ",", "") if any(isinstance(p, pa.Array) for p in pieces) else None
    if texts is None:  # nothing but names
        texts = pa.repeat("".join(pieces) + ",", rows.num_rows)
    _, ends, text = texts.buffers()
    if not rows.num_rows or text is None:
        return JsonRows(memoryview(b""), memoryview(b""), 0, 0)
    return JsonRows(memoryview(text), memoryview(ends).cast("i"), texts.offset, texts.offset + len(texts))


def json_column(column: pa.Array, field: pa.Field | None = None) -> pa.Array:
    """Each value of a column as JSON text; ``field`` says what text stands for (see ``connectors.sdk.arrow``)."""
    if field is not None and stands_for_more(field):
        return _meant(column, field)
    kind = column.type
    if isinstance(column, pa.ExtensionArray):
        return json_column(column.storage)
    if pa.types.is_dictionary(kind):
        return json_column(column.dictionary_decode())
    for fits, write in _WRITERS:
        if fits(kind):
            return pc.fill_null(write(column), _NULL)
    return _one_by_one(column)


def _object(shape: Shape) -> Iterator[str | _Column]:
    """The text of an object, with columns in place of values."""
    lead = "{"
    for name, value in shape.items():
        yield f"{lead}{orjson.dumps(name).decode()}:"
        if isinstance(value, str):
            yield _Column(value)
        else:
            yield from _object(value)
        lead = ","
    yield "}" if shape else "{}"


@dataclass(frozen=True, slots=True)
class _Column:
    name: str


def _joined(rows: pa.RecordBatch, pieces: Iterator[str | _Column]) -> Iterator[str | pa.Array]:
    """Columns written out, and the text between them in as few pieces as can be."""
    text = ""
    for piece in pieces:
        if isinstance(piece, _Column):
            yield text
            yield json_column(rows.column(piece.name), rows.schema.field(piece.name))
            text = ""
        else:
            text += piece
    yield text


def _meant(column: pa.Array, field: pa.Field) -> pa.Array:
    """Text that stands for an object, an array or a number, as it is; read and written anew where JSON would differ."""
    texts = column.cast(pa.string())
    if column_type(field) is ColumnType.OBJECT:
        other = pc.match_substring_regex(texts, _NOT_JSON)
    else:
        other = pc.invert(pc.match_substring_regex(texts, _JSON_NUMBER))
    other = pc.fill_null(other, False)
    if _any(other):
        found = json_rows(
            pa.RecordBatch.from_arrays([texts.filter(other)], schema=pa.schema([field.with_type(pa.string())]))
        )
        anew = [dumps(row[field.name]).decode() for row in found]
        texts = pc.replace_with_mask(texts, other, pa.array(anew, pa.string()))
    return pc.fill_null(texts, _NULL)


def _plain(column: pa.Array) -> pa.Array:
    return column.cast(pa.string())


def _floats(column: pa.Array) -> pa.Array:
    """The shortest digits that read back as the same number; null where JSON has no word for it."""
    if not len(column):
        return pa.array([], pa.string())
    text = orjson.dumps(column.to_pylist())[1:-1].decode()
    return pc.split_pattern(pa.scalar(text), ",").values


def _decimals(column: pa.Array) -> pa.Array:
    texts = column.cast(pa.string())
    return _one_by_one(column) if _any(pc.match_substring(texts, "E")) else texts


def _texts(column: pa.Array) -> pa.Array:
    plain = column.cast(pa.string())
    special = pc.fill_null(pc.match_substring_regex(plain, _ESCAPED), False)
    quoted = _quoted(plain)
    if not _any(special):
        return quoted
    escaped = [orjson.dumps(text).decode() for text in plain.filter(special).to_pylist()]
    return pc.replace_with_mask(quoted, special, pa.array(escaped, pa.string()))


def _quoted(texts: pa.Array) -> pa.Array:
    return pc.binary_join_element_wise('"', texts, '"', "")


def _one_by_one(column: pa.Array) -> pa.Array:
    return pa.array([dumps(value).decode() for value in column_values(column)], pa.string())


def _any(truths: pa.Array) -> bool:
    return bool(pc.any(truths).as_py())


def _is(*tests: str) -> partial[bool]:
    return partial(_is_one_of, [getattr(pa.types, f"is_{test}") for test in tests])


def _is_one_of(tests: list, kind: pa.DataType) -> bool:  # type: ignore[type-arg]
    return any(test(kind) for test in tests)


_WRITERS = (
    (_is("integer", "boolean"), _plain),
    (_is("floating"), _floats),
    (_is("decimal"), _decimals),
    (_is("string", "large_string"), _texts),
    (_is("date", "time"), lambda column: _quoted(column.cast(pa.string()))),
    (_is("timestamp"), lambda column: _quoted(moment_texts(column))),
)
