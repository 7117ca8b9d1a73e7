"""What something is made of cannot be taken away: by whatever definition it is used, and wherever in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from audiences import services as schema
from audiences.choices import Cardinality, ModelKind
from audiences.models import Audience, Relationship, SchemaModel, ValueList
from audiences.selectors.uses import users_of
from audiences.services import audiences as building
from audiences.services.enrichments import add_enrichment
from audiences.services.lists import create_list, delete_list
from audiences.services.rules import create_destination_rule
from audiences.services.subsets import create_subset, create_subset_category
from audiences.services.templates import create_template
from audiences.services.traits import create_trait, delete_trait, update_trait
from config.errors import Conflict
from tests.audiences.app.acting import audience, is_, where
from tests.audiences.app.shop import orders, parent, table, warehouse
from tests.connectors.app.connections import a_destination
from tests.world import Place, World
from workspaces.scoping import workspace_scope

Tree = dict[str, Any]


@pytest.fixture
def place(world: World) -> Iterator[Place]:
    with workspace_scope(world.acme.workspace.pk):
        yield world.acme


@pytest.fixture
def customers(place: Place) -> SchemaModel:
    return parent(place, warehouse(place))


@pytest.fixture
def products(place: Place, customers: SchemaModel) -> Relationship:
    """What customers bought is a parent model of its own; the relationship to it."""
    made = schema.create_schema_model(
        actor=place.actor,
        source=customers.source,
        kind=ModelKind.PARENT,
        definition=table("products"),
        settings=schema.Settings(name="Products", primary_key=("product_id",)),
    )
    tie = schema.Tie(other=made, cardinality=Cardinality.ONE_TO_MANY, keys=(("id", "shop_id"),))
    return schema.create_relationship(actor=place.actor, model=customers, tie=tie)


def in_everything(place: Place, customers: SchemaModel, tie: Relationship, below: Tree) -> None:
    """A condition on related rows, in every kind of definition."""
    inner = where(below)["where"]
    definition = where({"type": "relation", "relationship": str(tie.pk), "where": inner})
    counted = {"method": "count", "relationship": str(tie.pk), "where": inner}
    audience(place, customers, "By condition", definition)
    add_enrichment(actor=place.actor, audience=audience(place, customers, "By column"), name="N", definition=counted)
    create_template(actor=place.actor, parent=customers, name="Template", definition=definition)
    create_trait(actor=place.actor, model=customers, name="Trait", definition=counted)
    category = create_subset_category(actor=place.actor, parent=customers, name="Category")
    create_subset(actor=place.actor, category=category, name="Subset", definition=definition)
    create_destination_rule(
        actor=place.actor, parent=customers, destination=a_destination(place), name="Rule", definition=definition
    )


def a_list(place: Place) -> ValueList:
    return create_list(actor=place.actor, name="Brands", values=["Nike"])


def nike(place: Place, tie: Relationship) -> Audience:
    return audience(place, tie.to_model, "Nike", where(is_("brand", "Nike")))


def test_what_conditions_need_stays_and_all_that_uses_it_is_named(
    place: Place, customers: SchemaModel, products: Relationship
) -> None:
    listed, member = a_list(place), nike(place, products)
    of_list = {"operator": "equals", "operand": {"kind": "list", "list": str(listed.pk)}}
    asked = {
        "type": "group",
        "match": "any",
        "conditions": [
            {"type": "property", "field": {"column": "brand"}, "test": of_list},
            {"type": "audience", "audience": str(member.pk)},
        ],
    }
    in_everything(place, customers, products, asked)
    named = {
        ("audience", "By condition"),
        ("audience", "By column"),
        ("audience template", "Template"),
        ("trait", "Trait"),
        ("subset", "Subset"),
        ("destination rule", "Rule"),
    }
    for kind, pk in (("list", listed.pk), ("audience", member.pk), ("relationship", products.pk)):
        found = users_of(place.actor, kind, pk)  # type: ignore[arg-type]
        assert {(each.noun, each.name) for each in found} == named, kind
    refused: tuple[Callable[[], object], ...] = (
        lambda: delete_list(actor=place.actor, value_list=listed),
        lambda: building.delete_audience(actor=place.actor, audience=member),
        lambda: schema.delete_relationship(actor=place.actor, relationship=products),
        lambda: schema.delete_schema_model(actor=place.actor, model=products.to_model),
        lambda: schema.archive_schema_model(actor=place.actor, model=products.to_model),
    )
    for take_away in refused:
        with pytest.raises(Conflict, match="“By condition”"):
            take_away()


def test_an_event_that_only_conditions_use_stays(place: Place, customers: SchemaModel) -> None:
    bought = orders(place, customers)
    tie = Relationship.objects.get(from_model=bought)
    made = audience(place, customers, "Bought", where({"type": "event", "relationship": str(tie.pk)}))
    with pytest.raises(Conflict, match="used by audience “Bought”"):
        schema.delete_schema_model(actor=place.actor, model=bought)
    building.delete_audience(actor=place.actor, audience=made)
    schema.delete_schema_model(actor=place.actor, model=bought)


def test_a_formula_inside_a_condition_follows_a_trait_that_is_renamed(place: Place, customers: SchemaModel) -> None:
    """Formulas of conditions come by the API; they are stored as traits store theirs."""
    first = create_trait(
        actor=place.actor,
        model=customers,
        name="first letter",
        definition={"method": "formula", "sql": 'LEFT("name", 1)', "result": "string"},
    )
    formula = {"method": "formula", "sql": 'UPPER({{"trait.first letter"}})', "result": "string"}
    test = {"operator": "equals", "operand": {"kind": "values", "values": ["A"]}}
    made = audience(place, customers, "A", where({"type": "trait", "definition": formula, "test": test}))
    column = add_enrichment(actor=place.actor, audience=made, name="Letter", definition=formula)
    assert column["definition"]["sql"] == f'UPPER({{{{"trait.{first.pk}"}}}})'
    update_trait(actor=place.actor, trait=first, name="initial")
    again = building.update_audience(actor=place.actor, audience=made, definition=made.definition, name="Renamed")
    assert again.definition == made.definition
    with pytest.raises(Conflict, match="“Renamed”"):
        delete_trait(actor=place.actor, trait=first)
