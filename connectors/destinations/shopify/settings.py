"""What a person sets for Shopify, and what it can do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.destinations.shopify import legacy_fields
from connectors.sdk.destination import (
    DestinationDefinition,
    DestinationField,
    Limits,
    Mode,
    ModeSpec,
    Rate,
    Removal,
    SyncType,
)
from connectors.sdk.fields import Field, Select, Text
from connectors.sdk.modes import insert, update, upsert
from connectors.sdk.rest import ClientCredentials, Either, KeyHeader, field, fields
from connectors.sdk.types import Choice, Verification

VERSION = "2026-01"
TOKEN = "X-Shopify-Access-Token"  # noqa: S105  # the name of a header
METAFIELD = "metafields."
TOGETHER = 25  # changes of one request, which cost 10 points each of 1,000
LIMITS = Limits(batch_rows=TOGETHER, concurrency=2, rates=(Rate(requests=2, seconds=1),), timeout_s=60)
# What an action of fulfillment orders needs besides the order, and where it goes.
ACTIONS: Mapping[str, tuple[str, str]] = {
    "cancel": ("fulfillmentOrderCancel", "Cancel"),
    "incomplete": ("fulfillmentOrderClose", "Mark as incomplete"),
    "hold": ("fulfillmentOrderHold", "Hold those that are open"),
    "move": ("fulfillmentOrderMove", "Move to another location"),
    "open": ("fulfillmentOrderOpen", "Mark as open"),
    "release": ("fulfillmentOrderReleaseHold", "Release the hold"),
    "reschedule": ("fulfillmentOrderReschedule", "Reschedule those that are scheduled"),
}
ORDER = legacy_fields.ORDER
ACTION_FIELDS: Mapping[str, tuple[DestinationField, ...]] = {
    "incomplete": (field("message"),),
    "hold": (
        field("reason", required=True, description="Such as AWAITING_PAYMENT, INVENTORY_OUT_OF_STOCK or OTHER."),
        *fields("reasonNotes", "notifyMerchant:boolean"),
    ),
    "move": (field("newLocationId", "New location ID", "reference", required=True),),
    "reschedule": (field("fulfillAt", "New fulfill at", "moment", required=True),),
}
CUSTOMER = (
    field("email", "E-mail", identifier=True),
    field("phone", identifier=True, description="With + and the code of the country."),
    field("id", "Customer ID", identifier=True, modes=(Mode.UPDATE,)),
    *fields("firstName", "lastName", "note", "tags:any", "taxExempt:boolean", "taxExemptions:any", "locale"),
    field("addresses", kind="any", description="A list of objects; they replace those that are there."),
)
DISCOUNT = (
    field("id", "Discount ID", identifier=True, modes=(Mode.UPDATE,)),
    field("priceRuleId", "Price rule ID", "reference", required=True, modes=(Mode.INSERT,)),
    field("code", required=True),
    *(
        field(name, kind=kind, modes=(Mode.UPDATE,))
        for name, kind in (
            ("title", "text"),
            ("startsAt", "moment"),
            ("endsAt", "moment"),
            ("usageLimit", "number"),
            ("appliesOncePerCustomer", "boolean"),
        )
    ),
)
ITEM = (
    field("id", "Inventory item ID", identifier=True),
    *fields("sku", "cost:number", "tracked:boolean", "requiresShipping:boolean", "countryCodeOfOrigin"),
    *fields("provinceCodeOfOrigin", "harmonizedSystemCode", "countryHarmonizedSystemCodes:any", "measurement:object"),
)
PRODUCT = (
    field("handle", identifier=True),
    field("title", required=True),
    *fields("descriptionHtml", "vendor", "productType", "status", "tags:any", "templateSuffix", "category"),
    *fields("seo:object", "requiresSellingPlan:boolean", "collectionsToJoin:any"),
    field("giftCard", kind="boolean", modes=(Mode.UPSERT, Mode.INSERT)),
    field("productOptions", kind="any", modes=(Mode.UPSERT, Mode.INSERT)),
)
VARIANT = (
    field("productId", "Product ID", "reference", required=True),
    field("id", "Variant ID", identifier=True, modes=(Mode.UPDATE,)),
    *fields("price:number", "compareAtPrice:number", "barcode", "taxable:boolean", "taxCode", "inventoryPolicy"),
    *fields("optionValues:any", "inventoryItem:object", "inventoryItem.sku", "inventoryItem.cost:number"),
    *fields("inventoryItem.tracked:boolean", "mediaId"),
)
OPTION = (
    field("productId", "Product ID", "reference", required=True),
    field("id", "Option ID", identifier=True, modes=(Mode.UPDATE,)),
    field("name", required=True),
    field("position", kind="number"),
    field("values", kind="any", modes=(Mode.INSERT,), description="One, several between commas, or a list."),
)
EVENT = (
    field("fulfillmentId", "Fulfillment ID", "reference", required=True),
    field("orderId", "Order ID", "reference", required=True, description="Not sent: a fulfillment is of one order."),
    field("status", required=True, description="Such as IN_TRANSIT, OUT_FOR_DELIVERY or DELIVERED."),
    *fields("message", "happenedAt:moment", "estimatedDeliveryAt:moment", "address1", "city", "province", "zip"),
    *fields("country", "latitude:number", "longitude:number"),
)
# Whose metafields stand beside the other fields.
OWNERS = {"customers": "CUSTOMER", "products": "PRODUCT", "variants": "PRODUCTVARIANT"}
FIELDS: Mapping[str, tuple[DestinationField, ...]] = {
    "customers": CUSTOMER,
    "discounts": DISCOUNT,
    "inventory_items": ITEM,
    "inventory_levels": legacy_fields.LEVEL,
    "products": PRODUCT,
    "variants": VARIANT,
    "options": OPTION,
    "events": EVENT,
}


def fields_of(sync_type: str, settings: Mapping[str, Any]) -> tuple[DestinationField, ...]:
    """The fields of a sync type by its interface, those of actions by the one that is chosen."""
    old = is_legacy(sync_type, settings)
    if sync_type == "actions":
        known = legacy_fields.ACTION_FIELDS if old else ACTION_FIELDS
        return (ORDER, *known.get(str(settings.get("action") or ""), ()))
    return legacy_fields.FIELDS[sync_type] if old else FIELDS[sync_type]


def is_legacy(sync_type: str, settings: Mapping[str, Any]) -> bool:
    """Whether rows go by the older interface."""
    return sync_type == "inventory_levels" or settings.get("interface") == "rest"


INTERFACE = Select(
    name="interface",
    label="Interface",
    help="Their fields have names of their own: map them again after a change.",
    default="graphql",
    choices=(
        Choice("graphql", "GraphQL", "Many rows in a request; what Shopify goes on developing."),
        Choice("rest", "REST", "The older one, a row in a request. Shopify calls it legacy."),
    ),
)


def _type(key: str, name: str, words: str, *modes: ModeSpec, settings: tuple[Field, ...] = ()) -> SyncType:
    return SyncType(key=key, name=name, description=words, modes=modes, settings=settings, limits=LIMITS)


def _both(key: str, name: str, words: str, *modes: ModeSpec, settings: tuple[Field, ...] = ()) -> SyncType:
    return _type(key, name, words, *modes, settings=(*settings, INTERFACE))


ACTION = Select(name="action", label="Action", choices=tuple(Choice(key, label) for key, (_, label) in ACTIONS.items()))
SIGN_IN = Either(
    ways={
        "client": (
            Choice("client", "Client credentials", "Of an app of the Dev Dashboard: those made since 2026."),
            ClientCredentials(
                tokens=lambda config: f"https://{config['store']}.myshopify.com/admin/oauth/access_token",
                client_id=Text(name="client_id", label="Client ID"),
                client_secret=Text(name="client_secret", label="Client secret", secret=True),
                in_header=False,
                prefix="",
                header=TOKEN,
            ),
        ),
        "token": (
            Choice("token", "Admin API access token", "Of a custom app that was made before 2026."),
            KeyHeader(
                key=Text(name="access_token", label="Access token", placeholder="shpat_…", secret=True),
                header=TOKEN,
                prefix="",
            ),
        ),
    }
)
DEFINITION = DestinationDefinition(
    key="shopify",
    name="Shopify",
    category="Commerce",
    summary="Customers, products with variants and options, inventory, discounts, and fulfillment.",
    docs_url="docs/destinations/shopify.md",
    status_page="https://www.shopifystatus.com",
    fields=(
        Text(
            name="store",
            label="Store name",
            help="What stands before .myshopify.com.",
            placeholder="acme",
            pattern=r"[A-Za-z0-9-]+",
            pattern_hint="Only the name, without .myshopify.com.",
        ),
        *SIGN_IN.fields,
    ),
    verification=Verification.DOCS,
    safe_to_resync=False,
    sync_types=(
        _both(
            "customers", "Customers", "Customers, by e-mail address, phone number or ID.", upsert(), update(), insert()
        ),
        _both("products", "Products", "Products, by their handle.", upsert(Removal.DELETE), update(), insert()),
        _type("variants", "Product variants", "Variants of products that are there.", update(), insert()),
        _type("options", "Product options", "Options of products that are there.", update(), insert()),
        _both("discounts", "Discounts", "Codes of discounts that are there.", update(), insert()),
        _both("inventory_items", "Inventory items", "What a variant costs and where it comes from.", update()),
        _type("inventory_levels", "Inventory levels", "How many are where.", upsert(), update(), insert()),
        _both("events", "Fulfillment events", "What happened to a shipment.", insert("events")),
        _both(
            "actions",
            "Actions",
            "Something is done with the fulfillment order of each new row.",
            insert("actions"),
            settings=(ACTION,),
        ),
    ),
)
