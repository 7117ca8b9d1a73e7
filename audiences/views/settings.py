"""The workspace's rules for the studio."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from audiences.forms.settings import StudioSettingsForm
from audiences.selectors.settings import settings_here
from audiences.services.settings import change_studio_settings
from audiences.views.base import PageView
from config.htmx import go_to, render_page


class StudioSettingsPage(PageView):
    """What admins decide for all audiences."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """The form."""
        nulls = "value" if settings_here().null_is_a_value else "special"
        return self._page(StudioSettingsForm(initial={"nulls": nulls}))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Save it."""
        form = StudioSettingsForm(request.POST)
        if not form.is_valid():
            return self._page(form, 422)
        change_studio_settings(actor=self.actor, null_is_a_value=form.cleaned_data["nulls"] == "value")
        return go_to(request, request.path, "Saved. Sizes that were counted before may differ.")

    def _page(self, form: StudioSettingsForm, status: int = 200) -> HttpResponse:
        return render_page(self.request, "audiences/settings.html", {"form": form}, status=status)
