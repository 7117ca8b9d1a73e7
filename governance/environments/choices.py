"""Fixed vocabularies of this app."""

from __future__ import annotations

from django.db import models


class Action(models.TextChoices):
    """What a deployment does with one thing in the other workspace."""

    CREATE = "create", "Created"
    UPDATE = "update", "Updated"
    UNCHANGED = "unchanged", "Up to date"


class ItemState(models.TextChoices):
    """How far one thing of a deployment is."""

    WAITING = "waiting", "Not deployed"
    DONE = "done", "Deployed"
    FAILED = "failed", "Failed"


class DeploymentState(models.TextChoices):
    """How a deployment stands."""

    RUNNING = "running", "Running"
    DONE = "done", "Deployed"
    STOPPED = "stopped", "Stopped"
