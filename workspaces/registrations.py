"""What this app tells its own registries."""

from __future__ import annotations

from django.db.models import QuerySet

from workspaces import belongings
from workspaces.models import ApiKey


def register_all() -> None:
    """Called once at start-up."""
    belongings.register("API keys", _keys_of, stops=True)


def _keys_of(organization_id: int, user_id: int) -> QuerySet[ApiKey]:
    keys = ApiKey.objects.filter(workspace__organization_id=organization_id, owner_id=user_id, revoked_at=None)
    return keys.order_by("name")
