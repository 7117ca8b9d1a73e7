"""What every destination that extends ``RestDestination`` must do. Each rule returns what is wrong, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from connectors.registry import destination_class
from connectors.sdk.errors import AuthError, ConnectorError, RateLimited, Unavailable
from connectors.sdk.net.status import MAX_RETRY_AFTER_S
from tests.connectors.kit.cases import Case
from tests.connectors.kit.fake_http import Answer
from tests.connectors.kit.rest import Played, matches_place, play, secrets_in, shown

Shown = tuple[str, str, str]  # sync type, mode, removal


def declared(key: str) -> set[Shown]:
    """Everything a destination says it can do."""
    return {
        (kind.key, spec.mode.value, removal.value)
        for kind in destination_class(key).definition.sync_types
        for spec in kind.modes
        for removal in spec.removals
    }


def shows(case: Case) -> Shown:
    """What a case is about."""
    first = destination_class(case.key).definition.sync_types[0]
    told = case.told
    return told.get("type", first.key), told.get("mode", first.modes[0].mode.value), told.get("removal", "nothing")


def not_shown(key: str, cases: Sequence[Case]) -> set[Shown]:
    """What is declared and has no case."""
    own = [case for case in cases if case.key == key]
    emptied = {shows(case)[0] for case in own if case.told.get("clear")}
    clears = {kind.key for kind in destination_class(key).definition.sync_types if kind.clears}
    return declared(key) - {shows(case) for case in own} | {(kind, "", "clear") for kind in clears - emptied}


async def case_problems(case: Case) -> list[str]:
    """The requests and results are those that the case tells."""
    played = await play(case)
    found = [f"not expected: {r.method} {r.path} {r.body.decode()[:2000]}" for r in played.unexpected]
    found += [f"never sent: {each.get('method', 'POST')} {each['path']}" for each in played.unused]
    if "keeps" in case.told and played.kept != case.told["keeps"]:
        found.append(f"keeps {played.kept}")
    wanted = case.told.get("raises", case.told.get("results"))
    return found + ([] if played.outcome == wanted else [f"came out as {played.outcome}"])


async def misbehaviour_problems(case: Case) -> list[str]:
    """Every request of the case in turn is answered wrongly, and so is everything after it."""
    secrets = secrets_in(case.key, case.told)
    echo = f"Shop is on fire {' '.join(secrets)}".encode()
    found: list[str] = []
    for step in range(len(case.told["exchanges"])):
        for name, fault, expected in _FAULTS[:: 1 if step == 0 else 3]:
            fault = Answer(fault.status, echo, fault.headers) if fault.body == b"echo" else fault
            played = await play(case, matches=matches_place, fault_at=step, fault=fault)
            problems = _problems(case, played, secrets, expected if step == 0 else ConnectorError)
            found += [f"{name} at request {step + 1}: {problem}" for problem in problems]
    return found


async def emptiness_problems(case: Case) -> list[str]:
    """Where an answer of success refuses rows, the same answer without a body does not accept them."""
    wanted = case.told.get("results", ())
    exchanges = case.told["exchanges"]
    found: list[str] = []
    for step, exchange in enumerate(exchanges) if any(not each.get("accepted") for each in wanted) else ():
        answer = exchange.get("answer", {})
        if not answer.get("json", answer.get("body")) or not 200 <= answer.get("status", 200) < 300:
            continue
        silent = {**exchange, "answer": {k: v for k, v in answer.items() if k not in ("json", "body")}}
        told = {**case.told, "exchanges": [*exchanges[:step], silent, *exchanges[step + 1 :]]}
        played = await play(case, told=told)
        taken = zip(played.results, wanted, strict=True) if played.error is None else ()
        if any(result.accepted and not each.get("accepted") for result, each in taken):
            found.append(f"an empty answer to {exchange.get('method', 'POST')} {exchange['path']} is a success")
    return found


def _problems(case: Case, played: Played, secrets: Sequence[str], expected: type[ConnectorError]) -> Iterator[str]:
    error = played.error
    if error is None:
        if len(played.results) != len(case.told["rows"]):
            yield f"{len(played.results)} results for {len(case.told['rows'])} rows"
    elif not isinstance(error, expected):
        yield f"raises {error!r}, not {expected.__name__}"
    if expected is AuthError and (error is None or len(played.received) != 1):
        yield "goes on after the sign-in was refused"
    if isinstance(error, RateLimited) and (error.after or 0) > MAX_RETRY_AFTER_S:
        yield f"asks to wait {error.after} s"
    yield from (f"shows the secret {secret}" for secret in secrets if secret in shown(played))


_FAULTS: tuple[tuple[str, Answer, type[ConnectorError]], ...] = (
    ("sign-in refused", Answer(401, b"echo"), AuthError),
    ("too many requests", Answer(429, b"", {"Retry-After": "86400"}), RateLimited),
    ("an outage", Answer(500, b"<html>Bad gateway</html>" + b"x" * 100_000), Unavailable),
    ("a reset", Answer(fault="reset"), Unavailable),
    ("half an answer", Answer(200, b'{"half":', fault="cut"), Unavailable),
    ("a refusal", Answer(400, b"echo"), ConnectorError),
    ("a page of HTML", Answer(200, b"<html>Welcome</html>"), ConnectorError),
    ("an empty answer", Answer(200, b""), ConnectorError),
    ("null", Answer(200, b"null"), ConnectorError),
    ("a list", Answer(200, b"[]"), ConnectorError),
)
