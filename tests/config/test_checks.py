"""System checks stop an installation that would not hold its promises."""

from __future__ import annotations

import pytest
from django.core.checks import Tags, run_checks
from django.db import connections


def found() -> list[str]:
    """Ids of what the database checks complain of."""
    return [str(problem.id) for problem in run_checks(tags=[Tags.database], databases=["default"])]


@pytest.mark.django_db
def test_an_ordinary_role_is_fine() -> None:
    assert found() == []


@pytest.mark.django_db
def test_a_role_above_row_level_security_is_refused() -> None:
    # Only a superuser could make such a role; a view before the catalogue says what it would say.
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "CREATE TEMP VIEW pg_roles AS SELECT current_user AS rolname, true AS rolsuper, false AS rolbypassrls"
        )
        cursor.execute("SET LOCAL search_path TO pg_temp, pg_catalog, public")
    assert found() == ["config.E001"]
