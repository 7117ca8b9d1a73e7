"""Labelling ticked sources or destinations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.urls import reverse

from connectors import services
from connectors.access import MODELS
from connectors.choices import Kind
from connectors.models import Connection
from workspaces.labels import labels_in
from workspaces.organizing import Organize

LABEL = {Kind.SOURCE: services.label_source, Kind.DESTINATION: services.label_destination}


class OrganizeConnections(Organize):
    """Ticked rows of one side; ``kind`` comes with the route."""

    kind: Kind = Kind.SOURCE

    @property
    def noun(self) -> str:  # type: ignore[override]  # by the side
        """What people call one."""
        return self.kind.value

    def rows(self, pks: list[int]) -> Iterable[Connection]:
        """The connections of these ids."""
        return MODELS[self.kind].objects.filter(pk__in=pks)

    def list_url(self) -> str:
        """Their list."""
        return reverse(f"connectors:{self.kind.plural}", args=[self.here.workspace.slug])

    def label(self, row: Connection, add: Mapping[str, str], remove: Iterable[str]) -> object:
        """Change its labels."""
        named = {self.kind.value: row}
        return LABEL[self.kind](actor=self.here.actor, add=add, remove=remove, **named)  # type: ignore[operator]

    def known_labels(self) -> list[str]:
        """Labels of both sides."""
        return sorted({label for model in MODELS.values() for label in labels_in(model.objects.all())})
