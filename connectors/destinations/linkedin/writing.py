"""People, companies and conversions as LinkedIn takes them, which answers for each.

https://learn.microsoft.com/linkedin/marketing/matched-audiences/create-and-manage-segment-users,
https://learn.microsoft.com/linkedin/marketing/matched-audiences/create-and-manage-segment-companies and
https://learn.microsoft.com/linkedin/marketing/integrations/ads-reporting/conversions-api
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from connectors.destinations.linkedin.settings import COMPANY, CONVERSION_IDS, KNOWN_BY, PERSON, USER_IDS, USER_INFO
from connectors.sdk.destination import ACCEPTED, DestinationField, RowResult, rejected
from connectors.sdk.errors import Gone, Unavailable
from connectors.sdk.people import Person, sent_together
from connectors.sdk.rest import Record, Results, Work, inside, missing
from connectors.sdk.rest.api import at
from connectors.sdk.rest.times import unix_ms
from connectors.sdk.rest.work import text


async def batch(work: Work, path: str, elements: Sequence[Record]) -> Results:
    """Send elements of one kind; LinkedIn answers for each."""
    headers = {"X-RestLi-Method": "BATCH_CREATE"}
    answer = await work.line.send("POST", path, json={"elements": elements}, headers=headers)
    return [result(each) for each in answer.json()["elements"]]


def result(told: Record) -> RowResult:
    """What became of one element."""
    if int(told["status"]) < 400:
        return ACCEPTED
    words = at(told, "error.message") or told.get("message") or f"LinkedIn answers {told['status']}."
    return rejected(str(words)[:500])


async def into_audience(work: Work, kind: str, elements: Sequence[Record]) -> Results:
    """Put people or companies into the audience, or take them out; LinkedIn opens new ones only after seconds."""
    try:
        return await batch(work, f"dmpSegments/{work.place}/{kind}", elements)
    except Gone as gone:
        if not work.job.kept:
            raise
        await work.line.get(f"dmpSegments/{work.place}")
        raise Unavailable("LinkedIn has not opened the new audience yet.") from gone


async def write_audience(work: Work) -> Results:
    """Up to 5,000 members a request."""
    return await (write_companies(work) if work.settings["kind"] == "COMPANY" else write_users(work))


async def write_users(work: Work) -> Results:
    """People by their IDs, with what helps to recognise them."""
    action = "REMOVE" if work.leaving else "ADD"

    def make(record: Record, person: Person, made: str) -> Record | None:
        ids = ids_of(person)
        if not ids and not named(record):
            return None
        return {"action": action, **({"userIds": ids} if ids else {}), **texts(record, PERSON)}

    return await sent_together(work, USER_IDS, make, partial(into_audience, work, "users"))


async def write_companies(work: Work) -> Results:
    """Companies by whatever is known of them."""
    action = "REMOVE" if work.leaving else "ADD"

    def make(record: Record, made: str) -> Record | RowResult:
        told = texts(record, COMPANY)
        if number := told.get("organizationUrn"):
            told["organizationUrn"] = f"urn:li:organization:{number.rpartition(':')[2]}"
        return missing(record, *KNOWN_BY) or {"action": action, **told}

    return await work.together(make, partial(into_audience, work, "companies"))


async def write_conversions(work: Work) -> Results:
    """Up to 5,000 conversions a request."""

    def make(record: Record, person: Person, made: str) -> Record | None:
        ids = ids_of(person)
        if not ids and not named(record):
            return None
        return conversion(work, record, ids, made)

    return await sent_together(work, CONVERSION_IDS, make, partial(batch, work, "conversionEvents"))


def conversion(work: Work, record: Record, ids: list[Record], made: str) -> Record:
    """A conversion as LinkedIn takes it."""
    user: Record = {"userIds": ids}
    if named(record):
        user["userInfo"] = texts(record, USER_INFO)
    if record.get("externalId"):
        user["externalIds"] = [text(record["externalId"])]
    happened = record.get("conversionHappenedAt") or work.job.started_at
    told: Record = {
        "conversion": f"urn:lla:llaPartnerConversion:{work.settings['rule']}",
        "conversionHappenedAt": unix_ms(happened, field="conversionHappenedAt"),
        "user": user,
        "eventId": str(record.get("eventId") or made),
    }
    if record.get("amount") is not None and record.get("currencyCode"):
        told["conversionValue"] = {"currencyCode": record["currencyCode"], "amount": text(record["amount"])}
    return told


def ids_of(person: Person) -> list[Record]:
    """A person's IDs by their types."""
    return [{"idType": name, "idValue": each} for name, values in person.values.items() for each in values]


def named(record: Record) -> bool:
    """Whether both names are there, which may stand for an ID."""
    return bool(record.get("firstName") and record.get("lastName"))


def texts(record: Record, known: Sequence[DestinationField]) -> Record:
    """What these fields hold, as text."""
    return {name: text(value) for name, value in inside(record, known).items()}
