"""Zapier: a row that was added, changed or removed starts a Zap through its webhook."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.sdk.destination import (
    DestinationDefinition,
    FirstRun,
    Job,
    Limits,
    Mode,
    ModeSpec,
    Rate,
    RowResult,
    RowSet,
    SyncType,
)
from connectors.sdk.errors import ConfigError, InternalError
from connectors.sdk.fields import KeyValues, Text, Toggle
from connectors.sdk.messages import run_context
from connectors.sdk.payload import payload_of
from connectors.sdk.rest import Api, KeyInBody, Record, RestDestination, Results, Work
from connectors.sdk.types import Operation, Verification

_WEBHOOK = Text(
    name="webhook_url",
    label="Webhook address",
    help="Shown by the trigger “Webhooks by Zapier”, event “Catch Hook”. Whoever knows it can start the Zap.",
    placeholder="https://hooks.zapier.com/hooks/catch/123456/abcdef/",
    pattern=r"https://hooks\.zapier\.com/hooks/(catch|standard)/[\w/]+",
    pattern_hint="Paste the address that begins with https://hooks.zapier.com/hooks/catch/.",
    secret=True,
)


def _address(config: Mapping[str, Any]) -> str:
    return str(config.get("webhook_url") or "").strip()


API = Api(base=_address, sign_in=KeyInBody(key=_WEBHOOK))


async def start(work: Work) -> Results:
    """One request a row."""
    settings = {"payload": "json_columns", "columns": work.settings.get("columns")}
    payload = payload_of(settings)
    payload.require(work.batch.rows.schema.names)
    context = run_context(work.job, work.operation)

    async def send(record: Record) -> RowResult | None:
        answer = await work.line.send(
            "POST", _address(work.config), body=payload.one(record, context), content_type="application/json"
        )
        said = answer.json()
        if not isinstance(said, dict) or said.get("status") != "success":
            raise InternalError(f"Zapier answered {answer.sample()}.", hint="Switch the Zap on, and copy its address.")
        return None

    return await work.each(send)


class ZapierDestination(RestDestination):
    """One webhook."""

    api = API
    writers = {"zaps": start}
    definition = DestinationDefinition(
        key="zapier",
        name="Zapier",
        category="Custom",
        summary="Start a Zap when rows are added, changed or removed.",
        docs_url="docs/destinations/zapier.md",
        fields=(_WEBHOOK,),
        verification=Verification.DOCS,
        safe_to_resync=False,
        sync_types=(
            SyncType(
                key="zaps",
                name="Zaps",
                description="The Zap is started once for each row that was added, changed or removed.",
                settings=(
                    *(
                        Toggle(
                            name=operation.value,
                            label=f"Rows {operation.value}",
                            default=operation is Operation.ADDED,
                            group="Triggers",
                        )
                        for operation in Operation
                    ),
                    KeyValues(
                        name="columns",
                        label="Fields",
                        help="Field name, and the column or Liquid value to send. Dots in names make nested objects. "
                        "Leave empty to send every column.",
                        template=True,
                        column=True,
                    ),
                ),
                # 10,000 requests in 5 minutes, for all Zaps of a webhook's owner.
                limits=Limits(batch_rows=1, concurrency=10, rates=(Rate(requests=9_500, seconds=300.0),)),
                all_columns=True,
                mapping=False,
                first_run=(FirstRun.BACKFILL, FirstRun.SKIP),
                modes=(
                    ModeSpec(
                        mode=Mode.CUSTOM,
                        rows=RowSet.CHANGES,
                        description="Starts the Zap for the changes you choose. A request without an answer is sent "
                        "again.",
                        matching=False,
                    ),
                ),
            ),
        ),
    )

    async def check(self) -> None:
        """Whether the address is one of a webhook. A request would start the Zap, so none is made."""
        if not _address(self.config):
            raise ConfigError("The address of the webhook is missing.", field="webhook_url")

    def wanted(self, job: Job) -> frozenset[Operation]:
        return frozenset(operation for operation in Operation if job.settings.get(operation.value))

    def validate(self, job: Job) -> None:
        if not self.wanted(job):
            raise ConfigError("Switch on at least one trigger.", field=Operation.ADDED.value)
