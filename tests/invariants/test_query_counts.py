"""What each page costs the database, for somebody who may do everything and is let in everywhere.

The numbers are recorded, so that every change shows in the diff.

Record anew with ``RECORD_QUERY_COUNTS=1 pytest tests/invariants/test_query_counts.py``.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.invariants.addresses import NOTHING_THERE, Route, matrix_routes
from tests.invariants.walks import every, stretches
from tests.world import Place, World
from workspaces.scoping import workspace_scope

FILE = Path(__file__).with_name("query_counts.json")
COMMAND = "RECORD_QUERY_COUNTS=1 pytest tests/invariants/test_query_counts.py"
RECORDING = os.environ.get("RECORD_QUERY_COUNTS") == "1"
LIST_LIMIT = 15
LISTS = (
    "audiences:audiences",
    "audiences:experiments",
    "audiences:priority_lists",
    "audiences:destination_rules",
    "audiences:governance",
    "audiences:subset_categories",
    "audiences:schema",
    "audiences:sync_template",
    "audiences:sync_templates",
    "audiences:traits",
    "connectors:sources",
    "connectors:destinations",
    "environments:deployments",
    "governance:audit_log",
    "governance:organization_audit_log",
    "notifications:channels",
    "notifications:streams",
    "notifications:webhooks",
    "syncs:models",
    "syncs:overview",
    "syncs:sequence",
    "syncs:sequences",
    "syncs:sync",
    "syncs:syncs",
    "workspaces:access",
    "workspaces:access_people",
    "workspaces:api_keys",
    "workspaces:groups",
    "workspaces:invitations",
    "workspaces:people",
    "workspaces:role_side",
    "workspaces:roles",
    "workspaces:workspaces",
)
READ = [r for r in matrix_routes() if r.in_workspace]


@pytest.fixture
def client(shared_world: World) -> Client:
    """The owner at work: the first page of a session writes down that it is used."""
    client = Client()
    client.force_login(shared_world.owner)
    client.get(f"/{shared_world.acme.slug}/settings/api-keys")
    return client


def visited(client: Client, address: str, expected: int | None) -> tuple[HttpResponse, CaptureQueriesContext]:
    """A visit and its statements; where they are not as many as expected a second one, as the first fills caches."""
    answer, queries = _visit(client, address)
    return (answer, queries) if len(queries) == expected else _visit(client, address)


def _visit(client: Client, address: str) -> tuple[HttpResponse, CaptureQueriesContext]:
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(address)
    if answer.streaming:
        list(answer)  # a file is closed once it was read
    return answer, queries  # type: ignore[return-value]


def recorded() -> dict[str, int]:
    return json.loads(FILE.read_text()) if FILE.exists() else {}


def statements_of(queries: CaptureQueriesContext) -> str:
    return "\n".join(query["sql"][:300] for query in queries.captured_queries)


@pytest.mark.parametrize("stretch", stretches(READ))
def test_pages_let_in_who_may_and_cost_what_is_recorded(
    shared_world: World, client: Client, stretch: list[Route]
) -> None:
    every(stretch, lambda route: costs_what_is_recorded(route, client, route.address(shared_world.acme)))


def costs_what_is_recorded(route: Route, client: Client, address: str) -> None:
    expected = recorded().get(route.name)
    answer, queries = visited(client, address, expected)
    status = answer.status_code
    assert status not in (401, 403), "the owner may read everything"
    assert (status == 404) == (route.name in NOTHING_THERE), status
    assert status < 500, status
    if status != 200:
        assert expected is None, f"it cannot be read any more: {COMMAND}"
        return
    if RECORDING:
        assert not os.environ.get("CI"), "counts are recorded by people, who look at them"
        FILE.write_text(json.dumps({**recorded(), route.name: len(queries)}, indent=2, sort_keys=True) + "\n")
        return
    assert expected == len(queries), f"{statements_of(queries)}\nIf this is right: {COMMAND}"


def test_lists_cost_few_statements_and_no_more_with_more_rows(shared_world: World, client: Client) -> None:
    listing = [next(route for route in READ if route.name == name) for name in LISTS]
    add_rows(shared_world.acme)

    def costs_no_more(route: Route) -> None:
        few = recorded()[route.name]
        _, more = visited(client, route.address(shared_world.acme), few)
        assert len(more) == few, f"{few} before, now:\n{statements_of(more)}"
        assert few < LIST_LIMIT, statements_of(more)

    every(listing, costs_no_more)


def test_recorded_pages_exist() -> None:
    assert sorted(set(recorded()) - {route.name for route in READ}) == []


def add_rows(place: Place) -> None:
    """Copies of what the lists show."""
    from audiences.models import (
        Audience,
        DestinationRule,
        Experiment,
        PriorityList,
        Relationship,
        SchemaColumn,
        SchemaModel,
        SubsetCategory,
        SyncTemplate,
        TemplatedSync,
        Trait,
    )
    from connectors.models import Destination, Source
    from governance.environments.models import Deployment
    from notifications.models import Channel
    from syncs.models import Model, Run, Sequence, SequenceRun, SequenceStep, Sync
    from workspaces.models import ApiKey

    with workspace_scope(place.workspace.pk):
        for number in range(3):
            names = {"name": f"Copy {number}", "slug": f"copy-{number}"}
            source = copy(Source, place.rows["source"].pk, **names)
            destination = copy(Destination, place.rows["destination"].pk, **names)
            model = copy(Model, place.rows["model"].pk, source=source, **names)
            sync = copy(Sync, place.rows["sync"].pk, model=model, destination=destination, **names)
            copy(Run, place.rows["run"].pk, sync=sync)
            ended = {"status": "succeeded", "finished_at": timezone.now()}
            copy(Run, place.rows["run"].pk, number=100 + number, **ended)
            sequence = copy(Sequence, place.rows["sequence"].pk, **names)
            copy(SequenceStep, place.rows["sequence"].steps.first().pk, sequence=sequence)
            copy(SequenceRun, place.rows["sequence_run"].pk, number=100 + number, **ended)
            schema = copy(SchemaModel, place.rows["schema_related"].pk, **names)
            copy(Audience, place.rows["audience"].pk, name=f"Copy {number}", model=None)
            made = copy(Audience, place.rows["audience"].pk, name=f"Divided {number}", model=None)
            copy(Experiment, place.rows["experiment"].pk, audience=made)
            copy(PriorityList, place.rows["priority_list"].pk, name=f"Copy {number}")
            copy(SubsetCategory, place.rows["subset_category"].pk, name=f"Copy {number}")
            copy(DestinationRule, place.rows["destination_rule"].pk, name=f"Copy {number}")
            copy(SyncTemplate, place.rows["sync_template"].pk, name=f"Copy {number}")
            followed = copy(Sync, place.rows["templated_sync"].pk, **{**names, "slug": f"followed-{number}"})
            copy(TemplatedSync, place.rows["templated_sync"].templated.pk, sync=followed)
            copy(SchemaColumn, place.rows["schema_column"].pk, name=f"copy_{number}")
            copy(Trait, place.rows["trait"].pk, name=f"Copy {number}")
            copy(Relationship, place.rows["schema_relationship"].pk, from_model=schema)
            copy(Deployment, place.rows["deployment"].pk)
            copy(Channel, place.rows["channel"].pk, name=f"Copy {number}")
            copy(ApiKey, place.rows["api_key"].key.pk, digest=str(number))


def copy(kind: type, pk: int, **changed: object) -> object:
    """A row like another, with some of it changed."""
    row = kind.objects.get(pk=pk)  # type: ignore[attr-defined]
    row.pk = None
    row._state.adding = True
    for name, value in changed.items():
        setattr(row, name, value)
    row.save()
    return row
