"""What the pages that show first rows share: their headings, and how much is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from config.ui.listing import Column
from syncs.definitions import PREVIEW_MAX_ROWS, PREVIEW_ROWS

# What ``parts/preview_options.html`` names.
OPTIONS = {"preview_limit": PREVIEW_ROWS, "preview_more": PREVIEW_MAX_ROWS}


def preview_options(sent: Mapping[str, Any]) -> dict[str, Any]:
    """How much a preview shows and whether rows are counted: by default the first hundred, and yes."""
    if "preview_options" not in sent:
        return {"limit": PREVIEW_ROWS, "with_count": True}
    return {"limit": PREVIEW_ROWS if "limited" in sent else PREVIEW_MAX_ROWS, "with_count": "with_count" in sent}


def headings(columns: Any) -> list[Column]:
    """Column headings of a data table, with their types."""
    return [Column(c.name, numeric=c.type.value == "number", type=c.type.value) for c in columns]
