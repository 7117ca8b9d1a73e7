"""Cases of connectors that extend ``RestDestination``: rows, the exchanges they lead to, what becomes of the rows.

One JSON file a case, in ``cases/<connector>/``::

    {"shows": ["minimal"], "type": "profiles", "mode": "upsert", "identifiers": ["email"],
     "config": {"api_key": "k"}, "columns": {"email": "string"}, "rows": [["a@x.test"]],
     "exchanges": [{"method": "POST", "path": "/api/jobs", "json": {…}, "answer": {"status": 202, "json": {…}}}],
     "results": [{"accepted": true}]}

The fake service is strict: a request that no exchange foresees is answered 599, and
exchanges that never happened fail the case. ``tokens`` is the access token of a person who
signed in on the service's page. Requests are matched by method, path (with
its query), body and the ``headers`` that are told, in any order, as some go side by side.
``receipt`` is what the batch was given before a crash, ``keeps`` are the receipts that become durable meanwhile.
``clear``: what the rows go into is emptied first.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import cache, partial
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from connectors.registry import DESTINATIONS, destination_class
from connectors.sdk import trace
from connectors.sdk.audiences import AudienceThere
from connectors.sdk.context import Environment
from connectors.sdk.destination import (
    ACCEPTED,
    Destination,
    DestinationField,
    Job,
    MatchStats,
    Mode,
    Removal,
    RowResult,
)
from connectors.sdk.errors import ConnectorError
from connectors.sdk.receipts import Receipt, held
from connectors.sdk.rest import RestDestination
from connectors.sdk.tokens import ConsentOver, Renew, Tokens
from connectors.sdk.types import Choice
from tests.connectors.kit.cases import Case, batch_in, cases_of, exact_json, told_results
from tests.connectors.kit.drivers import destination_of
from tests.connectors.kit.fake_http import Answer, FakeHttp, Received, fake_http
from tests.connectors.kit.jobs import Streams, job_for

TIMEOUT_S = 0.3


def rest_keys() -> list[str]:
    """The registered destinations that extend ``RestDestination``."""
    return [key for key in DESTINATIONS if issubclass(destination_class(key), RestDestination)]


def rest_cases() -> list[Case]:
    """All their cases."""
    return cases_of(*rest_keys())


def first_of_each_type(cases: Sequence[Case]) -> list[Case]:
    """One case for every sync type, the one with the most exchanges."""
    chosen: dict[tuple[str, str], Case] = {}
    for case in sorted(cases, key=lambda c: -len(c.told["exchanges"])):
        chosen.setdefault((case.key, case.told.get("type", "")), case)
    return list(chosen.values())


@dataclass
class Played:
    """What one delivery of a case came to."""

    received: Sequence[Received] = ()
    results: Sequence[RowResult] = ()
    error: ConnectorError | None = None
    exchanges: Sequence[trace.Exchange] = ()
    unused: list[Any] = field(default_factory=list)
    unexpected: list[Received] = field(default_factory=list)
    answers: Sequence[dict[str, Any]] = ()
    kept: list[str] = field(default_factory=list)

    @property
    def outcome(self) -> Any:
        """The outcome in the words of a case."""
        if self.error is not None:
            return {"raises": self.error.code, "message": self.error.message}
        return told_results(self.results)


Strict = Callable[[Received, Mapping[str, Any]], bool]


class Script:
    """Answers by the case's exchanges; from ``fault_at`` on with a fault instead."""

    def __init__(self, told: Sequence[Mapping[str, Any]], matches: Strict, fault_at: int, fault: Answer | None) -> None:
        self.left = list(told)
        self.unexpected: list[Received] = []
        self._matches = matches
        self._at = 0
        self._fault_at = fault_at
        self._fault = fault

    def answer(self, request: Received) -> Answer:
        """What the service says to this request."""
        at, self._at = self._at, self._at + 1
        if self._fault is not None and at >= self._fault_at:
            return self._fault
        for exchange in self.left:
            if self._matches(request, exchange):
                self.left.remove(exchange)
                return answer_in(exchange.get("answer", {}))
        self.unexpected.append(request)
        return Answer(599, b"This request was not expected.")


def answer_in(told: Mapping[str, Any]) -> Answer:
    """An answer as a case tells it."""
    body = json.dumps(told["json"], default=_digits).encode() if "json" in told else str(told.get("body", "")).encode()
    return Answer(told.get("status", 200), body, told.get("headers", {}))


def matches_fully(request: Received, exchange: Mapping[str, Any]) -> bool:
    """Method, address and body are those that were told, and so are the headers that were."""
    if not matches_place(request, exchange):
        return False
    if any(request.headers.get(name) != value for name, value in exchange.get("headers", {}).items()):
        return False
    if "json" in exchange:
        return bool(request.body and exact_json(request.body) == exchange["json"])
    return "body" not in exchange or request.body.decode() == exchange["body"]


def matches_place(request: Received, exchange: Mapping[str, Any]) -> bool:
    """Method and address are those that were told, whatever is in the body."""
    return request.method == exchange.get("method", "POST") and _place(request.path) == _place(exchange["path"])


def _place(path: str) -> tuple[str, list[tuple[str, str]]]:
    parts = urlsplit(path)
    return parts.path, sorted(parse_qsl(parts.query, keep_blank_values=True))


def _digits(value: Any) -> Any:
    return float(value.text)


@asynccontextmanager
async def scripted(script: Script) -> AsyncIterator[FakeHttp]:
    """A server that answers by the script."""
    async with fake_http(ask=script.answer) as server:
        yield server


def job_in(destination: Destination, told: Mapping[str, Any]) -> Job:
    """The job that a case describes."""
    sync_type = destination.definition.sync_type(told["type"]) if "type" in told else None
    job = job_for(
        destination.definition,
        told.get("settings", {}),
        mode=Mode(told["mode"]) if "mode" in told else None,
        removal=Removal(told.get("removal", "nothing")),
        identifiers=told.get("identifiers", ()),
        fields=list(told["columns"]),
        sync_type=sync_type,
    )
    known = {name: DestinationField(name=name, **more) for name, more in told.get("fields", {}).items()}
    run = {name: told.get(name, {}) for name in ("kept", "begun", "sources")}
    return replace(job, **run, fields=tuple(known.get(f.name, f) for f in job.fields))


class KnownTokens:
    """The tokens of a person whose consent ends with the first refusal."""

    def __init__(self, access: str) -> None:
        self._access = access

    async def read(self) -> Tokens:
        return Tokens(access=self._access)

    async def renewed(self, old: Tokens, renew: Renew) -> Tokens:
        raise ConsentOver("The consent is over.")


async def play(
    case: Case,
    *,
    told: Mapping[str, Any] | None = None,
    matches: Strict = matches_fully,
    fault_at: int = 0,
    fault: Answer | None = None,
) -> Played:
    """Deliver the rows of a case to a service that answers as told, or wrongly from some request on."""
    told = told or case.told
    script = Script(told["exchanges"], matches, fault_at, fault)
    played = Played()

    async def keep(receipt: str) -> None:
        played.kept.append(receipt)

    async with scripted(script) as server:
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(_base(case.key, told)))
        others = dict.fromkeys(told.get("origins", ()), server.url)
        vault = KnownTokens(told["tokens"]) if "tokens" in told else None
        environment = Environment(outbound_allow=server.opened, routes={origin: server.url, **others}, vault=vault)
        destination = destination_of(case.key, config_in(told), environment)
        real = destination.limits
        destination.limits = lambda job, operation=None: replace(real(job, operation), timeout_s=TIMEOUT_S)  # type: ignore[method-assign]  # nobody waits half a minute here
        destination.line = partial(destination.line, timeout_s=TIMEOUT_S)  # type: ignore[attr-defined]  # as above
        job = job_in(destination, told)
        with trace.recording() as exchanges, held(Receipt(told.get("receipt", ""), keep)):
            try:
                if destination.lacks(job):
                    job = replace(job, kept=await destination.provide(job))
                if told.get("clear"):
                    await destination.clear(job)
                if destination.definition.sync_type(job.sync_type).single_writer:
                    batch = batch_in(told)
                    await destination.write(job, Streams(piece=2, added=batch.rows))
                    played.results = [ACCEPTED] * len(batch)
                else:
                    async with destination.session(job) as session:
                        played.results = await session.deliver(batch_in(told))
            except ConnectorError as error:
                played.error = error
        played.received = list(server.received)
    played.exchanges, played.unused, played.unexpected = exchanges, script.left, script.unexpected
    return played


async def ask(key: str, told: Mapping[str, Any]) -> Played:
    """Ask a destination what it lists: ``{"ask": "objects", "with": {…}}``, or its fields (``type``, ``settings``).

    Whom it recognised (``match_stats``) is asked for the job of a case.
    """
    script, played = Script(told["exchanges"], matches_fully, 0, None), Played()
    async with scripted(script) as server:
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(_base(key, told)))
        routes = dict.fromkeys((origin, *told.get("origins", ())), server.url)
        vault = KnownTokens(told["tokens"]) if "tokens" in told else None
        environment = Environment(outbound_allow=server.opened, routes=routes, vault=vault)
        destination = destination_of(key, told.get("config", {}), environment)
        about: tuple[Any, ...] = (told["type"], told.get("settings", {})) if told["ask"] == "fields" else ()
        if told["ask"] == "match_stats":
            about = (job_in(destination, {"columns": {}, **told}),)
        try:
            asked = getattr(destination, told["ask"])(*about, **told.get("with", {}))
            found = [each async for each in asked] if isinstance(asked, AsyncIterator) else await asked
        except ConnectorError as error:
            played.error = error
        else:
            each_of = [found] if isinstance(found, MatchStats) else found or ()
            played.answers = [_set(each) for each in each_of]
    played.unused, played.unexpected = script.left, script.unexpected
    return played


def _set(found: Choice | DestinationField | AudienceThere | MatchStats) -> dict[str, Any]:
    """What is set of a choice or a field, apart from descriptions; of an audience what is read from its answer."""
    if isinstance(found, MatchStats):
        return {name: value for name, value in asdict(found).items() if value not in (None, "")}
    if isinstance(found, AudienceThere):
        return {"account": found.account, "id": found.id, "name": found.name, "size": found.size}
    unset = DestinationField(name="") if isinstance(found, DestinationField) else Choice("", "")
    kept = {name: value for name, value in asdict(found).items() if name != "description"}
    return {name: list(v) if isinstance(v, tuple) else v for name, v in kept.items() if v != getattr(unset, name)}


def _base(key: str, told: Mapping[str, Any]) -> str:
    loaded = destination_class(key)
    assert issubclass(loaded, RestDestination)
    return loaded.api.address(config_in(told))


def config_in(told: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a case; ``{service account}`` stands for the key of one, made for this process."""
    config = told.get("config", {})
    return {name: _account() if value == "{service account}" else value for name, value in config.items()}


@cache
def _account() -> str:
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    address = "https://oauth2.googleapis.com/token"
    known = {"type": "service_account", "client_email": "headrace@acme.test", "token_uri": address}
    return json.dumps({**known, "private_key": pem, "private_key_id": "1"})


def secrets_in(key: str, told: Mapping[str, Any]) -> list[str]:
    """The secret settings of a case."""
    loaded = destination_class(key)
    config = config_in(told)
    known = [str(config[f.name]) for f in loaded.definition.fields if f.secret and config.get(f.name)]
    return [*known, *([told["tokens"]] if "tokens" in told else [])]


def shown(played: Played) -> str:
    """Everything a person or a log could read of a delivery."""
    return repr((played.error, played.error and played.error.message, played.results, played.exchanges))
