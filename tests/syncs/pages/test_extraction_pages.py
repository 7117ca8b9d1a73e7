"""The tab “Data extraction” and its endpoints: who sees it, who may switch it on, what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from connectors import services as connectors
from connectors.models import Source
from syncs.models import AudienceExtraction
from tests.api.calls import caller, key_of
from tests.syncs.app.shop import Shop

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

pytestmark = pytest.mark.django_db(transaction=True)


def test_it_is_switched_on_looked_at_and_run(shop: Shop, browser_of: Callable[[str], Client], owner: Client) -> None:
    ads = connectors.create_destination(
        actor=shop.actor, type="tiktok", values={"access_token": "t", "advertiser_id": "77"}, name="Ads"
    )
    here, other = (f"/acme/destinations/{pk}/extraction" for pk in (ads.pk, shop.destination.pk))
    assert here in owner.get(f"/acme/destinations/{ads.pk}").content.decode()
    assert other not in owner.get(f"/acme/destinations/{shop.destination.pk}").content.decode()
    assert owner.get(other).status_code == 409
    wanted = {"source": str(shop.source.pk)}
    assert owner.post(here, wanted).status_code == 422, "its write access was not tested"
    assert connectors.check_write_access(actor=shop.actor, source=shop.source).ok
    assert "Data extraction is off." in owner.post(here, {"action": "run"}, follow=True).content.decode()
    viewer = browser_of("viewer")
    assert viewer.get(here).status_code == 200
    assert viewer.post(here, wanted).status_code == 403
    assert not AudienceExtraction.objects.exists()
    assert owner.post(here, wanted).status_code == 302
    row = AudienceExtraction.objects.get()
    assert row.source == Source.objects.get(pk=shop.source.pk)
    AudienceExtraction.objects.update(rows=1234, error_message="The token is over.")
    page = owner.get(here).content.decode()
    assert "1,234" in page
    assert "The token is over." in page
    assert "Run now" in page
    assert "Run now" not in viewer.get(here).content.decode()
    assert "A snapshot is being written." in owner.post(here, {"action": "run"}, follow=True).content.decode()
    row.refresh_from_db()
    assert row.error_message == ""
    call = caller(key_of(shop.place, shop.place.owner))
    path = f"/destinations/{ads.pk}/extraction"
    assert call("get", path).json()["sourceId"] == str(shop.source.pk)
    assert call("post", f"{path}/trigger").status_code == 200
    assert call("put", path, {"sourceId": "x"}).status_code == 422
    assert call("put", path, {"sourceId": None}).json()["sourceId"] is None
    assert call("post", f"{path}/trigger").status_code == 409
    assert call("put", path, {"sourceId": str(shop.source.pk)}).json()["rows"] == 1234
    assert "Switched off." in owner.post(here, {"source": ""}, follow=True).content.decode()
