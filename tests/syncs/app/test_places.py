"""What rows go into: a list that the first run makes, in a service that keeps lists."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest

from config.errors import Invalid
from connectors import services as connectors
from connectors.models import Destination
from connectors.sdk.types import Operation
from syncs.choices import RunStatus
from syncs.models import Sync
from syncs.services import start_run
from syncs.services.trying import send_test_row
from tests.support.http import serving
from tests.syncs.app.shop import Shop, work_off


class Klaviyo(BaseHTTPRequestHandler):
    """Lists and their members. ``refusals``: how many of the next list creations are carried out, but answered 500."""

    lists: ClassVar[dict[str, str]] = {}
    members: ClassVar[dict[str, set[str]]] = {}
    refusals: ClassVar[int] = 0

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.path == "/api/lists":
            wanted = parse_qs(url.query)["filter"][0].removeprefix('equals(name,"').removesuffix('")')
            return self._say(200, [{"id": i, "attributes": {"name": n}} for i, n in self.lists.items() if n == wanted])
        return self._say(200, {"attributes": {"status": "complete", "failed_count": 0}})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["data"]
        if self.path == "/api/lists":
            made = f"L{len(self.lists) + 1}"
            self.lists[made], self.members[made] = body["attributes"]["name"], set()
            if type(self).refusals:
                type(self).refusals -= 1
                return self._say(500, None)
            return self._say(201, {"id": made})
        [into] = body["relationships"]["lists"]["data"]
        profiles = body["attributes"]["profiles"]["data"]
        self.members[into["id"]] |= {profile["attributes"]["email"] for profile in profiles}
        return self._say(202, {"id": "J1"})

    def _say(self, status: int, data: Any) -> None:
        text = json.dumps({"data": data}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: Any) -> None:
        """Tests need no access log."""


@pytest.fixture
def klaviyo(shop: Shop, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Destination]:
    monkeypatch.setattr(Klaviyo, "lists", {})
    monkeypatch.setattr(Klaviyo, "members", {})
    with serving(Klaviyo) as port:
        settings.OUTBOUND_ROUTES = {"https://a.klaviyo.com": f"http://127.0.0.1:{port}"}
        yield connectors.create_destination(
            actor=shop.actor, type="klaviyo", values={"sign_in": "key", "api_key": "pk_1"}, name="Klaviyo"
        )


@pytest.fixture
def sync(shop: Shop, klaviyo: Destination) -> Sync:
    shop.fill(3)
    shop.destination = klaviyo
    email = {"to": "email", "kind": "column", "value": "email", "identifier": True}
    return shop.sync(sync_type="list", mode="add", removal="nothing", settings={"list_from": "new"}, mappings=[email])


def test_the_first_run_makes_the_list_and_later_ones_fill_it(shop: Shop, sync: Sync) -> None:
    assert shop.run(sync).error_message == ""
    assert Klaviyo.lists == {"L1": "Customers"}
    assert len(Klaviyo.members["L1"]) == 3
    shop.fill(4)
    run = shop.run(sync)
    assert (run.status, run.planned_added) == (RunStatus.SUCCEEDED, 1)
    assert list(Klaviyo.lists) == ["L1"]
    assert len(Klaviyo.members["L1"]) == 4


def test_a_list_whose_making_was_not_answered_is_found_again_by_its_name(shop: Shop, sync: Sync) -> None:
    Klaviyo.refusals = 1
    failed = shop.run(sync)
    assert (failed.status, failed.succeeded) == (RunStatus.FAILED, 0)
    assert shop.run(sync).succeeded == 3
    assert list(Klaviyo.lists) == ["L1"]


def test_nothing_is_made_for_a_run_that_sends_nothing(shop: Shop, sync: Sync) -> None:
    shop.query("DELETE FROM customers")
    shop.run(sync)
    assert Klaviyo.lists == {}


def test_a_row_is_tested_after_the_first_run(shop: Shop, sync: Sync) -> None:
    with pytest.raises(Invalid, match="made by the first run"):
        send_test_row(actor=shop.actor, sync=sync, key="1", operation=Operation.ADDED, edits={})
    start_run(actor=shop.actor, sync=sync)
    work_off()
    sent = send_test_row(actor=shop.actor, sync=sync, key="1", operation=Operation.ADDED, edits={})
    assert sent is not None
