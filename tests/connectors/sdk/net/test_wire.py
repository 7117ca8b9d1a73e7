"""What stands in a request, and what is made of answers, seen from a server that says exactly what it likes."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from connectors.sdk.context import Environment
from connectors.sdk.errors import ConfigError, Unavailable
from connectors.sdk.net import Client, Request

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
HANG_UP = b""


class Server:
    """Says the next of ``answers`` to each request and closes the line where there is nothing to say."""

    def __init__(self, answers: Sequence[bytes]) -> None:
        self.answers = list(answers)
        self.heads: list[str] = []
        self.bodies: list[bytes] = []
        self.lines = 0
        self.last: asyncio.StreamWriter | None = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.lines += 1
        self.last = writer
        try:
            while answer := await self._next(reader):
                writer.write(answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _next(self, reader: asyncio.StreamReader) -> bytes:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next((int(li[15:]) for li in head.lower().splitlines() if li.startswith("content-length:")), 0)
        self.heads.append(head)
        self.bodies.append(await reader.readexactly(length))
        return self.answers.pop(0)


@asynccontextmanager
async def serving(*answers: bytes) -> AsyncIterator[tuple[Server, Client, str]]:
    server = Server(answers)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    place = f"127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    async with listening, Client(Environment(outbound_allow=(place,))) as client:
        yield server, client, f"http://{place}"
    assert not server.answers


async def test_requests_say_what_they_are_and_share_a_line() -> None:
    async with serving(OK, OK, OK) as (server, client, url):
        await client.send(
            Request("POST", f"{url}/a?b=c#d", {"x-one": "é", "content-length": "7", "Expect": "x"}, b"12")
        )
        await client.send(Request("POST", f"{url}/a", {"Content-Type": "text/plain", "User-Agent": "me"}))
        await client.send(Request("GET", f"{url}/a"))
        posted, empty, got = (head.splitlines() for head in server.heads)
        assert server.lines == 1
    assert server.bodies[0] == b"12"
    assert posted[0] == "POST /a?b=c HTTP/1.1"
    assert {f"Host: {url[7:]}", "x-one: é", "Content-Length: 2", "User-Agent: Headrace", "Accept: */*"} < set(posted)
    assert "Content-Type: application/octet-stream" in posted
    assert not [line for line in posted if line.startswith(("content-length", "Expect"))]
    assert {"Content-Length: 0", "User-Agent: me", "Content-Type: text/plain"} < set(empty)
    assert "User-Agent: Headrace" not in empty
    assert not [line for line in got if line.lower().startswith("content-")]


async def test_answers_of_every_form_are_read() -> None:
    packed = gzip.compress(b"packed")
    forms = (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 4\r\nX-Id: 7\r\n\r\nmade",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\npi\r\n4\r\neces\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%b" % (len(packed), packed),
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",  # to HEAD
    )
    async with serving(*forms) as (server, client, url):
        answers = [await client.send(Request("PUT", url, {}, b"x")) for _ in forms[1:]]
        answers.append(await client.send(Request("HEAD", url)))
        assert server.lines == 1
    assert [answer.status for answer in answers] == [201, 200, 200, 204, 302, 200]
    assert [answer.body for answer in answers] == [b"made", b"pieces", b"packed", b"", b"", b""]
    assert answers[0].headers["x-id"] == "7"


async def test_a_line_that_ends_with_its_answer_is_not_used_again() -> None:
    closing = OK.replace(b"OK\r\n", b"OK\r\nConnection: close\r\n")
    async with serving(closing, HANG_UP, OK) as (server, client, url):
        assert (await client.send(Request("POST", url, {}, b"1"))).body == b"ok"
        with pytest.raises(Unavailable) as caught:
            await client.send(Request("POST", url, {}, b"2"))
        assert (await client.send(Request("POST", url, {}, b"3"))).body == b"ok"
        assert server.lines == 3
    assert caught.value.in_doubt


async def test_what_is_said_while_nothing_is_asked_answers_nothing() -> None:
    async with serving(OK, OK.replace(b"200", b"500")) as (server, client, url):
        await client.send(Request("POST", url, {}, b"1"))
        assert server.last is not None
        server.last.write(OK)
        for _ in range(20):  # until it has come in
            await asyncio.sleep(0)
        assert (await client.send(Request("POST", url, {}, b"2"))).status == 500
        assert server.lines == 2


async def test_what_may_be_repeated_goes_once_more_when_a_kept_line_breaks() -> None:
    async with serving(OK, HANG_UP, OK, HANG_UP, HANG_UP) as (server, client, url):
        await client.send(Request("GET", url))
        assert (await client.send(Request("PUT", url, {}, b"x"))).body == b"ok"
        with pytest.raises(Unavailable) as caught:
            await client.send(Request("DELETE", url))
        assert len(server.heads) == 5
    assert caught.value.in_doubt


async def test_an_answer_before_the_body_was_wanted_is_an_answer() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig")
        await writer.drain()
        lines.append(writer)

    lines: list[asyncio.StreamWriter] = []
    listening = await asyncio.start_server(refuse, "127.0.0.1", 0)
    place = f"127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    async with listening, Client(Environment(outbound_allow=(place,))) as client:
        for _ in range(2):  # what was not sent of the first body must not be taken for the second request
            answer = await client.send(Request("POST", f"http://{place}", {}, b"x" * 30_000_000))
            assert (answer.status, answer.body) == (413, b"big")
        assert len(lines) == 2
        for line in lines:
            line.close()


async def test_no_row_writes_headers_of_its_own() -> None:
    async with serving() as (_, client, url):
        for headers in ({"X-One": "1\r\nX-Two: 2"}, {"X-\nOne": "1"}):
            with pytest.raises(ConfigError):
                await client.send(Request("GET", url, headers))
        with pytest.raises(ConfigError):
            await client.send(Request("GE\rT", url))


async def test_silence_and_nonsense_leave_a_request_in_doubt() -> None:
    async with serving(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", b"nonsense\r\n\r\n") as (_, client, url):
        with pytest.raises(Unavailable, match=r"within 0\.2 s") as late:
            await client.send(Request("POST", url, {}, b"x", timeout_s=0.2))
        with pytest.raises(Unavailable) as odd:
            await client.send(Request("POST", url, {}, b"x"))
    assert late.value.in_doubt
    assert odd.value.in_doubt
