"""Moving a source to the warehouse planner: who may, when, and that there is no way back."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import duckdb
import pytest

from config.errors import Conflict, Invalid
from connectors import services
from connectors.choices import Health, Planner
from connectors.discovery import CheckOutcome
from connectors.models import Source
from governance.audit.models import AuditEntry
from tests.connectors.app.connections import files_folder
from tests.world import Place, World
from workspaces.scoping import workspace_scope


@pytest.fixture
def acme(world: World) -> Iterator[Place]:
    """The workspace of acme, with its scope entered."""
    with workspace_scope(world.acme.workspace.pk):
        yield world.acme


def test_a_new_source_is_compared_locally(acme: Place) -> None:
    assert acme.rows["source"].planner == Planner.LOCAL


def test_a_planner_that_does_not_exist_is_refused(acme: Place) -> None:
    with pytest.raises(Invalid) as refused:
        services.choose_planner(actor=acme.actor, source=acme.rows["source"], planner="moon")
    assert list(refused.value.fields) == ["planner"]


def test_changed_settings_make_write_access_untested(acme: Place) -> None:
    source: Source = acme.rows["source"]
    source = services.record_write_check(actor=acme.actor, source=source, outcome=CheckOutcome(True, "It works."))
    assert (source.write_health, source.write_check_message) == (Health.HEALTHY, "It works.")
    values = {"files": [*source.config["files"], {"name": "again", "value": source.config["files"][0]["value"]}]}
    source = services.update_source(actor=acme.actor, source=source, values=values)
    assert (source.write_health, source.write_checked_at, source.write_check_message) == (Health.UNTESTED, None, "")


def a_database(acme: Place) -> Source:
    """A source on a DuckDB file of its own."""
    file = files_folder() / f"{uuid4().hex[:8]}.duckdb"
    duckdb.connect(str(file)).close()
    return services.create_source(
        actor=acme.actor, type="duckdb", values={"mode": "database", "path": file.name}, name="Warehouse"
    )


def test_the_move_to_the_warehouse_needs_tested_write_access_and_is_for_good(acme: Place) -> None:
    source = a_database(acme)
    with pytest.raises(Conflict, match="not passed its test"):
        services.choose_planner(actor=acme.actor, source=source, planner="warehouse")
    assert services.check_write_access(actor=acme.actor, source=source).ok
    assert services.choose_planner(actor=acme.actor, source=source, planner="warehouse").in_warehouse
    with pytest.raises(Conflict, match="no way back") as refused:
        services.choose_planner(actor=acme.actor, source=source, planner="local")
    assert "reset change tracking" in refused.value.hint
    moves = AuditEntry.objects.filter(event="source.planner_chosen")
    assert [(entry.before, entry.after) for entry in moves] == [({"planner": "local"}, {"planner": "warehouse"})]


def test_a_source_that_cannot_be_written_to_stays_local(acme: Place) -> None:
    files = acme.rows["source"]
    with pytest.raises(Conflict, match="cannot write into"):
        services.choose_planner(actor=acme.actor, source=files, planner="warehouse")
    assert not services.check_write_access(actor=acme.actor, source=files).ok


def test_files_without_a_database_fail_the_test_of_write_access_with_a_reason(acme: Place) -> None:
    outcome = services.check_write_access(actor=acme.actor, source=acme.rows["source"])
    assert not outcome.ok
    assert "DuckDB database file" in outcome.hint
    source = Source.objects.get(pk=acme.rows["source"].pk)
    assert (source.write_health, source.write_check_hint) == (Health.FAILING, outcome.hint)
