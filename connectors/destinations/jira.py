"""Jira: issues of a project, and ideas of Product Discovery.

https://developer.atlassian.com/cloud/jira/platform/rest/v3/; descriptions are documents:
https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from connectors.sdk.destination import (
    DestinationDefinition,
    DestinationField,
    Job,
    Limits,
    Mode,
    Rate,
    SyncType,
)
from connectors.sdk.errors import BatchRejected
from connectors.sdk.fields import Select, Text
from connectors.sdk.modes import insert, update, upsert
from connectors.sdk.rest import Api, Basic, Record, RestDestination, Results, Work, by_index, field
from connectors.sdk.rest.times import moment
from connectors.sdk.rest.work import text
from connectors.sdk.rows import dumps
from connectors.sdk.types import Choice, Operation, Verification

TOGETHER = 50  # issues that one request makes
SEARCHED = 25  # values in one search
MATCHING = "com.atlassian.jira.plugin.system.customfieldtypes:readonlyfield"
DOCUMENT, MOMENT, MANY = "document", "datetime", "array "
LONG = "com.atlassian.jira.plugin.system.customfieldtypes:textarea"
# What stands for a value of each type: an issue's priority is {"name": "High"}.
KEYS = {
    "priority": "name",
    "user": "accountId",
    "issuelink": "id",
    "option": "value",
    "component": "name",
    "version": "name",
    "group": "name",
    "securitylevel": "name",
    "resolution": "name",
}
TYPES = {"number": "number", "date": "date", MOMENT: "moment", "issuelink": "reference", "user": "reference"}
CHOSEN = frozenset({"project", "issuetype"})  # by the settings
# Types whose values Jira takes in a way of its own that nobody could map to.
LEFT_OUT = frozenset(
    {"attachment", "issuelinks", "comments-page", "status", "worklog", "timetracking", "votes", "watches"}
)


async def write_issues(work: Work) -> Results:
    """New issues many at once; those that are there one by one, found by a field of their own."""
    if work.job.mode is Mode.INSERT:
        return await create(work)
    found = await work.look_up(lambda values: known(work, values), chunk=SEARCHED)
    return await work.by_match(found, create=create, update=change)


async def known(work: Work, values: Sequence[str]) -> list[tuple[str, str]]:
    """Issues whose field has one of these values; Jira searches for words, so answers are compared."""
    name = work.match
    terms = " OR ".join(f"cf[{name.removeprefix('customfield_')}] ~ {phrase(value)}" for value in values)
    asked = {"jql": f'project = "{work.settings["project"]}" AND ({terms})', "fields": [name], "maxResults": 100}
    pages = work.line.pages("search/jql", "issues", next_page, asked, posted=True)
    return [(each["fields"][name], each["id"]) async for each in pages if each["fields"].get(name) is not None]


def phrase(value: str) -> str:
    """A text of JQL that is looked for word by word."""
    inner = value.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + f'"{inner}"'.replace("\\", "\\\\").replace('"', '\\"') + '"'


async def create(part: Work) -> Results:
    """One request for up to 50 issues; its errors say which were refused."""
    results: list[Any] = []
    for start in range(0, len(part), TOGETHER):
        rows = part.records[start : start + TOGETHER]
        told = {"issueUpdates": [{"fields": {**place_of(part), **fields_of(part, row, new=True)}} for row in rows]}
        answer = await part.line.send("POST", "issue/bulk", json=told, takes=(400,))
        said = answer.json()
        if answer.status == 400 and not said.get("errors"):
            raise BatchRejected(f"400: {says(said)}")
        errors = [(each["failedElementNumber"], says(each["elementErrors"])) for each in said["errors"]]
        results += by_index(len(rows), errors)
    return results


async def change(part: Work, ids: Sequence[str]) -> Results:
    """Issues that are there."""

    async def send(record: Record, key: str) -> None:
        await part.line.send("PUT", f"issue/{key}", json={"fields": fields_of(part, record, new=False)})

    return await part.each_found(ids, send, at_once=4)


def place_of(work: Work) -> Record:
    """Where new issues are made."""
    return {"project": {"key": work.settings["project"]}, "issuetype": {"id": work.settings["issue_type"]}}


def fields_of(work: Work, record: Record, *, new: bool) -> Record:
    """A row as Jira's fields; a new issue is made without those that are empty."""
    kinds = {each.name: each.native_type for each in work.job.fields}
    told: Record = {}
    for name, value in record.items():
        if value is None and new:
            continue
        key, _, inner = name.partition(".")
        told[key] = value_of(value, kinds[name], inner)
    return told


def value_of(value: Any, kind: str, inner: str) -> Any:
    """A value as Jira takes it."""
    if kind.startswith(MANY):
        many = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else []
        return [{inner: text(each).strip()} if inner else text(each).strip() for each in many if each is not None]
    if value is None or isinstance(value, dict):
        return value
    if inner:
        return {inner: text(value)}
    if kind == DOCUMENT:
        return document(dumps(value).decode() if isinstance(value, list) else text(value))
    if kind == MOMENT:
        return moment(value).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
    if kind == "date":
        return text(value)[:10]
    return text(value) if kind == "string" else value


def document(told: str) -> Record:
    """Text as a document, a paragraph for each line."""
    lines = [{"type": "paragraph", "content": [{"type": "text", "text": n}] if n else []} for n in told.split("\n")]
    return {"type": "doc", "version": 1, "content": lines}


def says(answer: Any) -> str:
    """Jira's own words, with the fields they are about."""
    errors = [f"{name}: {words}" for name, words in (answer.get("errors") or {}).items()]
    return "; ".join([*(answer.get("errorMessages") or ()), *errors]) or str(answer["message"])


def next_page(answer: Record) -> Record | None:
    """How to ask for the next page of a search."""
    return {"nextPageToken": answer["nextPageToken"]} if answer.get("nextPageToken") else None


def further(answer: Record) -> Record | None:
    """How to ask for the next page of a list."""
    items = next((value for value in answer.values() if isinstance(value, list)), [])
    reached = answer.get("startAt", 0) + len(items)
    return {"startAt": reached} if items and reached < answer.get("total", 0) else None


class JiraDestination(RestDestination):
    """A site of Jira Cloud."""

    api = Api(
        base=lambda config: f"https://{config['domain']}.atlassian.net/rest/api/3",
        version="3",
        sign_in=Basic(
            user=Text(name="email", label="E-mail", help="With which the owner of the token signs in to Jira."),
            password=Text(
                name="api_token",
                label="API token",
                help="id.atlassian.com → Security → Create and manage API tokens.",
                secret=True,
            ),
        ),
        test=("GET", "myself"),
        says=says,
        answer_bytes=16_000_000,
    )
    definition = DestinationDefinition(
        key="jira",
        name="Jira",
        category="Productivity",
        summary="Issues of a project, and ideas of Product Discovery.",
        docs_url="docs/destinations/jira.md",
        fields=(
            Text(
                name="domain",
                label="Domain",
                help="What stands before .atlassian.net in the browser.",
                placeholder="acme",
                pattern=r"[A-Za-z0-9-]+",
                pattern_hint="Only the name, without .atlassian.net.",
            ),
            *api.sign_in.fields,
        ),
        verification=Verification.DOCS,
        sync_types=(
            SyncType(
                key="issues",
                name="Issues",
                description="Issues of one type, matched by a custom field of the type Text Field (read only).",
                modes=(upsert(noun="issues"), update(noun="issues"), insert("issues and ideas")),
                settings=(
                    Select(name="project", label="Project", discover="projects"),
                    Select(name="issue_type", label="Issue type", discover="issue_types", depends=("project",)),
                ),
                limits=Limits(batch_rows=100, concurrency=2, rates=(Rate(requests=10, seconds=1),), batch_s=600),
            ),
        ),
    )
    writers: ClassVar = {"issues": write_issues}

    def limits(self, job: Job, operation: Operation | None = None) -> Limits:
        limits = super().limits(job, operation)
        # What a cut line leaves in doubt cannot be sent again: one request.
        return replace(limits, batch_rows=TOGETHER) if job.mode is Mode.INSERT else limits

    async def projects(self) -> list[Choice]:
        """Projects in which the account may make issues."""
        query = {"action": "create", "maxResults": 100}
        async with self.line() as line:
            pages = line.pages("project/search", "values", further, query)
            return [Choice(each["key"], each["name"]) async for each in pages]

    async def issue_types(self, project: str) -> list[Choice]:
        """The types of issues of a project."""
        async with self.line() as line:
            pages = line.pages(f"issue/createmeta/{project}/issuetypes", "issueTypes", further, {"maxResults": 100})
            return [Choice(each["id"], each["name"]) async for each in pages]

    async def fields(self, sync_type: str, settings: Any) -> Sequence[DestinationField]:
        project, kind = settings.get("project"), settings.get("issue_type")
        if not project or not kind:
            return ()
        path = f"issue/createmeta/{project}/issuetypes/{kind}"
        async with self.line() as line:
            told = [each async for each in line.pages(path, "fields", further, {"maxResults": 100})]
        return [field_of(each) for each in told if each["fieldId"] not in CHOSEN | LEFT_OUT]


def field_of(told: Record) -> DestinationField:
    """A field on the project's screen, and what stands for its values."""
    schema = told["schema"]
    many = schema["type"] == "array"
    kind = schema.get("items", "string") if many else schema["type"]
    if schema.get("system") in ("description", "environment") or schema.get("custom") == LONG:
        kind = DOCUMENT
    inner = KEYS.get(kind, "")
    choices = ", ".join(str(each.get(inner or "name")) for each in (told.get("allowedValues") or [])[:20])
    return field(
        f"{told['fieldId']}.{inner}" if inner else told["fieldId"],
        f"{told['name']} → {inner}" if inner else told["name"],
        "any" if many else TYPES.get(kind, "text"),
        identifier=schema.get("custom") == MATCHING,
        required=bool(told.get("required")) and not told.get("hasDefaultValue"),
        native_type=f"{MANY}{kind}" if many else kind,
        description=f"One of {choices}" if choices else "",
    )
