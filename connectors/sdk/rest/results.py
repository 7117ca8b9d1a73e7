"""Reading answers: which rows were taken, and what was said of the others."""

from __future__ import annotations

from collections.abc import Iterable

from connectors.sdk.destination import ACCEPTED, RowResult, rejected
from connectors.sdk.errors import ConnectorError


def by_index(rows: int, errors: Iterable[tuple[int, str]]) -> list[RowResult]:
    """Every row was taken but those that an error names by place. Places outside of the batch are ignored."""
    results = [ACCEPTED] * rows
    for place, message in errors:
        if 0 <= place < rows:
            results[place] = rejected(message)
    return results


def refusals(rows: int, error: ConnectorError) -> list[RowResult]:
    """The same refusal for every row."""
    return [rejected(error.message, code=error.code)] * rows
