"""The command line against a served application with a real worker: some commands as processes of their own."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from pytest_django.live_server_helper import LiveServer

from config.embedded import Urls
from headrace_cli.main import run
from syncs.models import Sync
from tests.invariants.tree import CHECKOUT
from tests.syncs.app.shop import Shop
from tests.syncs.app.workers import SCHEDULER, WORKER, process
from tests.world import World


@dataclass(frozen=True)
class Program:
    """``headrace`` with a configuration file of its own."""

    url: str
    config: Path

    def run(self, *arguments: str, status: int = 0, **variables: str) -> str:
        """Run it here, as starting a process costs more than what it does; what it printed."""
        names = {"HEADRACE_URL": self.url, "HEADRACE_CONFIG": str(self.config), **variables}
        out, err = StringIO(), StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            for name, value in names.items():
                patch.setenv(name, value)
            patch.setattr(sys, "argv", ["headrace", *arguments])
            with pytest.raises(SystemExit) as ended:
                run()
        assert ended.value.code == status, out.getvalue() + err.getvalue()
        return out.getvalue() if status in (0, 2, 3) else err.getvalue()

    def started(self, *arguments: str, status: int = 0, **variables: str) -> str:
        """Start it as a process of its own and hold it to an exit status; what it printed."""
        names = {name: value for name, value in os.environ.items() if not name.startswith("HEADRACE_")}
        done = subprocess.run(
            [sys.executable, "-m", "headrace_cli", *arguments],
            cwd=CHECKOUT / "cli",
            env={**names, "HEADRACE_URL": self.url, "HEADRACE_CONFIG": str(self.config), **variables},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == status, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout if status in (0, 2, 3) else done.stderr

    def json(self, *arguments: str, status: int = 0) -> Any:
        return json.loads(self.run(*arguments, status=status))


@pytest.fixture
def program(live_server: LiveServer, tmp_path: Path) -> Program:
    return Program(live_server.url, tmp_path / "headrace" / "profiles.json")


def test_it_signs_in_and_shows_what_the_workspace_holds(program: Program, shop: Shop, key: str) -> None:
    sync = shop.sync()
    program.started("syncs", status=4)
    program.run("login", status=4, HEADRACE_APIKEY="hr_wrong")
    program.started("login", HEADRACE_APIKEY=key)
    assert stat.S_IMODE(program.config.stat().st_mode) == 0o600
    assert [row["slug"] for row in program.json("list", "syncs", "--json")] == [sync.slug]
    assert sync.slug in program.run("sync")
    assert shop.destination.name in program.run("destinations")
    assert program.json("inspect", f"model/{sync.model.slug}")["primaryKey"] == "id"
    assert "queryType: raw_sql" in program.run("inspect", f"model/{sync.model.pk}", "-f", "yaml")
    assert program.json("runs", "--sync", sync.slug, "--json") == []
    assert "There is no sync “nobody”" in program.run("trigger", "nobody", status=1)
    program.run("runs", status=64)
    assert "_HEADRACE_COMPLETE" in program.run("completion", "bash")
    program.run("logout")
    program.run("models", status=4)


def test_it_plans_and_runs_and_says_by_its_exit_status_how_it_went(program: Program, shop: Shop, key: str) -> None:
    shop.fill(2)
    shop.query("INSERT INTO customers VALUES (3, 'c3@shop.test', 'broken')")
    sync = shop.sync()
    program.run("login", HEADRACE_APIKEY=key)
    with process(WORKER), process(SCHEDULER):
        plan = program.json("plan", sync.slug, "--json", "--sample", "1", status=2)
        assert plan["counts"] == {"added": 3, "changed": 0, "removed": 0}
        assert len(plan["sample"]) == 1
        run = program.json("trigger", sync.slug, "--json", status=3)
        assert (run["status"], run["failedRows"]["addedCount"]) == ("warning", 1)
        shop.query("DELETE FROM customers WHERE id = 3")
        program.started("trigger", "--sync", sync.slug, "--quiet")
        assert program.json("plan", sync.slug, "--json")["changes"] is False
    assert len(shop.there()) == 2


def test_it_deploys_to_the_workspace_of_another_key(
    program: Program, world: World, services: Urls, settings: Any
) -> None:
    from tests.api.calls import key_of
    from tests.governance.environments.stages import open_stages

    settings.OUTBOUND_ALLOW = ["*"]
    stages = open_stages(world, services.acme_url)
    stages.link()
    with stages.dev.side.scope():
        sync = stages.dev.shop.sync()
    for name, stage in (("dev", stages.dev), ("prod", stages.prod)):
        program.run("--profile", name, "login", HEADRACE_APIKEY=key_of(stage.place, world.owner))
    what = ("--profile", "dev", "deploy", f"model/{sync.model.slug}", f"sync/{sync.slug}", "--to", "prod")
    there = f"sync/{sync.slug}:setting.table=public.{stages.prod.shop.table}"
    plan = program.json(*what, "--plan", "--json", status=2)
    assert [(item["kind"], item["action"]) for item in plan["items"]] == [("model", "create"), ("sync", "create")]
    done = program.json(*what, "--answer", there, "--yes", "--json")
    assert (done["state"], done["target"]["slug"]) == ("done", "acme-prod")
    program.run(*what, "--plan")
    with stages.prod.side.scope():
        made = Sync.objects.get(pk=done["items"][1]["targetId"])
        assert (made.settings["table"], made.schedule_enabled) == (f"public.{stages.prod.shop.table}", False)
