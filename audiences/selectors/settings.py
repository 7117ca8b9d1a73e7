"""The workspace's rules for the studio."""

from __future__ import annotations

from audiences.models import StudioSettings
from workspaces.scoping import current_workspace_id


def settings_here() -> StudioSettings:
    """What the workspace decided, or the defaults, not stored."""
    return StudioSettings.objects.first() or StudioSettings(workspace_id=current_workspace_id())
