"""``manage.py run_tunnel_server``: the SSH server of reverse tunnels, until SIGTERM or Ctrl-C."""

from __future__ import annotations

import asyncio
import signal
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.operating.alive import Beating
from connectors import reverse
from connectors.sdk.net.reverse_server import serve


class Command(BaseCommand):
    help = "Let the clients of reverse SSH tunnels log in (HEADRACE_TUNNEL_ADDRESS). Only one at a time."
    requires_system_checks = ()  # as the scheduler

    def handle(self, *args: Any, **options: Any) -> None:
        if reverse.front() is None:
            raise CommandError("Set HEADRACE_TUNNEL_ADDRESS to the address that clients log in at.")
        with Beating("tunnels"):
            asyncio.run(_serve())


async def _serve() -> None:
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    await serve(reverse.HouseDesk(), reverse.place(), reverse.host_key()[0], ended)
