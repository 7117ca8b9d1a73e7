"""What the SSH server of reverse tunnels and the house tell each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Guest:
    """Who may log in under a name: a tunnel, the public key it must prove, the port it may lend."""

    tunnel: int
    public_key: str
    port: int


@dataclass(frozen=True, slots=True)
class Presence:
    """Since when a tunnel's client is connected (seconds of the epoch), and from where."""

    since: float
    peer: str


class Desk(Protocol):
    """What the server asks of the house."""

    async def guest(self, name: str) -> Guest | None:
        """Who logs in under this name; nothing where nobody may."""

    async def guests(self, tunnels: Iterable[int]) -> Mapping[int, Guest]:
        """Those of these tunnels that still exist, as they are now."""

    async def tell(self, present: Mapping[int, Presence]) -> None:
        """Which tunnels are open now."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where clients log in, and the host on which lent ports open."""

    host: str
    port: int
    inside: str

    @property
    def reachable(self) -> str:
        """The host as this machine itself reaches it."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(self.host, self.host)  # noqa: S104 - compared
