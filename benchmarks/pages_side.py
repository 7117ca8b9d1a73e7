"""Asks every list page for its time and statements, in a process whose settings name the benchmark's services.

The first argument names the module of the company: its ``Size``, what fills the database, and its pages.
"""

from __future__ import annotations

import html
import json
import re
import statistics
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

import psutil

if TYPE_CHECKING:
    from django.test import Client

    from workspaces.models import User

WARM_UP = 3
DEEP = 20  # pages forward
_NEXT = re.compile(r'href="([^"]*[?;]after=[^"]*)"')


@dataclass(frozen=True, slots=True)
class Page:
    """One address as people see it; ``needs_admin`` where editors are refused. ``key`` opens it instead of the
    caller's own API key. With ``post`` that form is sent, as a page does that changes in place."""

    name: str
    path: str
    needs_admin: bool = False
    key: str = ""
    post: Mapping[str, str] | None = None


class Company(Protocol):
    """Who asks for pages, and which there are: every list, as it opens, searched, filtered, sorted and far down."""

    @property
    def users(self) -> Mapping[str, User]: ...

    @property
    def keys(self) -> Mapping[str, str]: ...

    def pages(self, client: Client) -> Iterator[Page]: ...

    def endpoints(self) -> Iterator[Page]: ...


@dataclass(frozen=True, slots=True)
class Cost:
    """What one page takes: all statements sent to the database, and milliseconds: of processors, and by the clock."""

    page: str
    role: str
    statements: int
    cpu: float
    median: float
    p95: float


def main() -> None:
    """Fill the database and print every page's cost as JSON."""
    import_module("config.asgi")  # as the web process begins
    from django.core.management import call_command

    place = import_module(sys.argv[1])
    size, rounds = place.Size(**json.loads(sys.argv[2])), int(sys.argv[3])
    call_command("migrate", verbosity=0)
    began = time.perf_counter()
    company = place.build(size)
    print(f"filled the database in {time.perf_counter() - began:.0f} s", file=sys.stderr)
    print(json.dumps([asdict(cost) for cost in measure(company, rounds)]))


def measure(company: Company, rounds: int) -> list[Cost]:
    """Every page for everyone who may open it."""
    from django.test import Client

    costs: list[Cost] = []
    listed: list[Page] = []
    for role, user in company.users.items():
        client = Client(SERVER_NAME="localhost")
        client.force_login(user)
        if role == "admin":  # who finds the addresses of pages far down
            listed = list(company.pages(client))
        shown = [page for page in listed if role == "admin" or not page.needs_admin]
        costs += [_cost(client, role, page, rounds) for page in shown]
        caller = Client(SERVER_NAME="localhost", headers={"Authorization": f"Bearer {company.keys[role]}"})
        called = [page for page in company.endpoints() if role == "admin" or not page.needs_admin]
        costs += [_cost(caller, role, page, rounds) for page in called]
    return costs


def deep(client: Client, path: str) -> str:
    """The address some pages further on, as somebody gets there who pages forward."""
    for _ in range(DEEP - 1):
        following = _NEXT.search(client.get(path).text)
        if following is None:
            break
        path = html.unescape(following[1])
    return path


def _cost(client: Client, role: str, page: Page, rounds: int) -> Cost:
    for _ in range(WARM_UP):
        _ask(client, page)
    before = _processor_seconds()
    times = [_ask(client, page) for _ in range(rounds)]
    cpu = 1000 * (_processor_seconds() - before) / rounds
    with counted() as sent:
        _ask(client, page)
    p95 = statistics.quantiles(times, n=20, method="inclusive")[-1]
    return Cost(page.name, role, len(sent), cpu, statistics.median(times), p95)


def _ask(client: Client, page: Page) -> float:
    began = time.perf_counter()
    headers = {"Authorization": f"Bearer {page.key}"} if page.key else None
    if page.post is None:
        response = client.get(page.path, headers=headers)
    else:
        response = client.post(page.path, page.post, headers={"HX-Request": "true"})
    took = 1000 * (time.perf_counter() - began)
    if response.status_code != 200:
        raise SystemExit(f"{page.path} answered {response.status_code}: {response.text[:300]}")
    return took


def _processor_seconds() -> float:
    """What this process and its database session used so far, whatever else the machine is doing."""
    from django.db import connection

    session = psutil.Process(connection.connection.info.backend_pid).cpu_times()
    return time.process_time() + session.user + session.system


@contextmanager
def counted() -> Iterator[list[str]]:
    """Every statement that reaches the server, those that set the session's scope included."""
    from django.db import connection

    sent: list[str] = []
    raw = connection.connection
    before = raw.cursor_factory

    class Counting(before):  # type: ignore[misc, valid-type]  # the class is known only now
        def execute(self, query: Any, *args: Any, **kwargs: Any) -> Any:
            sent.append(str(query))
            return super().execute(query, *args, **kwargs)

    raw.cursor_factory = Counting
    try:
        yield sent
    finally:
        raw.cursor_factory = before


if __name__ == "__main__":
    main()
