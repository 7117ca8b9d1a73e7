"""Reads that pages and API share."""

from audiences.selectors.drawing import Drawing, drawing_of
from audiences.selectors.schema import (
    Line,
    lost_uses,
    schema_models,
    studio_schema,
    studio_sources,
    ties_of,
)
from audiences.selectors.traits import (
    computed_outputs,
    enrichment_outputs,
    saved_traits,
    trait_outputs,
    traits_in_view,
)

__all__ = [
    "Drawing",
    "Line",
    "computed_outputs",
    "drawing_of",
    "enrichment_outputs",
    "lost_uses",
    "saved_traits",
    "schema_models",
    "studio_schema",
    "studio_sources",
    "ties_of",
    "trait_outputs",
    "traits_in_view",
]
