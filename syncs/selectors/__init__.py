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
from syncs.selectors.sequences import (
    destinations_of,
    list_sequence_runs,
    list_sequences,
    sequence_steps,
    sequences_with,
    steps_of_run,
)
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
    "destinations_of",
    "error_groups",
    "exchange_detail",
    "export_rows",
    "health_counts",
    "list_models",
    "list_runs",
    "list_sequence_runs",
    "list_sequences",
    "list_syncs",
    "may_export_rows",
    "overview",
    "progress_of",
    "row_counts",
    "row_detail",
    "run_exchanges",
    "run_phases",
    "run_rows",
    "sequence_steps",
    "sequences_with",
    "stale_mappings",
    "steps_of_run",
]
