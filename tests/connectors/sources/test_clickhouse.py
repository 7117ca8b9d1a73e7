"""What ClickHouse's stand-in cannot do: stop a query that runs, and break off in the middle of a result."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pytest

from connectors.sdk.clickhouse_server import Server, server_of
from connectors.sdk.context import Environment
from connectors.sdk.errors import ConfigError, QueryError, Unavailable
from connectors.sources.clickhouse import ClickHouseSource

SCHEMA = pa.schema([pa.field("i", pa.int64())])


class Stalling(BaseHTTPRequestHandler):
    """Describes, sends one batch, and then what ``ending`` says: words of the server's, or nothing at all."""

    protocol_version = "HTTP/1.1"
    ending: bytes | None
    described = json.dumps({"data": [["i", "Int64", "", "", "", "", ""]]}).encode()
    killed: list[str]
    let_go: threading.Event

    def do_POST(self) -> None:
        sql = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if sql.startswith("KILL"):
            self.killed.append(sql)
            self._whole(b"")
        elif sql.startswith("DESCRIBE"):
            self._whole(self.described)
        else:
            self._rows()

    def _whole(self, data: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _rows(self) -> None:
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        with pa.ipc.new_stream(sink := pa.BufferOutputStream(), SCHEMA) as writer:
            writer.write_batch(pa.record_batch([pa.array([1, 2])], schema=SCHEMA))
        self.wfile.write(sink.getvalue().to_pybytes()[:-8])  # without the mark of its end
        if self.ending is None:
            self.let_go.wait(30)
        else:
            self.wfile.write(self.ending)
        self.close_connection = True

    def log_message(self, *told: object) -> None:
        """Nothing."""


@pytest.fixture
def server() -> Iterator[Any]:
    """A server of one test, with its handler's class to say how it ends."""
    handler: Any = type("Handler", (Stalling,), {"killed": [], "let_go": threading.Event(), "ending": None})
    listening = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    handler.port = listening.server_port
    threading.Thread(target=listening.serve_forever, daemon=True).start()
    yield handler
    handler.let_go.set()
    listening.shutdown()
    listening.server_close()


def opened(server: Any) -> ClickHouseSource:
    return ClickHouseSource(
        {"host": "127.0.0.1", "port": server.port, "secure": False}, Environment(outbound_allow=("*",))
    )


def test_cancelling_hangs_up_and_asks_the_server_to_stop(server: Any) -> None:
    with opened(server).query("SELECT i FROM t") as stream:
        rows = iter(stream)
        assert next(rows).num_rows == 2
        stopper = threading.Timer(0.2, stream.cancel)
        stopper.start()
        with pytest.raises(QueryError, match="cancelled"):
            list(rows)
        stopper.join()
    assert len(server.killed) == 1
    assert "headrace-" in server.killed[0]


@pytest.mark.parametrize(
    ("ending", "expected", "words"),
    [
        (b"Code: 153. DB::Exception: Division by zero. (ILLEGAL_DIVISION) (version 25.1)", QueryError, "Division"),
        (b"Code: 241. DB::Exception: Memory limit exceeded. (MEMORY_LIMIT_EXCEEDED)", Unavailable, "Memory limit"),
        (b"", Unavailable, "broke off"),
    ],
)
def test_a_result_that_breaks_off_is_never_taken_for_whole(
    server: Any, ending: bytes, expected: Any, words: str
) -> None:
    server.ending = ending
    with opened(server).query("SELECT i FROM t") as stream, pytest.raises(expected, match=words):
        list(stream)


def test_what_the_reader_of_a_result_raises_stays_its_own(server: Any) -> None:
    with pytest.raises(OSError, match="disk"), opened(server).query("SELECT i FROM t"):
        raise OSError("no room on the disk")


@pytest.mark.parametrize(
    ("described", "expected", "words"),
    [
        (b"<html>Welcome</html>", Unavailable, "Welcome"),
        (b'{"meta": []}', Unavailable, "meta"),
        (b'{"data": [["i"Code: 241. DB::Exception: Memory limit exceeded. (MEMORY)', Unavailable, "Memory limit"),
        (b" " * 65, Unavailable, "longer than"),
    ],
)
def test_an_answer_that_is_no_list_has_words(
    server: Any, described: bytes, expected: Any, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.sources.clickhouse._MOST_TOLD", max(len(described) - (words == "longer than"), 1))
    server.described = described
    with pytest.raises(expected, match=words):
        opened(server).describe("SELECT i FROM t")


def test_a_result_that_reaches_a_limit_of_the_server_is_an_error(clickhouse_server: Any) -> None:
    with clickhouse_server(()) as told:
        login = f"user={told['user']}&password={quote(told['password'])}"
        string = f"jdbc:clickhouse:http://127.0.0.1:{told['port']}?{login}&custom_settings=max_result_rows=50"
        config = {"login": "connection_string", "connection_string": string}
        source = ClickHouseSource(config, Environment(outbound_allow=("*",)))
        with source.query("SELECT name FROM system.settings WHERE changed AND value = 'throw'") as stream:
            told_to_throw = {row["name"] for batch in stream for row in batch.to_pylist()}
        with pytest.raises(QueryError, match="Limit for result"), source.query("SELECT * FROM numbers(99)") as stream:
            list(stream)
    assert {f"{limited}_overflow_mode" for limited in ("result", "read", "timeout", "group_by")} < told_to_throw


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("jdbc:clickhouse://ch.test", {}),
        (
            "jdbc:ch:https://ch.test:9440/shop?user=reader&password=a%26b&max_execution_time=60&socket_timeout=5",
            {
                "port": 9440,
                "database": "shop",
                "user": "reader",
                "password": "a&b",
                "settings": {"max_execution_time": "60"},
            },
        ),
        (
            "clickhouse://re%40der:p%2Fw@ch.test/?ssl=true&clickhouse_setting_max_threads=2&custom_settings=a=1,b=2",
            {"user": "re@der", "password": "p/w", "settings": {"max_threads": "2", "a": "1", "b": "2"}},
        ),
        ("jdbc:clickhouse:http://ch.test", {"port": 8123, "secure": False}),
        ("jdbc:clickhouse://ch.test:8123/x?ssl=false", {"port": 8123, "secure": False, "database": "x"}),
    ],
)
def test_connection_strings_are_read_as_the_driver_for_java_reads_them(given: str, expected: dict[str, Any]) -> None:
    config = {"login": "connection_string", "connection_string": given}
    assert server_of(config, {"readonly": "2"}) == Server(host="ch.test", **expected)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("https://ch.test", "does not begin"),
        ("jdbc:clickhouse://a.test,b.test", "one host"),
        ("jdbc:clickhouse://ch.test:port", "port"),
        ("jdbc:clickhouse:///shop", "one host"),
        ("jdbc:clickhouse://ch.test?clickhouse_setting_readonly=0", "“readonly” cannot be set"),
        ("jdbc:clickhouse://ch.test?custom_http_params=query=DROP", "“query” cannot be set"),
        ("jdbc:clickhouse://ch.test?ssl=true&sslmode=NONE", "not to check"),
        ("jdbc:clickhouse:https://ch.test?ssl=false", "both https: and ssl=false"),
        ("jdbc:clickhouse:http://ch.test?ssl=true", "both http: and ssl=true"),
        *(
            (f"jdbc:clickhouse://ch.test?custom_settings=max_threads=2,{name}=1", f"“{name}” cannot be set")
            for name in (
                "result_overflow_mode",
                "read_overflow_mode_leaf",
                "limit",
                "offset",
                "skip_unavailable_shards",
                "partial_result_on_first_cancel",
                "compress",
                "buffer_size",
                "wait_end_of_query",
            )
        ),
    ],
)
def test_strings_that_would_weaken_a_connection_are_refused(given: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        server_of({"login": "connection_string", "connection_string": given}, {"readonly": "2"})
    assert caught.value.field == "connection_string"
