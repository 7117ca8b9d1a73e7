"""The kit itself: every rule can fail."""

from __future__ import annotations

from dataclasses import replace

import aiohttp
import pytest

from connectors.destinations.http_request.settings import DEFINITION
from connectors.destinations.postgres import PostgresDestination
from connectors.destinations.posthog import PosthogDestination
from connectors.sdk import trace
from connectors.sdk.destination import ACCEPTED, Destination, Limits, Mode, ModeSpec, Removal, RowSet, SyncType
from connectors.sdk.errors import AuthError, RateLimited, Unavailable
from connectors.sdk.fields import Field, Number, Section, Select, Text, When
from connectors.sdk.rest import RestDestination
from tests.connectors.kit import declarations as static
from tests.connectors.kit import http_contract as behaviour
from tests.connectors.kit.cases import exact_json
from tests.connectors.kit.fake_http import Answer, UnusedAnswers, fake_http
from tests.connectors.kit.http_contract import Seen
from tests.connectors.kit.jobs import STARTED
from tests.syncs.app.audience import AudienceDestination

GOOD = SyncType(
    key="rows",
    name="Rows",
    description="Rows.",
    modes=(ModeSpec(mode=Mode.UPSERT, rows=RowSet.CHANGES, description="Add or update."),),
)
SEEN = Seen(None, (ACCEPTED,), 1, ())


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ([Text(name="host", label="")], "label"),
        ([Text(name="host", label="Host"), Text(name="host", label="Host")], "twice"),
        ([Number(name="port", label="Port", default=0, minimum=1)], "default"),
        ([Select(name="kind", label="Kind")], "nothing to choose"),
        ([Text(name="a", label="A", when=When(field="b", values=("x",)))], "does not exist"),
        ([Section(name="s", label="S", fields=(Text(name="inner", label=""),))], "s.inner"),
    ],
)
def test_unsound_fields_are_found(fields: list[Field], complaint: str) -> None:
    assert complaint in " ".join(static.field_problems(fields))


@pytest.mark.parametrize("name", ["password", "api_key", "client_secret", "session_token", "client_key"])
def test_open_credentials_are_found(name: str) -> None:
    open_field = Text(name=name, label="Credential")
    assert static.credential_problems([open_field])
    assert static.credential_problems([Section(name="s", label="S", fields=(open_field,))])
    assert static.credential_problems([replace(open_field, secret=True)]) == []


@pytest.mark.parametrize(
    ("broken", "complaint"),
    [
        (replace(GOOD, modes=()), "no modes"),
        (replace(GOOD, modes=GOOD.modes * 2), "twice"),
        (replace(GOOD, limits=Limits(batch_rows=0)), "limit below 1"),
        (replace(GOOD, limits=Limits(timeout_s=0)), "time-out"),
        (replace(GOOD, mapping=False), "neither"),
        (replace(GOOD, modes=(replace(GOOD.modes[0], removals=(Removal.DELETE,)),)), "removed rows"),
        (replace(GOOD, modes=(replace(GOOD.modes[0], rows=RowSet.ADDED, removals=tuple(Removal)),)), "never gets"),
        (replace(GOOD, modes=(replace(GOOD.modes[0], mode=Mode.INSERT),)), "idempotent"),
        (replace(GOOD, modes=(replace(GOOD.modes[0], description=""),)), "not described"),
    ],
)
def test_unsound_sync_types_are_found(broken: SyncType, complaint: str) -> None:
    assert static.sync_type_problems(GOOD) == []
    assert complaint in " ".join(static.sync_type_problems(broken))


def test_unsound_definitions_are_found() -> None:
    assert static.definition_problems(replace(DEFINITION, summary=" "))
    assert static.definition_problems(replace(DEFINITION, key="HTTP Request"))
    assert static.definition_problems(replace(DEFINITION, sync_types=()))
    assert static.match_problems(AudienceDestination) == []
    silent = type("Silent", (AudienceDestination,), {"match_stats": Destination.match_stats})
    assert "missing" in static.match_problems(silent)[0]
    unasked = type("Unasked", (AudienceDestination,), {"definition": PostgresDestination.definition})
    assert "never asked" in static.match_problems(unasked)[0]
    lister = type("Lister", (AudienceDestination,), {"audiences_there": lambda self: None})
    assert "never asked" in static.listing_problems(lister)[0]
    promised = replace(AudienceDestination.definition, lists_audiences=True)
    assert static.listing_problems(type("Told", (lister,), {"definition": promised})) == []
    mute = type("Mute", (AudienceDestination,), {"definition": promised})
    assert "missing" in static.listing_problems(mute)[0]
    untested = replace(PosthogDestination.api, test=("GET", "flags"))
    assert "never sent" in static.check_problems(type("Twice", (PosthogDestination,), {"api": untested}))[0]
    plain = {"check": RestDestination.check}
    assert "nothing says" in static.check_problems(type("Neither", (PosthogDestination,), plain))[0]


def test_pickers_that_cannot_ask_are_found() -> None:
    table = Select(name="table", label="Table", discover="tables")
    assert static.picker_problems(PostgresDestination, [table]) == []
    assert "missing" in static.picker_problems(PostgresDestination, [replace(table, discover="views")])[0]
    found = static.picker_problems(PostgresDestination, [replace(table, depends=("schema",))])
    assert "cannot ask" in found[0]
    assert "no setting" in found[1]


@pytest.mark.parametrize(
    "code",
    [
        "import httpx",
        "from urllib.request import urlopen",
        "import django.conf",
        "import time\ntime.sleep(1)",
        "import asyncio\nasync def f():\n    await asyncio.sleep(1)",
        "try:\n    pass\nexcept:\n    pass",
        "raise ValueError('x')",
        "import os\nos.environ['X']",
        "print(rows)",
    ],
)
def test_forbidden_code_is_found(code: str) -> None:
    assert static.source_problems(code)


def test_broken_behaviour_is_found() -> None:
    assert behaviour.answered_once(replace(SEEN, requests=2))
    assert behaviour.result_for_each(SEEN, 2)
    assert behaviour.in_doubt(replace(SEEN, error=Unavailable("gone")))
    assert behaviour.in_doubt(replace(SEEN, error=AuthError("no")))
    assert behaviour.asks_to_wait(replace(SEEN, error=RateLimited("slow", after=86_400)), 900)
    assert behaviour.asks_to_wait(replace(SEEN, error=Unavailable("slow")), 900)
    assert behaviour.keeps_secrets(replace(SEEN, error=AuthError("Bearer abc123")), ["abc123"])


def test_a_secret_in_a_trace_is_found() -> None:
    told = trace.Exchange(started_at=STARTED, duration_ms=1, method="GET", target="http://x/?k=abc123", status=200)
    assert behaviour.keeps_secrets(replace(SEEN, exchanges=[told]), ["abc123"])


async def test_answers_that_nobody_fetched_fail_the_case() -> None:
    with pytest.raises(UnusedAnswers):
        async with fake_http(Answer(200)):
            pass


async def test_requests_that_nobody_expected_are_refused() -> None:
    async with fake_http() as server, aiohttp.ClientSession() as client, client.get(server.url) as answer:
        assert answer.status == 599


def test_lost_digits_are_found() -> None:
    assert exact_json("12.50") != exact_json("12.5")
    assert exact_json("1e2") != exact_json("100.0")


def test_a_sign_in_that_is_declared_by_half_is_found() -> None:
    undeclared = {"definition": replace(DEFINITION, connects=None), "consent": lambda self: None}
    assert "never asked" in static.consent_problems(type("Undeclared", (), undeclared))[0]
    assert "is missing" in static.consent_problems(type("Unanswered", (), {"definition": DEFINITION}))[0]
    elsewhere = replace(DEFINITION, connects=When(field="nowhere", values=("x",)))
    assert "no setting" in static.consent_problems(type("Elsewhere", (), {**undeclared, "definition": elsewhere}))[0]
    bare = replace(DEFINITION, fields=(Text(name="nowhere", label="Nowhere"),), connects=elsewhere.connects)
    assert "redirect address" in static.consent_problems(type("Bare", (), {**undeclared, "definition": bare}))[0]
