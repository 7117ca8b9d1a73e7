"""SCIM filters and orders as conditions of the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Exists, F, OuterRef, Q, QuerySet, TextField, Value
from django.db.models.functions import Cast, Lower, NullIf
from django.db.models.lookups import (
    Contains,
    EndsWith,
    GreaterThan,
    GreaterThanOrEqual,
    LessThan,
    LessThanOrEqual,
    StartsWith,
)
from django.utils.dateparse import parse_datetime
from scim2_models import InvalidFilterException, InvalidPathException, ScimFilter
from scim2_models.path import AttrPath, CompareOperator, Comparison, FilterVisitor, LogicalExpr, Not, Present, ValuePath

from workspaces.models import DirectoryEmail, DirectoryMembership

LONGEST = 8_000
MOST_TERMS = 100
ORDERS = {"gt": GreaterThan, "ge": GreaterThanOrEqual, "lt": LessThan, "le": LessThanOrEqual}
PARTS = {"co": "contains", "sw": "startswith", "ew": "endswith"}
TEXT_PARTS = {"co": Contains, "sw": StartsWith, "ew": EndsWith}


@dataclass(frozen=True, slots=True)
class Column:
    """Where the value of an attribute stands: a text, a number shown as text, a flag or a time."""

    name: str
    kind: str = "text"
    exact: bool = False


@dataclass(frozen=True, slots=True)
class Many:
    """An attribute with several values, which stand in rows of their own."""

    model: type[models.Model]
    owner: str
    columns: Mapping[str, Column]


Attributes = Mapping[str, Column | Many]

COMMON: Attributes = {
    "id": Column("pk", "id"),
    "externalid": Column("external_id", exact=True),
    "meta.created": Column("created_at", "time"),
    "meta.lastmodified": Column("updated_at", "time"),
}
USERS: Attributes = {
    **COMMON,
    "username": Column("user_name"),
    "displayname": Column("display_name"),
    "name.formatted": Column("formatted_name"),
    "name.familyname": Column("family_name"),
    "name.givenname": Column("given_name"),
    "active": Column("active", "flag"),
    "emails": Many(
        DirectoryEmail,
        "person",
        {"value": Column("address"), "type": Column("kind"), "primary": Column("is_primary", "flag")},
    ),
    "groups": Many(
        DirectoryMembership, "person", {"value": Column("group_id", "id"), "display": Column("group__name")}
    ),
}
GROUPS: Attributes = {
    **COMMON,
    "displayname": Column("name"),
    "members": Many(DirectoryMembership, "group", {"value": Column("person_id", "id")}),
}


def condition(attributes: Attributes, text: ScimFilter[Any]) -> Q:
    """A filter as a condition; raises :class:`InvalidFilterException` for what cannot be asked."""
    if len(text) > LONGEST:
        raise InvalidFilterException(detail=f"A filter may be {LONGEST} characters long.")
    return _Conditions(attributes).visit(text.ast)


def ordered(rows: QuerySet[Any], attributes: Attributes, path: str, descending: bool) -> QuerySet[Any]:
    """Rows in the order of an attribute; those without a value come last, or first where it descends."""
    found = attributes.get(path.rpartition(":")[2].lower().removesuffix(".value"))
    if isinstance(found, Many) and found.model is DirectoryEmail:
        emails = DirectoryEmail.objects.filter(person=OuterRef("pk"))
        best = emails.order_by(F("is_primary").desc(nulls_last=True), "pk").values(key=Lower("address"))
        key: Any = models.Subquery(best[:1])
    elif isinstance(found, Column):
        key = F(found.name)
        if found.kind == "text":
            key = NullIf(key if found.exact else Lower(key), Value(""))
    else:
        raise InvalidPathException(detail=f"Cannot sort by {path}.")
    rows = rows.alias(scim_order=key)
    first = F("scim_order").desc(nulls_first=True) if descending else F("scim_order").asc(nulls_last=True)
    return rows.order_by(first, "pk")


class _Conditions(FilterVisitor[Q]):
    """Turns the tree of a filter into a condition on rows."""

    def __init__(self, attributes: Attributes) -> None:
        self.attributes = attributes
        self.terms = 0

    def visit_logical_expr(self, node: LogicalExpr) -> Q:
        result = self.visit(node.terms[0])
        for term in node.terms[1:]:
            result = result & self.visit(term) if node.op == "and" else result | self.visit(term)
        return result

    def visit_not(self, node: Not) -> Q:
        return ~self.visit(node.expr)

    def visit_present(self, node: Present) -> Q:
        found, column = self._at(node.attr_path)
        return _within(found, _present(column))

    def visit_comparison(self, node: Comparison) -> Q:
        found, column = self._at(node.attr_path)
        if node.op == CompareOperator.ne:
            return ~_within(found, _compared(column, CompareOperator.eq, node.value))
        return _within(found, _compared(column, node.op, node.value))

    def visit_value_path(self, node: ValuePath) -> Q:
        found = self.attributes.get(node.attr_path.attr.lower())
        if not isinstance(found, Many):
            raise InvalidFilterException(detail=f"{node.attr_path} has no values to choose from.")
        inner = _Conditions(found.columns)
        inner.terms = self.terms
        chosen = inner.visit(node.val_filter)
        self.terms = inner.terms
        return _within(found, chosen)

    def _at(self, path: AttrPath) -> tuple[Many | None, Column]:
        self.terms += 1
        if self.terms > MOST_TERMS:
            raise InvalidFilterException(detail=f"A filter may have {MOST_TERMS} conditions.")
        name, sub = path.attr.lower(), (path.sub_attr or "").lower()
        found = self.attributes.get(name)
        if isinstance(found, Many):
            column = found.columns.get(sub or "value")
            if column is not None:
                return found, column
        elif isinstance(found := self.attributes.get(f"{name}.{sub}" if sub else name), Column):
            return None, found
        raise InvalidFilterException(detail=f"Cannot filter by {path}.")


def _within(found: Many | None, inner: Q) -> Q:
    """The condition on the rows themselves, or on the rows of one of their attributes."""
    if found is None:
        return inner
    rows = found.model._default_manager.filter(inner, **{found.owner: OuterRef("pk")})
    return Q(Exists(rows))


def _present(column: Column) -> Q:
    if column.kind == "text":
        return ~Q(**{column.name: ""})
    return Q(**{f"{column.name}__isnull": False})


def _compared(column: Column, op: CompareOperator, value: Any) -> Q:
    if value is None:
        if op != CompareOperator.eq:
            raise InvalidFilterException(detail="null can only be compared by eq and ne.")
        return ~_present(column)
    if isinstance(value, str):
        _check_text(value)
    if column.kind == "flag":
        return _flag(column, op, value)
    if column.kind == "time":
        return _time(column, op, value)
    if not isinstance(value, str):
        raise InvalidFilterException(detail="Text is compared with text in quotation marks.")
    if column.kind == "id":
        return _id(column, op, value)
    return _text(column, op, value)


def _text(column: Column, op: CompareOperator, value: str) -> Q:
    if op in ORDERS:
        key, wanted = (F(column.name), value) if column.exact else (Lower(column.name), value.lower())
        return Q(ORDERS[op](key, Value(wanted)))
    lookup = PARTS.get(op, "exact")
    return Q(**{f"{column.name}__{lookup if column.exact else 'i' + lookup}": value})


def _id(column: Column, op: CompareOperator, value: str) -> Q:
    """Ids are numbers that the wire shows as text."""
    if op == CompareOperator.eq:
        known = value.isascii() and value.isdigit() and len(value) < 19 and str(int(value)) == value
        return Q(**{column.name: int(value)}) if known else Q(pk__in=[])
    if op in ORDERS:
        return Q(ORDERS[op](Cast(column.name, TextField()), Value(value)))
    return Q(TEXT_PARTS[op](Cast(column.name, TextField()), value))


def _flag(column: Column, op: CompareOperator, value: Any) -> Q:
    if op != CompareOperator.eq or not isinstance(value, bool):
        raise InvalidFilterException(detail="A flag is compared by eq and ne with true or false.")
    return Q(**{column.name: value})


def _time(column: Column, op: CompareOperator, value: Any) -> Q:
    try:
        at = parse_datetime(value) if isinstance(value, str) else None
    except ValueError:
        at = None
    if not isinstance(at, datetime) or at.tzinfo is None or op in PARTS:
        raise InvalidFilterException(detail="A time is compared with a time like 2026-05-13T04:42:34Z.")
    lookup = {"eq": "exact", "ge": "gte", "le": "lte"}.get(op, str(op))
    return Q(**{f"{column.name}__{lookup}": at})


def _check_text(value: str) -> None:
    """PostgreSQL holds no NUL and no half characters, so nothing can be found by them."""
    if "\x00" in value or any("\ud800" <= c <= "\udfff" for c in value):
        raise InvalidFilterException(detail="The filter holds a character that cannot be searched for.")
