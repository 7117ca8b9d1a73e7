"""What a request's status and address tell."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.models import Destination
from syncs.engine.exchanges import KeptExchange
from syncs.views.exchanges import lacks_value, shown_exchanges, status_help


@pytest.mark.parametrize(
    "target",
    [
        "https://api.test/users/undefined",
        "https://api.test/users/undefined/tags?page=1",
        "https://api.test/users//tags",
        "https://api.test/users?id=null",
    ],
)
def test_an_address_without_a_value_is_noticed(target: str) -> None:
    assert lacks_value(target)


@pytest.mark.parametrize(
    "target",
    [
        "https://api.test/users/7",
        "https://api.test/",
        "https://api.test",
        "https://api.test/users/?q=",
        "COPY customers",
    ],
)
def test_a_whole_address_is_left_alone(target: str) -> None:
    assert not lacks_value(target)


def test_a_service_in_trouble_leads_to_its_own_words_on_it() -> None:
    def kept(status: int | None) -> KeptExchange:
        empty = dict.fromkeys(("request_body", "response_body", "error", "note", "id", "target"), "")
        sent = {"part": 0, "batch": 0, "attempt": 1, "failed": True, "started_at": None, "duration_ms": None}
        headers: dict[str, Any] = {"request_headers": (), "response_headers": ()}
        return KeptExchange(**empty, **sent, **headers, method="POST", status=status)  # type: ignore[arg-type]

    shown = shown_exchanges(map(kept, (503, None, 400)), Destination(type="slack"))
    assert [each.outages for each in shown] == ["https://status.slack.com", "https://status.slack.com", ""]
    assert [each.outages for each in shown_exchanges([kept(503)], Destination(type="http_request"))] == [""]


def test_each_class_of_status_has_its_own_advice() -> None:
    advice = [status_help(status) for status in (200, 302, 400, 401, 429, 418, 503)]
    assert len(set(advice)) == len(advice)
    assert all(advice)
    assert status_help(None) == ""
