"""The form of what a sync logs in the warehouse."""

from __future__ import annotations

from typing import Any, Self

from django import forms

from config.ui.widgets import CheckCards
from connectors.choices import LogTable
from connectors.planner_forms import LOG_NOTES
from syncs.models import Sync


class SyncLogsForm(forms.Form):
    """The tables that are not on already for every sync of the source."""

    use_required_attribute = False

    tables = forms.MultipleChoiceField(
        label="Tables", required=False, choices=LogTable.choices, widget=CheckCards(notes=LOG_NOTES)
    )

    def __init__(self, *args: Any, of_source: list[str], kept: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._kept = kept
        field = self.fields["tables"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = [(value, label) for value, label in LogTable.choices if value not in of_source]

    @classmethod
    def of(cls, sync: Sync, data: Any = None) -> Self:
        """The form with what is stored; what its source asks of all its syncs is not for this form to change."""
        of_source = sync.model.source.sync_logs
        kept = [name for name in sync.sync_logs if name in of_source]
        return cls(data, initial={"tables": sync.sync_logs}, of_source=of_source, kept=kept)

    @property
    def has_choices(self) -> bool:
        """Whether the source leaves anything to choose."""
        field = self.fields["tables"]
        return isinstance(field, forms.MultipleChoiceField) and bool(field.choices)

    @property
    def chosen(self) -> list[str]:
        """What the sync asks for: what was ticked, and what it had asked for besides its source."""
        return [*self._kept, *self.cleaned_data["tables"]]
