"""How many the layers between an audience and its syncs left, run by run."""

from __future__ import annotations

from django.db import models

from workspaces.scoping import TenantModel


class RunLayers(TenantModel):
    """What each layer left of an audience for one run: numbers by layer, as long as the run is kept.

    ``at`` is when the source had answered; it was asked as of the run's own moment. Without ``counts`` the ``error``
    says why there are none.
    """

    run = models.OneToOneField("syncs.Run", on_delete=models.CASCADE, related_name="layers")
    at = models.DateTimeField()
    counts = models.JSONField(default=dict)
    error = models.TextField(blank=True)

    class Meta:
        ordering = ["-run_id"]

    def __str__(self) -> str:
        return f"Layers of run {self.run_id}"
