"""Conversions in real time and offline, and postbacks.

https://partner.thetradedesk.com/v3/portal/data/doc/DataConversionEventsApi and
https://partner.thetradedesk.com/v3/portal/data/doc/DataOfflineMeasurement
"""

from __future__ import annotations

from typing import Any

from connectors.destinations.tradedesk.ids import FIELDS, KNOWN, Whom, signed, whom
from connectors.sdk.destination import RowResult, rejected
from connectors.sdk.errors import BatchRejected, InternalError
from connectors.sdk.rest import Record, Results, Work, field, inside, missing
from connectors.sdk.rest.times import moment
from connectors.sdk.rest.work import text

REALTIME = "https://insight.adsrvr.org/track/realtimeconversion"
OFFLINE = "https://offlineattrib.adsrvr.org/providerapi/offlineconversion"
DEVICE_KINDS = {
    "TDID": "Trade Desk GUID (TDID)",
    "UID2": "UID2",
    "EUID": "EUID",
    "IDL": "RampID (IDL)",
    "IDFA": "IDFA",
    "AAID": "Android advertising ID (AAID)",
    "DAID": "Other device ID (DAID)",
    "NAID": "NAID",
}
PRIVACY = (
    field("privacy_type", "Privacy type", description="GDPR or GPP."),
    field("is_applicable", "Privacy settings apply", "boolean"),
    field("consent_string", "Consent string"),
)
REALTIME_TEXTS = (
    field("event_name", "Event name"),
    field("order_id", "Order ID"),
    field("currency", "Currency", description="Three letters, such as USD."),
    field("client_ip", "IP address"),
    field("referrer_url", "Referrer URL"),
    field("imp", "Impression ID"),
    *(field(f"td{number}", f"Custom property {number} (td{number})") for number in range(1, 11)),
)
REALTIME_FIELDS = (
    *(field(name, label) for name, label in DEVICE_KINDS.items()),
    field("tracker_id", "Tracking tag", description="Left out, it is the one in the settings."),
    field("value", "Value", "number"),
    field("items", "Items", "object", description="A list with item_code, name, qty, price, cat."),
    *REALTIME_TEXTS,
    *PRIVACY,
)
OFFLINE_TEXTS = (
    field("OrderId", "Order ID"),
    field("ImpressionId", "Impression ID", description="With it no other ID is needed."),
    field("EventName", "Event name"),
    field("Value", "Value", "number"),
    field("ValueCurrency", "Currency", description="Three letters, such as USD."),
    field("Country", "Country"),
    field("Region", "Region"),
    field("Metro", "Metro"),
    field("City", "City"),
    *(field(f"TD{number}", f"Custom property {number} (TD{number})") for number in range(1, 11)),
)
OFFLINE_FIELDS = (
    *FIELDS,
    field("TimestampUtc", "Time", "moment", required=True),
    field("TrackingTagId", "Offline tracking tag", description="Left out, it is the one in the settings."),
    field("LineItems", "Line items", "object", description="A list with item_code, name, qty, price, cat."),
    *OFFLINE_TEXTS,
    *PRIVACY,
)


async def write_postbacks(work: Work) -> Results:
    """One request a row: the root address with what is mapped behind it."""

    async def send(record: Record) -> None:
        told = {name: text(value) for name, value in record.items() if value is not None}
        await work.line.send("GET", str(work.config["postback_url"]), query=told)

    return await work.each(send)


async def write_realtime(work: Work) -> Results:
    """One event a request; The Trade Desk says what is wrong with it."""
    [who] = await whom(work, tuple(DEVICE_KINDS))
    try:
        event = realtime(work, work.records[0], who)
    except BatchRejected as error:
        return [rejected(error.message)]
    if isinstance(event, RowResult):
        return [event]
    response = await work.line.send("POST", REALTIME, json={"data": [event]}, takes=(400,))
    told = response.json()
    answers = told.get("EventResponses") or ()
    if not answers:
        if response.ok:
            raise InternalError("The answer says nothing of the event.")
        return [rejected(f"{response.status}: {str(told.get('Message') or told)[:300]}")]
    wrong = [str(each.get("ErrorMessage") or each.get("Error")) for each in answers[0].get("EventErrors") or ()]
    return [who.result() if answers[0]["Successful"] else rejected("; ".join(wrong) or str(told.get("Message")))]


def realtime(work: Work, record: Record, who: Whom) -> Record | RowResult:
    """An event as it is taken, or why it would be refused."""
    tracker = record.get("tracker_id") or work.settings.get("tracker")
    if not tracker:
        return rejected("tracker_id is empty.", field="tracker_id")
    if not who.ids and not record.get("imp"):
        return who.refusal
    known = {"adid": who.ids[0][1], "adid_type": who.ids[0][0]} if who.ids else {}
    more: Record = {} if record.get("value") is None else {"value": record["value"]}
    if record.get("items"):
        more["items"] = listed(record, "items")
    texts = {name: text(value) for name, value in inside(record, REALTIME_TEXTS).items()}
    whole = {"tracker_id": text(tracker), "adv": work.config["advertiser_id"]}
    return {**whole, **known, **more, **texts, **privacy(record, "privacy_settings")}


async def write_offline(work: Work) -> Results:
    """One request for a batch; what is refused is named by its place."""
    rows = await whom(work, tuple(KNOWN))
    results: list[RowResult] = []
    items: list[Record] = []
    for record, who in zip(work.records, rows, strict=True):
        try:
            made = offline(work, record, who)
        except BatchRejected as error:
            made = rejected(error.message)
        results.append(made if isinstance(made, RowResult) else who.result())
        if not isinstance(made, RowResult):
            items.append(made)
    if not items:
        return results
    config = work.config
    whole = {"DataProviderId": config["offline_provider_id"], "Items": items}
    failed = await signed(work, OFFLINE, str(config["offline_secret"]), whole)
    sent = [place for place, result in enumerate(results) if result.accepted]
    for number, message in failed.items():
        results[sent[number]] = rejected(message)
    return results


def offline(work: Work, record: Record, who: Whom) -> Record | RowResult:
    """A conversion as it is taken, or why it would be refused."""
    settings = work.settings
    tag = record.get("TrackingTagId") or settings.get("tracking_tag")
    if not tag:
        return rejected("TrackingTagId is empty.", field="TrackingTagId")
    merchant = settings["offline_kind"] == "merchant"
    if refusal := missing(record, "TimestampUtc") or (missing(record, "OrderId") if merchant else None):
        return refusal
    if not who.ids and not record.get("ImpressionId"):
        return who.refusal
    more: Record = {"MerchantId": int(settings["merchant_id"])} if merchant else {}
    if record.get("LineItems"):
        lines = listed(record, "LineItems")
        more["LineItems"] = [{name: text(value) for name, value in each.items()} for each in lines]
    happened = moment(record["TimestampUtc"], field="TimestampUtc")
    return {
        # Of two IDs of a kind the first counts: the one that was mapped.
        **dict(reversed(who.ids)),
        "TrackingTagId": text(tag),
        "TimestampUtc": f"{happened.isoformat(timespec='seconds')[:-6]}Z",
        **{name: text(value) for name, value in inside(record, OFFLINE_TEXTS).items()},
        **more,
        **privacy(record, "PrivacySettings"),
    }


def privacy(record: Record, name: str) -> Record:
    """What somebody agreed to; nothing where it is not known."""
    told = inside(record, PRIVACY)
    if not told.get("privacy_type"):
        return {}
    return {name: [{**told, "is_applicable": int(bool(told.get("is_applicable", True)))}]}


def listed(record: Record, name: str) -> list[Any]:
    """The bought things, of which there may be one only."""
    told = record[name] if isinstance(record[name], list) else [record[name]]
    if not all(isinstance(each, dict) for each in told):
        raise BatchRejected(f"{name} is not a list of objects.")
    return told
