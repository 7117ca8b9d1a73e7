"""Braze Cohorts: members of cohorts, by the interface that Braze gives its partners.

https://www.braze.com/docs/partners/isv_partners/cohort_import
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from connectors.destinations.braze.settings import EXTERNAL, HOSTS, REGION, USER_ALIAS
from connectors.destinations.braze.users import unmatched
from connectors.sdk.destination import (
    ACCEPTED,
    DestinationDefinition,
    DestinationField,
    Job,
    Limits,
    RowResult,
    SyncType,
)
from connectors.sdk.errors import BatchRejected
from connectors.sdk.fields import SPLIT_RETRY, Text
from connectors.sdk.modes import members
from connectors.sdk.rest import Api, KeyInBody, Line, Record, RestDestination, Results, Work, field
from connectors.sdk.rest.work import text
from connectors.sdk.types import Verification

CHANGES = 1_000  # members of one request
DEVICE = field("device_id", "Device ID", identifier=True)
# What members go by, and what a change calls them.
KINDS = {EXTERNAL.name: "user_ids", DEVICE.name: "device_ids", USER_ALIAS.name: "aliases"}
# What Braze says of a change without members, as documented; wrong keys are 401.
_NO_CHANGE = re.compile(r"400: \W*cohort_changes\W+must be")
IMPORT_KEY = Text(
    name="client_secret",
    label="Data import key",
    help="From Partner integrations → Technology partners → your partner. The first run shows a wrong one.",
    secret=True,
)
PARTNER_KEY = Text(
    name="partner_api_key",
    label="Partner API key",
    help="Braze gives it to partners, one for the clusters of each region.",
    secret=True,
)
PARTNER = Text(
    name="partner",
    label="Partner name",
    help="As in the addresses that Braze told the partner: /partners/NAME/cohorts.",
    placeholder="acme",
    pattern=r"[A-Za-z0-9_.-]+",
    pattern_hint="Only the name, without slashes.",
)


def keys(config: Mapping[str, Any]) -> Record:
    """Who sends, and for whom."""
    return {key.name: config[key.name] for key in (PARTNER_KEY, IMPORT_KEY)}


def cohort_of(job: Job) -> str:
    """The cohort's ID, which is ours to choose."""
    return str(job.settings.get("cohort_id") or "").strip() or f"headrace-{job.sync_id}"


def name_of(job: Job) -> str:
    """What people see in Braze."""
    return str(job.settings.get("cohort_name") or "").strip() or job.model_name


async def change_members(line: Line, cohort: str, changes: Sequence[Record]) -> None:
    """Put users into a cohort or take them out; Braze ignores those that it does not know."""
    told = {**keys(line.config), "cohort_id": cohort, "cohort_changes": list(changes)}
    await line.send("POST", "cohorts/users", json=told)


async def write_members(work: Work) -> Results:
    """One request for the batch, taken or refused as a whole."""

    def make(record: Record, made: str) -> Any:
        if refusal := unmatched(record, work.match):
            return refusal
        value = record[work.match]
        return value if isinstance(value, dict) else text(value)

    async def send(values: list[Any]) -> list[RowResult]:
        change: Record = {KINDS[work.match]: values, **({"should_remove": True} if work.leaving else {})}
        await change_members(work.line, cohort_of(work.job), [change])
        return [ACCEPTED] * len(values)

    return await work.together(make, send)


class BrazeCohortsDestination(RestDestination):
    """Cohorts of a Braze workspace, filled as a partner of Braze."""

    api = Api(
        base=lambda config: f"{HOSTS[config.get('region') or 'iad-01']}/partners/{config.get('partner') or ''}",
        sign_in=KeyInBody(key=IMPORT_KEY),
    )
    definition = DestinationDefinition(
        key="braze_cohorts",
        name="Braze Cohorts",
        category="E-mail & lifecycle",
        summary="Cohorts to segment by, which cost no data points; for partners of Braze.",
        docs_url="docs/destinations/braze_cohorts.md",
        fields=(REGION, PARTNER, PARTNER_KEY, IMPORT_KEY),
        verification=Verification.DOCS,
        sync_types=(
            SyncType(
                key="cohort",
                name="Cohort",
                description="Users that Braze has, in a cohort.",
                modes=members("cohort"),
                settings=(
                    Text(
                        name="cohort_name",
                        label="Name of the cohort",
                        help="Left empty, it is called like the model. A new name renames it in Braze.",
                        required=False,
                        max_length=200,
                    ),
                    Text(
                        name="cohort_id",
                        label="ID of the cohort",
                        help="Of one that was filled before; left empty, the sync has a cohort of its own.",
                        required=False,
                        max_length=200,
                    ),
                    SPLIT_RETRY,
                ),
                limits=Limits(batch_rows=CHANGES, concurrency=2),
                split_retry=True,
            ),
        ),
    )
    writers: ClassVar = {"cohort": write_members}

    async def check(self) -> None:
        """Change nothing in a cohort that is not there; of refusals only the one of that change is fine."""
        async with self.line() as line:
            told = {**keys(self.config), "cohort_id": "headrace-connection-test", "cohort_changes": []}
            try:
                await line.send("POST", "cohorts/users", json=told)
            except BatchRejected as error:
                if not _NO_CHANGE.match(error.message):
                    raise

    async def fields(self, sync_type: str, settings: Any) -> Sequence[DestinationField]:
        return EXTERNAL, DEVICE, USER_ALIAS

    def lacks(self, job: Job) -> bool:
        return job.kept.get(f"name:{cohort_of(job)}") != name_of(job)

    async def provide(self, job: Job) -> Mapping[str, str]:
        """Tell Braze what the cohort is called; told again, it is the same."""
        cohort, name = cohort_of(job), name_of(job)
        async with self.line() as line:
            told = {**keys(self.config), "cohort_id": cohort, "name": name, "created_at": job.started_at.isoformat()}
            await line.send("POST", "cohorts", json=told)
        return {f"name:{cohort}": name}
