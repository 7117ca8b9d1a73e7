"""Addresses of the REST endpoints of folders, labels, saved filters, favourites and spaces, below ``/api/v1/``."""

from django.urls import path

from workspaces.api import organizing as views

urlpatterns = [
    path("folders", views.FolderListView.as_view(), name="folders"),
    path("folders/<api_id:folder_id>", views.FolderView.as_view(), name="folder"),
    path("spaces", views.SpaceListView.as_view(), name="spaces"),
    path("spaces/<api_id:space_id>", views.SpaceView.as_view(), name="space"),
    path("saved-filters", views.SavedFilterListView.as_view(), name="saved_filters"),
    path("saved-filters/<api_id:saved_id>", views.SavedFilterView.as_view(), name="saved_filter"),
    path("favourites", views.FavouriteListView.as_view(), name="favourites"),
    path("favourites/<slug:kind>/<api_id:object_id>", views.FavouriteView.as_view(), name="favourite"),
    path("labels", views.LabelListView.as_view(), name="labels"),
]
