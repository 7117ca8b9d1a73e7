"""Models of the schema: what audiences are made of, what belongs to that, and what happened to it."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.urls import reverse
from django.utils import timezone

from audiences.choices import Entity, EventType, Every, LookState, ModelKind, PersonalData, Privacy
from audiences.personal import looks_like
from connectors.sdk.types import ColumnType
from syncs.choices import DEFINED
from workspaces.models import Labelled
from workspaces.permissions import object_permissions
from workspaces.scoping import TenantModel

COLUMN_TYPES = [(kind.value, kind.value.title()) for kind in ColumnType if kind is not ColumnType.REFERENCE]
NAME = 400


class SchemaModel(Labelled, TenantModel):
    """A table or query of one source, as marketers know it.

    A ``parent`` is what audiences are made of, and its key is one column; a ``related`` model is what belongs to a
    parent; an ``event`` has a ``timestamp``. ``primary_label`` and ``secondary_label`` are the columns by which people
    recognise a row. What was last found out about its values is in ``rows``, ``key_empty`` and ``key_repeated``:
    counts, never values. An archived one is offered nowhere.
    """

    source = models.ForeignKey("connectors.Source", on_delete=models.PROTECT, related_name="schema_models")
    kind = models.CharField(max_length=10, choices=ModelKind.choices)
    name = models.CharField(max_length=200)
    slug = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    method = models.CharField(max_length=10, choices=DEFINED)
    sql = models.TextField(blank=True)
    table_schema = models.CharField(max_length=NAME, blank=True)
    table_name = models.CharField(max_length=NAME, blank=True)
    primary_key = ArrayField(models.CharField(max_length=NAME))
    primary_label = models.CharField(max_length=NAME, blank=True)
    secondary_label = models.CharField(max_length=NAME, blank=True)
    timestamp = models.CharField(max_length=NAME, blank=True)
    event_type = models.CharField(max_length=20, choices=EventType.choices, default=EventType.GENERIC)
    entity = models.CharField(max_length=20, choices=Entity.choices, blank=True, default=Entity.NONE)
    columns_refreshed_at = models.DateTimeField()
    look_every = models.CharField(max_length=10, choices=Every.choices, blank=True, default=Every.WEEK)
    look_state = models.CharField(max_length=10, choices=LookState.choices, blank=True, default=LookState.NONE)
    look_asked_at = models.DateTimeField(null=True)
    looked_at = models.DateTimeField(null=True)
    look_error = models.TextField(blank=True)
    rows = models.BigIntegerField(null=True)
    key_empty = models.BigIntegerField(null=True)
    key_repeated = models.BigIntegerField(null=True)
    archived_at = models.DateTimeField(null=True)
    created_by = models.ForeignKey(
        "workspaces.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name", "id"]
        default_permissions = ()
        permissions: ClassVar[Any] = object_permissions("parent_model")
        constraints = [models.UniqueConstraint(fields=["workspace", "slug"], name="schema_model_slug")]
        indexes = [
            models.Index(fields=["workspace", "name"], name="schema_model_name"),
            models.Index(fields=["look_asked_at"], name="schema_model_look"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """The model's page."""
        return reverse("audiences:schema_model", args=[self.workspace.slug, self.pk])

    @property
    def is_parent(self) -> bool:
        """Whether audiences are made of it."""
        return self.kind == ModelKind.PARENT

    @property
    def is_event(self) -> bool:
        """Whether its rows happened at a time."""
        return self.kind == ModelKind.EVENT

    @property
    def looking(self) -> bool:
        """Whether its values are being looked at."""
        return self.look_state in (LookState.WAITING, LookState.RUNNING)


class SchemaColumn(TenantModel):
    """A column of a schema model: as the source described it, and what people decided about it, last at ``changed_at``.

    ``alias`` is what marketers read. ``suggest`` keeps the most frequent values in ``suggestions`` (pairs of value
    and count), so that filters can offer them; of a column whose privacy hides its values none are kept.
    """

    model = models.ForeignKey(SchemaModel, on_delete=models.CASCADE, related_name="columns")
    name = models.CharField(max_length=NAME)
    position = models.PositiveIntegerField()
    type = models.CharField(max_length=20, choices=COLUMN_TYPES)
    native_type = models.CharField(max_length=NAME, blank=True)
    nullable = models.BooleanField(default=True)
    override_type = models.CharField(max_length=20, choices=COLUMN_TYPES, blank=True)
    alias = models.CharField(max_length=200, blank=True)
    description = models.TextField(blank=True)
    description_edited = models.BooleanField(default=False)
    enabled = models.BooleanField(default=True)
    missing = models.BooleanField(default=False)
    privacy = models.CharField(max_length=20, choices=Privacy.choices, default=Privacy.UNREVIEWED)
    personal_data = models.CharField(max_length=20, choices=PersonalData.choices, blank=True, default=PersonalData.NONE)
    changed_at = models.DateTimeField(default=timezone.now)
    ignore_case = models.BooleanField(default=False)
    suggest = models.BooleanField(default=False)
    suggestions = models.JSONField(default=list, blank=True)
    different = models.BigIntegerField(null=True)

    class Meta:
        ordering = ["position", "id"]
        constraints = [models.UniqueConstraint(fields=["model", "name"], name="schema_column_name")]

    def __str__(self) -> str:
        return self.name

    @property
    def effective_type(self) -> str:
        """The type that filters see: the person's choice, else the source's."""
        return self.override_type or self.type

    @property
    def title(self) -> str:
        """What marketers read."""
        return self.alias or self.name

    @property
    def looks_like(self) -> PersonalData:
        """What kind of personal data it seems to hold, as long as nobody has reviewed it."""
        return looks_like(self.name, self.type, self.privacy)

    @property
    def redacted(self) -> bool:
        """Whether people do not see its values."""
        return not Privacy(self.privacy).shown
