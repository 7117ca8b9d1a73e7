"""The workspace's rules for the studio."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from audiences.forms.settings import StudioSettingsForm
from audiences.selectors.settings import settings_here
from audiences.services.settings import change_studio_settings
from audiences.views.base import PageView
from config.htmx import go_to, render_page

SWITCHES = ("audience_templates_required", "templates_required")


class StudioSettingsPage(PageView):
    """What admins decide for all audiences."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """The form."""
        stored = settings_here()
        nulls = "value" if stored.null_is_a_value else "special"
        kept = {name: getattr(stored, name) for name in (*SWITCHES, "redacted_words")}
        initial = {"nulls": nulls, **kept}
        return self._page(StudioSettingsForm(initial=initial))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Save it."""
        form = StudioSettingsForm(request.POST)
        if not form.is_valid():
            return self._page(form, 422)
        was = settings_here().null_is_a_value
        now = change_studio_settings(
            actor=self.actor,
            null_is_a_value=form.cleaned_data["nulls"] == "value",
            **{name: form.cleaned_data[name] for name in SWITCHES},
            redacted_words=form.cleaned_data["redacted_words"],
        )
        changed = now.null_is_a_value != was
        return go_to(request, request.path, f"Saved.{' Sizes that were counted before may differ.' if changed else ''}")

    def _page(self, form: StudioSettingsForm, status: int = 200) -> HttpResponse:
        return render_page(self.request, "audiences/settings.html", {"form": form}, status=status)
