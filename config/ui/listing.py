"""Lists: search, filters, sorting and cursor paging of a queryset, driven by the address alone.

A page declares its columns and filters, narrows its own queryset by
``listing.query`` and ``listing.chosen(...)``, and asks for a page::

    listing = Listing(
        request,
        columns=[Column("Name", sort="name"), Column("Rows", sort="row_count", numeric=True)],
        filters=[Filter.of("status", "Status", [("healthy", "Healthy"), ("failed", "Failed")])],
        order="-updated_at",
    )
    page = listing.page(queryset)

Paging is by keyset (the sort value and the primary key of the last row), so
page 1,000 costs what page 1 costs and rows that arrive meanwhile shift nothing.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from django.core.exceptions import ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import F, Model, Q, QuerySet
from django.http import HttpRequest, QueryDict

PAGE_SIZE = 50
# Counting stops here; the page then says "more than".
COUNT_LIMIT = 10_000

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True)
class Column:
    """A column heading; ``sort`` names the field it sorts by, numbers are right-aligned."""

    label: str
    sort: str = ""
    numeric: bool = False
    fit: bool = False
    hidden_label: bool = False
    order_url: str = ""
    sorted: str = ""
    type: str = ""


@dataclass(frozen=True)
class Option:
    """One choice of a filter, with how many rows it would show where that is known."""

    value: str
    label: str
    count: int | None = None


@dataclass(frozen=True)
class Filter:
    """A query parameter with a fixed set of values; ``single`` allows one at a time.

    Those with ``more`` stand together behind one button of the filter bar.
    """

    name: str
    label: str
    options: tuple[Option, ...]
    single: bool = False
    selected: tuple[str, ...] = ()
    more: bool = False

    @classmethod
    def of(
        cls, name: str, label: str, choices: Iterable[tuple[Any, str]], *, single: bool = False, more: bool = False
    ) -> Filter:
        """A filter from Django-style choices."""
        options = tuple(Option(str(value), str(words)) for value, words in choices)
        return cls(name, label, options, single, more=more)


@dataclass(frozen=True)
class Chip:
    """One filter that is set, and the address without it."""

    label: str
    value: str
    url: str


@dataclass(frozen=True)
class Page(Generic[Row]):
    """The rows of one page, the neighbours' addresses and the count of all rows the filters leave."""

    rows: Sequence[Row]
    count: int
    count_capped: bool
    previous_url: str
    next_url: str


class Listing:
    """What the address says about a list, and the addresses that change one part of it."""

    def __init__(
        self,
        request: HttpRequest,
        *,
        columns: Sequence[Column],
        filters: Sequence[Filter] = (),
        order: str = "-pk",
        page_size: int = PAGE_SIZE,
        keep: Sequence[str] = (),
    ) -> None:
        self.path = request.path
        self.clear_url = request.path
        self.params = request.GET
        self.page_size = page_size
        self.query = request.GET.get("q", "").strip()
        self.sort = self._known_sort(request.GET.get("order", ""), columns) or order
        self.order = request.GET.get("order", "") and self.sort
        self.columns = [self._with_order(column) for column in columns]
        self.filters = [self._with_selection(item) for item in filters]
        self.kept = [(name, value) for name in keep if (value := request.GET.get(name, ""))]

    def chosen(self, name: str) -> tuple[str, ...]:
        """The values of a filter that are set; values it does not offer are ignored."""
        return next((item.selected for item in self.filters if item.name == name), ())

    def chosen_one(self, name: str) -> str:
        """The value of a filter that takes one; empty where none is set."""
        return next(iter(self.chosen(name)), "")

    def chosen_ids(self, name: str) -> tuple[int, ...]:
        """The values of a filter whose values are ids."""
        return tuple(int(value) for value in self.chosen(name))

    @property
    def narrowed(self) -> bool:
        """Whether a search or filter is set: an empty list then says "nothing matches"."""
        return bool(self.query) or any(item.selected for item in self.filters)

    @property
    def buttons(self) -> list[Filter]:
        """The filters with a button of their own."""
        return [item for item in self.filters if not item.more]

    @property
    def behind(self) -> list[Filter]:
        """The filters that stand together behind one button."""
        return [item for item in self.filters if item.more and item.options]

    @property
    def behind_count(self) -> int:
        """How many values of those are set."""
        return sum(len(item.selected) for item in self.behind)

    @property
    def chips(self) -> list[Chip]:
        """What is set, the search first."""
        chips = [Chip("Search", self.query, self.url(q=None))] if self.query else []
        for item in self.filters:
            words = {option.value: option.label for option in item.options}
            for value in item.selected:
                left = [other for other in item.selected if other != value]
                chips.append(Chip(item.label, words[value], self.url(**{item.name: left})))
        return chips

    def url(self, **changes: str | list[str] | None) -> str:
        """The address with some parameters changed; the cursor is dropped unless given."""
        params: QueryDict = self.params.copy()
        for name, value in {"after": None, "before": None, **changes}.items():
            params.pop(name, None)
            if value:
                params.setlist(name, value if isinstance(value, list) else [value])
        return f"{self.path}?{params.urlencode()}" if params else self.path

    def page(self, queryset: QuerySet[Row]) -> Page[Row]:
        """One page of the queryset in the chosen order: one statement, and one for the count of what fills more."""
        before, after = self.params.get("before"), self.params.get("after")
        backwards = bool(before)
        cursor = _read_cursor(before or after)
        rows = list(self._slice(queryset, cursor, backwards=backwards))
        more = len(rows) > self.page_size
        rows = rows[: self.page_size]
        alone = cursor is None and not more
        count = len(rows) if alone else queryset.order_by()[: COUNT_LIMIT + 1].count()
        if backwards:
            rows.reverse()
        has_previous = more if backwards else cursor is not None
        has_next = cursor is not None if backwards else more
        return Page(
            rows=rows,
            count=min(count, COUNT_LIMIT),
            count_capped=count > COUNT_LIMIT,
            previous_url=self.url(before=self._cursor(rows[0])) if rows and has_previous else "",
            next_url=self.url(after=self._cursor(rows[-1])) if rows and has_next else "",
        )

    def _slice(self, queryset: QuerySet[Row], cursor: tuple[Any, int] | None, *, backwards: bool) -> QuerySet[Row]:
        field, descending = self.sort.lstrip("-"), self.sort.startswith("-")
        down = descending != backwards
        if cursor is not None:
            try:
                queryset = queryset.filter(_beyond(field, cursor, down=down, nulls_follow=not backwards))
            except (ValidationError, ValueError, TypeError):
                return queryset.none()
        if field == "pk":
            return queryset.order_by("-pk" if down else "pk")[: self.page_size + 1]
        nulls: dict[str, Any] = {"nulls_first": True} if backwards else {"nulls_last": True}
        key = F(field).desc(**nulls) if down else F(field).asc(**nulls)
        return queryset.order_by(key, "-pk" if down else "pk")[: self.page_size + 1]

    def _cursor(self, row: Model) -> str:
        value: Any = row
        for part in self.sort.lstrip("-").split("__"):
            value = getattr(value, part, None)
        text = json.dumps([value, row.pk], cls=DjangoJSONEncoder)
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    def _with_order(self, column: Column) -> Column:
        if not column.sort:
            return column
        current = self.sort == column.sort, self.sort == f"-{column.sort}"
        following = f"-{column.sort}" if current[0] else column.sort
        direction = "ascending" if current[0] else "descending" if current[1] else ""
        return replace(column, order_url=self.url(order=following), sorted=direction)

    def _with_selection(self, item: Filter) -> Filter:
        offered = {option.value for option in item.options}
        wanted = [value for value in self.params.getlist(item.name) if value in offered]
        return replace(item, selected=tuple(dict.fromkeys(wanted[:1] if item.single else wanted)))

    @staticmethod
    def _known_sort(wanted: str, columns: Sequence[Column]) -> str:
        return wanted if wanted.lstrip("-") in {column.sort for column in columns if column.sort} else ""


def _read_cursor(text: str | None) -> tuple[Any, int] | None:
    """The cursor of the address; a broken one is the first page, since people share and edit addresses."""
    if not text:
        return None
    try:
        value, pk = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        return value, int(pk)
    except (ValueError, TypeError):
        return None


def _beyond(field: str, cursor: tuple[Any, int], *, down: bool, nulls_follow: bool) -> Q:
    """Rows past the cursor in the direction of reading, empty values last in the list's own order."""
    value, pk = cursor
    past = "lt" if down else "gt"
    if field == "pk":
        return Q(**{f"pk__{past}": pk})
    same_key = Q(**{f"pk__{past}": pk})
    if value is None:
        tied = Q(**{f"{field}__isnull": True}) & same_key
        return tied if nulls_follow else tied | Q(**{f"{field}__isnull": False})
    further = Q(**{f"{field}__{past}": value}) | (Q(**{field: value}) & same_key)
    return further | Q(**{f"{field}__isnull": True}) if nulls_follow else further
