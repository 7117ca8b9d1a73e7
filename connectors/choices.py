"""Fixed vocabularies of this app."""

from __future__ import annotations

from django.db import models


class Kind(models.TextChoices):
    """The two sides of a sync."""

    SOURCE = "source", "Source"
    DESTINATION = "destination", "Destination"

    @property
    def plural(self) -> str:
        """As in page titles and URLs."""
        return f"{self.value}s"


class Health(models.TextChoices):
    """What the last connection test of the current settings said."""

    UNTESTED = "untested", "Not tested"
    HEALTHY = "healthy", "Healthy"
    FAILING = "failing", "Failing"


class TunnelKind(models.TextChoices):
    """Who opens the SSH connection of a tunnel."""

    STANDARD = "standard", "To an SSH server of yours"
    REVERSE = "reverse", "From a client of yours"


class Planner(models.TextChoices):
    """Where a source's syncs find out what changed."""

    LOCAL = "local", "Local"
    WAREHOUSE = "warehouse", "Warehouse"


class LogTable(models.TextChoices):
    """The tables that runs may write about themselves into the warehouse."""

    CHANGELOG = "changelog", "Changelog"
    SNAPSHOT = "snapshot", "Snapshot"
    RUNS = "runs", "Sync runs"


class Cloud(models.TextChoices):
    """The cloud providers that stored credentials are for."""

    AWS = "aws", "Amazon Web Services"
    GCP = "gcp", "Google Cloud Platform"
    AZURE = "azure", "Microsoft Azure"
    DBT_CLOUD = "dbt_cloud", "dbt Cloud"
    FIVETRAN = "fivetran", "Fivetran"


class CloudAccess(models.TextChoices):
    """What a stored credential proves itself with."""

    ROLE = "role", "Cross-account role"
    KEYS = "keys", "Access key"
    SERVICE_ACCOUNT = "service_account", "Service account"
    SERVICE_PRINCIPAL = "service_principal", "Service principal"
    TOKEN = "token", "API token"
    API_KEY = "api_key", "API key and secret"


# What a sync does with the rows of its model, by the values of connectors.sdk.destination.Mode.
MODE_WORDS = {
    "upsert": "Upsert",
    "update": "Update",
    "insert": "Insert",
    "add": "Add",
    "remove": "Remove",
    "archive": "Archive",
    "all": "All",
    "snapshot": "Snapshot",
    "diff": "Diff",
    "custom": "By trigger",
}
