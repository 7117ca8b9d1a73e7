"""A connector of one's own: a JSON-RPC server that tells what can be set, and gets the rows as they are."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from connectors.destinations.custom.options import Options
from connectors.destinations.custom.rpc import API, HEADERS, URL, Rpc
from connectors.sdk.destination import (
    ACCEPTED,
    DestinationDefinition,
    DestinationField,
    FirstRun,
    Job,
    Limits,
    Mapper,
    Mode,
    ModeSpec,
    RowResult,
    RowSet,
    SyncType,
    rejected,
)
from connectors.sdk.errors import ConfigError, InternalError
from connectors.sdk.fields import TUNNEL, Asked, Field, Select
from connectors.sdk.functions import VERBS
from connectors.sdk.liquid import liquid_text
from connectors.sdk.pace_settings import pace_settings, paced
from connectors.sdk.rest import RestDestination, Results, Work
from connectors.sdk.rest.api import at
from connectors.sdk.rest.destination import as_documented
from connectors.sdk.types import Choice, ColumnType, Operation, Verification

_BATCH, _MOST = 100, 10_000
_TYPES = {
    "STRING": ColumnType.STRING,
    "ENUM": ColumnType.STRING,
    "EMAIL": ColumnType.STRING,
    "NUMBER": ColumnType.NUMBER,
    "BOOLEAN": ColumnType.BOOLEAN,
    "DATE": ColumnType.DATE,
    "DATETIME": ColumnType.TIMESTAMP,
    "OBJECT": ColumnType.OBJECT,
    "ARRAY": ColumnType.OBJECT,
    "REFERENCE": ColumnType.REFERENCE,
}


async def call_with_rows(work: Work) -> Results:
    """One call for the batch; the rows that its answer names are refused, the others were taken."""
    configuration = configuration_of(work.job)
    params = {"idColumn": work.job.primary_key, "configuration": configuration, "rows": work.records}
    answer = await Rpc(work.line).call(VERBS[work.operation], params)
    reasons = {liquid_text(row["id"]): str(row.get("reason") or "") for row in at(answer, "rejectedRows") or ()}
    if unknown := reasons.keys() - set(work.batch.keys):
        raise InternalError(
            f"The server refused rows that it was not given: {', '.join(sorted(unknown)[:3])}.",
            hint="The id of a refused row is its value in the column that idColumn names.",
        )
    return [_result(reasons.get(key)) for key in work.batch.keys]


def _result(reason: str | None) -> RowResult:
    return ACCEPTED if reason is None else rejected(reason or "The connector refused the row.")


def configuration_of(job: Job, options: Options | None = None) -> dict[str, Any]:
    """What a person chose, as connectors get it: options stand beside the rest."""
    options = options or Options.read(job.begun.get("options", ""))
    known = {f.name for f in job.fields if f.native_type}  # that the server lists; others were named by a person
    pairs = {name: {"from": column, "to": name} for name, column in job.sources.items()}
    own = [name for name in pairs if name not in job.identifiers]
    return {
        **_chosen(job.settings),
        "identifierMapping": [pairs[name] for name in job.identifiers if name in pairs],
        "mappings": [pairs[name] for name in own if name in known],
        "customMappings": [pairs[name] for name in own if name not in known],
        **(options.values(job.settings.get("options") or {}) if options else {}),
    }


def _chosen(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: settings[name] for name in ("object", "mode") if settings.get(name)}


_ROWS = SyncType(
    key="rows",
    name="Rows",
    description="Your connector gets rows as they are, with what was chosen for them.",
    modes=(
        ModeSpec(
            mode=Mode.CUSTOM,
            rows=RowSet.CHANGES,
            description="Your connector says which changes it takes. A call without an answer is made again.",
            matching=False,
        ),
    ),
    settings=(
        Select(name="object", label="Object", discover="objects", required=False),
        Select(name="mode", label="Mode", discover="modes", depends=("object",), wait=False, required=False),
        Asked(name="options", label="Options"),
        *pace_settings(rate=100, concurrency=4),
    ),
    limits=Limits(batch_rows=_BATCH, concurrency=4),
    all_columns=True,
    maps_itself=True,
    mapper=Mapper.BASIC,
    custom_fields=True,
)


class CustomDestination(RestDestination):
    """One JSON-RPC server."""

    api = API
    writers = {"rows": call_with_rows}
    definition = DestinationDefinition(
        key="custom",
        name="Own connector",
        category="Custom",
        summary="A connector that you write yourself, as a JSON-RPC server.",
        docs_url="docs/destinations/custom.md",
        fields=(URL, HEADERS, TUNNEL),
        verification=Verification.SERVER,
        safe_to_resync=False,
        sync_types=(_ROWS,),
    )

    async def check(self) -> None:
        """Ask how the server behaves: the one method, besides those that take rows, that every connector has."""
        await self._behavior()

    async def objects(self) -> Sequence[Choice]:
        """What the server takes; nothing where it does not tell objects apart."""
        return await self._listed("list_objects", "objects", None)

    async def modes(self, object: str | None = None) -> Sequence[Choice]:
        """The modes of an object; nothing before one is chosen."""
        if not object and await self.objects():
            return ()
        return await self._listed("list_modes", "modes", {"object": object} if object else {})

    async def fields(self, sync_type: str, settings: Mapping[str, Any]) -> Sequence[DestinationField]:
        if await self._missing(settings):
            return ()
        told = await self._ask("list_fields", _chosen(settings))
        with as_documented():
            return [_field(each) for each in at(told, "fields") or ()]

    async def asked(self, sync_type: str, settings: Mapping[str, Any]) -> Sequence[Field]:
        options = None if await self._missing(settings) else await self._options(settings)
        return options.fields() if options else ()

    async def review(self, job: Job) -> None:
        """What has to be chosen, and what the connector's own ``validate`` finds."""
        if missing := await self._missing(job.settings):
            raise ConfigError(f"Choose the {missing}.", field=missing)
        listed = await self.fields(job.sync_type, job.settings)
        if not job.identifiers and (matching := [f.label for f in listed if f.identifier]):
            raise ConfigError(f"Tick a field that rows are matched by: {', '.join(matching)}.", field="")
        configuration = configuration_of(job, await self._options(job.settings))
        answer = await self._ask("validate", {"configuration": configuration})
        if errors := [str(error) for error in at(answer, "errors") or ()]:
            raise ConfigError(" ".join(errors))

    async def begin(self, job: Job) -> Mapping[str, str]:
        """How the server behaves in this run, and how its options are to be read."""
        options = await self._options(job.settings)
        return {"behavior": json.dumps(await self._behavior()), "options": options.written() if options else ""}

    def wanted(self, job: Job) -> frozenset[Operation]:
        operations = _begun(job).get("operations")
        if operations is None:
            return frozenset(Operation)
        return frozenset(each for each, verb in VERBS.items() if operations.get(verb))

    def first_run(self, job: Job, chosen: FirstRun) -> FirstRun:
        return FirstRun.SKIP if _begun(job).get("skipInitialRun") else chosen

    def limits(self, job: Job, operation: Operation | None = None) -> Limits:
        return paced(job.settings, int(_begun(job).get("batchSize") or _BATCH))

    async def _missing(self, settings: Mapping[str, Any]) -> str:
        """What has to be chosen before the server is asked for more; empty where nothing is missing."""
        if not settings.get("object") and await self.objects():
            return "object"
        return "mode" if not settings.get("mode") and await self.modes(settings.get("object")) else ""

    async def _behavior(self) -> dict[str, Any]:
        async with self._rpc() as rpc:
            told = await rpc.call("behavior")
        size = at(told, "batchSize")
        operations = at(told, "operations")
        sizes = size is None or (isinstance(size, int) and not isinstance(size, bool) and 1 <= size <= _MOST)
        if not isinstance(told, Mapping) or not sizes or not isinstance(operations, Mapping | None):
            raise InternalError(
                f"behavior answered {str(told)[:200]}.",
                hint=f'It must answer {{"batchSize": 1 to {_MOST:,}, "operations": {{"add": true, …}}, …}}.',
            )
        return dict(told)

    async def _options(self, settings: Mapping[str, Any]) -> Options | None:
        return Options.of(await self._ask("list_options", _chosen(settings)))

    async def _listed(self, method: str, name: str, params: Mapping[str, Any] | None) -> list[Choice]:
        told = await self._ask(method, params)
        with as_documented():
            return [
                Choice(str(each["id"]), str(each.get("label") or each["id"]), str(each.get("description") or ""))
                for each in at(told, name) or ()
            ]

    async def _ask(self, method: str, params: Mapping[str, Any] | None) -> Any:
        async with self._rpc() as rpc:
            return await rpc.ask(method, params)

    @asynccontextmanager
    async def _rpc(self) -> AsyncIterator[Rpc]:
        async with self.line() as line:
            yield Rpc(line)


def _begun(job: Job) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(job.begun.get("behavior") or "{}")
    return found


def _field(told: Mapping[str, Any]) -> DestinationField:
    kind = str(told.get("type") or "UNKNOWN").upper()
    return DestinationField(
        name=str(told["id"]),
        label=str(told.get("label") or told["id"]),
        type=_TYPES.get(kind, ColumnType.UNKNOWN),
        native_type=kind,
        required=bool(told.get("required")),
        identifier=bool(told.get("identifier")),
        description=str(told.get("description") or ""),
    )
