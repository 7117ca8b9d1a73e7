"""Understanding an audience: its overview, whom it shares, what it is made of, and why somebody is in it."""

from __future__ import annotations

from audiences.models import SchemaModel
from connectors.models import Source
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
