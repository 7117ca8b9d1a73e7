"""Addresses of the studio, under ``/<workspace>/studio/``."""

from __future__ import annotations

from django.urls import path

from audiences.governance_urls import urlpatterns as governance
from audiences.views import (
    applying,
    audiences,
    calculations,
    cloning,
    columns,
    enrichments,
    experiments,
    history,
    insights,
    lists,
    organize,
    overview,
    people,
    priority,
    relationships,
    sampling,
    schema,
    schema_editor,
    schema_model,
    settings,
    starting,
    sync_templates,
    syncs,
    template_value,
    templates,
    traits,
    versions,
    waterfall,
)
from workspaces.permissions import Permission
from workspaces.routes import requires

app_name = "audiences"
MODEL = "studio/schema/<int:pk>"
AUDIENCE = "studio/audiences/<int:pk>"
TRAIT = "studio/traits/<int:pk>"
PARENT = "studio/parents/<int:pk>"
TEMPLATE = "studio/templates/syncs/<int:pk>"

read = requires(Permission.MEMBER)
configure = requires(Permission.CONFIGURE_SCHEMA)
admin = requires(Permission.MANAGE_WORKSPACE)
build = requires(Permission.CONFIGURE_AUDIENCES)
read_build = requires(Permission.MEMBER, write=Permission.CONFIGURE_AUDIENCES)
read_configure = requires(Permission.MEMBER, write=Permission.CONFIGURE_SCHEMA)
draft = requires(Permission.DRAFT_TO_DESTINATION)

urlpatterns = [
    *governance,
    path("studio/templates/syncs", read(sync_templates.SyncTemplateList.as_view()), name="sync_templates"),
    path("studio/templates/syncs/new", configure(sync_templates.NewSyncTemplate.as_view()), name="sync_template_new"),
    path(
        "studio/templates/syncs/new/<int:parent>/<int:destination>",
        configure(sync_templates.DefineTemplate.as_view()),
        name="sync_template_define",
    ),
    path(
        "studio/templates/syncs/value/<int:model>/<int:destination>",
        configure(template_value.TemplateValue.as_view()),
        name="sync_template_value",
    ),
    path(TEMPLATE, read(sync_templates.SyncTemplatePage.as_view()), name="sync_template"),
    path(f"{TEMPLATE}/edit", configure(sync_templates.EditTemplate.as_view()), name="sync_template_edit"),
    path(f"{TEMPLATE}/clone", configure(sync_templates.CloneTemplate.as_view()), name="sync_template_clone"),
    path(f"{TEMPLATE}/delete", configure(sync_templates.DeleteTemplate.as_view()), name="sync_template_delete"),
    path("studio/syncs/<int:pk>/detach", draft(applying.DetachSync.as_view()), name="templated_sync_detach"),
    path("studio/syncs/<int:pk>/follow", draft(applying.FollowTemplate.as_view()), name="templated_sync_follow"),
    path(f"{AUDIENCE}/templates", read_build(applying.ApplyTemplates.as_view()), name="audience_templates"),
    path(
        f"{AUDIENCE}/templates/<int:template>",
        build(applying.AddFromTemplate.as_view()),
        name="audience_template",
    ),
    path("studio", read(starting.StartPage.as_view()), name="start"),
    path("studio/audiences", read(audiences.AudienceList.as_view()), name="audiences"),
    path("studio/audiences/new", build(audiences.ChooseParent.as_view()), name="audience_new"),
    path("studio/audiences/new/<int:pk>", build(audiences.NewAudience.as_view()), name="audience_define"),
    path("studio/audiences/organize", build(organize.OrganizeAudiences.as_view()), name="audiences_organize"),
    path(AUDIENCE, read(overview.OverviewPage.as_view()), name="audience"),
    path(f"{AUDIENCE}/count", build(overview.CountNow.as_view()), name="audience_count"),
    path(f"{AUDIENCE}/definition", read_build(audiences.DefinitionPage.as_view()), name="audience_definition"),
    path(f"{AUDIENCE}/members", read(audiences.MembersPage.as_view()), name="audience_members"),
    path(f"{AUDIENCE}/syncs", read_build(syncs.AudienceSyncs.as_view()), name="audience_syncs"),
    path("studio/audiences/of/<int:pk>", read(syncs.AudienceOfModel.as_view()), name="audience_of_model"),
    path("studio/syncs/<int:sync_id>/waterfall", read_build(waterfall.SyncWaterfall.as_view()), name="sync_waterfall"),
    path(
        "studio/syncs/<int:sync_id>/waterfall/<slug:layer>",
        read(waterfall.LayerRows.as_view()),
        name="sync_waterfall_rows",
    ),
    path(f"{AUDIENCE}/activity", read(audiences.AudienceActivity.as_view()), name="audience_activity"),
    path(f"{AUDIENCE}/rename", build(audiences.RenameAudience.as_view()), name="audience_rename"),
    path(f"{AUDIENCE}/clone", build(cloning.CloneAudience.as_view()), name="audience_clone"),
    path(f"{AUDIENCE}/delete", build(audiences.DeleteAudience.as_view()), name="audience_delete"),
    path(f"{AUDIENCE}/insights", read(insights.InsightsTab.as_view()), name="audience_insights"),
    path(f"{AUDIENCE}/events", build(insights.CountEvents.as_view()), name="audience_events"),
    path(f"{PARENT}/explain", read(people.Explain.as_view()), name="explain"),
    path(f"{PARENT}/explain/rows", read(people.Evidence.as_view()), name="explain_rows"),
    path("studio/profiles", read(people.ProfilesPage.as_view()), name="profiles"),
    path("studio/profiles/<int:pk>", read(people.SearchPage.as_view()), name="profiles_of"),
    path("studio/profiles/<int:pk>/rows", read(people.FoundRows.as_view()), name="profile_rows"),
    path("studio/profiles/<int:pk>/one", read(people.ProfilePage.as_view()), name="profile"),
    path("studio/profiles/<int:pk>/one/<slug:part>", read(people.ProfilePart.as_view()), name="profile_part"),
    path(f"{PARENT}/insights", build(insights.InsightsPanel.as_view()), name="insights_panel"),
    path(f"{PARENT}/compare", build(insights.Compare.as_view()), name="insights_compare"),
    path(f"{PARENT}/break-down", build(insights.BreakDown.as_view()), name="insights_break_down"),
    path(f"{PARENT}/members", read(audiences.MembersPreview.as_view()), name="members_preview"),
    path(f"{PARENT}/calculate", build(calculations.Calculate.as_view()), name="calculate"),
    path("studio/calculations/<int:pk>", read(calculations.CalculationPage.as_view()), name="calculation"),
    path("studio/templates", read(templates.TemplateList.as_view()), name="templates"),
    path("studio/templates/new", build(templates.ChooseTemplateParent.as_view()), name="template_new"),
    path("studio/templates/new/<int:pk>", build(templates.NewTemplate.as_view()), name="template_define"),
    path("studio/templates/<int:pk>", read_build(templates.TemplatePage.as_view()), name="template"),
    path("studio/templates/<int:pk>/approve", configure(templates.ApproveTemplate.as_view()), name="template_approve"),
    path("studio/templates/<int:pk>/delete", build(templates.DeleteTemplate.as_view()), name="template_delete"),
    path("studio/lists", read(lists.ValueLists.as_view()), name="lists"),
    path("studio/lists/new", build(lists.ListPage.as_view()), name="list_new"),
    path("studio/lists/<int:pk>", read_build(lists.ListPage.as_view()), name="list"),
    path("studio/lists/<int:pk>/delete", build(lists.DeleteList.as_view()), name="list_delete"),
    path("settings/studio", admin(settings.StudioSettingsPage.as_view()), name="settings"),
    path("studio/experiments", read(experiments.ExperimentList.as_view()), name="experiments"),
    path(f"{AUDIENCE}/experiments", read_build(experiments.ExperimentTab.as_view()), name="audience_experiments"),
    path(
        f"{AUDIENCE}/experiments/do/<slug:action>",
        build(experiments.ExperimentAction.as_view()),
        name="audience_experiment_action",
    ),
    path(
        "studio/syncs/<int:sync_id>/groups",
        read_build(experiments.SyncGroupsPage.as_view()),
        name="sync_groups",
    ),
    path(f"{AUDIENCE}/versions", read(versions.AudienceVersions.as_view()), name="audience_versions"),
    path(f"{AUDIENCE}/versions/<int:version>", read_build(versions.AudienceVersion.as_view()), name="audience_version"),
    path(f"{AUDIENCE}/history", read_build(history.HistoryTab.as_view()), name="audience_history"),
    path(f"{AUDIENCE}/history/members", read(history.MembersOfMoment.as_view()), name="audience_members_of_moment"),
    path(
        "sources/<int:pk>/audience-logs",
        requires(Permission.MEMBER, write=Permission.MANAGE_SOURCE)(history.SourceAudienceLogs.as_view()),
        name="source_audience_logs",
    ),
    path("studio/priority-lists", read(priority.PriorityLists.as_view()), name="priority_lists"),
    path("studio/priority-lists/new", build(priority.NewList.as_view()), name="priority_new"),
    path("studio/priority-lists/new/<int:pk>", build(priority.DefineList.as_view()), name="priority_define"),
    path("studio/priority-lists/<int:pk>", read_build(priority.EditList.as_view()), name="priority_list"),
    path("studio/priority-lists/<int:pk>/delete", build(priority.DeleteList.as_view()), name="priority_list_delete"),
    path(f"{AUDIENCE}/traits", read(enrichments.EnrichmentsPage.as_view()), name="audience_enrichments"),
    path(f"{AUDIENCE}/traits/new", build(enrichments.NewEnrichment.as_view()), name="audience_enrichment_new"),
    path(
        f"{AUDIENCE}/traits/<slug:enrichment_id>/remove",
        build(enrichments.RemoveEnrichment.as_view()),
        name="audience_enrichment_remove",
    ),
    path("studio/traits", read(traits.TraitList.as_view()), name="traits"),
    path("studio/traits/new", build(traits.ChooseTraitModel.as_view()), name="trait_new"),
    path("studio/traits/new/<int:pk>", build(traits.NewTrait.as_view()), name="trait_define"),
    path("studio/traits/from", build(traits.ChooseTemplate.as_view()), name="trait_from"),
    path("studio/traits/from/<int:pk>", build(traits.NewFromTemplate.as_view()), name="trait_follow"),
    path(TRAIT, read_build(traits.TraitPage.as_view()), name="trait"),
    path(f"{TRAIT}/usage", read(traits.TraitUsage.as_view()), name="trait_usage"),
    path(f"{TRAIT}/activity", read(traits.TraitActivity.as_view()), name="trait_activity"),
    path(f"{TRAIT}/rename", build(traits.RenameTrait.as_view()), name="trait_rename"),
    path(f"{TRAIT}/clone", build(traits.CloneTrait.as_view()), name="trait_clone"),
    path(f"{TRAIT}/delete", build(traits.DeleteTrait.as_view()), name="trait_delete"),
    path(f"{TRAIT}/do/<slug:action>", build(traits.TraitAction.as_view()), name="trait_action"),
    path(f"{MODEL}/trait-values", read(traits.TraitPreviewPage.as_view()), name="trait_preview"),
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
    path(f"{MODEL}/sampling", read_configure(sampling.SamplingPage.as_view()), name="schema_sampling"),
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
