"""What the other side lists for a setting, while its connection is being entered."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse

from config.errors import HeadraceError, Invalid
from config.htmx import render_page
from connectors import access, catalog, discovery, services
from connectors.forms import SettingsForm, new_settings_form, settings_form
from connectors.models import Connection
from connectors.sdk.fields import Field, Text
from connectors.views.base import ConnectionView


class Offers(ConnectionView):
    """The list behind a line of text. Credentials come with the form and are not kept."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, type_key: str = "", pk: int | None = None) -> HttpResponse:
        """Options for ``field``; ``refresh`` asks the other side again. A failure is told in words."""
        row = None if pk is None else self.row(pk, access.MANAGE[self.kind])
        type_key = catalog.entry(self.kind, type_key).key if row is None else row.type
        fields = access.fields_of(self.kind, type_key)
        form = self._form(fields, row)
        declared = _text(fields, request.GET.get("field", ""))
        context: dict[str, Any] = {
            "list_id": f"{form[declared.name].auto_id}-offers",
            "again_url": f"{request.path}?{urlencode({'field': declared.name, 'refresh': 1})}",
            "waits_for": discovery.waits_for(fields, declared, form.values),
        }
        try:
            entered = services.as_entered(
                actor=self.here.actor, kind=self.kind, type_key=type_key, values=form.values, row=row
            )
            refresh = "refresh" in request.GET
            context["choices"] = discovery.choices(entered, declared, form.values, refresh=refresh)
        except Invalid as error:
            labels = {each.name: each.label for each in fields}
            wrong = [labels.get(path.partition(".")[0], path) for path in error.fields]
            context["waits_for"] = " and ".join(wrong) or context["waits_for"]
        except HeadraceError as error:
            context["problem"] = error
        return render_page(request, "connectors/parts/offers.html", context)

    def _form(self, fields: tuple[Field, ...], row: Connection | None) -> SettingsForm:
        sent = (self.request.POST, self.request.FILES)
        return new_settings_form(fields, *sent) if row is None else settings_form(row, fields, *sent)


def _text(fields: tuple[Field, ...], name: str) -> Text:
    found = next((f for f in fields if f.name == name and isinstance(f, Text) and f.discover), None)
    if found is None:
        raise Invalid.field("field", f"Nothing is listed for “{name}”.")
    return found
