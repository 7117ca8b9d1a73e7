"""Rows of later apps that hold credentials too, registered at start-up, so that a new key reaches all of them."""

from __future__ import annotations

from workspaces.scoping import OrganizationModel, TenantModel

SealedModel = type[TenantModel] | type[OrganizationModel]

_sealed: dict[str, tuple[SealedModel, str]] = {}


def register(noun: str, model: SealedModel, field: str) -> None:
    """``field`` of ``model`` holds a token of :mod:`connectors.secrets`; ``noun`` names the rows in the audit log."""
    if noun in _sealed:
        raise ValueError(f"the credentials of {noun!r} are registered twice")
    _sealed[noun] = (model, field)


def sealed() -> dict[str, tuple[SealedModel, str]]:
    """Every kind of row besides sources and destinations."""
    return dict(_sealed)
