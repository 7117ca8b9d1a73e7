"""People in segments, by hashed e-mail addresses or by IDs, and those who want to be left alone.

https://partner.thetradedesk.com/v3/portal/data/doc/DataIntegrateCRMData and
https://partner.thetradedesk.com/v3/portal/data/doc/post-data-deletion-optout-advertiser
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

from connectors.destinations.tradedesk.ids import in_items
from connectors.destinations.tradedesk.uid2 import in_base64
from connectors.sdk import people
from connectors.sdk.destination import Job, MatchStats
from connectors.sdk.people import Identifier, Person, sent_together
from connectors.sdk.rest import Line, Place, Record, Results, Work

EMAIL = Identifier(name="email", label="E-mail", normal=people.uid2_email, description="Or its SHA-256.")
# How many people The Trade Desk saw in the last seven days.
ACTIVE = """query Active($advertiser: ID!) {{ advertiser(id: $advertiser) {{ firstPartyData(
first: 50 where: {{ name: {{ contains: {name} }} }}) {{ nodes {{ id name activeUniques {{ idsCount }} }} }} }} }}"""
MINUTES = 24 * 60


def token(config: Mapping[str, Any]) -> dict[str, str]:
    """The header that the platform's own interface wants."""
    return {"TTD-Auth": str(config["api_token"])}


async def segments(line: Line) -> AsyncIterator[Record]:
    """The advertiser's CRM segments; the last page is an empty one."""
    page, path = "", f"crmdata/segment/{line.config['advertiser_id']}"
    while True:
        query = {"pagingToken": page} if page else None
        told = (await line.send("GET", path, query=query, headers=token(line.config))).json()
        for each in told.get("Segments") or ():
            yield each
        if not told.get("Segments") or told.get("PagingToken") in (None, "", page):
            return
        page = told["PagingToken"]


async def find_segment(line: Line, job: Job, name: str) -> str | None:
    """The id of the segment with this name."""
    async for each in segments(line):
        if each["SegmentName"] == name and each["Region"] == job.settings["pii_region"]:
            return str(each["CrmDataId"])
    return None


async def make_segment(line: Line, job: Job, name: str) -> str:
    """A new segment's id."""
    body = {"AdvertiserId": line.config["advertiser_id"], "SegmentName": name, "Region": job.settings["pii_region"]}
    told = await line.send("POST", "crmdata/segment", json=body, headers=token(line.config))
    return str(told.json()["CrmDataId"])


SEGMENT = Place(
    noun="segment", discover="segment_choices", find=find_segment, make=make_segment, depends=("pii_region",)
)


async def write_crm(work: Work) -> Results:
    """Hashes in a file, one a line, which an address takes that The Trade Desk names for it."""

    def make(record: Record, person: Person, made: str) -> str | None:
        return in_base64(person.first(EMAIL.name)) or None

    async def send(hashes: list[str]) -> None:
        path = f"crmdata/segment/{work.config['advertiser_id']}/{work.place}"
        body = {"PiiType": "EmailHashedUnifiedId2", "MergeMode": "Add"}
        told = (await work.line.send("POST", path, json=body, headers=token(work.config))).json()
        # Who has the address may write there.
        work.line.hide(told["Url"].partition("?")[2])
        await work.line.send("PUT", told["Url"], body="\n".join(hashes).encode(), content_type="text/plain")

    return await sent_together(work, (EMAIL,), make, send)


async def write_first_party(work: Work) -> Results:
    """One request for a batch; those who leave stay for no time at all."""
    config = work.config
    url = f"{config['data_server']}/data/advertiser"
    whole = {"AdvertiserId": config["advertiser_id"]}
    return await in_items(work, url, str(config["advertiser_secret"]), whole, {"Data": [element(work)]})


async def write_third_party(work: Work) -> Results:
    """As for first-party data, in the provider's own taxonomy."""
    config = work.config
    url = f"{config['data_server']}/data/thirdparty"
    whole = {"DataProviderId": config["provider_id"]}
    return await in_items(work, url, str(config["provider_secret"]), whole, {"Data": [element(work)]})


def element(work: Work) -> Record:
    """The segment, and for how long somebody is in it."""
    stays = 0 if work.leaving else int(work.settings["ttl_days"]) * MINUTES
    return {"Name": name_of(work.job), "TTLInMinutes": stays}


def name_of(job: Job) -> str:
    """What the segment is called."""
    return str(job.settings.get("element") or "").strip() or job.model_name


async def write_privacy(work: Work) -> Results:
    """Opt-outs or deletions, an item for each ID."""
    config, settings = work.config, work.settings
    kind = settings["data_kind"]
    owner: Record = {"AdvertiserId": config.get("advertiser_id")}
    if kind == "thirdparty":
        owner = {"DataProviderId": config.get("provider_id"), "BrandId": settings["brand_id"]}
    elif kind == "merchant":
        owner = {"MerchantId": int(settings["merchant_id"])}
    secret = config["advertiser_secret" if kind == "advertiser" else "provider_secret"]
    url = f"{config['data_server']}/data/deletion-optout/{kind}"
    return await in_items(
        work, url, str(secret), {**owner, "RequestType": "Deletion" if settings["delete"] else "OptOut"}, {}
    )


async def active(line: Line, job: Job, graph: str) -> MatchStats | None:
    """How many IDs of the job's segment came up for bidding in the last seven days."""
    name, known = name_of(job), ""
    if job.sync_type == "crm":
        own = SEGMENT.id_for(job)
        found = [each async for each in segments(line) if str(each["CrmDataId"]) == own]
        if not found:
            return None
        name, known = found[0]["SegmentName"], str(found[0]["FirstPartyDataId"])
    body = {
        "query": ACTIVE.format(name=json.dumps(name)),
        "variables": {"advertiser": line.config["advertiser_id"]},
    }
    told = (await line.send("POST", graph, json=body, headers=token(line.config))).json()
    for each in told["data"]["advertiser"]["firstPartyData"]["nodes"]:
        if str(each["id"]) == known or (not known and each["name"] == name):
            return MatchStats(matched=int(each["activeUniques"]["idsCount"]), status="Active in the last 7 days")
    return None
