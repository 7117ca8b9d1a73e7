"""Kafka beyond the cases: where it may be reached, and what is said where it cannot be."""

from __future__ import annotations

import pytest

from connectors.sdk.context import Environment
from connectors.sdk.errors import ConfigError, Unavailable
from tests.connectors.kit.drivers import destination_of

pytest.importorskip("aiokafka", reason="the driver is not installed; `make test` does that")
NOBODY = {"brokers": "127.0.0.1:1", "mechanism": "none", "tls": False}


async def test_brokers_are_judged_before_they_are_reached() -> None:
    with pytest.raises(ConfigError, match="not a public address"):
        await destination_of("apache_kafka", NOBODY, Environment()).check()


async def test_brokers_that_nobody_answers_for_are_named() -> None:
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1:1") as caught:
        await destination_of("apache_kafka", NOBODY, Environment(outbound_allow=("*",))).check()
    assert "every broker" in caught.value.hint


async def test_what_is_no_broker_is_refused() -> None:
    with pytest.raises(ConfigError, match="https://kafka"):
        await destination_of("apache_kafka", {**NOBODY, "brokers": "https://kafka"}, Environment()).check()
