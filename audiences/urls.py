"""Addresses of the studio, under ``/<workspace>/studio/``."""

from __future__ import annotations

from django.urls import path

from audiences.views import columns, relationships, schema, schema_editor, schema_model
from workspaces.permissions import Permission
from workspaces.routes import requires

app_name = "audiences"
MODEL = "studio/schema/<int:pk>"

read = requires(Permission.MEMBER)
configure = requires(Permission.CONFIGURE_SCHEMA)
read_configure = requires(Permission.MEMBER, write=Permission.CONFIGURE_SCHEMA)

urlpatterns = [
    path("studio/schema", read(schema.SchemaPage.as_view()), name="schema"),
    path("studio/schema/new", configure(schema.ChooseSource.as_view()), name="schema_new"),
    path("studio/schema/new/<int:pk>", configure(schema_editor.NewModel.as_view()), name="schema_define"),
    path(MODEL, read_configure(columns.ColumnsPage.as_view()), name="schema_model"),
    path(f"{MODEL}/values/<int:column>", read(columns.ColumnValues.as_view()), name="schema_values"),
    path(f"{MODEL}/relationships", read(relationships.RelationshipsPage.as_view()), name="schema_relationships"),
    path(f"{MODEL}/relationships/new", configure(relationships.NewRelationship.as_view()), name="relationship_new"),
    path(f"{MODEL}/relationships/through", configure(relationships.NewThrough.as_view()), name="relationship_through"),
    path(
        f"{MODEL}/relationships/<int:relationship_id>",
        configure(relationships.EditRelationship.as_view()),
        name="relationship",
    ),
    path(
        f"{MODEL}/relationships/<int:relationship_id>/delete",
        configure(relationships.DeleteRelationship.as_view()),
        name="relationship_delete",
    ),
    path(f"{MODEL}/rows", read(schema_model.RowsPage.as_view()), name="schema_rows"),
    path(f"{MODEL}/activity", read(schema_model.ActivityPage.as_view()), name="schema_activity"),
    path(
        f"{MODEL}/configuration", read_configure(schema_model.ConfigurationPage.as_view()), name="schema_configuration"
    ),
    path(f"{MODEL}/edit", configure(schema_editor.EditModel.as_view()), name="schema_edit"),
    path(f"{MODEL}/rename", configure(schema_model.RenameModel.as_view()), name="schema_rename"),
    path(f"{MODEL}/delete", configure(schema_model.DeleteModel.as_view()), name="schema_delete"),
    path(f"{MODEL}/labels", configure(schema_model.LabelModel.as_view()), name="schema_labels"),
    path(f"{MODEL}/do/<slug:action>", configure(schema_model.ModelAction.as_view()), name="schema_action"),
]
