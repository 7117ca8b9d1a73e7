"""Moving and labelling ticked audiences, and choosing who sees them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from django.urls import reverse

from audiences import access
from audiences.models import Audience
from audiences.services import organizing
from workspaces.labels import labels_in
from workspaces.models import Folder, Space
from workspaces.organizing import Organize


class OrganizeAudiences(Organize):
    """Ticked audiences."""

    noun = "audience"
    dos = {"label": "Labels of", "move": "Move", "space": "Choose who sees"}

    def rows(self, pks: list[int]) -> Iterable[Audience]:
        """The audiences of these ids that the person sees."""
        return access.audiences_in_view(self.here.actor).filter(pk__in=pks)

    def list_url(self) -> str:
        """The list of audiences."""
        return reverse("audiences:audiences", args=[self.here.workspace.slug])

    def label(self, row: Audience, add: Mapping[str, str], remove: Iterable[str]) -> object:
        """Change an audience's labels."""
        return organizing.label_audience(actor=self.here.actor, audience=row, add=add, remove=remove)

    def move(self, row: Audience, folder: Folder | None) -> object:
        """Move an audience and its syncs."""
        return organizing.move_audience(actor=self.here.actor, audience=row, folder=folder)

    def place(self, row: Audience, space: Space | None) -> object:
        """Move an audience to a space."""
        return organizing.move_audience_to_space(actor=self.here.actor, audience=row, space=space)

    def depends(self, rows: Sequence[Audience]) -> list[str]:
        """Audiences that are made of these go on working for everybody who sees them."""
        return ["Audiences that are made of these keep their members; people outside the space do not see the name."]

    def known_labels(self) -> list[str]:
        """Labels of audiences."""
        return labels_in(access.audiences_in_view(self.here.actor))
