"""Organizations and their workspaces."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.core.validators import RegexValidator
from django.db import models

from workspaces.choices import RESERVED_SLUGS
from workspaces.scoping import OrganizationModel, TenantModel

valid_slug = RegexValidator(
    r"^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$",
    "Use lower-case letters, digits and hyphens, beginning and ending with a letter or digit.",
)


class Organization(models.Model):
    """A company: it owns people, groups and workspaces.

    Without ``allow_invitations`` people come only by the identity provider. Without ``sso_may_create_workspaces`` those
    who come by it make no workspaces, organization admins or not.
    """

    name = models.CharField(max_length=120)
    allow_invitations = models.BooleanField(default=True)
    sso_may_create_workspaces = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class Workspace(OrganizationModel):
    """Where sources, models, destinations and syncs live; its slug begins every URL.

    ``region`` is a label for people, given when it is made. From ``deleting_at`` on
    nobody can open it, and what it holds is being deleted. ``areas_off`` are the keys of
    the product areas that somebody switched off (``workspaces/areas.py``).
    """

    name = models.CharField(max_length=120)
    slug = models.CharField(max_length=63, unique=True, validators=[valid_slug])
    region = models.CharField(max_length=60, blank=True)
    deleting_at = models.DateTimeField(null=True, blank=True)
    spaces_enabled = models.BooleanField(default=False)
    areas_off = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(slug__in=sorted(RESERVED_SLUGS)), name="workspace_slug_not_reserved"
            )
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """Its overview."""
        return f"/{self.slug}/"

    @property
    def url(self) -> str:
        """The same, as the shell's switcher reads it."""
        return self.get_absolute_url()


class RetiredSlug(TenantModel):
    """A slug a workspace once had: it redirects, and nobody else can take it."""

    slug = models.CharField(max_length=63, unique=True)
    retired_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.slug
