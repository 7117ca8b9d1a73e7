"""Arrow columns as the text that is staged, which the server converts to the type of the target column."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import pyarrow as pa

from connectors.destinations.sqlserver.catalog import Kind, TableColumn
from connectors.sdk.destination import RowResult, rejected
from connectors.sdk.rows import decimal_text, dumps, values_and_bytes

_CLOCK = re.compile(r"\d{4}-\d\d-\d\dT(\d\d:\d\d(?::\d\d(?:\.\d{1,7})?)?)(?:Z|[+-]\d\d:\d\d)?")
# Of exact numbers.
_MOST_DIGITS = 38


def texts(
    array: pa.Array, target: TableColumn, results: list[RowResult], positions: Sequence[int], *, matches: bool
) -> list[str | None]:
    """One text for each value. Values that the column can never hold are noted in ``results``.

    ``matches``: rows are matched by this column, so that a text is never cut to its length.
    """
    found: list[str | None] = []
    for position, value in zip(positions, values_and_bytes(array), strict=True):
        try:
            text = None if value is None else _WRITERS.get(target.kind, _plain)(value, target)
            if matches and text is not None and target.length and _units(text) > target.length:
                raise _Unfit(f"“{target.name}” holds {target.length} characters, so no record can match.")
            found.append(text)
        except _Unfit as error:
            results[position] = rejected(str(error), field=target.name)
            found.append(None)
    return found


def _units(text: str) -> int:
    """How many characters the server counts: those beyond the first 65,536 twice."""
    return len(text.encode("utf-16-le")) // 2


class _Unfit(Exception):
    """A value that the column cannot hold, in words for people."""


def _number(value: Any, target: TableColumn) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    text = str(value).strip()
    if text.lower() in ("true", "false"):
        return "1" if text.lower() == "true" else "0"
    try:
        number = value if isinstance(value, Decimal) else Decimal(text)
    except InvalidOperation:
        raise _Unfit(f"“{text[:100]}” is not a number.") from None
    if not number.is_finite():
        raise _Unfit(f"“{text[:100]}” is not a finite number.")
    if target.native_type not in ("float", "real") and abs(number.adjusted()) > _MOST_DIGITS:
        # Written out, a short “1e999999999” would be a gigabyte.
        raise _Unfit(f"“{text[:100]}” has more digits than “{target.name}” holds.")
    if target.kind is Kind.WHOLE and number == number.to_integral_value():
        return str(int(number))
    if target.native_type in ("float", "real"):
        return text
    return decimal_text(number)


def _bytes(value: Any, target: TableColumn) -> str:
    if isinstance(value, bytes):
        return value.hex()
    try:
        return base64.b64decode(str(value), validate=True).hex()
    except (binascii.Error, ValueError):
        raise _Unfit(f"“{target.name}” holds bytes, and the value is not base64.") from None


def _moment(value: Any, target: TableColumn) -> str:
    """In UTC where it has a zone. What is no moment is left for the server to refuse."""
    try:
        moment = datetime.fromisoformat(str(value).strip())
    except ValueError:
        return str(value)
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC)
    if target.kind is Kind.ZONED:
        return moment.isoformat() if moment.tzinfo else f"{moment.isoformat()}+00:00"
    # The older types take three digits of a second and no more.
    older = target.native_type in ("datetime", "smalldatetime")
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds" if older else "auto")


def _time(value: Any, target: TableColumn) -> str:
    found = _CLOCK.fullmatch(str(value).strip())
    return found[1] if found else str(value)


def _plain(value: Any, target: TableColumn) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict | list):
        return dumps(value).decode()
    if isinstance(value, bool):
        return "1" if value else "0"
    return decimal_text(value) if isinstance(value, Decimal) else str(value)


_WRITERS = {
    Kind.WHOLE: _number,
    Kind.NUMBER: _number,
    Kind.BYTES: _bytes,
    Kind.MOMENT: _moment,
    Kind.ZONED: _moment,
    Kind.TIME: _time,
}
