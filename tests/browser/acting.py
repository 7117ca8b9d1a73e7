"""Acting beside a page: signing in without the form, and doing a worker's part."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connection
from django.test import Client
from playwright.sync_api import Page

from tests.browser.conftest import Open
from tests.world import Place
from workspaces.models import User
from workspaces.scoping import workspace_scope

T = TypeVar("T")


def aside(place: Place, work: Callable[[], T]) -> T:
    """Do it on a thread of its own: Playwright's event loop, which has this one, lets no other loop run."""

    def done() -> T:
        try:
            with workspace_scope(place.workspace.pk):
                return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(done).result()


# Where tests begin that go on by themselves: it has the server's address, and costs nothing.
NOWHERE = "/static/app/favicon.svg"


def signed_in(open_page: Open, user: User, path: str = NOWHERE, width: int = 1440) -> Page:
    """A page of somebody who has signed in."""
    client = Client()
    client.force_login(user)
    return open_page(path, width=width, session=client.cookies["sessionid"].value)
