"""Every address of the product, asked by somebody who may do everything but see rows: no row value is in any answer.

Pages and endpoints that are read are found in the URL table. What answers when something is sent is told apart by
hand, so that a new address of an app that holds rows has to be put into one of the two tables below.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from django.http import HttpResponseBase
from django.test import Client

from tests.connectors.app.connections import a_destination, files_folder
from tests.invariants.addresses import Route, matrix_routes
from tests.support.http import serving
from tests.workspaces.test_object_grants import custom_role
from tests.world import Place, World, build_world
from workspaces import services as people
from workspaces.grants import grantable
from workspaces.permissions import Permission
from workspaces.scopes import KeyScope
from workspaces.scoping import workspace_scope

MARK = "zqmark"
ROWS = [(1, f"{MARK}-ada@example.com"), (2, f"{MARK}-refused@example.com"), (71, f"{MARK}-late@example.com")]
QUERY = "SELECT id, email, CASE WHEN id = 71 THEN CAST(email AS INT) ELSE 1 END AS n FROM marked"
HOLD_ROWS = ("syncs:*", "audiences:*", "privacy:*", "approvals:*", "api:*")
Body = Mapping[str, Any]

EMAIL_EXISTS = (
    '{"where": {"type": "group", "conditions": '
    '[{"type": "property", "field": {"column": "email"}, "test": {"operator": "exists"}}]}}'
)
# What gives rows to a question that names ids: tests/audiences/app/test_people.py asks it.
ASKED_ELSEWHERE = {"audiences:explain_rows"}
# What gives rows when something is sent: what is sent there.
GIVE_ROWS: Mapping[str, Body] = {
    "syncs:model_define": {"sql": "SELECT * FROM marked", "action": "preview"},
    "syncs:model_edit": {"sql": "SELECT * FROM marked", "action": "preview"},
    "syncs:model_rows": {},
    "audiences:schema_define": {"sql": "SELECT * FROM marked", "action": "preview"},
    "audiences:schema_edit": {"sql": "SELECT * FROM marked", "action": "preview"},
    "audiences:schema_rows": {},
    "audiences:members_preview": {"tree": "{}"},
    "audiences:trait_preview": {"tree": '{"definition": {"method": "formula", "sql": "email", "result": "string"}}'},
    "audiences:explain": {"key": "1", "tree": EMAIL_EXISTS},
    "api:schema_model_profile": {"key": "1"},
    "api:audience_explanation": {"key": "1"},
    "api:audience_preview": {},
    "api:schema_model_profiles": {},
    "syncs:mapping_value": {"action": "sample"},
    "syncs:sync_try": {"row": "1", "operation": "added"},
    "api:sync_test_row": {"key": "1", "operation": "added"},
}
# What changes or starts something, and answers with its name, its settings or a redirect.
GIVE_NONE = (
    "audiences:audience*",
    "audiences:calculat*",
    "audiences:priority_*",
    "audiences:sync_groups",
    "audiences:source_audience_logs",
    "audiences:sync_waterfall",
    "audiences:sync_template*",
    "audiences:templated_sync*",
    "api:sync_template*",
    "audiences:insights_*",
    "audiences:template*",
    "audiences:list*",
    "api:value_list*",
    "api:area",
    "api:api_keys",
    "api:service_accounts",
    "api:organization",
    "api:approval_policy",
    "api:audit_log*",
    "api:evidence",
    "api:look_up_evidence",
    "audiences:settings",
    "api:studio_settings",
    "audiences:trait",
    "audiences:trait_define",
    "audiences:trait_follow",
    "audiences:trait_rename",
    "audiences:trait_clone",
    "audiences:trait_delete",
    "audiences:trait_action",
    "api:audience*",
    "api:priority_list*",
    "api:trait*",
    "audiences:schema_model",
    "audiences:schema_configuration",
    "audiences:schema_sampling",
    "audiences:schema_rename",
    "audiences:schema_delete",
    "audiences:schema_labels",
    "audiences:schema_action",
    "audiences:relationship*",
    "audiences:governance",
    "audiences:count_rows",
    "audiences:destination_rule*",
    "audiences:subset*",
    "api:subset*",
    "api:destination_rule*",
    "api:relationship*",
    "api:schema_model*",
    "syncs:syncs",
    "syncs:sequence*",
    "syncs:*_organize",
    "syncs:*_new",
    "syncs:*_clone",
    "syncs:*_columns",
    "syncs:*_rename",
    "syncs:*_delete",
    "syncs:sync_configure",
    "syncs:sync_edit",
    "syncs:sync_guardrails",
    "syncs:sync_schedule",
    "syncs:*_logs",
    "syncs:sync_alerts",
    "syncs:sync_mute",
    "syncs:destination_alerting",
    "syncs:destination_extraction",
    "api:destination_extraction*",
    "syncs:sync_action",
    "syncs:preview_start",
    "syncs:*_cancel",
    "syncs:run_decide",
    "syncs:*_version",
    "syncs:storage*",
    "privacy:people",
    "privacy:erasure",
    "privacy:decide",
    "privacy:retention",
    "privacy:case",
    "privacy:report",
    "privacy:evidence*",
    "privacy:*holdings",
    "approvals:*",
    "api:alert*",
    "api:audit_stream*",
    "api:change_request*",
    "api:cloud_credential*",
    "api:*channel*",
    "api:deployment*",
    "api:email_domains",
    "api:verify_domain",
    "api:erasure*",
    "api:holding_delete",
    "api:look_ups",
    "api:retention",
    "api:storage*",
    "api:destination*",
    "api:favourite*",
    "api:folder*",
    "api:group*",
    "api:identity_provider",
    "api:invitation*",
    "api:links*",
    "api:member*",
    "api:approve_membership_request",
    "api:model*",
    "api:renew_invitation",
    "api:role*",
    "api:run_*",
    "api:saved_filter*",
    "api:scim_token",
    "api:sequence*",
    "api:sign_in_rules",
    "api:source*",
    "api:space*",
    "api:sync",
    "api:sync_version",
    "api:syncs",
    "api:sync_alert*",
    "api:sync_groups",
    "api:sync_logs",
    "api:sync_pause",
    "api:sync_previews",
    "api:sync_reset",
    "api:sync_resume",
    "api:sync_retry",
    "api:sync_trigger",
    "api:sync_waterfall",
    "api:trigger",
    "api:tunnel*",
    "api:webhook*",
    "api:workspace*",
)
# What is read, and shows row values to those who may see them.
SHOW_ROWS = {
    "audiences:profile_rows",
    "audiences:schema_values",
    "syncs:run",
    "syncs:run_row",
    "syncs:run_request",
    "syncs:run_export",
    "syncs:preview",
    "syncs:preview_row",
    "syncs:sync_try",
    "approvals:request",
    "api:sync_preview",
    "api:run_rows",
    "api:run_row",
    "api:run_requests",
}


# What offers values that several rows share to whoever builds audiences, as filters do: counts, and no row.
SUGGEST = {"audiences:schema_values", "audiences:audience_definition", "audiences:audience_define"}
SUGGEST |= {"audiences:template", "audiences:template_define"}


class _Service(BaseHTTPRequestHandler):
    """Takes every row but one, which it quotes."""

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        self.send_response(422 if "refused" in sent else 201)
        body = f'{{"message": "Cannot take {sent} at once"}}'.encode()
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


@dataclass
class House:
    """The marked rows, and who asks for them."""

    place: Place
    rows: Mapping[str, Any]
    broken: Mapping[str, Any]
    clients: Mapping[str, Client]
    keys: Mapping[str, str]

    def address(self, route: Route, *, broken: bool = False) -> str:
        """The address, with the ids of marked rows."""
        place = Place(self.place.workspace, self.place.owner)
        place.rows.update({**self.place.rows, **(self.broken if broken else self.rows)})
        address = route.address(place)
        for name, value in (("row", "added-succeeded-0-0"), ("row", "1:0"), ("exchange", "00001:00000:0")):
            if name in route.parameters:
                address = address.replace(value, str(self.rows[f"{route.name.split(':')[1].split('_')[0]} {name}"]))
        return address

    def ask(self, who: str, route: Route, address: str, sent: Body | None = None) -> str:
        """What is answered, headers too."""
        if route.is_rest:
            client, headers = Client(), {"Authorization": f"Bearer {self.keys[who]}"}
            kind: dict[str, Any] = {"content_type": "application/json"} if sent is not None else {}
        else:
            client, headers, kind = self.clients[who], {}, {}
        answer: HttpResponseBase = (
            client.get(address, headers=headers)
            if sent is None
            else client.post(address, sent, headers=headers, **kind)
        )
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content  # type: ignore[attr-defined]
        return f"{dict(answer.items())}\n{body.decode(errors='replace')}"


@pytest.fixture
def house(transactional_db: None, settings: Any) -> Iterator[House]:
    """Marked rows delivered, refused, previewed, drafted, looked up, and a run that stumbled over one."""
    with serving(_Service) as port:
        settings.OUTBOUND_ALLOW = [f"127.0.0.1:{port}"]
        settings.API_RATE_LIMIT = "100000/10s"
        world = build_world()
        with workspace_scope(world.acme.workspace.pk):
            yield _house(world, f"http://127.0.0.1:{port}")


def _write(rows: list[tuple[int, str]]) -> str:
    lines = [f"{key},{email}" for key, email in rows]
    (files_folder() / "marked.csv").write_text("\n".join(["id,email", *lines]) + "\n")
    return "marked.csv"


def _house(world: World, service: str) -> House:
    """The rows on every surface, and two who ask for them: one may see rows, the other everything else."""
    from connectors import services as connectors

    place, actor = world.acme, world.acme.actor
    place.build_all()
    values = {"mode": "files", "files": [{"name": "marked", "value": _write(ROWS[:2])}]}
    source = connectors.create_source(actor=actor, type="duckdb", values=values, name="Marked")
    source = connectors.refresh_schema(actor=actor, source=source)
    destination = a_destination(place, name="Marked", base_url=service)
    sent, stumbled = _sent(actor, source, destination)
    shown = {"source": source, "destination": destination, **sent, **_asked(actor), **_studio(actor, source)}
    custom_role(
        world, "All but rows", *(p for p in grantable() if p not in (Permission.VIEW_ROWS, Permission.VIEW_MEMBERS))
    )
    clients = {}
    for name, user in (("seeing", world.owner), ("blind", world["member"])):
        clients[name] = Client()
        clients[name].force_login(user)
    keys = {
        name: people.create_api_key(actor=actor, workspace=place.workspace, name=name, scopes=scopes).secret
        for name, scopes in (
            ("seeing", list(KeyScope)),
            ("blind", [scope for scope in KeyScope if scope is not KeyScope.ROWS]),
        )
    }
    return House(place, shown, {**shown, **stumbled}, clients, keys)


def _sent(actor: Any, source: Any, destination: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """A sync that delivered, was previewed and is drafted, and one whose source quotes what it stumbles over."""
    from governance.approvals import services as approvals
    from syncs import selectors, services
    from syncs.schedules import Schedule
    from syncs.selectors.previews import preview_rows

    sync, broken = (
        _sync_of(actor, source, destination, sql, name)
        for sql, name in (("SELECT * FROM marked", "Marked"), (QUERY, "Broken"))
    )
    run = _run(actor, sync)
    _write(ROWS)
    failed = _run(actor, broken)
    assert MARK in failed.error_message, "the warehouse quotes what it stumbles over"
    draft = services.draft_sync(actor=actor, sync=sync, change=services.SyncChange(schedule=Schedule.every(1, "day")))
    draft = approvals.submit_draft(actor=actor, draft=draft, revision=1, reviewers=[])
    preview, not_made = (_preview(actor, each) for each in (sync, broken))
    assert MARK in not_made.error_message
    [row, *_] = [row for row in selectors.run_rows(actor, run).rows if row.key == "2"]
    [exchange, *_] = selectors.run_exchanges(actor, run).exchanges
    shown = {
        "model": sync.model,
        "sync": sync,
        "run": run,
        "preview": preview,
        "draft": draft,
        "run row": row.id,
        "run exchange": exchange.id,
        "preview row": preview_rows(actor, preview).rows[0].id,
    }
    return shown, {"model": broken.model, "sync": broken, "run": failed, "preview": not_made}


def _sync_of(actor: Any, source: Any, destination: Any, sql: str, name: str) -> Any:
    from syncs import services
    from syncs.choices import ModelMethod
    from syncs.configuration import Proposal
    from syncs.definitions import Definition

    request = {"endpoint": "/people/{{ row.email }}", "payload": "json_editor", "json": "{{ row.email | json }}"}
    definition = Definition(method=ModelMethod.SQL, sql=sql)
    model = services.create_model(actor=actor, source=source, name=name, definition=definition, primary_key="id")
    proposal = Proposal(sync_type="requests", mode="custom", first_run="backfill", settings={"added": request})
    return services.create_sync(actor=actor, model=model, destination=destination, proposal=proposal)


def _run(actor: Any, sync: Any) -> Any:
    from syncs import services
    from syncs.models import Run
    from tests.syncs.app.shop import work_off

    run = services.start_run(actor=actor, sync=sync)
    work_off()
    return Run.objects.get(pk=run.pk)


def _preview(actor: Any, sync: Any) -> Any:
    from syncs import services, tasks
    from syncs.models import Preview

    made = services.start_preview(actor=actor, sync=sync)
    for waiting in Preview.objects.filter(sync=sync):  # that of its draft, too
        tasks.work_on_preview.fn(waiting.workspace_id, waiting.pk)
    return Preview.objects.get(pk=made.pk)


def _asked(actor: Any) -> dict[str, Any]:
    """A person who was looked up."""
    from governance.privacy import services as privacy
    from governance.privacy import tasks

    case = privacy.start_look_up(actor=actor, value="1")
    tasks.work_on_case.fn(case.workspace_id, case.pk)
    return {"person_case": case}


def _studio(actor: Any, source: Any) -> dict[str, Any]:
    """The rows as a parent model, and an audience of it."""
    from audiences.services.audiences import create_audience

    schema = _looked_at_schema(actor, source)
    made = create_audience(actor=actor, parent=schema, name="Marked", definition=json.loads(EMAIL_EXISTS))
    return {
        "schema_model": schema,
        "schema_column": schema.columns.get(name="email"),
        "schema_relationship": schema.relationships_to.get(),
        "audience": made,
    }


def _looked_at_schema(actor: Any, source: Any) -> Any:
    """A parent model over the marked rows, of whose addresses some are suggested, and what belongs to it."""
    from audiences import looking, services
    from audiences.choices import Cardinality, ModelKind
    from syncs.choices import ModelMethod
    from syncs.definitions import Definition

    twice = Definition(method=ModelMethod.SQL, sql="SELECT * FROM marked UNION ALL SELECT id + 100, email FROM marked")
    common: Any = {"actor": actor, "source": source, "definition": twice}
    settings = services.Settings(name="Marked", primary_key=("id",))
    parent = services.create_schema_model(**common, kind=ModelKind.PARENT, settings=settings)
    tie = services.Tie(other=parent, cardinality=Cardinality.ONE_TO_ONE, keys=(("id", "id"),))
    beside = services.Settings(name="Beside", primary_key=("id",))
    services.create_schema_model(**common, kind=ModelKind.RELATED, settings=beside, tie=tie)
    looking.work(parent.pk)
    return parent


READ = [route for route in matrix_routes() if route.in_workspace or route.is_rest]
BY_NAME = {route.name: route for route in READ}


def _takes(route: Route) -> bool:
    """Whether something can be sent there."""
    return _answers(route, "post", "put", "patch")


def _gives(route: Route) -> bool:
    """Whether it can be read."""
    return _answers(route, "get")


def _answers(route: Route, *methods: str) -> bool:
    view = getattr(route.view, "view_class", None) or getattr(route.view, "cls", None)
    return view is None or any(hasattr(view, method) for method in methods)


def _is_of_sync(route: Route) -> bool:
    return route.name.startswith(("syncs:sync", "syncs:run", "syncs:preview", "api:sync_", "syncs:model_"))


def test_what_takes_something_is_known_to_give_rows_or_not() -> None:
    taking = {r.name for r in READ if _takes(r) and any(fnmatchcase(r.name, app) for app in HOLD_ROWS)}
    known = {*GIVE_ROWS, *ASKED_ELSEWHERE}
    unknown = {n for n in taking if n not in known and not any(fnmatchcase(n, pattern) for pattern in GIVE_NONE)}
    assert sorted(unknown) == [], "\n".join(["say in this module whether it gives row values", *sorted(unknown)])
    assert sorted(set(GIVE_ROWS) - taking) == []
    assert [p for p in GIVE_NONE if not any(fnmatchcase(name, p) for name in taking)] == []


def test_row_values_reach_those_who_may_see_them_while_keys_and_errors_reach_all(house: House) -> None:
    hidden = {
        name for name in SHOW_ROWS if MARK not in house.ask("seeing", BY_NAME[name], house.address(BY_NAME[name]))
    }
    sent = {n: house.ask("seeing", BY_NAME[n], house.address(BY_NAME[n]), body) for n, body in GIVE_ROWS.items()}
    hidden |= {name for name, answer in sent.items() if MARK not in answer}
    assert sorted(hidden) == [], "who may see rows sees them"
    leaks = []
    for route in filter(_gives, READ):
        if route.name in SUGGEST:
            continue
        for broken in (False, True) if _is_of_sync(route) else (False,):
            if MARK in house.ask("blind", route, house.address(route, broken=broken)):
                leaks.append(f"{route}{' of what stumbled' if broken else ''}")
    for name, body in GIVE_ROWS.items():
        if MARK in house.ask("blind", BY_NAME[name], house.address(BY_NAME[name]), body):
            leaks.append(f"{name}, sent to")
    assert leaks == []
    rows, stumbled = blind_run(house), blind_run(house, broken=True)
    assert "Cannot take" in rows, "the words of errors stay"
    assert ">2<" in rows, "and keys do"
    assert "Conversion Error" in stumbled


def blind_run(house: House, *, broken: bool = False) -> str:
    route = BY_NAME["syncs:run"]
    return house.ask("blind", route, house.address(route, broken=broken))
