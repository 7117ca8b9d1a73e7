"""The reference says what the code says."""

from __future__ import annotations

from config.reference import CHECKOUT, pages, settings


def test_the_generated_pages_are_current() -> None:
    stale = [path.name for path, text in pages().items() if not path.exists() or path.read_text() != text]
    assert stale == [], "run `make docs`"


def test_every_setting_says_what_it_is_for() -> None:
    assert [setting.name for setting in settings() if not setting.about] == []


def test_every_connector_has_a_page() -> None:
    from connectors import catalog
    from connectors.choices import Kind

    addresses = [entry.docs_url for kind in Kind for entry in catalog.entries(kind)]
    missing = [address for address in addresses if not (CHECKOUT / address).is_file()]
    assert missing == []
