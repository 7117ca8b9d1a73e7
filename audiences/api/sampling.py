"""Endpoints of samples: how a parent model is sampled, and taking a new sample."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from audiences import access
from audiences.choices import Every, LookState, SampleEvery
from audiences.models import SchemaModel
from audiences.selectors.sampling import lines_of
from audiences.selectors.schema import studio_schema
from audiences.services import sampling as services
from config.api import ApiView, error_answers
from workspaces.permissions import Permission

READ, WRITE = Permission.MEMBER, Permission.CONFIGURE_SCHEMA


class SampledModelIn(serializers.Serializer[Any]):
    """A model that is sampled with the parent, and how often."""

    modelId = serializers.IntegerField()
    every = serializers.ChoiceField(SampleEvery.values, required=False, default=SampleEvery.INHERIT.value)


class SamplingIn(serializers.Serializer[Any]):
    """What to change of how a parent is sampled. ``models`` replace those that were sampled with it."""

    enabled = serializers.BooleanField(required=False)
    percent = serializers.DecimalField(
        max_digits=5, decimal_places=2, required=False, min_value=services.LEAST, max_value=services.MOST
    )
    every = serializers.ChoiceField(Every.values, required=False)
    models = SampledModelIn(many=True, required=False)


class SampledModelOut(serializers.Serializer[Any]):
    """A model, the parent first: its latest run, and the rows of the sample that questions are asked of.

    ``usable`` is false where there is no sample, or it does not fit the schema any more: then it is read in full.
    """

    modelId = serializers.CharField()
    every = serializers.ChoiceField(SampleEvery.values)
    status = serializers.ChoiceField(LookState.values)
    ranAt = serializers.DateTimeField(allow_null=True)
    error = serializers.CharField()
    rows = serializers.IntegerField(allow_null=True)
    takenAt = serializers.DateTimeField(allow_null=True)
    usable = serializers.BooleanField()


class SamplingOut(serializers.Serializer[Any]):
    """How a parent is sampled, and how the latest run went."""

    enabled = serializers.BooleanField()
    percent = serializers.FloatField()
    every = serializers.ChoiceField(Every.values)
    status = serializers.ChoiceField(LookState.values)
    models = SampledModelOut(many=True)


class SamplingView(ApiView):
    """How one parent model is sampled."""

    permission = {"GET": READ, "PATCH": WRITE}

    @extend_schema(operation_id="GetSampling", responses={200: SamplingOut, **error_answers()})
    def get(self, request: Request, schema_model_id: int) -> Response:
        """Get how a parent model is sampled, and how the latest run went."""
        return Response(sampling_json(access.parent_model_for(self.actor, schema_model_id)))

    @extend_schema(operation_id="UpdateSampling", request=SamplingIn, responses={200: SamplingOut, **error_answers()})
    def patch(self, request: Request, schema_model_id: int) -> Response:
        """Change how a parent model is sampled. What is not sampled any more is dropped from the source."""
        parent = access.parent_model_for(self.actor, schema_model_id)
        values = self.body(SamplingIn)
        if "models" in values:
            values["models"] = {each["modelId"]: each["every"] for each in values["models"]}
        services.change_sampling(actor=self.actor, parent=parent, **values)
        return Response(sampling_json(parent))


class SamplingRunView(ApiView):
    """Taking a new sample."""

    permission = {"POST": WRITE}

    @extend_schema(operation_id="RunSampling", request=None, responses={200: SamplingOut, **error_answers()})
    def post(self, request: Request, schema_model_id: int) -> Response:
        """Let a worker take a new sample of a parent model and of what is sampled with it."""
        parent = access.parent_model_for(self.actor, schema_model_id)
        services.run_sampling(actor=self.actor, parent=parent)
        return Response(sampling_json(parent))


def sampling_json(parent: SchemaModel) -> dict[str, Any]:
    """How a parent is sampled."""
    sampling = services.sampling_of(parent)
    lines = [line for line in lines_of(sampling, studio_schema(parent.source)) if line.sampled is not None]
    return {
        "enabled": sampling.enabled,
        "percent": float(sampling.percent),
        "every": sampling.every,
        "status": sampling.state,
        "models": [
            {
                "modelId": str(line.model.pk),
                "every": line.every,
                "status": line.sampled.state,
                "ranAt": line.sampled.ran_at,
                "error": f"{line.sampled.error_message} {line.sampled.error_hint}".strip(),
                "rows": line.table.rows if line.table else None,
                "takenAt": line.table.made_at if line.table else None,
                "usable": line.fits,
            }
            for line in lines
            if line.sampled is not None
        ],
    }
