"""Jobs that a service works on in its own time, and a worker that is killed while it waits for one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from connectors import services as connectors
from connectors.models import Destination
from syncs import services
from syncs.choices import RunStatus
from tests.support.http import serving
from tests.syncs.app.shop import Shop, wait_until
from tests.syncs.app.test_kills import again, take_over
from tests.syncs.app.test_places import Klaviyo
from tests.syncs.app.workers import WORKER, kill, process

KLAVIYO = "https://a.klaviyo.com"


class SlowKlaviyo(Klaviyo):
    """As Klaviyo, whose import jobs are not over before ``working`` is taken away."""

    working: ClassVar[bool] = True
    handed_in: ClassVar[int] = 0
    asked: ClassVar[list[str]] = []

    def do_POST(self) -> None:  # noqa: N802 - the library's names
        type(self).handed_in += "import-jobs" in self.path
        super().do_POST()

    def do_GET(self) -> None:  # noqa: N802 - as above
        if "import-jobs" not in self.path:
            return super().do_GET()
        self.asked.append(self.path)
        return self._say(200, {"attributes": {"status": "processing" if self.working else "complete"}})


@pytest.fixture
def address(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for name, value in {"lists": {}, "members": {}, "working": True, "handed_in": 0, "asked": []}.items():
        monkeypatch.setattr(SlowKlaviyo, name, value)
    with serving(SlowKlaviyo) as port:
        settings.OUTBOUND_ROUTES = {KLAVIYO: f"http://127.0.0.1:{port}"}
        yield settings.OUTBOUND_ROUTES[KLAVIYO]


def klaviyo(shop: Shop) -> Destination:
    values = {"sign_in": "key", "api_key": "pk_1"}
    return connectors.create_destination(actor=shop.actor, type="klaviyo", values=values, name="Klaviyo")


@pytest.mark.services
def test_after_a_kill_the_job_that_was_handed_in_is_asked_for_and_none_handed_in_again(
    shop: Shop, address: str
) -> None:
    shop.fill(3)
    shop.destination = klaviyo(shop)
    email = {"to": "email", "kind": "column", "value": "email", "identifier": True}
    sync = shop.sync(sync_type="list", mode="add", removal="nothing", settings={"list_from": "new"}, mappings=[email])
    run = services.start_run(actor=shop.actor, sync=sync)
    with process(WORKER, routes={KLAVIYO: address}) as worker:
        wait_until(lambda: bool(SlowKlaviyo.asked), "the first question about the job")
        kill(worker)
    SlowKlaviyo.working, before = False, len(SlowKlaviyo.asked)
    take_over()
    run = again(run)
    assert (run.status, run.succeeded, run.error_message) == (RunStatus.SUCCEEDED, 3, "")
    assert (SlowKlaviyo.handed_in, len(SlowKlaviyo.asked) > before) == (1, True)
    assert SlowKlaviyo.members["L1"] == {"c1@shop.test", "c2@shop.test", "c3@shop.test"}
