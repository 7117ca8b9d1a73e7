"""Requests with values no database holds: refused in words, never a defect."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tests.api.calls import caller, key_of
from tests.world import World


@pytest.fixture
def api(world: World) -> Any:
    """Calls as the workspace's owner."""
    assert world.acme.rows["sync"]
    return caller(key_of(world.acme, world.owner))


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/syncs", {"offset": 10**20}),
        ("/sources", {"offset": 2**63 - 1}),
        ("/models", {"offset": 10**20}),
        ("/syncs/{sync}/runs", {"within": 1e17}),
    ],
)
def test_numbers_beyond_the_database_are_refused(api: Any, world: World, path: str, query: dict[str, Any]) -> None:
    answer = api("get", path.format(sync=world.acme.rows["sync"].pk), **query)
    assert answer.status_code == 422
    assert set(answer.json()["details"]) == set(query)


@pytest.mark.parametrize(
    ("path", "lacks"),
    [
        ("/notification-channels", "slug"),
        ("/tunnels", "slug"),
        ("/cloud-credentials", "-slug"),
        ("/links", "name"),
        ("/deployments", "-updatedAt"),
    ],
)
def test_an_order_that_rows_lack_is_refused(api: Any, path: str, lacks: str) -> None:
    answer = api("get", path, orderBy=lacks)
    assert answer.status_code == 422
    assert lacks.removeprefix("-") not in answer.json()["details"]["orderBy"]
    assert api("get", path, orderBy="-id").status_code == 200


def test_a_body_larger_than_the_limit_is_refused_before_it_is_read(api: Any) -> None:
    answer = api("post", "/sources", {"name": "x" * 3_000_000, "type": "duckdb", "configuration": {}})
    assert answer.status_code == 413
    assert answer.json()["code"] == "too_large"


def test_a_body_nested_without_end_is_refused(api: Any) -> None:
    deep = '{"name": "x", "type": "duckdb", "configuration": {"a": ' + "[" * 100_000 + "]" * 100_000 + "}}"
    assert api("post", "/sources", deep).status_code == 400


@pytest.mark.parametrize(
    "route", ["workspaces:people", "workspaces:palette", "governance:audit_log", "connectors:sources", "syncs:syncs"]
)
@pytest.mark.django_db
def test_a_nul_in_an_address_is_refused_in_words(world: World, route: str) -> None:
    client = Client()
    client.force_login(world.owner)
    answer = client.get(reverse(route, args=[world.acme.slug]) + "?q=a%00")
    assert answer.status_code == 400


def test_the_last_day_of_time_is_no_defect(world: World) -> None:
    client = Client()
    client.force_login(world.owner)
    address = reverse("governance:audit_log", args=[world.acme.slug])
    assert client.get(address, {"until": "9999-12-31"}).status_code == 200
