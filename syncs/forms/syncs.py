"""The form by which a sync is configured: how rows become records at the destination."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.forms import BaseFormSet, formset_factory
from django.http import QueryDict

from config.errors import HeadraceError, Invalid
from config.ui.widgets import RadioCards
from connectors.forms import SettingsForm, Shown
from connectors.sdk.destination import DestinationField, FirstRun, Mode, Removal, SyncType
from syncs.configuration import Proposal
from syncs.mappings import VARIABLES

SPARE_LINES = 3
STATIC_TYPES = [("string", "Text"), ("number", "Number"), ("boolean", "True or false"), ("null", "Null")]
MODE_WORDS = {
    Mode.UPSERT: "Upsert",
    Mode.UPDATE: "Update",
    Mode.INSERT: "Insert",
    Mode.ADD: "Add",
    Mode.REMOVE: "Remove",
    Mode.ARCHIVE: "Archive",
    Mode.ALL: "All",
    Mode.SNAPSHOT: "Snapshot",
    Mode.DIFF: "Diff",
    Mode.CUSTOM: "By trigger",
}
REMOVAL_WORDS = {
    Removal.NOTHING: ("Do nothing", "The record stays as it is."),
    Removal.CLEAR: ("Clear fields", "The record stays; its mapped fields are emptied."),
    Removal.DELETE: ("Delete the record", "The record is deleted at the destination."),
}
FIRST_RUN_WORDS = {
    FirstRun.BACKFILL: ("Send all rows", "The first run sends every row of the model."),
    FirstRun.SKIP: ("Skip existing rows", "The first run remembers the rows; later runs send only changes."),
}


class BehaviourForm(forms.Form):
    """Mode, what happens to rows that leave the model, and what the first run sends."""

    use_required_attribute = False

    mode = forms.ChoiceField(label="Mode", widget=RadioCards)
    removal = forms.ChoiceField(label="When a row leaves the model", widget=RadioCards)
    first_run = forms.ChoiceField(label="First run", widget=RadioCards)

    def __init__(self, data: Any = None, *, kind: SyncType, initial: Mapping[str, Any] | None = None) -> None:
        first = kind.modes[0]
        start = {"mode": first.mode.value, "removal": first.removals[0].value, "first_run": kind.first_run[0].value}
        super().__init__(data, initial={**start, **(initial or {})})
        self.kind = kind
        removals = [r for r in Removal if any(r in spec.removals for spec in kind.modes)]
        self._offer("mode", {m.mode.value: (MODE_WORDS[m.mode], m.description) for m in kind.modes})
        self._offer("removal", {r.value: REMOVAL_WORDS[r] for r in removals})
        self._offer("first_run", {f.value: FIRST_RUN_WORDS[f] for f in kind.first_run})
        # The choice shows only with modes that leave one.
        choosing = [m.mode.value for m in kind.modes if len(m.removals) > 1]
        if len(removals) > 1 and len(choosing) < len(kind.modes):
            self.fields["removal"].widget.attrs["data-show-when"] = f"mode={'|'.join(choosing)}"

    def clean(self) -> dict[str, Any]:
        """A mode with a single way to handle removed rows takes that one, whatever the hidden choice says."""
        sent = self.cleaned_data
        spec = next((m for m in self.kind.modes if m.mode.value == sent.get("mode")), None)
        if spec is not None and len(spec.removals) == 1:
            sent["removal"] = spec.removals[0].value
        return sent

    def _offer(self, name: str, options: Mapping[str, tuple[str, str]]) -> None:
        """Offer the options of one choice; a choice of one is made without asking."""
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        choices = [(value, label) for value, (label, _) in options.items()]
        if len(options) == 1:
            field.widget = forms.HiddenInput()
        else:
            field.widget = RadioCards(notes={value: note for value, (_, note) in options.items()})
        field.choices = choices


class MappingForm(forms.Form):
    """One line of the mapping: a field of the destination and where its value comes from."""

    use_required_attribute = False

    kind = forms.ChoiceField(
        label="Value from",
        choices=[
            ("column", "Column"),
            ("static", "Static value"),
            ("variable", "Variable"),
            ("template", "Template"),
        ],
        required=False,
    )
    column = forms.ChoiceField(label="Column", required=False)
    static = forms.CharField(label="Value", required=False, strip=False)
    static_type = forms.ChoiceField(label="Type", choices=STATIC_TYPES, required=False)
    variable = forms.ChoiceField(
        label="Variable", choices=[(v, v.replace("_", " ")) for v in VARIABLES], required=False
    )
    template = forms.CharField(label="Liquid template", required=False, strip=False)
    to = forms.CharField(label="Destination field", required=False)
    identifier = forms.BooleanField(label="Match records by this field", required=False)
    ignore_null = forms.BooleanField(label="Leave out when null", required=False)

    def __init__(
        self, *args: Any, columns: Mapping[str, str], fields: Sequence[DestinationField], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        choices = [("", "Choose a column"), *((name, name) for name in columns)]
        chosen_column = str(self["column"].value() or "")
        if chosen_column and chosen_column not in columns:
            choices.append((chosen_column, f"{chosen_column} (gone)"))
        self.fields["column"].choices = choices  # type: ignore[attr-defined]
        if fields:
            offered = [(f.name, _field_words(f)) for f in fields if not f.read_only]
            chosen = str(self["to"].value() or "")
            if chosen and chosen not in dict(offered):
                offered.append((chosen, f"{chosen} (not found)"))
            self.fields["to"].widget = forms.Select(choices=[("", "Choose a field"), *offered])
        number = str(self.prefix or "").rpartition("-")[2]
        line = f", line {int(number) + 1}" if number.isdigit() else ", line __line__"
        for field in self.fields.values():
            field.widget.attrs["aria-label"] = f"{field.label}{line}"

    @property
    def is_blank(self) -> bool:
        """Whether nothing was filled in."""
        return not any(self[name].value() for name in ("to", "column", "static", "template"))

    def mapping(self) -> dict[str, Any] | None:
        """The line as services take it; ``None`` for an empty one."""
        sent = self.cleaned_data
        kind = sent["kind"] or "column"
        if not sent["to"] and (kind == "variable" or not sent[kind]):
            return None
        values = {name: sent[name] for name in ("column", "variable", "template")}
        value = _static(sent["static_type"], sent["static"]) if kind == "static" else values[kind]
        return {
            "to": sent["to"],
            "kind": kind,
            "value": value,
            "ignore_null": sent["ignore_null"],
            "identifier": sent["identifier"],
        }


class SyncForm:
    """Settings, behaviour and mapping of one sync type, as one form with one set of errors.

    ``stored`` is the configuration being edited as :class:`Proposal`-shaped values.
    """

    def __init__(
        self,
        data: Any = None,
        files: Any = None,
        *,
        kind: SyncType,
        columns: Mapping[str, str],
        fields: Sequence[DestinationField],
        choices_url: str,
        stored: Mapping[str, Any] | None = None,
        secret_set_at: Mapping[str, str] | None = None,
    ) -> None:
        stored = stored or {}
        self.kind = kind
        shown = Shown(stored.get("settings", {}), secret_set_at or {}, list(columns), choices_url)
        self.settings = SettingsForm(kind.settings, data, files, shown=shown, prefix="settings")
        self.behaviour = BehaviourForm(data, kind=kind, initial=stored)
        lines = [_line(mapping) for mapping in stored.get("mappings", ())] or _suggested(columns, fields)
        self.lines = _formset(data, columns, fields, lines)
        self.problems: list[str] = []
        self.mapping_problems: list[str] = []

    def is_valid(self) -> bool:
        """Whether everything that was typed can be read."""
        parts = (self.settings, self.behaviour, *((self.lines,) if self.kind.mapping else ()))
        return not [part for part in parts if not part.is_valid()]

    def proposal(self) -> Proposal:
        """What the services take."""
        chosen = self.behaviour.cleaned_data
        return Proposal(
            sync_type=self.kind.key,
            mode=chosen["mode"],
            removal=chosen["removal"],
            first_run=chosen["first_run"],
            settings=self.settings.values,
            mappings=self.mappings_as_sent(),
        )

    def mappings_as_sent(self) -> list[dict[str, Any]]:
        """The lines that were filled in and can be read."""
        if not self.kind.mapping or not self.lines.is_bound or not self.lines.management_form.is_valid():
            return []
        lines = [line.mapping() for line in self.lines.forms if line.is_valid()]
        return [line for line in lines if line is not None]

    def take(self, error: HeadraceError) -> None:
        """Put a service's errors at the inputs they are about; the rest stands on top."""
        mappings = [line for line in self.lines.forms if self.kind.mapping and line.is_valid() and line.mapping()]
        fields = error.fields if isinstance(error, Invalid) else {}
        for path, message in (fields or {"": error.message}).items():
            head, _, tail = path.partition(".")
            if head == "settings" and tail:
                self.settings.take_errors({tail: message})
            elif head == "mappings" and tail.isdigit() and int(tail) < len(mappings):
                mappings[int(tail)].add_error("to", message)
            elif head in ("mappings", "identifier"):
                self.mapping_problems.append(message)
            elif head in self.behaviour.fields:
                self.behaviour.add_error(head, message)
            else:
                self.problems.append(f"{message} {error.hint}".strip())


def with_more_lines(sent: QueryDict) -> QueryDict:
    """What was sent, with room for more lines: how lines are added without scripts."""
    data = sent.copy()
    count = data.get("map-TOTAL_FORMS", "")
    data["map-TOTAL_FORMS"] = str((int(count) if count.isdigit() else 0) + SPARE_LINES)
    return data


def _formset(
    data: Any, columns: Mapping[str, str], fields: Sequence[DestinationField], lines: list[dict[str, Any]]
) -> BaseFormSet[MappingForm]:
    # Every line counts, also one that is just as it was suggested: Django would leave unchanged extra lines out.
    options = {"columns": columns, "fields": fields, "empty_permitted": False}
    made = formset_factory(MappingForm, extra=SPARE_LINES, max_num=2_000, absolute_max=2_000)
    return made(data, initial=lines, prefix="map", form_kwargs=options)


def _line(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """A stored mapping as the inputs of its line."""
    kind, value = mapping.get("kind", "column"), mapping.get("value")
    line = {name: mapping.get(name, False) for name in ("to", "identifier", "ignore_null")} | {"kind": kind}
    if kind != "static":
        return {**line, kind: value}
    kinds: dict[type, str] = {bool: "boolean", int: "number", float: "number", type(None): "null"}
    text = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    return {**line, "static": text, "static_type": kinds.get(type(value), "string")}


def _suggested(columns: Mapping[str, str], fields: Sequence[DestinationField]) -> list[dict[str, Any]]:
    """Columns and fields of the same name, identifiers first; people correct the rest."""
    by_name = {_plain(name): name for name in columns}
    found = [f for f in fields if not f.read_only and _plain(f.name) in by_name]
    matching = next((f.name for f in found if f.identifier), "")
    ordered = sorted(found, key=lambda f: f.name != matching)
    return [
        {"kind": "column", "column": by_name[_plain(f.name)], "to": f.name, "identifier": f.name == matching}
        for f in ordered
    ]


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace(" ", "")


def _static(kind: str, text: str) -> Any:
    """A typed constant; what is not a number stays text, and the services say so."""
    if kind == "null":
        return None
    if kind == "boolean":
        return text.strip().lower() in ("true", "1", "yes", "on")
    if kind != "number":
        return text
    try:
        return int(text)
    except ValueError:
        try:
            return float(text)
        except ValueError:
            return text


def _field_words(field: DestinationField) -> str:
    words = f"{field.label or field.name} · {field.native_type or field.type.value}"
    marks = [word for word, on in (("required", field.required), ("unique", field.identifier)) if on]
    return f"{words} ({', '.join(marks)})" if marks else words
