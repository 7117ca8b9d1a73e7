"""What the pages of a destination show of its syncs and of the account that it signs in as."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from connectors import services as connectors
from tests.syncs.app.shop import Shop

if TYPE_CHECKING:
    from django.test import Client

pytestmark = pytest.mark.django_db(transaction=True)
KEY = {
    "type": "service_account",
    "client_email": "headrace@acme.iam.gserviceaccount.com",
    "private_key": "-----BEGIN PRIVATE KEY-----secret",
    "token_uri": "https://oauth2.googleapis.com/token",
}


def test_a_destination_lists_its_syncs_and_no_others(shop: Shop, owner: Client) -> None:
    shop.fill(1)
    sync = shop.sync()
    other = connectors.create_destination(
        actor=shop.actor, type="http_request", values={"base_url": "https://api.example"}, name="Other"
    )
    here, there = (f"/acme/destinations/{pk}/syncs" for pk in (shop.destination.pk, other.pk))
    assert here in owner.get(f"/acme/destinations/{shop.destination.pk}").content.decode()
    link = f'href="/acme/syncs/{sync.pk}"'
    assert link in owner.get(here, {"q": sync.model.name}).content.decode()
    assert link not in owner.get(here, {"q": "nothing like it"}).content.decode()
    assert link not in owner.get(there).content.decode()


def test_a_service_account_is_shown_to_share_things_with(shop: Shop, owner: Client) -> None:
    sheets = connectors.create_destination(
        actor=shop.actor,
        type="google_sheets",
        values={"sign_in": "service_account", "service_account_key": json.dumps(KEY)},
        name="Sheets",
    )
    page = owner.get(f"/acme/destinations/{sheets.pk}").content.decode()
    assert KEY["client_email"] in page
    assert "PRIVATE KEY" not in page
    assert "Share with" not in owner.get(f"/acme/destinations/{shop.destination.pk}").content.decode()
