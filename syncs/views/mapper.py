"""The dialog that says where one value of a mapping comes from, for the mapper of a sync's configuration."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from django import forms
from django.forms import BaseFormSet
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, JsonResponse

from config.errors import HeadraceError
from config.htmx import render_page
from config.ui.widgets import CodeEditor
from connectors import access as connections
from connectors.choices import Kind
from connectors.models import Destination
from connectors.sdk.arrow import object_from_text
from connectors.sdk.errors import ConnectorError
from connectors.sdk.expansion import ArrayForm, element_column, expandable
from connectors.sdk.liquid import compile_value, parse_json, row_variables
from connectors.sdk.liquid.reference import REFERENCE
from connectors.sdk.nesting import NestedTooDeep
from connectors.sdk.rows import dumps, json_value
from connectors.sdk.types import ColumnType
from syncs import access, services
from syncs.configuration import columns_of
from syncs.engine.inline import ELEMENT
from syncs.engine.spec import MAX_DEPTH
from syncs.forms.mapping import INPUTS, NESTING, MappingForm, Offer, line_of, lines_of, mappings_in, summary_of
from syncs.mapping_checks import value_problems
from syncs.mappings import Problems, parse
from syncs.models import Model
from syncs.views.base import PageView
from workspaces.permissions import Permission

VARIABLES = {
    "model_id": "The model's number.",
    "model_name": "The model's name.",
    "current_timestamp": "When the run started, as ISO 8601 in UTC.",
    "sync_id": "The sync's number.",
    "sync_run_id": "The run's number.",
    "operation": "What happened to the row: added, changed or removed.",
}
SAMPLE_ROWS = 100
MAX_NAMES = 200
SHOWN_CHARS = 20_000
_DEPTHS = frozenset(map(str, range(1, MAX_DEPTH + 2)))


class ArrayColumnForm(forms.Form):
    """Which column holds the array."""

    array_column = forms.ChoiceField(label="Column with the array", required=False)

    def __init__(self, *args: Any, columns: dict[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fitting = [name for name, kind in columns.items() if kind in (ColumnType.OBJECT, ColumnType.STRING)]
        fitting.sort(key=lambda name: columns[name] != ColumnType.OBJECT)
        self.fields["array_column"].choices = [("", "Choose a column"), *((n, n) for n in fitting)]  # type: ignore[attr-defined]


class MappingValue(PageView):
    """Opens the dialog, shows what a template makes of a sample row, and takes the value over into its line."""

    model: Model
    destination: Destination

    def post(self, request: HttpRequest, model: int, destination: int) -> HttpResponse:
        """``action`` says what is asked for."""
        self.load(model, destination)
        match request.POST.get("action"):
            case "open":
                return self._open()
            case "apply":
                return self._apply()
            case "result":
                return self._result()
            case "sample":
                return self._sample()
        return HttpResponseBadRequest("Unknown action")

    def load(self, model: int, destination: int) -> None:
        """The model and destination of the address."""
        self.model = access.model_for(self.actor, model)
        self.destination = connections.destination_for(self.actor, destination, Permission.DRAFT_TO_DESTINATION)

    @cached_property
    def columns(self) -> dict[str, str]:
        """The columns that values may use."""
        return columns_of(self.model)

    @property
    def may_see_rows(self) -> bool:
        """Whether a sample row can be shown."""
        return access.may_view_rows(self.actor, self.model)

    @property
    def depth(self) -> int:
        """How many objects and arrays stand around the value, one for the value itself."""
        sent = self.request.POST.get("depth", "1")
        return int(sent) if sent in _DEPTHS else MAX_DEPTH + 1

    @property
    def offer(self) -> Offer:
        """What the value may come from at this place."""
        in_array = self.request.POST.get("in_array") == "yes"
        return Offer(columns=self.columns, in_array=in_array, nesting=self.depth <= MAX_DEPTH)

    def _open(self) -> HttpResponse:
        form = MappingForm(self.request.POST, prefix="value", offer=self.offer)
        form.is_valid()
        kind, inline = form.source, form.cleaned_data.get("inline")
        inner = (inline or {}).get("mappings", []) if isinstance(inline, dict) else inline or []
        column = inline.get("column", "") if isinstance(inline, dict) else ""
        return self._dialog(form, kind, self._inner(None, kind, inner), column)

    def _apply(self) -> HttpResponse:
        form = MappingForm(self.request.POST, prefix="value", offer=self.offer)
        form.is_valid()
        kind = form.source
        inner = self._inner(self.request.POST, kind, [])
        readable = kind not in NESTING or inner.is_valid()
        problems = self._take(form, kind, inner)
        if problems or not readable:
            self._blame(form, inner, problems)
            return self._dialog(form, kind, inner, self.request.POST.get("array_column", ""), status=422)
        sent = form.cleaned_data
        values = {
            name: sent.get(name) or "" for name in ("column", "prop", "static", "static_type", "variable", "template")
        }
        inline = dumps(sent["inline"]).decode() if kind in NESTING else ""
        words = summary_of(kind, {**values, "inline": inline})
        return JsonResponse({"inputs": {**values, "inline": inline, "kind": kind}, "summary": words})

    def _take(self, form: MappingForm, kind: str, inner: BaseFormSet[MappingForm]) -> dict[str, str]:
        """Put inner lines into the form's value, and say what of it cannot work, by path."""
        if kind in NESTING:
            mappings = mappings_in(inner)
            column = self.request.POST.get("array_column", "")
            form.cleaned_data["inline"] = {"column": column, "mappings": mappings} if kind == "array" else mappings
        value = form.cleaned_data.get(INPUTS.get(kind, kind))
        problems = Problems()
        parsed = parse([{"to": "value", "kind": kind, "value": value}], problems, "value")
        if parsed and not problems.fields:
            value_problems(parsed[0], self.offer.columns, problems, depth=self.depth, in_array=self.offer.in_array)
        return problems.fields

    def _blame(self, form: MappingForm, inner: BaseFormSet[MappingForm], problems: dict[str, str]) -> None:
        """Put each problem beside what it is about."""
        filled = [line for line in inner.forms if line.is_bound and line.is_valid() and line.mapping()]
        for path, message in problems.items():
            place = next((part for part in path.split(".")[1:] if part.isdigit()), "")
            inside = ".value" in path.removeprefix("value")
            if inside and place:
                numbers = [int(part) for part in path.split(".") if part.isdigit()]
                at = numbers[1] if len(numbers) > 1 else numbers[0]
                if at < len(filled):
                    filled[at].add_error("to", message)
                    continue
            form.add_error(None, message)

    def _inner(self, data: Any, kind: str, mappings: list[dict[str, Any]]) -> BaseFormSet[MappingForm]:
        in_array = self.offer.in_array or kind == "array"
        offer = Offer(columns=self.offer.columns, in_array=in_array, inside=True, nesting=self.depth < MAX_DEPTH)
        return lines_of(data, [line_of(m) for m in mappings], offer, prefix=f"inner{self.depth}")

    def _dialog(
        self, form: MappingForm, kind: str, inner: BaseFormSet[MappingForm], column: str, status: int = 200
    ) -> HttpResponse:
        columns = dict(self.offer.columns)
        editor = CodeEditor(language="liquid", rows=8, attrs={"aria-label": "Liquid template"})
        context = {
            "form": form,
            "kind": kind,
            "kinds": self.offer.kinds,
            "columns": columns.items(),
            "chosen_column": form["column"].value() or "",
            "variables": VARIABLES.items(),
            "chosen_variable": form["variable"].value() or "",
            "editor": editor.render(
                "value-template", form["template"].value() or "", {"id": f"value-template-{self.depth}"}
            ),
            "functions": _grouped(),
            "array": ArrayColumnForm(initial={"array_column": column}, columns=columns),
            "inner": inner,
            "depth": self.depth,
            "in_array": self.offer.in_array,
            "element": ELEMENT,
            "may_see_rows": self.may_see_rows,
            "blank_sample": _written(dict.fromkeys(columns)),
        }
        return render_page(self.request, "syncs/syncs/parts/value.html", context, status=status)

    def _result(self) -> HttpResponse:
        """What the template makes of the sample row, or why it cannot."""
        context: dict[str, Any] = {}
        try:
            row = parse_json(self.request.POST.get("sample") or "{}")
            template = compile_value(self.request.POST.get("value-template", ""))
            template.require(self.offer.columns)
            value = template.evaluate(row_variables(row if isinstance(row, dict) else {}, self._context()))
            context = {"result": _shortened(dumps(json_value(value)).decode()), "type": _type_words(value)}
        except ConnectorError as error:
            context = {"problem": error.message, "hint": error.hint}
        except (NestedTooDeep, RecursionError, TypeError):
            context = {"problem": "The sample row, or what the template makes of it, is nested too deep."}
        except ValueError:
            context = {"problem": "The sample row is not JSON."}
        return render_page(self.request, "syncs/syncs/parts/value_result.html", context)

    def _context(self) -> dict[str, str]:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        known = {"model_id": str(self.model.pk), "model_name": self.model.name, "current_timestamp": now}
        return {**known, "sync_id": "1", "sync_run_id": "1", "operation": "added"}

    def _sample(self) -> HttpResponse:
        """A row of the model, and the properties that the arrays of its first rows have."""
        try:
            found = services.preview_model(actor=self.actor, model=self.model, limit=SAMPLE_ROWS)
        except HeadraceError as error:
            return JsonResponse({"problem": f"{error.message} {error.hint}".strip()}, status=422)
        if not found.rows:
            problem = "The model returns no rows." if found.rows is not None else "You may not see rows of this source."
            return JsonResponse({"problem": problem}, status=422)
        types = self.offer.columns
        names = [column.name for column in found.columns]
        held = [dict(zip(names, row, strict=True)) for row in found.rows]
        rows = [{name: _shown(row.get(name), kind) for name, kind in types.items()} for row in held]
        found_in = {"sample": _written(rows[0]), "properties": _properties(rows), "elements": self._elements(rows)}
        return JsonResponse(found_in)

    def _elements(self, rows: list[dict[str, Any]]) -> dict[str, str]:
        """Text columns that hold nothing but JSON arrays, with the columns of their elements."""
        if not expandable(connections.definition_of(Kind.SOURCE, self.model.source.type).dialect, ArrayForm.TEXT):
            return {}
        texts = [name for name, kind in self.offer.columns.items() if kind == ColumnType.STRING]
        held = {name: [row[name] for row in rows if row[name] is not None] for name in texts}
        return {name: element_column(name) for name, values in held.items() if values and all(map(_array, values))}


def _written(row: dict[str, Any]) -> str:
    """A row as JSON, a line for each column."""
    lines = [f"  {dumps(name).decode()}: {dumps(value).decode()}" for name, value in row.items()]
    return "{\n" + ",\n".join(lines) + "\n}"


def _shortened(text: str) -> str:
    """What a page can show of a text, and how long it is."""
    return text if len(text) <= SHOWN_CHARS else f"{text[:SHOWN_CHARS]}… ({len(text):,} characters)"


def _shown(value: Any, kind: str) -> Any:
    """A previewed value as templates see it."""
    if kind == ColumnType.OBJECT and isinstance(value, str):
        try:
            return object_from_text(value)
        except ValueError:
            return value
    return json_value(value)


def _array(value: Any) -> list[Any] | None:
    """The array that a value is, or that its text holds."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            value = object_from_text(value)
        except ValueError:
            return None
    return value if isinstance(value, list) else None


def _properties(rows: list[dict[str, Any]]) -> dict[str, list[str]]:
    """The names that the elements of array columns have."""
    found: dict[str, dict[str, None]] = {}
    for row in rows:
        for name, value in row.items():
            for element in (e for e in _array(value) or () if isinstance(e, dict)):
                found.setdefault(name, {}).update(dict.fromkeys(element))
    return {name: list(names)[:MAX_NAMES] for name, names in found.items()}


def _grouped() -> list[tuple[str, list[Any]]]:
    groups: dict[str, list[Any]] = {}
    for known in REFERENCE:
        groups.setdefault(known.group, []).append(known)
    return list(groups.items())


def _type_words(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, str):
        return "text"
    if isinstance(value, dict):
        return "object"
    return "array" if isinstance(value, list) else "number"
