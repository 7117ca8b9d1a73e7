"""Understanding an audience: its overview, whom it shares, what it is made of, and why somebody is in it."""

from __future__ import annotations

import re
from datetime import timedelta

from django.utils import timezone

from audiences.calculating import work
from audiences.choices import CalculationKind, SizeReason
from audiences.models import AudienceSize, Calculation, SchemaModel
from audiences.services import audiences as services
from audiences.services.sizes import ask_for_daily_sizes, forget_old_sizes, store_size
from connectors.models import Source
from tests.audiences.app.shop import change
from tests.audiences.app.test_audiences import Person, audience, customers, place, source, where
from tests.world import Place, World

__all__ = ["customers", "place", "source"]


def test_the_overview_says_who_is_meant_who_uses_it_and_what_happened(
    world: World, place: Place, customers: SchemaModel, source: Source
) -> None:
    made = audience(place, customers)
    audience(place, customers, "Letter", where({"type": "audience", "audience": str(made.pk)}))
    page = Person(place, f"audiences/{made.pk}").html
    assert "Customers where region is “north”." in page
    assert "Letter" in page
    assert "added the audience" in page.lower()
    assert f"/audiences/{made.pk}/definition" in page
    reader = Person(place, f"audiences/{made.pk}", world.people["viewer"]).html
    assert "Calculate now" not in reader
    assert "Customers where region is “north”." in reader


def test_sizes_are_kept_once_a_day_and_when_somebody_counts(
    place: Place, customers: SchemaModel, source: Source
) -> None:
    made = audience(place, customers)
    now = timezone.now()
    assert ask_for_daily_sizes(now) == 1
    assert ask_for_daily_sizes(now) == 0, "one attempt a day"
    work(Calculation.objects.get(kind=CalculationKind.DAILY).pk)
    store_size(made, 5, SizeReason.RUN, at=now - timedelta(days=3))
    change(source, "INSERT INTO customers VALUES (5, 'Edsger', 'e@shop.test', 'north', DATE '2026-05-01')")
    asked = services.calculate_size(actor=place.actor, parent=customers, definition=made.definition, audience=made)
    work(asked.pk)
    sizes = AudienceSize.objects.filter(audience=made).order_by("at").values_list("reason", "members")
    assert list(sizes) == [("run", 5), ("daily", 2), ("asked", 3)]
    page = Person(place, f"audiences/{made.pk}?days=7").html
    assert re.search(r'"data": \[5, null, null, 3\]', page), "the last count of each day"
    assert "75.0% of 4 Customers" not in page, "nobody has counted the model"
    nothing = Person(place, f"audiences/{made.pk}?since=2020-01-01&until=2020-02-01").html
    assert "No count in this time" in nothing
    services.update_audience(actor=place.actor, audience=made, definition=where())
    assert ask_for_daily_sizes(now + timedelta(days=1)) == 1
    assert forget_old_sizes(now + timedelta(days=500)) == 3
