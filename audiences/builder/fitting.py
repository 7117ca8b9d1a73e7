"""Makes a definition fit its schema after an edit: another column takes other operators, another operator
another kind of value. What still fits is kept, what people wrote is never thrown away silently where it could
still be right, and what is merely unfinished stays so until it is saved.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import orjson

from audiences.builder.edits import Tree, number
from audiences.builder.limits import fit_limit
from audiences.builder.offers import EVENT_TIME, JSON_TYPES, Offers, Tested
from audiences.builder.trait_fitting import fit_trait
from audiences.query.conditions import Operator
from audiences.query.values import INEQUALITIES, LISTED, OPERATORS
from connectors.sdk.types import ColumnType

_MOMENTS = (Operator.EQUALS, Operator.BEFORE, Operator.AFTER)
_STRETCHES = (Operator.WITHIN, Operator.NOT_WITHIN)
_WEEK = {"kind": "relative", "amount": 7, "unit": "day"}
_NOW = {"kind": "relative", "amount": 0, "unit": "day"}
_MONTH = {"kind": "window", "amount": 30, "unit": "day"}
NEW_OPERANDS: Mapping[str, Tree] = {
    "values": {"kind": "values", "values": []},
    "list": {"kind": "list", "list": ""},
    "percentile": {"kind": "percentile", "percentile": 50},
    "moment": {"kind": "moment", "moment": _WEEK},
    "span": {"kind": "span", "start": _WEEK, "end": _NOW},
    "window": _MONTH,
    "anniversary": {"kind": "anniversary"},
    "blank": {"kind": "blank"},
}
NEW_NUMBER: Tree = {"operator": Operator.GREATER_OR_EQUAL.value, "count": 1}


def operand_kinds(tested: Tested, operator: Operator) -> tuple[str, ...]:
    """What an operator can compare a value with, the usual kind first; nothing for "exists" and its opposite.

    Beside these, a value may be left blank where a template is made.
    """
    if operator in {Operator.EXISTS, Operator.NOT_EXISTS}:
        return ()
    kinds = _time_kinds(operator) if tested.type in {ColumnType.TIMESTAMP, ColumnType.DATE} else ("values",)
    if tested.type is ColumnType.NUMBER and operator in INEQUALITIES and tested.suggested is None:
        kinds = (*kinds, "percentile")
    if operator in LISTED.get(tested.type, ()):
        kinds = (*kinds, "list")
    return kinds


def _time_kinds(operator: Operator) -> tuple[str, ...]:
    if operator in _MOMENTS:
        return ("moment",)
    if operator in _STRETCHES:
        return ("window",)
    return ("span",) if operator is Operator.BETWEEN else ("anniversary",)


def fitted(tree: Tree, offers: Offers, *, blanks: bool = False) -> Tree:
    """The definition, fitted to what its model offers. With ``blanks`` values that nobody gave are left blank."""
    changed = copy.deepcopy(tree)
    where = changed.get("where")
    changed["where"] = {**(where if isinstance(where, dict) else {}), "type": "group"}
    _Fitter(blanks).group(changed["where"], offers)
    fit_limit(changed, offers)
    return changed


def fitted_group(group: Tree, offers: Offers, *, blanks: bool = False) -> Tree:
    """A group of conditions, fitted to what its model offers."""
    return dict(fitted({"where": group}, offers, blanks=blanks)["where"])


def fitted_trait(definition: Tree, offers: Offers, *, blanks: bool = False) -> Tree:
    """A trait's definition, fitted to what its model offers."""
    return fit_trait(copy.deepcopy(definition), offers, _Fitter(blanks).group)


class _Fitter:
    """Changes a copy in place."""

    def __init__(self, blanks: bool) -> None:
        self._blanks = blanks

    def group(self, group: Tree, offers: Offers) -> None:
        if group.get("match") not in ("all", "any"):
            group["match"] = "all"
        conditions = group.get("conditions")
        known = conditions if isinstance(conditions, list) else []
        group["conditions"] = [each for each in known if isinstance(each, dict)]
        for condition in group["conditions"]:
            self._condition(condition, offers)

    def _condition(self, condition: Tree, offers: Offers) -> None:
        match condition.get("type"):
            case "group":
                self.group(condition, offers)
            case "property":
                self._property(condition, offers)
            case "relation":
                self._relation(condition, offers)
            case "event":
                self._event(condition, offers)
            case "audience":
                _choose(condition, "audience", [each.value for each in offers.audiences()])
            case "trait":
                self._trait(condition, offers)

    def _property(self, condition: Tree, offers: Offers) -> None:
        field = condition.get("field")
        if not isinstance(field, dict) or not field.get("column"):
            condition["field"] = field = _first_field(offers)
        column = offers.column(field)
        if column is not None and column.type not in JSON_TYPES:
            field.pop("path", None)
            field.pop("read_as", None)
        _drop_defaults(field, {"via": [], "path": "", "read_as": "unknown"})
        self._fit_test(condition, "test", offers.tested_field(field), offers)

    def _relation(self, condition: Tree, offers: Offers) -> None:
        _choose(condition, "relationship", [each.value for each in offers.relations()])
        if condition.get("quantifier") == "number":
            condition["number"] = _fit_number(condition.get("number"))
        else:
            condition.pop("number", None)
        if not offers.can_share(str(condition.get("relationship"))):
            condition.pop("others", None)
        _drop_defaults(condition, {"quantifier": "any", "others": False})
        self._below(condition, offers)

    def _event(self, condition: Tree, offers: Offers) -> None:
        _choose(condition, "relationship", [each.value for each in offers.events()])
        _drop_defaults(condition, {"performed": True})
        if condition.get("performed") is False or not condition.get("number"):
            condition.pop("number", None)
        else:
            condition["number"] = _fit_number(condition["number"])
        if condition.get("when"):
            self._fit_test(condition, "when", EVENT_TIME, offers)
        else:
            condition.pop("when", None)
        self._below(condition, offers)

    def _trait(self, condition: Tree, offers: Offers) -> None:
        if isinstance(condition.get("definition"), dict) and condition["definition"]:
            condition.pop("trait", None)
            condition["definition"] = fit_trait(condition["definition"], offers, self.group, inline=True)
        else:
            choices = [choice.value for group in offers.traits() for choice in group.choices]
            _choose(condition, "trait", choices)
        self._fit_test(condition, "test", offers.tested_trait(condition), offers)
        below = offers.below_trait(condition)
        if below and (condition.get("where") or "definition" not in condition):
            self._where(condition, below)

    def _below(self, condition: Tree, offers: Offers) -> None:
        others = condition.get("others") is True
        self._where(condition, offers.below(str(condition.get("relationship")), others=others))

    def _where(self, condition: Tree, below: Offers) -> None:
        where = condition.get("where")
        condition["where"] = where if isinstance(where, dict) else {}
        self.group(condition["where"], below)

    def _fit_test(self, holder: Tree, key: str, tested: Tested | None, offers: Offers) -> None:
        """A test of what is gone stays as it is: somebody may want to read what it was."""
        if tested is None:
            return
        test = holder.get(key)
        holder[key] = test = test if isinstance(test, dict) else {}
        operators = OPERATORS[tested.type]
        if test.get("operator") not in operators:
            test["operator"] = operators[0].value
        self._fit_operand(test, tested, Operator(test["operator"]), offers)

    def _fit_operand(self, test: Tree, tested: Tested, operator: Operator, offers: Offers) -> None:
        kinds = operand_kinds(tested, operator)
        if not kinds:
            test.pop("operand", None)
            return
        operand = test.get("operand")
        kind = operand.get("kind") if isinstance(operand, dict) else None
        if kind == "blank" and operand and operand.get("values") in (None, [], ""):
            label = str(operand.get("label") or "")
            test["operand"] = {"kind": "blank", **({"label": label} if label else {})}
            return
        if kind == "blank" and "values" in kinds:
            kind = "values"  # somebody typed one
        if kind not in kinds:
            test["operand"] = copy.deepcopy(NEW_OPERANDS[kinds[0]])
        else:
            # Another kind was chosen in the form: what it lacks comes from a new one.
            test["operand"] = copy.deepcopy({**NEW_OPERANDS[str(kind)], **_known(operand or {}, str(kind))})
        _fit_values(test["operand"], tested, single=operator in INEQUALITIES)
        if self._blanks and test["operand"].get("values") == []:
            test["operand"] = {"kind": "blank"}
        if test["operand"]["kind"] == "list":
            known = [each.value for each in offers.lists()]
            test["operand"]["list"] = str(test["operand"].get("list") or "") or (known[0] if known else "")
        for moment in ("moment", "start", "end"):
            if moment in test["operand"]:
                test["operand"][moment] = _fit_moment(test["operand"][moment])


_KEYS = {
    "values": {"values"},
    "list": {"list"},
    "percentile": {"percentile"},
    "moment": {"moment"},
    "span": {"start", "end"},
    "window": {"amount", "unit", "calendar", "ahead"},
    "anniversary": {"in_days"},
    "blank": {"label"},
}


def _known(operand: Tree, kind: str) -> Tree:
    found = {key: value for key, value in operand.items() if key in _KEYS[kind] and value is not None}
    _drop_defaults(found, {"calendar": False, "ahead": False, "in_days": 0, "label": ""})
    return found


def _fit_moment(moment: Any) -> Tree:
    kind = moment.get("kind") if isinstance(moment, dict) else None
    if kind == "at":
        return {"kind": "at", "at": str(moment.get("at") or "")}
    keys = {key: moment[key] for key in ("amount", "unit", "ahead") if key in moment} if kind == "relative" else {}
    found = {**_WEEK, **{key: value for key, value in keys.items() if value is not None}}
    _drop_defaults(found, {"ahead": False})
    return found


def _fit_values(operand: Tree, tested: Tested, *, single: bool) -> None:
    if operand["kind"] != "values":
        return
    values = operand["values"] if isinstance(operand.get("values"), list) else []
    read = [_scalar(value, tested.type) for value in values if isinstance(value, str | bool | int | float)]
    operand["values"] = read[:1] if single or tested.type is ColumnType.BOOLEAN else list(dict.fromkeys(read))
    if tested.type is ColumnType.BOOLEAN and not operand["values"]:
        operand["values"] = [True]


def _scalar(value: Any, kind: ColumnType) -> Any:
    """A value in the column's type; what is not of that type stays, and is refused where it stands."""
    if kind is ColumnType.BOOLEAN:
        return value if isinstance(value, bool) else str(value).lower() == "true"
    if kind is ColumnType.STRING:
        return value if isinstance(value, str) else str(value)
    if kind is not ColumnType.NUMBER or isinstance(value, bool | float):
        return value
    found = number(str(value))
    return str(value) if found is None else found


def _fit_number(asked: Any) -> Tree:
    given = asked if isinstance(asked, dict) else {}
    return {**NEW_NUMBER, **{key: given[key] for key in NEW_NUMBER if given.get(key) is not None}}


def _first_field(offers: Offers) -> Tree:
    """A column to begin with: the first that says something about a row, which its key does not."""
    groups, keys = offers.fields(), offers.model.primary_key if offers.model else ()
    fields: list[Tree] = [orjson.loads(choice.value) for group in groups for choice in group.choices]
    telling = (field for field in fields if field.get("via") or field["column"] not in keys)
    return next(telling, fields[0] if fields else {"column": ""})


def _choose(condition: Tree, key: str, values: list[str]) -> None:
    """The first choice where nothing has been chosen yet. What was chosen stays, even where it is gone."""
    if not condition.get(key) and values:
        condition[key] = values[0]


def _drop_defaults(holder: Tree, defaults: Tree) -> None:
    for key, value in defaults.items():
        if holder.get(key, value) == value:
            holder.pop(key, None)
