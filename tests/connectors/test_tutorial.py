"""The tutorial is true: what the scaffold writes works, and what the page shows is in it."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import pytest

from config.errors import Invalid
from connectors import registry
from connectors.scaffold import CASE, CONNECTOR, filled, write_destination
from tests.connectors.kit import declarations as rules
from tests.connectors.kit.cases import Case, exact_json
from tests.connectors.kit.rest import play

ROOT = Path(__file__).resolve().parents[2]
TUTORIAL = ROOT / "docs" / "connectors" / "tutorial.md"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """As much of a checkout as the scaffold touches."""
    (tmp_path / "connectors").mkdir()
    shutil.copy(ROOT / "connectors" / "registry.py", tmp_path / "connectors" / "registry.py")
    return tmp_path


async def test_what_the_scaffold_writes_passes_its_own_case(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module, case, page, _ = write_destination(checkout, "acme")
    monkeypatch.syspath_prepend(str(module.parent))
    monkeypatch.setitem(registry.DESTINATIONS, "acme", "acme:AcmeDestination")
    try:
        definition = registry.destination_class("acme").definition
        assert rules.definition_problems(definition) == []
        assert rules.field_problems(definition.fields) == []
        assert rules.source_problems(module.read_text()) == []
        told = exact_json(case.read_text())
        played = await play(Case("acme", "people", told))
        assert (played.unexpected, played.unused) == ([], [])
        assert played.outcome == told["results"]
    finally:
        sys.modules.pop("acme", None)
    assert page.read_text().startswith("# Acme")


def test_it_is_registered_in_order_and_nothing_is_written_over(checkout: Path) -> None:
    write_destination(checkout, "acme_ads")
    text = (checkout / "connectors" / "registry.py").read_text()
    keys = re.findall(r'^    "(\w+)": "connectors\.destinations', text, flags=re.MULTILINE)
    assert keys == sorted([*registry.DESTINATIONS, "acme_ads"])
    assert '"connectors.destinations.acme_ads:AcmeAdsDestination"' in text
    for name in ("acme_ads", "Acme", "../acme"):
        with pytest.raises(Invalid):
            write_destination(checkout, name)


def test_the_page_shows_what_the_scaffold_writes() -> None:
    shown = re.findall(r"```python\n(.*?)```", TUTORIAL.read_text(), flags=re.DOTALL)
    assert shown
    assert [block for block in shown if block not in filled(CONNECTOR, "acme")] == []
    assert "/v1/people/batch" in filled(CASE, "acme")
