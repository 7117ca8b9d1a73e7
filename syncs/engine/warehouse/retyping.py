"""Values of a table in the types that its successor's columns have."""

from __future__ import annotations

from sqlglot import exp

from connectors.sdk.types import Column
from syncs.engine.warehouse.profile import Profile

_INTEGERS = ("smallint", "integer", "bigint", "numeric", "double precision")


def retyped(profile: Profile, value: exp.Expr, old: Column, new: Column) -> exp.Expr:
    """An old value in the type that the column has now; null where the system cannot try."""
    wanted = new.native_type
    if old.native_type == wanted:
        return value
    kept = profile.kept(value, old)
    text = profile.plain_text(value, old) if kept is value else kept
    if parsed := profile.parsing(new):
        return parsed(text, wanted)
    try:
        kind = exp.DataType.build(wanted, dialect=profile.dialect)
    except ValueError:
        return exp.null()
    if profile.try_cast:
        return exp.TryCast(this=text, to=kind)
    return exp.cast(value, kind) if _widens(old.native_type, wanted) else exp.null()


def _widens(old: str, new: str) -> bool:
    """Whether every value of the old type is one of the new type, in systems without a cast that may fail."""
    if new in ("text", "character varying"):
        return True
    if old in _INTEGERS and new in _INTEGERS:
        return _INTEGERS.index(old) <= _INTEGERS.index(new)
    return (old, new) in {
        ("real", "double precision"), ("date", "timestamp without time zone"), ("date", "timestamp with time zone"),
        ("timestamp without time zone", "timestamp with time zone"), ("json", "jsonb"),
    }  # fmt: skip
