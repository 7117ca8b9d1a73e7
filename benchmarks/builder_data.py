"""A studio with several parent models and many audiences, for the benchmark of the audience builder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from django.test import Client
from django.utils import timezone

from audiences.choices import Cardinality, ModelKind
from audiences.models import Audience, Relationship, SchemaColumn, SchemaModel, Trait
from benchmarks.pages_side import Page
from config.demo.seed import EMAIL, seed
from connectors.models import Source
from governance.audit.actors import system
from syncs.choices import ModelMethod
from workspaces.models import User, Workspace
from workspaces.scoping import workspace_scope
from workspaces.services import create_api_key

ACTOR = system("benchmark")
SUGGESTED = 100


@dataclass(frozen=True, slots=True)
class Size:
    """How many models the schema has beside the parent, and of what else there is."""

    models: int = 20
    columns: int = 40
    audiences: int = 500
    traits: int = 50


@dataclass(frozen=True, slots=True)
class Company:
    """Who builds, and on which parent model."""

    slug: str
    parent: int
    event: int
    users: Mapping[str, User]
    keys: Mapping[str, str]

    def pages(self, client: Client) -> Iterator[Page]:
        """The builder as it opens, and after one change of definitions of several sizes."""
        path = f"/{self.slug}/studio/audiences/new/{self.parent}"
        yield Page("the builder", path)
        for count in (1, 5, 20):
            tree = {"where": {"type": "group", "match": "all", "conditions": self._conditions(count)}}
            asked = {"tree": orjson.dumps(tree).decode(), "list:/where/conditions/0/test/operand/values": "north"}
            yield Page(f"a change, {count} condition{'s' if count > 1 else ''}", path, post=asked)

    def endpoints(self) -> Iterator[Page]:
        """None: programs send whole definitions."""
        return iter(())

    def _conditions(self, count: int) -> list[dict[str, Any]]:
        equals = {"operator": "equals", "operand": {"kind": "values", "values": ["south"]}}
        within = {"operator": "within", "operand": {"kind": "window", "amount": 30, "unit": "day"}}
        own = {"type": "property", "field": {"column": "column_1"}, "test": equals}
        inner = {"type": "property", "field": {"column": "column_2"}, "test": equals}
        event = {"type": "event", "relationship": str(self.event), "when": within, "where": {"conditions": [inner]}}
        return [own if place % 2 == 0 else event for place in range(count)]


def build(size: Size) -> Company:
    """Fill the database."""
    workspace = seed().workspace
    user = User.objects.get(email=EMAIL)
    with workspace_scope(workspace.pk):
        source = Source.objects.filter(type__startswith="sample").order_by("pk")[0]
        parent = _model(workspace, source, "People", ModelKind.PARENT, size)
        events = [
            _tied(workspace, _model(workspace, source, f"Event {n}", ModelKind.EVENT, size), parent)
            for n in range(size.models)
        ]
        definition = {"where": {"type": "group", "match": "all", "conditions": []}, "version": 1}
        Audience.objects.bulk_create(
            Audience(workspace=workspace, parent_model=parent, name=f"Audience {n}", definition=definition)
            for n in range(size.audiences)
        )
        Trait.objects.bulk_create(
            Trait(
                workspace=workspace,
                model=parent,
                name=f"Trait {n}",
                definition={"method": "count", "relationship": str(events[n % len(events)].pk)},
            )
            for n in range(size.traits)
        )
        key = create_api_key(actor=ACTOR, workspace=workspace, name="Benchmark", owner=user).secret
        return Company(workspace.slug, parent.pk, events[0].pk, {"admin": user}, {"admin": key})


def _model(workspace: Workspace, source: Source, name: str, kind: ModelKind, size: Size) -> SchemaModel:
    made = SchemaModel.objects.create(
        workspace=workspace,
        source=source,
        kind=kind,
        name=name,
        slug=name.lower().replace(" ", "-"),
        method=ModelMethod.TABLE,
        table_schema="main",
        table_name=name.lower().replace(" ", "_"),
        primary_key=["id"],
        columns_refreshed_at=timezone.now(),
        timestamp="at" if kind == ModelKind.EVENT else "",
    )
    values = [[f"value {n}", SUGGESTED - n] for n in range(SUGGESTED)]
    named = [("id", "number"), ("people_id", "number"), ("at", "timestamp")]
    named += [(f"column_{n}", "string") for n in range(size.columns)]
    SchemaColumn.objects.bulk_create(
        SchemaColumn(
            workspace=workspace,
            model=made,
            name=column,
            type=type_,
            position=place,
            suggest=type_ == "string",
            suggestions=values if type_ == "string" else [],
        )
        for place, (column, type_) in enumerate(named)
    )
    return made


def _tied(workspace: Workspace, event: SchemaModel, parent: SchemaModel) -> Relationship:
    return Relationship.objects.create(
        workspace=workspace,
        from_model=event,
        to_model=parent,
        cardinality=Cardinality.MANY_TO_ONE,
        keys=[["people_id", "id"]],
    )
