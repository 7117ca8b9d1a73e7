"""A message to people, before any channel gives it its shape.

It never holds row values or credentials: whoever writes one scrubs first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from notifications.choices import Phase, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What happened, for somebody who was just woken up.

    ``id`` is the same for every attempt to deliver it, ``thread`` for everything
    that is said of one matter: channels that can, join messages by them.
    ``words`` are the other side's own. ``facts`` are (label, value) pairs.
    """

    id: str
    thread: str
    phase: Phase
    severity: Severity
    title: str
    summary: str
    at: datetime
    workspace: str
    source: str = ""
    words: str = ""
    advice: str = ""
    facts: tuple[tuple[str, str], ...] = field(default=())
    url: str = ""
    url_label: str = ""

    def to_json(self) -> dict[str, Any]:
        """As the outbox keeps it."""
        return {**asdict(self), "at": self.at.isoformat()}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Message:
        """What :meth:`to_json` made."""
        return cls(
            **{
                **stored,
                "phase": Phase(stored["phase"]),
                "severity": Severity(stored["severity"]),
                "at": datetime.fromisoformat(stored["at"]),
                "facts": tuple((label, value) for label, value in stored["facts"]),
            }
        )

    def text(self) -> str:
        """The whole message as plain text."""
        parts = [self.summary]
        if self.words:
            parts.append("In its own words:\n" + "\n".join(f"  {line}" for line in self.words.splitlines()))
        if self.advice:
            parts.append(f"What to do: {self.advice}")
        if self.facts:
            parts.append("\n".join(f"{label}: {value}" for label, value in self.facts))
        if self.url:
            parts.append(f"{self.url_label or 'Open in Headrace'}:\n{self.url}")
        return "\n\n".join(parts)


def shortened(text: str, limit: int) -> str:
    """At most ``limit`` characters, on one line."""
    flat = " ".join(text.split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"
