"""The lines of a mapping as forms: of a sync, or inside an object or array."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.forms import BaseFormSet, formset_factory
from django.http import QueryDict

from config.ui.widgets import Combobox, Toggle
from connectors.sdk.destination import DestinationField, Shape
from connectors.sdk.expansion import array_column
from connectors.sdk.types import ColumnType
from syncs.mappings import VARIABLES, number_of, number_text

SPARE_LINES = 3
LONG_LIST = 25  # longer ones are searched rather than scrolled
FIELD_LIST = "mapping-fields"  # the datalist of the destination's fields
STATIC_TYPES = [("string", "Text"), ("number", "Number"), ("boolean", "True or false"), ("null", "Null")]
KINDS = {
    "column": "Column",
    "property": "Property",
    "static": "Static value",
    "variable": "Variable",
    "template": "Template",
    "object": "Object",
    "array": "Array",
}
NESTING = ("object", "array")
_SHAPES = {Shape.ARRAY: "array", Shape.VALUES: "list"}
# The input that holds the value, where it has another name than the kind.
INPUTS = {"property": "prop", "object": "inline", "array": "inline"}


@dataclass(frozen=True, slots=True)
class Offer:
    """What a mapping may name: the model's columns (name → type) and the destination's fields.

    ``custom``: other fields too. ``advanced``: values from more than columns.
    ``in_array``: the mapping is of an array's elements; ``inside``: of an object, which may become an array;
    ``nesting``: objects and arrays may stand in it. ``lockable``: each line has a lock to turn.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    fields: Sequence[DestinationField] = ()
    custom: bool = True
    advanced: bool = True
    in_array: bool = False
    inside: bool = False
    nesting: bool = True
    lockable: bool = False

    @property
    def offered(self) -> Sequence[DestinationField]:
        """The fields that can be mapped."""
        return [f for f in self.fields if not f.read_only]

    @property
    def listed(self) -> list[tuple[DestinationField, str]]:
        """The same with the words that pickers show."""
        return [(field, field_words(field)) for field in self.offered]

    @property
    def searched(self) -> bool:
        """Whether all lines share one list of fields to search in."""
        return self.custom or len(self.offered) > LONG_LIST

    @property
    def kinds(self) -> dict[str, str]:
        """Where values may come from, in the order of the tabs."""
        if not self.advanced:
            return {"column": KINDS["column"]}
        left_out = set() if self.in_array or self.inside else {"property"}
        left_out |= set() if self.nesting else set(NESTING)
        first = "property" if self.in_array else "column"
        return {first: KINDS[first]} | {kind: words for kind, words in KINDS.items() if kind not in left_out}


class TypedSelect(forms.Select):
    """A select whose options say the type of what they stand for, and which of them objects or arrays are made for."""

    def __init__(self, types: Mapping[str, str], nests: Mapping[str, str] | None = None, **options: Any) -> None:
        super().__init__(**options)
        self._types, self._nests = types, nests or {}

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """One option, its type beside it for scripts."""
        option: dict[str, Any] = super().create_option(name, value, *args, **kwargs)
        option["attrs"]["data-type"] = self._types.get(str(value), "")
        if nests := self._nests.get(str(value)):
            option["attrs"]["data-nests"] = nests
        return option


class TypedCombobox(TypedSelect, Combobox):
    """The same to search in."""


class FieldPicker(forms.TextInput):
    """An input for a destination's field: all lines of a mapping search in one list, however long it is.

    ``free``: names that are not in it are taken too. Without scripts it is an input that makes proposals.
    """

    def __init__(self, *, free: bool) -> None:
        attrs = {"list": FIELD_LIST, "data-controller": "combobox", "autocomplete": "off"}
        attrs["placeholder"] = "Choose or type a field" if free else "Choose a field"
        super().__init__(attrs | ({"data-combobox-free": ""} if free else {}))


class MappingForm(forms.Form):
    """One line of the mapping: a field of the destination and where its value comes from."""

    use_required_attribute = False

    kind = forms.ChoiceField(label="Value from", required=False)
    column = forms.ChoiceField(label="Column", required=False)
    prop = forms.CharField(label="Property", required=False)
    static = forms.CharField(label="Value", required=False, strip=False)
    static_type = forms.ChoiceField(label="Type", choices=STATIC_TYPES, required=False)
    variable = forms.ChoiceField(
        label="Variable", choices=[(v, v.replace("_", " ")) for v in VARIABLES], required=False
    )
    template = forms.CharField(label="Liquid template", required=False, strip=False)
    inline = forms.JSONField(label="Fields inside, as JSON", required=False, widget=forms.TextInput)
    to = forms.CharField(label="Destination field", required=False)
    identifier = forms.BooleanField(label="Match records by this field", required=False)
    ignore_null = forms.BooleanField(label="Leave out when null", required=False)
    locked = forms.BooleanField(label="Lock this field", required=False, initial=True, widget=Toggle)

    lock: Any = None  # what is shown of a line that a template locks

    def __init__(self, *args: Any, offer: Offer, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offer = offer
        self.fields["kind"].choices = list(offer.kinds.items())  # type: ignore[attr-defined]
        self._offer_columns()
        if offer.fields:
            self._offer_fields()
        number = str(self.prefix or "").rpartition("-")[2]
        line = f", line {int(number) + 1}" if number.isdigit() else ", line __line__"
        for shown in self.fields.values():
            shown.widget.attrs["aria-label"] = f"{shown.label}{line}"

    @property
    def is_blank(self) -> bool:
        """Whether nothing was filled in."""
        names = ("to", "column", "prop", "static", "template", "inline")
        return all(self[name].value() in (None, "", "null") for name in names)

    def lock_as(self, lock: Any, *, wholly: bool) -> None:
        """Let nobody change the line's field, or ``wholly`` nothing of it."""
        self.lock = lock
        for name, shown in self.fields.items():
            shown.disabled = wholly or name == "to"

    @property
    def source(self) -> str:
        """Where the value comes from."""
        return str(self["kind"].value() or next(iter(self.offer.kinds)))

    @property
    def summary(self) -> str:
        """The value in a few words, where it is no column."""
        names = ("prop", "static", "static_type", "variable", "template", "inline")
        return summary_of(self.source, {name: self[name].value() for name in names})

    @property
    def expanded(self) -> str:
        """The array column whose elements this line matches records by."""
        return array_column(str(self["column"].value() or "")) if self.source == "column" else ""

    def mapping(self) -> dict[str, Any] | None:
        """The line as services take it; ``None`` for an empty one."""
        sent = self.cleaned_data
        kind = sent["kind"] or next(iter(self.offer.kinds))
        value = sent[INPUTS.get(kind, kind)]
        if not sent["to"] and (kind == "variable" or not value):
            return None
        if kind == "static":
            value = static_of(sent["static_type"], value)
        return {
            "to": sent["to"],
            "kind": kind,
            "value": value,
            "ignore_null": sent["ignore_null"],
            "identifier": sent["identifier"],
        }

    def _offer_columns(self) -> None:
        types = dict(self.offer.columns)
        choices = [("", "Choose a column"), *((name, name) for name in types)]
        chosen = str(self["column"].value() or "")
        if array_column(chosen) in types:
            choices.append((chosen, f"{array_column(chosen)}: each element"))
        elif chosen and chosen not in types:
            choices.append((chosen, f"{chosen} (gone)"))
        self.fields["column"].widget = _select(types, len(choices))
        self.fields["column"].choices = choices  # type: ignore[attr-defined]

    def _offer_fields(self) -> None:
        fields = self.offer.offered
        if self.offer.searched:
            self.fields["to"].widget = FieldPicker(free=self.offer.custom)
            return
        offered = [("", "Choose a field"), *((f.name, field_words(f)) for f in fields)]
        chosen = str(self["to"].value() or "")
        if chosen and chosen not in {f.name for f in fields}:
            offered.append((chosen, f"{chosen} (not found)"))
        nests = {f.name: f.nests for f in fields}
        self.fields["to"].widget = TypedSelect({f.name: f.type.value for f in fields}, nests, choices=offered)


def lines_of(data: Any, lines: list[dict[str, Any]], offer: Offer, prefix: str = "map") -> BaseFormSet[MappingForm]:
    """The lines as a formset; every line counts, also one that is just as it was suggested."""
    options = {"offer": offer, "empty_permitted": False}
    made = formset_factory(MappingForm, extra=SPARE_LINES, max_num=2_000, absolute_max=2_000)
    return made(data, initial=lines, prefix=prefix, form_kwargs=options)


def mappings_in(lines: BaseFormSet[MappingForm]) -> list[dict[str, Any]]:
    """The lines that were filled in and can be read."""
    if not lines.is_bound or not lines.management_form.is_valid():
        return []
    found = [line.mapping() for line in lines.forms if line.is_valid()]
    return [mapping for mapping in found if mapping is not None]


def with_more_lines(sent: QueryDict) -> QueryDict:
    """What was sent, with room for more lines: how lines are added without scripts."""
    data = sent.copy()
    count = data.get("map-TOTAL_FORMS", "")
    data["map-TOTAL_FORMS"] = str((int(count) if count.isdigit() else 0) + SPARE_LINES)
    return data


def line_of(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """A stored mapping as the inputs of its line."""
    kind, value = mapping.get("kind", "column"), mapping.get("value")
    names = ("to", "identifier", "ignore_null", "suggested")
    line = {name: mapping.get(name, False) for name in names} | {"kind": kind}
    if kind != "static":
        return {**line, INPUTS.get(kind, kind): value}
    kinds: dict[type, str] = {bool: "boolean", int: "number", float: "number", dict: "number", type(None): "null"}
    text = "" if value is None else str(value).lower() if isinstance(value, bool) else number_text(value)
    return {**line, "static": text, "static_type": kinds.get(type(value), "string")}


def summary_of(kind: str, values: Mapping[str, Any]) -> str:
    """A value in a few words: what a line shows of it."""
    if kind in NESTING:
        return _inline_words(kind, values.get("inline"))
    if kind == "static":
        return "null" if values.get("static_type") == "null" else str(values.get("static") or "“”")
    text = str(values.get(INPUTS.get(kind, kind)) or "")
    return text.replace("_", " ") if kind == "variable" else text


def _inline_words(kind: str, value: Any) -> str:
    try:
        found = json.loads(value) if isinstance(value, str) else value
        inner = found["mappings"] if kind == "array" else found
        names = ", ".join(str(mapping["to"]) for mapping in inner)
        return f"{found['column']}: {names}" if kind == "array" else names
    except (TypeError, KeyError, ValueError):
        return ""


def static_of(kind: str, text: str) -> Any:
    """A typed constant; what is not a number stays text, and the services say so."""
    if kind == "null":
        return None
    if kind == "boolean":
        return text.strip().lower() in ("true", "1", "yes", "on")
    return number_of(text) if kind == "number" else text


def field_words(field: DestinationField) -> str:
    """A destination's field as a picker shows it."""
    kind = _SHAPES.get(field.shape, field.type.value) if field.type is ColumnType.OBJECT else field.type.value
    words = f"{field.label or field.name} · {field.native_type or kind}"
    marks = (("required", field.required), ("recommended", field.recommended), ("unique", field.identifier))
    shown = [word for word, on in marks if on]
    if field.modes:
        shown.append("only in " + " and ".join(mode.value for mode in field.modes))
    return f"{words} ({', '.join(shown)})" if shown else words


def _select(types: Mapping[str, str], options: int) -> forms.Select:
    return TypedCombobox(types=types) if options > LONG_LIST else TypedSelect(types=types)
