"""One HTTP request over a kept connection, and its answer, whole.

aiohttp makes and keeps the connections, and reads the answers. Its client puts some twenty objects together for every
request, which takes twice as long as all the rest: here the head is written once for all requests that share it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import NamedTuple

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.streams import StreamReader
from multidict import CIMultiDict
from yarl import URL

from connectors.sdk.deadlines import Deadlines

# A connection that was kept may be closed just as it is used again: these may then go once more on a new one.
_REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})
_BODILESS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
# How a body is framed is said by who writes it.
_FRAMING = frozenset({"content-length", "transfer-encoding", "expect"})
_FORBIDDEN = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_REMEMBERED = 200
_SWITCHING = 101


class Received(NamedTuple):
    """An answer. Header names are lower case; ``truncated`` where the body was longer than asked for."""

    status: int
    headers: dict[str, str]
    body: bytes
    truncated: bool


class _Head(NamedTuple):
    """What requests share: whom aiohttp connects to, and the text of the headers."""

    asking: aiohttp.ClientRequest
    text: str


class Wire:
    """Requests over the connections of one connector; ``agent`` is how the sender calls itself."""

    def __init__(self, connector: aiohttp.BaseConnector, agent: str) -> None:
        self._connector = connector
        self._agent = agent
        self._heads: dict[tuple[object, ...], _Head] = {}
        self._deadlines = Deadlines()

    async def close(self) -> None:
        """Let go of the connections."""
        await self._connector.close()

    async def exchange(
        self,
        method: str,
        url: URL,
        headers: Mapping[str, str],
        body: bytes,
        *,
        timeout: aiohttp.ClientTimeout,
        most_bytes: int,
    ) -> Received:
        """Send one request and read at most so many bytes of what is answered; redirects are answers.

        Raises ``TimeoutError``, ``ValueError`` for what cannot be written, and the errors of aiohttp's client.
        """
        method = method.upper()
        head = self._head(method, url, headers, bool(body))
        text = f"{method} {_printable(url.raw_path_qs)} HTTP/1.1\r\n{head.text}"
        if body or method not in _BODILESS:
            text += f"Content-Length: {len(body)}\r\n"
        request = (f"{text}\r\n".encode(), body)
        assert timeout.total is not None
        with self._deadlines.within(timeout.total):
            try:
                return await self._once(head, request, timeout, most_bytes)
            except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
                raise
            except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError):
                if method not in _REPEATABLE:
                    raise
            return await self._once(head, request, timeout, most_bytes)

    async def _once(
        self, head: _Head, request: tuple[bytes, bytes], timeout: aiohttp.ClientTimeout, most_bytes: int
    ) -> Received:
        connection = await self._connected(head, timeout)
        try:
            protocol, transport = connection.protocol, connection.transport
            if protocol is None or transport is None:
                raise aiohttp.ClientConnectionResetError("Cannot write to closing transport")
            protocol.set_response_params(skip_payload=head.asking.method == "HEAD", read_until_eof=True)
            transport.writelines(request)
            status, headers, content = await _begun(protocol, head)
            body, truncated = await _whole(content, most_bytes)
            if truncated or transport.get_write_buffer_size():  # or answered before the body was wanted
                protocol.force_close()
        except BaseException:
            connection.close()
            raise
        connection.release()
        return Received(status, headers, body, truncated)

    async def _connected(self, head: _Head, timeout: aiohttp.ClientTimeout) -> aiohttp.connector.Connection:
        try:
            while True:
                connection = await self._connector.connect(head.asking, traces=[], timeout=timeout)
                # Who spoke while nothing was asked (to say that the connection ends) gave no answer to what comes now.
                if connection.protocol is None or not connection.protocol.should_close:
                    return connection
                connection.close()
        except TimeoutError as error:
            raise aiohttp.ConnectionTimeoutError(f"Connection timeout to host {head.asking.url}") from error

    def _head(self, method: str, url: URL, headers: Mapping[str, str], has_body: bool) -> _Head:
        key = (method, url.scheme, url.authority, has_body, *headers.items())
        if (head := self._heads.get(key)) is None:
            head = self._written(method, url, headers, has_body)
            if len(self._heads) >= _REMEMBERED:
                self._heads.clear()
            self._heads[key] = head
        return head

    def _written(self, method: str, url: URL, headers: Mapping[str, str], has_body: bool) -> _Head:
        """The headers given, and those that aiohttp adds."""
        given = CIMultiDict({"User-Agent": self._agent})
        given.update(headers)
        asking = aiohttp.ClientRequest(method, url, headers=given, loop=asyncio.get_running_loop())
        whole = asking.headers.copy()
        if has_body:
            whole.setdefault("Content-Type", "application/octet-stream")
        lines = [f"{name}: {value}" for name, value in whole.items() if name.lower() not in _FRAMING]
        return _Head(asking, "".join(f"{_printable(line)}\r\n" for line in lines))


def _printable(text: str) -> str:
    if _FORBIDDEN.search(text):
        raise ValueError("Forbidden control character detected in headers. Potential header injection attack.")
    return text


async def _begun(protocol: ResponseHandler, head: _Head) -> tuple[int, dict[str, str], StreamReader]:
    """Status, headers and content of an answer, once it begins."""
    while True:
        try:
            message, content = await protocol.read()
        except HttpProcessingError as error:
            raise aiohttp.ClientResponseError(
                head.asking.request_info, (), status=error.code, message=error.message, headers=error.headers
            ) from error
        if message.code >= 200 or message.code == _SWITCHING:  # what comes before only says that more will come
            return message.code, {name.lower(): value for name, value in message.headers.items()}, content


async def _whole(content: StreamReader, most_bytes: int) -> tuple[bytes, bool]:
    """The content, and whether there was more of it."""
    chunks: list[bytes] = []
    size = 0
    while chunk := await content.readany():
        chunks.append(chunk)
        size += len(chunk)
        if size > most_bytes:
            return b"".join(chunks)[:most_bytes], True
    return b"".join(chunks), False
