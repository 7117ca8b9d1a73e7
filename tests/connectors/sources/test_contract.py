"""The rules of the kit over every registered source, without a line per source."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import sqlglot
from sqlglot.errors import SqlglotError

from audiences.query.dialects import STUDIOS
from connectors import reference
from connectors.registry import SOURCES, source_class
from connectors.sdk.planner import WarehouseSource
from connectors.sdk.source import SourceDefinition
from connectors.sdk.sql import limit_rows, table_sql
from connectors.sdk.types import Table, Verification
from syncs.engine.warehouse.dialects import PROFILES
from tests.connectors.kit import declarations as rules
from tests.connectors.sources.stands import NOT_RUN, SAME_CODE, STANDS, TESTED_APART

DOCS = Path(__file__).resolve().parents[3] / "docs" / "sources"
LONGEST_FILE = 350
METHODS = {"sql", "table"}
HOSTILE = 'x"`; DROP TABLE people; --'


def definition_of(key: str) -> SourceDefinition:
    return source_class(key).definition


@pytest.mark.parametrize("key", SOURCES)
def test_the_definition_is_sound(key: str) -> None:
    definition = definition_of(key)
    for name in ("key", "name", "category", "summary", "docs_url"):
        assert getattr(definition, name).strip(), name
    assert re.fullmatch(r"[a-z][a-z0-9_]*", definition.key)
    assert definition.docs_url == f"docs/sources/{key}.md"
    assert definition.methods
    assert set(definition.methods) <= METHODS
    assert limit_rows(table_sql(Table("a", 'b"c'), definition.dialect), 1, definition.dialect)
    profile = definition.planner_profile or definition.dialect
    assert not definition.studio or profile in STUDIOS
    assert not definition.write_planner or profile in PROFILES
    assert definition.write_planner == issubclass(source_class(key), WarehouseSource) or definition.sample


@pytest.mark.parametrize("key", SOURCES)
def test_every_field_is_explained_and_its_default_valid_and_secrets_are_secret(key: str) -> None:
    fields = definition_of(key).fields
    assert rules.field_problems(fields) == []
    assert rules.credential_problems(fields) == []
    assert rules.picker_problems(source_class(key), fields) == []


@pytest.mark.parametrize("key", SOURCES)
def test_code_keeps_to_the_doors_and_stays_short(key: str) -> None:
    files = rules.files_of(SOURCES[key].partition(":")[0])
    assert files
    assert {str(f): found for f in files if (found := rules.source_problems(f.read_text()))} == {}
    assert {str(f): n for f in files if (n := len(f.read_text().splitlines())) > LONGEST_FILE} == {}


@pytest.mark.parametrize("key", SOURCES)
def test_setup_sql_is_sql_and_quotes_what_people_typed(key: str) -> None:
    definition = definition_of(key)
    for make in (definition.setup_sql, definition.write_setup_sql):
        if make is None:
            continue
        plain = make({})
        # Dropping is the one thing that no such statement does; behind a hostile name it must stay a name.
        assert "drop" not in plain.lower()
        hostile = make(dict.fromkeys(("user", "database", "schema", "role", "warehouse", "cluster"), HOSTILE))
        assert len(_statements(hostile, definition.dialect)) == len(_statements(plain, definition.dialect))


def _statements(sql: str, dialect: str) -> list[str]:
    """The statements, told apart by the semicolons that are no part of a name, text or comment."""
    try:
        tokens = sqlglot.tokenize(sql, read=dialect)
    except SqlglotError as error:  # an unquoted name breaks out of what can be read
        pytest.fail(f"cannot be read: {error}")
    return [token.text for token in tokens if token.text == ";"]


@pytest.mark.parametrize("key", SOURCES)
def test_its_page_holds_what_it_declares(key: str) -> None:
    text = (DOCS / f"{key}.md").read_text()
    if reference.BEGIN in text:
        assert reference.source_part(definition_of(key)) in text, "run `make docs`"
    assert all(f.label.split()[0].lower() in text.lower() for f in definition_of(key).fields)


@pytest.mark.parametrize("key", SOURCES)
def test_what_was_run_is_known_and_no_more_is_claimed(key: str) -> None:
    run_here = {stand.key for stand in STANDS} | TESTED_APART
    assert (key in run_here) + (key in SAME_CODE) + (key in NOT_RUN) == 1
    claimed = definition_of(key).verification
    if key in NOT_RUN:
        assert claimed in (Verification.DOCS, Verification.SPEC)
    if key in SAME_CODE:
        own, other = source_class(key), source_class(SAME_CODE[key])
        assert own.__mro__[1] is other.__mro__[1]
        assert {name for name in vars(own) if not name.startswith("__")} <= {"definition", "_abc_impl"}
