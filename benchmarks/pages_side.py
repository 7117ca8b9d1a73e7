"""Asks every list page for its time and statements, in a process whose settings name the benchmark's services."""

from __future__ import annotations

import html
import json
import re
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import django
import psutil

if TYPE_CHECKING:
    from django.test import Client

    from benchmarks.pages_data import Company

WARM_UP = 3
DEEP = 20  # pages forward
_NEXT = re.compile(r'href="([^"]*[?;]after=[^"]*)"')


@dataclass(frozen=True, slots=True)
class Page:
    """One address as people see it; ``needs_admin`` where editors are refused."""

    name: str
    path: str
    needs_admin: bool = False


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
    django.setup()
    from django.core.management import call_command

    from benchmarks.pages_data import Size, build

    size, rounds = Size(**json.loads(sys.argv[1])), int(sys.argv[2])
    call_command("migrate", verbosity=0)
    began = time.perf_counter()
    company = build(size)
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
            listed = list(pages(company, client))
        shown = [page for page in listed if role == "admin" or not page.needs_admin]
        costs += [_cost(client, role, page, rounds) for page in shown]
        caller = Client(SERVER_NAME="localhost", headers={"Authorization": f"Bearer {company.keys[role]}"})
        costs += [_cost(caller, role, page, rounds) for page in endpoints(company)]
    return costs


def pages(company: Company, client: Client) -> Iterator[Page]:
    """Every list, as it opens, searched, filtered, sorted and far down."""
    from connectors.models import Destination, Source
    from workspaces.models import User
    from workspaces.scoping import unscoped

    with unscoped("a benchmark's own data"):
        source = Source.objects.order_by("pk")[20].pk
        destination = Destination.objects.order_by("pk")[20].pk
    user = User.objects.order_by("pk")[30].pk
    place = f"/{company.slug}"
    runs = f"{place}/syncs/{company.busy_sync}"
    yield Page("overview", f"{place}/")
    for kind, type_key in (("sources", "sample_b2c"), ("destinations", "postgres")):
        yield Page(kind, f"{place}/{kind}")
        yield Page(f"{kind} searched", f"{place}/{kind}?q=a+7")
        yield Page(f"{kind} filtered", f"{place}/{kind}?type={type_key}&health=failing")
    yield Page("models", f"{place}/models")
    yield Page("models searched", f"{place}/models?q=customers+9")
    yield Page("models of a source", f"{place}/models?source={source}")
    yield Page("models by syncs", f"{place}/models?order=-sync_count")
    yield Page("a model's syncs", f"{place}/models/{company.busy_model}/syncs")
    yield Page("a model's activity", f"{place}/models/{company.busy_model}/activity")
    yield Page("syncs", f"{place}/syncs")
    for health in ("healthy", "warning", "failed", "idle"):
        yield Page(f"syncs {health}", f"{place}/syncs?health={health}")
    yield Page("syncs searched", f"{place}/syncs?q=campaign")
    yield Page("syncs, nothing found", f"{place}/syncs?q=zzzz")
    yield Page("syncs to a destination", f"{place}/syncs?destination={destination}")
    for order in ("model__name", "-last_run__started_at"):
        yield Page(f"syncs by {order}", f"{place}/syncs?order={order}")
    yield Page("syncs, last page", _deep(client, f"{place}/syncs"))
    yield Page("a sync's runs", runs)
    yield Page("a sync's runs, page 20", _deep(client, runs))
    yield Page("a sync's activity", f"{runs}/activity")
    log = f"{place}/audit-log"
    yield Page("audit log", log, needs_admin=True)
    yield Page("audit log, page 20", _deep(client, log), needs_admin=True)
    asked = {
        "common words": "q=acme", "rare words": "q=customers+9999", "nothing found": "q=zzzz",
        "one person": f"person={user}", "Headrace": "person=system", "one type": "type=sync",
        "one event": "event=model.created", "two days": "since=2000-01-01&until=2000-01-02",
        "everything": f"q=person30&person={user}&type=sync&event=sync.created&since=2000-01-01",
    }  # fmt: skip
    for words, query in asked.items():
        yield Page(f"audit log, {words}", f"{log}?{query}", needs_admin=True)
    yield Page("people", f"{place}/organization/people")
    yield Page("people searched", f"{place}/organization/people?q=person1")
    yield Page("groups", f"{place}/organization/groups")
    yield Page("access", f"{place}/settings/access")
    yield Page("people with access", f"{place}/settings/access/people")
    yield Page("workspaces of the organization", f"{place}/organization/workspaces")
    yield Page("roles", f"{place}/settings/roles")
    yield Page("API keys", f"{place}/settings/api-keys", needs_admin=True)
    yield Page("API keys searched", f"{place}/settings/api-keys?q=key&status=working", needs_admin=True)
    yield Page("palette", f"{place}/palette?q=cust")


def endpoints(company: Company) -> Iterator[Page]:
    """The REST lists, with the page size that callers get when they name none."""
    for name in ("sources", "models", "destinations", "syncs"):
        yield Page(f"REST {name}", f"/api/v1/{name}")
    yield Page("REST a sync's runs", f"/api/v1/syncs/{company.busy_sync}/runs")


def _deep(client: Client, path: str) -> str:
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
    response = client.get(page.path)
    took = 1000 * (time.perf_counter() - began)
    if response.status_code != 200:
        raise SystemExit(f"{page.path} answered {response.status_code}")
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
