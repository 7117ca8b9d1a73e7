"""Audit streams over the REST API: organization admins make, test, change and remove them; credentials go in only."""

from __future__ import annotations

from typing import Any

import pytest

from governance.audit.services import seal_entries
from notifications.streams.sending import carry
from tests.api.calls import caller, key_of
from tests.notifications.receiver import receiving
from tests.notifications.servers import SIGNING_SECRET
from tests.world import World
from workspaces.scoping import organization_scope, unscoped


@pytest.mark.django_db
def test_a_stream_is_made_tested_changed_paused_and_removed(world: World, settings: Any) -> None:
    settings.OUTBOUND_ALLOW = ["*"]
    owner, admin, nobody = (
        caller(k) for k in (key_of(world.acme, world.owner), key_of(world.acme, world["admin"]), "")
    )
    with receiving() as receiver:
        wanted = {
            "kind": "webhook",
            "name": "SIEM",
            "configuration": {"endpoint": receiver.url, "signing_secret": SIGNING_SECRET},
            "fromStart": True,
        }
        assert admin("post", "/audit-streams", wanted).status_code == 403, "an admin of a workspace alone"
        assert nobody("get", "/audit-streams").status_code == 401
        short = {**wanted["configuration"], "signing_secret": "short"}  # type: ignore[dict-item]
        refused = owner("post", "/audit-streams", {**wanted, "configuration": short})
        assert (refused.status_code, list(refused.json()["details"])) == (422, ["signing_secret"])
        assert owner("post", "/audit-streams", {**wanted, "kind": "fax"}).status_code == 422

        made = owner("post", "/audit-streams", wanted).json()
        here = f"/audit-streams/{made['id']}"
        assert (made["kind"], made["health"], made["credentials"]) == ("webhook", "untested", ["signing_secret"])
        assert receiver.url not in str(made), "what may be secret in the address stays inside"
        assert SIGNING_SECRET not in owner("get", here).content.decode()

        receiver.answers = [(500, {})]
        failed = owner("post", f"{here}/test").json()
        assert (failed["health"], bool(failed["lastError"])) == ("failing", True)
        assert owner("post", f"{here}/test").json()["health"] == "healthy"
        assert receiver.taken[-1].verified(SIGNING_SECRET)["type"] == "audit.test"

        with unscoped("the scheduler seals for everybody"):
            seal_entries(100_000)
        waiting = owner("get", here).json()["waiting"]
        with organization_scope(world.acme.workspace.organization_id):
            assert carry(int(made["id"])) == waiting > 0
        after = owner("get", here).json()
        assert (after["waiting"], after["sent"], after["lastError"]) == (0, waiting, "")

        assert owner("patch", here, {"name": "Logs"}).json()["name"] == "Logs"
        moved = owner("patch", here, {"configuration": {"endpoint": "https://elsewhere.example/"}})
        assert "signing_secret" in moved.json()["details"], "another address asks for the secret again"
        assert owner("post", f"{here}/pause").json()["pausedAt"]
        assert owner("post", f"{here}/resume").json()["pausedAt"] is None
        listed = owner("get", "/audit-streams", orderBy="-name", name="Logs").json()["data"]
        assert [row["id"] for row in listed] == [made["id"]]
        assert admin("delete", here).status_code == 403
        assert owner("delete", here).status_code == 204
        assert owner("get", here).status_code == 404
