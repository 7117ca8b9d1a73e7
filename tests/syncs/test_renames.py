"""When a changed mapping only follows a column's new name."""

from __future__ import annotations

from typing import Any

import pytest

from syncs.engine.spec import FieldMapping, MappingKind
from syncs.renames import followed_renames


def column(to: str, value: str, **more: Any) -> FieldMapping:
    return FieldMapping(to=to, kind=MappingKind.COLUMN, value=value, **more)


def template(to: str, text: str) -> FieldMapping:
    return FieldMapping(to=to, kind=MappingKind.TEMPLATE, value=text)


ID, EMAIL, MAIL = column("id", "id", identifier=True), column("email", "email"), column("email", "mail")


@pytest.mark.parametrize(
    ("before", "after", "lost", "renames"),
    [
        ([ID, EMAIL], [ID, MAIL], {"email"}, {"email": "mail"}),
        ([ID, EMAIL], [MAIL, ID], {"email"}, {"email": "mail"}),
        ([ID, EMAIL, column("backup", "email")], [ID, MAIL, column("backup", "mail")], {"email"}, {"email": "mail"}),
        ([ID, EMAIL], [ID, MAIL], set(), {}),
        ([ID, EMAIL], [ID, EMAIL], {"email"}, {}),
        ([ID, EMAIL], [ID, template("email", "{{ row.mail }}")], {"email"}, {}),
        ([ID, EMAIL], [ID, MAIL, column("plan", "plan")], {"email"}, {}),
        ([ID, EMAIL], [ID, column("email", "mail", ignore_null=True)], {"email"}, {}),
        ([ID, EMAIL, column("other", "mail")], [ID, MAIL, column("other", "mail")], {"email"}, {}),
        ([ID, EMAIL, template("x", "{{ row.email }}")], [ID, MAIL, template("x", "{{ row.email }}")], {"email"}, {}),
        ([ID, EMAIL, column("plan", "tier")], [ID, MAIL, column("plan", "mail")], {"email", "tier"}, {}),
        ([ID, EMAIL, column("b", "email")], [ID, MAIL, column("b", "other")], {"email"}, {}),
    ],
    ids=[
        "a new name",
        "in another order",
        "for two fields",
        "the old column is still there",
        "nothing changed",
        "a template instead",
        "another field too",
        "nulls are treated otherwise",
        "the new column was sent already",
        "a template still names the old one",
        "two columns become one",
        "one column becomes two",
    ],
)
def test_only_new_names_for_lost_columns_are_renames(
    before: list[FieldMapping], after: list[FieldMapping], lost: set[str], renames: dict[str, str]
) -> None:
    assert followed_renames(before, after, lost) == renames
