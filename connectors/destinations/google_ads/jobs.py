"""Members of customer lists and sales in shops, which Google takes as jobs and works through within a day.

https://developers.google.com/google-ads/api/docs/remarketing/audience-segments/customer-match/add-to-list

A job counts only once it is run. Its name is durable before that, together with what was refused: after a crash it is
run, or found running, and nothing goes twice. Jobs that nobody ran are dropped by Google.
"""

from __future__ import annotations

import json

from connectors.destinations.google_ads import account, failures
from connectors.destinations.google_ads.conversions import action, address, consent, contacts, stamp
from connectors.destinations.google_ads.settings import CONTACTS, MOBILE
from connectors.sdk import receipts
from connectors.sdk.destination import ACCEPTED, RowResult
from connectors.sdk.people import Person, sent_together
from connectors.sdk.rest import Record, Results, Work, by_index, missing
from connectors.sdk.rest.work import text

MOST_IDENTIFIERS = 10
STATUS = "SELECT offline_user_data_job.status FROM offline_user_data_job WHERE offline_user_data_job.id = {}"


async def write_members(work: Work) -> Results:
    """Members to put into the list, or to take out of it: a job for each batch."""
    operation = "remove" if work.leaving else "create"
    known = (MOBILE,) if work.settings["key_type"] == "MOBILE_ADVERTISING_ID" else CONTACTS

    def make(record: Record, person: Person, made: str) -> Record | None:
        ids = identifiers(record, person, str(work.settings["key_type"]))
        return {operation: {"userIdentifiers": ids}} if ids else None

    async def send(operations: list[Record]) -> Results:
        metadata: Record = {"userList": f"{account.path(work.settings['account'])}/userLists/{work.place}"}
        if not work.leaving and (agreed := consent(work.settings)):
            metadata["consent"] = agreed
        job = {"type": "CUSTOMER_MATCH_USER_LIST", "customerMatchUserListMetadata": metadata}
        return await run(work, job, operations)

    return await sent_together(work, known, make, send)


def identifiers(record: Record, person: Person, key_type: str) -> list[Record]:
    """What identifies a member in this kind of list."""
    if key_type == "CRM_ID":
        return [{"thirdPartyUserId": text(record["user_id"])}] if record.get("user_id") else []
    if key_type == "MOBILE_ADVERTISING_ID":
        return [{"mobileId": each} for each in person.values.get(MOBILE.name, ())][:MOST_IDENTIFIERS]
    return [*contacts(person), *address(record, person)][:MOST_IDENTIFIERS]


async def write_sales(work: Work) -> Results:
    """Sales in shops: a job for each batch."""
    third = work.settings["party"] == "THIRD_PARTY"

    def make(record: Record, person: Person, made: str) -> Record | RowResult | None:
        for name in ("transaction_date_time", "transaction_amount_micros", "currency_code"):
            if refusal := missing(record, name):
                return refusal
        ids = [*contacts(person), *address(record, person)][:MOST_IDENTIFIERS]
        if third:
            ids = (
                [{"thirdPartyUserId": text(record["third_party_user_id"])}] if record.get("third_party_user_id") else []
            )
        return {"create": sale(work, record, ids)} if ids else None

    async def send(operations: list[Record]) -> Results:
        job = {"type": f"STORE_SALES_UPLOAD_{work.settings['party']}", "storeSalesMetadata": sales(work)}
        return await run(work, job, operations)

    return await sent_together(work, CONTACTS, make, send)


def sale(work: Work, record: Record, ids: list[Record]) -> Record:
    """One sale as Google takes it."""
    told: Record = {
        "transactionDateTime": stamp(record, "transaction_date_time"),
        "transactionAmountMicros": record["transaction_amount_micros"],
        "currencyCode": record["currency_code"],
        "conversionAction": action(work),
    }
    more = {"order_id": "orderId", "custom_value": "customValue"}
    told |= {name: text(record[own]) for own, name in more.items() if record.get(own)}
    if record.get("store_code"):
        told["storeAttribute"] = {"storeCode": text(record["store_code"])}
    agreed = consent(record)
    return {"userIdentifiers": ids, "transactionAttribute": told, **({"consent": agreed} if agreed else {})}


def sales(work: Work) -> Record:
    """What Google asks about the sales as a whole."""
    told = work.settings
    about: Record = {
        "loyaltyFraction": told["loyalty_fraction"],
        "transactionUploadFraction": told["transaction_upload_fraction"],
    }
    if told.get("custom_key"):
        about["customKey"] = told["custom_key"]
    if told["party"] == "THIRD_PARTY":
        about["thirdPartyMetadata"] = {
            "advertiserUploadDateTime": f"{work.job.started_at:%Y-%m-%d %H:%M:%S}",
            "validTransactionFraction": told["valid_transaction_fraction"],
            "partnerMatchFraction": told["partner_match_fraction"],
            "partnerUploadFraction": told["partner_upload_fraction"],
            "bridgeMapVersionId": told["bridge_map_version_id"],
            "partnerId": told["partner_id"],
        }
    return about


async def run(work: Work, job: Record, operations: list[Record]) -> Results:
    """Begin a job and tell what of it was taken; one that a crash left behind is only seen to run."""
    chosen, receipt = work.settings["account"], receipts.current()
    if receipt.value:
        left = json.loads(receipt.value)
        if await status(work, left["job"]) == "PENDING":
            await account.post(work.line, chosen, f"{left['job']}:run", {})
        return by_index(len(operations), ((place, words) for place, words in left["refused"]))
    made = await account.post(work.line, chosen, f"{account.path(chosen)}/offlineUserDataJobs:create", {"job": job})
    name = made["resourceName"]
    body = {"operations": operations, "enablePartialFailure": True}
    answer = await account.post(work.line, chosen, f"{name}:addOperations", body)
    told = failures.results(len(operations), answer.get("partialFailureError"))
    refused = [(place, each.message) for place, each in enumerate(told) if each is not ACCEPTED]
    if len(refused) < len(operations):
        await receipt.keep(json.dumps({"job": name, "refused": refused}))
        await account.post(work.line, chosen, f"{name}:run", {})
    return told


async def status(work: Work, name: str) -> str:
    """Where a job is: PENDING, RUNNING, SUCCESS or FAILED."""
    query = STATUS.format(int(name.rpartition("/")[2]))
    async for found in account.rows(work.line, work.settings["account"], query):
        return str(found["offlineUserDataJob"]["status"])
    return ""
