"""Moving a source to the warehouse planner: who may, when, and that there is no way back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from config.errors import Invalid
from connectors import services
from connectors.choices import Health, Planner
from connectors.discovery import CheckOutcome
from connectors.models import Source
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
