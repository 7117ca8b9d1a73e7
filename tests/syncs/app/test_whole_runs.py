"""Runs that one writer carries out, to files on a real disk: a run without rows is written like any other."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.test import Client

from connectors import services as connectors
from syncs import services, tasks
from syncs.choices import RunStatus, StepKind
from syncs.configuration import Proposal
from syncs.models import Run, RunStep, Sync
from syncs.services import stages
from tests.syncs.app.shop import FIELDS, Shop, mapping, work_off
from tests.syncs.app.test_schedules import lose_lease
from tests.world import Place

HEADER = '"id","email","plan"'


@dataclass
class Exports:
    """A folder that syncs of the shop write into."""

    shop: Shop
    folder: Path

    def sync(self, mode: str = "all", **changed: Any) -> Sync:
        """A sync of all three columns to ``out.csv``."""
        values = {"folder": self.folder.name}
        destination = connectors.create_destination(
            actor=self.shop.actor, type="local_files", values=values, name="Exports"
        )
        proposal = self.shop.proposal(
            sync_type="files",
            mode=mode,
            removal="nothing",
            settings={"format": "csv", "filename": "out.csv", **changed},
            mappings=[{**mapping(name), "identifier": False} for name in FIELDS],
        )
        return services.create_sync(
            actor=self.shop.actor, model=self.shop.model(), destination=destination, proposal=proposal
        )

    def lines(self, name: str = "out.csv") -> list[str]:
        return (self.folder / name).read_text().splitlines()

    def names(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())


@pytest.fixture
def exports(shop: Shop) -> Exports:
    return Exports(shop, Path(settings.LOCAL_FILES_ROOTS[0]) / f"exports-{uuid4().hex[:8]}")


def test_a_file_has_what_was_mapped_under_the_names_that_were_chosen(exports: Exports) -> None:
    exports.shop.fill(1)
    sync = exports.sync()
    renamed = [mapping("key", "id", identifier=False), {"to": "who", "kind": "template", "value": "<{{ row.email }}>"}]
    proposal = Proposal(sync_type="files", mode="all", settings=sync.settings, mappings=renamed)
    services.update_sync(actor=exports.shop.actor, sync=sync, proposal=proposal)
    exports.shop.run(sync)
    assert exports.lines() == ['"key","who"', '1,"<c1@shop.test>"']


def test_an_empty_result_replaces_the_file_of_a_full_one(exports: Exports) -> None:
    exports.shop.fill(3)
    sync = exports.shop.unguarded(exports.sync())
    exports.shop.run(sync)
    assert [line.split(",")[0] for line in exports.lines()] == ['"id"', "1", "2", "3"]
    exports.shop.fill(0)
    run = exports.shop.run(sync)
    assert (run.status, run.queried, run.planned, run.error_message) == (RunStatus.SUCCEEDED, 0, 0, "")
    assert exports.lines() == [HEADER]


def test_an_empty_result_leaves_the_file_alone_where_empty_files_are_skipped(exports: Exports) -> None:
    exports.shop.fill(3)
    sync = exports.shop.unguarded(exports.sync(skip_empty=True))
    exports.shop.run(sync)
    exports.shop.fill(0)
    assert exports.shop.run(sync).status == RunStatus.SUCCEEDED
    assert len(exports.lines()) == 4


def test_a_file_is_written_without_a_lost_column_and_the_run_says_so(exports: Exports, place: Place) -> None:
    exports.shop.fill(2)
    sync = exports.shop.unguarded(exports.sync())
    exports.shop.run(sync)
    exports.shop.query("ALTER TABLE customers RENAME COLUMN plan TO tier")
    run = exports.shop.run(sync)
    assert (run.status, run.error_message, run.queried, run.succeeded) == (RunStatus.SUCCEEDED, "", 2, 2)
    assert exports.lines() == ['"id","email"', '1,"c1@shop.test"', '2,"c2@shop.test"']
    browser = Client()
    browser.force_login(place.owner)
    page = browser.get(f"/acme/syncs/{sync.pk}/runs/{run.pk}").content.decode()
    assert "Sent without plan." in page
    exports.shop.query("ALTER TABLE customers RENAME COLUMN tier TO plan")
    assert exports.shop.run(sync).spec["left_out"] == []
    assert exports.lines()[1] == '1,"c1@shop.test","free"'


def test_differences_are_written_also_where_there_are_none(exports: Exports) -> None:
    exports.shop.fill(3)
    sync = exports.sync("diff")
    exports.shop.run(sync)
    assert len(exports.lines("out-added.csv")) == 4
    exports.shop.run(sync)
    assert exports.names() == ["out-added.csv", "out-changed.csv", "out-removed.csv"]
    assert all(exports.lines(name) == [HEADER] for name in exports.names())


def test_an_empty_file_that_cannot_be_written_fails_the_run_in_words(exports: Exports) -> None:
    sync = exports.sync()
    (exports.folder / "out.csv").mkdir(parents=True)
    run = exports.shop.run(sync)
    assert (run.status, run.error_code) == (RunStatus.FAILED, "config_invalid")
    assert "directory" in run.error_message.lower()
    assert run.error_hint


def test_a_run_without_rows_is_finished_by_the_next_worker(exports: Exports) -> None:
    run = deliverable(exports)
    step = RunStep.objects.get(run=run, kind=StepKind.DELIVER)
    assert stages.claim(step.pk) is not None
    lose_lease(step.pk)
    carry_out(step)
    work_off()
    run.refresh_from_db()
    assert (run.status, exports.lines()) == (RunStatus.SUCCEEDED, [HEADER])


def test_a_run_without_rows_that_is_cancelled_writes_nothing_and_says_so(exports: Exports) -> None:
    run = deliverable(exports)
    services.cancel_run(actor=exports.shop.actor, run=run)
    work_off()
    run.refresh_from_db()
    assert (run.status, exports.folder.exists()) == (RunStatus.CANCELLED, False)


def deliverable(exports: Exports) -> Run:
    """A run over an empty model that has only been prepared."""
    run = services.start_run(actor=exports.shop.actor, sync=exports.sync())
    carry_out(RunStep.objects.get(run=run))
    return run


def carry_out(step: RunStep) -> None:
    tasks.work_on_step.fn(step.workspace_id, step.pk)
