"""Arrow columns as SQL literals of the type that the target column has.

MySQL compares text with numbers as if both were numbers: ``DELETE … WHERE name = 0`` deletes every name that
is no number. So a value is always written as its column's own kind, or the row is refused.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa

from connectors.destinations.mysql.catalog import Kind, TableColumn
from connectors.sdk.destination import RowResult, rejected
from connectors.sdk.rows import decimal_text, dumps, values_and_bytes

NULL = "NULL"
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(?:Z|\+00:?00)?")
Escape = Callable[[str], str]


def literals(
    array: pa.Array, target: TableColumn, escape: Escape, results: list[RowResult], positions: Sequence[int]
) -> list[str]:
    """One literal for each value. Values that the column can never hold are noted in ``results``."""
    write, found = _Writer(target, escape).text, []
    for position, value in zip(positions, values_and_bytes(array), strict=True):
        try:
            found.append(NULL if value is None else write(value))
        except _Unfit as error:
            results[position] = rejected(str(error), field=target.name)
            found.append(NULL)
    return found


class _Unfit(Exception):
    """A value that the column cannot hold, in words for people."""


class _Writer:
    """Writes values for one column."""

    def __init__(self, target: TableColumn, escape: Escape) -> None:
        self._target = target
        self._escape = escape
        self.text = {Kind.NUMBER: self._number, Kind.BYTES: self._bytes, Kind.MOMENT: self._moment}.get(
            target.kind, self._quoted
        )

    def _number(self, value: Any) -> str:
        if isinstance(value, bool):
            return "1" if value else "0"
        text = decimal_text(value) if isinstance(value, Decimal) else str(value).strip()
        if text.lower() in ("true", "false"):
            return "1" if text.lower() == "true" else "0"
        if not _NUMBER.fullmatch(text):
            raise _Unfit(f"“{text[:100]}” is not a number.")
        return text

    def _bytes(self, value: Any) -> str:
        if isinstance(value, bytes):
            return f"X'{value.hex()}'"
        try:
            return f"X'{base64.b64decode(str(value), validate=True).hex()}'"
        except (binascii.Error, ValueError):
            raise _Unfit(f"“{self._target.name}” holds bytes, and the value is not base64.") from None

    def _moment(self, value: Any) -> str:
        # The session's time zone is UTC; the marks of zones are unknown to older servers.
        found = _MOMENT.fullmatch(str(value))
        return self._quoted(f"{found[1]} {found[2]}" if found else value)

    def _quoted(self, value: Any) -> str:
        if isinstance(value, bytes):
            return f"X'{value.hex()}'"
        return f"'{self._escape(_plain(value, self._target.kind))}'"


def _plain(value: Any, kind: Kind) -> str:
    if isinstance(value, dict | list) or (kind is Kind.JSON and not isinstance(value, str)):
        return dumps(value).decode()
    if isinstance(value, bool):
        return "1" if value else "0"
    return decimal_text(value) if isinstance(value, Decimal) else str(value)
