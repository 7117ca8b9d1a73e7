"""What the common refusals of warehouses mean, and what to do: said beside their own words, never instead.

Each pattern covers one kind of error in the words of several systems; the first that fits is used.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class _Kind:
    pattern: re.Pattern[str]
    hint: str


def _kind(pattern: str, hint: str) -> _Kind:
    return _Kind(re.compile(pattern, re.IGNORECASE | re.DOTALL), hint)


_KINDS = (
    _kind(
        r"ambiguous|duplicate column name|specified more than once|multiple expressions .* for alias",
        "Several joined tables have a column of this name. Say which one is meant, and give each a name of its own "
        "with AS, such as a.url AS url_of_a.",
    ),
    _kind(
        r"view definition.*declared \d+ column|view query produces \d+ column|view .*columns? .*mismatch",
        "The view no longer fits its own query. Recreate it in the warehouse, with its columns listed instead of "
        "SELECT *.",
    ),
    _kind(
        r"invalid data type .*predicate|operator does not exist|cannot compare values of type|cannot be applied to"
        r"|no matching signature for operator|data ?type[_ ]mismatch|incompatible types|argument types",
        "Values of different types are compared or combined. Make them the same type with CAST.",
    ),
    _kind(
        r"unresolved[_ ]column|invalid identifier|column .*(does not exist|not found|cannot be resolved)"
        r"|unrecognized name|unknown column|invalid column name|referenced column|unknown expression identifier"
        r"|missing columns?:|no such column|COLUMN_NOT_FOUND",
        "The query names a column that is not there: renamed, removed or mistyped. Compare with the table as it is "
        "now; after a change, preview and save the model, then look at the mappings that use the old name.",
    ),
    _kind(
        r"does not exist or not authorized|permission denied|access denied|not authorized|insufficient privilege"
        r"|does not have .*(privilege|permission)|lacks? .*privilege",
        "The user that Headrace connects as may not read this, or it is elsewhere. Grant it USAGE on the schema and "
        "SELECT on the table, and write the full name (database.schema.table). Your own user seeing it is not enough.",
    ),
    _kind(
        r"(table|relation|view|object|schema|database|dataset).*(does not exist|not found|doesn't exist)"
        r"|invalid object name|unknown table|no such table|TABLE_OR_VIEW_NOT_FOUND",
        "The table was moved, renamed or removed, or another default schema applies here than in your own SQL editor. "
        "Write its full name (database.schema.table), and check that Headrace's user may read it.",
    ),
    _kind(
        r"syntax error|parser error|parse error|mismatched input|unexpected .*token|incorrect syntax",
        "The query is not valid SQL for this source: look at the place named. It runs as a part of a larger query, so "
        "leave out comments at the very end and anything after the statement.",
    ),
    _kind(
        r"division by zero|divide by zero|zero divide",
        "Some row divides by zero. Use NULLIF(…, 0) for the divisor.",
    ),
)


def hint_for(message: str) -> str:
    """What to do about a query that was refused in these words; nothing where the words are not known."""
    return next((kind.hint for kind in _KINDS if kind.pattern.search(message)), "")
