"""Drivers that not every installation needs: imported when a connector is used, and named where they are missing."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from connectors.sdk.errors import ConfigError


def driver(module: str, package: str) -> Any:
    """The driver's module; :class:`ConfigError` says which package the operator has to install."""
    try:
        return import_module(module)
    except ImportError as error:
        raise ConfigError(
            f"The driver {package} is not installed here.",
            hint="Whoever operates Headrace installs the drivers of warehouses and queues with `make drivers`, "
            f"or this one with `pip install {package}`, and starts Headrace again.",
        ) from error
