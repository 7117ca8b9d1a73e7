"""Rows as JSON objects, written column by column: many times faster than value by value, and just as exact."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from connectors.sdk.arrow import column_type
from connectors.sdk.rows import clock_texts, column_values, dumps, json_rows, stands_for_more
from connectors.sdk.types import ColumnType

# Names of an object in order, each with the column that holds its value or with an object of its own.
Shape = Mapping[str, "str | Shape"]
Pieces = tuple["str | pa.Array", ...]

_NULL = pa.scalar("null")
_NO_NUMBER = pa.scalar(math.nan)
# What JSON text may not hold as it is: these, and whatever comes before the first printable sign.
_ESCAPED = r'["\\\x00-\x1f]'
_ESCAPED_SIGNS, _FIRST_PRINTABLE = (b'"', b"\\"), 0x20
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
    pieces = _pieces(column, field)
    return pieces[0] if len(pieces) == 1 else pc.binary_join_element_wise(*pieces, "")


def _pieces(column: pa.Array, field: pa.Field | None) -> Pieces:
    """What makes the JSON text of each value when joined: one column, and the text that is around all of its values."""
    if field is not None and stands_for_more(field):
        return (_meant(column, field),)
    kind = column.type
    if isinstance(column, pa.ExtensionArray):
        return _pieces(column.storage, None)
    if pa.types.is_dictionary(kind):
        return _pieces(column.dictionary_decode(), None)
    for fits, write in _WRITERS:
        if fits(kind):
            return write(column)
    return (_one_by_one(column),)


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

    def of(self, rows: pa.RecordBatch) -> tuple[pa.Array, pa.Field]:
        return rows.column(self.name), rows.schema.field(self.name)


def _joined(rows: pa.RecordBatch, pieces: Iterator[str | _Column]) -> Iterator[str | pa.Array]:
    """Columns written out, and the text between them in as few pieces as can be."""
    text = ""
    for piece in pieces:
        for part in (piece,) if isinstance(piece, str) else _pieces(*piece.of(rows)):
            if isinstance(part, str):
                text += part
            else:
                yield text
                yield part
                text = ""
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


def _plain(column: pa.Array) -> Pieces:
    return (_or_null(column.cast(pa.string())),)


def _or_null(texts: pa.Array) -> pa.Array:
    return pc.fill_null(texts, _NULL) if texts.null_count else texts


def _floats(column: pa.Array) -> Pieces:
    """The shortest digits that read back as the same number; null where JSON has no word for it."""
    if not len(column):
        return (pa.array([], pa.string()),)
    numbers = pc.fill_null(column.cast(pa.float64()), _NO_NUMBER)
    signs = memoryview(numbers.buffers()[1]).cast("d")[numbers.offset : numbers.offset + len(numbers)]
    text = orjson.dumps(signs.tolist())[1:-1].decode()
    return (pc.split_pattern(pa.scalar(text), ",").values,)


def _decimals(column: pa.Array) -> Pieces:
    texts = column.cast(pa.string())
    return (_one_by_one(column) if b"E" in _bytes(texts) else _or_null(texts),)


def _texts(column: pa.Array) -> Pieces:
    plain = column.cast(pa.string())
    if _as_it_is(plain):
        return _quoted(plain)
    special = pc.fill_null(pc.match_substring_regex(plain, _ESCAPED), False)
    escaped = [orjson.dumps(text).decode() for text in plain.filter(special).to_pylist()]
    quoted = pc.binary_join_element_wise('"', plain, '"', "")
    return (pc.fill_null(pc.replace_with_mask(quoted, special, pa.array(escaped, pa.string())), _NULL),)


def _as_it_is(texts: pa.Array) -> bool:
    """Whether no text needs an escape: looking at all of them at once costs a fiftieth of looking at each."""
    signs = _bytes(texts)
    if not signs:
        return True
    codes = pa.Array.from_buffers(pa.uint8(), len(signs), [None, pa.py_buffer(signs)])
    return pc.min(codes).as_py() >= _FIRST_PRINTABLE and not any(sign in signs for sign in _ESCAPED_SIGNS)


def _moments(column: pa.Array) -> Pieces:
    return _quoted(clock_texts(column), "Z" if column.type.tz else "")


def _quoted(texts: pa.Array, end: str = "") -> Pieces:
    """Text in quotes, with an ``end`` to each; where there are nulls, the quotes are part of the column."""
    if not texts.null_count:
        return ('"', texts, f'{end}"')
    return (pc.fill_null(pc.binary_join_element_wise('"', texts, f'{end}"', ""), _NULL),)


def _bytes(texts: pa.Array) -> bytes:
    """All texts of a column, one behind the other."""
    _, ends, data = texts.buffers()
    if data is None:
        return b""
    places = memoryview(ends).cast("i")
    return bytes(memoryview(data)[places[texts.offset] : places[texts.offset + len(texts)]])


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
    (_is("timestamp"), _moments),
)
