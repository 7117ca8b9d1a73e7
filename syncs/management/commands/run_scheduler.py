"""``manage.py run_scheduler``: starts due syncs and keeps stages moving, until SIGTERM or Ctrl-C."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand

from config.operating.alive import Beating
from syncs import scheduler


class Command(BaseCommand):
    help = "Start syncs that are due, and tell workers again of stages nobody took. May run more than once."
    # Checking addresses imports all pages, which makes a start two seconds longer; `manage.py check` does it.
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()

        def end(number: int, frame: FrameType | None) -> None:
            stop.set()

        signal.signal(signal.SIGTERM, end)
        signal.signal(signal.SIGINT, end)
        with Beating("scheduler"):
            scheduler.run(stop)
