"""``manage.py demo``: set up the example company, run its syncs twice, say what happened."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from config.demo import inbox
from config.demo.runs import DemoFailed, run_all
from config.demo.seed import EMAIL, Demo, find, point_at_inspector, seed
from connectors.models import Source
from connectors.services import check_source, update_source
from syncs.models import Sync
from workspaces.actors import person
from workspaces.models import Workspace
from workspaces.scoping import unscoped, workspace_scope


class Command(BaseCommand):
    """Needs a running installation: workers, scheduler and web (``make demo`` starts them)."""

    help = __doc__ or ""

    def handle(self, *args: Any, **options: Any) -> None:
        """Seed once; later runs reuse what is there."""
        try:
            demo = self._open()
            first = "First run: everything is new" if demo.password else "Run: only what changed since the last time"
            run_all(demo.actor, demo.workspace, demo.syncs, first, self.stdout.write)
            self._advance(demo)
            title = "A day passes in the shop. Second run: only the changes are sent"
            run_all(demo.actor, demo.workspace, demo.syncs, title, self.stdout.write)
        except DemoFailed as error:
            raise CommandError(str(error)) from error
        self._say_where()

    def _open(self) -> Demo:
        owner = find()
        if owner is None:
            self.stdout.write("Setting up the example company …")
            inbox.empty()
            demo = seed()
            self._write(
                {
                    "email": EMAIL,
                    "password": demo.password,
                    "api_key": demo.api_key,
                    "workspace": demo.workspace.slug,
                    "syncs": {sync.slug: sync.pk for sync in demo.syncs},
                }
            )
            return demo
        if not _path().exists():
            raise DemoFailed(
                "An earlier start was ended while it set the example company up, so only a part of it is there. "
                f"Remove {settings.DATA_DIR} (or run `make clean`) and start again."
            )
        known = _known()
        self._write(known)
        with unscoped("the demo's workspace is found by name"):
            workspace = Workspace.objects.get(slug=known["workspace"])
        with workspace_scope(workspace.pk):
            store = Source.objects.get(type="sample_b2c")
            point_at_inspector(person(owner))
            syncs = tuple(Sync.objects.filter(slug__in=known["syncs"]).order_by("pk"))
        return Demo(workspace, person(owner), "", "", store, syncs)

    def _advance(self, demo: Demo) -> None:
        with workspace_scope(demo.workspace.pk):
            store = Source.objects.get(pk=demo.store.pk)
            values = {**store.config, "day": int(store.config["day"]) + 1}
            store = update_source(actor=demo.actor, source=store, values=values)
            # Makes the day's data, so that the runs' times are theirs alone.
            check_source(actor=demo.actor, source=store)

    def _write(self, known: Mapping[str, Any]) -> None:
        """Keep what people and scripts need to reach the demo; the address is that of this start."""
        path = _path()
        path.touch(mode=0o600)
        path.write_text(json.dumps({**known, "base_url": settings.BASE_URL}, indent=2) + os.linesep)

    def _say_where(self) -> None:
        known = _known()
        self.stdout.write(
            f"\nOpen {settings.BASE_URL}/{known['workspace']}/ and sign in as {known['email']} "
            f"with the password {known['password']}\n"
            f"What arrived at the campaign tool: {settings.BASE_URL}/inspector/\n"
            f"All of this is in {_path()}"
        )


def _path() -> Path:
    return Path(settings.DATA_DIR) / "demo.json"


def _known() -> dict[str, Any]:
    known: dict[str, Any] = json.loads(_path().read_text())
    return known
