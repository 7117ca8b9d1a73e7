"""Set up and start one sync against a running installation: ``python -m tests.config.slow_sync CSV URL``."""

from __future__ import annotations

import os
import sys

import django

ROWS_A_REQUEST = 5


def main(table: str, url: str) -> None:
    """Create an organization with a source over ``table`` and a destination at ``url``, and start the sync."""
    from connectors.services import check_source, create_destination, create_source, refresh_schema
    from governance.audit.actors import system
    from syncs.configuration import Proposal
    from syncs.definitions import Definition
    from syncs.services.models import create_model
    from syncs.services.runs import start_run
    from syncs.services.syncs import create_sync
    from workspaces.actors import person
    from workspaces.scoping import workspace_scope
    from workspaces.services import create_organization, create_person

    setup = system("test")
    owner = create_person(actor=setup, email="owner@example.com", name="Owner", password="not-a-common-one")
    workspace = create_organization(actor=setup, owner=owner, name="Slow", workspace_name="Slow", slug="slow")
    with workspace_scope(workspace.pk):
        actor = person(owner)
        files = [{"name": "people", "value": table}]
        source = create_source(actor=actor, type="duckdb", name="Files", values={"mode": "files", "files": files})
        check_source(actor=actor, source=source)
        refresh_schema(actor=actor, source=source)
        model = create_model(
            actor=actor,
            source=source,
            name="People",
            definition=Definition.parse(method="sql", sql="SELECT id, name FROM people"),
            primary_key="id",
        )
        destination = create_destination(actor=actor, type="http_request", name="Slow", values={"base_url": url})
        body = "[{% for row in rows %}{{ row.id }}{% unless forloop.last %},{% endunless %}{% endfor %}]"
        added: dict[str, object] = {"endpoint": "/rows", "payload": "json_editor", "json": body}
        added |= {"batching": "batch", "batch_size": ROWS_A_REQUEST}
        proposal = Proposal(
            sync_type="requests", mode="custom", first_run="backfill", settings={"added": added, "timeout": 600}
        )
        sync = create_sync(actor=actor, model=model, destination=destination, proposal=proposal, name="Slow")
        start_run(actor=actor, sync=sync)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    main(*sys.argv[1:])
