"""What a condition tree means, in plain Python over rows: written to be read, not to be fast.

It shares nothing with the compiler but the tree and the schema. Tables are lists of dicts by model id.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from audiences.query import conditions as c
from audiences.query.conditions import Operator as Op
from audiences.query.schema import Relationship, SavedAudience, StudioColumn, StudioModel, StudioSchema
from audiences.query.times import Clock
from connectors.sdk.types import ColumnType

Row = Mapping[str, Any]
# What SQL written by people stands for: of the row's columns, or of a list of rows.
Formulas = Mapping[str, Callable[[Any], Any]]


class Evaluator:
    """Asks the same questions as the compiler, of rows in memory."""

    def __init__(
        self, schema: StudioSchema, tables: Mapping[str, Sequence[Row]], clock: Clock, formulas: Formulas | None = None
    ) -> None:
        self.schema, self.tables, self.formulas = schema, tables, formulas or {}
        self._members: dict[str, list[Row]] = {}
        self.zone = ZoneInfo(clock.zone)
        self.now = clock.now.astimezone(self.zone)

    # Audiences.

    def members(self, audience: SavedAudience) -> list[Row]:
        """The rows that are in an audience."""
        model = self.schema.models[audience.model]
        rows = [row for row in self.tables[model.id] if self.qualifies(model, row, audience)]
        return self.cut(model, rows, audience.definition.limit)

    def qualifies(self, model: StudioModel, row: Row, audience: SavedAudience) -> bool:
        in_subsets = all(
            any(self.holds(model, row, subset.where) for subset in category) for category in audience.subsets
        )
        return in_subsets and self.holds(model, row, audience.definition.where)

    def cut(self, model: StudioModel, rows: list[Row], limit: c.Limit | None) -> list[Row]:
        if limit is None:
            return rows

        def by(row: Row) -> Any:
            if limit.by is not None:
                return self.value(model, row, limit.by)[0]
            assert limit.trait is not None
            return self.trait(model, row, self.schema.traits[limit.trait].definition)[0]

        ordered = nulls_last(rows, by, lambda row: key(model, row), descending=not limit.bottom)
        if limit.count is not None:
            return ordered[: limit.count]
        assert limit.percent is not None
        return ordered[: math.ceil(Decimal(str(limit.percent)) * len(rows) / 100)]

    # Conditions.

    def holds(self, model: StudioModel, row: Row, condition: c.Condition) -> bool:
        match condition:
            case c.Group(match=match, conditions=inner):
                results = [self.holds(model, row, each) for each in inner]
                return not results or (all(results) if match is c.Match.ALL else any(results))
            case c.PropertyCondition(field=field, test=test):
                value, column = self.value(model, row, field)
                return self.passes(test, value, column, lambda: self.all_values(model, field))
            case c.RelationCondition():
                find = self.sharing if condition.others else self.related
                rows = find(model, row, condition.relationship, condition.where)
                return self.enough(len(rows), condition.quantifier, condition.number)
            case c.EventCondition():
                rows = self.events(model, row, condition)
                if not condition.performed:
                    return not rows
                quantifier = c.Quantifier.NUMBER if condition.number else c.Quantifier.ANY
                return self.enough(len(rows), quantifier, condition.number)
            case c.AudienceCondition(audience=audience, member=member):
                if audience not in self._members:
                    self._members[audience] = self.members(self.schema.audiences[audience])
                return any(each is row for each in self._members[audience]) is member
            case c.TraitCondition():
                definition = condition.definition or self.schema.traits[condition.trait or ""].definition
                value, column = self.trait(model, row, definition, condition.where)
                everyone = self.tables[model.id]
                every = partial(self.all_traits, model, everyone, definition, condition.where)
                return self.passes(condition.test, value, column, every)
        raise AssertionError(condition)

    def enough(self, count: int, quantifier: c.Quantifier, number: c.Number | None) -> bool:
        if quantifier is c.Quantifier.ANY:
            return count > 0
        if quantifier is c.Quantifier.NONE:
            return count == 0
        assert number is not None
        return compare(number.operator, count, number.count)

    def events(self, model: StudioModel, row: Row, condition: c.EventCondition) -> list[Row]:
        rows = self.related(model, row, condition.relationship, condition.where)
        if condition.when is None:
            return rows
        target = self.end(model, condition.relationship)
        assert target.timestamp is not None
        column = target.column(target.timestamp)
        assert column is not None
        return [each for each in rows if self.passes(condition.when, each[column.name], column, list)]

    # Related rows.

    def related(self, model: StudioModel, row: Row, relationship: str, where: c.Condition) -> list[Row]:
        """The rows along a relationship for which a condition holds; each once, however it is reached."""
        found = self.schema.relationships[relationship]
        steps = [self.schema.relationships[each] for each in found.through] or [found]
        if found.through and model.id == found.to:
            steps.reverse()
        here, rows = model, [row]
        for step in steps:
            here, rows = self.step(here, rows, step)
        if found.through:
            rows = list({key(here, each): each for each in rows}.values())
        return [each for each in rows if self.holds(here, each, where)]

    def sharing(self, model: StudioModel, row: Row, relationship: str, where: c.Condition) -> list[Row]:
        """The other rows of a model that belong to the same row, each once, for which a condition holds."""
        there, everything = self.end(model, relationship), c.Group()
        shared = self.related(model, row, relationship, everything)
        found = [each for one in shared for each in self.related(there, one, relationship, everything)]
        others = {key(model, each): each for each in found if key(model, each) != key(model, row)}
        return [each for each in others.values() if self.holds(model, each, where)]

    def step(
        self, model: StudioModel, rows: Iterable[Row], relationship: Relationship
    ) -> tuple[StudioModel, list[Row]]:
        forward = relationship.from_ == model.id
        other = relationship.to if forward else relationship.from_
        pairs = relationship.keys if forward else [(b, a) for a, b in relationship.keys]
        matched = [
            there
            for here in rows
            for there in self.tables[other]
            if all(here[a] is not None and here[a] == there[b] for a, b in pairs)
        ]
        return self.schema.models[other], matched

    def end(self, model: StudioModel, relationship: str) -> StudioModel:
        found = self.schema.relationships[relationship]
        return self.schema.models[found.to if model.id == found.from_ else found.from_]

    # Values.

    def value(self, model: StudioModel, row: Row, field: c.Field) -> tuple[Any, StudioColumn]:
        found: Row | None = row
        for relationship in field.via:
            there = self.related(model, found, relationship, c.Group()) if found is not None else []
            model = self.end(model, relationship)
            found = min(there, key=lambda each: key(model, each)) if there else None
        column = model.column(field.column)
        assert column is not None
        value = found[field.column] if found is not None else None
        return at_path(value, column, field) if field.path else (value, column)

    def all_values(self, model: StudioModel, field: c.Field) -> list[Any]:
        return [self.value(model, row, field)[0] for row in self.tables[model.id]]

    # Traits.

    def all_traits(self, model: StudioModel, rows: Sequence[Row], definition: c.Trait, extra: c.Condition) -> list[Any]:
        return [self.trait(model, row, definition, extra)[0] for row in rows]

    def known(self, model: StudioModel, rows: Sequence[Row], field: c.Field) -> list[Any]:
        values = [self.value(model, row, field)[0] for row in rows]
        return [value for value in values if value is not None]

    def trait(
        self, model: StudioModel, row: Row, definition: c.Trait, extra: c.Condition | None = None
    ) -> tuple[Any, StudioColumn]:
        if isinstance(definition, c.FormulaTrait):
            return self.formulas[definition.sql](row), typed(ColumnType(definition.result.value))
        where = c.Group(conditions=(definition.where, extra or c.Group()))
        rows = self.related(model, row, definition.relationship, where)
        target = self.end(model, definition.relationship)
        match definition:
            case c.CountTrait(column=None):
                return len(rows), typed(ColumnType.NUMBER)
            case c.CountTrait(column=column):
                assert column is not None
                values = self.known(target, rows, column)
                return len(set(values)) if definition.distinct else len(values), typed(ColumnType.NUMBER)
            case c.AggregationTrait(column=column, function=function):
                return aggregate(function, self.known(target, rows, column)), typed(ColumnType.NUMBER)
            case c.OccurrenceTrait():
                return self.occurrence(target, rows, definition)
            case c.ListTrait():
                return self.listed(target, rows, definition), typed(ColumnType.OBJECT)
            case c.SqlTrait():
                value = self.formulas[definition.sql](rows) if rows else None
                value = definition.default if value is None else value
                return value, typed(ColumnType(definition.result.value))
        raise AssertionError(definition)

    def occurrence(
        self, target: StudioModel, rows: list[Row], definition: c.OccurrenceTrait
    ) -> tuple[Any, StudioColumn]:
        empty = dict.fromkeys([each.name for each in target.columns])
        column = self.value(target, empty, definition.column)[1]
        by = definition.order_by or definition.column
        known = [each for each in rows if self.value(target, each, definition.column)[0] is not None]
        if not known:
            return None, column
        if definition.which in {c.Which.FIRST, c.Which.LAST}:
            last = definition.which is c.Which.LAST
            ordered = sorted(known, key=lambda each: key(target, each), reverse=last)
            ordered = nulls_last(ordered, lambda each: self.value(target, each, by)[0], None, descending=last)
            return self.value(target, ordered[0], definition.column)[0], column
        counts = Counter(self.value(target, each, definition.column)[0] for each in known)
        sign = -1 if definition.which is c.Which.MOST_FREQUENT else 1
        return min(counts, key=lambda value: (sign * counts[value], value)), column

    def listed(self, target: StudioModel, rows: list[Row], definition: c.ListTrait) -> list[Any] | None:
        single = definition.columns[0].column
        known = [each for each in rows if self.value(target, each, single)[0] is not None]
        if definition.distinct:
            values = sorted({self.value(target, each, single)[0] for each in known}, reverse=definition.descending)
        else:
            order = definition.order_by
            ordered = sorted(known, key=lambda each: key(target, each))
            if order is not None:
                by = partial(self.first_value, target, order)
                ordered = nulls_last(ordered, by, None, descending=definition.descending)
            elif definition.descending:
                ordered.reverse()
            values = [self.value(target, each, single)[0] for each in ordered]
        end = None if definition.take is None else definition.skip + definition.take
        return values[definition.skip : end] or None

    def first_value(self, model: StudioModel, field: c.Field, row: Row) -> Any:
        return self.value(model, row, field)[0]

    # Tests.

    def passes(self, test: c.Test, value: Any, column: StudioColumn, every: Callable[[], list[Any]]) -> bool:
        operator, operand = test.operator, test.operand
        if operator is Op.EXISTS:
            return value is not None
        if operator is Op.NOT_EXISTS:
            return value is None
        if value is None:
            negative = operator in {Op.NOT_EQUALS, Op.NOT_CONTAINS, Op.NOT_WITHIN}
            return negative and self.schema.null_is_a_value
        if column.type in {ColumnType.TIMESTAMP, ColumnType.DATE}:
            return self.in_time(operator, operand, value)
        if isinstance(operand, c.Percentile):
            return compare(operator, value, percentile(every(), operand.percentile))
        if isinstance(operand, c.Uploaded):
            given: Sequence[Any] = self.schema.lists[operand.list].values
        else:
            assert isinstance(operand, c.Values)
            given = operand.values
        if column.ignore_case:
            value, given = value.lower(), [each.lower() for each in given]
        return among(operator, value, given)

    # Times.

    def in_time(self, operator: Op, operand: Any, value: datetime | date) -> bool:
        first, last = self.lasts(value)
        if operator is Op.ANNIVERSARY:
            day = self.now.date() + timedelta(days=operand.in_days if operand else 0)
            shown = first.date()
            leap = day.year % 4 == 0 and (day.year % 100 != 0 or day.year % 400 == 0)
            moved = (shown.month, shown.day) == (2, 29) and not leap
            return (day.month, day.day) == (2, 28) if moved else (shown.month, shown.day) == (day.month, day.day)
        if operator in {Op.WITHIN, Op.NOT_WITHIN}:
            start, end = self.window(operand)
            inside = first < end and last > start if last > first else start <= first < end
            return inside is (operator is Op.WITHIN)
        if operator is Op.BETWEEN:
            start, end = self.moment(operand.start)[0], self.moment(operand.end)[1]
            return first < end and last > start if last > first else start <= first < end
        start, end = self.moment(operand.moment)
        if operator is Op.BEFORE:
            return first < start
        if operator is Op.AFTER:
            if last > first:  # a day: after the moment's day, or not before the next
                return first > start if start == end else first >= end
            return first > end if start == end else first >= end
        if start == end:
            return first <= start < last if last > first else first == start
        return start <= first < end

    def lasts(self, value: datetime | date) -> tuple[datetime, datetime]:
        """When a value begins and ends: days last, moments do not."""
        if not isinstance(value, datetime):
            return self.midnight(value), self.midnight(value + timedelta(days=1))
        here = value.replace(tzinfo=self.zone) if value.tzinfo is None else value.astimezone(self.zone)
        return here, here

    def midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), self.zone)

    def moment(self, given: c.Moment) -> tuple[datetime, datetime]:
        if isinstance(given, c.Relative):
            found = self.moved(self.now, given.amount if given.ahead else -given.amount, given.unit)
            return found, found
        if "T" not in given.at:
            day = date.fromisoformat(given.at)
            return self.midnight(day), self.midnight(day + timedelta(days=1))
        found = datetime.fromisoformat(given.at)
        found = found if found.tzinfo else found.replace(tzinfo=self.zone)
        return found, found

    def window(self, given: c.Window) -> tuple[datetime, datetime]:
        if not given.calendar:
            other = self.moved(self.now, given.amount if given.ahead else -given.amount, given.unit)
            return (self.now, other) if given.ahead else (other, self.now)
        begin = self.period(given.unit)
        if given.amount == 0:
            return begin, self.moved(begin, 1, given.unit)
        if given.ahead:
            return self.moved(begin, 1, given.unit), self.moved(begin, given.amount + 1, given.unit)
        return self.moved(begin, -given.amount, given.unit), begin

    def period(self, unit: c.Unit) -> datetime:
        today = self.now.date()
        days = {
            c.Unit.DAY: today,
            c.Unit.WEEK: today - timedelta(days=today.weekday()),
            c.Unit.MONTH: today.replace(day=1),
            c.Unit.QUARTER: today.replace(month=1 + 3 * ((today.month - 1) // 3), day=1),
            c.Unit.YEAR: today.replace(month=1, day=1),
        }
        if unit in days:
            return self.midnight(days[unit])
        hour = self.now.replace(minute=0, second=0, microsecond=0)
        return hour if unit is c.Unit.HOUR else hour.replace(minute=self.now.minute)

    def moved(self, moment: datetime, amount: int, unit: c.Unit) -> datetime:
        months = {c.Unit.MONTH: 1, c.Unit.QUARTER: 3, c.Unit.YEAR: 12}
        if unit in months:
            total = moment.year * 12 + moment.month - 1 + amount * months[unit]
            for day in range(moment.day, 27, -1):
                try:
                    return moment.replace(year=total // 12, month=total % 12 + 1, day=day)
                except ValueError:
                    continue
            return moment.replace(year=total // 12, month=total % 12 + 1)
        length = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}
        step = length.get(unit.value, timedelta(weeks=1)) * amount
        if moment.time() == time() and unit in {c.Unit.DAY, c.Unit.WEEK}:
            return self.midnight(moment.date() + step)
        return (moment.astimezone(ZoneInfo("UTC")) + step).astimezone(self.zone)


def key(model: StudioModel, row: Row) -> tuple[Any, ...]:
    """A row's primary key."""
    return tuple(row[name] for name in model.primary_key)


def typed(kind: ColumnType) -> StudioColumn:
    """A column of a type, for values that have none."""
    return StudioColumn(name="value", type=kind)


def nulls_last(
    rows: Iterable[Row], by: Callable[[Row], Any], then: Callable[[Row], Any] | None, *, descending: bool
) -> list[Row]:
    """Rows in order; those without a value last, equals in the order of ``then``."""
    ordered = sorted(rows, key=then) if then else list(rows)
    known = sorted((row for row in ordered if by(row) is not None), key=by, reverse=descending)
    return [*known, *[row for row in ordered if by(row) is None]]


def compare(operator: Op, left: Any, right: Any) -> bool:
    """A comparison of numbers."""
    held: dict[Op, bool] = {
        Op.EQUALS: left == right,
        Op.NOT_EQUALS: left != right,
        Op.GREATER: left > right,
        Op.LESS: left < right,
        Op.GREATER_OR_EQUAL: left >= right,
        Op.LESS_OR_EQUAL: left <= right,
    }
    return held[operator]


def among(operator: Op, value: Any, given: Sequence[Any]) -> bool:
    """A comparison with one or several values."""
    match operator:
        case Op.EQUALS:
            return any(value == each for each in given)
        case Op.NOT_EQUALS:
            return all(value != each for each in given)
        case Op.CONTAINS:
            return any(each in value for each in given)
        case Op.NOT_CONTAINS:
            return all(each not in value for each in given)
        case Op.STARTS_WITH:
            return any(value.startswith(each) for each in given)
        case Op.ENDS_WITH:
            return any(value.endswith(each) for each in given)
    return compare(operator, value, given[0])


def percentile(values: Iterable[Any], percent: float) -> Any:
    """The least value that at least so many percent of all do not exceed."""
    known = sorted(value for value in values if value is not None)
    return next(value for place, value in enumerate(known, 1) if place * 100 >= Decimal(str(percent)) * len(known))


def aggregate(function: c.Function, values: Sequence[Any]) -> Any:
    """Numbers as one."""
    if not values:
        return None
    if function is c.Function.AVERAGE:
        return sum(values) / len(values)
    functions: dict[c.Function, Callable[[Sequence[Any]], Any]] = {c.Function.SUM: sum, c.Function.MINIMUM: min}
    return functions.get(function, max)(values)


def at_path(value: str | None, column: StudioColumn, field: c.Field) -> tuple[Any, StudioColumn]:
    """What is at a path in JSON, read as asked."""
    found = json.loads(value) if value is not None else None
    for step in field.path.split("."):
        if isinstance(found, list) and step.isdigit() and int(step) < len(found):
            found = found[int(step)]
        else:
            found = found.get(step) if isinstance(found, dict) and not step.isdigit() else None
    kinds = {"string": ColumnType.STRING, "number": ColumnType.NUMBER, "boolean": ColumnType.BOOLEAN}
    kind = kinds.get(field.read_as, ColumnType.UNKNOWN)
    if kind is ColumnType.NUMBER and not (isinstance(found, int | float) and not isinstance(found, bool)):
        found = float(found) if isinstance(found, str) and found.isdigit() else None
    if kind is ColumnType.BOOLEAN:
        booleans = {True: True, False: False, "true": True, "false": False}
        found = booleans.get(found) if isinstance(found, bool | str) else None
    if kind is ColumnType.STRING and found is not None and not isinstance(found, str):
        found = json.dumps(found)
    return found, StudioColumn(name=column.name, type=kind)
