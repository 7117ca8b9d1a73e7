"""Trying a sync out with one row: choose it, change it, send it, read what was said."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from config.errors import HeadraceError, Invalid
from config.ui.tags import is_number
from connectors.sdk.types import Operation
from syncs import access, services
from syncs.engine.onerow import SentRow
from syncs.forms.trying import TYPES, edits_in, kind_of, text_of
from syncs.models import Sync
from syncs.services.trying import Choices, FoundRow, cannot_try
from syncs.views.sync_detail import SyncPage

CELLS = 5
UNSEEN = object()  # like nothing that anybody types


class TryRow(SyncPage):
    """The page, under the configuration tab."""

    route = "sync_configuration"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Rows to choose from, or the chosen one."""
        sync = access.sync_for(self.actor, pk)
        access.require_try(self.actor, sync)
        if words := cannot_try(sync):
            return self._page(sync, {"cannot": words})
        key = request.GET.get("row", "")
        search = key or request.GET.get("q", "").strip()
        try:
            choices = services.rows_to_try(actor=self.actor, sync=sync, key=search)
        except HeadraceError as error:
            return self._page(sync, {"problem": error, "search": search}, 422)
        if key and choices.rows:
            return self._page(sync, self._row(choices, choices.rows[0]))
        return self._page(sync, self._list(choices, search))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Send the row; what was typed stays in the form."""
        sync = access.sync_for(self.actor, pk)
        key, asked = request.POST.get("row", ""), request.POST.get("operation", "")
        choices: Choices | None = None
        try:
            choices = services.rows_to_try(actor=self.actor, sync=sync, key=key)
            row = next((row for row in choices.rows if row.key == key), None)
            if row is None or asked not in set(Operation):
                raise Invalid("This row is no longer in the model." if row is None else "Choose how to send the row.")
            edits = edits_in(request.POST, {**row.values, **dict.fromkeys(choices.hidden, UNSEEN)})
            sent = services.send_test_row(actor=self.actor, sync=sync, key=key, operation=Operation(asked), edits=edits)
        except HeadraceError as error:
            row = choices.rows[0] if choices and choices.rows else None
            shown = self._row(choices, row) if choices and row else {"search": key}
            return self._page(sync, {**shown, "problem": error}, 422)
        return self._page(sync, {**self._row(choices, row), **_result(sent)})

    def _list(self, choices: Choices, search: str) -> dict[str, Any]:
        names = list(choices.rows[0].values)[:CELLS] if choices.rows else []
        base = f"{self.request.path}?row="
        lines = [{"key": row.key, "cells": [row.values[name] for name in names]} for row in choices.rows]
        headings = [{"label": "Key"}, *({"label": name, "numeric": _numeric(choices, name)} for name in names)]
        return {"rows": lines, "headings": headings, "search": search, "base": base, "listing_rows": True}

    def _row(self, choices: Choices, row: FoundRow) -> dict[str, Any]:
        sent = self.request.POST
        lines = [
            {
                "name": name,
                "fixed": name in choices.fixed,
                "kind": sent.get(f"type-{name}", kind_of(value)),
                "text": sent.get(f"value-{name}", text_of(value)),
            }
            for name, value in row.values.items()
        ]
        lines += [
            {
                "name": name,
                "hidden": True,
                "fixed": name in choices.fixed,
                "kind": sent.get(f"type-{name}", ""),
                "text": sent.get(f"value-{name}", ""),
            }
            for name in choices.hidden
            if name not in row.values
        ]
        operation = sent.get("operation", choices.operations[0].value if choices.operations else "")
        return {
            "row": row,
            "lines": lines,
            "types": TYPES,
            "operations": [(o.value, o.value.capitalize()) for o in choices.operations],
            "operation": operation,
        }

    def _page(self, sync: Sync, context: dict[str, Any], status: int = 200) -> HttpResponse:
        back = self.url("sync_configuration", sync.pk)
        return self.page(sync, "syncs/syncs/try.html", {"back": back, **context}, status)


def _numeric(choices: Choices, name: str) -> bool:
    values = [row.values[name] for row in choices.rows if row.values[name] is not None]
    return bool(values) and all(is_number(value) for value in values)


def _result(sent: SentRow) -> dict[str, Any]:
    return {"sent": sent.row, "exchanges": sent.exchanges, "failure": sent.failure}
