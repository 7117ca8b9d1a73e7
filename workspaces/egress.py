"""The addresses that Headrace calls other systems from, as the operator lists them, for firewalls at the other side."""

from __future__ import annotations

from ipaddress import ip_network

from django.conf import settings

from workspaces.models import Workspace


def addresses_of(workspace: Workspace) -> list[str]:
    """Those of the workspace's region and those of all; nothing where the operator lists none."""
    wanted = {"", workspace.region.strip().lower()}
    return [address for region, address in map(_parts, settings.EGRESS_ADDRESSES) if region in wanted]


def unsound() -> list[str]:
    """Entries of the setting that name no address or network."""
    return [entry for entry in settings.EGRESS_ADDRESSES if not _sound(_parts(entry)[1])]


def _parts(entry: str) -> tuple[str, str]:
    region, _, address = entry.rpartition("=")
    return region.strip().lower(), address.strip()


def _sound(address: str) -> bool:
    try:
        ip_network(address, strict=False)
    except ValueError:
        return False
    return True
