"""Files that only the holder of a private key can read."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pysequoia import Cert, Tsk, decrypt
from pysequoia.packet import PacketPile

from connectors.sdk.context import Environment
from connectors.sdk.destination import Destination, Mode
from connectors.sdk.errors import ConfigError, InternalError, Unavailable
from connectors.sdk.files import Store, encrypted
from connectors.sdk.files.encryption import EncryptedStore
from connectors.sdk.validation import InvalidSettings
from tests.connectors.destinations.test_files import Broken, write
from tests.connectors.kit.drivers import destination_of, store_client, store_destination
from tests.connectors.kit.jobs import Streams

ROWS = pa.RecordBatch.from_pydict({"id": [1, 2, 3], "name": ["Zoë", "b", "c"]})
NEW_ROW = pa.RecordBatch.from_pydict({"id": [4], "name": ["d"]})
ALICE = Tsk.generate("Alice <alice@example.com>")
BOB = Tsk.generate("Bob <bob@example.com>")


def public(key: Tsk) -> str:
    return str(key.extract_certificate())


def folder(root: Path, pgp: str) -> Destination:
    config = {"folder": "out", "pgp_public_key": pgp}
    return destination_of("local_files", config, Environment(local_roots=(str(root),)))


def opened(data: bytes, key: Tsk = ALICE) -> bytes:
    assert "Zoë".encode() not in data
    found = decrypt(data, decryptor=key.decryptor()).bytes
    assert found is not None
    return found


def files_of(root: Path, key: Tsk = ALICE) -> dict[str, bytes]:
    return {p.name: opened(p.read_bytes(), key) for p in sorted((root / "out").iterdir())}


async def test_a_compressed_file_is_decrypted_by_each_of_several_keys(tmp_path: Path) -> None:
    destination = folder(tmp_path, public(ALICE) + "\n" + public(BOB))
    await destination.check()
    await write(destination, Streams(added=ROWS), gzip=True)
    for key in (ALICE, BOB):
        assert gzip.decompress(files_of(tmp_path, key)["rows.csv"]).decode().splitlines()[1:] == [
            '1,"Zoë"',
            '2,"b"',
            '3,"c"',
        ]
    with pytest.raises(RuntimeError):
        files_of(tmp_path, Tsk.generate("Mallory"))


async def test_every_file_of_a_diff_is_encrypted(tmp_path: Path) -> None:
    rows = Streams(piece=2, added=ROWS, changed=NEW_ROW)
    settings: dict[str, Any] = {"batch_size": 2, "header": False, "indicator": "done"}
    await write(folder(tmp_path, public(ALICE)), rows, Mode.DIFF, **settings)
    assert files_of(tmp_path) == {
        "rows-added-0001.csv": '1,"Zoë"\n2,"b"\n'.encode(),
        "rows-added-0002.csv": b'3,"c"\n',
        "rows-changed-0001.csv": b'4,"d"\n',
        "rows-removed-0001.csv": b"",
        "done": b"",
    }


async def test_an_object_of_several_parts_is_encrypted(store_url: str) -> None:
    store = store_client(store_url)
    store.create_bucket(Bucket="encrypted")
    big = pa.RecordBatch.from_pydict({"id": list(range(400_000)), "text": ["something to fill the parts"] * 400_000})
    destination = store_destination(store_url, "encrypted", pgp_public_key=public(ALICE))
    await destination.check()
    await write(destination, Streams(piece=20_000, added=big))
    found = store.get_object(Bucket="encrypted", Key="rows.csv")
    assert found["ETag"].strip('"').endswith("-2")
    lines = opened(found["Body"].read()).splitlines()
    assert (len(lines), lines[-1]) == (400_001, b'399999,"something to fill the parts"')


async def test_a_run_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        await write(folder(tmp_path, public(ALICE)), Broken(added=ROWS, piece=1))
    assert list((tmp_path / "out").iterdir()) == []


class Kept:
    """A store in memory, of which ``room`` bytes can be used."""

    def __init__(self, room: int) -> None:
        self.room = room

    @asynccontextmanager
    async def open(self, path: str) -> AsyncIterator[Kept]:
        yield self

    async def write(self, data: bytes) -> None:
        self.room -= len(data)
        if self.room < 0:
            raise Unavailable("No space left.")


async def fill(store: Store) -> None:
    """Write until somebody objects."""
    async with store.open("rows.csv") as sink:
        while True:
            await sink.write(b"x" * 1_000_000)


async def test_an_error_behind_the_encryption_is_the_one_that_is_told() -> None:
    with pytest.raises(Unavailable, match="No space left"):
        await fill(encrypted(Kept(room=5_000_000), {"pgp_public_key": public(ALICE)}))


async def test_a_program_that_fails_is_told_in_its_own_words() -> None:
    with pytest.raises(InternalError, match="No suitable encryption subkey"):
        await fill(EncryptedStore(Kept(room=5_000_000), bytes(without_subkeys(ALICE))))


@pytest.mark.parametrize(
    "text",
    [
        "ssh-ed25519 AAAA",
        public(ALICE).replace("-----END PGP PUBLIC KEY BLOCK-----", ""),
        str(ALICE),
    ],
    ids=["another kind of key", "cut off", "private"],
)
def test_what_is_no_public_key_is_not_stored(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidSettings, match="BEGIN PGP PUBLIC KEY BLOCK") as caught:
        folder(tmp_path, text)
    assert caught.value.field == "pgp_public_key"


def without_subkeys(key: Tsk) -> Cert:
    return Cert.from_packets(list(PacketPile.from_bytes(bytes(key.extract_certificate())))[:4])


def revoked() -> Cert:
    key = Tsk.generate("Left")
    cert = key.extract_certificate()
    return Cert.from_bytes(bytes(cert) + bytes(cert.revoke(key.certifier())))


def expired() -> Cert:
    key = Tsk.generate("Old")
    return key.extract_certificate().set_expiration(datetime.now(UTC), key.certifier())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (public(ALICE)[:200] + "\n-----END PGP PUBLIC KEY BLOCK-----", "cannot be read"),
        (str(without_subkeys(ALICE)), "cannot encrypt: No suitable encryption subkey"),
        (public(BOB) + str(revoked()), "has been revoked"),
        (str(expired()), "expired on"),
    ],
    ids=["damaged", "cannot encrypt", "revoked", "expired"],
)
async def test_keys_that_cannot_be_used_are_refused_with_the_reason(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        await folder(tmp_path, text).check()
    assert caught.value.field == "pgp_public_key"
    with pytest.raises(ConfigError, match=words):
        await write(folder(tmp_path, text), Streams(added=ROWS))
    assert list(tmp_path.iterdir()) == []
