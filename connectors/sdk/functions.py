"""Destinations that call a person's own function with rows, and hear from it which of them were refused.

The function gets ``{"operation": "add" | "change" | "remove", "primary_key_column": …, "rows": […], "metadata": {…}}``
and answers ``{}``, or ``{"errors": [{"primary_key_value": …, "reason": …}]}`` for the rows that it refuses.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, ClassVar

from connectors.sdk.destination import (
    ACCEPTED,
    Batch,
    Destination,
    FirstRun,
    Job,
    Limits,
    Mode,
    ModeSpec,
    Removal,
    RowResult,
    RowSet,
    SyncType,
    rejected,
)
from connectors.sdk.errors import ConfigError, InternalError
from connectors.sdk.fields import Field, Number, Text, Toggle
from connectors.sdk.liquid import liquid_text
from connectors.sdk.pace_settings import pace_settings, paced
from connectors.sdk.rest import RestDestination, Results, Work
from connectors.sdk.rows import dumps, json_rows
from connectors.sdk.types import Operation

VERBS = {Operation.ADDED: "add", Operation.CHANGED: "change", Operation.REMOVED: "remove"}
API_VERSION = "1"
Call = Callable[[bytes], Awaitable[Any]]


def function_sync_type(*more: Field) -> SyncType:
    """Calls for rows that were added, changed or removed. ``more`` settings come first."""
    triggers = tuple(
        Toggle(name=operation.value, label=f"Rows {operation.value}", default=True, group="Triggers")
        for operation in Operation
    )
    batch = Number(
        name="batch_size",
        label="Rows in a call",
        help="Rows of one call are all added, all changed or all removed.",
        default=1,
        minimum=1,
        maximum=1_000,
        unit="rows",
        group="Limits",
    )
    return SyncType(
        key="calls",
        name="Calls",
        description="Calls of your function, for rows that are added, changed or removed.",
        settings=(*more, *triggers, batch, *pace_settings(rate=100, concurrency=10)),
        limits=Limits(batch_rows=1, concurrency=10),
        all_columns=True,
        mapping=False,
        first_run=(FirstRun.BACKFILL, FirstRun.SKIP),
        modes=(
            ModeSpec(
                mode=Mode.CUSTOM,
                rows=RowSet.CHANGES,
                description="Your function gets the rows of each change. A call without an answer is made again.",
                removals=(Removal.NOTHING,),
                matching=False,
            ),
        ),
    )


class FunctionRules(Destination):
    """What every destination of the family does alike, however the function is called."""

    def wanted(self, job: Job) -> frozenset[Operation]:
        return frozenset(operation for operation in Operation if job.settings.get(operation.value))

    def validate(self, job: Job) -> None:
        if not self.wanted(job):
            raise ConfigError("Switch on at least one trigger.", field=Operation.ADDED.value)

    def limits(self, job: Job, operation: Operation | None = None) -> Limits:
        return paced(job.settings, int(job.settings.get("batch_size") or 1))


def address_setting(words: str, placeholder: str) -> Text:
    """Where a function answers; ``words`` say where a person finds that."""
    return Text(
        name="url",
        label="Address of the function",
        help=words,
        placeholder=placeholder,
        pattern=r"https://[^\s/?#@]+(/[^\s?#]*)?",
        pattern_hint="Begin with https:// and leave out any query.",
    )


def address_of(config: Mapping[str, Any]) -> str:
    """What the setting says."""
    return str(config.get("url") or "").strip()


async def call_address(work: Work) -> Results:
    """One call for the batch, at the function's own address."""
    body = function_body(work.job, work.batch)
    answer = await work.line.send("POST", address_of(work.config), body=body, content_type="application/json")
    return refused_rows(answer.json() if answer.body.strip() else None, work.batch.keys)


class HttpFunctionDestination(FunctionRules, RestDestination):
    """A function that answers at an address; members say how callers prove who they are."""

    writers: ClassVar = {"calls": call_address}


class FunctionDestination(FunctionRules):
    """Members say how a function is called."""

    @abstractmethod
    def calling(self, job: Job) -> AbstractAsyncContextManager[Call]:
        """A context that gives what calls the function with a body and gives its parsed answer."""

    @asynccontextmanager
    async def session(self, job: Job) -> AsyncIterator[FunctionSession]:
        async with self.calling(job) as call:
            yield FunctionSession(call, job)


class FunctionSession:
    """One part's line to the function."""

    def __init__(self, call: Call, job: Job) -> None:
        self._call = call
        self._job = job

    async def deliver(self, batch: Batch) -> Sequence[RowResult]:
        """One call for the batch; what its answer names is refused."""
        return refused_rows(await self._call(function_body(self._job, batch)), batch.keys)


def function_body(job: Job, batch: Batch) -> bytes:
    """What the function gets for a batch."""
    about = {"api_version": API_VERSION, "sync_id": str(job.sync_id), "sync_run_id": str(job.run_id)}
    return dumps(
        {
            "operation": VERBS[batch.operation],
            "primary_key_column": job.primary_key,
            "rows": json_rows(batch.rows),
            "metadata": about,
        }
    )


def refused_rows(answer: Any, keys: Sequence[str]) -> list[RowResult]:
    """What became of each row, by the function's answer."""
    told = answer.get("errors") if isinstance(answer, dict) else None
    if (answer not in (None, {}) and not isinstance(told or [], list)) or not isinstance(answer, dict | None):
        raise InternalError(
            f"The function answered {str(answer)[:200]}.",
            hint="It must answer {} or {“errors”: [{“primary_key_value”: …, “reason”: …}]}.",
        )
    reasons: dict[str, str] = {}
    for error in told or ():
        if not isinstance(error, dict) or "primary_key_value" not in error:
            raise InternalError("An error that the function told names no primary_key_value.")
        reasons[liquid_text(error["primary_key_value"])] = str(error.get("reason") or "The function refused the row.")
    return [rejected(reasons[key]) if key in reasons else ACCEPTED for key in keys]
