"""Where to begin in the studio."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from audiences.selectors.starting import starting
from audiences.views.base import PageView
from config.htmx import render_page


class StartPage(PageView):
    """Goals to begin with, and what is set up and used already."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """The page, for whoever looks."""
        return render_page(request, "audiences/start.html", {"start": starting(self.actor, self.here.workspace)})
