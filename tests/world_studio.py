"""The studio's rows of the shared world (see ``tests.world``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.world import Place, builds


@builds("trait", "trait_template")
def _trait(place: Place) -> Mapping[str, Any]:
    """A trait of the shoppers, and a template of traits."""
    from audiences.services.traits import create_trait

    definition = {"method": "formula", "sql": '{{"id"}}', "result": "string"}
    model = place.rows["schema_model"]
    common: Any = {"actor": place.actor, "model": model, "definition": definition}
    template = create_trait(**common, name="Template", is_template=True)
    return {"trait": create_trait(**common, name="Key"), "trait_template": template}


@builds("audience", "audience_model", "calculation", "enrichment")
def _audiences(place: Place) -> Mapping[str, Any]:
    """An audience of the shoppers with a column of its own, and a count of it that waits."""
    from audiences.services import audiences as studio
    from audiences.services.enrichments import add_enrichment
    from audiences.services.syncing import open_for_syncs

    parent = place.rows["schema_model"]
    made = studio.create_audience(actor=place.actor, parent=parent, name="Everybody", definition={"where": {}})
    counted = studio.calculate_size(actor=place.actor, parent=parent, definition=made.definition, audience=made)
    column = add_enrichment(actor=place.actor, audience=made, name="Their key", trait=place.rows["trait"].pk)
    model = open_for_syncs(actor=place.actor, audience=made)
    return {"audience": made, "audience_model": model, "calculation": counted, "enrichment": column}


@builds("audience_template")
def _audience_template(place: Place) -> Mapping[str, Any]:
    """A template of audiences of the shoppers, of which one value is left blank."""
    from audiences.services.templates import create_template

    left = {"operator": "equals", "operand": {"kind": "blank", "label": "Whose"}}
    definition = {"where": {"conditions": [{"type": "property", "field": {"column": "email"}, "test": left}]}}
    parent = place.rows["schema_model"]
    made = create_template(actor=place.actor, parent=parent, name="Somebody's", definition=definition)
    return {"audience_template": made}


@builds("value_list")
def _value_list(place: Place) -> Mapping[str, Any]:
    """An uploaded list."""
    from audiences.services.lists import create_list

    return {"value_list": create_list(actor=place.actor, name="Codes", values=["A1", "B2"])}


@builds("snapshot")
def _snapshot(place: Place) -> Mapping[str, Any]:
    """A snapshot of the audience that waits for a worker."""
    from audiences.services.recordings import take_snapshot

    return {"snapshot": take_snapshot(actor=place.actor, audience=place.rows["audience"])}


@builds("experiment")
def _experiment(place: Place) -> Mapping[str, Any]:
    """The audience in two groups, as if a sync of one of them had run."""
    from decimal import Decimal

    from audiences.models import Experiment
    from audiences.services.experiments import GroupProposal, enable_experiment

    groups = [GroupProposal("Treatment", Decimal(80)), GroupProposal("Holdout", Decimal(20))]
    made = enable_experiment(actor=place.actor, audience=place.rows["audience"], groups=groups)
    Experiment.objects.filter(pk=made.pk).update(launched_at=made.created_at)
    return {"experiment": made}


@builds("priority_list")
def _priority_list(place: Place) -> Mapping[str, Any]:
    """Two more audiences of the shoppers in an order."""
    from audiences.services.audiences import create_audience
    from audiences.services.priority import create_priority_list

    parent = place.rows["schema_model"]
    common: Any = {"actor": place.actor, "parent": parent}
    ids = [create_audience(**common, name=name, definition={"where": {}}).pk for name in ("First", "Second")]
    return {"priority_list": create_priority_list(**common, name="One message", audience_ids=ids)}


@builds("subset_category", "subset", "destination_rule")
def _governed(place: Place) -> Mapping[str, Any]:
    """A category of the shoppers with a subset of all of them, and a rule of the destination's."""
    from audiences.services import rules, subsets

    parent = place.rows["schema_model"]
    category = subsets.create_subset_category(actor=place.actor, parent=parent, name="Region")
    subset = subsets.create_subset(actor=place.actor, category=category, name="Everywhere", definition={"where": {}})
    rule = rules.create_destination_rule(
        actor=place.actor,
        parent=parent,
        destination=place.rows["destination"],
        name="Anybody",
        definition={"where": {}},
    )
    return {"subset_category": category, "subset": subset, "destination_rule": rule}


@builds("sync_template", "templated_sync")
def _sync_template(place: Place) -> Mapping[str, Any]:
    """A template of the shoppers' audiences, and the sync of one that follows it."""
    from audiences.services.following import apply_sync_templates
    from audiences.services.sync_templates import Pattern, create_sync_template
    from syncs.configuration import Proposal

    pattern = Pattern(proposal=Proposal(sync_type="requests", settings={"added": {"endpoint": "/customers"}}))
    made = create_sync_template(
        actor=place.actor,
        parent=place.rows["schema_model"],
        destination=place.rows["destination"],
        name="To the shop",
        pattern=pattern,
    )
    (sync,) = apply_sync_templates(actor=place.actor, audience=place.rows["audience"], templates=[made])
    return {"sync_template": made, "templated_sync": sync}


@builds("schema_model", "schema_related", "schema_relationship", "schema_column")
def _schema(place: Place) -> Mapping[str, Any]:
    """A schema of the source: customers, and what refers to them by e-mail address."""
    from audiences import services as studio
    from audiences.choices import Cardinality, ModelKind
    from syncs.choices import ModelMethod
    from syncs.definitions import Definition

    definition = Definition(method=ModelMethod.SQL, sql="SELECT * FROM customers")
    settings = studio.Settings(name="Shoppers", primary_key=("id",), primary_label="name")
    common: Any = {"actor": place.actor, "source": place.rows["source"], "definition": definition}
    parent = studio.create_schema_model(**common, kind=ModelKind.PARENT, settings=settings)
    tie = studio.Tie(other=parent, cardinality=Cardinality.MANY_TO_ONE, keys=(("email", "email"),))
    related = studio.create_schema_model(
        **common, kind=ModelKind.RELATED, settings=studio.Settings(name="Addresses", primary_key=("id",)), tie=tie
    )
    return {
        "schema_model": parent,
        "schema_related": related,
        "schema_relationship": parent.relationships_to.get(),
        "schema_column": parent.columns.get(name="name"),
    }
