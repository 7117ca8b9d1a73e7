"""Encryption before a server of tests that speaks in the clear: what comes in over TLS goes on to it as it is."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from tests.support.certificates import localhost_pem


@asynccontextmanager
async def tls_before(
    host: str, port: int, folder: Path, *, address: str = "127.0.0.1"
) -> AsyncIterator[tuple[int, str]]:
    """A port on loopback that takes TLS alone, and the certificate that it shows, which names ``address``, as PEM."""
    pem = localhost_pem(folder / "server.pem", address=address)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")

    lines: set[asyncio.Task[None] | None] = set()

    async def carry(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while piece := await source.read(65_536):
                target.write(piece)
                await target.drain()
        target.close()

    async def joined(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines.add(asyncio.current_task())
        inner, outer = await asyncio.open_connection(host, port)
        try:
            await asyncio.gather(carry(reader, outer), carry(inner, writer))
        finally:
            for each in (writer, outer):
                each.close()
                with suppress(OSError):
                    await each.wait_closed()

    server = await asyncio.start_server(joined, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1], pem
    finally:
        server.close()
        open_lines = [line for line in lines if line is not None]
        for line in open_lines:
            line.cancel()
        await asyncio.gather(*open_lines, return_exceptions=True)
