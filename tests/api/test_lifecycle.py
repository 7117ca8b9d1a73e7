"""Holding, resetting, cancelling and deleting over the REST API, as far as the key's owner may."""

from __future__ import annotations

from tests.api.calls import Call, caller
from tests.syncs.app.shop import Shop
from tests.world import BUILDER, World
from workspaces.services import create_api_key


def test_what_was_built_is_held_reset_and_taken_down_again(shop: Shop, world: World, call: Call) -> None:
    made = create_api_key(actor=BUILDER, workspace=world.acme.workspace, name="Viewer", owner=world["viewer"])
    viewer = caller(made.secret)
    shop.fill(2)
    model = shop.model()
    sync = shop.sync(model)
    here = f"/syncs/{sync.pk}"
    below = [f"/models/{model.pk}", f"/sources/{model.source_id}", f"/destinations/{sync.destination_id}"]
    assert [viewer("post", f"{here}/{action}").status_code for action in ("pause", "resume", "reset")] == [403] * 3
    assert [viewer("delete", path).status_code for path in (here, *below)] == [403] * 4

    for path in below[1:]:
        assert viewer("post", f"{path}/check").status_code == 403
        assert call("post", f"{path}/check").json()["ok"] is True
    assert call("post", f"{here}/pause").status_code == 200
    assert call("post", f"{here}/trigger").status_code == 409, "a paused sync does not run"
    assert call("post", f"{here}/resume").status_code == 200
    call("post", f"{here}/reset")
    sync.refresh_from_db()
    assert sync.pending_reset == "reset"
    call("post", f"{here}/reset", {"reset": False})
    sync.refresh_from_db()
    assert sync.pending_reset == ""
    preview = call("post", f"{here}/previews").json()["id"]
    assert call("delete", f"{here}/previews/{preview}").status_code == 204
    assert call("get", f"{here}/previews/{preview}").json()["status"] == "cancelled"

    sequence = call("post", "/sync-sequences", {"name": "Nightly", "steps": [{"syncId": sync.pk}]}).json()["id"]
    run = call("post", f"/sync-sequences/{sequence}/trigger").json()["id"]
    assert call("delete", f"/sync-sequences/{sequence}").status_code == 409, "it runs"
    assert viewer("post", f"/sync-sequences/runs/{run}/cancel").status_code == 403
    assert call("post", f"/sync-sequences/runs/{run}/cancel").status_code == 200

    assert [call("delete", path).status_code for path in below] == [409] * 3, "each carries the next"
    assert [call("delete", path).status_code for path in (here, *below)] == [204] * 4
    assert [call("get", path).status_code for path in (here, *below)] == [404] * 4
