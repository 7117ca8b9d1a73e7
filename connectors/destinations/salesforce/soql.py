"""Salesforce's language for queries (SOQL)."""

from __future__ import annotations

from connectors.sdk.rest import Record


def quoted(value: str) -> str:
    """Text in a query (SOQL)."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")
    return f"'{escaped}'"


def next_page(answer: Record) -> str | None:
    """The rest of a result, relative to the version's address."""
    following = answer.get("nextRecordsUrl")
    return str(following).partition("/services/data/")[2].partition("/")[2] if following else None
