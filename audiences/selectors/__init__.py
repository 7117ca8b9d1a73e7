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

__all__ = [
    "Drawing",
    "Line",
    "drawing_of",
    "lost_uses",
    "schema_models",
    "studio_schema",
    "studio_sources",
    "ties_of",
]
