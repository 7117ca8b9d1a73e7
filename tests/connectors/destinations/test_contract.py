"""The rules of the kit over every registered destination, without a line per connector."""

from __future__ import annotations

import pytest

from connectors.registry import DESTINATIONS, destination_class
from connectors.sdk.fields import Field
from tests.connectors.kit import declarations as rules
from tests.connectors.kit.brokers import BROKERS, play_broker
from tests.connectors.kit.cases import TOPICS, Case, cases_of
from tests.connectors.kit.drivers import DRIVERS, Ground
from tests.connectors.kit.mailboxes import play_mail
from tests.connectors.kit.rest import rest_keys

LONGEST_FILE = 350
PLAYED = {**DRIVERS, "email": play_mail, **dict.fromkeys(BROKERS, play_broker)}


def all_fields(key: str) -> list[Field]:
    definition = destination_class(key).definition
    return [*definition.fields, *(f for t in definition.sync_types for f in t.settings)]


@pytest.mark.parametrize("key", DESTINATIONS)
def test_the_definition_is_sound(key: str) -> None:
    assert rules.definition_problems(destination_class(key).definition) == []
    assert rules.match_problems(destination_class(key)) == []
    assert rules.listing_problems(destination_class(key)) == []
    assert rules.check_problems(destination_class(key)) == []


@pytest.mark.parametrize("key", DESTINATIONS)
def test_every_field_is_explained_and_its_default_valid(key: str) -> None:
    definition = destination_class(key).definition
    assert rules.field_problems(definition.fields) == []
    assert [p for t in definition.sync_types for p in rules.field_problems(t.settings)] == []
    for fields in (definition.fields, *(t.settings for t in definition.sync_types)):
        assert rules.picker_problems(destination_class(key), fields) == []


@pytest.mark.parametrize("key", DESTINATIONS)
def test_credentials_are_secret(key: str) -> None:
    assert rules.credential_problems(all_fields(key)) == []


@pytest.mark.parametrize("key", DESTINATIONS)
def test_code_keeps_to_the_doors(key: str) -> None:
    files = rules.files_of(DESTINATIONS[key].partition(":")[0])
    assert files
    assert {str(f): found for f in files if (found := rules.source_problems(f.read_text()))} == {}


@pytest.mark.parametrize("key", DESTINATIONS)
def test_no_file_grows_too_long(key: str) -> None:
    files = rules.files_of(DESTINATIONS[key].partition(":")[0])
    assert {str(f): n for f in files if (n := len(f.read_text().splitlines())) > LONGEST_FILE} == {}


@pytest.mark.parametrize("key", DESTINATIONS)
def test_its_cases_show_every_topic(key: str) -> None:
    shown = {topic for case in cases_of(key) for topic in case.told["shows"]}
    assert shown >= TOPICS
    assert key in PLAYED or key in rest_keys()


@pytest.mark.parametrize("case", cases_of(*PLAYED), ids=str)
async def test_case(case: Case, ground: Ground) -> None:
    await PLAYED[case.key](case, ground)
