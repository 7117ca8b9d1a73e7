"""The generated catalogue: current, honest, ordered, and read without importing any connector."""

from __future__ import annotations

import subprocess
import sys

from connectors import catalog
from connectors.choices import MODE_WORDS, Kind
from connectors.registry import DESTINATIONS, SOURCES
from connectors.sdk.types import Verification
from tests.invariants.tree import CHECKOUT


def test_the_catalogue_is_what_the_registry_declares() -> None:
    assert catalog.PATH.read_text(encoding="utf-8") == catalog.build(), "run: python manage.py build_catalog"


def test_it_holds_every_type_once() -> None:
    assert sorted(e.key for e in catalog.entries(Kind.SOURCE)) == sorted(SOURCES)
    assert sorted(e.key for e in catalog.entries(Kind.DESTINATION)) == sorted(DESTINATIONS)


def test_samples_stand_at_the_end() -> None:
    groups = catalog.groups(Kind.SOURCE)
    assert [any(e.sample for e in g.entries) for g in groups] == [False] * (len(groups) - 1) + [True]


def test_every_level_of_verification_has_words_and_an_icon() -> None:
    assert set(catalog.VERIFICATION_WORDS) == set(catalog.VERIFICATION_ICONS) == {v.value for v in Verification}


def test_the_search_finds_by_name_kind_and_summary() -> None:
    assert [e.key for g in catalog.groups(Kind.DESTINATION, "HTTP req") for e in g.entries] == ["http_request"]
    assert catalog.groups(Kind.DESTINATION, "no such thing") == []


def test_it_is_narrowed_by_category_and_level() -> None:
    found = catalog.groups(Kind.DESTINATION, within=["Databases"], levels=["server"])
    assert [g.name for g in found] == ["Databases"]
    assert {e.verification for e in found[0].entries} == {"server"}


def test_a_card_tells_what_is_sent_and_how() -> None:
    assert catalog.entry(Kind.DESTINATION, "airtable").glance == ("Records", "Upsert · Insert · Update")
    assert catalog.entry(Kind.SOURCE, "postgres").glance == ("Customer Studio", "Planner in the warehouse")
    assert {mode for e in catalog.entries(Kind.DESTINATION) for mode in e.modes} <= set(MODE_WORDS)


def test_a_row_of_a_type_that_is_gone_still_shows() -> None:
    assert catalog.known_entry(Kind.SOURCE, "gone").name == "gone"


def test_reading_it_imports_no_connector() -> None:
    code = (
        "import sys; from connectors import catalog; from connectors.choices import Kind; "
        "catalog.groups(Kind.SOURCE); print(*[m for m in sys.modules if m.startswith(('duckdb', 'pyarrow', "
        "'connectors.sources', 'connectors.destinations'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
