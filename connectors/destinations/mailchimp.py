"""Mailchimp: members of an audience, and tags."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Any, ClassVar

from connectors.sdk.destination import (
    ACCEPTED,
    DestinationDefinition,
    DestinationField,
    Job,
    Limits,
    Removal,
    RowResult,
    SyncType,
)
from connectors.sdk.fields import SPLIT_RETRY, Select, Text
from connectors.sdk.modes import members, upsert
from connectors.sdk.rest import (
    Api,
    Basic,
    Found,
    Line,
    Place,
    Record,
    RestDestination,
    Results,
    Work,
    by_value,
    field,
    fields,
    missing,
)
from connectors.sdk.rest.work import NOTHING_TO_REMOVE, text
from connectors.sdk.types import Choice, Operation, Verification

MERGE = "merge_fields."
LOCATION = "location."
KINDS = {"number": "number", "date": "date", "address": "object"}
EMAIL = field("email_address", "E-mail", identifier=True, required=True)
STATUS = field("status", "Status", description="subscribed, unsubscribed, pending, transactional or cleaned.")
MEMBER = fields(
    *(EMAIL, STATUS, "email_type", "language", "vip:boolean"),
    *(field(LOCATION + name, f"Location: {name}", "number") for name in ("latitude", "longitude")),
    *("ip_signup", "timestamp_signup:moment", "ip_opt", "timestamp_opt:moment"),
)
# Mailchimp takes ten connections at once from an account, and 500 members a request.
BATCHES = Limits(batch_rows=500, concurrency=4, timeout_s=120)
AT_ONCE = 4
ONE_BY_ONE = Limits(batch_rows=50, concurrency=2, batch_s=600)
AUDIENCE = Select(name="audience", label="Audience", discover="audiences")


async def write_members(work: Work) -> Results:
    """Members by the hundred, or one by one where those that are there keep their status."""
    if work.removing:
        return await remove_members(work)
    put = put_batch if work.settings.get("known") == "change" else put_each
    return await work.by_match(Found({}, str.lower), create=put)


async def put_batch(work: Work) -> Results:
    """One request for all; its errors name e-mail addresses."""
    told = [{"status": work.settings["new_status"], **member_of(record, work)} for record in work.records]
    answer = await work.line.post(f"lists/{work.settings['audience']}", {"members": told, "update_existing": True})
    errors = ((error["email_address"], error["error"]) for error in answer["errors"])
    return by_value([record[EMAIL.name] for record in work.records], errors)


async def put_each(work: Work) -> Results:
    """One request a member: Mailchimp then knows which status new ones get."""

    async def send(record: Record) -> RowResult | None:
        told = {**member_of(record, work), "status_if_new": record.get(STATUS.name) or work.settings["new_status"]}
        await work.line.send("PUT", member_path(work, record), json=told)
        return None

    return await work.each(send, at_once=AT_ONCE)


async def remove_members(work: Work) -> Results:
    """Archive members, or delete them for good."""
    forever = work.settings.get("removed") == "delete"

    async def send(record: Record) -> RowResult | None:
        if refusal := missing(record, EMAIL.name):
            return refusal
        path = member_path(work, record)
        method, path = ("POST", f"{path}/actions/delete-permanent") if forever else ("DELETE", path)
        answer = await work.line.send(method, path, takes=(404,))
        return NOTHING_TO_REMOVE if answer.status == 404 else None

    return await work.each(send, at_once=AT_ONCE)


async def write_tag(work: Work) -> Results:
    """Give or take a tag; only members of the audience can have one."""
    results = [missing(record, EMAIL.name) or ACCEPTED for record in work.records]
    told = [text(record[EMAIL.name]) for record, result in zip(work.records, results, strict=True) if result.accepted]
    if not told:
        return results
    part = "members_to_remove" if work.leaving else "members_to_add"
    answer = await work.line.post(f"lists/{work.settings['audience']}/segments/{work.place}", {part: told})
    errors = [(address, error["error"]) for error in answer["errors"] for address in error["email_addresses"]]
    outcome = iter(by_value(told, errors))
    return [next(outcome) if result.accepted else result for result in results]


async def find_tag(line: Line, job: Job, name: str) -> str | None:
    """The id of the tag with this name."""
    return next((each.value for each in await tags_of(line, job.settings["audience"]) if each.label == name), None)


async def make_tag(line: Line, job: Job, name: str) -> str:
    """A new tag's id; Mailchimp calls tags static segments."""
    made = await line.post(f"lists/{job.settings['audience']}/segments", {"name": name, "static_segment": []})
    return str(made["id"])


async def tags_of(line: Line, audience: str) -> list[Choice]:
    """The tags of an audience."""
    found = paged(line, f"lists/{audience}/segments", "segments", {"type": "static"})
    return [Choice(str(each["id"]), each["name"]) async for each in found]


def paged(line: Line, path: str, items: str, query: Record | None = None) -> Any:
    """A list of Mailchimp's, which comes a thousand at a time."""
    seen = 0

    def following(answer: Any) -> Record | None:
        nonlocal seen
        seen += len(answer[items])
        return {"offset": seen} if answer[items] and seen < answer["total_items"] else None

    return line.pages(path, items, following, {**(query or {}), "count": 1_000})


def member_path(work: Work, record: Record) -> str:
    """The address of a member: the MD5 of its e-mail address in lower case."""
    address = text(record[EMAIL.name]).lower().encode()
    return f"lists/{work.settings['audience']}/members/{hashlib.md5(address, usedforsecurity=False).hexdigest()}"


def member_of(record: Record, work: Work) -> Record:
    """A row as Mailchimp takes it; merge fields are emptied by an empty text, other fields not at all."""
    kinds = {each.name: each.native_type for each in work.job.fields}
    told: Record = {}
    for name, value in record.items():
        if name.startswith(MERGE):
            told.setdefault("merge_fields", {})[name.removeprefix(MERGE)] = merged(value, kinds.get(name, ""))
        elif value is not None and name.startswith(LOCATION):
            told.setdefault("location", {})[name.removeprefix(LOCATION)] = value
        elif value is not None:
            told[name] = value
    return told


def merged(value: Any, kind: str) -> Any:
    """The value of a merge field; birthdays are written as month and day."""
    if kind == "birthday" and (day := re.match(r"\d{4}-(\d\d)-(\d\d)", text(value) if value is not None else "")):
        return f"{day[1]}/{day[2]}"
    return "" if value is None else value


def says(answer: Any) -> str:
    """Mailchimp's own words."""
    errors = [f"{error['field']}: {error['message']}" for error in answer.get("errors") or ()]
    return "; ".join([str(answer["detail"]), *errors])


TAG = Place(noun="tag", discover="tags", find=find_tag, make=make_tag, depends=("audience",))


class MailchimpDestination(RestDestination):
    """A Mailchimp account."""

    api = Api(
        base=lambda config: f"https://{config['data_center']}.api.mailchimp.com/3.0",
        version="3.0",
        sign_in=Basic(
            user="headrace",
            password=Text(name="api_key", label="API key", help="Profile → Extras → API keys.", secret=True),
        ),
        test=("GET", "ping"),
        says=says,
    )
    definition = DestinationDefinition(
        key="mailchimp",
        name="Mailchimp",
        category="E-mail & lifecycle",
        summary="Members of audiences, with merge fields, and tags.",
        docs_url="docs/destinations/mailchimp.md",
        fields=(
            Text(
                name="data_center",
                label="Data center",
                help="The first part of the address when you are signed in: us1 in us1.admin.mailchimp.com.",
                pattern=r"[a-z]{2,4}\d{1,3}",
                pattern_hint="Letters and a number, such as us1.",
            ),
            *api.sign_in.fields,
        ),
        verification=Verification.DOCS,
        sync_types=(
            SyncType(
                key="members",
                name="Members",
                description="Members of an audience, by e-mail address.",
                modes=(upsert(Removal.DELETE, noun="members"),),
                settings=(
                    AUDIENCE,
                    Select(
                        name="new_status",
                        label="New members are",
                        default="subscribed",
                        choices=(
                            Choice("subscribed", "Subscribed"),
                            Choice("pending", "Asked to confirm by e-mail"),
                            Choice("transactional", "Not subscribed"),
                            Choice("unsubscribed", "Unsubscribed"),
                        ),
                    ),
                    Select(
                        name="known",
                        label="Members that are there",
                        style="cards",
                        default="keep",
                        choices=(
                            Choice("keep", "Keep their status", "Unless a status is mapped. One request a member."),
                            Choice("change", "Get the status, too", "The row's, or that of new ones. 500 a request."),
                        ),
                    ),
                    Select(
                        name="removed",
                        label="Deleting a member",
                        default="archive",
                        choices=(
                            Choice("archive", "Archives it", "It can come back."),
                            Choice("delete", "Deletes it for good", "It can never be imported again."),
                        ),
                    ),
                    SPLIT_RETRY,
                ),
                limits=BATCHES,
                split_retry=True,
            ),
            SyncType(
                key="tag",
                name="Tag",
                description="Members of an audience that have a tag.",
                modes=members("tag", into="Gives rows the tag.", out="Takes the tag from rows."),
                settings=(AUDIENCE, *TAG.settings),
                limits=BATCHES,
            ),
        ),
    )
    writers: ClassVar = {"members": write_members, "tag": write_tag}
    places: ClassVar = {"tag": TAG}

    def limits(self, job: Job, operation: Operation | None = None) -> Limits:
        single = job.settings.get("known") != "change" or operation in (None, Operation.REMOVED)
        return ONE_BY_ONE if job.sync_type == "members" and single else BATCHES

    async def fields(self, sync_type: str, settings: Any) -> Sequence[DestinationField]:
        if sync_type == "tag":
            return (EMAIL,)
        if not settings.get("audience"):
            return MEMBER
        async with self.line() as line:
            found = paged(line, f"lists/{settings['audience']}/merge-fields", "merge_fields")
            return [*MEMBER, *[merge_field(each) async for each in found]]

    async def audiences(self) -> list[Choice]:
        """The account's audiences."""
        async with self.line() as line:
            return [Choice(each["id"], each["name"]) async for each in paged(line, "lists", "lists")]

    async def tags(self, audience: str) -> list[Choice]:
        """The tags of an audience."""
        async with self.line() as line:
            return await tags_of(line, audience)


def merge_field(told: Record) -> DestinationField:
    """A merge field of an audience."""
    return field(MERGE + told["tag"], told["name"], KINDS.get(told["type"], "text"), native_type=told["type"])
