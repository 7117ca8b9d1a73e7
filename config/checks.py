"""System checks of the installation; ``manage.py migrate`` and the supervisor run them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections

ROLE_RIGHTS = "SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user"


@register(Tags.database)
def database_role_is_ordinary(
    app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Row-level security, which keeps workspaces apart, does not hold superusers."""
    problems: list[CheckMessage] = []
    for alias in databases or []:
        with connections[alias].cursor() as cursor:
            cursor.execute(ROLE_RIGHTS)
            rights = cursor.fetchone()
        if rights and any(rights):
            problems.append(
                Error(
                    "DATABASE_URL names a role that is a superuser or bypasses row-level security.",
                    hint="Connect as an ordinary role that owns its database; see docs/running.md.",
                    id="config.E001",
                )
            )
    return problems


@register()
def check_egress(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """People copy these addresses into firewalls, where a wrong one shows late."""
    from workspaces.egress import unsound

    return [
        Error(
            f"HEADRACE_EGRESS_ADDRESSES: “{entry}” is no address or network.",
            hint="203.0.113.7 or 198.51.100.0/30, with eu= in front for the workspaces of one region.",
            id="config.E002",
        )
        for entry in unsound()
    ]
