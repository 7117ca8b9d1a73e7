"""The registry, the folders and the docs name the same connectors."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.registry import DESTINATIONS, SOURCES, destination_class, source_class
from connectors.sdk.destination import Destination
from connectors.sdk.errors import ConfigError
from connectors.sdk.source import Source
from connectors.sdk.types import Verification
from tests.connectors.kit.declarations import consent_problems

ROOT = Path(__file__).resolve().parents[2]
TABLES = {"sources": SOURCES, "destinations": DESTINATIONS}


def on_disk(folder: str) -> set[str]:
    """Modules and packages of connectors; names with an underscore in front are shared parts."""
    found = (ROOT / "connectors" / folder).iterdir()
    return {p.stem for p in found if not p.name.startswith(("_", ".")) and (p.suffix == ".py" or p.is_dir())}


@pytest.mark.parametrize("kind", TABLES)
def test_every_module_is_registered_under_its_own_name(kind: str) -> None:
    modules = {target.partition(":")[0].rpartition(".")[2] for target in TABLES[kind].values()}
    assert modules == on_disk(kind)
    assert list(TABLES[kind]) == sorted(TABLES[kind])


@pytest.mark.parametrize("kind", TABLES)
def test_every_connector_has_a_page_in_the_docs(kind: str) -> None:
    pages = {p.stem for p in (ROOT / "docs" / kind).glob("*.md") if p.stem != "index"}
    assert pages == set(TABLES[kind])


@pytest.mark.parametrize("key", SOURCES)
def test_a_source_loads_and_knows_its_key(key: str) -> None:
    loaded = source_class(key)
    assert issubclass(loaded, Source)
    assert loaded.definition.key == key
    assert loaded.definition.verification in Verification


@pytest.mark.parametrize("key", DESTINATIONS)
def test_a_destination_loads_and_knows_its_key(key: str) -> None:
    loaded = destination_class(key)
    assert issubclass(loaded, Destination)
    assert loaded.definition.key == key
    assert loaded.definition.docs_url == f"docs/destinations/{key}.md"


@pytest.mark.parametrize("connector", [*map(source_class, SOURCES), *map(destination_class, DESTINATIONS)])
def test_signing_in_on_a_services_page_is_declared_whole(connector: type[Source] | type[Destination]) -> None:
    assert consent_problems(connector) == []


def test_an_unknown_key_names_the_nearest() -> None:
    with pytest.raises(ConfigError) as caught:
        destination_class("postgers")
    assert "postgres" in caught.value.hint
