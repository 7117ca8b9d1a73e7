"""Whole pages, parts and the way out."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from django.contrib.messages import get_messages
from django.contrib.messages.storage.cookie import CookieStorage
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from config.htmx import go_to, toast, wants_part

Ask = Callable[..., HttpRequest]


@pytest.fixture
def ask() -> Ask:
    def request(**headers: str) -> HttpRequest:
        made = RequestFactory().get("/acme/syncs", headers=headers)
        made._messages = CookieStorage(made)  # type: ignore[attr-defined]  # what the middleware does
        return made

    return request


@pytest.mark.parametrize(
    ("headers", "part"),
    [
        ({}, False),
        ({"HX-Request": "true", "HX-Request-Type": "partial"}, True),
        ({"HX-Request": "true", "HX-Request-Type": "full"}, False),
        ({"HX-Request": "true", "HX-History-Restore-Request": "true"}, False),
    ],
)
def test_only_a_swap_of_a_part_gets_a_part(ask: Ask, headers: dict[str, str], part: bool) -> None:
    assert wants_part(ask(**headers)) is part


def test_leaving_redirects_a_browser_and_tells_htmx_where_to_go(ask: Ask) -> None:
    assert go_to(ask(), "/acme/syncs/1").headers["Location"] == "/acme/syncs/1"
    told = go_to(ask(**{"HX-Request": "true"}), "/acme/syncs/1")
    assert (told.status_code, told.headers["HX-Redirect"]) == (200, "/acme/syncs/1")


def test_the_next_page_shows_the_message(ask: Ask) -> None:
    request = ask()
    go_to(request, "/acme/syncs", "Sync ran.", tone="warn")
    assert [(message.message, message.level_tag) for message in get_messages(request)] == [("Sync ran.", "warning")]


def test_a_part_can_bring_a_toast() -> None:
    sent = toast(HttpResponse(), "Sync ran.").headers["HX-Trigger"]
    assert json.loads(sent) == {"toast": {"text": "Sync ran.", "tone": "good"}}
