"""Endpoints of subsets and their categories."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Count, prefetch_related_objects
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from audiences import access
from audiences.api.governance import READ, ROW, WRITE
from audiences.api.shapes import NamedOut, NamedQuery, OfParentQuery, named_json, narrowed
from audiences.models import Subset, SubsetCategory
from audiences.services import subsets as services
from config.api import ApiView, error_answers, list_of, list_response, parse_query

# Categories of subsets.


class CategoryIn(serializers.Serializer[Any]):
    """A new category. It can be required once it has subsets."""

    parentModelId = serializers.IntegerField()
    name = serializers.CharField(max_length=200)
    description = serializers.CharField(required=False, allow_blank=True, default="")


class CategoryUpdate(serializers.Serializer[Any]):
    """What to change. ``fallbackSubsetId``: what audiences without a subset get when the category becomes required."""

    name = serializers.CharField(max_length=200, required=False)
    description = serializers.CharField(required=False, allow_blank=True)
    required = serializers.BooleanField(required=False)  # type: ignore[assignment]  # a declared field
    fallbackSubsetId = serializers.IntegerField(required=False, allow_null=True)


class SubsetRef(serializers.Serializer[Any]):
    """A subset of a category."""

    id = serializers.CharField()
    name = serializers.CharField()


class CategoryOut(NamedOut):
    """A category: a way to divide a parent model. ``required``: every audience is in one of its subsets."""

    parentModelId = serializers.CharField()
    description = serializers.CharField()
    required = serializers.BooleanField()  # type: ignore[assignment]  # a declared field
    subsets = SubsetRef(many=True)


def categories_json(rows: Iterable[SubsetCategory]) -> list[dict[str, Any]]:
    """Several categories, their subsets in one query."""
    found = list(rows)
    prefetch_related_objects(found, "subsets")
    return [
        named_json(
            row,
            parentModelId=str(row.parent_model_id),
            description=row.description,
            required=row.required,
            subsets=[
                {"id": str(each.pk), "name": each.name} for each in sorted(row.subsets.all(), key=lambda each: each.pk)
            ],
        )
        for row in found
    ]


class CategoryListView(ApiView):
    """The categories of the workspace; adding one."""

    permission = {"GET": READ, "POST": WRITE}

    @extend_schema(
        operation_id="ListSubsetCategory",
        parameters=[OfParentQuery],
        responses={200: list_of(CategoryOut), **error_answers()},
    )
    def get(self, request: Request) -> Response:
        """List the categories of subsets."""
        query = parse_query(request, OfParentQuery)
        return list_response(narrowed(SubsetCategory.objects.all(), query), query, categories_json)

    @extend_schema(
        operation_id="CreateSubsetCategory", request=CategoryIn, responses={200: CategoryOut, **error_answers()}
    )
    def post(self, request: Request) -> Response:
        """Add a category of subsets."""
        values = self.body(CategoryIn)
        made = services.create_subset_category(
            actor=self.actor,
            parent=access.parent_to_govern(self.actor, values["parentModelId"]),
            name=values["name"],
            description=values["description"],
        )
        return Response(categories_json([made])[0])


class CategoryView(ApiView):
    """One category of subsets."""

    permission = ROW

    @extend_schema(operation_id="GetSubsetCategory", responses={200: CategoryOut, **error_answers()})
    def get(self, request: Request, subset_category_id: int) -> Response:
        """Get a category by its id."""
        return Response(categories_json([access.subset_category_for(self.actor, subset_category_id)])[0])

    @extend_schema(
        operation_id="UpdateSubsetCategory", request=CategoryUpdate, responses={200: CategoryOut, **error_answers()}
    )
    def patch(self, request: Request, subset_category_id: int) -> Response:
        """Change a category, also whether audiences need one of its subsets."""
        values = self.body(CategoryUpdate)
        category = access.subset_category_for(self.actor, subset_category_id)
        fallback = values.pop("fallbackSubsetId", None)
        services.update_subset_category(
            actor=self.actor,
            category=category,
            fallback=None if fallback is None else access.subset_for(self.actor, fallback),
            **values,
        )
        return Response(categories_json([access.subset_category_for(self.actor, subset_category_id)])[0])

    @extend_schema(operation_id="DeleteSubsetCategory", responses={204: None, **error_answers()})
    def delete(self, request: Request, subset_category_id: int) -> Response:
        """Delete a category with its subsets, once no audience is built from them."""
        category = access.subset_category_for(self.actor, subset_category_id)
        services.delete_subset_category(actor=self.actor, category=category)
        return Response(status=204)


# Subsets.


class SubsetQuery(NamedQuery):
    """Which subsets are listed."""

    categoryId = serializers.IntegerField(required=False)


class SubsetIn(serializers.Serializer[Any]):
    """A new subset; ``definition`` is described by the reference of conditions, and has no limit."""

    categoryId = serializers.IntegerField()
    name = serializers.CharField(max_length=200)
    definition = serializers.JSONField()


class SubsetUpdate(serializers.Serializer[Any]):
    """What to change of a subset: every audience in it changes with it."""

    name = serializers.CharField(max_length=200, required=False)
    definition = serializers.JSONField(required=False)


class SubsetOut(NamedOut):
    """A subset; ``audiences`` is how many are built from it. Roles hold it as the right ``subset.use``."""

    categoryId = serializers.CharField()
    definition = serializers.JSONField()
    audiences = serializers.IntegerField()


def subsets_json(rows: Iterable[Subset]) -> list[dict[str, Any]]:
    """Several subsets, their audiences counted in one query."""
    found = list(rows)
    counted = Subset.objects.filter(pk__in=[row.pk for row in found]).order_by().annotate(used=Count("chosen_by"))
    used = dict(counted.values_list("pk", "used"))
    return [
        named_json(row, categoryId=str(row.category_id), definition=row.definition, audiences=used.get(row.pk, 0))
        for row in found
    ]


class SubsetListView(ApiView):
    """The subsets of the workspace; adding one."""

    permission = {"GET": READ, "POST": WRITE}

    @extend_schema(
        operation_id="ListSubset", parameters=[SubsetQuery], responses={200: list_of(SubsetOut), **error_answers()}
    )
    def get(self, request: Request) -> Response:
        """List the subsets."""
        query = parse_query(request, SubsetQuery)
        rows = narrowed(Subset.objects.all(), query, categoryId="category_id")
        return list_response(rows, query, subsets_json)

    @extend_schema(operation_id="CreateSubset", request=SubsetIn, responses={200: SubsetOut, **error_answers()})
    def post(self, request: Request) -> Response:
        """Add a subset to a category."""
        values = self.body(SubsetIn)
        made = services.create_subset(
            actor=self.actor,
            category=access.subset_category_for(self.actor, values["categoryId"]),
            name=values["name"],
            definition=values["definition"],
        )
        return Response(subsets_json([made])[0])


class SubsetView(ApiView):
    """One subset."""

    permission = ROW

    @extend_schema(operation_id="GetSubset", responses={200: SubsetOut, **error_answers()})
    def get(self, request: Request, subset_id: int) -> Response:
        """Get a subset by its id."""
        return Response(subsets_json([access.subset_for(self.actor, subset_id)])[0])

    @extend_schema(operation_id="UpdateSubset", request=SubsetUpdate, responses={200: SubsetOut, **error_answers()})
    def patch(self, request: Request, subset_id: int) -> Response:
        """Change a subset, and with it every audience that is built from it."""
        values = self.body(SubsetUpdate)
        services.update_subset(actor=self.actor, subset=access.subset_for(self.actor, subset_id), **values)
        return Response(subsets_json([access.subset_for(self.actor, subset_id)])[0])

    @extend_schema(operation_id="DeleteSubset", responses={204: None, **error_answers()})
    def delete(self, request: Request, subset_id: int) -> Response:
        """Delete a subset that no audience is built from."""
        services.delete_subset(actor=self.actor, subset=access.subset_for(self.actor, subset_id))
        return Response(status=204)
