"""A live ASGI server on the test database, and a browser that complains."""

from __future__ import annotations

import asyncio
import socket
import threading
from asyncio import AbstractEventLoop
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import uvicorn
from playwright.sync_api import Browser, Page
from pytest_django.plugin import DjangoDbBlocker

from tests.browser.chromium import AXE, Complaints, Scheme, browser, context_of, executable

STOP_SECONDS = 20

Open = Callable[..., Page]


@pytest.fixture(scope="session")
def kept_browser() -> Iterator[tuple[Browser, AbstractEventLoop]]:
    """One browser for all tests of this process, with the event loop that Playwright keeps in this thread.

    The loop counts as running only while a browser test does: asynchronous tests elsewhere need their own.
    """
    with browser() as running:
        loop = asyncio.get_running_loop()
        asyncio._set_running_loop(None)
        yield running, loop
        asyncio._set_running_loop(loop)


@pytest.fixture(scope="module")
def chromium(request: pytest.FixtureRequest) -> Iterator[Browser]:
    """The browser for a module's tests, which are skipped where none is installed.

    Django is told that Playwright's loop never touches the database.
    """
    if executable() is None:
        pytest.skip("no Chromium on this machine: install the package chromium-headless-shell")
    if not AXE.exists():
        pytest.skip("no front-end packages: run make")
    running, loop = request.getfixturevalue("kept_browser")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        asyncio._set_running_loop(loop)
        yield running
        asyncio._set_running_loop(None)


@pytest.fixture(scope="module")
def server(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """The address of the whole application, served as in production; a module's tests share its database."""
    from tests.support.rows import database_rows

    with django_db_blocker.unblock():
        with _served() as address:
            yield address
        database_rows().delete_all()


@contextmanager
def _served() -> Iterator[str]:
    listener = socket.create_server(("127.0.0.1", 0))
    running = uvicorn.Server(uvicorn.Config("config.asgi:application", log_level="warning", lifespan="off"))
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    host, port = listener.getsockname()
    yield f"http://{host}:{port}"
    running.should_exit = True
    thread.join(STOP_SECONDS)
    listener.close()


@pytest.fixture
def open_page(chromium: Browser, server: str) -> Iterator[Open]:
    """Open a path at a width and in a colour scheme. Errors in the console fail the test at its end."""
    complaints = Complaints()
    with opening(chromium, server, complaints) as go:
        yield go
    assert complaints.seen == []


@contextmanager
def opening(chromium: Browser, server: str, complaints: Complaints) -> Iterator[Open]:
    """The same for as long as one likes, with what the pages complain of."""
    contexts = []

    def go(path: str, width: int = 1440, scheme: Scheme = "light", session: str = "") -> Page:
        context = context_of(chromium, width, scheme)
        contexts.append(context)
        if session:
            context.add_cookies([{"name": "sessionid", "value": session, "url": f"{server}/"}])
        page = context.new_page()
        complaints.watch(page)
        page.goto(server + path)
        return page

    yield go
    for context in contexts:
        context.close()
