"""Tabs that later apps add to the page of a source or destination, registered at start-up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from connectors.choices import Kind
from connectors.models import Connection


@dataclass(frozen=True, slots=True)
class Tab:
    """``route`` takes the workspace's slug and the connection's id. Connections that are ``shown`` have the tab."""

    key: str
    label: str
    route: str
    shown: Callable[[Connection], bool] = lambda connection: True


_tabs: dict[Kind, list[Tab]] = {kind: [] for kind in Kind}


def register(kind: Kind, tab: Tab) -> None:
    """Add a tab to one side, before its activity."""
    if any(known.key == tab.key for known in _tabs[kind]):
        raise ValueError(f"the tab {tab.key!r} of {kind.value} is registered twice")
    _tabs[kind].append(tab)


def tabs_of(connection: Connection) -> tuple[Tab, ...]:
    """What was added to the page of a connection."""
    return tuple(tab for tab in _tabs[connection.kind] if tab.shown(connection))
