"""Linear: issues of a team.

https://linear.app/developers/graphql; what may be asked in an hour: https://linear.app/developers/rate-limiting
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar
from uuid import UUID

from connectors.sdk.destination import (
    ACCEPTED,
    DestinationDefinition,
    DestinationField,
    Limits,
    Mode,
    ModeSpec,
    Rate,
    Removal,
    RowResult,
    RowSet,
    SyncType,
    rejected,
)
from connectors.sdk.errors import AuthError, RateLimited
from connectors.sdk.fields import Select, Text
from connectors.sdk.modes import insert, update, upsert
from connectors.sdk.rest import Api, Found, KeyHeader, Record, RestDestination, Results, Work, field
from connectors.sdk.rest.graphql import GraphQL, GraphQLErrors, Mutation
from connectors.sdk.rest.work import text
from connectors.sdk.types import Choice, Verification

GRAPHQL = GraphQL("graphql")
TOGETHER = 25  # changes of one request
KNOWN = "query($ids: [ID!]) { issues(filter: {id: {in: $ids}}, first: 100, includeArchived: true) { nodes { id } } }"
TEAMS = (
    "query($after: String) { teams(first: 100, after: $after) "
    "{ nodes { id name } pageInfo { hasNextPage endCursor } } }"
)
TEAM = (
    "query($id: String!) { team(id: $id) { states(first: 20) { nodes { id name } } projects(first: 20) "
    "{ nodes { id name } } labels(first: 20) { nodes { id name } } members(first: 20) { nodes { id name } } } }"
)
# Fields that hold the ID of something, and where a team lists such things.
REFERENCES = {
    "assigneeId": ("Assignee ID", "members"),
    "projectId": ("Project ID", "projects"),
    "stateId": ("State ID", "states"),
    "labelIds": ("Label IDs", "labels"),
}
THERE = RowResult(True, "An issue with this ID is there already; nothing was made.", "exists")
DELETES = ModeSpec(mode=Mode.REMOVE, rows=RowSet.ADDED, description="Deletes the issues that new rows name.")


async def write_issues(work: Work) -> Results:
    """Looked up by ID, then made, changed or deleted in one request, each with an outcome of its own."""
    if work.job.mode is Mode.INSERT:
        return await insert_issues(work)
    return await by_id(work)


async def by_id(work: Work) -> Results:
    """Rows with an ID that is none are refused, the others go by what is there."""
    good = [place for place, record in enumerate(work.records) if record.get("id") is None or is_id(record["id"])]
    part = work.pick(good)
    leaving = change if not work.leaving else remove
    found = await known(part) if part.records else Found({})
    told = iter(await part.by_match(found, create=create, update=leaving, remove=remove) if good else ())
    return [next(told) if place in good else no_id(record) for place, record in enumerate(work.records)]


async def insert_issues(work: Work) -> Results:
    """New issues with IDs of their own or made up here: what was sent before is there under its ID, and stays."""
    ids = [text(record.get("id") or made) for record, made in zip(work.records, own_ids(work), strict=True)]
    answer = await GRAPHQL.ask(work.line, KNOWN, ids=[each for each in ids if is_id(each)])
    there = {each["id"] for each in answer["issues"]["nodes"]}
    places = [place for place, key in enumerate(ids) if is_id(key) and key not in there]
    asked = [Mutation("issueCreate", _new(work, work.records[place], ids[place])) for place in places]
    made = dict(zip(places, await GRAPHQL.change(work.line, asked), strict=True))
    return [made.get(place, THERE if key in there else no_id({"id": key})) for place, key in enumerate(ids)]


async def known(work: Work) -> Found:
    """The IDs that are there."""

    async def ask(values: Sequence[str]) -> list[tuple[str, str]]:
        answer = await GRAPHQL.ask(work.line, KNOWN, ids=list(values))
        return [(each["id"], each["id"]) for each in answer["issues"]["nodes"]]

    return await work.look_up(ask, fold=str.lower)


async def create(part: Work) -> Results:
    """New issues, under the IDs of their rows."""
    if part.leaving:
        return [ACCEPTED] * len(part)
    asked = [Mutation("issueCreate", _new(part, record, text(record["id"]))) for record in part.records]
    return await GRAPHQL.change(part.line, asked)


async def change(part: Work, ids: Sequence[str]) -> Results:
    """Issues that are there."""
    pairs = zip(ids, part.records, strict=True)
    told = [{"id": ("String!", key), "input": ("IssueUpdateInput!", input_of(record))} for key, record in pairs]
    return await GRAPHQL.change(part.line, [Mutation("issueUpdate", each) for each in told])


async def remove(part: Work, ids: Sequence[str]) -> Results:
    """Into Linear's trash."""
    return await GRAPHQL.change(part.line, [Mutation("issueDelete", {"id": ("String!", key)}) for key in ids])


def _new(work: Work, record: Record, key: str) -> Record:
    told = {name: value for name, value in input_of(record).items() if value is not None}
    return {"input": ("IssueCreateInput!", {"id": key, "teamId": work.settings["team"], **told})}


def input_of(record: Record) -> Record:
    """A row as Linear takes it: label IDs as a list."""
    told = {name: value for name, value in record.items() if name != "id"}
    if "labelIds" in told:
        value = told["labelIds"]
        many = value.split(",") if isinstance(value, str) else value or []
        told["labelIds"] = [each for part in many if (each := text(part).strip())]
    return told


def own_ids(work: Work) -> list[str]:
    """IDs of the kind that Linear takes, the same when a row is sent again in this run."""
    return [str(UUID(each, version=4)) for each in work.event_ids]


def is_id(value: Any) -> bool:
    """Whether this is a random UUID."""
    try:
        return UUID(text(value)).version == 4
    except ValueError:
        return False


def no_id(record: Record) -> RowResult:
    """The refusal of a row whose ID Linear would not take."""
    return rejected(f"“{text(record['id'])[:100]}” is not a UUID of version 4.", field="id")


class LinearDestination(RestDestination):
    """A Linear workspace."""

    api = Api(
        base="https://api.linear.app",
        sign_in=KeyHeader(
            key=Text(
                name="api_key",
                label="API key",
                help="Settings → Security & access → Personal API keys, with the right to write.",
                placeholder="lin_api_…",
                secret=True,
            ),
            prefix="",
        ),
        codes=GraphQLErrors(meanings={"AUTHENTICATION_ERROR": AuthError, "RATELIMITED": RateLimited}),
    )
    definition = DestinationDefinition(
        key="linear",
        name="Linear",
        category="Productivity",
        summary="Issues of a team: upserted, updated, inserted or deleted.",
        docs_url="docs/destinations/linear.md",
        fields=api.sign_in.fields,
        verification=Verification.DOCS,
        sync_types=(
            SyncType(
                key="issues",
                name="Issues",
                description="Issues of a team, matched by their ID, which rows may bring.",
                modes=(
                    upsert(Removal.DELETE, noun="issues"),
                    update(Removal.DELETE, noun="issues"),
                    insert("issues", idempotent=True),
                    DELETES,
                ),
                settings=(Select(name="team", label="Team", help="In which issues are made.", discover="teams"),),
                limits=Limits(batch_rows=TOGETHER, concurrency=2, rates=(Rate(requests=1_400, seconds=3_600),)),
            ),
        ),
    )
    writers: ClassVar = {"issues": write_issues}

    async def check(self) -> None:
        """Ask who the key belongs to."""
        async with self.line() as line:
            await GRAPHQL.ask(line, "{ viewer { id } }")

    async def teams(self) -> list[Choice]:
        """The teams that the owner of the key sees."""
        found: list[Choice] = []
        after: str | None = None
        async with self.line() as line:
            while True:
                told = (await GRAPHQL.ask(line, TEAMS, after=after))["teams"]
                found += [Choice(each["id"], each["name"]) for each in told["nodes"]]
                following = told["pageInfo"]["endCursor"] if told["pageInfo"]["hasNextPage"] else None
                if following in (None, after):
                    return found
                after = following

    async def fields(self, sync_type: str, settings: Any) -> Sequence[DestinationField]:
        if not settings.get("team"):
            return ()
        async with self.line() as line:
            told = (await GRAPHQL.ask(line, TEAM, id=settings["team"]))["team"]
        return [
            field("id", "Issue ID", identifier=True, description="A random UUID (version 4)."),
            field("title", required=True),
            field("description", description="Markdown."),
            field("priority", kind="number", description="0 none, 1 urgent, 2 high, 3 medium, 4 low"),
            *(reference(name, label, told[things]["nodes"]) for name, (label, things) in REFERENCES.items()),
            field("dueDate", "Due date", "date"),
            field("estimate", kind="number"),
            field("parentId", "Parent issue ID", "reference"),
        ]


def reference(name: str, label: str, known: Sequence[Record]) -> DestinationField:
    """A field that holds an ID, with the IDs that there are."""
    listed = ", ".join(f"{each['id']} {each['name']}" for each in known)
    return field(name, label, "any" if name == "labelIds" else "reference", description=listed)
