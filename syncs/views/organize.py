"""Moving and labelling ticked syncs, models and sequences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from django.urls import reverse

from syncs import access, services
from syncs.models import Model, Sync
from syncs.models import Sequence as SyncSequence
from syncs.selectors import sequences_with
from workspaces.labels import labels_in
from workspaces.models import Folder, Space
from workspaces.organizing import Organize


class OrganizeSyncs(Organize):
    """Ticked syncs."""

    noun = "sync"
    dos = {"label": "Labels of", "move": "Move", "space": "Choose who sees"}

    def rows(self, pks: list[int]) -> Iterable[Sync]:
        """The syncs of these ids that the person sees."""
        return access.syncs_in_view(self.here.actor).filter(pk__in=pks).select_related("model")

    def list_url(self) -> str:
        """The list of syncs."""
        return reverse("syncs:syncs", args=[self.here.workspace.slug])

    def label(self, row: Sync, add: Mapping[str, str], remove: Iterable[str]) -> object:
        """Change a sync's labels."""
        return services.label_sync(actor=self.here.actor, sync=row, add=add, remove=remove)

    def move(self, row: Sync, folder: Folder | None) -> object:
        """Move a sync, its model and the model's other syncs."""
        return services.move_sync(actor=self.here.actor, sync=row, folder=folder)

    def place(self, row: Sync, space: Space | None) -> object:
        """Move a sync to a space."""
        return services.move_sync_to_space(actor=self.here.actor, sync=row, space=space)

    def depends(self, rows: Sequence[Sync]) -> list[str]:
        """Sequences go out of sight with any of their syncs."""
        actor = self.here.actor
        found = {sequence.pk: sequence for sync in rows[:50] for sequence in sequences_with(actor, sync)}
        return [f"The sequence “{s}” is seen only by those who see all of its syncs." for s in found.values()]

    def known_labels(self) -> list[str]:
        """Labels of syncs and models."""
        return known_labels(access.syncs_in_view(self.here.actor), access.models_in_view(self.here.actor))


class OrganizeModels(Organize):
    """Ticked models."""

    noun = "model"
    dos = {"label": "Labels of", "move": "Move"}

    def rows(self, pks: list[int]) -> Iterable[Model]:
        """The models of these ids."""
        return access.models_in_view(self.here.actor).filter(pk__in=pks)

    def list_url(self) -> str:
        """The list of models."""
        return reverse("syncs:models", args=[self.here.workspace.slug])

    def label(self, row: Model, add: Mapping[str, str], remove: Iterable[str]) -> object:
        """Change a model's labels."""
        return services.label_model(actor=self.here.actor, model=row, add=add, remove=remove)

    def move(self, row: Model, folder: Folder | None) -> object:
        """Move a model and its syncs."""
        return services.move_model(actor=self.here.actor, model=row, folder=folder)

    def known_labels(self) -> list[str]:
        """Labels of syncs and models."""
        return known_labels(access.syncs_in_view(self.here.actor), access.models_in_view(self.here.actor))


class OrganizeSequences(Organize):
    """Ticked sequences."""

    noun = "sequence"

    def rows(self, pks: list[int]) -> Iterable[SyncSequence]:
        """The sequences of these ids that the person sees."""
        return access.sequences_in_view(self.here.actor).filter(pk__in=pks)

    def list_url(self) -> str:
        """The list of sequences."""
        return reverse("syncs:sequences", args=[self.here.workspace.slug])

    def label(self, row: SyncSequence, add: Mapping[str, str], remove: Iterable[str]) -> object:
        """Change a sequence's labels."""
        return services.label_sequence(actor=self.here.actor, sequence=row, add=add, remove=remove)

    def known_labels(self) -> list[str]:
        """Labels of sequences and syncs."""
        actor = self.here.actor
        return known_labels(access.sequences_in_view(actor), access.syncs_in_view(actor))


def known_labels(*kinds: object) -> list[str]:
    """The labels that rows of several kinds carry, each once."""
    return sorted({label for rows in kinds for label in labels_in(rows)})  # type: ignore[arg-type]  # query sets
