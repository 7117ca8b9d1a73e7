"""Forms that say what a schema model is, and how it belongs to another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django import forms

from audiences.choices import Cardinality, Entity, EventType, Every, ModelKind
from audiences.models import SchemaModel
from audiences.services.relationships import MAX_KEYS, Tie
from config.errors import Invalid
from config.ui.widgets import Combobox, RadioCards, Toggle
from connectors.sdk.types import Column, ColumnType

KEY_SEPARATOR = "\x1f"  # between the columns of a key that has several; cannot be typed in a name
MOMENTS = (ColumnType.TIMESTAMP, ColumnType.DATE)
SHOWN_PAIRS = 4


class SettingsForm(forms.Form):
    """A model's name, key, labels and, of an event, its time."""

    use_required_attribute = False

    name = forms.CharField(label="Name", max_length=200, help_text="As marketers say it, such as “Customers”.")
    description = forms.CharField(
        label="Description", required=False, widget=forms.Textarea(attrs={"rows": 2}), max_length=2_000
    )
    primary_key = forms.ChoiceField(
        label="Primary key", help_text="The column that identifies a row: never empty, and different in every row."
    )
    timestamp = forms.ChoiceField(label="Timestamp", help_text="When it happened: “in the last 30 days” looks at this.")
    event_type = forms.ChoiceField(label="Event type", choices=EventType.choices, required=False)
    primary_label = forms.ChoiceField(
        label="Primary label", required=False, help_text="How people recognise a row, such as a name or an e-mail."
    )
    secondary_label = forms.ChoiceField(
        label="Secondary label", required=False, help_text="Shown beside it, such as the day of sign-up."
    )
    entity = forms.ChoiceField(
        label="What a row is", choices=Entity.choices, required=False, help_text="People, households and accounts."
    )

    def __init__(
        self,
        data: Any = None,
        *,
        kind: ModelKind,
        columns: Sequence[Column],
        initial: dict[str, Any] | None = None,
        tie: TieForm | None = None,
    ) -> None:
        super().__init__(data, initial=initial)
        self.kind = kind
        self.tie = tie
        self.column_names = [column.name for column in columns]
        if kind is not ModelKind.EVENT:
            del self.fields["timestamp"], self.fields["event_type"]
        if kind is ModelKind.EVENT:
            del self.fields["secondary_label"]
        self._offer(columns, str((initial or {}).get("primary_key", "")))
        self.order_fields(["name", "description", "primary_key", "timestamp", "event_type", "primary_label"])

    def _offer(self, columns: Sequence[Column], key: str) -> None:
        named = [(column.name, f"{column.name} · {column.type.value}") for column in columns]
        keys = list(named)
        if KEY_SEPARATOR in key:
            keys.append((key, " + ".join(key.split(KEY_SEPARATOR))))
        moments = [(c.name, f"{c.name} · {c.type.value}") for c in columns if c.type in MOMENTS]
        offered = {
            "primary_key": [("", "Choose a column"), *keys],
            "timestamp": [("", "Choose a column"), *moments],
            "primary_label": [("", "None"), *named],
            "secondary_label": [("", "None"), *named],
        }
        for name, choices in offered.items():
            if name in self.fields:
                self.fields[name].choices = choices  # type: ignore[attr-defined]
                self.fields[name].widget = Combobox(choices=choices)

    def is_valid(self) -> bool:
        """Whether both this and how it belongs to another are."""
        own = super().is_valid()
        return (self.tie is None or self.tie.is_valid()) and own

    def values(self) -> dict[str, Any]:
        """The settings as services take them."""
        values = {name: value for name, value in self.cleaned_data.items() if name in self.fields}
        values["primary_key"] = tuple(values["primary_key"].split(KEY_SEPARATOR))
        values["tie"] = self.tie.tie() if self.tie is not None else None
        return values

    def take(self, error: Invalid) -> None:
        """Show a service's error beside the input it is about."""
        for name, message in (error.fields or {"": error.message}).items():
            words = f"{message} {error.hint}".strip()
            if self.tie is not None and name in TieForm.TAKES:
                self.tie.take(error)
                return
            self.add_error(name if name in self.fields else None, words)


class ConfigurationForm(SettingsForm):
    """The settings of a saved model, with how often its values are looked at."""

    look_every = forms.ChoiceField(
        label="Column suggestion refresh",
        choices=Every.choices,
        required=False,
        help_text="How often suggested values are found again. Audiences and syncs always ask the source.",
    )


class TieForm(forms.Form):
    """How a model belongs to another: cardinality, pairs of columns that match, and what is merged.

    Read from ``model``; ``turned`` shows the cardinality from the other's side, as the wizard of a related model does.
    """

    TAKES = frozenset({"other", "keys", "cardinality", "merged"})
    use_required_attribute = False

    other = forms.ChoiceField(label="Model")
    cardinality = forms.ChoiceField(label="Relationship")
    multiple = forms.BooleanField(
        label="Match on several columns", required=False, widget=Toggle, help_text="All pairs have to match."
    )
    merge = forms.BooleanField(
        label="Merge columns",
        required=False,
        widget=Toggle,
        help_text="Reads them here as if they were columns of this.",
    )
    merged = forms.MultipleChoiceField(label="Columns to merge", required=False, widget=forms.CheckboxSelectMultiple)
    label = forms.CharField(
        label="Name of the relationship",
        required=False,
        max_length=200,
        help_text="Where two models belong together twice.",
    )

    def __init__(
        self,
        data: Any = None,
        *,
        name: str,
        columns: Sequence[str],
        others: Iterable[SchemaModel],
        initial: dict[str, Any] | None = None,
        turned: bool = False,
    ) -> None:
        super().__init__(data, initial=initial, prefix="tie")
        self.others = {str(model.pk): model for model in others}
        self.turned = turned
        self.model_name = name
        self.fields["other"].choices = [(pk, m.name) for pk, m in self.others.items()]  # type: ignore[attr-defined]
        chosen = self.others.get(str(self["other"].value() or ""))
        self.chosen = chosen or (next(iter(self.others.values())) if len(self.others) == 1 else None)
        if self.chosen is not None and len(self.others) == 1:
            self.fields["other"].widget = forms.HiddenInput()
            self.fields["other"].initial = str(self.chosen.pk)
        self._offer_cardinality()
        self._offer_pairs(columns)
        self._offer_merge()

    def _offer_cardinality(self) -> None:
        other = self.chosen.name if self.chosen else "the other model"
        here, there = (other, self.model_name) if self.turned else (self.model_name, other)
        notes = {
            Cardinality.ONE_TO_MANY.value: f"One row of {here} has many of {there}.",
            Cardinality.ONE_TO_ONE.value: f"One row of {here} has one of {there}.",
            Cardinality.MANY_TO_ONE.value: f"Many rows of {here} share one of {there}.",
        }
        field = self.fields["cardinality"]
        field.choices = Cardinality.choices  # type: ignore[attr-defined]
        field.widget = RadioCards(notes=notes)
        field.widget.choices = Cardinality.choices
        field.initial = Cardinality.ONE_TO_MANY

    def _offer_pairs(self, columns: Sequence[str]) -> None:
        theirs = self._their_columns()
        wide = max(SHOWN_PAIRS, len(self.initial.get("keys", ())))
        for at in range(min(wide, MAX_KEYS)):
            for side, names, whose in (("mine", columns, self.model_name), ("theirs", theirs, self.chosen)):
                choices = [("", "Choose a column"), *((name, name) for name in names)]
                field = forms.ChoiceField(
                    label=f"Column of {whose or 'the other model'}",
                    choices=choices,
                    required=False,
                    widget=Combobox(choices=choices),
                )
                pairs = self.initial.get("keys", ())
                if at < len(pairs):
                    field.initial = pairs[at][0 if side == "mine" else 1]
                self.fields[f"{side}_{at}"] = field
        self.initial.setdefault("multiple", len(self.initial.get("keys", ())) > 1)

    def _offer_merge(self) -> None:
        names = [(name, name) for name in self._their_columns()]
        self.fields["merged"].choices = names  # type: ignore[attr-defined]
        self.initial.setdefault("merge", bool(self.initial.get("merged")))
        if self.chosen is not None:
            self.fields["merge"].label = f"Merge columns of {self.chosen.name}"
            self.fields[
                "merge"
            ].help_text = f"Filters on {self.model_name} then offer them as its own; nothing is copied in the source."

    def _their_columns(self) -> list[str]:
        if self.chosen is None:
            return []
        return list(self.chosen.columns.filter(missing=False).values_list("name", flat=True))

    @property
    def pairs(self) -> list[tuple[Any, Any]]:
        """The bound fields of each pair."""
        count = sum(name.startswith("mine_") for name in self.fields)
        return [(self[f"mine_{at}"], self[f"theirs_{at}"]) for at in range(count)]

    @property
    def merging_values(self) -> str:
        """The cardinalities along which columns can be merged, as the page's script compares them."""
        single = [c for c in Cardinality if (c.turned if self.turned else c).single]
        return "|".join(c.value for c in single)

    @property
    def merges_now(self) -> bool:
        """Whether what is chosen lets columns be merged."""
        return str(self["cardinality"].value()) in self.merging_values.split("|")

    def tie(self) -> Tie:
        """What was chosen."""
        values = self.cleaned_data
        pairs = []
        for at, _ in enumerate(self.pairs):
            mine, theirs = values.get(f"mine_{at}", ""), values.get(f"theirs_{at}", "")
            if at and not values["multiple"]:
                break
            if bool(mine) != bool(theirs):
                raise Invalid.field("keys", "Choose a column on both sides of each pair.")
            if mine:
                pairs.append((mine, theirs))
        chosen = Cardinality(values["cardinality"])
        kind = chosen.turned if self.turned else chosen
        merged = tuple(values["merged"]) if values["merge"] and kind.single else ()
        return Tie(
            other=self.others[values["other"]],
            cardinality=kind,
            keys=tuple(pairs),
            merged=merged,
            name=values["label"],
        )

    def take(self, error: Invalid) -> None:
        """Show a service's error beside the input it is about."""
        for name, message in (error.fields or {"": error.message}).items():
            field = "mine_0" if name == "keys" else name
            self.add_error(field if field in self.fields else None, f"{message} {error.hint}".strip())
