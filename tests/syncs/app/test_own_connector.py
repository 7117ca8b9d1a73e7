"""A connector of one's own behind a real JSON-RPC server: its form, its rows, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from django.test import Client
from jsonrpc import Dispatcher, JSONRPCResponseManager

from config.errors import Invalid
from connectors import services as connectors
from connectors.sdk.types import Operation
from syncs.choices import RunStatus
from syncs.models import Sync
from syncs.services.trying import send_test_row
from tests.support.http import serving
from tests.syncs.app.shop import Shop, mapping

OPTIONS = {
    "schema": {
        "type": "object",
        "required": ["channel"],
        "properties": {
            "channel": {"title": "Channel", "type": "string", "enum": [1, 2], "enumNames": ["#general", "#ops"]},
            "note": {"title": "Note", "type": "string"},
        },
    },
    "uiSchema": {"note": {"ui:widget": "textarea"}},
}


class Connector:
    """What a person's own connector keeps, and how it behaves."""

    def __init__(self) -> None:
        self.behavior = {"batchSize": 2, "operations": {"add": True, "change": True, "remove": True}}
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.refuses: set[int] = set()
        self.methods = Dispatcher()
        for name in ("add", "change", "remove"):
            self.methods[name] = self._taking(name)
        self.methods["behavior"] = lambda: self.behavior
        self.methods["list_objects"] = lambda: {"objects": [{"id": "user", "label": "User"}]}
        self.methods["list_modes"] = lambda object: {"modes": [{"id": f"{object}-upsert", "label": "Upsert"}]}
        self.methods["list_fields"] = lambda object, mode: {
            "fields": [
                {"id": "mail", "label": "Email", "type": "EMAIL", "identifier": True},
                {"id": "tier", "label": "Tier", "type": "STRING", "required": True},
            ]
        }
        self.methods["list_options"] = lambda object, mode: {"options": OPTIONS}
        self.methods["validate"] = self._validate

    def _taking(self, name: str) -> Any:
        def take(idColumn: str, configuration: dict[str, Any], rows: list[dict[str, Any]]) -> Any:  # noqa: N803
            self.calls.append((name, {"id": idColumn, "configuration": configuration, "rows": rows}))
            refused = [row[idColumn] for row in rows if row[idColumn] in self.refuses]
            return {"rejectedRows": [{"id": key, "reason": "No such person"} for key in refused]}

        return take

    def _validate(self, configuration: dict[str, Any]) -> Any:
        bad = configuration.get("note") == "bad"
        return {"errors": ["The note is bad."] if bad else []}

    def rows(self, name: str) -> list[int]:
        return [row["id"] for called, told in self.calls for row in told["rows"] if called == name]


@pytest.fixture
def connector(shop: Shop) -> Iterator[Connector]:
    kept = Connector()

    class Server(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            data = JSONRPCResponseManager.handle(body.decode(), kept.methods).json.encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:
            """Tests need no access log."""

    with serving(Server) as port:
        shop.destination = connectors.create_destination(
            actor=shop.actor, type="custom", values={"url": f"http://127.0.0.1:{port}/rpc"}, name="Ours"
        )
        yield kept


SETTINGS = {"object": "user", "mode": "user-upsert", "options": {"channel": "2", "note": "hello"}}
MAPPINGS = [mapping("mail", "email", identifier=True), mapping("tier", "plan"), mapping("extra", "plan")]


def proposal(**changed: Any) -> dict[str, Any]:
    whole = {"sync_type": "rows", "mode": "custom", "removal": "nothing", "mappings": MAPPINGS, "settings": SETTINGS}
    return {**whole, **changed}


@pytest.fixture
def sync(shop: Shop, connector: Connector) -> Sync:
    shop.fill(3)
    return shop.unguarded(shop.sync(**proposal()))


def test_rows_arrive_as_they_are_and_a_refused_one_comes_again(shop: Shop, connector: Connector, sync: Sync) -> None:
    connector.refuses = {2}
    run = shop.run(sync)
    assert (run.status, run.succeeded, run.rejected) == (RunStatus.WARNING, 2, 1)
    assert [len(told["rows"]) for _, told in connector.calls] == [2, 1]
    assert connector.calls[0][1]["rows"][0] == {"id": 1, "email": "c1@shop.test", "plan": "free"}
    assert connector.calls[0][1]["configuration"] == {
        "object": "user",
        "mode": "user-upsert",
        "identifierMapping": [{"from": "email", "to": "mail"}],
        "mappings": [{"from": "plan", "to": "tier"}],
        "customMappings": [{"from": "plan", "to": "extra"}],
        "channel": 2,
        "note": "hello",
    }
    connector.refuses, connector.calls = set(), []
    shop.query("UPDATE customers SET plan = 'pro' WHERE id = 1")
    shop.query("DELETE FROM customers WHERE id = 3")
    shop.run(sync)
    assert {name: connector.rows(name) for name in ("add", "change", "remove")} == {
        "add": [2],
        "change": [1],
        "remove": [3],
    }
    assert send_test_row(actor=shop.actor, sync=sync, key="1", operation=Operation.CHANGED).row.key == "1"


def test_the_server_decides_what_runs_send(shop: Shop, connector: Connector, sync: Sync) -> None:
    connector.behavior = {"batchSize": 100, "operations": {"add": True}, "skipInitialRun": True}
    assert shop.run(sync).status == RunStatus.SUCCEEDED
    assert connector.calls == []
    shop.query("UPDATE customers SET plan = 'pro' WHERE id = 1")
    shop.query("INSERT INTO customers VALUES (9, 'c9@shop.test', 'free')")
    shop.run(sync)
    assert [(name, told["rows"][0]["id"]) for name, told in connector.calls] == [("add", 9)]


WRONG: tuple[tuple[dict[str, Any], str], ...] = (
    ({"settings": {**SETTINGS, "object": "", "options": {}}}, "settings.object"),
    ({"settings": {**SETTINGS, "options": {"note": "hello"}}}, "settings.options.channel"),
    ({"settings": {**SETTINGS, "options": {"channel": "2", "note": "bad"}}}, ""),
    ({"mappings": MAPPINGS[:1]}, "mappings"),
    ({"mappings": MAPPINGS[1:]}, ""),
)


def test_what_cannot_work_is_said_when_it_is_saved(shop: Shop, connector: Connector) -> None:
    model = shop.model()
    for changed, path in WRONG:
        with pytest.raises(Invalid) as caught:
            shop.sync(model, **proposal(**changed))
        assert list(caught.value.fields) == [path]


def test_the_form_asks_for_what_the_server_tells(shop: Shop, connector: Connector) -> None:
    model = shop.model()
    browser = Client()
    browser.force_login(shop.place.owner)
    url = f"/acme/syncs/new/{model.pk}/{shop.destination.pk}"
    assert 'id="section-options" hidden' in browser.get(url).content.decode()
    sent = {"settings-object": "user", "settings-mode": "user-upsert", "map-TOTAL_FORMS": 0, "map-INITIAL_FORMS": 0}
    page = browser.post(url, {**sent, "action": "fields"}).content.decode()
    assert "#general" in page
    assert 'name="settings-options.note"' in page
    assert "Tier" in page
    assert 'hx-select-oob="#section-options"' in page
    filled = {"settings-options.channel": "2", "settings-options.note": "hi", "mode": "custom", "removal": "nothing"}
    whole = {**sent, **filled, "first_run": "backfill", **_lines(), "action": "save"}
    for name, value in (("rate", 100), ("rate_window", "second"), ("concurrency", 4), ("timeout", 30)):
        whole[f"settings-{name}"] = value
    answer = browser.post(url, {**whole, "settings-on_error": "retry", "settings-retries": 4})
    assert answer.status_code == 302, answer.content.decode()
    assert Sync.objects.get().settings["options"] == {"channel": "2", "note": "hi"}
    assert json.dumps(Sync.objects.get().mappings).count("identifier") == 2


def _lines() -> dict[str, Any]:
    found: dict[str, Any] = {"map-TOTAL_FORMS": 2, "map-INITIAL_FORMS": 0}
    for n, (to, column) in enumerate((("mail", "email"), ("tier", "plan"))):
        found |= {f"map-{n}-to": to, f"map-{n}-source": "column", f"map-{n}-column": column}
    return {**found, "map-0-identifier": "on"}
