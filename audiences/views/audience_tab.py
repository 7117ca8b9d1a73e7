"""What the tabs of an audience's page share."""

from __future__ import annotations

from typing import Any

from audiences import access
from audiences.definitions import subsets_of
from audiences.models import Audience
from audiences.selectors.uses import users_of
from audiences.tabs import TABS
from audiences.views.base import PageView
from config.errors import Denied
from workspaces.access import why_not
from workspaces.permissions import Permission


class AudienceTab(PageView):
    """One tab of an audience; ``route`` is its own."""

    route = "audience"

    def around(self, audience: Audience) -> dict[str, Any]:
        """The head of the page."""
        barrier = self._barrier(audience)
        may_change = not barrier
        return {
            "audience": audience,
            "tabs": [
                {
                    "label": tab.label,
                    "url": self.url(tab.route, audience.pk),
                    "active": tab.route == self.route,
                    "count": tab.counter(self.actor, audience) if tab.counter else None,
                }
                for tab in TABS
            ],
            "breadcrumb": [{"label": "Audiences", "url": self.url("audiences")}],
            "may_change": may_change,
            "barrier": barrier,
            "subsets": subsets_of(audience),
            "rename_url": self.url("audience_rename", audience.pk) if may_change else "",
            "users": users_of(self.actor, "audience", audience.pk),
        }

    def _barrier(self, audience: Audience) -> str:
        """Why somebody may not change this audience."""
        lacking = why_not(self.actor, Permission.CONFIGURE_AUDIENCES, parent_model_id=audience.parent_model_id)
        if lacking:
            return lacking
        try:
            access.require_subsets(self.actor, audience)
        except Denied as error:
            return f"{error.message} {error.hint}"
        return ""
