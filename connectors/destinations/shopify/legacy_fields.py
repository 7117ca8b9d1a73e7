"""Fields of Shopify's older interface, which has names of its own: https://shopify.dev/docs/api/admin-rest"""

from __future__ import annotations

from collections.abc import Mapping

from connectors.sdk.destination import DestinationField, Mode
from connectors.sdk.rest import field, fields

MAKING = (Mode.UPSERT, Mode.INSERT)
LEVEL = (
    field("inventory_item_id", "Inventory item ID", identifier=True, required=True),
    field("location_id", "Location ID", "reference", required=True),
    field("available", kind="number", required=True),
)
FIELDS: Mapping[str, tuple[DestinationField, ...]] = {
    "customers": (
        field("email", "E-mail", identifier=True),
        field("phone", identifier=True, description="With + and the code of the country."),
        field("id", "Customer ID", identifier=True, modes=(Mode.UPDATE,)),
        *fields("first_name", "last_name", "note", "tags:any", "tax_exempt:boolean", "tax_exemptions:any"),
        *fields("addresses:any", "email_marketing_consent:object", "sms_marketing_consent:object"),
        field("verified_email", kind="boolean", modes=MAKING),
        field("send_email_welcome", kind="boolean", modes=MAKING),
    ),
    "products": (
        field("handle", identifier=True),
        field("title", required=True),
        *fields("body_html", "vendor", "product_type", "status", "tags:any", "template_suffix"),
        *fields("published_at:moment", "published_scope", "variants:any", "options:any", "images:any"),
    ),
    "discounts": (
        field("id", "Discount code ID", identifier=True, modes=(Mode.UPDATE,)),
        field("price_rule_id", "Price rule ID", "reference", required=True),
        field("code", required=True),
    ),
    "inventory_items": (
        field("id", "Inventory item ID", identifier=True),
        *fields("sku", "cost:number", "tracked:boolean", "requires_shipping:boolean", "country_code_of_origin"),
        *fields("province_code_of_origin", "harmonized_system_code", "country_harmonized_system_codes:any"),
    ),
    "inventory_levels": LEVEL,
    "events": (
        field("fulfillment_id", "Fulfillment ID", "reference", required=True),
        field("order_id", "Order ID", "reference", required=True),
        field("status", required=True, description="Such as in_transit, out_for_delivery or delivered."),
        *fields("message", "happened_at:moment", "estimated_delivery_at:moment", "address1", "city", "province"),
        *fields("zip", "country", "latitude:number", "longitude:number"),
    ),
}
ORDER = field("id", "Fulfillment order ID", "reference", required=True)
ACTION_FIELDS: Mapping[str, tuple[DestinationField, ...]] = {
    "incomplete": (field("message"),),
    "hold": (
        field("reason", required=True, description="Such as awaiting_payment, inventory_out_of_stock or other."),
        *fields("reason_notes", "notify_merchant:boolean"),
    ),
    "move": (field("new_location_id", "New location ID", "reference", required=True),),
    "reschedule": (field("new_fulfill_at", "New fulfill at", "moment", required=True),),
}
