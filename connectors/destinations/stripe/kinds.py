"""The objects of Stripe and their fields; those that are settled when a record is made are not sent again."""

from __future__ import annotations

from dataclasses import dataclass, replace

from connectors.sdk.destination import DestinationField, Mode
from connectors.sdk.rest import field, fields

CUSTOMER = "customer.email"  # looked up, and sent as the ID of the customer
MAKES = (Mode.UPSERT, Mode.INSERT)


def settled(*told: str | DestinationField) -> tuple[DestinationField, ...]:
    """Fields that are settled when a record is made."""
    return tuple(replace(each, modes=MAKES) for each in fields(*told))


def needed(name: str, kind: str = "text") -> DestinationField:
    """A field without which Stripe makes no record."""
    return field(name, kind=kind, required=True)


BUYER = settled("customer:reference", field(CUSTOMER, "Customer → e-mail", "reference"))
BILLING = fields("default_tax_rates:any", "discounts:any", "automatic_tax:any", "collection_method", "description")
PAYING = fields("default_payment_method", "payment_settings:any", "days_until_due:number")


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of object: its path, its name for one, its fields."""

    path: str
    noun: str
    fields: tuple[DestinationField, ...]

    def is_own(self, name: str) -> bool:
        """Whether Stripe has this field; all others are metadata."""
        root = name.partition(".")[0]
        return root == "metadata" or any(each.name.partition(".")[0] == root for each in self.fields)

    def of(self, name: str) -> DestinationField | None:
        """The declaration of a field, where it has one."""
        return next((each for each in self.fields if each.name == name), None)


KINDS = {
    each.path: each
    for each in (
        Kind(
            "customers",
            "customer",
            (
                field("email", "E-mail", identifier=True),
                field("id", "Customer ID", identifier=True, modes=(Mode.UPDATE,)),
                *fields("name", "phone", "description", "balance:number", "tax_exempt", "preferred_locales:any"),
                *fields("address:object", *(f"address.{n}" for n in ("line1", "line2", "city", "state"))),
                *fields("address.postal_code", "address.country", "shipping:object", "invoice_prefix"),
                *fields("invoice_settings:object", "default_source", "next_invoice_sequence:number", "tax:object"),
                *settled("payment_method", "source", "tax_id_data:any"),
            ),
        ),
        Kind(
            "products",
            "product",
            (
                field("id", "Product ID", identifier=True, description="New products may bring their own."),
                needed("name"),
                *fields("active:boolean", "description", "default_price", "statement_descriptor", "unit_label", "url"),
                *fields("tax_code", "images:any", "marketing_features:any", "package_dimensions:object"),
                *fields("shippable:boolean"),
                *settled("default_price_data:object", "type"),
            ),
        ),
        Kind(
            "prices",
            "price",
            (
                field("id", "Price ID", identifier=True),
                *settled(needed("currency"), "product", "product_data:object", "unit_amount:number"),
                *settled("unit_amount_decimal", "recurring:object", "billing_scheme", "tiers:any", "tiers_mode"),
                *settled("transform_quantity:object", "custom_unit_amount:object"),
                *fields("nickname", "active:boolean", "lookup_key", "transfer_lookup_key:boolean", "tax_behavior"),
                *fields("currency_options:object"),
            ),
        ),
        Kind(
            "subscriptions",
            "subscription",
            (
                field("id", "Subscription ID", identifier=True),
                *BUYER,
                field("items", kind="any", required=True, description="A list of objects; with their IDs in updates."),
                *settled("currency", "billing_cycle_anchor:moment", "backdate_start_date:moment"),
                *settled("trial_period_days:number", "trial_from_plan:boolean"),
                *BILLING,
                *PAYING,
                *fields("cancel_at:moment", "cancel_at_period_end:boolean", "trial_end:moment", "payment_behavior"),
                *fields("proration_behavior", "add_invoice_items:any", "off_session:boolean", "coupon"),
                *fields("application_fee_percent:number", "trial_settings:object", "billing_thresholds:object"),
            ),
        ),
        Kind(
            "invoices",
            "invoice",
            (
                field("id", "Invoice ID", identifier=True),
                *BUYER,
                *settled("currency", "subscription", "pending_invoice_items_behavior", "from_invoice:object"),
                *BILLING,
                *PAYING,
                *fields("due_date:moment", "effective_at:moment", "auto_advance:boolean", "footer", "number"),
                *fields("custom_fields:any", "statement_descriptor", "account_tax_ids:any", "rendering:object"),
                *fields("shipping_cost:object", "shipping_details:object", "application_fee_amount:number"),
            ),
        ),
        Kind(
            "invoiceitems",
            "invoice item",
            (
                field("id", "Invoice item ID", identifier=True),
                *BUYER,
                *settled("currency", "invoice", "subscription"),
                *fields("price", "price_data:object", "amount:number", "unit_amount:number", "unit_amount_decimal"),
                *fields("quantity:number", "description", "discountable:boolean", "discounts:any", "period:object"),
                *fields("tax_rates:any", "tax_code", "tax_behavior"),
            ),
        ),
        Kind(
            "quotes",
            "quote",
            (
                field("id", "Quote ID", identifier=True),
                *fields("customer:reference", field(CUSTOMER, "Customer → e-mail", "reference")),
                *settled("from_quote:object", "test_clock"),
                field("line_items", kind="any", description="A list of objects; with their IDs in updates."),
                *BILLING,
                *fields("header", "footer", "expires_at:moment", "invoice_settings:object"),
                *fields("subscription_data:object", "application_fee_amount:number", "application_fee_percent:number"),
            ),
        ),
    )
}
