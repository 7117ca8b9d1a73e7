"""Row data leaves only through the gates that guard it: the debugger's redaction and the export."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client
from django.urls import reverse

if TYPE_CHECKING:
    from syncs.models import Run
    from tests.world import Place, World


class _Service(BaseHTTPRequestHandler):
    """Answers every request with a header that repeats what was asked for."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(201)
        self.send_header("Location", self.path)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


@pytest.fixture
def service(settings: Any) -> Iterator[str]:
    """Address of a web service that connectors may call."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Service)
    Thread(target=server.serve_forever, daemon=True).start()
    settings.OUTBOUND_ALLOW = [f"127.0.0.1:{server.server_port}"]
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def world(transactional_db: None) -> World:
    """Committed, as runs need their own transactions."""
    from tests.world import build_world

    return build_world()


@pytest.fixture
def place(world: World) -> Iterator[Place]:
    """The first workspace, entered."""
    from workspaces.scoping import workspace_scope

    with workspace_scope(world.acme.workspace.pk):
        yield world.acme


@pytest.fixture
def run(place: Place, service: str) -> Run:
    """A run that put e-mail addresses into paths, over a model with a column that looks like a formula."""
    from syncs import services
    from syncs.choices import ModelMethod
    from syncs.configuration import Proposal
    from syncs.definitions import Definition
    from syncs.models import Run
    from tests.connectors.app.connections import a_destination
    from tests.syncs.app.shop import work_off

    model = services.create_model(
        actor=place.actor,
        source=place.rows["source"],
        name="Customers",
        definition=Definition(
            method=ModelMethod.SQL, sql="""SELECT id, email, '=1+1' AS "=HYPERLINK(1)" FROM customers"""
        ),
        primary_key="id",
    )
    settings = {
        "added": {
            "endpoint": "/people/{{ row.email }}?name={{ row.email }}",
            "payload": "json_editor",
            "json": '{"x": {{ row["=HYPERLINK(1)"] | json }}}',
        }
    }
    sync = services.create_sync(
        actor=place.actor,
        model=model,
        destination=a_destination(place, name="People", base_url=service),
        proposal=Proposal(sync_type="requests", mode="custom", first_run="backfill", settings=settings),
    )
    started = services.start_run(actor=place.actor, sync=sync)
    work_off()
    return Run.objects.get(pk=started.pk)


def test_paths_and_answers_hide_row_values_from_those_who_may_not_see_rows(run: Run, world: World) -> None:
    from syncs import selectors

    [row, *_] = selectors.run_rows(world.acme.actor, run).rows
    seen = selectors.row_detail(world.acme.actor, run, row.id)
    assert "ada" in repr(seen.exchanges), "who may see rows sees the whole request"
    hidden = selectors.row_detail(world.actor("viewer"), run, row.id)
    assert hidden.redacted
    assert hidden.exchanges
    assert "ada" not in repr(hidden)
    assert "example.com" not in repr(hidden.exchanges)
    assert hidden.exchanges[0].target.startswith("http://127.0.0.1:"), "where it went may be known"
    page = selectors.run_exchanges(world.actor("viewer"), run)
    assert "ada" not in repr(page)


def test_an_export_holds_no_formula(run: Run, world: World) -> None:
    client = Client()
    client.force_login(world.owner)
    address = reverse("syncs:run_export", args=[world.acme.slug, run.sync_id, run.pk])
    answer = client.get(address)
    lines = b"".join(answer.streaming_content).decode().splitlines()  # type: ignore[attr-defined]
    cells = [cell for line in lines for cell in line.split(",")]
    assert any("HYPERLINK" in cell for cell in cells)
    assert not [cell for cell in cells if cell.lstrip('"')[:1] in "=+-@" and cell]
