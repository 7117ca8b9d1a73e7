"""The SQL of the planner in every dialect: reviewed files that a change has to match, and that parse."""

from __future__ import annotations

import pytest
import sqlglot

from syncs.engine.warehouse.dialects import PROFILES
from syncs.engine.warehouse.profile import Profile
from tests.syncs.engine.warehouse.golden import FOLDER, rendered

ALL = pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)


@ALL
def test_the_statements_are_the_reviewed_ones(profile: Profile) -> None:
    files = {path.name: path.read_text() for path in (FOLDER / profile.name).glob("*.sql")}
    assert rendered(profile) == files, "review the difference, then: python -m tests.syncs.engine.warehouse.golden"


@ALL
def test_each_statement_is_one_that_the_dialect_knows(profile: Profile) -> None:
    for name, text in rendered(profile).items():
        parsed = [tree for tree in sqlglot.parse(text, read=profile.dialect) if tree is not None]
        assert len(parsed) == 1, name
        assert not isinstance(parsed[0], sqlglot.exp.Command), name


@ALL
def test_names_fit(profile: Profile) -> None:
    longest = f"h123456789_s{10**9}_r{10**10}_{10**4}_moved_rejections"
    assert len(longest) <= profile.identifier
