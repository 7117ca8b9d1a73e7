"""The Linking tab: what stands for a source or destination in the other workspaces."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from config.ui.listing import Column
from connectors.views.detail import DetailView
from governance.environments.linking import linkable_kind
from governance.environments.selectors import link_lines
from governance.environments.sides import Side
from workspaces.access import may
from workspaces.permissions import Permission

COLUMNS = [Column("Workspace"), Column("Stands for it there"), Column("Change", fit=True, hidden_label=True)]


class Linking(DetailView):
    """One line for each other workspace of the organization that the person may open."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What is linked, and what could be."""
        row = self.row(pk)
        owner = linkable_kind(self.kind.value)
        thing = owner.thing(self.here.actor, row.pk)
        lines = link_lines(Side(self.here.workspace, self.here.actor), owner, thing) if thing else []
        context: dict[str, Any] = {
            "lines": lines,
            "columns": COLUMNS,
            "may_link": may(self.here.actor, owner.permission),
            "may_add": may(self.here.actor, Permission.MANAGE_ORGANIZATION),
            "linked": any(line.linked for line in lines),
        }
        return self.page(row, "linking", "connectors/linking.html", context)
