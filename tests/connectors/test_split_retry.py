"""Sync types whose refused batches are split let people choose."""

from __future__ import annotations

from connectors.registry import DESTINATIONS, destination_class
from connectors.sdk.fields import SPLIT_RETRY


def test_every_sync_type_that_splits_offers_the_toggle_and_starts_with_it_on() -> None:
    kinds = [kind for key in DESTINATIONS for kind in destination_class(key).definition.sync_types]
    assert any(kind.split_retry for kind in kinds)
    assert all((SPLIT_RETRY in kind.settings) == kind.split_retry for kind in kinds)
    assert SPLIT_RETRY.default is True
