"""Addresses of the REST endpoints of the studio, below ``/api/v1/``."""

from django.urls import path

from audiences.api import (
    audiences,
    cloning,
    experiments,
    governance,
    insights,
    lists,
    memberships,
    priority,
    schema,
    settings,
    subsets,
    sync_templates,
    templates,
    traits,
    versions,
)

MODEL = "schema-models/<api_id:schema_model_id>"

AUDIENCE = "audiences/<api_id:audience_id>"
TEMPLATE = "sync-templates/<api_id:template_id>"

urlpatterns = [
    path("audiences", audiences.AudienceListView.as_view(), name="audiences"),
    path(AUDIENCE, audiences.AudienceView.as_view(), name="audience"),
    path(f"{AUDIENCE}/clone", cloning.CloneAudienceView.as_view(), name="audience_clone"),
    path(f"{AUDIENCE}/size", audiences.AudienceSizeView.as_view(), name="audience_size"),
    path(f"{AUDIENCE}/enrichments", traits.EnrichmentListView.as_view(), name="audience_enrichments"),
    path(f"{AUDIENCE}/enrichments/<slug:enrichment_id>", traits.EnrichmentView.as_view(), name="audience_enrichment"),
    path(f"{AUDIENCE}/versions", versions.AudienceVersionsView.as_view(), name="audience_versions"),
    path(f"{AUDIENCE}/versions/<api_id:version_id>", versions.AudienceVersionView.as_view(), name="audience_version"),
    path(f"{AUDIENCE}/sizes", insights.AudienceSizesView.as_view(), name="audience_sizes"),
    path(f"{AUDIENCE}/overlap", insights.OverlapView.as_view(), name="audience_overlap"),
    path(f"{AUDIENCE}/breakdown", insights.BreakdownView.as_view(), name="audience_breakdown"),
    path(f"{AUDIENCE}/explanation", insights.ExplanationView.as_view(), name="audience_explanation"),
    path("calculations/<api_id:calculation_id>", insights.CalculationView.as_view(), name="calculation"),
    path("traits", traits.TraitListView.as_view(), name="traits"),
    path("traits/<api_id:trait_id>", traits.TraitView.as_view(), name="trait"),
    path(f"{AUDIENCE}/model", audiences.AudienceModelView.as_view(), name="audience_model"),
    path(f"{AUDIENCE}/memberships/<str:user_id>", memberships.MembershipView.as_view(), name="audience_membership"),
    path(f"{AUDIENCE}/experiment", experiments.AudienceExperimentView.as_view(), name="audience_experiment"),
    path("syncs/<api_id:sync_id>/experiment-groups", experiments.SyncGroupsView.as_view(), name="sync_groups"),
    path(f"{AUDIENCE}/sync-templates", sync_templates.AudienceTemplatesView.as_view(), name="audience_sync_templates"),
    # Last of those below an audience's address: everything else there would be taken for somebody's key.
    path("audiences/<api_id:parent_model_id>/<str:user_id>", memberships.MembershipsView.as_view(), name="memberships"),
    path("audience-templates", templates.TemplateListView.as_view(), name="audience_templates"),
    path("audience-templates/<api_id:template_id>", templates.TemplateView.as_view(), name="audience_template"),
    path("sync-templates", sync_templates.SyncTemplateListView.as_view(), name="sync_templates"),
    path(TEMPLATE, sync_templates.SyncTemplateView.as_view(), name="sync_template"),
    path(f"{TEMPLATE}/syncs", sync_templates.FollowersView.as_view(), name="sync_template_syncs"),
    path(f"{TEMPLATE}/syncs/<api_id:sync_id>", sync_templates.FollowerView.as_view(), name="sync_template_sync"),
    path("value-lists", lists.ValueListsView.as_view(), name="value_lists"),
    path("value-lists/<api_id:list_id>", lists.ValueListView.as_view(), name="value_list"),
    path("studio-settings", settings.StudioSettingsView.as_view(), name="studio_settings"),
    path("priority-lists", priority.PriorityListsView.as_view(), name="priority_lists"),
    path("priority-lists/<api_id:priority_list_id>", priority.PriorityListView.as_view(), name="priority_list"),
    path("subset-categories", subsets.CategoryListView.as_view(), name="subset_categories"),
    path("subset-categories/<api_id:subset_category_id>", subsets.CategoryView.as_view(), name="subset_category"),
    path("subsets", subsets.SubsetListView.as_view(), name="subsets"),
    path("subsets/<api_id:subset_id>", subsets.SubsetView.as_view(), name="subset"),
    path("destination-rules", governance.RuleListView.as_view(), name="destination_rules"),
    path("destination-rules/<api_id:rule_id>", governance.RuleView.as_view(), name="destination_rule"),
    path("schema-columns", governance.ColumnListView.as_view(), name="schema_columns"),
    path("schema-models", schema.SchemaModelListView.as_view(), name="schema_models"),
    path(MODEL, schema.SchemaModelView.as_view(), name="schema_model"),
    path(f"{MODEL}/columns", schema.SchemaColumnsView.as_view(), name="schema_model_columns"),
    path(f"{MODEL}/profile", insights.ProfileView.as_view(), name="schema_model_profile"),
    path(f"{MODEL}/refresh", schema.RefreshView.as_view(), name="schema_model_refresh"),
    path("schema-relationships", schema.RelationshipListView.as_view(), name="relationships"),
    path("schema-relationships/<api_id:relationship_id>", schema.RelationshipView.as_view(), name="relationship"),
]
