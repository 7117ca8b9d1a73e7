"""Google Data Manager: members of audiences and conversions, for Google Ads and Display & Video 360."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar

from connectors.destinations.google_data_manager.processing import AT_ONCE, BATCH_S, handed_in
from connectors.destinations.google_data_manager.settings import (
    AD_IDS,
    CLEAR,
    EVENT,
    KEY_TYPES,
    MEMBERS,
    PEOPLE,
    SIGN_IN,
    definition,
)
from connectors.sdk.audiences import counted
from connectors.sdk.destination import DestinationField, Job, Limits, MatchStats
from connectors.sdk.errors import ConfigError
from connectors.sdk.people import Person, sent_together
from connectors.sdk.rest import Api, Line, Place, Record, RestDestination, Results, Work
from connectors.sdk.rest.api import MAX_PAGES, at
from connectors.sdk.rest.times import moment
from connectors.sdk.rest.work import besides, text
from connectors.sdk.types import Choice, Operation


def account_of(config: Mapping[str, Any]) -> str:
    """The path of the account that lists belong to."""
    return f"accountTypes/{config['product']}/accounts/{digits(config['account_id'])}"


def digits(account: Any) -> str:
    """An account's number without the dashes that Google shows."""
    return str(account).replace("-", "").strip()


def as_manager(config: Mapping[str, Any]) -> dict[str, str]:
    """Names the manager account that the caller signs in through."""
    manager = digits(config.get("login_account_id") or "")
    return {"login-account": f"accountTypes/{config['product']}/accounts/{manager}"} if manager else {}


async def lists_in(line: Line) -> AsyncIterator[Record]:
    """The account's lists that can be filled."""
    query: dict[str, Any] = {"pageSize": 1_000}
    for _ in range(MAX_PAGES):
        path = f"{account_of(line.config)}/userLists"
        answer = (await line.send("GET", path, query=query, headers=as_manager(line.config))).json()
        for each in answer.get("userLists") or ():
            if "ingestedUserListInfo" in each:
                yield each
        if not answer.get("nextPageToken"):
            return
        query["pageToken"] = answer["nextPageToken"]


async def find_list(line: Line, job: Job, name: str) -> str | None:
    """The id of the list with this name."""
    async for each in lists_in(line):
        if each["displayName"] == name:
            return str(each["id"])
    return None


async def make_list(line: Line, job: Job, name: str) -> str:
    """A new list's id."""
    body = {
        "displayName": name,
        "membershipDuration": f"{int(job.settings['membership_days']) * 86_400}s",
        "ingestedUserListInfo": list_info(job.settings),
    }
    path = f"{account_of(line.config)}/userLists"
    return str((await line.send("POST", path, json=body, headers=as_manager(line.config))).json()["id"])


LIST = Place(noun="list", discover="lists", find=find_list, make=make_list)


def list_info(settings: Mapping[str, Any]) -> Record:
    """What kind of members a new list takes."""
    kind = settings["key_type"]
    first_party = {"dataSourceType": "DATA_SOURCE_TYPE_FIRST_PARTY"}
    if kind == "CONTACT_ID":
        return {"uploadKeyTypes": [kind], "contactIdInfo": first_party}
    if kind == "USER_ID":
        return {"uploadKeyTypes": [kind], "userIdInfo": first_party}
    if not settings.get("app_id"):
        raise ConfigError("A list of mobile IDs needs the app they come from.", field="app_id")
    app = {"appId": settings["app_id"], "keySpace": settings["key_space"]}
    return {"uploadKeyTypes": [kind], "mobileIdInfo": {**first_party, **app}}


async def write_members(work: Work) -> Results:
    """Members to put into the list, or to take out of it; Google checks the request at once and matches later."""

    def make(record: Record, person: Person, made: str) -> Record | None:
        return member_of(record, person, work.settings["key_type"])

    async def send(members: list[Record]) -> Results | None:
        body: Record = {
            "destinations": [target(work.config, work.place)],
            "audienceMembers": members,
            "encoding": "HEX",
        }
        if work.leaving:
            return await handed_in(work, "audienceMembers:remove", body, len(members))
        terms = {"customerMatchTermsOfServiceStatus": "ACCEPTED"}
        body |= {"consent": consent(work), "termsOfService": terms}
        return await handed_in(work, "audienceMembers:ingest", body, len(members))

    return await sent_together(work, PEOPLE, make, send)


def member_of(record: Record, person: Person, key_type: str) -> Record | None:
    """A member by the identifiers that the list takes."""
    if key_type == "USER_ID":
        return {"userIdData": {"userId": str(record["user_id"])}} if record.get("user_id") else None
    if key_type == "MOBILE_ID":
        ids = person.values.get("mobile_id")
        return {"mobileData": {"mobileIds": list(ids)}} if ids else None
    known = identifiers(record, person)
    return {"userData": {"userIdentifiers": known}} if known else None


def identifiers(record: Record, person: Person) -> list[Record]:
    """E-mail addresses, phone numbers and the postal address of a person, at most ten."""
    known: list[Record] = [{"emailAddress": each} for each in person.values.get("email", ())]
    known += [{"phoneNumber": each} for each in person.values.get("phone", ())]
    names = {"givenName": person.first("given_name"), "familyName": person.first("family_name")}
    where = {"regionCode": person.first("region_code").upper(), "postalCode": str(record.get("postal_code") or "")}
    if all({**names, **where}.values()):
        known.append({"address": {**names, **where}})
    return known[:10]


def target(config: Mapping[str, Any], product_id: str) -> Record:
    """Where Google is to put what a request holds."""
    kind = config["product"]
    told: Record = {"operatingAccount": {"accountType": kind, "accountId": digits(config["account_id"])}}
    if manager := digits(config.get("login_account_id") or ""):
        told["loginAccount"] = {"accountType": kind, "accountId": manager}
    return {**told, "productDestinationId": product_id}


def consent(work: Work) -> dict[str, str]:
    """What the people of the sync agreed to, as Google asks for those in the European Economic Area."""
    return {
        "adUserData": work.settings["ad_user_data"],
        "adPersonalization": work.settings["ad_personalization"],
    }


async def write_events(work: Work) -> Results:
    """Up to 2,000 conversions a request."""

    def make(record: Record, person: Person, made: str) -> Record | None:
        event = event_of(work, record, person)
        return event if "adIdentifiers" in event or "userData" in event else None

    async def send(events: list[Record]) -> Results | None:
        where = target(work.config, str(work.settings["conversion_action"]))
        body = {"destinations": [where], "events": events, "encoding": "HEX", "consent": consent(work)}
        return await handed_in(work, "events:ingest", body, len(events))

    return await sent_together(work, PEOPLE, make, send)


def event_of(work: Work, record: Record, person: Person) -> Record:
    """A conversion as Google takes it."""
    happened = moment(record.get("event_timestamp") or work.job.started_at, field="event_timestamp")
    event: Record = {
        "eventTimestamp": in_zulu(happened),
        "eventSource": record.get("event_source") or work.settings["event_source"],
        **{name: record[told] for told, name in CLEAR.items() if record.get(told) is not None},
    }
    if known := identifiers(record, person):
        event["userData"] = {"userIdentifiers": known}
    if ids := {name: str(record[name]) for name in AD_IDS if record.get(name)}:
        event["adIdentifiers"] = ids
    device = {"ipAddress": record.get("ip_address"), "userAgent": record.get("user_agent")}
    if any(device.values()):
        event["eventDeviceInfo"] = {name: value for name, value in device.items() if value}
    customer = {"customerType": record.get("customer_type"), "customerValueBucket": record.get("customer_value_bucket")}
    if any(customer.values()):
        event["userProperties"] = {name: value for name, value in customer.items() if value}
    more = besides(record, EVENT).items()
    variables = [{"variable": name, "value": text(value)} for name, value in more if value is not None]
    return {**event, **({"customVariables": variables} if variables else {})}


def in_zulu(when: datetime) -> str:
    """A moment as Google takes it."""
    return when.isoformat().replace("+00:00", "Z")


def says(answer: Any) -> str:
    """Google's words with the places in the request that they are about."""
    error = answer["error"]
    places = [
        f"{violation.get('field', '')}: {violation.get('description', '')}"
        for detail in error.get("details") or ()
        for violation in detail.get("fieldViolations") or ()
    ]
    return "; ".join([str(error["message"]), *places[:5]])


class GoogleDataManagerDestination(RestDestination):
    """One account of Google Ads or of Display & Video 360."""

    api = Api(base="https://datamanager.googleapis.com/v1", version="v1", sign_in=SIGN_IN, says=says)
    definition = definition(LIST.settings)
    writers: ClassVar = {"audience": write_members, "events": write_events}
    places: ClassVar = {"audience": LIST}

    async def check(self) -> None:
        async with self.line() as line:
            path = f"{account_of(self.config)}/userLists"
            await line.send("GET", path, query={"pageSize": 1}, headers=as_manager(self.config))

    def validate(self, job: Job) -> None:
        if job.sync_type == "events":
            return
        wanted = KEY_TYPES[job.settings["key_type"]]
        if not any(each.name in wanted for each in job.fields):
            raise ConfigError(f"Map at least one of {', '.join(wanted)}.", field="mappings")

    def limits(self, job: Job, operation: Operation | None = None) -> Limits:
        """A batch that is waited for takes long, and many can wait beside each other."""
        usual = super().limits(job, operation)
        return replace(usual, batch_s=BATCH_S, concurrency=AT_ONCE) if job.settings.get("checked") else usual

    async def fields(self, sync_type: str, settings: Mapping[str, Any]) -> Sequence[DestinationField]:
        return EVENT if sync_type == "events" else MEMBERS

    async def clear(self, job: Job) -> None:
        """Take out everybody who was added before the run; who is added by it stays, though Google takes its time."""
        body = {
            "destinations": [target(self.config, LIST.id_for(job))],
            "removeAsOfTime": in_zulu(job.started_at),
        }
        async with self.line() as line:
            await line.post("audienceMembers:removeAll", body)

    async def lists(self) -> list[Choice]:
        """The account's lists of customers."""
        async with self.line() as line:
            return [Choice(str(each["id"]), each["displayName"]) async for each in lists_in(line)]

    async def match_stats(self, job: Job) -> MatchStats | None:
        """How many members Google can show advertisements to; it rounds, and tells nothing of small lists."""
        async with self.line() as line:
            path = f"{account_of(self.config)}/userLists/{LIST.id_for(job)}"
            told = (await line.send("GET", path, headers=as_manager(self.config))).json()
        count = counted(at(told, "sizeInfo.displayNetworkMembersCount"))
        return MatchStats(matched=count) if count else None
