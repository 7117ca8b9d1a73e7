"""An operator on a value as SQL.

Conditions hold or do not: "is not" conditions (``NEGATIVE``) say by the workspace's policy what becomes of
rows without a value, all others do not hold for them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

import orjson
from sqlglot import exp

from audiences.query import times
from audiences.query.conditions import (
    Anniversary,
    Blank,
    Instant,
    Number,
    Operator,
    Percentile,
    Scalar,
    Span,
    Test,
    Uploaded,
    Values,
    Window,
)
from audiences.query.dialects import Studio
from audiences.query.errors import Path, refused
from audiences.query.nodes import (
    absent,
    aliased,
    all_of,
    any_of,
    column,
    equal,
    named,
    number,
    present,
    row_number,
)
from audiences.query.schema import StudioSchema, ValueList, table_node
from audiences.query.times import Bound, Clock, Comparison
from audiences.query.values import COUNTS, INEQUALITIES, LISTED, OPERATORS, Value
from connectors.sdk.types import ColumnType

NEGATIVE = frozenset({Operator.NOT_EQUALS, Operator.NOT_CONTAINS, Operator.NOT_WITHIN})
MOST_LITERALS = 1_000  # above that a list comes in as rows
FIRST_ANNIVERSARY = 1900
_COMPARED: dict[Comparison, type[exp.Binary]] = {
    Comparison.SAME: exp.EQ,
    Comparison.AFTER: exp.GT,
    Comparison.FROM: exp.GTE,
    Comparison.BEFORE: exp.LT,
}
_KINDS = {
    ColumnType.STRING: "text",
    ColumnType.NUMBER: "number",
    ColumnType.BOOLEAN: "yes or no",
    ColumnType.TIMESTAMP: "time",
    ColumnType.DATE: "date",
}

# Joins a query of one column ``value`` of distinct values to the row at hand, and gives the joined column.
JoinValues = Callable[[exp.Query, Callable[[exp.Expr], exp.Expr]], exp.Expr]


@dataclass(frozen=True, slots=True)
class Tester:
    """Makes conditions of tests. ``join`` is how long lists come in where a condition may not be a subquery."""

    schema: StudioSchema
    studio: Studio
    clock: Clock

    def test(self, value: Value, test: Test, path: Path, join: JoinValues | None) -> exp.Expr:
        """The condition, as a node."""
        self._check(value, test, path)
        made = self._positive_or_negative(value, test, path, join)
        if test.operator in NEGATIVE and self.schema.null_is_a_value:
            return exp.paren(any_of([made, absent(value.node.copy())]), copy=False)
        return made

    def _check(self, value: Value, test: Test, path: Path) -> None:
        if test.operator not in OPERATORS[value.type]:
            known = ", ".join(operator.replace("_", " ") for operator in OPERATORS[value.type])
            operator = test.operator.replace("_", " ")
            message = f"“{value.title}” is of the type {value.type}: “{operator}” does not fit it. It takes {known}."
            raise refused(path, "operator_unfit", message)
        if isinstance(test.operand, Blank):
            label = f" ({test.operand.label})" if test.operand.label else ""
            raise refused(path, "blank", f"“{value.title}” has a blank that is not filled in{label}.")

    def _positive_or_negative(self, value: Value, test: Test, path: Path, join: JoinValues | None) -> exp.Expr:
        if test.operator is Operator.EXISTS:
            return present(value.node.copy())
        if test.operator is Operator.NOT_EXISTS:
            return absent(value.node.copy())
        if times.is_time(value.type):
            return self._time(value, test, path)
        if test.operator in INEQUALITIES:
            return self._inequality(value, test, path)
        return self._values(value, test, path, join)

    # Values.

    def _values(self, value: Value, test: Test, path: Path, join: JoinValues | None) -> exp.Expr:
        given: ValueList | None = None
        if isinstance(test.operand, Uploaded):
            given = self._uploaded(value, test.operand, test.operator, path)
            values: Sequence[Scalar] = given.values
        elif isinstance(test.operand, Values):
            values = test.operand.values
        else:
            raise _missing(value, path)
        if not values:
            raise refused(path, "unfinished", f"“{value.title}” has no value to compare with.")
        plain = [self._scalar(value, each, path) for each in values]
        if test.operator in {Operator.EQUALS, Operator.NOT_EQUALS}:
            return self._equal(value, plain, test.operator is Operator.NOT_EQUALS, given, path, join)
        return self._like(value, [str(each) for each in plain], test.operator, path)

    def _uploaded(self, value: Value, operand: Uploaded, operator: Operator, path: Path) -> ValueList:
        found = self.schema.lists.get(operand.list)
        if found is None:
            raise refused(path, "unknown_list", f"The uploaded list for “{value.title}” is not there any more.")
        if operator not in LISTED.get(value.type, ()):
            shown = operator.replace("_", " ")
            raise refused(path, "operand_unfit", f"“{shown}” takes no uploaded list.")
        return found

    def _scalar(self, value: Value, given: Scalar, path: Path) -> Scalar:
        if value.type is ColumnType.STRING and not isinstance(given, bool):
            return str(given)
        if value.type is ColumnType.NUMBER and isinstance(given, int | float) and not isinstance(given, bool):
            return given
        if value.type is ColumnType.NUMBER and isinstance(given, str):
            return _as_number(value, given, path)
        if value.type is ColumnType.BOOLEAN and isinstance(given, bool):
            return given
        raise refused(path, "operand_unfit", f"“{value.title}” is a {_KINDS[value.type]}, and “{given}” is not.")

    def _equal(
        self,
        value: Value,
        plain: Sequence[Scalar],
        negative: bool,
        given: ValueList | None,
        path: Path,
        join: JoinValues | None,
    ) -> exp.Expr:
        loaded = given is not None and given.table is not None
        if (len(plain) > MOST_LITERALS and (self.studio.unfold or loaded)) or loaded:
            return self._among(value, plain, negative, given, path, join)
        self._fits(sum(len(str(each)) + 4 for each in plain), path)
        node, literals = self._comparable(value), [self._literal(value, each) for each in plain]
        if len(literals) == 1:
            kind = exp.NEQ if negative else exp.EQ
            return kind(this=node, expression=literals[0])
        found = exp.In(this=node, expressions=literals)
        return exp.Not(this=found) if negative else found

    def _among(
        self,
        value: Value,
        plain: Sequence[Scalar],
        negative: bool,
        given: ValueList | None,
        path: Path,
        join: JoinValues | None,
    ) -> exp.Expr:
        query = self._rows(value, plain, given, path)
        node = self._comparable(value)
        if join is None:
            found = exp.In(this=node, query=exp.Subquery(this=query))
            return exp.Not(this=found) if negative else found
        joined = join(query, lambda listed: equal(node.copy(), listed))
        return all_of([absent(joined), present(value.node.copy())]) if negative else present(joined)

    def _rows(self, value: Value, plain: Sequence[Scalar], given: ValueList | None, path: Path) -> exp.Query:
        """A query of the distinct values, in a column named ``value``."""
        numeric = value.type is ColumnType.NUMBER
        if given is not None and given.table is not None:
            rows = exp.select().from_(exp.alias_(table_node(given.table), "listed", quoted=True, table=True))
        else:
            written = orjson.dumps([_written(each) for each in dict.fromkeys(plain)]).decode()
            self._fits(len(written), path)
            rows = exp.select().from_(aliased(self.studio.listed(written), "listed"))
        listed: exp.Expr = column("value", "listed")
        if numeric:
            kind = "BIGINT" if all(isinstance(each, int) for each in plain) else "DOUBLE"
            listed = exp.cast(listed, kind)
        if value.ignore_case:
            listed = exp.Lower(this=listed)
        found = exp.select(named(listed, "value")).distinct()
        found.set("from_", rows.args["from_"])
        return found.where(present(column("value", "listed")), copy=False)

    def _fits(self, characters: int, path: Path) -> None:
        if characters > self.studio.characters * 0.9:
            title, most = self.studio.planner.title, f"{self.studio.characters:,}"
            message = (
                f"These are too many values: {title} takes statements of {most} characters at most. "
                "Load the list into a table of the source, or make it a model of the schema."
            )
            raise refused(path, "too_many_values", message)

    def _like(self, value: Value, values: Sequence[str], operator: Operator, path: Path) -> exp.Expr:
        if len(values) > MOST_LITERALS:
            shown = operator.replace("_", " ")
            message = f"“{shown}” takes {MOST_LITERALS:,} values at most, and here are {len(values):,}."
            raise refused(path, "too_many_values", message)
        if "" in values:
            raise refused(path, "operand_unfit", f"Every text holds an empty one: give “{value.title}” a value.")
        before = "" if operator is Operator.STARTS_WITH else "%"
        after = "" if operator is Operator.ENDS_WITH else "%"
        node = self._comparable(value)
        folded = [each.lower() if value.ignore_case else each for each in values]
        found = [self.studio.like(node.copy(), before, each, after) for each in folded]
        if operator is Operator.NOT_CONTAINS:
            return all_of([exp.Not(this=exp.paren(each, copy=False)) for each in found])
        return exp.paren(any_of(found), copy=False) if len(found) > 1 else found[0]

    def _comparable(self, value: Value) -> exp.Expr:
        node = value.node.copy()
        return exp.Lower(this=node) if value.ignore_case else node

    def _literal(self, value: Value, given: Scalar) -> exp.Expr:
        if isinstance(given, bool):
            return exp.true() if given else exp.false()
        if isinstance(given, int | float):
            return number(given)
        return self.studio.text(given.lower() if value.ignore_case else given)

    # Numbers.

    def _inequality(self, value: Value, test: Test, path: Path) -> exp.Expr:
        kind = INEQUALITIES[test.operator]
        if isinstance(test.operand, Percentile):
            return kind(this=value.node.copy(), expression=self._percentile(value, test.operand, path))
        if not isinstance(test.operand, Values) or len(test.operand.values) != 1:
            raise refused(path, "operand_unfit", f"“{value.title}” compares with one number here.")
        given = self._scalar(value, test.operand.values[0], path)
        return kind(this=value.node.copy(), expression=self._literal(value, given))

    def _percentile(self, value: Value, operand: Percentile, path: Path) -> exp.Expr:
        """The least value that at least so many percent of all values do not exceed."""
        if value.suggestions or value.population is None:
            message = f"“{value.title}” takes no percentile: turn its value suggestions off in the schema first."
            raise refused(path, "percentile_off", message)
        known = exp.select(
            column("value", "known"),
            named(row_number([exp.Ordered(this=column("value", "known"), nulls_first=None)]), "place"),
            named(exp.Window(this=exp.Count(this=exp.Star()), over="OVER"), "total"),
        )
        known.set("from_", exp.From(this=aliased(value.population(), "known")))
        known.where(present(column("value", "known")), copy=False)
        share = exp.Mul(this=column("place", "ranked"), expression=exp.Literal.number(100))
        wanted = exp.Mul(this=number(operand.percentile), expression=column("total", "ranked"))
        least = exp.select(exp.Min(this=column("value", "ranked")))
        least.set("from_", exp.From(this=aliased(known, "ranked")))
        return exp.Subquery(this=least.where(exp.GTE(this=share, expression=wanted), copy=False))

    def counts(self, node: exp.Expr, wanted: Number) -> exp.Expr:
        """A count compared with a number; ``node`` is null where nothing was counted."""
        if counts_hold(wanted, 0):
            node = exp.func("coalesce", node, exp.Literal.number(0))
        literal = exp.Literal.number(wanted.count)
        kind = INEQUALITIES.get(wanted.operator) or (exp.EQ if wanted.operator is Operator.EQUALS else exp.NEQ)
        return kind(this=node, expression=literal)

    # Times.

    def _time(self, value: Value, test: Test, path: Path) -> exp.Expr:
        if test.operator is Operator.ANNIVERSARY:
            return self._anniversary(value, test)
        found = times.bounds(test.operator, self._when(value, test, path))
        made = all_of([self._bound(value, bound) for bound in found])
        if test.operator is Operator.NOT_WITHIN:
            return exp.Not(this=exp.paren(made, copy=False))
        return exp.paren(made, copy=False) if len(found) > 1 else made

    def _when(self, value: Value, test: Test, path: Path) -> times.Interval:
        operand, operator = test.operand, test.operator
        if isinstance(operand, Instant) and operator in {Operator.EQUALS, Operator.BEFORE, Operator.AFTER}:
            return times.interval(operand.moment, self.clock, path)
        if isinstance(operand, Window) and operator in {Operator.WITHIN, Operator.NOT_WITHIN}:
            return times.window(operand, self.clock, path)
        if isinstance(operand, Span) and operator is Operator.BETWEEN:
            return times.span(operand, self.clock, path)
        raise _missing(value, path)

    def _bound(self, value: Value, bound: Bound) -> exp.Expr:
        if value.type is ColumnType.DATE:
            comparison, day = times.in_days(bound, self.clock)
            literal: exp.Expr = exp.cast(exp.Literal.string(day.isoformat()), "DATE")
        else:
            comparison = bound.comparison
            written = times.written(bound.moment, self.clock, zoned=value.zoned)
            literal = self.studio.moment(written, zoned=value.zoned)
        return _COMPARED[comparison](this=value.node.copy(), expression=literal)

    def _anniversary(self, value: Value, test: Test) -> exp.Expr:
        days = test.operand.in_days if isinstance(test.operand, Anniversary) else 0
        if value.zoned and not self.studio.zones:
            found = times.anniversary_intervals(self.clock, days, FIRST_ANNIVERSARY)
            each = [self._bound(value, bound) for day in found for bound in times.bounds(Operator.BETWEEN, day)]
            pairs = [exp.paren(all_of(each[i : i + 2]), copy=False) for i in range(0, len(each), 2)]
            return exp.paren(any_of(pairs), copy=False)
        shown = value.node.copy()
        if value.zoned:
            shown = exp.AtTimeZone(this=shown, zone=exp.Literal.string(self.clock.zone))
        return exp.paren(
            any_of([_falls_on(shown, *day) for day in times.anniversary_days(self.clock, days)]), copy=False
        )


def counts_hold(wanted: Number, count: int) -> bool:
    """Whether a count is the wanted number."""
    compared = {
        Operator.EQUALS: count == wanted.count,
        Operator.NOT_EQUALS: count != wanted.count,
        Operator.GREATER: count > wanted.count,
        Operator.LESS: count < wanted.count,
        Operator.GREATER_OR_EQUAL: count >= wanted.count,
        Operator.LESS_OR_EQUAL: count <= wanted.count,
    }
    return compared[wanted.operator]


def check_number(wanted: Number | None, path: Path) -> Number:
    """The number that a condition must have."""
    if wanted is None:
        raise refused(path, "operand_unfit", "The number is missing: how many should there be?")
    if wanted.operator not in COUNTS:
        shown = wanted.operator.replace("_", " ")
        raise refused(path, "operator_unfit", f"“{shown}” does not fit a number of rows.")
    return wanted


def _falls_on(node: exp.Expr, month: int, day: int) -> exp.Expr:
    parts = [(exp.Var(this="MONTH"), month), (exp.Var(this="DAY"), day)]
    found = [
        equal(exp.Extract(this=part, expression=node.copy()), exp.Literal.number(wanted)) for part, wanted in parts
    ]
    return all_of(found)


def _as_number(value: Value, given: str, path: Path) -> int | float:
    try:
        found = int(given) if given.strip().lstrip("-").isdigit() else float(given)
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise refused(path, "operand_unfit", f"“{value.title}” is a number, and “{given}” is not.")
    return found


def _written(value: Scalar) -> str:
    return format(Decimal(repr(value)), "f") if isinstance(value, float) else str(value)


def _missing(value: Value, path: Path) -> Exception:
    return refused(path, "unfinished", f"“{value.title}” has nothing to compare with, or nothing that fits.")
