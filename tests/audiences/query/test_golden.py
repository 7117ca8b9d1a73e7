"""The studio's SQL in every dialect: reviewed files that a change has to match, and that parse."""

from __future__ import annotations

import pytest
import sqlglot
from sqlglot import exp

from audiences.query.dialects import STUDIOS
from syncs.engine.warehouse.dialects import PROFILES
from tests.audiences.query.golden import FOLDER, written

ALL = pytest.mark.parametrize("name", STUDIOS)


@ALL
def test_the_statements_are_the_reviewed_ones_and_parse(name: str) -> None:
    made = written(name)
    reviewed = (FOLDER / f"{name}.sql").read_text()
    assert made == reviewed, "review the difference, then: python -m tests.audiences.query.golden"
    trees = [tree for tree in sqlglot.parse(made, read=STUDIOS[name].dialect) if tree is not None]
    assert len(trees) == made.count("\n-- ") + 1
    assert all(isinstance(tree, (exp.Select, exp.Create, exp.Delete)) for tree in trees)


def test_every_warehouse_of_the_planner_has_a_profile_here() -> None:
    assert set(STUDIOS) == set(PROFILES)
