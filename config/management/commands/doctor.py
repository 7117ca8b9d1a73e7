"""``manage.py doctor``: what is wrong with this installation, and what to do about it."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from config.operating.doctor import Level, examine

_MARKS = {Level.OK: "ok     ", Level.WARNING: "warning", Level.ERROR: "ERROR  "}


class Command(BaseCommand):
    help = "Find the usual misconfigurations of this installation. Exit status 1 where something has to be mended."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """JSON for machines; a strict mode for deployments."""
        parser.add_argument("--json", action="store_true", help="Write findings as JSON.")
        parser.add_argument("--strict", action="store_true", help="Exit with status 1 for warnings too.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Look at everything and tell."""
        findings = examine()
        levels = [finding.level for finding in findings]
        if options["json"]:
            self.stdout.write(json.dumps({"findings": [asdict(f) for f in findings]}, indent=1))
        else:
            for finding in findings:
                self.stdout.write(f"{_MARKS[finding.level]}  {finding.name}: {finding.message}")
                if finding.hint and finding.level is not Level.OK:
                    self.stdout.write(f"         → {finding.hint}")
            self.stdout.write(f"{levels.count(Level.ERROR)} errors, {levels.count(Level.WARNING)} warnings.")
        if Level.ERROR in levels or (options["strict"] and Level.WARNING in levels):
            raise SystemExit(1)
