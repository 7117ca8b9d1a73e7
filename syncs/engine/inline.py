"""Objects and arrays made of several values: JSON text in which numbers and types stay exact.

Objects are columnar: their members are columns, joined as text. Arrays are made
row by row, since each has its own number of elements.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from connectors.sdk.arrow import column_type, mark, python_values
from connectors.sdk.destination import rejected
from connectors.sdk.json_columns import json_column
from connectors.sdk.liquid import TemplateError, parse_json, row_variables
from connectors.sdk.nesting import NestedTooDeep
from connectors.sdk.rows import dumps, json_value
from connectors.sdk.types import ColumnType
from syncs.engine.errors import InvalidMapping, UnknownColumn
from syncs.engine.spec import MAX_DEPTH, FieldMapping, MappingKind, RunSpec
from syncs.engine.values import Make, Rows, constant_of, template_of, variable_of

NESTING = frozenset({MappingKind.OBJECT, MappingKind.ARRAY})
ARRAY_CODE = "not_an_array"
ELEMENT = "element"  # what templates inside an array call the element at hand
_ABSENT = object()


def check_shape(mapping: FieldMapping, depth: int = 1) -> None:
    """Refuse objects and arrays that are empty, or nested deeper than destinations take."""
    if not mapping.inner:
        raise InvalidMapping(f"“{mapping.to}” has no fields inside.")
    for inner in mapping.inner:
        if inner.kind in NESTING:
            if depth >= MAX_DEPTH:
                raise InvalidMapping(f"“{inner.to}” is nested too deep: objects and arrays go {MAX_DEPTH} levels deep.")
            check_shape(inner, depth + 1)


class ObjectValue:
    """An object of the rows' other values."""

    def __init__(self, to: str, entries: Sequence[tuple[FieldMapping, Make]]) -> None:
        self._to = to
        self._entries = entries

    def __call__(self, rows: Rows) -> tuple[pa.Field, pa.Array]:
        members = [_member(mapping, *make(rows)) for mapping, make in self._entries]
        # Every member brings its comma along; the first one that is there gives it up.
        joined = pc.binary_join_element_wise(*members, "")
        joined = pc.replace_substring(joined, ",", "", max_replacements=1)
        whole = pc.binary_join_element_wise("{", joined, "}", "")
        return mark(pa.field(self._to, pa.string()), ColumnType.OBJECT), whole


def _member(mapping: FieldMapping, field: pa.Field, values: pa.Array) -> pa.Array:
    name = orjson.dumps(mapping.to).decode()
    text = pc.binary_join_element_wise(f",{name}:", json_column(values, field), "")
    return pc.if_else(pc.is_null(values), "", text) if mapping.ignore_null else text


Read = Callable[[Any, Mapping[str, Any], Mapping[str, str]], Any]  # element, row, variables


class ArrayValue:
    """An array of objects, one for each element of a column's array.

    A property that an element lacks is left out of that element alone. Templates
    see the element as ``element``, besides ``row`` and ``context``.
    """

    def __init__(self, spec: RunSpec, mapping: FieldMapping, index: int) -> None:
        self._to = mapping.to
        self._index = index
        self._column = str(mapping.value)
        self._used: set[str] | None = set()
        self._members = self._compiled(spec, mapping)

    def __call__(self, rows: Rows) -> tuple[pa.Field, pa.Array]:
        arrays = rows.columns.column(self._index).to_pylist()
        around = self._rows_around(rows)
        texts = [
            self._text(rows, place, value, row) for place, (value, row) in enumerate(zip(arrays, around, strict=True))
        ]
        return mark(pa.field(self._to, pa.string()), ColumnType.OBJECT), pa.array(texts, pa.string())

    def _text(self, rows: Rows, place: int, value: Any, row: Mapping[str, Any]) -> str | None:
        if value is None or place in rows.refused:
            return None
        try:
            elements = self._elements(value)
            if elements is None:
                return None
            return dumps([self._object(self._members, e, row, rows.variables) for e in elements]).decode()
        except TemplateError as error:
            rows.refused[place] = error.result(self._to)
        except ValueError as error:
            rows.refused[place] = rejected(str(error), code=ARRAY_CODE, field=self._to)
        except (RecursionError, orjson.JSONEncodeError):
            words = f"The array in column “{self._column}” is nested too deep."
            rows.refused[place] = rejected(words, code=ARRAY_CODE, field=self._to)
        return None

    def _elements(self, value: Any) -> list[Mapping[str, Any]] | None:
        try:
            found = parse_json(value) if isinstance(value, str) else json_value(value)
        except NestedTooDeep as error:
            raise ValueError(f"The array in column “{self._column}” is nested too deep.") from error
        except ValueError as error:
            raise ValueError(f"Column “{self._column}” does not hold JSON.") from error
        if found is None:
            return None
        if not isinstance(found, list):
            raise ValueError(f"Column “{self._column}” does not hold an array.")
        for number, element in enumerate(found, 1):
            if not isinstance(element, dict):
                raise ValueError(f"Element {number} of the array in column “{self._column}” is not an object.")
        return found

    def _rows_around(self, rows: Rows) -> list[dict[str, Any]]:
        """The columns that the elements' mappings read, row by row."""
        fields = [f for f in rows.columns.schema if self._used is None or f.name in self._used]
        columns = [python_values(rows.columns.column(f.name), column_type(f)) for f in fields]
        if not columns:
            return [{}] * len(rows)
        return [dict(zip([f.name for f in fields], values, strict=True)) for values in zip(*columns, strict=True)]

    def _compiled(self, spec: RunSpec, mapping: FieldMapping) -> list[tuple[FieldMapping, Read]]:
        return [(inner, self._reader(spec, inner)) for inner in mapping.inner]

    def _reader(self, spec: RunSpec, mapping: FieldMapping) -> Read:
        match mapping.kind:
            case MappingKind.PROPERTY:
                path = str(mapping.value)
                return lambda element, row, variables: property_of(element, path)
            case MappingKind.STATIC:
                value = constant_of(mapping).as_py()
                return lambda element, row, variables: value
            case MappingKind.VARIABLE:
                name = variable_of(spec, mapping)
                return lambda element, row, variables: variables[name]
            case MappingKind.COLUMN:
                return self._column_reader(spec, mapping)
            case MappingKind.TEMPLATE:
                return self._template_reader(spec, mapping)
            case MappingKind.OBJECT:
                members = self._compiled(spec, mapping)
                return lambda element, row, variables: self._object(members, element, row, variables)
            case MappingKind.ARRAY:
                members, path = self._compiled(spec, mapping), str(mapping.value)
                return lambda element, row, variables: self._inner_array(members, path, element, row, variables)

    def _column_reader(self, spec: RunSpec, mapping: FieldMapping) -> Read:
        name = str(mapping.value)
        if name not in {column.name for column in spec.sent_columns}:
            raise UnknownColumn([name], [f"the mapping to “{mapping.to}” in “{self._to}”"])
        self._use({name})
        return lambda element, row, variables: row[name]

    def _template_reader(self, spec: RunSpec, mapping: FieldMapping) -> Read:
        template = template_of(mapping, [column.name for column in spec.sent_columns])
        self._use(template.columns)
        return lambda element, row, variables: template.evaluate({**row_variables(row, variables), ELEMENT: element})

    def _use(self, columns: set[str] | frozenset[str] | None) -> None:
        self._used = None if columns is None or self._used is None else self._used | columns

    def _inner_array(
        self,
        members: Sequence[tuple[FieldMapping, Read]],
        path: str,
        element: Any,
        row: Mapping[str, Any],
        variables: Mapping[str, str],
    ) -> Any:
        inner = property_of(element, path)
        if inner is _ABSENT or inner is None:
            return inner
        if not isinstance(inner, list) or not all(isinstance(each, dict) for each in inner):
            raise ValueError(f"The property “{path}” does not hold an array of objects.")
        return [self._object(members, each, row, variables) for each in inner]

    def _object(
        self,
        members: Sequence[tuple[FieldMapping, Read]],
        element: Any,
        row: Mapping[str, Any],
        variables: Mapping[str, str],
    ) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for mapping, read in members:
            value = read(element, row, variables)
            if value is not _ABSENT and not (value is None and mapping.ignore_null):
                made[mapping.to] = json_value(value)
        return made


def property_of(element: Any, path: str) -> Any:
    """A property by its name, or by a dotted path where no property has that name; a mark where it is missing."""
    if isinstance(element, dict) and path in element:
        return element[path]
    value = element
    for step in path.split("."):
        if not isinstance(value, dict) or step not in value:
            return _ABSENT
        value = value[step]
    return value
