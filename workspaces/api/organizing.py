"""REST endpoints of folders, labels, saved filters, favourites and spaces."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from config.api import ApiView, ListQuery, error_answers, id_text, list_of, list_response, parse_query
from workspaces import services
from workspaces.access import folder_for, require_person, saved_filter_for, space_for, spaces_in_view
from workspaces.labels import labels_in
from workspaces.models import Favourite, Folder, Labelled, SavedFilter, Space, UserGroup, Workspace
from workspaces.permissions import Permission
from workspaces.resources import kinds, things
from workspaces.selectors import saved_filters_of

ADMIN = {"GET": Permission.MEMBER, "POST": Permission.MANAGE_WORKSPACE}
ADMIN_ROW = {
    "GET": Permission.MEMBER,
    "PATCH": Permission.MANAGE_WORKSPACE,
    "DELETE": Permission.MANAGE_WORKSPACE,
}


class NamedQuery(ListQuery):
    """Query parameters of lists whose rows have a name and no slug."""

    slug = None  # type: ignore[assignment]  # not one of this list's
    orderable = {"id": "id", "name": "name"}


class FolderIn(serializers.Serializer[Any]):
    """A new folder: at the top, or inside ``parentId``."""

    name = serializers.CharField(max_length=120)
    parentId = serializers.IntegerField(required=False, allow_null=True)


class FolderUpdate(serializers.Serializer[Any]):
    """What to change of a folder; a ``parentId`` of null moves it to the top."""

    name = serializers.CharField(max_length=120, required=False)
    parentId = serializers.IntegerField(required=False, allow_null=True)


class FolderOut(serializers.Serializer[Any]):
    """A folder of models, audiences, and the syncs of both."""

    id = serializers.CharField()
    workspaceId = serializers.CharField()
    name = serializers.CharField()
    parentId = serializers.CharField(allow_null=True)


class SpaceIn(serializers.Serializer[Any]):
    """A new space and the groups that see it."""

    name = serializers.CharField(max_length=120)
    description = serializers.CharField(max_length=400, required=False, allow_blank=True, default="")
    groupIds = serializers.ListField(child=serializers.IntegerField(), required=False, default=list)


class SpaceUpdate(serializers.Serializer[Any]):
    """What to change of a space; what is left out stays."""

    name = serializers.CharField(max_length=120, required=False)
    description = serializers.CharField(max_length=400, required=False, allow_blank=True)
    groupIds = serializers.ListField(child=serializers.IntegerField(), required=False)


class SpaceOut(serializers.Serializer[Any]):
    """A space that the key's owner sees."""

    id = serializers.CharField()
    workspaceId = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    groupIds = serializers.ListField(child=serializers.CharField())


class SavedFilterIn(serializers.Serializer[Any]):
    """A new saved filter of a list (``page``); ``query`` holds its address's parameters."""

    page = serializers.CharField(max_length=40)
    name = serializers.CharField(max_length=120)
    query = serializers.CharField(max_length=2_000)
    shared = serializers.BooleanField(required=False, default=False)


class SavedFilterUpdate(serializers.Serializer[Any]):
    """What to change of a saved filter."""

    name = serializers.CharField(max_length=120, required=False)
    query = serializers.CharField(max_length=2_000, required=False)
    shared = serializers.BooleanField(required=False)


class SavedFilterOut(SavedFilterIn):
    """A saved filter: the owner's own, or one that is shared with the workspace."""

    id = serializers.CharField()
    ownerId = serializers.CharField()


class FavouriteIn(serializers.Serializer[Any]):
    """A thing to keep at hand."""

    kind = serializers.CharField(max_length=40)
    id = serializers.IntegerField()


class FavouriteOut(serializers.Serializer[Any]):
    """A favourite of the key's owner."""

    kind = serializers.CharField()
    id = serializers.CharField()
    name = serializers.CharField()


class LabelOut(serializers.Serializer[Any]):
    """A label in use, and on which kind of thing."""

    key = serializers.CharField()
    value = serializers.CharField()
    kind = serializers.CharField()


class OrganizingView(ApiView):
    """What these endpoints share."""

    @property
    def workspace(self) -> Workspace:
        """The workspace of the API key."""
        workspace: Workspace = self.request._request.workspace  # type: ignore[attr-defined]
        return workspace


class FolderListView(OrganizingView):
    """All folders of the workspace; adding one."""

    permission = ADMIN

    @extend_schema(
        operation_id="ListFolder", parameters=[NamedQuery], responses={200: list_of(FolderOut), **error_answers()}
    )
    def get(self, request: Request) -> Response:
        """List the folders; ``parentId`` makes the tree."""
        query = parse_query(request, NamedQuery)
        rows = Folder.objects.filter(**{"name": query["name"]} if query.get("name") else {})
        return list_response(rows, query, lambda page: [folder_json(folder) for folder in page])

    @extend_schema(operation_id="CreateFolder", request=FolderIn, responses={200: FolderOut, **error_answers()})
    def post(self, request: Request) -> Response:
        """Create a folder."""
        values = self.body(FolderIn)
        parent = None if values.get("parentId") is None else folder_for(values["parentId"])
        made = services.create_folder(actor=self.actor, workspace=self.workspace, name=values["name"], parent=parent)
        return Response(folder_json(made))


class FolderView(OrganizingView):
    """One folder."""

    permission = ADMIN_ROW

    @extend_schema(operation_id="GetFolder", responses={200: FolderOut, **error_answers()})
    def get(self, request: Request, folder_id: int) -> Response:
        """Get a folder by its id."""
        return Response(folder_json(folder_for(folder_id)))

    @extend_schema(operation_id="UpdateFolder", request=FolderUpdate, responses={200: FolderOut, **error_answers()})
    def patch(self, request: Request, folder_id: int) -> Response:
        """Rename or move a folder."""
        values, folder = self.body(FolderUpdate), folder_for(folder_id)
        parent_id = values.get("parentId", folder.parent_id)
        parent = None if parent_id is None else folder_for(parent_id)
        name = values.get("name", folder.name)
        changed = services.update_folder(actor=self.actor, folder=folder, name=name, parent=parent)
        return Response(folder_json(changed))

    @extend_schema(operation_id="DeleteFolder", request=None, responses={204: None, **error_answers()})
    def delete(self, request: Request, folder_id: int) -> Response:
        """Remove a folder: what is right in it is in no folder then, and folders in it move up."""
        services.delete_folder(actor=self.actor, folder=folder_for(folder_id))
        return Response(status=204)


class SpaceListView(OrganizingView):
    """The spaces that the key's owner sees; adding one."""

    permission = ADMIN

    @extend_schema(
        operation_id="ListSpace", parameters=[NamedQuery], responses={200: list_of(SpaceOut), **error_answers()}
    )
    def get(self, request: Request) -> Response:
        """List the spaces that the key's owner sees."""
        query = parse_query(request, NamedQuery)
        rows = spaces_in_view(self.actor).prefetch_related("groups")
        rows = rows.filter(**{"name": query["name"]} if query.get("name") else {})
        return list_response(rows, query, lambda page: [space_json(space) for space in page])

    @extend_schema(operation_id="CreateSpace", request=SpaceIn, responses={200: SpaceOut, **error_answers()})
    def post(self, request: Request) -> Response:
        """Create a space."""
        values = self.body(SpaceIn)
        made = services.create_space(
            actor=self.actor,
            workspace=self.workspace,
            name=values["name"],
            description=values["description"],
            groups=_groups(values["groupIds"]),
        )
        return Response(space_json(made))


class SpaceView(OrganizingView):
    """One space."""

    permission = ADMIN_ROW

    @extend_schema(operation_id="GetSpace", responses={200: SpaceOut, **error_answers()})
    def get(self, request: Request, space_id: int) -> Response:
        """Get a space by its id."""
        return Response(space_json(space_for(self.actor, space_id)))

    @extend_schema(operation_id="UpdateSpace", request=SpaceUpdate, responses={200: SpaceOut, **error_answers()})
    def patch(self, request: Request, space_id: int) -> Response:
        """Change a space's name and words, or which groups see it."""
        values = self.body(SpaceUpdate)
        changed = services.update_space(
            actor=self.actor,
            space=space_for(self.actor, space_id),
            name=values.get("name"),
            description=values.get("description"),
            groups=_groups(values["groupIds"]) if "groupIds" in values else None,
        )
        return Response(space_json(changed))

    @extend_schema(operation_id="DeleteSpace", request=None, responses={204: None, **error_answers()})
    def delete(self, request: Request, space_id: int) -> Response:
        """Delete a space that holds nothing any more."""
        services.delete_space(actor=self.actor, space=space_for(self.actor, space_id))
        return Response(status=204)


class SavedFilterListView(OrganizingView):
    """Saved filters of the key's owner, and shared ones; adding one."""

    permission = {"GET": Permission.MEMBER, "POST": Permission.MEMBER}

    @extend_schema(
        operation_id="ListSavedFilter",
        parameters=[NamedQuery],
        responses={200: list_of(SavedFilterOut), **error_answers()},
    )
    def get(self, request: Request) -> Response:
        """List the owner's saved filters and those shared with the workspace."""
        query = parse_query(request, NamedQuery)
        rows = saved_filters_of(self.actor).filter(**{"name": query["name"]} if query.get("name") else {})
        return list_response(rows, query, lambda page: [saved_json(saved) for saved in page])

    @extend_schema(
        operation_id="CreateSavedFilter", request=SavedFilterIn, responses={200: SavedFilterOut, **error_answers()}
    )
    def post(self, request: Request) -> Response:
        """Save a filter."""
        values = self.body(SavedFilterIn)
        return Response(saved_json(services.create_saved_filter(actor=self.actor, workspace=self.workspace, **values)))


class SavedFilterView(OrganizingView):
    """One saved filter."""

    permission = {"GET": Permission.MEMBER, "PATCH": Permission.MEMBER, "DELETE": Permission.MEMBER}

    @extend_schema(operation_id="GetSavedFilter", responses={200: SavedFilterOut, **error_answers()})
    def get(self, request: Request, saved_id: int) -> Response:
        """Get a saved filter by its id."""
        return Response(saved_json(saved_filter_for(self.actor, saved_id)))

    @extend_schema(
        operation_id="UpdateSavedFilter",
        request=SavedFilterUpdate,
        responses={200: SavedFilterOut, **error_answers()},
    )
    def patch(self, request: Request, saved_id: int) -> Response:
        """Change a saved filter."""
        values, saved = self.body(SavedFilterUpdate), saved_filter_for(self.actor, saved_id)
        return Response(saved_json(services.update_saved_filter(actor=self.actor, saved=saved, **values)))

    @extend_schema(operation_id="DeleteSavedFilter", request=None, responses={204: None, **error_answers()})
    def delete(self, request: Request, saved_id: int) -> Response:
        """Delete a saved filter."""
        services.delete_saved_filter(actor=self.actor, saved=saved_filter_for(self.actor, saved_id))
        return Response(status=204)


class FavouriteListView(OrganizingView):
    """The favourites of the key's owner; adding one."""

    permission = {"GET": Permission.MEMBER, "POST": Permission.MEMBER}

    @extend_schema(operation_id="ListFavourite", responses={200: list_of(FavouriteOut), **error_answers()})
    def get(self, request: Request) -> Response:
        """List the favourites that the owner still sees."""
        return Response({"data": self._favourites(), "hasMore": False})

    @extend_schema(
        operation_id="AddFavourite", request=FavouriteIn, responses={200: list_of(FavouriteOut), **error_answers()}
    )
    def post(self, request: Request) -> Response:
        """Add a favourite; answers with all of them."""
        values = self.body(FavouriteIn)
        services.add_favourite(actor=self.actor, workspace=self.workspace, kind=values["kind"], object_id=values["id"])
        return Response({"data": self._favourites(), "hasMore": False})

    def _favourites(self) -> list[dict[str, str]]:
        pairs = Favourite.objects.filter(user_id=require_person(self.actor)).values_list("kind", "object_id")
        found = things(self.actor, self.workspace.slug, pairs)
        return [{"kind": thing.kind.name, "id": str(thing.pk), "name": thing.name} for thing in found]


class FavouriteView(OrganizingView):
    """One favourite."""

    permission = {"DELETE": Permission.MEMBER}

    @extend_schema(operation_id="RemoveFavourite", request=None, responses={204: None, **error_answers()})
    def delete(self, request: Request, kind: str, object_id: int) -> Response:
        """Keep it at hand no longer."""
        services.remove_favourite(actor=self.actor, kind=kind, object_id=object_id)
        return Response(status=204)


class LabelListView(OrganizingView):
    """The labels in use."""

    permission = {"GET": Permission.MEMBER}

    @extend_schema(operation_id="ListLabel", responses={200: list_of(LabelOut), **error_answers()})
    def get(self, request: Request) -> Response:
        """List the labels that things in view carry, by kind."""
        found = []
        for kind in kinds().values():
            rows = kind.rows(self.actor)
            for label in labels_in(rows) if issubclass(rows.model, Labelled) else ():
                key, _, value = label.partition("=")
                found.append({"key": key, "value": value, "kind": kind.name})
        return Response({"data": found, "hasMore": False})


def folder_json(folder: Folder) -> dict[str, Any]:
    """The wire shape of a folder."""
    return {
        "id": str(folder.pk),
        "workspaceId": str(folder.workspace_id),
        "name": folder.name,
        "parentId": id_text(folder.parent_id),
    }


def space_json(space: Space) -> dict[str, Any]:
    """The wire shape of a space."""
    return {
        "id": str(space.pk),
        "workspaceId": str(space.workspace_id),
        "name": space.name,
        "description": space.description,
        "groupIds": [str(place.group_id) for place in space.groups.all()],
    }


def saved_json(saved: SavedFilter) -> dict[str, Any]:
    """The wire shape of a saved filter."""
    return {
        "id": str(saved.pk),
        "ownerId": str(saved.owner_id),
        "page": saved.page,
        "name": saved.name,
        "query": saved.query,
        "shared": saved.shared,
    }


def _groups(ids: Iterable[int]) -> list[UserGroup]:
    wanted = list(ids)
    found = UserGroup.objects.in_bulk(wanted)
    if missing := [pk for pk in wanted if pk not in found]:
        raise serializers.ValidationError({"groupIds": f"There is no group {missing[0]} here."})
    return list(found.values())
