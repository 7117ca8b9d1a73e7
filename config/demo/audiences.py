"""The demo's traits, audiences, rule and audience sync, made through the same services as anybody's."""

from __future__ import annotations

from typing import Any

from audiences.models import Audience, SchemaModel, Trait
from audiences.services.audiences import create_audience
from audiences.services.rules import create_destination_rule
from audiences.services.syncing import open_for_syncs
from audiences.services.traits import create_trait
from connectors.models import Destination
from governance.audit.actors import Actor
from syncs.configuration import Proposal
from syncs.models import Sync
from syncs.services.syncs import create_sync

Tree = dict[str, Any]
LOYALTY = "Loyalty, or close to it"
MEMBERS_BODY = """{
  "members": [
    {% for row in rows %}
    {"id": {{ row.customer_id }}, "email": {{ row.email | json }}, "tier": {{ row.vip_tier | json }}},
    {% endfor %}
  ]
}"""


def seed_traits(actor: Actor, customers: SchemaModel) -> dict[str, Trait]:
    """What is known of each customer beyond columns."""
    orders = _way_to(customers, "Orders")
    carts = _way_to(customers, "Added to cart")
    made = {
        "Number of orders": {"method": "count", "relationship": orders},
        "Spent": {"method": "aggregation", "relationship": orders, "function": "sum", "column": {"column": "total"}},
        "Last order": {
            "method": "occurrence",
            "relationship": orders,
            "which": "last",
            "column": {"column": "ordered_at"},
        },
        "Brand in mind": {
            "method": "occurrence",
            "relationship": carts,
            "which": "most_frequent",
            "column": {"column": "brand", "via": [_way_to_products(customers)]},
        },
    }
    words = {
        "Number of orders": "How often they ordered.",
        "Spent": "What all their orders were worth.",
        "Last order": "When they ordered last.",
        "Brand in mind": "The brand that they put into the cart most often.",
    }
    return {
        name: create_trait(actor=actor, model=customers, name=name, definition=definition, description=words[name])
        for name, definition in made.items()
    }


def seed_audiences(actor: Actor, customers: SchemaModel) -> dict[str, Audience]:
    """Whom a shop would want to reach."""
    traits = seed_traits(actor, customers)
    orders, carts = _way_to(customers, "Orders"), _way_to(customers, "Added to cart")
    loyal = _property("vip_tier", "not_equals", "Normal")

    def add(name: str, description: str, *conditions: Tree, match: str = "all", **more: Tree) -> Audience:
        definition = {"where": {"type": "group", "match": match, "conditions": list(conditions)}, **more}
        return create_audience(actor=actor, parent=customers, name=name, description=description, definition=definition)

    made = [
        add(
            LOYALTY,
            "Ordered in the last two weeks, member of the loyalty programme, or worth more than 1,000.",
            _event(orders, when=_within(14)),
            loyal,
            _trait(traits["Spent"], "greater", 1000),
            match="any",
        ),
        add(
            "Carts left behind",
            "Put something into the cart this week, and ordered nothing since.",
            _event(carts, when=_within(7)),
            _event(orders, performed=False, when=_within(7)),
        ),
        add(
            "Gone quiet",
            "Regulars who have not ordered for three months.",
            _trait(traits["Number of orders"], "greater_or_equal", 4),
            _event(orders, performed=False, when=_within(90)),
        ),
        add(
            "First order this month",
            "Bought for the first time: worth a welcome.",
            _trait(traits["Number of orders"], "equals", 1),
            _event(orders, when=_within(30)),
        ),
        add(
            "Best hundred",
            "The hundred customers who spent the most.",
            limit={"trait": str(traits["Spent"].pk), "count": 100},
        ),
    ]
    found = {audience.name: audience for audience in made}
    quiet = found["Gone quiet"]
    found["Loyal and gone quiet"] = add(
        "Loyal and gone quiet",
        "Members of the loyalty programme whom the shop is about to lose.",
        loyal,
        {"type": "audience", "audience": str(quiet.pk)},
    )
    return found


def seed_audience_sync(actor: Actor, audience: Audience, endpoint: Destination) -> Sync:
    """The loyalty audience to the campaign tool, which only gets those who read mails."""
    create_destination_rule(
        actor=actor,
        parent=audience.parent_model,
        destination=endpoint,
        name="Consent to mails",
        definition={"where": {"type": "group", "conditions": [_property("email_opt_in", "equals", True)]}},
    )
    list_of = {"batching": "batch", "endpoint": "/lists/loyalty", "payload": "json_editor", "json": MEMBERS_BODY}
    return create_sync(
        actor=actor,
        model=open_for_syncs(actor=actor, audience=audience),
        destination=endpoint,
        proposal=Proposal(
            sync_type="requests",
            mode="custom",
            first_run="backfill",
            settings={"added": {**list_of, "method": "POST"}, "removed": {**list_of, "method": "DELETE"}},
        ),
        name="Loyalty list of the campaign tool",
        slug="loyalty-list",
    )


def _way_to(customers: SchemaModel, name: str) -> str:
    return str(customers.relationships_to.get(from_model__name=name).pk)


def _way_to_products(customers: SchemaModel) -> str:
    carts = customers.relationships_to.get(from_model__name="Added to cart").from_model
    return str(carts.relationships.get(to_model__name="Products").pk)


def _property(column: str, operator: str, *values: Any) -> Tree:
    test = {"operator": operator, "operand": {"kind": "values", "values": list(values)}}
    return {"type": "property", "field": {"column": column}, "test": test}


def _trait(trait: Trait, operator: str, *values: Any) -> Tree:
    test = {"operator": operator, "operand": {"kind": "values", "values": list(values)}}
    return {"type": "trait", "trait": str(trait.pk), "test": test}


def _within(days: int) -> Tree:
    return {"operator": "within", "operand": {"kind": "window", "amount": days, "unit": "day"}}


def _event(way: str, *, performed: bool = True, when: Tree) -> Tree:
    return {"type": "event", "relationship": way, "performed": performed, "when": when}
