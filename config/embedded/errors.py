"""What can go wrong with the embedded services, in words for the person at the terminal."""

from __future__ import annotations


class EmbeddedError(Exception):
    """An embedded service cannot run; the message says why and what to do."""


class AlreadyRunning(EmbeddedError):
    """Another process holds the data folder."""


class PortTaken(EmbeddedError):
    """The port was taken between choosing it and listening on it."""
