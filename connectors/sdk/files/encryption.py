"""OpenPGP encryption of files on their way out, for whoever holds the private keys."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pysequoia import Cert, encrypt

from connectors.sdk.errors import ConfigError, InternalError
from connectors.sdk.fields import Text
from connectors.sdk.files import pgp_program
from connectors.sdk.files.writing import Sink, Store

_NAME = "pgp_public_key"
_HINT = "Paste a public key with its header and footer: -----BEGIN PGP PUBLIC KEY BLOCK----- to -----END…-----."
_PROGRAM = Path(pgp_program.__file__)
# What comes back encrypted is handed on in pieces of at most this size.
_PIECE_BYTES = 1_000_000

PGP_KEY = Text(
    name=_NAME,
    label="PGP public key",
    help="Encrypts every file for the holder of the private key, which stays with them. "
    "With header and footer; several keys one below the other, each of which can decrypt.",
    required=False,
    multiline=True,
    max_length=100_000,
    pattern=r"\s*-----BEGIN PGP PUBLIC KEY BLOCK-----[\s\S]+-----END PGP PUBLIC KEY BLOCK-----\s*",
    pattern_hint=_HINT,
    group="Encryption",
)


def encrypted(store: Store, config: Mapping[str, Any]) -> Store:
    """``store`` with encryption where the configuration has a key, else ``store`` as it is."""
    keys = pgp_keys(config)
    return EncryptedStore(store, keys) if keys else store


def pgp_keys(config: Mapping[str, Any]) -> bytes:
    """The keys to encrypt for, binary, or nothing. Raises ``ConfigError`` for keys that cannot be used."""
    text = str(config.get(_NAME) or "").strip()
    if not text:
        return b""
    if "PRIVATE KEY" in text:
        raise ConfigError("This is a private key. Headrace needs only the public one.", field=_NAME, hint=_HINT)
    try:
        certs = Cert.split_bytes(text.encode())
    except RuntimeError as error:
        raise ConfigError(f"The PGP key cannot be read: {_first_line(error)}", field=_NAME, hint=_HINT) from error
    if not certs:
        raise ConfigError("There is no PGP key in this text.", field=_NAME, hint=_HINT)
    for cert in certs:
        _check(cert)
    return b"".join(map(bytes, certs))


def _check(cert: Cert) -> None:
    """The library encrypts for revoked and expired keys too; nobody who set one up wants that."""
    name = f"The PGP key {cert.fingerprint.upper()}"
    if cert.is_revoked:
        raise ConfigError(f"{name} has been revoked.", field=_NAME, hint="Paste a key that is still in use.")
    if cert.expiration is not None and cert.expiration <= datetime.now(UTC):
        raise ConfigError(f"{name} expired on {cert.expiration:%Y-%m-%d}.", field=_NAME, hint="Paste a newer one.")
    try:
        encrypt(b"", recipients=[cert])
    except RuntimeError as error:
        raise ConfigError(
            f"{name} cannot encrypt: {_first_line(error)}",
            field=_NAME,
            hint="Export the key with its subkey for encryption.",
        ) from error


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


@dataclass(frozen=True, slots=True)
class EncryptedStore:
    """Files of another store, encrypted for ``keys`` (binary) while they are written."""

    store: Store
    keys: bytes

    @asynccontextmanager
    async def open(self, path: str) -> AsyncIterator[Sink]:
        async with self.store.open(path) as sink, _encrypting(self.keys, sink) as plain:
            yield plain


@asynccontextmanager
async def _encrypting(keys: bytes, sink: Sink) -> AsyncIterator[_Plain]:
    """A sink whose bytes arrive at ``sink`` encrypted; memory does not grow with the file."""
    process, feed = await _started()
    carrying = asyncio.create_task(_carry(process, sink))
    plain = _Plain(process, feed, carrying)
    try:
        await plain.write(len(keys).to_bytes(pgp_program.SIZE_BYTES, "big") + keys)
        yield plain
        feed.close()
        await plain.finish()
    finally:
        if not feed.is_closing():
            feed.transport.abort()
        carrying.cancel()
        await asyncio.gather(carrying, return_exceptions=True)
        _kill(process)
        await process.communicate()


class _Plain:
    """The end of the pipe that takes what is to be encrypted."""

    def __init__(self, process: Process, feed: asyncio.StreamWriter, carrying: asyncio.Task[None]) -> None:
        self._process = process
        self._feed = feed
        self._carrying = carrying

    async def write(self, data: bytes) -> None:
        self._feed.write(data)
        try:
            await self._feed.drain()
        except ConnectionError:
            # The pipe broke because of something behind it, which is what to tell.
            await self.finish()
            raise

    async def finish(self) -> None:
        """Wait until everything has arrived; raises what went wrong on the way."""
        await self._carrying
        _, words = await self._process.communicate()
        if self._process.returncode:
            raise InternalError(f"The file could not be encrypted: {words.decode('utf-8', 'replace').strip()}")


async def _carry(process: Process, sink: Sink) -> None:
    if process.stdout is None:
        raise InternalError("The encrypting program has no output.")
    try:
        while piece := await process.stdout.read(_PIECE_BYTES):
            await sink.write(piece)
    except BaseException:
        # Nobody takes its output any more, so it must not wait for that.
        _kill(process)
        raise


async def _started() -> tuple[Process, asyncio.StreamWriter]:
    """The program, and the way in: a true pipe, as the program opens it by its name in /dev."""
    out_of, into = os.pipe()
    feed = await _writer(into)
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-I", str(_PROGRAM), stdin=out_of, stdout=PIPE, stderr=PIPE
        )
    except BaseException:
        feed.transport.abort()
        raise
    finally:
        os.close(out_of)
    return process, feed


async def _writer(pipe: int) -> asyncio.StreamWriter:
    loop = asyncio.get_running_loop()
    file = os.fdopen(pipe, "wb", buffering=0)
    transport, protocol = await loop.connect_write_pipe(
        lambda: asyncio.StreamReaderProtocol(asyncio.StreamReader()), file
    )
    return asyncio.StreamWriter(transport, protocol, None, loop)


def _kill(process: Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.kill()
