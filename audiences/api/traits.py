"""Endpoints of traits, their templates, and the columns that audiences have of their own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from audiences import access
from audiences.api.shapes import COLUMN_TYPES, NamedOut, NamedQuery, named_json, narrowed
from audiences.models import Trait
from audiences.query.schema import StudioSchema
from audiences.selectors.traits import saved_trait, schema_with_traits, traits_in_view
from audiences.services import enrichments, traits
from audiences.trait_checks import shown_trait, type_of_trait
from config.api import ApiView, ListQuery, error_answers, list_of, list_response, parse_query
from config.errors import Invalid
from connectors.sdk.types import ColumnType
from governance.audit.actors import Actor
from workspaces.permissions import Permission

READ, WRITE = Permission.MEMBER, Permission.CONFIGURE_AUDIENCES


class TraitQuery(NamedQuery):
    """Which traits are listed: traits and templates alike, unless ``template`` says which."""

    modelId = serializers.IntegerField(required=False)
    template = serializers.BooleanField(required=False, allow_null=True, default=None)
    archived = serializers.BooleanField(required=False, default=False)


class _Logic(serializers.Serializer[Any]):
    description = serializers.CharField(required=False, allow_blank=True)
    definition = serializers.JSONField(required=False, help_text="What is calculated; see the reference of traits")
    where = serializers.JSONField(required=False, help_text="Conditions beside the template's")
    blanks = serializers.DictField(required=False, help_text="What the template's blanks are filled with, by label")
    suggestValues = serializers.BooleanField(required=False)


class TraitCreate(_Logic):
    """A new trait of ``modelId`` with a ``definition``, or one that follows the template ``templateId``."""

    name = serializers.CharField(max_length=200)
    modelId = serializers.IntegerField(required=False)
    templateId = serializers.IntegerField(required=False)
    isTemplate = serializers.BooleanField(required=False, default=False)


class TraitUpdate(_Logic):
    """What to change of a trait. A ``definition`` overrides a template; ``followTemplate`` goes back to it."""

    name = serializers.CharField(max_length=200, required=False)
    followTemplate = serializers.BooleanField(required=False, default=False)
    archived = serializers.BooleanField(required=False)


class TraitOut(NamedOut):
    """A trait. ``resultType`` is the type of its values; ``suggestions`` is how many values filters offer."""

    modelId = serializers.CharField()
    description = serializers.CharField()
    definition = serializers.JSONField()
    resultType = serializers.ChoiceField(COLUMN_TYPES)
    isTemplate = serializers.BooleanField()
    templateId = serializers.CharField(allow_null=True)
    overridesTemplate = serializers.BooleanField()
    where = serializers.JSONField()
    blanks = serializers.DictField()
    suggestValues = serializers.BooleanField()
    suggestions = serializers.IntegerField()
    archived = serializers.BooleanField()


class EnrichmentQuery(ListQuery):
    """Columns are listed in the order in which they were added."""

    name = None  # type: ignore[assignment]
    slug = None  # type: ignore[assignment]
    orderable = {"id": "id"}


class EnrichmentIn(serializers.Serializer[Any]):
    """A column of an audience: the value of a trait or template (``traitId``), or of a ``definition``."""

    name = serializers.CharField(max_length=200)
    traitId = serializers.IntegerField(required=False)
    definition = serializers.JSONField(required=False)
    where = serializers.JSONField(required=False, help_text="Conditions on the rows that it is calculated from")


class EnrichmentUpdate(EnrichmentIn):
    """What to change of a column."""

    name = serializers.CharField(max_length=200, required=False)


class EnrichmentOut(serializers.Serializer[Any]):
    """A column that the members of an audience have in this audience alone."""

    id = serializers.CharField()
    name = serializers.CharField()
    traitId = serializers.CharField(allow_null=True)
    definition = serializers.JSONField(allow_null=True)
    where = serializers.JSONField()


def one(actor: Actor, trait_id: int) -> dict[str, Any]:
    """A trait as it is now."""
    return traits_json([access.trait_for(actor, trait_id)])[0]


def traits_json(rows: Iterable[Trait]) -> list[dict[str, Any]]:
    """Several traits."""
    schemas: dict[int, StudioSchema] = {}
    return [trait_json(row, schemas) for row in rows]


def trait_json(row: Trait, schemas: dict[int, StudioSchema]) -> dict[str, Any]:
    """The wire shape of a trait; schemas that were read are kept in ``schemas``, by source."""
    source = row.model.source
    if source.pk not in schemas:
        schemas[source.pk] = schema_with_traits(source)
    schema, known = schemas[source.pk], saved_trait(row)
    kind = type_of_trait(schema, str(row.model_id), known.definition) if known else ColumnType.UNKNOWN
    return named_json(
        row,
        modelId=str(row.model_id),
        description=row.description,
        definition=shown_trait(schema, str(row.model_id), row.definition),
        resultType=kind.value,
        isTemplate=row.is_template,
        templateId=str(row.template_id) if row.template_id else None,
        overridesTemplate=row.overrides,
        where=row.extra,
        blanks=row.blanks,
        suggestValues=row.suggest,
        suggestions=len(row.suggestions),
        archived=row.archived_at is not None,
    )


def enrichments_json(stored: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Several columns."""
    return [enrichment_json(each) for each in stored]


def enrichment_json(stored: dict[str, Any]) -> dict[str, Any]:
    """The wire shape of a column."""
    return {
        "id": stored["id"],
        "name": stored["name"],
        "traitId": stored.get("trait"),
        "definition": stored.get("definition"),
        "where": stored.get("where", {}),
    }


class TraitListView(ApiView):
    """The traits of the workspace; adding one."""

    permission = {"GET": READ, "POST": WRITE}

    @extend_schema(
        operation_id="ListTrait", parameters=[TraitQuery], responses={200: list_of(TraitOut), **error_answers()}
    )
    def get(self, request: Request) -> Response:
        """List the traits and trait templates."""
        query = parse_query(request, TraitQuery)
        rows = traits_in_view(self.actor, archived=query["archived"], templates=query["template"])
        return list_response(narrowed(rows, query, modelId="model_id"), query, traits_json)

    @extend_schema(operation_id="CreateTrait", request=TraitCreate, responses={200: TraitOut, **error_answers()})
    def post(self, request: Request) -> Response:
        """Add a trait, a template, or a trait that follows a template."""
        values = self.body(TraitCreate)
        shared = {
            "actor": self.actor,
            "name": values["name"],
            "description": values.get("description", ""),
            "suggest": values.get("suggestValues", False),
        }
        if "templateId" in values:
            template = access.trait_for(self.actor, values["templateId"])
            made = traits.create_trait_from(
                template=template, extra=values.get("where"), blanks=values.get("blanks"), **shared
            )
        elif "modelId" not in values or "definition" not in values:
            raise Invalid.field("definition", "A trait takes a modelId and a definition, or a templateId.")
        else:
            model = access.model_to_put_traits_on(self.actor, values["modelId"])
            made = traits.create_trait(
                model=model, definition=values["definition"], is_template=values["isTemplate"], **shared
            )
        return Response(one(self.actor, made.pk))


class TraitView(ApiView):
    """One trait."""

    permission = {"GET": READ, "PATCH": WRITE, "DELETE": WRITE}

    @extend_schema(operation_id="GetTrait", responses={200: TraitOut, **error_answers()})
    def get(self, request: Request, trait_id: int) -> Response:
        """Get a trait by its id."""
        return Response(one(self.actor, trait_id))

    @extend_schema(operation_id="UpdateTrait", request=TraitUpdate, responses={200: TraitOut, **error_answers()})
    def patch(self, request: Request, trait_id: int) -> Response:
        """Change, archive or restore a trait; traits that follow a template change with it."""
        trait = access.trait_for(self.actor, trait_id)
        values = self.body(TraitUpdate)
        names = {"name": "name", "description": "description", "definition": "definition", "blanks": "blanks"}
        names |= {"where": "extra", "suggestValues": "suggest", "followTemplate": "follow"}
        traits.update_trait(
            actor=self.actor,
            trait=trait,
            **{ours: values[wire] for wire, ours in names.items() if wire in values},
        )
        if "archived" in values:
            act = traits.archive_trait if values["archived"] else traits.restore_trait
            act(actor=self.actor, trait=trait)
        return Response(one(self.actor, trait_id))

    @extend_schema(operation_id="DeleteTrait", responses={204: None, **error_answers()})
    def delete(self, request: Request, trait_id: int) -> Response:
        """Delete a trait that nothing is made of."""
        traits.delete_trait(actor=self.actor, trait=access.trait_for(self.actor, trait_id))
        return Response(status=204)


class EnrichmentListView(ApiView):
    """The columns of an audience's own; adding one."""

    permission = {"GET": READ, "POST": WRITE}

    @extend_schema(
        operation_id="ListAudienceEnrichment",
        parameters=[EnrichmentQuery],
        responses={200: list_of(EnrichmentOut), **error_answers()},
    )
    def get(self, request: Request, audience_id: int) -> Response:
        """List the columns that the members have in this audience alone."""
        audience = access.audience_for(self.actor, audience_id)
        return list_response(audience.enrichments, parse_query(request, EnrichmentQuery), enrichments_json)

    @extend_schema(
        operation_id="CreateAudienceEnrichment",
        request=EnrichmentIn,
        responses={200: EnrichmentOut, **error_answers()},
    )
    def post(self, request: Request, audience_id: int) -> Response:
        """Give the members a column."""
        audience = access.audience_for(self.actor, audience_id)
        values = self.body(EnrichmentIn)
        made = enrichments.add_enrichment(
            actor=self.actor,
            audience=audience,
            name=values["name"],
            trait=values.get("traitId"),
            definition=values.get("definition"),
            where=values.get("where"),
        )
        return Response(enrichment_json(made))


class EnrichmentView(ApiView):
    """One column of an audience's own."""

    permission = {"GET": READ, "PATCH": WRITE, "DELETE": WRITE}

    @extend_schema(operation_id="GetAudienceEnrichment", responses={200: EnrichmentOut, **error_answers()})
    def get(self, request: Request, audience_id: int, enrichment_id: str) -> Response:
        """Get a column by its id."""
        audience = access.audience_for(self.actor, audience_id)
        return Response(enrichment_json(enrichments.enrichment_of(audience, enrichment_id)))

    @extend_schema(
        operation_id="UpdateAudienceEnrichment",
        request=EnrichmentUpdate,
        responses={200: EnrichmentOut, **error_answers()},
    )
    def patch(self, request: Request, audience_id: int, enrichment_id: str) -> Response:
        """Change a column."""
        audience = access.audience_for(self.actor, audience_id)
        values = self.body(EnrichmentUpdate)
        names = {"name": "name", "traitId": "trait", "definition": "definition", "where": "where"}
        made = enrichments.change_enrichment(
            actor=self.actor,
            audience=audience,
            enrichment=enrichment_id,
            **{ours: values[wire] for wire, ours in names.items() if wire in values},
        )
        return Response(enrichment_json(made))

    @extend_schema(operation_id="DeleteAudienceEnrichment", responses={204: None, **error_answers()})
    def delete(self, request: Request, audience_id: int, enrichment_id: str) -> Response:
        """Take a column away."""
        audience = access.audience_for(self.actor, audience_id)
        enrichments.remove_enrichment(actor=self.actor, audience=audience, enrichment=enrichment_id)
        return Response(status=204)
