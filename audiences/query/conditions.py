"""The condition tree: what a person asks of a row, as frozen values that are JSON on the wire.

Every object that can be one of several says so in ``type`` (conditions), ``kind`` (operands, moments)
or ``method`` (traits). A group may stand wherever a condition may.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

VERSION = 1

Id = Annotated[str, Meta(min_length=1, description="An id, as text")]
Count = Annotated[int, Meta(ge=0, le=10**12)]
Amount = Annotated[int, Meta(ge=0, le=100_000)]
Percent = Annotated[float, Meta(ge=0, le=100)]
Scalar = str | bool | int | float


class Operator(StrEnum):
    """What a test compares by; which of them a type has stands in :data:`OPERATORS` of the operators module."""

    EQUALS = "equals"
    NOT_EQUALS = "not_equals"
    CONTAINS = "contains"
    NOT_CONTAINS = "not_contains"
    STARTS_WITH = "starts_with"
    ENDS_WITH = "ends_with"
    GREATER = "greater"
    LESS = "less"
    GREATER_OR_EQUAL = "greater_or_equal"
    LESS_OR_EQUAL = "less_or_equal"
    BEFORE = "before"
    AFTER = "after"
    WITHIN = "within"
    NOT_WITHIN = "not_within"
    BETWEEN = "between"
    ANNIVERSARY = "anniversary"
    EXISTS = "exists"
    NOT_EXISTS = "not_exists"


class Unit(StrEnum):
    """A unit of time. Months and years go by the calendar, the others are exact."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


class ReadAs(StrEnum):
    """What the value at a JSON path is read as."""

    UNKNOWN = "unknown"
    STRING = "string"
    NUMBER = "number"
    BOOLEAN = "boolean"


class Match(StrEnum):
    """How a group joins its conditions."""

    ALL = "all"
    ANY = "any"


class Quantifier(StrEnum):
    """How many related rows there must be."""

    ANY = "any"
    NONE = "none"
    NUMBER = "number"


class _Frozen(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What all objects of the tree have in common."""


class Field(_Frozen, frozen=True):
    """A column of the model at hand, or of one that its rows belong to (``via``: relationship ids, in order).

    ``path`` is a dotted path into a JSON column (``booking.0.city``), ``read_as`` what is found there.
    """

    column: Annotated[str, Meta(min_length=1)]
    via: tuple[Id, ...] = ()
    path: str = ""
    read_as: ReadAs = ReadAs.UNKNOWN


# Moments.


class At(_Frozen, frozen=True, tag_field="kind", tag="at"):
    """A day (``2024-06-03``) or a moment (``2024-06-03T10:30:00``, in the source's zone unless it names its own)."""

    at: str


class Relative(_Frozen, frozen=True, tag_field="kind", tag="relative"):
    """So long before now, or after it where ``ahead``."""

    amount: Amount
    unit: Unit
    ahead: bool = False


Moment = At | Relative


# Operands: what a test compares with.


class Values(_Frozen, frozen=True, tag_field="kind", tag="values"):
    """One value or several: "is" conditions hold for any of them, "is not" conditions exclude all of them."""

    values: tuple[Scalar, ...]


class Uploaded(_Frozen, frozen=True, tag_field="kind", tag="list"):
    """The values of an uploaded list."""

    list: Id


class Percentile(_Frozen, frozen=True, tag_field="kind", tag="percentile"):
    """The value at this percentile, of all rows of the model that have one."""

    percentile: Percent


class Instant(_Frozen, frozen=True, tag_field="kind", tag="moment"):
    """A day or moment."""

    moment: Moment


class Span(_Frozen, frozen=True, tag_field="kind", tag="span"):
    """From the beginning of ``start`` to the end of ``end``: both days count; a moment at the end does not."""

    start: Moment
    end: Moment


class Window(_Frozen, frozen=True, tag_field="kind", tag="window"):
    """The previous or next so many units: rolling from now, or whole calendar periods without the present one.

    ``calendar`` with the amount 0 is the present period ("this month").
    """

    amount: Amount
    unit: Unit
    calendar: bool = False
    ahead: bool = False


class Anniversary(_Frozen, frozen=True, tag_field="kind", tag="anniversary"):
    """So many days from today."""

    in_days: Annotated[int, Meta(ge=-366, le=366)] = 0


class Blank(_Frozen, frozen=True, tag_field="kind", tag="blank"):
    """Left for the person who uses a template."""

    label: str = ""


Operand = Values | Uploaded | Percentile | Instant | Span | Window | Anniversary | Blank


class Test(_Frozen, frozen=True):
    """An operator and what it compares with; ``exists`` and its opposite take nothing."""

    __test__ = False  # not pytest's
    operator: Operator
    operand: Operand | None = None


class Number(_Frozen, frozen=True):
    """How many: by one of the number operators."""

    operator: Operator
    count: Count


# Conditions.


class Group(_Frozen, frozen=True, tag_field="type", tag="group"):
    """All or any of these; a group without conditions holds for every row."""

    match: Match = Match.ALL
    conditions: tuple[Condition, ...] = ()


class PropertyCondition(_Frozen, frozen=True, tag_field="type", tag="property"):
    """A column's value."""

    field: Field
    test: Test


class RelationCondition(_Frozen, frozen=True, tag_field="type", tag="relation"):
    """Related rows for which ``where`` holds: any, none, or a number of them.

    With ``others`` it is about those who share the related row: the other rows of the model at hand that belong to it,
    such as the rest of a household.
    """

    relationship: Id
    quantifier: Quantifier = Quantifier.ANY
    number: Number | None = None
    where: Group = Group()
    others: bool = False


class EventCondition(_Frozen, frozen=True, tag_field="type", tag="event"):
    """Something done, or not done: in a time (``when``, a test of the event's timestamp), so many times."""

    relationship: Id
    performed: bool = True
    number: Number | None = None
    when: Test | None = None
    where: Group = Group()


class AudienceCondition(_Frozen, frozen=True, tag_field="type", tag="audience"):
    """Membership in another audience of the same model, as it is defined now."""

    audience: Id
    member: bool = True


class TraitCondition(_Frozen, frozen=True, tag_field="type", tag="trait"):
    """A trait's value: one that is saved (``trait``), or one that is defined here (``definition``).

    ``where`` narrows the rows that it is calculated from.
    """

    test: Test
    trait: Id | None = None
    definition: Trait | None = None
    where: Group = Group()


Condition = Group | PropertyCondition | RelationCondition | EventCondition | AudienceCondition | TraitCondition


# Traits.


class ResultType(StrEnum):
    """What SQL written by people gives."""

    STRING = "string"
    NUMBER = "number"
    BOOLEAN = "boolean"
    TIMESTAMP = "timestamp"
    DATE = "date"
    OBJECT = "object"


class Function(StrEnum):
    """How numbers become one."""

    SUM = "sum"
    AVERAGE = "average"
    MINIMUM = "minimum"
    MAXIMUM = "maximum"


class Which(StrEnum):
    """Which of the related rows gives its value."""

    FIRST = "first"
    LAST = "last"
    MOST_FREQUENT = "most_frequent"
    LEAST_FREQUENT = "least_frequent"


class AggregationTrait(_Frozen, frozen=True, tag_field="method", tag="aggregation"):
    """The sum, average, least or greatest of a number; nothing where no row has one."""

    relationship: Id
    function: Function
    column: Field
    where: Group = Group()


class CountTrait(_Frozen, frozen=True, tag_field="method", tag="count"):
    """How many rows, or rows with a value in ``column``, or different values in it; 0 where there are none."""

    relationship: Id
    column: Field | None = None
    distinct: bool = False
    where: Group = Group()


class OccurrenceTrait(_Frozen, frozen=True, tag_field="method", tag="occurrence"):
    """One row's value: first or last by ``order_by`` (or by the value itself), or the most or least frequent one.

    Rows without a value do not count. Where several are first, the primary key decides; where several
    values are as frequent, the least of them.
    """

    relationship: Id
    which: Which
    column: Field
    order_by: Field | None = None
    where: Group = Group()


class ListColumn(_Frozen, frozen=True):
    """A column of a list and its name in the objects."""

    column: Field
    name: str = ""


class ListTrait(_Frozen, frozen=True, tag_field="method", tag="list"):
    """Values of one column, or objects of several; rows without a value do not count in the former."""

    relationship: Id
    columns: Annotated[tuple[ListColumn, ...], Meta(min_length=1, max_length=50)]
    distinct: bool = False
    order_by: Field | None = None
    descending: bool = False
    skip: Count = 0
    take: Annotated[int, Meta(ge=1, le=100_000)] | None = None
    where: Group = Group()


class SqlTrait(_Frozen, frozen=True, tag_field="method", tag="sql"):
    """An aggregate in SQL over related rows, with ``{{ column "price" }}`` for their columns."""

    relationship: Id
    sql: str
    result: ResultType
    default: Scalar | None = None
    where: Group = Group()


class FormulaTrait(_Frozen, frozen=True, tag_field="method", tag="formula"):
    """SQL over the row itself: ``{{"first_name"}}``, ``{{"merged.pets.animal"}}``, ``{{"trait.lifetime_value"}}``."""

    sql: str
    result: ResultType


Trait = AggregationTrait | CountTrait | OccurrenceTrait | ListTrait | SqlTrait | FormulaTrait


# Audiences.


class Limit(_Frozen, frozen=True):
    """The top (or ``bottom``) so many members, or so many percent of them, by a column or a saved trait.

    Members without a value come last either way; the primary key decides between equals.
    """

    by: Field | None = None
    trait: Id | None = None
    bottom: bool = False
    count: Count | None = None
    percent: Percent | None = None


class Definition(_Frozen, frozen=True):
    """Who is in an audience, a subset or a rule."""

    where: Group = Group()
    limit: Limit | None = None
    version: int = VERSION


# Structs refer to each other, so that their annotations are read once all of them exist.
for _struct in (Group, TraitCondition, AggregationTrait, Definition):
    msgspec.inspect.type_info(_struct)
