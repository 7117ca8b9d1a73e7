"""What the installation allows a connector: handed in, so that the SDK reads no settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from connectors.sdk.tokens import TokenVault
from connectors.sdk.tunnels import ReverseTunnel, SshServer

if TYPE_CHECKING:
    from connectors.sdk.net.proxy import Proxy


class Workload(StrEnum):
    """What a connection is opened for, where a system queues or bills the two apart."""

    INTERACTIVE = "interactive"  # somebody waits for the answer
    BATCH = "batch"  # runs, snapshots, samples


@dataclass(frozen=True, slots=True)
class Environment:
    """The operator's limits for connectors.

    ``outbound_allow``: ``host:port`` pairs on private networks that may be called ("*" for all).
    ``local_roots``: folders whose files may be read and written.
    ``vault``: where this connection's tokens are, if people connect it through the service's own page.
    ``routes``: origins of services that are reached elsewhere, each with that origin (a mock, a gateway).
    ``tunnel``: what this connection goes through, to a private network; see :func:`connectors.sdk.tunnels.route`.
    ``workload``: what it is opened for.
    ``proxy``: what connections leave through that go out; see :mod:`connectors.sdk.net.proxy`.
    """

    outbound_allow: tuple[str, ...] = ()
    local_roots: tuple[str, ...] = ()
    memory_mb: int = 512
    threads: int = 2
    extra: dict[str, str] = field(default_factory=dict)
    vault: TokenVault | None = None
    routes: Mapping[str, str] = field(default_factory=dict)
    tunnel: SshServer | ReverseTunnel | None = None
    workload: Workload = Workload.INTERACTIVE
    proxy: Proxy | None = None
