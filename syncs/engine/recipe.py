"""How a row's tracked values become one number, and a name for that way.

Two rows with the same key count as equal when their numbers are equal, so every
difference a destination could see must change the number. DuckDB's ``hash`` takes
an empty list, a list of nulls and null as equal, and both zeros: nested values and
floats therefore go in twice. Numbers are only comparable when made by the same
recipe: it names the DuckDB version and each column's type.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from syncs.engine.duck import quoted

KEY, HASH, ERROR = "_key", "_hash", "_error"
DUPLICATE_CODE = "duplicate_key"
_WHOLE = frozenset(f"{sign}{size}INT" for sign in ("", "U") for size in ("TINY", "SMALL", "BIG", "HUGE"))
_WHOLE |= {"INTEGER", "UINTEGER"}
_NESTED_ENDS = ("]",)
_NESTED_STARTS = ("STRUCT", "MAP", "UNION", "LIST")


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of a spool: its file calls the n-th one ``c<n>``, so that no name can clash.

    ``types`` are DuckDB's names of their types.
    """

    names: tuple[str, ...]
    types: tuple[str, ...]

    def position(self, name: str) -> str:
        """What the file calls this column."""
        return f"c{self.names.index(name)}"

    @property
    def positions(self) -> tuple[str, ...]:
        return tuple(f"c{i}" for i in range(len(self.names)))

    def type_of(self, name: str) -> str:
        return self.types[self.names.index(name)]


def recipe_name(layout: Layout, tracked: Sequence[str]) -> str:
    """The name under which hashes of these columns may be compared."""
    columns = ", ".join(f"{quoted(name)} {layout.type_of(name)}" for name in sorted(tracked))
    return f"duckdb {duckdb.__version__} hash v1 ({columns})"


def hash_expression(layout: Layout, tracked: Sequence[str], values: Mapping[str, str] | None = None) -> str:
    """SQL for the number; ``values`` replaces the SQL that reads single columns."""
    values = values or {}
    terms: list[str] = []
    for name in sorted(tracked):
        terms += _terms(values.get(name, layout.position(name)), layout.type_of(name))
    return f"hash({', '.join(terms)})" if terms else "0::UBIGINT"


def is_nested(kind: str) -> bool:
    """Whether DuckDB's type name is that of a list, structure or map."""
    return kind.endswith(_NESTED_ENDS) or kind.upper().startswith(_NESTED_STARTS)


def key_expression(column: str, kind: str) -> str:
    """SQL for the key as text."""
    return f"to_json({column})::VARCHAR" if is_nested(kind) else f"{column}::VARCHAR"


def is_whole(kind: str) -> bool:
    """Whether DuckDB's type name is that of a whole number."""
    return kind in _WHOLE


def keys_compare(before: str, now: str) -> bool:
    """Whether keys of these two types are the same text for the same row: whole numbers of any size are."""
    return not before or before == now or (before in _WHOLE and now in _WHOLE)


def _terms(column: str, kind: str) -> list[str]:
    if is_nested(kind):
        return [f"to_json({column})::VARCHAR", column]
    if kind in ("DOUBLE", "FLOAT"):
        return [column, f"({column} = 0 AND signbit({column}))"]
    if kind == "JSON":
        return [f"{column}::VARCHAR"]
    return [column]
