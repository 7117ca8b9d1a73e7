"""Sample data: a shop that sells shoes to people."""

from __future__ import annotations

from typing import ClassVar

from connectors.sdk.source import SampleQuery, SourceDefinition
from connectors.sdk.types import Verification
from connectors.sources._samples.source import FIELDS, SampleSource

_LEFT_CARTS = """SELECT
  customer_id,
  first_name,
  email,
  phone,
  brand_affinity,
  items_in_cart
FROM public.customers
WHERE vip_tier = 'Normal'
  AND items_in_cart > 0"""

_OUTDOOR_SEASON = """SELECT
  c.customer_id,
  c.first_name,
  c.email,
  c.shoe_size,
  max(o.ordered_at) AS last_outdoor_order_at
FROM public.customers AS c
JOIN public.orders AS o ON o.customer_id = c.customer_id
JOIN public.order_items AS i ON i.order_id = o.order_id
JOIN public.products AS p ON p.product_id = i.product_id
WHERE p.category = 'outdoor'
  AND c.email_opt_in
GROUP BY c.customer_id, c.first_name, c.email, c.shoe_size
HAVING max(o.ordered_at) < (SELECT max(ordered_at) FROM public.orders) - INTERVAL 180 DAY"""

_FLORIDA = """SELECT
  customer_id,
  first_name,
  last_name,
  email,
  city,
  vip_tier,
  ltv
FROM public.customers
WHERE state = 'FL'
  AND vip_tier IN ('Gold', 'Platinum')"""


class SampleB2CSource(SampleSource):
    """Customers, products, orders and carts of an online shop."""

    dataset = "b2c"
    version = 1
    definition: ClassVar[SourceDefinition] = SourceDefinition(
        key="sample_b2c",
        name="Sample: B2C eCommerce",
        category="Sample data",
        summary="A made-up shoe shop: 50,000 customers with orders and 200,000 cart events, to try everything on.",
        docs_url="docs/sources/sample_b2c.md",
        dialect="duckdb",
        fields=FIELDS,
        verification=Verification.SERVER,
        needs_test=False,
        sample=True,
        studio=True,
        write_planner=True,
        sample_queries=(
            SampleQuery(
                name="Carts left behind",
                description="Regular customers with something in the cart, for a reminder or an ad.",
                sql=_LEFT_CARTS,
                primary_key="customer_id",
            ),
            SampleQuery(
                name="Outdoor shoes, before the season",
                description="Who bought outdoor shoes, but not in the last half year, and reads our mails.",
                sql=_OUTDOOR_SEASON,
                primary_key="customer_id",
            ),
            SampleQuery(
                name="Best customers in Florida",
                description="Gold and Platinum customers to invite to an evening in Miami.",
                sql=_FLORIDA,
                primary_key="customer_id",
            ),
        ),
    )
