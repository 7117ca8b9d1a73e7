"""The demo's customer studio: a schema over the sample shop, made through the same services as anybody's."""

from __future__ import annotations

from audiences import looking
from audiences.choices import Cardinality, Entity, EventType, ModelKind
from audiences.models import Relationship, SchemaModel
from audiences.services import (
    ColumnSettings,
    Settings,
    Tie,
    change_columns,
    create_relationship,
    create_schema_model,
    create_through,
    update_relationship,
)
from connectors.models import Source
from governance.audit.actors import Actor
from syncs.choices import ModelMethod
from syncs.definitions import Definition

ADDED_TO_CART = "SELECT * FROM public.cart_events WHERE event_type = 'add_to_cart'"
ALIASES = {
    "ltv": "Lifetime value",
    "vip_tier": "VIP tier",
    "signed_up_at": "Signed up",
    "state": "State",
    "brand_affinity": "Favourite brand",
    "items_in_cart": "Items in the cart",
    "email_opt_in": "Reads our mails",
}
PERSONAL = ("email", "phone", "birth_date")


def seed_schema(actor: Actor, store: Source) -> SchemaModel:
    """Customers, what they order and put into carts, and the products of both."""
    customers = _model(
        actor,
        store,
        ModelKind.PARENT,
        _table("customers"),
        Settings(
            name="Customers",
            description="Everyone with an account in the shop.",
            primary_key=("customer_id",),
            primary_label="first_name",
            secondary_label="city",
            entity=Entity.PEOPLE,
        ),
    )
    for name, alias in ALIASES.items():
        change_columns(actor=actor, model=customers, names=[name], settings=ColumnSettings(alias=alias))
    change_columns(actor=actor, model=customers, names=PERSONAL, settings=ColumnSettings(redacted=True))
    orders = _event(actor, customers, "Orders", _table("orders"), "order_id", ("ordered_at", EventType.PURCHASE))
    carts = _event(
        actor,
        customers,
        "Added to cart",
        Definition(method=ModelMethod.SQL, sql=ADDED_TO_CART),
        "event_id",
        ("event_at", EventType.ADD_TO_CART),
    )
    items = _related(actor, orders, "Order items", "order_items", "order_item_id", "order_id")
    products = _related(actor, items, "Products", "products", "product_id", "product_id", Cardinality.ONE_TO_MANY)
    by_product = Tie(
        other=products,
        cardinality=Cardinality.MANY_TO_ONE,
        keys=(("product_id", "product_id"),),
        merged=("brand", "category"),
    )
    update_relationship(actor=actor, relationship=products.relationships.get(), model=items, tie=by_product)
    create_relationship(actor=actor, model=carts, tie=by_product)
    way = [orders.relationships.get().pk, items.relationships.get(to_model=orders).pk]
    way.append(Relationship.objects.get(from_model=items, to_model=products).pk)
    create_through(actor=actor, model=customers, path=way, name="Bought products")
    for model in SchemaModel.objects.filter(source=store):
        looking.work(model.pk)
    return customers


def _model(
    actor: Actor,
    store: Source,
    kind: ModelKind,
    definition: Definition,
    settings: Settings,
    tie: Tie | None = None,
) -> SchemaModel:
    return create_schema_model(actor=actor, source=store, kind=kind, definition=definition, settings=settings, tie=tie)


def _event(
    actor: Actor,
    customers: SchemaModel,
    name: str,
    definition: Definition,
    key: str,
    happened: tuple[str, EventType],
) -> SchemaModel:
    """Something that customers do."""
    tie = Tie(other=customers, cardinality=Cardinality.MANY_TO_ONE, keys=(("customer_id", "customer_id"),))
    settings = Settings(name=name, primary_key=(key,), timestamp=happened[0], event_type=happened[1])
    return _model(actor, customers.source, ModelKind.EVENT, definition, settings, tie)


def _related(
    actor: Actor,
    other: SchemaModel,
    name: str,
    table: str,
    key: str,
    shared: str,
    cardinality: Cardinality = Cardinality.MANY_TO_ONE,
) -> SchemaModel:
    """What belongs to another model by a column of the same name."""
    tie = Tie(other=other, cardinality=cardinality, keys=((shared, shared),))
    settings = Settings(name=name, primary_key=(key,))
    return _model(actor, other.source, ModelKind.RELATED, _table(table), settings, tie)


def _table(name: str) -> Definition:
    return Definition(method=ModelMethod.TABLE, table_schema="public", table_name=name)
