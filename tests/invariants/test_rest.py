"""Everything the pages can do is in the REST API: each service that a page leads to, an endpoint leads to as well."""

from __future__ import annotations

from tests.invariants import reach

ONLY_PAGES = {
    # What belongs to a person at a browser.
    "connectors.services.connections.finish_destination": "a step of the set-up, which the API does in one call",
    "connectors.services.connections.finish_source": "a step of the set-up, which the API does in one call",
    "connectors.services.signing_in.connect_destination": "a person signs in at the service's own page",
    "connectors.services.signing_in.connect_source": "a person signs in at the service's own page",
    "workspaces.services.accounts.update_profile": "a person's own name and time zone",
    "workspaces.services.directory.admit_person": "part of signing in",
    "workspaces.services.hints.dismiss_hint": "a person's own hints",
    "workspaces.services.hints.restore_hint": "a person's own hints",
    "workspaces.services.looking.end_look": "a browser session looks at the product as another person sees it",
    "workspaces.services.looking.start_look": "a browser session looks at the product as another person sees it",
    "workspaces.services.organizations.create_organization": "a key belongs to an organization, and cannot found one",
    "workspaces.services.providers.note_test": "an admin comes back from the identity provider in a browser",
    "workspaces.services.providers.refuse_provider": "part of signing in",
    "workspaces.services.sessions.end_provider_sessions": "the identity provider asks for it, by its own protocol",
    "workspaces.services.views.set_default_view": "a person's own saved filters",
    # What an endpoint does by a service that does more.
    "connectors.services.connections.rename_destination": "PATCH /destinations/{id} changes the name with the settings",
    "connectors.services.connections.rename_source": "PATCH /sources/{id} changes the name with the settings",
    "governance.log.services.record_export": "GET /audit-entries reads the same entries page by page",
    "syncs.services.runs.record_export": "GET /syncs/{id}/runs/{run}/rows reads the same rows page by page",
    "workspaces.services.groups.change_group_members": "PATCH /groups/{id} sets the members as a whole",
}

# What a program should be able to do and cannot yet.
NOT_YET = {
    "audiences.services.audiences.count_rows": "counting the rows for which a subset's or rule's conditions hold",
    "audiences.services.explaining.view_evidence": "the rows that make somebody a member of an audience",
    "audiences.services.looks.look_at_values": "having the values of a schema model looked at again",
    "audiences.services.previews.record_model_preview": "rows of a schema model",
    "audiences.services.previews.record_source_preview": "rows of a query before a schema model is made of it",
    "audiences.services.profiles.view_related": "rows of other models that belong to a profile",
    "audiences.services.traits.clone_trait": "copying a trait",
    "audiences.services.traits.suggest_trait_values": "having the values that a trait suggests found again",
    "connectors.services.schema.store_schema": "the tables of a source, read anew",
    "connectors.services.schema.store_table": "the columns of a table, read anew",
    "connectors.services.signing_in.disconnect_destination": "removing the tokens of a sign-in at the service",
    "connectors.services.signing_in.disconnect_source": "removing the tokens of a sign-in at the service",
    "connectors.services.tunnels.replace_tunnel_key": "a new key for a tunnel that Headrace opens",
    "notifications.services.channels.store_test": "a test message to a notification channel",
    "notifications.services.outbox.retry_notification": "sending a notification again that was given up",
    "syncs.services.cloning.copy_columns": "copying a model with what was said about its columns",
    "syncs.services.logs.write_logs_again": "writing a run's logs again after they were given up",
    "syncs.services.models.record_model_preview": "rows of a model",
    "syncs.services.models.record_source_preview": "rows of a query before a model is made of it",
    "syncs.services.models.store_refreshed_columns": "the columns of a model, read anew",
}
EXCEPTIONS = {**ONLY_PAGES, **NOT_YET}


def test_what_pages_do_the_rest_api_does() -> None:
    missing = reach.services_of(reach.is_page) - reach.services_of(reach.is_rest)
    assert sorted(missing - EXCEPTIONS.keys()) == [], "give it an endpoint in the app's api.py"
    assert sorted(EXCEPTIONS.keys() - missing) == [], "the exception is no longer needed"


def test_the_graph_sees_calls_through_imports_tables_and_helpers() -> None:
    pages, endpoints = reach.services_of(reach.is_page), reach.services_of(reach.is_rest)
    assert len(pages) > 200
    assert {
        "syncs.services.syncs.delete_sync",  # through the package that hands it on
        "notifications.services.streams.store_stream_test",  # through a helper that is no service
        "connectors.services.connections.delete_source",  # through a table of functions
    } <= pages
    assert "notifications.services.streams.create_stream" in endpoints
    assert "workspaces.services.looking.start_look" not in endpoints
