"""The tabs of the page of templates. A room with templates of its own adds one line."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TemplateTab:
    """One tab: the name of its route, which takes the workspace alone, and its label."""

    route: str
    label: str


TABS = (
    TemplateTab("audiences:templates", "Audience templates"),
    TemplateTab("audiences:sync_templates", "Sync templates"),
)
