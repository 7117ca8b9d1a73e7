"""Conversions after clicks and calls, and their adjustments.

https://developers.google.com/google-ads/api/docs/conversions/upload-offline
"""

from __future__ import annotations

from typing import Any

from connectors.destinations.google_ads import account, failures
from connectors.destinations.google_ads.settings import COUNTRY, CUSTOM_VARIABLE, EMAIL, NAMES, PHONE, STREET
from connectors.sdk.destination import RowResult, rejected
from connectors.sdk.people import Person, in_e164, sent_together
from connectors.sdk.rest import Record, Results, Work, missing
from connectors.sdk.rest.times import moment
from connectors.sdk.rest.work import text

AD_IDS = ("gclid", "gbraid", "wbraid")
CLEAR = {
    "order_id": "orderId",
    "currency_code": "currencyCode",
    "conversion_environment": "conversionEnvironment",
    "customer_type": "customerType",
}
ENHANCING = (EMAIL, PHONE, *NAMES, STREET, COUNTRY)
MOST_IDENTIFIERS = 5


async def upload(work: Work, method: str, name: str, parts: list[Record]) -> Results:
    """Send parts; Google takes those that it can and names the others."""
    chosen = work.settings["account"]
    answer = await account.post(
        work.line, chosen, f"{account.path(chosen)}:{method}", {name: parts, "partialFailure": True}
    )
    return failures.results(len(parts), answer.get("partialFailureError"))


async def write_clicks(work: Work) -> Results:
    """Up to 2,000 conversions a request, known by a click ID or by personal data (enhanced conversions for leads)."""

    def make(record: Record, person: Person, made: str) -> Record | RowResult | None:
        ids = {name: text(record[name]) for name in AD_IDS if record.get(name)}
        known = contacts(person)[:MOST_IDENTIFIERS]
        if not ids and not known:
            return None
        told = {**ids, **({"userIdentifiers": first_party(known)} if known else {})}
        return missing(record, "conversion_date_time") or {**told, **conversion(work, record)}

    async def send(parts: list[Record]) -> Results:
        return await upload(work, "uploadClickConversions", "conversions", parts)

    return await sent_together(work, (EMAIL, PHONE), make, send)


async def write_calls(work: Work) -> Results:
    """Up to 2,000 conversions a request, known by who called and when."""
    country = str(work.settings.get("phone_country") or "").upper()

    def make(record: Record, made: str) -> Record | RowResult:
        for name in ("caller_id", "call_start_date_time", "conversion_date_time"):
            if refusal := missing(record, name):
                return refusal
        try:
            caller = in_e164(text(record["caller_id"]), country)
        except ValueError as error:
            return rejected(f"Caller ID {error}.", field="caller_id")
        return {
            "callerId": caller,
            "callStartDateTime": stamp(record, "call_start_date_time"),
            **conversion(work, record),
        }

    async def send(parts: list[Record]) -> Results:
        return await upload(work, "uploadCallConversions", "conversions", parts)

    return await work.together(make, send)


async def write_adjustments(work: Work) -> Results:
    """Up to 2,000 adjustments a request."""
    kind = work.settings["adjustment_type"]

    def make(record: Record, person: Person, made: str) -> Record | RowResult | None:
        enhances = kind == "ENHANCEMENT"
        refusal = missing(record, "order_id") if enhances else unknown(record)
        told = {**adjusted(work, record), "adjustmentType": kind}
        if kind == "RESTATEMENT":
            refusal = refusal or missing(record, "restatement_value")
            told["restatementValue"] = restated(record)
        if enhances:
            known = [*contacts(person), *address(record, person)][:MOST_IDENTIFIERS]
            if not known and not refusal:
                return None
            told["userIdentifiers"] = [{**each, "userIdentifierSource": work.settings["party"]} for each in known]
            if record.get("user_agent"):
                told["userAgent"] = record["user_agent"]
        return refusal or told

    async def send(parts: list[Record]) -> Results:
        return await upload(work, "uploadConversionAdjustments", "conversionAdjustments", parts)

    return await sent_together(work, ENHANCING if kind == "ENHANCEMENT" else (), make, send)


def conversion(work: Work, record: Record) -> Record:
    """What conversions after clicks and calls have in common."""
    told: Record = {"conversionAction": action(work), "conversionDateTime": stamp(record, "conversion_date_time")}
    if record.get("conversion_value") is not None:
        told["conversionValue"] = record["conversion_value"]
    told |= {name: text(record[own]) for own, name in CLEAR.items() if record.get(own)}
    if agreed := consent(record):
        told["consent"] = agreed
    if variables := [n for n in record if n.startswith(CUSTOM_VARIABLE) and record[n] is not None]:
        where = f"{account.path(work.settings['account'])}/conversionCustomVariables"
        told["customVariables"] = [
            {"conversionCustomVariable": f"{where}/{n.removeprefix(CUSTOM_VARIABLE)}", "value": text(record[n])}
            for n in variables
        ]
    return told


def unknown(record: Record) -> RowResult | None:
    """The refusal of a row that names no conversion."""
    if record.get("order_id") or (record.get("gclid") and record.get("conversion_date_time")):
        return None
    return rejected("An order ID, or a click ID and the conversion time, is needed.", field="order_id")


def adjusted(work: Work, record: Record) -> Record:
    """Which conversion is adjusted, and when. Google takes an order ID or a click, both only of enhancements."""
    told: Record = {"conversionAction": action(work)}
    if record.get("order_id"):
        told["orderId"] = text(record["order_id"])
    pair = {"gclid": text(record["gclid"])} if record.get("gclid") else {}
    if record.get("conversion_date_time") is not None:
        pair["conversionDateTime"] = stamp(record, "conversion_date_time")
    if pair and (work.settings["adjustment_type"] == "ENHANCEMENT" or "orderId" not in told):
        told["gclidDateTimePair"] = pair
    happened = record.get("adjustment_date_time") or work.job.started_at
    return {**told, "adjustmentDateTime": stamp({"adjustment_date_time": happened}, "adjustment_date_time")}


def restated(record: Record) -> Record:
    """The new value."""
    currency = {"currencyCode": record["restatement_currency"]} if record.get("restatement_currency") else {}
    return {"adjustedValue": record.get("restatement_value"), **currency}


def action(work: Work) -> str:
    """The conversion action that the sync is for."""
    return f"{account.path(work.settings['account'])}/conversionActions/{work.settings['conversion_action']}"


def consent(told: Any) -> dict[str, str]:
    """What a person agreed to; nothing where it was not asked for."""
    values = {"adUserData": told.get("ad_user_data"), "adPersonalization": told.get("ad_personalization")}
    return {name: str(value) for name, value in values.items() if value and value != "UNSPECIFIED"}


def contacts(person: Person) -> list[Record]:
    """E-mail addresses and phone numbers, each by itself as Google wants them."""
    mails = [{"hashedEmail": each} for each in person.values.get("email", ())]
    return [*mails, *({"hashedPhoneNumber": each} for each in person.values.get("phone", ()))]


def address(record: Record, person: Person) -> list[Record]:
    """The postal address, which counts with both names, country and postal code only."""
    needed = {
        "hashedFirstName": person.first("first_name"),
        "hashedLastName": person.first("last_name"),
        "countryCode": person.first("country").upper(),
        "postalCode": text(record.get("postal_code") or ""),
    }
    if not all(needed.values()):
        return []
    more = {"city": record.get("city"), "state": record.get("state"), "hashedStreetAddress": person.first(STREET.name)}
    return [{"addressInfo": {**needed, **{name: text(value) for name, value in more.items() if value}}}]


def first_party(known: list[Record]) -> list[Record]:
    """Identifiers that the advertiser has from the people themselves."""
    return [{**each, "userIdentifierSource": "FIRST_PARTY"} for each in known]


def stamp(record: Record, name: str) -> str:
    """A moment as Google writes it, in UTC."""
    return moment(record[name], field=name).isoformat(" ", "seconds")
