"""Counts that are stopped in the middle, and counts whose worker or message was lost."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from audiences import calculating
from audiences import services as schema
from audiences.choices import CalculationState, ModelKind
from audiences.models import Calculation, SchemaModel
from audiences.services import audiences as services
from syncs.choices import ModelMethod
from syncs.definitions import Definition
from tests.audiences.app.shop import parent, warehouse
from tests.world import Place, build_world
from workspaces.scoping import workspace_scope

# Hours of work for any machine, and no rows kept.
ENDLESS = "SELECT a.range AS id FROM range(10000000) a, range(10000000) b WHERE (a.range * b.range) % 13 = 5"


@pytest.fixture
def place(db: None) -> Iterator[Place]:
    made = build_world().acme
    with workspace_scope(made.workspace.pk):
        yield made


def asked(place: Place, model: SchemaModel) -> Calculation:
    return services.calculate_size(actor=place.actor, parent=model, definition={"where": {}})


@pytest.mark.django_db(transaction=True)
def test_a_query_is_stopped_once_nobody_waits_for_it(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    model = schema.create_schema_model(
        actor=place.actor,
        source=warehouse(place),
        kind=ModelKind.PARENT,
        definition=Definition(method=ModelMethod.SQL, sql=ENDLESS),
        settings=schema.Settings(name="Everything", primary_key=("id",)),
    )
    calculation = asked(place, model)
    counting, wanted = threading.Event(), services.wanted

    def watched(calculation_id: int) -> bool:
        counting.set()
        return wanted(calculation_id)

    monkeypatch.setattr(services, "wanted", watched)

    def work() -> None:
        with workspace_scope(place.workspace.pk):
            calculating.work(calculation.pk)
        connection.close()

    worker = threading.Thread(target=work)
    worker.start()
    assert counting.wait(60), "the source was not asked"
    services.give_up_calculation(actor=place.actor, calculation=calculation)
    worker.join(30)
    assert not worker.is_alive()
    calculation.refresh_from_db()
    assert (calculation.state, calculation.counts, calculation.error_message) == (CalculationState.CANCELLED, {}, "")


def test_lost_counts_are_taken_up_again_and_at_last_said_to_have_failed(place: Place) -> None:
    model = parent(place, warehouse(place))
    calculation = asked(place, model)
    late = timezone.now() + 2 * services.LOST_AFTER

    assert services.take_up_lost_calculations(timezone.now()) == 0
    assert services.take_up_lost_calculations(late) == 1, "its message was lost"
    assert services.take_up_lost_calculations(late) == 0, "it was sent just now"

    Calculation.objects.update(beat_at=timezone.now())
    assert services.begin_calculation(calculation.pk) is not None
    assert services.take_up_lost_calculations(timezone.now()) == 0, "a worker is at it"
    assert services.take_up_lost_calculations(late) == 1, "its worker was lost"
    calculating.work(calculation.pk)
    calculation.refresh_from_db()
    assert calculation.counts["members"] == 4

    again = asked(place, model)
    services.begin_calculation(again.pk)
    Calculation.objects.filter(pk=again.pk).update(created_at=timezone.now() - 2 * services.TRIED_FOR)
    assert services.take_up_lost_calculations(late + timedelta(minutes=1)) == 1
    again.refresh_from_db()
    assert again.state == CalculationState.FAILED
    assert "stopped before there was an answer" in again.error_message
