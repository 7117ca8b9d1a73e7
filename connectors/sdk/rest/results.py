"""Reading answers: which rows were taken, and what was said of the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from connectors.sdk.destination import ACCEPTED, RowResult, rejected
from connectors.sdk.errors import ConnectorError


def by_index(rows: int, errors: Iterable[tuple[int, str]]) -> list[RowResult]:
    """Every row was taken but those that an error names by place. Places outside of the batch are ignored."""
    results = [ACCEPTED] * rows
    for place, message in errors:
        if 0 <= place < rows:
            results[place] = rejected(message)
    return results


def by_value(
    values: Sequence[Any], errors: Iterable[tuple[str, str]], *, fold: Callable[[str], str] = str.lower
) -> list[RowResult]:
    """Every row was taken but those whose value an error names; ``fold`` makes values equal that mean the same."""
    told = {fold(value): message for value, message in errors}
    found = (told.get(fold(str(value))) for value in values)
    return [ACCEPTED if message is None else rejected(message) for message in found]


def refusals(rows: int, error: ConnectorError) -> list[RowResult]:
    """The same refusal for every row."""
    return [rejected(error.message, code=error.code)] * rows
