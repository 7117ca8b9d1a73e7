"""Models: a named query over one source with a primary key, and its columns."""

from __future__ import annotations

from django.db import models
from django.urls import reverse

from connectors.sdk.types import ColumnType
from syncs.choices import ModelMethod
from workspaces.models import Labelled
from workspaces.scoping import TenantModel

COLUMN_TYPES = [(kind.value, kind.value.title()) for kind in ColumnType if kind is not ColumnType.REFERENCE]


class Model(Labelled, TenantModel):
    """What a company knows about something, as rows: a query or a table of one source.

    ``revision`` counts the changes that matter to dependent syncs. Until it is ``published``
    it is only a draft, and no sync of it runs. ``folder`` is also where its syncs are.

    The model of an audience (``method`` is ``audience``) has neither query nor table: each of its syncs asks
    :mod:`syncs.origins` for its own. Rights on the studio's parent model, ``parent_model_id``, take the place of
    those on the source there, and people meet the audience, never this row.
    """

    source = models.ForeignKey("connectors.Source", on_delete=models.PROTECT, related_name="models")
    name = models.CharField(max_length=200)
    slug = models.CharField(max_length=120)
    folder = models.ForeignKey(
        "workspaces.Folder", null=True, blank=True, on_delete=models.SET_NULL, related_name="models"
    )
    description = models.TextField(blank=True)
    method = models.CharField(max_length=10, choices=ModelMethod.choices)
    sql = models.TextField(blank=True)
    table_schema = models.CharField(max_length=400, blank=True)
    table_name = models.CharField(max_length=400, blank=True)
    primary_key = models.CharField(max_length=400)
    parent_model_id = models.BigIntegerField(null=True, blank=True)
    revision = models.PositiveIntegerField(default=1)
    published = models.BooleanField(default=True)
    columns_refreshed_at = models.DateTimeField()
    created_by = models.ForeignKey(
        "workspaces.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name", "id"]
        constraints = [models.UniqueConstraint(fields=["workspace", "slug"], name="model_slug")]
        indexes = [models.Index(fields=["workspace", "name"], name="model_name")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """The model's page: for the model of an audience, what it is made by."""
        if self.of_audience:
            return reverse("audiences:audience_of_model", args=[self.workspace.slug, self.pk])
        return reverse("syncs:model", args=[self.workspace.slug, self.pk])

    @property
    def of_audience(self) -> bool:
        """Whether the studio made it for the syncs of an audience."""
        return self.method == ModelMethod.AUDIENCE


class ModelColumn(TenantModel):
    """A column of a model: as the source described it, and what people decided about it.

    ``override_type`` casts the values at run time; ``missing`` says that the
    latest refresh no longer found the column. Descriptions that a person
    edited are not replaced by the source's.
    """

    model = models.ForeignKey(Model, on_delete=models.CASCADE, related_name="columns")
    name = models.CharField(max_length=400)
    position = models.PositiveIntegerField()
    type = models.CharField(max_length=20, choices=COLUMN_TYPES)
    native_type = models.CharField(max_length=400, blank=True)
    override_type = models.CharField(max_length=20, choices=COLUMN_TYPES, blank=True)
    description = models.TextField(blank=True)
    description_edited = models.BooleanField(default=False)
    enabled = models.BooleanField(default=True)
    missing = models.BooleanField(default=False)

    class Meta:
        ordering = ["position", "id"]
        constraints = [models.UniqueConstraint(fields=["model", "name"], name="model_column_name")]

    def __str__(self) -> str:
        return self.name

    @property
    def effective_type(self) -> str:
        """The type that mappings see: the person's choice, else the source's."""
        return self.override_type or self.type
