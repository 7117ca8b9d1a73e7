"""Write ``connectors/catalog.json`` from the registry."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from connectors import catalog


class Command(BaseCommand):
    help = "Generate the catalogue of connector types that pages read, from the registry."

    def handle(self, *args: Any, **options: Any) -> None:
        """Import every connector once and write what the catalogue shows of it."""
        catalog.PATH.write_text(catalog.build(), encoding="utf-8")
        self.stdout.write(f"Wrote {catalog.PATH.name}.")
