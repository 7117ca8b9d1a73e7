"""Where a workspace keeps its files, if not in the installation's storage."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from connectors.choices import Cloud, Health
from workspaces.scoping import TenantModel

SCHEMES = {Cloud.AWS: "s3", Cloud.GCP: "gs", Cloud.AZURE: "abfs"}


class WorkspaceStorage(TenantModel):
    """A bucket or container of the workspace's own; without a row its files are in the installation's storage.

    ``bucket`` is the container for Azure. Only what is below ``prefix`` is touched.
    ``used_at`` is set as the first run of the workspace starts on it: from then on
    its place is locked. ``health`` is what the last test found.
    """

    provider = models.CharField(max_length=10, choices=Cloud.choices)
    bucket = models.CharField(max_length=255)
    prefix = models.CharField(max_length=200, default="", blank=True)
    region = models.CharField(max_length=40, default="", blank=True)
    project = models.CharField(max_length=100, default="", blank=True)
    account = models.CharField(max_length=24, default="", blank=True)
    credential = models.ForeignKey("connectors.CloudCredential", on_delete=models.PROTECT, related_name="+")
    used_at = models.DateTimeField(null=True, blank=True)
    health = models.CharField(max_length=10, choices=Health.choices, default=Health.UNTESTED)
    checked_at = models.DateTimeField(null=True, blank=True)
    check_message = models.CharField(max_length=2_000, default="", blank=True)
    check_hint = models.CharField(max_length=2_000, default="", blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workspace"], name="workspace_storage_once")]

    def __str__(self) -> str:
        return self.url

    @property
    def url(self) -> str:
        """Its address as people write it."""
        host = f"{self.account}/" if self.account else ""
        return f"{SCHEMES[Cloud(self.provider)]}://{host}{self.bucket}" + (f"/{self.prefix}" if self.prefix else "")

    @property
    def locked(self) -> bool:
        """Whether a run has used it, so that only an operator moves it."""
        return self.used_at is not None
