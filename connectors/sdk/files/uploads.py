"""Uploads over HTTP as stores for files: Google's resumable uploads, and blocks of Azure."""

from __future__ import annotations

import base64
from abc import abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from urllib.parse import quote, urlsplit

from connectors.sdk.destination import Job, RowStreams
from connectors.sdk.errors import ConnectorError, InternalError
from connectors.sdk.files.encryption import encrypted, pgp_keys
from connectors.sdk.files.settings import file_plan
from connectors.sdk.files.writing import Sink, Store, write_files
from connectors.sdk.rest import Line, RestDestination
from connectors.sdk.rest.destination import as_documented

_MIB = 1 << 20
_PIECE = 8 * _MIB  # a multiple of 256 KiB, as resumable uploads want


class UploadDestination(RestDestination):
    """A place that takes files over HTTP. Members say how one is uploaded."""

    @abstractmethod
    def store(self, line: Line) -> Store:
        """Where files go."""

    def validate(self, job: Job) -> None:
        pgp_keys(self.config)
        file_plan(job)

    async def write(self, job: Job, rows: RowStreams) -> None:
        async with self.line(timeout_s=self.limits(job).timeout_s) as line:
            store = encrypted(_WithoutSecrets(self.store(line), line), self.config)
            await write_files(job, rows, file_plan(job), store)

    async def put(self, path: str, data: bytes) -> None:
        async with self.line() as line:
            store = encrypted(_WithoutSecrets(self.store(line), line), self.config)
            async with store.open(path) as file:
                await file.write(data)


class _WithoutSecrets:
    """A store whose errors can be shown, whatever the service repeats in its answers."""

    def __init__(self, store: Store, line: Line) -> None:
        self._store = store
        self._line = line

    @asynccontextmanager
    async def open(self, path: str) -> AsyncIterator[Sink]:
        try:
            with as_documented():
                async with self._store.open(path) as file:
                    yield file
        except ConnectorError as error:
            raise self._line.cleaned(error) from error.__cause__


class _Pieces:
    """An open upload: gathers bytes into pieces, and holds one in memory at most."""

    def __init__(self) -> None:
        self._held = bytearray()

    async def write(self, data: bytes) -> None:
        """Take the next bytes."""
        self._held += data
        while len(self._held) > _PIECE:
            piece = bytes(self._held[:_PIECE])
            del self._held[:_PIECE]
            await self._send(piece)

    @abstractmethod
    async def _send(self, piece: bytes) -> None:
        """Upload a piece that is not the last."""


class Resumable:
    """Google's resumable uploads. ``start`` asks for one and gives the address at which it goes on."""

    def __init__(self, line: Line, start: Callable[[str], Awaitable[str]]) -> None:
        self._line = line
        self._start = start

    @asynccontextmanager
    async def open(self, path: str) -> AsyncIterator[_Pieces]:
        upload = _ResumableUpload(self._line, _on_this_host(await self._start(path)))
        yield upload
        await upload.complete()


def _on_this_host(address: str) -> str:
    """The address without its host: credentials go nowhere else."""
    parts = urlsplit(address)
    if not parts.path.startswith("/"):
        raise InternalError("The service began an upload without telling where it goes on.")
    return f"{parts.path}?{parts.query}"


class _ResumableUpload(_Pieces):
    """It appears whole with its last piece, and is forgotten without one."""

    def __init__(self, line: Line, address: str) -> None:
        super().__init__()
        self._line = line
        self._address = address
        self._sent = 0

    async def _send(self, piece: bytes) -> None:
        about = f"bytes {self._sent}-{self._sent + len(piece) - 1}/*"
        answer = await self._line.send("PUT", self._address, body=piece, headers={"Content-Range": about}, takes=(308,))
        if answer.status != 308:
            raise InternalError(f"The service ended an upload before its last piece ({answer.status}).")
        self._sent += len(piece)

    async def complete(self) -> None:
        """Send the rest, which ends the upload."""
        rest, total = bytes(self._held), self._sent + len(self._held)
        about = f"bytes {self._sent}-{total - 1}/{total}" if rest else f"bytes */{total}"
        await self._line.send("PUT", self._address, body=rest, headers={"Content-Range": about})


class Blobs:
    """Block blobs of Azure: small ones in one request, larger ones in blocks."""

    def __init__(self, line: Line) -> None:
        self._line = line

    @asynccontextmanager
    async def open(self, path: str) -> AsyncIterator[_Pieces]:
        upload = _Blob(self._line, quote(path))
        yield upload
        await upload.complete()


class _Blob(_Pieces):
    """Blocks that were never listed go away by themselves."""

    def __init__(self, line: Line, path: str) -> None:
        super().__init__()
        self._line = line
        self._path = path
        self._blocks: list[str] = []

    async def _send(self, piece: bytes) -> None:
        name = base64.b64encode(f"{len(self._blocks):08}".encode()).decode()
        await self._line.send("PUT", self._path, body=piece, query={"comp": "block", "blockid": name})
        self._blocks.append(name)

    async def complete(self) -> None:
        """Make the blob appear."""
        rest = bytes(self._held)
        if not self._blocks:
            await self._line.send("PUT", self._path, body=rest, headers={"x-ms-blob-type": "BlockBlob"})
            return
        if rest:
            await self._send(rest)
        listed = "".join(f"<Latest>{name}</Latest>" for name in self._blocks)
        body = f'<?xml version="1.0" encoding="utf-8"?><BlockList>{listed}</BlockList>'.encode()
        await self._line.send("PUT", self._path, body=body, content_type="application/xml", query={"comp": "blocklist"})
