"""Addresses of sources and destinations, under ``/<workspace>/``."""

from __future__ import annotations

from django.urls import URLPattern, path

from connectors import access
from connectors.choices import Kind
from connectors.views import (
    clouds,
    detail,
    linking,
    lists,
    offers,
    organize,
    planner,
    reverse_tunnels,
    schema,
    signing_in,
    tunnels,
    wizard,
)
from workspaces.permissions import Permission
from workspaces.routes import requires

app_name = "connectors"
READ = Permission.MEMBER


def _routes(kind: Kind) -> list[URLPattern]:
    """The routes both sides have. The services check the right on the very row."""
    root, row, noun = kind.plural, f"{kind.plural}/<int:{kind.value}_id>", kind.value
    create, manage, use = access.CREATE[kind], access.MANAGE[kind], access.USE[kind]
    view = {"kind": kind}
    return [
        path(root, requires(READ)(lists.ConnectionList.as_view(**view)), name=root),
        path(
            f"{root}/organize",
            requires(READ, write=manage)(organize.OrganizeConnections.as_view(**view)),
            name=f"{noun}_organize",
        ),
        path(f"{root}/new", requires(create)(wizard.Catalog.as_view(**view)), name=f"{noun}_new"),
        path(f"{root}/new/<slug:type_key>", requires(create)(wizard.Connect.as_view(**view)), name=f"{noun}_connect"),
        path(
            f"{root}/new/<slug:type_key>/offers",
            requires(create)(offers.Offers.as_view(**view)),
            name=f"{noun}_offers_for_new",
        ),
        path(f"{row}/offers", requires(manage)(offers.Offers.as_view(**view)), name=f"{noun}_offers"),
        path(row, requires(READ)(detail.Overview.as_view(**view)), name=noun),
        path(f"{row}/setup", requires(create)(wizard.Setup.as_view(**view)), name=f"{noun}_setup"),
        path(f"{row}/setup/test", requires(create)(wizard.SetupTest.as_view(**view)), name=f"{noun}_setup_test"),
        path(f"{row}/setup/name", requires(create)(wizard.SetupFinish.as_view(**view)), name=f"{noun}_setup_finish"),
        path(f"{row}/setup/discard", requires(create)(wizard.Discard.as_view(**view)), name=f"{noun}_discard"),
        path(
            f"{row}/configuration",
            requires(READ, write=manage)(detail.Configuration.as_view(**view)),
            name=f"{noun}_configuration",
        ),
        path(f"{row}/activity", requires(READ)(detail.Activity.as_view(**view)), name=f"{noun}_activity"),
        path(f"{row}/linking", requires(READ)(linking.Linking.as_view(**view)), name=f"{noun}_linking"),
        path(f"{row}/check", requires(use)(detail.Check.as_view(**view)), name=f"{noun}_check"),
        path(f"{row}/sign-in", requires(READ)(signing_in.Connect.as_view(**view)), name=f"{noun}_sign_in"),
        path(f"{row}/sign-out", requires(manage)(signing_in.Disconnect.as_view(**view)), name=f"{noun}_sign_out"),
        path(f"{row}/rename", requires(manage)(detail.Rename.as_view(**view)), name=f"{noun}_rename"),
        path(f"{row}/delete", requires(manage)(detail.Delete.as_view(**view)), name=f"{noun}_delete"),
    ]


_source = "sources/<int:source_id>"
_tunnel = "settings/tunnels/<int:tunnel_id>"
_credential = "settings/cloud-providers/<int:credential_id>"
_manage = requires(Permission.MANAGE_WORKSPACE)
_destination = "destinations/<int:destination_id>"
_use_source = requires(READ, write=access.USE[Kind.SOURCE])

urlpatterns = [
    *_routes(Kind.SOURCE),
    *_routes(Kind.DESTINATION),
    path(f"{_source}/schema", _use_source(schema.Schema.as_view(kind=Kind.SOURCE)), name="source_schema"),
    path(
        f"{_source}/schema/<int:table_id>",
        _use_source(schema.TableColumns.as_view(kind=Kind.SOURCE)),
        name="source_table",
    ),
    path(
        "sources/new/<slug:type_key>/setup-sql",
        requires(access.CREATE[Kind.SOURCE])(planner.SetupSql.as_view(kind=Kind.SOURCE)),
        name="source_setup_sql",
    ),
    path(
        f"{_source}/setup/planner",
        requires(access.CREATE[Kind.SOURCE])(planner.SetupPlanner.as_view(kind=Kind.SOURCE)),
        name="source_setup_planner",
    ),
    path(
        f"{_source}/planner",
        requires(access.MANAGE[Kind.SOURCE])(planner.MovePlanner.as_view(kind=Kind.SOURCE)),
        name="source_planner",
    ),
    path(
        f"{_source}/write-check",
        requires(access.USE[Kind.SOURCE])(planner.WriteCheck.as_view(kind=Kind.SOURCE)),
        name="source_write_check",
    ),
    path(
        f"{_source}/sync-logs",
        requires(READ, write=access.MANAGE[Kind.SOURCE])(planner.SyncLogs.as_view(kind=Kind.SOURCE)),
        name="source_sync_logs",
    ),
    path(f"{_source}/schema.json", requires(READ)(schema.SchemaMap.as_view(kind=Kind.SOURCE)), name="schema_map"),
    path(
        f"{_destination}/fields",
        requires(access.USE[Kind.DESTINATION])(schema.Fields.as_view(kind=Kind.DESTINATION)),
        name="fields",
    ),
    path(
        f"{_destination}/stop",
        requires(Permission.MANAGE_DESTINATION)(detail.Stop.as_view(kind=Kind.DESTINATION)),
        name="destination_stop",
    ),
    path(
        f"{_destination}/choices",
        requires(access.USE[Kind.DESTINATION])(schema.Choices.as_view(kind=Kind.DESTINATION)),
        name="choices",
    ),
    path("settings/cloud-providers", _manage(clouds.CredentialList.as_view()), name="cloud_credentials"),
    path("settings/cloud-providers/new", _manage(clouds.ChooseProvider.as_view()), name="cloud_credential_new"),
    path(
        "settings/cloud-providers/new/<slug:provider>",
        _manage(clouds.NewCredential.as_view()),
        name="cloud_credential_add",
    ),
    path(_credential, _manage(clouds.CredentialPage.as_view()), name="cloud_credential"),
    path(f"{_credential}/delete", _manage(clouds.DeleteCredential.as_view()), name="cloud_credential_delete"),
    path("settings/tunnels", _manage(tunnels.TunnelList.as_view()), name="tunnels"),
    path("settings/tunnels/new", _manage(tunnels.NewTunnel.as_view()), name="tunnel_new"),
    path(
        "settings/tunnels/new-reverse", _manage(reverse_tunnels.NewReverseTunnel.as_view()), name="tunnel_new_reverse"
    ),
    path(
        f"{_tunnel}/replace-reverse-key",
        _manage(reverse_tunnels.ReplaceReverseKey.as_view()),
        name="tunnel_replace_reverse_key",
    ),
    path(_tunnel, _manage(tunnels.TunnelPage.as_view()), name="tunnel"),
    path(f"{_tunnel}/server-key", _manage(tunnels.ServerKey.as_view()), name="tunnel_server_key"),
    path(f"{_tunnel}/test", _manage(tunnels.TestTunnel.as_view()), name="tunnel_test"),
    path(f"{_tunnel}/replace-key", _manage(tunnels.ReplaceKey.as_view()), name="tunnel_replace_key"),
    path(f"{_tunnel}/delete", _manage(tunnels.DeleteTunnel.as_view()), name="tunnel_delete"),
]
