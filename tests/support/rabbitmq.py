"""A real RabbitMQ for tests: the one that listens on this machine for its first user."""

from __future__ import annotations

import socket
from typing import Any

LOGIN: dict[str, Any] = {"host": "127.0.0.1", "port": 5672, "vhost": "/", "user": "guest", "password": "guest"}
WORDS = "no RabbitMQ listens on 127.0.0.1:5672"


def answers() -> bool:
    """Whether a server is there."""
    try:
        socket.create_connection((LOGIN["host"], LOGIN["port"]), 1).close()
    except OSError:
        return False
    return True
