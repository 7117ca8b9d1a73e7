"""Forms about a source's planner and what its syncs log in the warehouse."""

from __future__ import annotations

from typing import Self

from django import forms

from config.ui.widgets import CheckCards, RadioCards
from connectors.choices import LogTable, Planner
from connectors.models import Source

LOG_NOTES: dict[str, str] = {
    LogTable.CHANGELOG: "Every row that a run added, changed or removed, with its outcome. Grows with every run.",
    LogTable.SNAPSHOT: "The latest state of every row of the model. As large as the model, written anew by each run.",
    LogTable.RUNS: "One line a run: times, counts, error. Small, and without values of rows.",
}


class PlannerForm(forms.Form):
    """Where the syncs of a new source are compared."""

    use_required_attribute = False

    planner = forms.ChoiceField(
        label="Compare in",
        choices=[(Planner.LOCAL, "Headrace"), (Planner.WAREHOUSE, "The warehouse")],
        widget=RadioCards(
            notes={
                Planner.LOCAL: "Local planner: read rights are enough. Ready now; you can move later.",
                Planner.WAREHOUSE: "Warehouse planner: needs two schemas to write in. Best above 100,000 rows.",
            }
        ),
    )


class SyncLogsForm(forms.Form):
    """The tables that every sync of a source writes, and how long the changelog is kept."""

    use_required_attribute = False

    tables = forms.MultipleChoiceField(
        label="Tables", required=False, choices=LogTable.choices, widget=CheckCards(notes=LOG_NOTES)
    )
    changelog_days = forms.TypedChoiceField(
        label="Keep changelog entries",
        required=False,
        coerce=int,
        empty_value=None,
        choices=[("", "For ever"), (7, "7 days"), (30, "30 days"), (90, "90 days"), (365, "1 year")],
        help_text="Older entries are deleted once a day. The snapshot and the runs are not affected.",
    )

    @classmethod
    def of(cls, source: Source) -> Self:
        """The form with what is stored."""
        return cls(initial={"tables": source.sync_logs, "changelog_days": source.changelog_days or ""})
