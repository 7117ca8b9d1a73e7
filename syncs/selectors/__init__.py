"""Reads that pages and the API share. Each is a few queries, however many rows there are."""

from syncs.selectors.models import ModelFilter, dependants_of_key, dependent_syncs, list_models, stale_mappings
from syncs.selectors.overview import Overview, delivered_over_time, health_counts, overview
from syncs.selectors.rows import (
    ExchangeDetail,
    RowDetail,
    RowsPage,
    error_groups,
    exchange_detail,
    export_rows,
    may_export_rows,
    row_counts,
    row_detail,
    run_exchanges,
    run_rows,
)
from syncs.selectors.runs import Phase, RunProgress, list_runs, progress_of, run_phases
from syncs.selectors.syncs import SyncFilter, list_syncs

__all__ = [
    "ExchangeDetail",
    "ModelFilter",
    "Overview",
    "Phase",
    "RowDetail",
    "RowsPage",
    "RunProgress",
    "SyncFilter",
    "delivered_over_time",
    "dependants_of_key",
    "dependent_syncs",
    "error_groups",
    "exchange_detail",
    "export_rows",
    "health_counts",
    "list_models",
    "list_runs",
    "list_syncs",
    "may_export_rows",
    "overview",
    "progress_of",
    "row_counts",
    "row_detail",
    "run_exchanges",
    "run_phases",
    "run_rows",
    "stale_mappings",
]
