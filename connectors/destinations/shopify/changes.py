"""Rows as changes of Shopify's GraphQL interface: https://shopify.dev/docs/api/admin-graphql"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from connectors.destinations.shopify.settings import ACTIONS, METAFIELD
from connectors.sdk.rest import Record, Work
from connectors.sdk.rest.graphql import Mutation
from connectors.sdk.rest.times import moment
from connectors.sdk.rest.work import text
from connectors.sdk.rows import dumps

ERRORS = "userErrors { field message }"
LISTS = frozenset({"tags", "taxExemptions", "collectionsToJoin"})
MOMENTS = frozenset(
    {"startsAt", "endsAt", "happenedAt", "estimatedDeliveryAt", "fulfillAt"}
    | {"published_at", "happened_at", "estimated_delivery_at", "new_fulfill_at"}
)
MONEY = frozenset({"price", "compareAtPrice", "cost"})  # decimals are texts, so that no digit is lost


def gid(kind: str, value: Any) -> str:
    """An ID as Shopify has them; plain numbers are those of the admin's addresses."""
    told = text(value)
    return told if told.startswith("gid://") else f"gid://shopify/{kind}/{told}"


def listed(value: Any) -> list[str]:
    """One, several between commas, or a list."""
    many = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else [value]
    return [told for each in many if each is not None and (told := text(each).strip())]


def input_of(work: Work, record: Record, *, without: tuple[str, ...] = ("id",)) -> Record:
    """A row as an input: parts of objects nested, lists as lists, metafields apart."""
    kinds = {each.name: each.native_type for each in work.job.fields}
    told: Record = {}
    for name, value in record.items():
        outer, _, inner = name.partition(".")
        if name in without:
            continue
        if name.startswith(METAFIELD):
            if value is not None:
                told.setdefault("metafields", []).append(metafield(inner, value, kinds[name]))
        elif inner:
            told.setdefault(outer, {})[inner] = plain(inner, value)
        else:
            told[name] = plain(name, value)
    return told


def plain(name: str, value: Any) -> Any:
    """A value as Shopify takes it."""
    if name in LISTS:
        return listed(value)
    if value is None or isinstance(value, dict | list | bool):
        return value
    if name in MOMENTS:
        return moment(value, field=name).isoformat().replace("+00:00", "Z")
    return text(value) if name in MONEY or isinstance(value, str) else value


def metafield(name: str, value: Any, kind: str) -> Record:
    """A custom field: ``namespace.key``."""
    namespace, _, key = name.rpartition(".")
    told = dumps(value).decode() if isinstance(value, dict | list) else text(value)
    return {"namespace": namespace, "key": key, "value": told, **({"type": kind} if kind else {})}


def made(work: Work, record: Record) -> Mutation:
    """A new record."""
    return MAKES[work.job.sync_type](work, record)


def changed(work: Work, record: Record, key: str) -> Mutation:
    """A change of a record that is there."""
    return CHANGES[work.job.sync_type](work, record, key)


def _some(told: Record) -> Record:
    return {name: value for name, value in told.items() if value is not None}


def _change(name: str, **variables: tuple[str, Any]) -> Mutation:
    return Mutation(name, variables, ERRORS)


def _product(record: Record) -> tuple[str, str]:
    return "ID!", gid("Product", record["productId"])


def _new_customer(work: Work, record: Record) -> Mutation:
    return _change("customerCreate", input=("CustomerInput!", _some(input_of(work, record))))


def _customer(work: Work, record: Record, key: str) -> Mutation:
    told = {**input_of(work, record), "id": gid("Customer", key)}
    return _change("customerUpdate", input=("CustomerInput!", told))


def _new_product(work: Work, record: Record) -> Mutation:
    return _change("productCreate", product=("ProductCreateInput!", _some(input_of(work, record))))


def _changed_product(work: Work, record: Record, key: str) -> Mutation:
    told = {**input_of(work, record, without=("giftCard", "productOptions")), "id": gid("Product", key)}
    return _change("productUpdate", product=("ProductUpdateInput!", told))


def _new_variant(work: Work, record: Record) -> Mutation:
    told = _some(input_of(work, record, without=("productId",)))
    kind = "[ProductVariantsBulkInput!]!"
    return _change("productVariantsBulkCreate", productId=_product(record), variants=(kind, [told]))


def _variant(work: Work, record: Record, key: str) -> Mutation:
    told = {**input_of(work, record, without=("productId", "id")), "id": gid("ProductVariant", key)}
    kind = "[ProductVariantsBulkInput!]!"
    return _change("productVariantsBulkUpdate", productId=_product(record), variants=(kind, [told]))


def _new_option(work: Work, record: Record) -> Mutation:
    told = _some(input_of(work, record, without=("productId", "values")))
    if record.get("values") is not None:
        told["values"] = [{"name": each} for each in listed(record["values"])]
    return _change("productOptionsCreate", productId=_product(record), options=("[OptionCreateInput!]!", [told]))


def _option(work: Work, record: Record, key: str) -> Mutation:
    told = {**input_of(work, record, without=("productId", "id")), "id": gid("ProductOption", key)}
    return _change("productOptionUpdate", productId=_product(record), option=("OptionUpdateInput!", _some(told)))


def _new_code(work: Work, record: Record) -> Mutation:
    discount = gid("DiscountCodeNode", record["priceRuleId"])
    codes = [{"code": text(record["code"])}]
    kind = "[DiscountRedeemCodeInput!]!"
    return _change("discountRedeemCodeBulkAdd", discountId=("ID!", discount), codes=(kind, codes))


def _discount(work: Work, record: Record, key: str) -> Mutation:
    told = ("DiscountCodeBasicInput!", input_of(work, record, without=("id", "priceRuleId")))
    return _change("discountCodeBasicUpdate", id=("ID!", gid("DiscountCodeNode", key)), basicCodeDiscount=told)


def _item(work: Work, record: Record, key: str) -> Mutation:
    told = ("InventoryItemInput!", input_of(work, record))
    return _change("inventoryItemUpdate", id=("ID!", gid("InventoryItem", key)), input=told)


def _event(work: Work, record: Record) -> Mutation:
    told = _some(input_of(work, record, without=("orderId",)))
    told["fulfillmentId"] = gid("Fulfillment", told["fulfillmentId"])
    return _change("fulfillmentEventCreate", fulfillmentEvent=("FulfillmentEventInput!", told))


def _action(work: Work, record: Record) -> Mutation:
    chosen = str(work.settings["action"])
    told = _some(input_of(work, record))
    more: dict[str, tuple[str, Any]] = {}
    if chosen == "hold":
        more["fulfillmentHold"] = ("FulfillmentOrderHoldInput!", told)
    elif chosen == "move":
        more["newLocationId"] = ("ID!", gid("Location", told["newLocationId"]))
    elif chosen == "reschedule":
        more["fulfillAt"] = ("DateTime!", told["fulfillAt"])
    elif chosen == "incomplete" and "message" in told:
        more["message"] = ("String", told["message"])
    return _change(ACTIONS[chosen][0], id=("ID!", gid("FulfillmentOrder", record["id"])), **more)


MAKES: Mapping[str, Callable[[Work, Record], Mutation]] = {
    "customers": _new_customer,
    "products": _new_product,
    "variants": _new_variant,
    "options": _new_option,
    "discounts": _new_code,
    "events": _event,
    "actions": _action,
}
CHANGES: Mapping[str, Callable[[Work, Record, str], Mutation]] = {
    "customers": _customer,
    "products": _changed_product,
    "variants": _variant,
    "options": _option,
    "discounts": _discount,
    "inventory_items": _item,
}
