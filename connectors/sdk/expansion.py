"""One row for each element of an array column, made by the source itself.

The element stands in a column of its own, ``_ht_<column>_element``; all other
columns repeat. An empty array, null and what is no array make no row.
"""

from __future__ import annotations

from enum import StrEnum

from sqlglot import exp, parse_one

from connectors.sdk.sql import MODEL_ALIAS, select_from
from connectors.sdk.types import ColumnType

_PREFIX, _SUFFIX = "_ht_", "_element"
_COLUMN = "headrace_array"  # stands for the column in the joins below
_ELEMENT = "headrace_element"


class ArrayForm(StrEnum):
    """How a column holds its arrays."""

    NATIVE = "native"
    JSON = "json"
    TEXT = "text"  # JSON written into a text column


_JSON_TYPES = frozenset({"json", "jsonb", "variant", "super"})
_POSTGRES_JSON = "jsonb_array_elements_text(CASE WHEN jsonb_typeof({0}) = 'array' THEN {0} END)"
# What is joined to each row of the model, by dialect and form: one column per element.
_JOINS: dict[str, dict[ArrayForm, str]] = {
    "postgres": {
        ArrayForm.NATIVE: "LATERAL unnest(headrace_array)",
        ArrayForm.JSON: f"LATERAL {_POSTGRES_JSON.format('headrace_array::jsonb')}",
        ArrayForm.TEXT: "LATERAL jsonb_array_elements_text("
        "CASE WHEN left(ltrim(headrace_array), 1) = '[' THEN headrace_array::jsonb END)",
    },
    "duckdb": {
        ArrayForm.NATIVE: "unnest(headrace_array)",
        ArrayForm.JSON: "unnest(json_extract_string(headrace_array, '$[*]'))",
        ArrayForm.TEXT: "unnest(CASE WHEN json_valid(headrace_array) "
        "THEN json_extract_string(headrace_array, '$[*]') END)",
    },
    "bigquery": {
        ArrayForm.NATIVE: "UNNEST(headrace_array)",
        ArrayForm.JSON: "UNNEST(JSON_VALUE_ARRAY(headrace_array))",
        ArrayForm.TEXT: "UNNEST(JSON_VALUE_ARRAY(headrace_array))",
    },
    "snowflake": {
        ArrayForm.NATIVE: "LATERAL FLATTEN(INPUT => headrace_array)",
        ArrayForm.JSON: "LATERAL FLATTEN(INPUT => IFF(IS_ARRAY(headrace_array), headrace_array, NULL))",
        ArrayForm.TEXT: "LATERAL FLATTEN(INPUT => IFF(IS_ARRAY(TRY_PARSE_JSON(headrace_array)), "
        "TRY_PARSE_JSON(headrace_array), NULL))",
    },
    "databricks": {
        ArrayForm.NATIVE: "LATERAL explode(headrace_array)",
        ArrayForm.TEXT: "LATERAL explode(from_json(headrace_array, 'array<string>'))",
    },
}
DIALECTS = frozenset(_JOINS)


def element_column(column: str) -> str:
    """What the elements of a column's arrays are called."""
    return f"{_PREFIX}{column}{_SUFFIX}"


def array_column(name: str) -> str:
    """The column whose elements a generated name stands for; empty for any other name."""
    made = name.startswith(_PREFIX) and name.endswith(_SUFFIX)
    return name[len(_PREFIX) : -len(_SUFFIX)] if made else ""


def array_form(native_type: str, kind: ColumnType) -> ArrayForm | None:
    """How a column of this type can hold arrays; ``None`` where it cannot.

    ``kind`` is what people take the column for: text holds arrays where they say
    that it is of type object.
    """
    native = native_type.lower().strip()
    if native.endswith("]") or native.split("<")[0] in ("array", "list"):
        return ArrayForm.NATIVE
    if native in _JSON_TYPES:
        return ArrayForm.JSON
    return ArrayForm.TEXT if kind in (ColumnType.OBJECT, ColumnType.STRING) else None


def expandable(dialect: str, form: ArrayForm) -> bool:
    """Whether arrays of this form can be taken apart in this dialect."""
    return form in _JOINS.get(dialect, {})


def expand_array(sql: str, column: str, form: ArrayForm, dialect: str) -> str:
    """The model's rows, once for each element of the column's array."""
    join = _JOINS[dialect][form]
    return select_from(sql, _select(column, dialect, join), dialect)


def _select(column: str, dialect: str, join: str) -> exp.Select:
    alias = _ELEMENT if dialect == "bigquery" else f"{_ELEMENT}s({_ELEMENT})"
    element = _ELEMENT
    if dialect == "snowflake":
        alias, element = f"{_ELEMENT}s", f"CAST({_ELEMENT}s.value AS VARCHAR)"
    # Only our own words are parsed; the column takes its place in the tree afterwards.
    wanted = parse_one(f"SELECT * FROM headrace_model CROSS JOIN {join} AS {alias}", read=dialect)  # noqa: S608
    array = exp.column(exp.to_identifier(column, quoted=True), table=exp.to_identifier(MODEL_ALIAS, quoted=True))
    joined = wanted.transform(lambda node: array.copy() if _is_array(node) else node)
    model = exp.Column(this=exp.Star(), table=exp.to_identifier(MODEL_ALIAS, quoted=True))
    value = exp.alias_(parse_one(element, read=dialect), element_column(column), quoted=True)
    made = exp.select(model, value)
    made.set("joins", joined.args["joins"])
    return made


def _is_array(node: exp.Expr) -> bool:
    return isinstance(node, exp.Column) and node.name == _COLUMN
