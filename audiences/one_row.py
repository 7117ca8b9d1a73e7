"""Looking at one row of a parent model: the one way to it, by its key, for whoever may see it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from audiences import access
from audiences.definitions import asker, given, schema_with_audiences
from audiences.models import SchemaModel
from audiences.query import evidence
from audiences.query.conditions import Field
from audiences.query.schema import StudioModel, StudioSchema, Surface
from audiences.query.statements import Asker, Output, Query
from audiences.selectors.reach import rows_seen
from audiences.selectors.subsets import rows_within
from config.errors import Invalid, NotFound
from connectors.access import open_source
from connectors.sdk.errors import ConnectorError
from connectors.sdk.source import Source
from governance.audit.actors import Actor
from syncs.definitions import first_rows

LONGEST_KEY = 400
EVERYBODY: Mapping[str, Any] = {"where": {}}


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of a model that belong to somebody: titles of the columns, and values."""

    model: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True, slots=True)
class Looking:
    """A look at the row with this key; ``seen`` is who this person may see at all, by subsets."""

    actor: Actor
    parent: SchemaModel
    schema: StudioSchema
    ask: Asker
    source: Source
    key: str

    @property
    def model(self) -> StudioModel:
        """The parent model as queries know it."""
        return self.schema.models[str(self.parent.pk)]

    def rows(self, query: Query, most: int) -> list[tuple[Any, ...]]:
        """The first rows of a query; what the source says is passed on."""
        try:
            return first_rows(self.source, query.sql(), most)
        except ConnectorError as error:
            raise Invalid(error.message, hint=error.hint) from None

    def row(self, outputs: Sequence[Output] = ()) -> tuple[Any, ...]:
        """Columns of the row. Raises :class:`NotFound` where nobody has the key, or somebody out of sight."""
        everybody = given(self.parent, EVERYBODY, subsets=rows_within(self.actor, self.parent, []))
        found = self.rows(evidence.row(self.ask, everybody, outputs, (self.key,)), 1)
        if not found:
            raise NotFound(f"There is no row with the key “{self.key}” in {self.parent.name} that you may see.")
        return found[0][1:]

    def label_outputs(self) -> list[Output]:
        """The columns that people recognise a row by, as far as previews show them."""
        names = [name for name in (self.model.primary_label, self.model.secondary_label) if name]
        known = [self.model.column(name) for name in dict.fromkeys(names)]
        return [
            Output(f"label_{place}", field=Field(each.name))
            for place, each in enumerate(known)
            if each is not None and each.may(Surface.PREVIEWS)
        ]

    def related(self, model_id: str, about: Callable[..., Query | None], most: int) -> Rows:
        """Rows of another model that ``about`` asks for, as far as this person may see those, too."""
        other, row = self.schema.models[model_id], access.schema_model_for(self.actor, int(model_id))
        access.require_view_rows(self.actor, row)
        seen = rows_seen(self.actor, row, lambda: self.schema)
        query = about(rows=most, within=seen.definition.where if seen else None)
        assert query is not None
        titles = {each.name: each.title for each in other.columns}
        found = self.rows(query, most) if query.columns else []
        return Rows(other.name, tuple(titles.get(name, name) for name in query.columns), tuple(found))


def look_at(actor: Actor, parent: SchemaModel, key: str) -> Looking:
    """Begin to look at a row. Takes the right to see rows of the parent model."""
    parent = access.parent_model_for(actor, parent.pk)
    access.require_view_rows(actor, parent)
    key = key.strip()
    if not 0 < len(key) <= LONGEST_KEY or "\x00" in key:
        raise Invalid.field("key", f"Give the {parent.primary_key[0]} of one row.")
    schema = schema_with_audiences(parent.source)
    if str(parent.pk) not in schema.models:
        raise NotFound(f"{parent.name} is archived.")
    return Looking(actor, parent, schema, asker(schema), open_source(parent.source), key)
