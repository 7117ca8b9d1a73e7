"""What a workspace decides for its whole studio."""

from __future__ import annotations

from django.db import models

from workspaces.scoping import TenantModel

REDACTED_WORDS = "hidden by its privacy"


class StudioSettings(TenantModel):
    """The workspace's rules for the studio; without a row they are the defaults.

    ``null_is_a_value``: "is not" conditions hold for rows without a value. ``templates_required``: audiences are sent
    by sync templates only. ``audience_templates_required``: new audiences begin with an approved template.
    ``redacted_words``: what a profile shows in place of a value that privacy hides.
    """

    null_is_a_value = models.BooleanField(default=True)
    templates_required = models.BooleanField(default=False)
    audience_templates_required = models.BooleanField(default=False)
    redacted_words = models.CharField(max_length=80, default=REDACTED_WORDS)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workspace"], name="studio_settings_once")]

    def __str__(self) -> str:
        return "Customer Studio"
