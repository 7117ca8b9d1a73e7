"""Makes a trait's definition fit the model that it is of, after an edit: another method takes other settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from audiences.builder.edits import Tree, number
from audiences.builder.offers import Choice, Offers
from audiences.query.conditions import Function, ResultType, Which
from connectors.sdk.types import ColumnType

FitGroup = Callable[[Tree, Offers], None]
RELATED = ("aggregation", "count", "occurrence", "list", "sql")
METHODS = (*RELATED, "formula")
ORDERED = (Which.FIRST.value, Which.LAST.value)
_KEYS = {
    "aggregation": {"relationship", "function", "column", "where"},
    "count": {"relationship", "column", "distinct", "where"},
    "occurrence": {"relationship", "which", "column", "order_by", "where"},
    "list": {"relationship", "columns", "distinct", "order_by", "descending", "skip", "take", "where"},
    "sql": {"relationship", "sql", "result", "default", "where"},
    "formula": {"sql", "result"},
}
# What belongs to the related model, and means nothing in another one.
_OF_MODEL = ("column", "columns", "order_by", "where")


def methods_of(offers: Offers, *, inline: bool = False) -> tuple[str, ...]:
    """The methods by which a trait can be calculated here; one inside an audience is always over other rows."""
    related = RELATED if offers.relations() or offers.events() else ()
    return related if inline else (*related, "formula")


def fit_trait(definition: Tree, offers: Offers, fit_group: FitGroup, *, inline: bool = False) -> Tree:
    """The definition with the settings that its method has, and no others."""
    methods = methods_of(offers, inline=inline)
    method = definition.get("method")
    if method not in METHODS:
        method = methods[0] if methods else "formula"
    made = {key: value for key, value in definition.items() if key in _KEYS[str(method)]}
    made["method"] = method
    if method == "formula":
        _fit_sql(made, ResultType.STRING)
        return made
    if not made.get("relationship"):
        offered = [*offers.relations(), *offers.events()]
        made["relationship"] = offered[0].value if offered else ""
    below = offers.below(str(made["relationship"]))
    _FITTERS[str(method)](made, below)
    where = made.get("where")
    made["where"] = where if isinstance(where, dict) else {}
    made["where"].setdefault("type", "group")
    fit_group(made["where"], below)
    return made


def unlinked(before: Any, after: Any) -> Any:
    """The changed tree, where traits that are now about another model forget the columns of the old one."""
    if isinstance(before, dict) and isinstance(after, dict):
        kept = {name: unlinked(before.get(name), child) for name, child in after.items()}
        moved = "method" in kept and before.get("relationship") not in (None, "", kept.get("relationship"))
        return {name: child for name, child in kept.items() if not (moved and name in _OF_MODEL)}
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        return [unlinked(old, new) for old, new in zip(before, after, strict=True)]
    return after


def _aggregation(made: Tree, below: Offers) -> None:
    if made.get("function") not in list(Function):
        made["function"] = Function.SUM.value
    made["column"] = _field(made.get("column"), _first(below, ColumnType.NUMBER))


def _count(made: Tree, below: Offers) -> None:
    if not _is_field(made.get("column")):
        made.pop("column", None)
        made.pop("distinct", None)
    elif not made.get("distinct"):
        made.pop("distinct", None)


def _occurrence(made: Tree, below: Offers) -> None:
    if made.get("which") not in list(Which):
        made["which"] = Which.LAST.value
    made["column"] = _field(made.get("column"), _first(below))
    if made["which"] not in ORDERED:
        made.pop("order_by", None)
    elif "order_by" not in made and below.model and below.model.timestamp:
        made["order_by"] = {"column": below.model.timestamp}
    _optional(made, "order_by")


def _list(made: Tree, below: Offers) -> None:
    columns = made.get("columns")
    given = [each for each in columns if isinstance(each, dict)] if isinstance(columns, list) else []
    made["columns"] = [_listed(each, below) for each in given or [{}]]
    if made.get("distinct"):
        # A list without duplicates is in the order of its own values.
        made.pop("order_by", None)
    _optional(made, "order_by")
    for name in ("distinct", "descending", "skip", "take"):
        if not made.get(name):
            made.pop(name, None)


def _listed(given: Tree, below: Offers) -> Tree:
    made = {"column": _field(given.get("column"), _first(below))}
    name = str(given.get("name") or "").strip()
    return {**made, "name": name} if name else made


def _sql(made: Tree, below: Offers) -> None:
    _fit_sql(made, ResultType.NUMBER)
    made["default"] = _default(made.get("default"), made["result"])
    if made["default"] is None:
        made.pop("default")


def _fit_sql(made: Tree, usual: ResultType) -> None:
    made["sql"] = made["sql"] if isinstance(made.get("sql"), str) else ""
    if made.get("result") not in list(ResultType):
        made["result"] = usual.value


def _default(given: Any, result: str) -> Any:
    """The default in the result's type; text that is not of it stays, to be refused where it stands."""
    if given is None or given == "":
        return None
    if result == ResultType.BOOLEAN.value and str(given).lower() in {"true", "false"}:
        return str(given).lower() == "true"
    if result == ResultType.NUMBER.value and isinstance(given, str):
        found = number(given)
        return given if found is None else found
    return given


def _field(given: Any, first: Choice | None) -> Tree:
    if _is_field(given):
        found = dict(given)
        if not found.get("via"):
            found.pop("via", None)
        return found
    return _field(orjson.loads(first.value), None) if first else {"column": ""}


def _first(below: Offers, kind: ColumnType | None = None) -> Choice | None:
    """The first column that says something: keys only where there is nothing else."""
    keys = _keys(below)
    choices = [each for group in below.fields() for each in group.choices if kind is None or each.kind == kind]
    telling = (each for each in choices if orjson.loads(each.value)["column"] not in keys)
    return next(telling, choices[0] if choices else None)


def _keys(below: Offers) -> set[str]:
    if below.model is None:
        return set()
    own, ties = below.model.id, below.schema.relationships.values()
    joins = {pair[each.from_ != own] for each in ties if own in {each.from_, each.to} for pair in each.keys}
    return {*below.model.primary_key, *joins}


def _optional(made: Tree, name: str) -> None:
    if _is_field(made.get(name)):
        made[name] = _field(made[name], None)
    else:
        made.pop(name, None)


def _is_field(given: Any) -> bool:
    return isinstance(given, dict) and bool(given.get("column"))


_FITTERS: dict[str, Callable[[Tree, Offers], None]] = {
    "aggregation": _aggregation,
    "count": _count,
    "occurrence": _occurrence,
    "list": _list,
    "sql": _sql,
}
