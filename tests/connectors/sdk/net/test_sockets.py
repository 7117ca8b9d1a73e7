"""A server that takes the call and says nothing is given up, before and during the handshake."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from connectors.registry import source_class
from connectors.sdk.context import Environment
from connectors.sdk.errors import Unavailable


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a listener that never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


@pytest.mark.parametrize(
    ("key", "settings"),
    [
        ("mysql", {"database": "d", "user": "u", "sslmode": "require"}),
        ("clickhouse", {"secure": True}),
        ("sqlserver", {"login": "password", "database": "d", "user": "u"}),
    ],
)
def test_a_silent_server_is_given_up(
    silent: int, key: str, settings: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.sdk.net.sockets.CONNECT_S", 0.2)
    monkeypatch.setattr("connectors.sdk.mysql.CONNECT_S", 0.2)
    source = source_class(key)({"host": "127.0.0.1", "port": silent, **settings}, Environment(outbound_allow=("*",)))
    with pytest.raises(Unavailable, match="timed out"):
        source.check()
