"""Where a draft stands, and what can be done with a change."""

from __future__ import annotations

from enum import StrEnum

from django.db import models


class DraftState(models.TextChoices):
    """From a first change to its end."""

    DRAFT = "draft", "Draft"
    SUBMITTED = "submitted", "Waiting for approval"
    PUBLISHED = "published", "Published"
    DENIED = "denied", "Declined"
    DELETED = "deleted", "Deleted"


OPEN = (DraftState.DRAFT, DraftState.SUBMITTED)


class Way(StrEnum):
    """What a person wants to become of a change that was just made."""

    NOW = "now"
    SUBMIT = "request"
    DRAFT = "draft"


class Happening(StrEnum):
    """What people are told of a request."""

    SUBMITTED = "submitted"
    APPROVED = "approved"
    PUBLISHED = "published"
    DENIED = "denied"
    WITHDRAWN = "withdrawn"
    VOIDED = "voided"
