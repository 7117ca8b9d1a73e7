"""Every address of the product, with what it takes to open it, for tests over all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver, reverse

from tests.world import Place
from workspaces.routes import Declaration, declaration_of

# What stands in an address for each of its parameters: "route.parameter" → the value in a workspace.
PARAMETERS: Mapping[str, Callable[[Place], Any]] = {
    "*.workspace": lambda place: place.slug,
    "workspaces:*.member_id": lambda place: place.rows["member"].pk,
    "workspaces:*.group_id": lambda place: place.rows["group"].pk,
    "workspaces:*.role_id": lambda place: place.rows["role"].pk,
    "api:*.role_id": lambda place: place.rows["role"].pk,
    "api:*.group_id": lambda place: place.rows["group"].pk,
    "api:*.member_id": lambda place: place.rows["member"].pk,
    "api:*.invitation_id": lambda place: place.rows["invitation"].pk,
    "workspaces:*.built_in": lambda place: "viewers",
    "workspaces:*.side": lambda place: "source",
    "*.domain_id": lambda place: place.rows["email_domain"].pk,
    "*.mapping_id": lambda place: place.rows["group_mapping"].pk,
    "workspaces:*.invitation_id": lambda place: place.rows["invitation"].pk,
    "*.request_id": lambda place: place.rows["membership_request"].pk,
    "*.space_id": lambda place: place.rows["space"].pk,
    "*.folder_id": lambda place: place.rows["folder"].pk,
    "*.saved_id": lambda place: place.rows["saved_filter"].pk,
    "api:audit_entry.entry_id": lambda place: place.rows["audit_entry"].pk,
    "*.entry_id": lambda place: place.rows["audit_entry"].pk,
    "*.deployment_id": lambda place: place.rows["deployment"].pk,
    "connectors:source*.type_key": lambda place: "duckdb",
    "connectors:destination*.type_key": lambda place: "http_request",
    "connectors:cloud_credential_add.provider": lambda place: "gcp",
    "*.credential_id": lambda place: place.rows["cloud_credential"].pk,
    "*.tunnel_id": lambda place: place.rows["tunnel"].pk,
    "*.channel_id": lambda place: place.rows["channel"].pk,
    "notifications:*.notification_id": lambda place: place.rows["notification"].pk,
    "notifications:stream_new.type_key": lambda place: "webhook",
    "notifications:*_action.action": lambda place: "pause",
    "*.webhook_id": lambda place: place.rows["webhook"].pk,
    "*.delivery_id": lambda place: place.rows["webhook_delivery"].pk,
    "*.stream_id": lambda place: place.rows["stream"].pk,
    "notifications:*.type_key": lambda place: "email",
    "*.draft_id": lambda place: place.rows["draft"].pk,
    "*.source_id": lambda place: place.rows["source"].pk,
    "*.destination_id": lambda place: place.rows["destination"].pk,
    "*.table_id": lambda place: place.rows["table"].pk,
    "audiences:sync_template_define.parent": lambda place: place.rows["schema_model"].pk,
    "audiences:sync_template_value.model": lambda place: place.rows["schema_model"].pk,
    "audiences:sync_template_*.destination": lambda place: place.rows["destination"].pk,
    "audiences:audience_template.template": lambda place: place.rows["sync_template"].pk,
    "api:sync_template*.template_id": lambda place: place.rows["sync_template"].pk,
    "api:sync_template*.sync_id": lambda place: place.rows["templated_sync"].pk,
    "audiences:sync_template*.pk": lambda place: place.rows["sync_template"].pk,
    "audiences:templated_sync*.pk": lambda place: place.rows["templated_sync"].pk,
    "audiences:schema_define.pk": lambda place: place.rows["source"].pk,
    "audiences:priority_list*.pk": lambda place: place.rows["priority_list"].pk,
    "*.priority_list_id": lambda place: place.rows["priority_list"].pk,
    "audiences:audience_experiment_action.action": lambda place: "count",
    "audiences:source_audience_logs.pk": lambda place: place.rows["source"].pk,
    "audiences:audience_define.pk": lambda place: place.rows["schema_model"].pk,
    "audiences:audience_of_model.pk": lambda place: place.rows["audience_model"].pk,
    "audiences:trait_define.pk": lambda place: place.rows["schema_model"].pk,
    "audiences:trait_preview.pk": lambda place: place.rows["schema_model"].pk,
    "audiences:trait_follow.pk": lambda place: place.rows["trait_template"].pk,
    "audiences:trait*.pk": lambda place: place.rows["trait"].pk,
    "audiences:trait_action.action": lambda place: "archive",
    "audiences:audience*.pk": lambda place: place.rows["audience"].pk,
    "audiences:list*.pk": lambda place: place.rows["value_list"].pk,
    "*.list_id": lambda place: place.rows["value_list"].pk,
    "audiences:template_define.pk": lambda place: place.rows["schema_model"].pk,
    "audiences:template*.pk": lambda place: place.rows["audience_template"].pk,
    "*.template_id": lambda place: place.rows["audience_template"].pk,
    "audiences:calculation.pk": lambda place: place.rows["calculation"].pk,
    "*.enrichment_id": lambda place: place.rows["enrichment"]["id"],
    "*.trait_id": lambda place: place.rows["trait"].pk,
    "*.parent_model_id": lambda place: place.rows["schema_model"].pk,
    "*.user_id": lambda place: "1",
    "*.audience_id": lambda place: place.rows["audience"].pk,
    "audiences:destination_rule_define.pk": lambda place: place.rows["schema_model"].pk,
    "audiences:destination_rule*.pk": lambda place: place.rows["destination_rule"].pk,
    "audiences:subset_category_define.pk": lambda place: place.rows["schema_model"].pk,
    "audiences:subset_category*.pk": lambda place: place.rows["subset_category"].pk,
    "audiences:subset_new.pk": lambda place: place.rows["subset_category"].pk,
    "audiences:subset*.pk": lambda place: place.rows["subset"].pk,
    "*.subset_category_id": lambda place: place.rows["subset_category"].pk,
    "*.subset_id": lambda place: place.rows["subset"].pk,
    "*.rule_id": lambda place: place.rows["destination_rule"].pk,
    "audiences:*.pk": lambda place: place.rows["schema_model"].pk,
    "audiences:*.column": lambda place: place.rows["schema_column"].pk,
    "audiences:*.action": lambda place: "look",
    "*.calculation_id": lambda place: place.rows["calculation"].pk,
    "audiences:profile_part.part": lambda place: "columns",
    "*.relationship_id": lambda place: place.rows["schema_relationship"].pk,
    "*.schema_model_id": lambda place: place.rows["schema_model"].pk,
    "syncs:model_define.pk": lambda place: place.rows["source"].pk,
    "syncs:model*.pk": lambda place: place.rows["model"].pk,
    "syncs:model_version.version": lambda place: version_of_new(place, "model"),
    "syncs:sync_version.version": lambda place: version_of_new(place, "sync"),
    "audiences:audience_version.version": lambda place: version_of_new(place, "audience"),
    "api:model_version.version_id": lambda place: version_of_new(place, "model"),
    "api:sync_version.version_id": lambda place: version_of_new(place, "sync"),
    "api:audience_version.version_id": lambda place: version_of_new(place, "audience"),
    "syncs:sequence_action.action": lambda place: "run",
    "syncs:sequence*.pk": lambda place: place.rows["sequence"].pk,
    "syncs:sequence*.run": lambda place: place.rows["sequence_run"].pk,
    "*.sequence_id": lambda place: place.rows["sequence"].pk,
    "*.sequence_run_id": lambda place: place.rows["sequence_run"].pk,
    "syncs:*.pk": lambda place: place.rows["sync"].pk,
    "syncs:*.model": lambda place: place.rows["model"].pk,
    "syncs:*.destination": lambda place: place.rows["destination"].pk,
    "syncs:*.run": lambda place: place.rows["run"].pk,
    "syncs:run_request.exchange": lambda place: "00001:00000:0",
    "syncs:preview*.preview": lambda place: place.rows["preview"].pk,
    "syncs:preview_row.row": lambda place: "1:0",
    "syncs:run_row.row": lambda place: "added-succeeded-0-0",
    "api:run_row.row": lambda place: "added-succeeded-0-0",
    "syncs:sync_action.action": lambda place: "pause",
    "*:area.key": lambda place: "studio",
    "*.key_id": lambda place: place.rows["api_key"].key.pk,
    "workspaces:hint.hint": lambda place: "get-started",
    "workspaces:guide.guide": lambda place: "people-and-roles",
    "docs_page.name": lambda place: "guides/people-and-roles.md",
    "*.kind": lambda place: "sync",
    "*.object_id": lambda place: place.rows["sync"].pk,
    "*.trigger": lambda place: "fatal",
    "api:*.case_id": lambda place: place.rows["person_case"].pk,
    "privacy:*.case_id": lambda place: place.rows["person_case"].pk,
    "privacy:decide.action": lambda place: "withdraw",
    "privacy:evidence_of.pk": lambda place: place.rows["sync"].pk,
    "*.model_id": lambda place: place.rows["model"].pk,
    "audiences:sync_waterfall*.sync_id": lambda place: place.rows["audience_sync"].pk,
    "audiences:sync_groups.sync_id": lambda place: place.rows["audience_sync"].pk,
    "audiences:*.layer": lambda place: "limit",
    "api:sync_waterfall.sync_id": lambda place: place.rows["audience_sync"].pk,
    "*.snapshot_id": lambda place: place.rows["snapshot"].pk,
    "*.sync_id": lambda place: place.rows["sync"].pk,
    "*.preview_id": lambda place: place.rows["preview"].pk,
    "*.run_id": lambda place: place.rows["run"].pk,
}
# Addresses of things the world does not hold, so that even those with the right find nothing.
NOTHING_THERE: Mapping[str, str] = {
    "syncs:run_row": "the run waits for a worker and has no rows yet",
    "api:run_row": "the run waits for a worker and has no rows yet",
    "syncs:preview_row": "the preview waits for a worker and has no rows yet",
    "syncs:sync_logs": "Headrace may not write into the source of the tests' sync",
    "privacy:evidence_of": "evidence is asked for by a form",
    "privacy:report": "the person was looked up and is not forgotten",
    "syncs:run_request": "the run waits for a worker and has sent nothing yet",
}
# Routes whose addresses are nobody's row: libraries' own, with tokens that tests elsewhere use.
ELSEWHERE: Mapping[str, str] = {
    "admin:*": "the operator's console, which is not there for anybody else; see tests/operating/test_console.py",
    "metrics": "there for whoever knows its token; see tests/operating/test_probes.py",
    "account_*": "the account library's pages, with tests of its own",
    "mfa_*": "the account library's pages, with tests of its own",
    "socialaccount_*": "the account library's pages, with tests of its own",
    "sso_*": "the organization's name and the identity provider's answer decide; see tests/workspaces/sso",
    "scim_*": "the organization's SCIM token decides; see tests/workspaces/scim",
    "oauth_callback": "the sign-in that was begun decides; see tests/connectors/app/test_signing_in.py",
    "invitation": "the token decides; see tests/workspaces/test_entrance.py",
}


def version_of_new(place: Place, kind: str) -> int:
    """The entry of when a model or sync was made; of what was never made there is none."""
    from governance.audit.models import AuditEntry
    from workspaces.scoping import workspace_scope

    with workspace_scope(place.workspace.pk):
        made = AuditEntry.objects.filter(event=f"{kind}.created", resource_id=place.rows[kind].pk)
        return made.values_list("pk", flat=True).first() or 10**9


@dataclass(frozen=True)
class Route:
    """One address pattern with its view."""

    name: str
    parameters: tuple[str, ...]
    view: Any
    declaration: Declaration | None

    def __str__(self) -> str:
        return self.name

    @property
    def in_workspace(self) -> bool:
        return "workspace" in self.parameters

    @property
    def is_rest(self) -> bool:
        return self.name.startswith("api:")

    @property
    def names_rows(self) -> bool:
        """Whether the address holds an id of something in the workspace."""
        return bool({"pk", "model", "destination", "run"} & set(self.parameters)) or any(
            p.endswith("_id") for p in self.parameters
        )

    def address(self, place: Place, rows: Place | None = None) -> str:
        """The address in one workspace, with the ids of rows of (another) one."""
        values = {p: parameter(self.name, p, place if p == "workspace" else rows or place) for p in self.parameters}
        return reverse(self.name, kwargs=values)


def parameter(route: str, name: str, place: Place) -> Any:
    """What stands for a parameter."""
    for pattern, value in PARAMETERS.items():
        if fnmatchcase(f"{route}.{name}", pattern):
            return value(place)
    raise KeyError(f"say what stands for {name!r} in {route!r}: add it to PARAMETERS in tests/invariants/addresses.py")


@cache
def routes() -> tuple[Route, ...]:
    """All routes with a name, once each."""
    found = {route.name: route for route in _walk(get_resolver("config.urls"), "", ())}
    return tuple(found.values())


def matrix_routes() -> list[Route]:
    return [r for r in routes() if not any(fnmatchcase(r.name, pattern) for pattern in ELSEWHERE)]


def _walk(resolver: URLResolver, namespace: str, before: tuple[str, ...]) -> Iterator[Route]:
    for entry in resolver.url_patterns:
        parameters = (*before, *entry.pattern.regex.groupindex)
        if isinstance(entry, URLResolver):
            inner = f"{namespace}{entry.namespace}:" if entry.namespace else namespace
            yield from _walk(entry, inner, parameters)
        elif isinstance(entry, URLPattern):
            name = f"{namespace}{entry.name}" if entry.name else f"{namespace}{entry.pattern}"
            yield Route(name, parameters, entry.callback, declaration_of(entry.callback))
