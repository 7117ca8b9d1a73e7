"""The ways from one model to others through several relationships, shortest first."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from audiences.choices import Cardinality
from audiences.models import Relationship, SchemaModel

LONGEST = 4
MOST = 200


@dataclass(frozen=True, slots=True)
class Path:
    """A way: the direct relationships in order, the models passed, and where it ends.

    ``single``: at most one row there belongs to one row here.
    """

    steps: tuple[Relationship, ...]
    passed: tuple[SchemaModel, ...]
    to: SchemaModel
    single: bool

    @property
    def key(self) -> str:
        """The ids of its relationships, as forms send them."""
        return "-".join(str(step.pk) for step in self.steps)

    @property
    def words(self) -> str:
        """The models passed, then the last."""
        return " → ".join(model.name for model in (*self.passed, self.to))


def direct_relationships(source_id: int) -> list[Relationship]:
    """The relationships of a source's schema that have keys of their own."""
    rows = Relationship.objects.filter(from_model__source_id=source_id, steps__isnull=True)
    return list(rows.select_related("from_model", "to_model"))


def paths_between(model: SchemaModel, direct: Iterable[Relationship] | None = None) -> list[Path]:
    """Every way of two to :data:`LONGEST` steps from a model, without meeting a model twice."""
    rows = list(direct) if direct is not None else direct_relationships(model.source_id)
    beside: dict[int, list[tuple[Relationship, SchemaModel, bool]]] = {}
    for row in rows:
        kind = Cardinality(row.cardinality)
        beside.setdefault(row.from_model_id, []).append((row, row.to_model, kind.single))
        beside.setdefault(row.to_model_id, []).append((row, row.from_model, kind.turned.single))
    found: list[Path] = []
    open_ones: deque[tuple[tuple[Relationship, ...], tuple[SchemaModel, ...], bool]] = deque([((), (model,), True)])
    while open_ones and len(found) < MOST:
        steps, models, single = open_ones.popleft()
        for row, there, one in beside.get(models[-1].pk, ()):
            if there.pk in {passed.pk for passed in models}:
                continue
            way = ((*steps, row), (*models, there), single and one)
            if len(way[0]) > 1:
                found.append(Path(way[0], models[1:], there, way[2]))
            if len(way[0]) < LONGEST:
                open_ones.append(way)
    return found
