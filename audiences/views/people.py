"""Single rows of a parent model: why somebody is in an audience or not, the search for somebody, and profiles."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import orjson
from django.http import HttpRequest, HttpResponse

from audiences import access
from audiences.choices import ModelKind
from audiences.models import SchemaModel
from audiences.selectors.settings import settings_here
from audiences.services import explaining, profiles
from audiences.views.base import PageView
from audiences.views.building import Building
from audiences.views.calculations import meant
from config.errors import HeadraceError, NotFound
from config.htmx import go_to, render_page
from config.ui.listing import Column
from connectors.sdk.types import ColumnType
from syncs.definitions import Preview

LONGEST_SEARCH = 200


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a preview with its key, as far as previews show that."""

    key: str
    values: tuple[Any, ...]


class Explain(PageView):
    """Why somebody is in a definition or a saved audience, or not."""

    template = "audiences/people/explanation.html"

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The conditions as a tree."""
        parent = access.parent_model_for(self.actor, pk)
        building = meant(self, parent)
        key = request.POST.get("key", "")
        context = {
            "parent": parent,
            "audience": building.audience,
            "chosen": building.wanted,
            "key": key,
            "tree": orjson.dumps(building.fitted).decode() if "tree" in request.POST else "",
        }
        try:
            answer = self.ask(parent, building, key)
        except HeadraceError as error:
            return render_page(request, self.template, {**context, "problem": error})
        return render_page(request, self.template, {**context, "explained": answer})

    def ask(self, parent: SchemaModel, building: Building, key: str) -> Any:
        """The explanation."""
        return explaining.explain_member(
            actor=self.actor,
            parent=parent,
            definition=building.fitted,
            key=key,
            audience=building.audience,
            subset_ids=building.wanted,
        )


class Evidence(Explain):
    """The rows that decide one condition."""

    template = "audiences/people/rows.html"

    def ask(self, parent: SchemaModel, building: Building, key: str) -> Any:
        """The rows."""
        return explaining.view_evidence(
            actor=self.actor,
            parent=parent,
            definition=building.fitted,
            key=key,
            pointer=self.request.POST.get("pointer", ""),
            audience=building.audience,
            subset_ids=building.wanted,
        )


class ProfilesPage(PageView):
    """The first step: whose profiles."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """The parent models; a single one is chosen at once."""
        rows = SchemaModel.objects.select_related("source").filter(kind=ModelKind.PARENT, archived_at=None)
        parents = list(rows.order_by("name"))
        if len(parents) == 1:
            return go_to(request, self.url("profiles_of", parents[0].pk))
        context = {"parents": parents, "may_configure": access.may_configure(self.actor)}
        return render_page(request, "audiences/people/choose.html", context)


class SearchPage(PageView):
    """The search among the rows of a parent model."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The page; rows are asked for once it is there."""
        parent = access.parent_model_for(self.actor, pk)
        words = request.GET.get("q", "")[:LONGEST_SEARCH]
        context = {
            "parent": parent,
            "words": words,
            "rows_url": f"{self.url('profile_rows', pk)}?{urlencode({'q': words})}",
            "may_see": access.may_view_rows(self.actor, parent),
            "may_build": access.may_build(self.actor, parent.pk),
            "breadcrumb": [{"label": "Profiles", "url": self.url("profiles")}],
        }
        return render_page(request, "audiences/people/search.html", context)


class FoundRows(PageView):
    """What a search found."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The table."""
        parent = access.parent_model_for(self.actor, pk)
        words = request.GET.get("q", "")[:LONGEST_SEARCH]
        try:
            found = profiles.search_profiles(actor=self.actor, parent=parent, words=words)
        except HeadraceError as error:
            return render_page(request, "audiences/people/found.html", {"problem": error})
        context = {"parent": parent, "words": words, "lines": lines_of(parent, found), "found": found}
        return render_page(request, "audiences/people/found.html", {**context, "columns": titled(parent, found)})


class ProfilePage(PageView):
    """The profile of one row, by ``?key=``."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The page; its parts are asked for once it is there, as each is a question to the source."""
        parent = access.parent_model_for(self.actor, pk)
        key = request.GET.get("key", "")
        if not key.strip():
            return go_to(request, self.url("profiles_of", pk))
        query = urlencode({"key": key})
        context = {
            "parent": parent,
            "key": key,
            "may_see": access.may_view_rows(self.actor, parent),
            "parts": [
                {"name": name, "label": label, "url": f"{self.url('profile_part', pk, name)}?{query}"}
                for name, (label, _) in PARTS.items()
            ],
            "breadcrumb": [
                {"label": "Profiles", "url": self.url("profiles")},
                {"label": parent.name, "url": self.url("profiles_of", pk)},
            ],
        }
        return render_page(request, "audiences/people/profile.html", context)


class ProfilePart(PageView):
    """One part of a profile."""

    def get(self, request: HttpRequest, pk: int, part: str) -> HttpResponse:
        """The part."""
        parent = access.parent_model_for(self.actor, pk)
        if part not in PARTS:
            raise NotFound("A profile has no such part.")
        label, look = PARTS[part]
        context = {"parent": parent, "label": label, "part": part}
        try:
            answer = look(actor=self.actor, parent=parent, key=request.GET.get("key", ""))
        except HeadraceError as error:
            return render_page(request, "audiences/people/part.html", {**context, "problem": error})
        if getattr(answer, "hidden", ()):
            context["redacted_words"] = settings_here().redacted_words
        return render_page(request, "audiences/people/part.html", {**context, "found": answer})


PARTS: Mapping[str, tuple[str, Callable[..., Any]]] = {
    "columns": ("What is known", profiles.view_profile),
    "events": ("What happened", profiles.view_timeline),
    "related": ("Related rows", profiles.view_related),
    "audiences": ("Audiences", profiles.view_memberships),
}


def titled(parent: SchemaModel, found: Preview) -> list[Column]:
    """The headings of a preview's columns as people know them."""
    titles = dict(parent.columns.exclude(alias="").values_list("name", "alias"))
    return [Column(titles.get(c.name, c.name), numeric=c.type is ColumnType.NUMBER) for c in found.columns]


def lines_of(parent: SchemaModel, found: Preview) -> list[Line]:
    """The rows of a preview with their keys."""
    names = [column.name for column in found.columns]
    place = names.index(parent.primary_key[0]) if parent.primary_key[0] in names else None
    return [Line("" if place is None else str(row[place]), row) for row in found.rows or ()]
