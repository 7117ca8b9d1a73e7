"""Samples of the schema: how a parent is sampled, which models with it, and the tables that were made."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from audiences.choices import Every, LookState, SampleEvery
from audiences.models.schema import NAME, SchemaModel
from workspaces.scoping import TenantModel


class Sampling(TenantModel):
    """How the rows of a parent model are sampled: so many percent of them, by a hash of ``salt`` and key.

    One run at a time makes the tables of the models in ``wanted`` (of all, where it is empty). ``state``, ``asked_at``
    and ``beat_at`` say how that is going, ``attempt`` which worker has it.
    """

    parent_model = models.OneToOneField(SchemaModel, on_delete=models.CASCADE, related_name="sampling")
    enabled = models.BooleanField(default=False)
    percent = models.DecimalField(
        max_digits=5, decimal_places=2, default=10, validators=[MinValueValidator(0.01), MaxValueValidator(100)]
    )
    every = models.CharField(max_length=10, choices=Every.choices, blank=True, default=Every.DAY)
    salt = models.CharField(max_length=32)
    state = models.CharField(max_length=10, choices=LookState.choices, blank=True, default=LookState.NONE)
    wanted = ArrayField(models.BigIntegerField(), default=list, blank=True)
    attempt = models.PositiveIntegerField(default=0)
    asked_at = models.DateTimeField(null=True)
    beat_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["state", "beat_at"], name="sampling_state")]

    def __str__(self) -> str:
        return f"Sampling of {self.parent_model}"

    @property
    def live(self) -> bool:
        """Whether a run waits or is under way."""
        return self.state in (LookState.WAITING, LookState.RUNNING)


class SampledModel(TenantModel):
    """A model that is sampled with a parent, the parent itself among them; and what came of its latest run."""

    sampling = models.ForeignKey(Sampling, on_delete=models.CASCADE, related_name="sampled")
    model = models.ForeignKey(SchemaModel, on_delete=models.CASCADE, related_name="sampled_in")
    every = models.CharField(max_length=10, choices=SampleEvery.choices, default=SampleEvery.INHERIT)
    state = models.CharField(max_length=10, choices=LookState.choices, blank=True, default=LookState.NONE)
    ran_at = models.DateTimeField(null=True)
    error_message = models.TextField(blank=True)
    error_hint = models.TextField(blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["sampling", "model"], name="sampled_model_once")]

    def __str__(self) -> str:
        return f"{self.model} in {self.sampling_id}"


class SampleTable(TenantModel):
    """A table of Headrace's in a source, with the rows of a model that are in a sample.

    The row is there before the table and goes after it, so that nothing is left behind whatever is killed meanwhile.
    Previews read it from ``made_at`` on, which is when all tables of its run were there, until ``drop_at``
    is set: a while after it was replaced, as some may still be reading it then. ``made_of`` is the
    :func:`~audiences.query.sampling.fingerprint` of how it was made.
    """

    source = models.ForeignKey("connectors.Source", on_delete=models.CASCADE, related_name="sample_tables")
    sampling = models.ForeignKey(Sampling, on_delete=models.SET_NULL, null=True, related_name="tables")
    model = models.ForeignKey(SchemaModel, on_delete=models.SET_NULL, null=True, related_name="sample_tables")
    model_name = models.CharField(max_length=200)
    name = models.CharField(max_length=100)
    percent = models.DecimalField(max_digits=5, decimal_places=2)
    salt = models.CharField(max_length=32)
    made_of = models.CharField(max_length=32)
    rows = models.BigIntegerField(null=True)
    made_at = models.DateTimeField(null=True)
    drop_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["source", "name"], name="sample_table_name"),
            models.UniqueConstraint(
                fields=["sampling", "model"],
                condition=models.Q(made_at__isnull=False, drop_at=None),
                name="sample_table_current",
            ),
        ]
        indexes = [models.Index(fields=["drop_at"], name="sample_table_drop_at")]

    def __str__(self) -> str:
        return self.name


class SampleTombstone(TenantModel):
    """A row of a schema model that no sample may hold, as a keyed hash of its primary key."""

    model = models.ForeignKey(SchemaModel, on_delete=models.CASCADE, related_name="tombstones")
    column = models.CharField(max_length=NAME)
    key = models.ForeignKey("syncs.ForgetKey", on_delete=models.PROTECT, related_name="sample_tombstones")
    digest = models.CharField(max_length=64)
    case_id = models.BigIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["model", "column", "digest"], name="sample_tombstone_once")]

    def __str__(self) -> str:
        return f"tombstone {self.pk}"
