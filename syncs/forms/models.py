"""Forms that define and name a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from config.errors import Invalid
from config.ui.widgets import CodeEditor, Combobox
from connectors.models import Source
from connectors.sdk.types import Column
from syncs.choices import ModelMethod
from syncs.definitions import Definition

TABLE_SEPARATOR = "\x1f"  # between schema and table in the picker's values; cannot be typed in a name


class DefinitionForm(forms.Form):
    """How a model names its rows: a query, or a table or view of the source."""

    use_required_attribute = False

    sql = forms.CharField(label="Query", required=False, strip=False)
    table = forms.CharField(label="Table or view", required=False, strip=False)  # the separator counts as a blank

    def __init__(
        self,
        data: Any = None,
        *,
        method: ModelMethod,
        source: Source,
        dialect: str,
        schema_url: str,
        tables: list[tuple[str, str]],
        table_word: str = "Table or view",
        initial: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(data, initial=initial)
        self.method = method
        self.source = source
        self.refused_at: int | None = None
        if method is ModelMethod.SQL:
            del self.fields["table"]
            target = {"data-query-target": "text"}
            self.fields["sql"].widget = CodeEditor(target, "sql", dialect, schema_url, rows=14)
        else:
            del self.fields["sql"]
            self.fields["table"].label = table_word
            self.fields["table"].widget = Combobox(choices=[("", f"Choose a {table_word.lower()}"), *tables])

    def definition(self) -> Definition:
        """What was written or chosen; raises ``Invalid`` where it says too little."""
        sent = self.cleaned_data if self.is_valid() else {}
        schema, _, name = str(sent.get("table", "")).partition(TABLE_SEPARATOR)
        return Definition.parse(method=self.method, sql=str(sent.get("sql", "")), table_schema=schema, table_name=name)

    def take(self, error: Invalid) -> None:
        """Show a service's error beside the input it is about."""
        for name, message in (error.fields or {"": error.message}).items():
            field = {"table_name": "table", "method": None}.get(name, name)
            words = f"{message} {error.hint}".strip()
            self.add_error(field if field in self.fields else None, words)
            if field == "sql" and field in self.fields:
                self._mark(getattr(error, "position", None), message)

    def _mark(self, position: int | None, message: str) -> None:
        """Remember where the query was refused; the offset counts the text as services see it, without outer blanks."""
        if position is None:
            return
        text = self.data.get("sql", "")
        self.refused_at = position + len(text) - len(text.lstrip())
        self.fields["sql"].widget.attrs |= {
            "data-code-editor-error-at-value": self.refused_at,
            "data-code-editor-error-words-value": message,
        }

    @property
    def refused_place(self) -> str:
        """Such as "line 3, column 8"."""
        if self.refused_at is None:
            return ""
        before = self.data.get("sql", "").replace("\r\n", "\n")[: self.refused_at]
        return f"line {before.count(chr(10)) + 1}, column {len(before) - before.rfind(chr(10))}"


class NamingForm(forms.Form):
    """A model's name, description and key; the key is one of the previewed columns."""

    use_required_attribute = False

    name = forms.CharField(label="Name", max_length=200, help_text="What the rows are, such as “Active customers”.")
    description = forms.CharField(
        label="Description", required=False, widget=forms.Textarea(attrs={"rows": 2}), max_length=2_000
    )
    primary_key = forms.ChoiceField(
        label="Primary key",
        help_text="The column that identifies a row: never empty, and different in every row.",
    )

    folder = forms.ChoiceField(label="Folder", required=False, help_text="Its syncs are in the same one.")

    def __init__(
        self,
        data: Any = None,
        *,
        columns: list[Column],
        folders: Sequence[tuple[int, str]] = (),
        initial: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(data, initial=initial)
        places = [("", "No folder"), *((str(pk), path) for pk, path in folders)]
        self.fields["folder"].choices = places  # type: ignore[attr-defined]
        self.fields["folder"].widget = Combobox(choices=places)
        if not folders:
            del self.fields["folder"]
        self.column_names = [column.name for column in columns]
        choices = [(column.name, f"{column.name} · {column.type.value}") for column in columns]
        self.fields["primary_key"].choices = [("", "Choose a column"), *choices]  # type: ignore[attr-defined]
        self.fields["primary_key"].widget = Combobox(choices=[("", "Choose a column"), *choices])
        self.order_fields(["primary_key", "name", "description", "folder"])

    def values(self) -> dict[str, Any]:
        """What was entered."""
        return dict(self.cleaned_data)

    def take(self, error: Invalid) -> None:
        """Show a service's error beside the input it is about."""
        for name, message in (error.fields or {"": error.message}).items():
            field = "primary_key" if name == "reset" else name
            self.add_error(field if field in self.fields else None, f"{message} {error.hint}".strip())
