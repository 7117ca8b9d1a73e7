"""Columns that a driver hands out as text, as Arrow: exact, and cast in bulk instead of value by value.

Drivers that make a Python object of every number and date are slow, and some lose
digits on the way. The text that the server wrote loses nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from connectors.sdk.arrow import check_calendar
from connectors.sdk.errors import QueryError

# How servers write truth values.
_TRUE = pa.array(["t", "true", "1", "T", "TRUE", "True", "y", "Y"])


def text_batch(schema: pa.Schema, columns: Sequence[Sequence[str | None]]) -> pa.RecordBatch:
    """A batch made of the columns' texts, each as its field says."""
    arrays = [text_column(field, values) for field, values in zip(schema, columns, strict=True)]
    batch = pa.RecordBatch.from_arrays(arrays, schema=schema)
    check_calendar(batch)
    return batch


def text_column(field: pa.Field, values: Sequence[str | None] | pa.StringArray) -> pa.Array:
    """One column's texts as the field's type; :class:`QueryError` names the column of a text that is none of it."""
    texts = values if isinstance(values, pa.StringArray) else pa.array(values, pa.string())
    if pa.types.is_string(field.type):
        return texts
    if pa.types.is_boolean(field.type):
        return pc.if_else(pc.is_null(texts), pa.scalar(None, pa.bool_()), pc.is_in(texts, _TRUE))
    try:
        if pa.types.is_timestamp(field.type) and field.type.tz and not _zoned(texts):
            return pc.assume_timezone(texts.cast(pa.timestamp(field.type.unit)), field.type.tz)
        return texts.cast(field.type)
    except pa.ArrowInvalid as error:
        raise unreadable(field) from error


def _zoned(texts: pa.Array) -> bool:
    """Whether the texts of moments name a zone; some servers write them in the session's, which is UTC."""
    return bool(pc.any(pc.match_substring_regex(texts, r"(Z|[+-]\d{2}(:?\d{2})?)$")).as_py())


def unreadable(field: pa.Field) -> QueryError:
    """Why a column's values cannot be carried, and what to do."""
    if pa.types.is_temporal(field.type):
        return QueryError(
            f"Column “{field.name}” holds a date outside the years 1 to 9999, or none that a calendar knows.",
            hint="Replace such values in the query, with NULLIF or CASE WHEN … END, or cast the column to text.",
        )
    if pa.types.is_decimal(field.type):
        return QueryError(
            f"Column “{field.name}” holds a number that is not finite.",
            hint="Replace it in the query, with NULLIF(…, 'NaN'), or cast the column to text.",
        )
    return QueryError(
        f"Column “{field.name}” holds a value that is no {field.type}.",
        hint="Cast the column to text in the query, or give it the type that its values have.",
    )
