"""What list pages share to keep many things in order: the folder sidebar, saved views, and acting on ticked rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar, cast

from django.db.models import Exists, Model, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views import View

from config.errors import Invalid
from config.htmx import go_to, render_page
from config.ui.listing import Filter, Listing
from workspaces import bulk, services
from workspaces.access import folder_for, may, space_for, spaces_in_view
from workspaces.folders import UNFILED, Tree, folder_choices
from workspaces.labels import parse_label
from workspaces.models import DefaultView, Folder, SavedFilter, Space
from workspaces.permissions import Permission
from workspaces.requests import WorkspaceRequest

R = TypeVar("R", bound=Model)
ALL_VIEWS = "all"
DEEPEST_INDENT = 8
# The lists that show what is in folders, by route.
LISTS = (("syncs:models", "Models"), ("audiences:audiences", "Audiences"), ("syncs:syncs", "Syncs"))


def label_filters(labels: Sequence[str]) -> list[Filter]:
    """The two filters by label; none where nothing carries any."""
    if not labels:
        return []
    options = [(label, label.replace("=", ": ", 1)) for label in labels]
    return [Filter.of("label", "Label", options), Filter.of("without", "Without label", options, more=True)]


@dataclass(frozen=True, slots=True)
class FolderLine:
    """One folder as the sidebar shows it."""

    pk: int
    name: str
    url: str
    count: int
    indent: int
    current: bool
    opened: bool
    has_more: bool


@dataclass(frozen=True, slots=True)
class Pane:
    """The folder sidebar of a list, and which folder the list is in: ``within`` are its ids, ``None`` all folders.

    ``elsewhere`` is the same folder in the other lists.
    """

    lines: list[FolderLine]
    all_url: str
    all_count: int
    unfiled_url: str
    unfiled_count: int
    current: Folder | None
    unfiled: bool
    crumbs: list[dict[str, str]]
    within: list[int] | None
    manages: bool
    choices: list[tuple[int, str]]
    movable: list[tuple[int, str]]
    held: int
    elsewhere: list[dict[str, str]]


def folder_pane(request: WorkspaceRequest, listing: Listing, rows: QuerySet[Any], path: str) -> Pane:
    """The sidebar for the folder that the address names, with how many of the rows each holds: one statement."""
    wanted = request.GET.get("folder", "")
    tree = Tree(rows=rows, path=path)
    current_id = int(wanted) if wanted.isdecimal() and len(wanted) < 19 and int(wanted) in tree.nodes else None
    way = tree.path(current_id)
    opened = {folder.pk for folder in way}
    lines = [
        FolderLine(
            node.folder.pk,
            node.folder.name,
            listing.url(folder=str(node.folder.pk)),
            node.count,
            min(node.depth, DEEPEST_INDENT),
            node.folder.pk == current_id,
            node.folder.pk in opened,
            bool(node.children),
        )
        for node in tree.shown(current_id)
    ]
    within = tree.within(current_id) if current_id is not None else None
    choices = folder_choices(tree)
    inside = set(within or ())
    return Pane(
        lines=lines,
        all_url=listing.url(folder=None),
        all_count=tree.unfiled + sum(root.count for root in tree.roots),
        unfiled_url=listing.url(folder=UNFILED),
        unfiled_count=tree.unfiled,
        current=way[-1] if way else None,
        unfiled=wanted == UNFILED,
        crumbs=[{"label": folder.name, "url": listing.url(folder=str(folder.pk))} for folder in way[:-1]],
        within=within,
        manages=may(request.actor, Permission.MANAGE_WORKSPACE),
        choices=choices,
        movable=[pair for pair in choices if pair[0] not in inside],
        held=tree.nodes[current_id].count if current_id is not None else 0,
        elsewhere=_elsewhere(request, wanted) if way or wanted == UNFILED else [],
    )


def _elsewhere(request: WorkspaceRequest, folder: str) -> list[dict[str, str]]:
    """The other lists, narrowed to the same folder."""
    lists = [(label, reverse(route, args=[request.workspace.slug])) for route, label in LISTS]
    return [{"label": label, "url": f"{url}?folder={folder}"} for label, url in lists if url != request.path]


def in_folder(rows: QuerySet[R], path: str, wanted: str, within: Iterable[int] | None) -> QuerySet[R]:
    """Rows in a folder and those below it, or in none; all of them where no folder is named."""
    if wanted == UNFILED:
        return rows.filter(**{f"{path}__isnull": True})
    return rows if within is None else rows.filter(**{f"{path}__in": list(within)})


@dataclass(frozen=True, slots=True)
class SavedView:
    """A saved filter as the menu of a list shows it."""

    saved: SavedFilter
    url: str
    current: bool
    opens_first: bool


@dataclass(frozen=True, slots=True)
class Views:
    """The saved filters of a list; ``first_url`` is where a bare address leads."""

    page: str
    views: list[SavedView]
    all_url: str
    query: str
    first_url: str
    may_share: bool

    @property
    def current(self) -> SavedView | None:
        """The one that is shown."""
        return next((view for view in self.views if view.current), None)


def saved_views(request: WorkspaceRequest, page: str) -> Views:
    """A person's own filters of a list and those shared with the workspace: one statement."""
    opens = DefaultView.objects.filter(user=request.user, page=page, saved_filter=OuterRef("pk"))
    rows = SavedFilter.objects.filter(Q(owner=request.user) | Q(shared=True), page=page).annotate(first=Exists(opens))
    shown = request.GET.get("view", "")
    views = [
        SavedView(row, f"{request.path}?{row.query}&view={row.pk}", shown == str(row.pk), bool(row.first))
        for row in rows
    ]
    first = next((view for view in views if view.opens_first), None)
    return Views(
        page=page,
        views=views,
        all_url=f"{request.path}?view={ALL_VIEWS}" if first else request.path,
        query=request.GET.urlencode(),
        first_url=first.url if first and not request.GET else "",
        may_share=may(request.actor, Permission.MANAGE_WORKSPACE),
    )


class Organize(View):
    """Moves, labels or places ticked rows. Without ``confirm`` it asks where to; each row is moved by its service."""

    noun: ClassVar[str] = ""
    dos: ClassVar[Mapping[str, str]] = {"label": "Labels of"}

    @property
    def here(self) -> WorkspaceRequest:
        """The request with its workspace and actor."""
        return cast(WorkspaceRequest, self.request)

    def rows(self, pks: list[int]) -> Iterable[Model]:
        """The rows of these ids that the actor sees."""
        raise NotImplementedError

    def list_url(self) -> str:
        """The list they are in."""
        raise NotImplementedError

    def label(self, row: Any, add: Mapping[str, str], remove: Iterable[str]) -> object:
        """Change a row's labels."""
        raise NotImplementedError

    def move(self, row: Any, folder: Folder | None) -> object:
        """Move a row to a folder."""
        raise NotImplementedError

    def place(self, row: Any, space: Space | None) -> object:
        """Move a row to a space."""
        raise NotImplementedError

    def depends(self, rows: Sequence[Any]) -> list[str]:
        """What else moving these rows to a space changes, in sentences."""
        return []

    def known_labels(self) -> list[str]:
        """The labels to suggest, as ``key=value``."""
        raise NotImplementedError

    def get(self, request: HttpRequest) -> HttpResponse:
        """The page that asks, for the rows that the address names."""
        return self._ask(request.GET.get("do", ""), bulk.ids(request.GET.getlist("selected")))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Do it, or ask where to first."""
        do, pks = request.POST.get("do", ""), bulk.ticked(request)
        if "confirm" not in request.POST or do not in self.dos:
            return self._ask(do, pks)
        rows = list(self.rows(pks))
        try:
            outcomes, words = getattr(self, f"_{do}")(rows)
        except Invalid as error:
            return self._ask(do, pks, problem=next(iter(error.fields.values()), error.message), status=422)
        return bulk.answer(request, outcomes, words, bulk.back_to(request, self.list_url()))

    def _move(self, rows: Sequence[Any]) -> tuple[list[bulk.Outcome], str]:
        folder = self._folder()
        words = f"moved to {folder}" if folder else "moved out of their folders"
        return bulk.each(rows, lambda row: self.move(row, folder)), words

    def _label(self, rows: Sequence[Any]) -> tuple[list[bulk.Outcome], str]:
        keys, values = self.request.POST.getlist("label_key"), self.request.POST.getlist("label_value")
        pairs = [
            (key.strip(), value.strip()) for key, value in zip(keys, values, strict=False) if (key + value).strip()
        ]
        add = dict(parse_label(f"{key}={value}") for key, value in pairs)
        remove = self.request.POST.getlist("remove")
        return bulk.each(rows, lambda row: self.label(row, add, remove)), "labelled"

    def _space(self, rows: Sequence[Any]) -> tuple[list[bulk.Outcome], str]:
        chosen = self.request.POST.get("space", "")
        space = space_for(self.here.actor, int(chosen)) if chosen.isdecimal() else None
        return bulk.each(rows, lambda row: self.place(row, space)), f"moved to {space or 'everyone'}"

    def _folder(self) -> Folder | None:
        """The folder that was chosen, or made for this."""
        name, chosen = self.request.POST.get("new_folder", "").strip(), self.request.POST.get("folder", "")
        folder = folder_for(int(chosen)) if chosen.isdecimal() else None
        if not name:
            return folder
        here = self.here
        return services.create_folder(actor=here.actor, workspace=here.workspace, name=name, parent=folder)

    def _ask(self, do: str, pks: list[int], problem: str = "", status: int = 200) -> HttpResponse:
        rows = list(self.rows(pks))
        if not rows or do not in self.dos:
            return go_to(self.request, self.list_url(), f"Tick {self.noun}s first.", tone="warn")
        sent = self.request.POST.get("back", "") or self.request.GET.get("back", "")
        context: dict[str, Any] = {
            "do": do,
            "title": f"{self.dos[do]} {rows[0] if len(rows) == 1 else f'{len(rows)} {self.noun}s'}",
            "rows": rows,
            "noun": self.noun,
            "back": sent,
            "list_url": self.list_url(),
            "problem": problem,
            "breadcrumb": [{"label": f"{self.noun.capitalize()}s", "url": self.list_url()}],
            "manages": may(self.here.actor, Permission.MANAGE_WORKSPACE),
        }
        if do == "move":
            context["folders"] = folder_choices()
        elif do == "space":
            context |= {"spaces": spaces_in_view(self.here.actor), "depends": self.depends(rows)}
        else:
            known = self.known_labels()
            context |= {
                "carried": sorted({(key, value) for row in rows for key, value in cast(Any, row).labels.items()}),
                "keys": sorted({label.partition("=")[0] for label in known}),
                "values": sorted({label.partition("=")[2] for label in known}),
            }
        return render_page(self.request, "workspaces/organize.html", context, status=status)
