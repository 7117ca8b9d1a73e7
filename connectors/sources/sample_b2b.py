"""Sample data: a software company whose customers are organizations."""

from __future__ import annotations

from typing import ClassVar

from connectors.sdk.source import SampleQuery, SourceDefinition
from connectors.sdk.types import Verification
from connectors.sources._samples.source import FIELDS, SampleSource

_NEAR_LIMIT = """SELECT
  organization_id,
  name,
  domain,
  users_count,
  total_storage_used_mb,
  round(100 * total_storage_used_mb / storage_limit_mb) AS storage_used_percent
FROM public.organizations
WHERE type = 'Self-Serve'
  AND total_storage_used_mb > 0.8 * storage_limit_mb"""

_QUIET_ADMINS = """SELECT
  user_id,
  first_name,
  email,
  organization_id,
  last_seen_at
FROM public.users
WHERE role = 'admin'
  AND email_opt_in
  AND last_seen_at < (SELECT max(last_seen_at) FROM public.users) - INTERVAL 30 DAY"""

_BUSINESS = """SELECT
  organization_id,
  name,
  type,
  segment,
  total_users_invited,
  documents_uploaded_l30d
FROM public.organizations
WHERE type IN ('Free', 'Self-Serve')
  AND total_users_invited >= 10
  AND documents_uploaded_l30d > 0"""


class SampleB2BSource(SampleSource):
    """Organizations, their users, subscriptions and product events."""

    dataset = "b2b"
    version = 1
    definition: ClassVar[SourceDefinition] = SourceDefinition(
        key="sample_b2b",
        name="Sample: B2B SaaS",
        category="Sample data",
        summary="A made-up software company: 5,000 organizations with 50,000 users and what they do in the product.",
        docs_url="docs/sources/sample_b2b.md",
        dialect="duckdb",
        fields=FIELDS,
        verification=Verification.SERVER,
        needs_test=False,
        sample=True,
        studio=True,
        write_planner=True,
        sample_queries=(
            SampleQuery(
                name="Self-serve accounts near their storage limit",
                description="Organizations that used four fifths of their storage: sales may offer a larger plan.",
                sql=_NEAR_LIMIT,
                primary_key="organization_id",
            ),
            SampleQuery(
                name="Admins who went quiet",
                description="Admins not seen for thirty days, for a mail that brings them back.",
                sql=_QUIET_ADMINS,
                primary_key="user_id",
            ),
            SampleQuery(
                name="Ready for the Business plan",
                description="Lively organizations on a small plan, to hear of the Business plan first.",
                sql=_BUSINESS,
                primary_key="organization_id",
            ),
        ),
    )
