"""Settings that are the same for all rows of a sync, or that each row names in a field of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from connectors.sdk.destination import DestinationField, RowResult, rejected
from connectors.sdk.fields import Field, Select, Text, When
from connectors.sdk.types import Choice


@dataclass(frozen=True, kw_only=True)
class PerRow:
    """An event's name, a list, a campaign.

    ``name`` is the setting, ``field`` what rows name theirs in. ``discover`` is the destination's
    method that lists those there are; without it a person types. ``when`` is a condition for both.
    """

    name: str
    label: str
    field: DestinationField
    help: str = ""
    discover: str = ""
    required: bool = True
    when: When | None = None

    @property
    def settings(self) -> tuple[Field, ...]:
        """The settings by which a person chooses."""
        source = f"{self.name}_from"
        choices = (
            Choice("one", "The same for all", "Chosen here." if self.discover else "Typed here."),
            Choice("column", "From a column", "Each row names its own."),
        )
        way = Select(name=source, label=self.label, style="cards", default="one", choices=choices, when=self.when)
        return (way, replace(self._one, when=When(field=source, values=("one",))))

    @property
    def _one(self) -> Field:
        if self.discover:
            return Select(
                name=self.name, label=self.label, help=self.help, required=self.required, discover=self.discover
            )
        return Text(name=self.name, label=self.label, help=self.help, required=self.required)

    def fields(self, settings: Mapping[str, Any]) -> tuple[DestinationField, ...]:
        """The field, where rows name theirs."""
        return (self.field,) if settings.get(f"{self.name}_from") == "column" else ()

    def of(self, settings: Mapping[str, Any], record: Mapping[str, Any]) -> Any:
        """What this row goes by; nothing where it names none."""
        by_row = settings.get(f"{self.name}_from") == "column"
        return record.get(self.field.name) if by_row else settings.get(self.name)

    def refusal(self, settings: Mapping[str, Any], record: Mapping[str, Any]) -> RowResult | None:
        """The refusal of a row that has to name one and does not."""
        if self.of(settings, record) not in (None, ""):
            return None
        return rejected(f"The row names no {self.label[:1].lower()}{self.label[1:]}.", field=self.field.name)
