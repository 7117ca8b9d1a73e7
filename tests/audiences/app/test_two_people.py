"""Two people who work on the same thing: whoever saves second is told, and loses nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from audiences.models import SchemaModel
from audiences.services.rules import create_destination_rule
from audiences.services.subsets import create_subset, create_subset_category
from audiences.services.templates import create_template
from audiences.services.traits import create_trait
from tests.audiences.app.acting import Person, audience, is_, where
from tests.audiences.app.shop import parent, warehouse
from tests.connectors.app.connections import a_destination
from tests.world import Place, World
from workspaces.scoping import workspace_scope


@pytest.fixture
def place(world: World) -> Iterator[Place]:
    with workspace_scope(world.acme.workspace.pk):
        yield world.acme


@pytest.fixture
def customers(place: Place) -> SchemaModel:
    return parent(place, warehouse(place))


def formula(column: str) -> dict[str, Any]:
    return {"method": "formula", "sql": f'UPPER("{column}")', "result": "string"}


def pages(place: Place, customers: SchemaModel) -> list[tuple[str, Any]]:
    """The addresses of everything with a builder, and what is saved there."""
    of: dict[str, Any] = {"actor": place.actor, "parent": customers}
    begun = where(is_("name", "Ada"))
    category = create_subset_category(**of, name="Region")
    rule = create_destination_rule(**of, destination=a_destination(place), name="A", definition=begun)
    return [
        ("audiences/{}/definition", audience(place, customers, "A", begun)),
        ("templates/{}", create_template(**of, name="A", definition=begun)),
        ("subsets/{}", create_subset(actor=place.actor, category=category, name="A", definition=begun)),
        ("governance/rules/{}", rule),
        ("traits/{}", create_trait(actor=place.actor, model=customers, name="A", definition=formula("name"))),
    ]


def test_whoever_saves_second_is_told_and_may_save_again(place: Place, customers: SchemaModel) -> None:
    for path, row in pages(place, customers):
        first, second = (Person(place, path.format(row.pk)) for _ in range(2))
        marks = ("email", "joined")
        if path.startswith("traits"):
            trees: list[Any] = [{"definition": formula(mark)} for mark in marks]
        else:
            trees = [where(is_("name", mark)) for mark in marks]

        def kept(row: Any = row, marks: tuple[str, ...] = marks) -> str:
            """Whose conditions are saved."""
            row.refresh_from_db()
            return next(mark for mark in marks if mark in str(row.definition))

        mine, theirs = (orjson.dumps(tree).decode() for tree in trees)
        assert first.press("save", tree=mine, name="A", enabled="on").status_code < 300, path
        assert kept() == marks[0], path
        refused = second.press("save", tree=theirs, name="A", enabled="on")
        assert (refused.status_code, kept()) == (409, marks[0]), path
        assert "Somebody else saved “A” while you worked on it." in second.html, path
        assert second.press("save", name="A", enabled="on").status_code < 300, "what was built is still there"
        assert kept() == marks[1], path
