"""The dialog that says where a value of a template's mapping comes from."""

from __future__ import annotations

from functools import cached_property

from audiences import access
from audiences.sync_templates import stand_in
from connectors import access as connections
from syncs.views.mapper import MappingValue


class TemplateValue(MappingValue):
    """As for a sync; there are no rows before an audience uses the template."""

    def load(self, model: int, destination: int) -> None:
        """The parent model and destination of the address."""
        parent = access.parent_for_templates(self.actor, model, destination)
        self.model, self.model_columns = stand_in(parent)
        self.destination = connections.destination_for(self.actor, destination)

    @cached_property
    def columns(self) -> dict[str, str]:
        """The columns that every audience of the parent model has."""
        return {column.name: column.effective_type for column in self.model_columns}

    @property
    def may_see_rows(self) -> bool:
        """Never: no rows are meant yet."""
        return False
