"""Kafka beyond the cases: where it may be reached, and what is said where it cannot be."""

from __future__ import annotations

import asyncio
import base64
import hmac
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import pytest

from connectors.sdk.context import Environment
from connectors.sdk.errors import AuthError, ConfigError, Unavailable
from tests.connectors.kit.drivers import destination_of
from tests.support.tls_front import tls_before

pytest.importorskip("aiokafka", reason="the driver is not installed; `make test` does that")
NOBODY = {"brokers": "127.0.0.1:1", "mechanism": "none", "tls": False}


async def test_brokers_are_judged_before_they_are_reached() -> None:
    with pytest.raises(ConfigError, match="not a public address"):
        await destination_of("apache_kafka", NOBODY, Environment()).check()


async def test_brokers_that_nobody_answers_for_are_named() -> None:
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1:1") as caught:
        await destination_of("apache_kafka", NOBODY, Environment(outbound_allow=("*",))).check()
    assert "every broker" in caught.value.hint


async def test_what_is_no_broker_is_refused() -> None:
    with pytest.raises(ConfigError, match="https://kafka"):
        await destination_of("apache_kafka", {**NOBODY, "brokers": "https://kafka"}, Environment()).check()


HANDSHAKE, AUTHENTICATE, VERSIONS = 17, 36, 18
DENIED = 58
KEYS = {"access_key_id": "AKIDEXAMPLE", "secret_access_key": "wJalrXUtnFEMI", "session_token": "temporary"}


@asynccontextmanager
async def gatekeeper(proofs: list[bytes]) -> AsyncIterator[int]:
    """A broker that hears how somebody signs in by OAUTHBEARER, keeps that, and lets nobody in; its port."""

    def said(kind: int, body: bytes) -> bytes:
        if kind == VERSIONS:
            known = ((HANDSHAKE, 0, 1), (AUTHENTICATE, 0, 0), (VERSIONS, 0, 0), (3, 0, 5))
            return struct.pack(">hi", 0, len(known)) + b"".join(struct.pack(">hhh", *each) for each in known)
        if kind == HANDSHAKE:
            return struct.pack(">hih", 0, 1, 11) + b"OAUTHBEARER"
        proofs.append(body[4:])
        words = f"Access denied to {len(proofs)}".encode()
        return struct.pack(">hh", DENIED, len(words)) + words + struct.pack(">i", 0)

    async def heard(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while size := await reader.read(4):
            asked = await reader.readexactly(struct.unpack(">i", size)[0])
            kind, _, number, name = struct.unpack(">hhih", asked[:10])
            answer = struct.pack(">i", number) + said(kind, asked[10 + name :])
            writer.write(struct.pack(">i", len(answer)) + answer)
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(heard, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def test_brokers_of_aws_get_a_signed_address_and_never_the_key(tmp_path: Path) -> None:
    proofs: list[bytes] = []
    async with gatekeeper(proofs) as plain, tls_before("127.0.0.1", plain, tmp_path) as (port, pem):
        config: dict[str, Any] = {"brokers": f"127.0.0.1:{port}", "mechanism": "AWS_IAM", "region": "eu-west-1"}
        kafka = destination_of("apache_kafka", {**config, **KEYS, "ca": pem}, Environment(outbound_allow=("*",)))
        with pytest.raises(AuthError, match="Access denied"):
            await kafka.check()
    token = proofs[0].decode().removeprefix("n,,\x01auth=Bearer ").rstrip("\x01")
    address = urlsplit(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode())
    told = dict(parse_qsl(address.query))
    assert f"{address.scheme}://{address.netloc}{address.path}" == "https://kafka.eu-west-1.amazonaws.com/"
    assert (told["Action"], told["X-Amz-Expires"]) == ("kafka-cluster:Connect", "900")
    assert told["X-Amz-Security-Token"] == KEYS["session_token"]
    assert KEYS["secret_access_key"] not in address.query
    assert told["X-Amz-Signature"] == signature(told, address.netloc)


async def test_a_refusal_is_told_among_many_brokers_and_only_the_last_few_are_kept(tmp_path: Path) -> None:
    proofs: list[bytes] = []
    async with gatekeeper(proofs) as plain, tls_before("127.0.0.1", plain, tmp_path) as (port, pem):
        brokers = [f"127.0.0.1:{port}"] * 6 + [f"127.0.0.1:{dead}" for dead in range(1, 7)]
        config = {"brokers": ",".join(brokers), "mechanism": "AWS_IAM", "region": "eu-west-1", **KEYS, "ca": pem}
        with pytest.raises(AuthError, match="Access denied to 3") as caught:
            await destination_of("apache_kafka", config, Environment(outbound_allow=("*",))).check()
    assert len(proofs) == 6
    assert "password" in caught.value.hint


def signature(told: dict[str, str], host: str) -> str:
    """Signature version 4 of an address with these parameters, as AWS describes it."""
    signed = {name: value for name, value in told.items() if name not in ("X-Amz-Signature", "User-Agent")}
    query = "&".join(f"{quote(name, safe='')}={quote(signed[name], safe='')}" for name in sorted(signed))
    request = f"GET\n/\n{query}\nhost:{host}\n\nhost\n{sha256(b'').hexdigest()}"
    scope = told["X-Amz-Credential"].split("/")[1:]
    text = "\n".join(["AWS4-HMAC-SHA256", told["X-Amz-Date"], "/".join(scope), sha256(request.encode()).hexdigest()])
    key = b"AWS4" + KEYS["secret_access_key"].encode()
    for part in (*scope, text):
        key = hmac.digest(key, part.encode(), "sha256")
    return key.hex()


async def test_signed_addresses_leave_over_tls_only() -> None:
    config = {"brokers": "127.0.0.1:1", "mechanism": "AWS_IAM", "region": "eu-west-1"}
    with pytest.raises(ConfigError, match="over TLS only"):
        await destination_of("apache_kafka", {**config, **KEYS, "tls": False}, Environment()).check()
