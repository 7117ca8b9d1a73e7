"""Answers of other systems must not cost more memory than they are allowed, whatever they unpack to."""

from __future__ import annotations

import gzip
import resource
import zlib

import pytest

from connectors.sdk.context import Environment
from connectors.sdk.errors import InternalError
from connectors.sdk.net import Client, Request
from tests.connectors.kit.fake_http import Answer, fake_http

UNPACKED = 150_000_000
MOST = 100_000


def _packed() -> bytes:
    """Zeros, in a two hundredth of their size."""
    packer = zlib.compressobj(1, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    piece = bytes(1_000_000)
    return b"".join([*(packer.compress(piece) for _ in range(UNPACKED // len(piece))), packer.flush()])


async def test_a_small_answer_does_not_unpack_into_all_memory() -> None:
    bomb = Answer(200, _packed(), {"Content-Encoding": "gzip"})
    environment = Environment(outbound_allow=("*",))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    async with fake_http(bomb) as server, Client(environment, max_response_bytes=MOST) as client:
        response = await client.send(Request("GET", server.url))
    assert (response.truncated, len(response.body)) == (True, MOST)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 75_000, f"{grown} kB more than before"


async def test_an_honestly_packed_answer_is_read() -> None:
    packed = Answer(200, gzip.compress(b'{"a": 1}'), {"Content-Encoding": "gzip"})
    async with fake_http(packed) as server, Client(Environment(outbound_allow=("*",))) as client:
        assert (await client.send(Request("GET", server.url))).json() == {"a": 1}


async def test_an_answer_nested_without_end_is_an_error_of_the_other_side() -> None:
    deep = Answer(200, b"[" * 500_000 + b"]" * 500_000)
    async with fake_http(deep) as server, Client(Environment(outbound_allow=("*",))) as client:
        answer = await client.send(Request("GET", server.url))
        with pytest.raises(InternalError, match="not JSON"):
            answer.json()
