"""Lists by address: search, filters, order and paging."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.contenttypes.models import ContentType
from django.db.models import CharField, F, QuerySet, Value
from django.db.models.functions import NullIf
from django.test import RequestFactory

from config.ui.listing import Column, Filter, Listing, Page

COLUMNS = [Column("Label", sort="label"), Column("Model", sort="model"), Column("Kind")]
STATUS = Filter.of("status", "Status", [("healthy", "Healthy"), ("failed", "Failed")])


def _listing(query: str = "", **options: Any) -> Listing:
    settings = {"columns": COLUMNS, "filters": [STATUS], "order": "model", "page_size": 3, **options}
    return Listing(RequestFactory().get(f"/acme/things?{query}"), **settings)


def test_a_heading_offers_the_other_direction_of_its_own_order() -> None:
    label, model, kind = _listing("order=label&q=x").columns
    assert (label.sorted, label.order_url) == ("ascending", "/acme/things?q=x&order=-label")
    assert (model.sorted, model.order_url) == ("", "/acme/things?q=x&order=model")
    assert kind.order_url == ""


def test_an_order_that_no_column_offers_is_ignored() -> None:
    assert _listing("order=password").sort == "model"


def test_filters_take_only_what_they_offer() -> None:
    listing = _listing("status=failed&status=nonsense&status=failed")
    assert listing.chosen("status") == ("failed",)
    assert listing.narrowed


def test_chips_undo_one_thing_each_and_go_to_the_first_page() -> None:
    chips = _listing("q=cust&status=failed&status=healthy&after=abc").chips
    assert [(chip.label, chip.value, chip.url) for chip in chips] == [
        ("Search", "cust", "/acme/things?status=failed&status=healthy"),
        ("Status", "Failed", "/acme/things?q=cust&status=healthy"),
        ("Status", "Healthy", "/acme/things?q=cust&status=failed"),
    ]


@pytest.fixture
def things(db: None) -> QuerySet[ContentType]:
    """Ten rows; every third has no kind."""
    ContentType.objects.bulk_create(
        ContentType(app_label="things", model=f"m{at:02}" if at % 3 else f"none{at:02}") for at in range(10)
    )
    rows = ContentType.objects.filter(app_label="things")
    return rows.annotate(label=NullIf(F("model"), Value("none00"), output_field=CharField()))


def _walk(rows: QuerySet[ContentType], url: str, step: str, **options: Any) -> list[list[str]]:
    """All pages from an address on, following ``next_url`` or ``previous_url``."""
    pages = []
    while url:
        page: Page[ContentType] = _listing(url.partition("?")[2], **options).page(rows)
        pages.append([row.model for row in page.rows])
        url = getattr(page, step)
    return pages


@pytest.mark.parametrize("order", ["model", "-model", "label", "-label", "pk", "-pk"])
def test_pages_forward_hold_every_row_once_and_backward_the_same(things: QuerySet[ContentType], order: str) -> None:
    columns = [*COLUMNS, Column("Id", sort="pk")]
    forward = _walk(things, f"/acme/things?order={order}", "next_url", columns=columns)
    assert [len(page) for page in forward] == [3, 3, 3, 1]
    assert len({name for page in forward for name in page}) == 10
    last = _walk(things, f"/acme/things?order={order}", "next_url", columns=columns, page_size=9)
    assert [name for page in last for name in page] == [name for page in forward for name in page]
    end = _end_url(things, order, columns)
    assert list(reversed(_walk(things, end, "previous_url", columns=columns))) == forward


def _end_url(rows: QuerySet[ContentType], order: str, columns: list[Column]) -> str:
    url = f"/acme/things?order={order}"
    while following := _listing(url.partition("?")[2], columns=columns).page(rows).next_url:
        url = following
    return url


def test_empty_values_come_last_in_both_directions(things: QuerySet[ContentType]) -> None:
    for order in ("label", "-label"):
        assert _walk(things, f"/acme/things?order={order}", "next_url")[-1] == ["none00"]


def test_the_count_is_of_all_rows(things: QuerySet[ContentType]) -> None:
    page = _listing().page(things)
    assert (page.count, page.count_capped, page.previous_url) == (10, False, "")


@pytest.mark.parametrize("cursor", ["garbage", "W10", "eyJhIjoxfQ", "WyJ4Il0"])
def test_a_broken_cursor_is_the_first_page(things: QuerySet[ContentType], cursor: str) -> None:
    page = _listing(f"after={cursor}").page(things)
    assert [row.model for row in page.rows] == ["m01", "m02", "m04"]


def test_a_page_costs_two_statements(things: QuerySet[ContentType], django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(2):
        _listing("order=-label").page(things)
