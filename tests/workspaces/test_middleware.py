"""What happens before a view runs: scope, sign-in, slugs, declarations, errors."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import include, path

from config.errors import Conflict
from tests.world import World
from workspaces import services
from workspaces.permissions import Permission
from workspaces.requests import WorkspaceRequest
from workspaces.routes import public, requires, signed_in
from workspaces.scoping import current_workspace_id, workspace_scope


@requires(Permission.MEMBER, write=Permission.TRIGGER)
def page(request: WorkspaceRequest) -> HttpResponse:
    return HttpResponse(f"{request.workspace.slug} {request.actor.label} {current_workspace_id()}")


@requires(Permission.MEMBER)
def busy(request: WorkspaceRequest) -> HttpResponse:
    raise Conflict("The sync is running.", hint="Wait for it to end.")


def undeclared(request: HttpRequest, workspace: str = "") -> HttpResponse:
    return HttpResponse("open to all")


@signed_in("anyone with an account")
def account(request: HttpRequest) -> HttpResponse:
    return HttpResponse("account")


@public("everyone")
def hello(request: HttpRequest) -> HttpResponse:
    return HttpResponse("hello")


urlpatterns = [
    path("hello", hello),
    path("account", account),
    path("undeclared", undeclared),
    path("", include("config.urls")),
    path("<slug:workspace>/page", page),
    path("<slug:workspace>/busy", busy),
    path("<slug:workspace>/undeclared", undeclared),
]


@pytest.fixture(autouse=True)
def _own_routes() -> object:
    with override_settings(ROOT_URLCONF=__name__):
        yield


@pytest.fixture
def client_of(world: World) -> object:
    def sign_in(name: str) -> Client:
        client = Client()
        client.force_login(world.outsider if name == "outsider" else world[name])
        return client

    return sign_in


def rename(world: World, slug: str) -> None:
    with workspace_scope(world.acme.workspace.pk):
        services.update_workspace(actor=world.acme.actor, workspace=world.acme.workspace, name="Acme", slug=slug)


def test_a_member_is_let_into_the_workspaces_scope(world: World, client_of: object) -> None:
    response = client_of("viewer").get("/acme/page")  # type: ignore[operator]
    assert response.content.decode() == f"acme viewer@acme.test {world.acme.workspace.pk}"


def test_writing_needs_the_write_permission(world: World, client_of: object) -> None:
    assert client_of("editor").post("/acme/page").status_code == 200  # type: ignore[operator]
    refused = client_of("viewer").post("/acme/page")  # type: ignore[operator]
    assert refused.status_code == 403
    assert "run syncs to the destination" in refused.content.decode()


def test_strangers_are_sent_to_sign_in(world: World, client: Client) -> None:
    response = client.get("/acme/page?x=1")
    assert response.status_code == 302
    assert response["Location"] == "/accounts/login/?next=/acme/page%3Fx%3D1"
    assert client.get("/nowhere/page").status_code == 302


def test_partial_updates_of_strangers_are_told_to_go_to_sign_in(world: World, client: Client) -> None:
    response = client.get(
        "/acme/page", headers={"HX-Request": "true", "HX-Current-URL": "http://testserver/acme/syncs"}
    )
    assert response.status_code == 401
    assert response["HX-Redirect"] == "/accounts/login/?next=/acme/syncs"


@pytest.mark.parametrize(
    ("name", "slug"), [("outsider", "acme"), ("viewer", "globex"), ("member", "acme"), ("viewer", "nowhere")]
)
def test_foreign_workspaces_are_not_found(world: World, client_of: object, name: str, slug: str) -> None:
    response = client_of(name).get(f"/{slug}/page")  # type: ignore[operator]
    assert response.status_code == 404
    assert "Globex" not in response.content.decode()


def test_an_old_slug_redirects_members_and_only_them(world: World, client_of: object) -> None:
    rename(world, "acme-new")
    response = client_of("viewer").get("/acme/page?x=1")  # type: ignore[operator]
    assert (response.status_code, response["Location"]) == (307, "/acme-new/page?x=1")
    kept = client_of("editor").post("/acme/page")  # type: ignore[operator]
    assert (kept.status_code, kept["Location"]) == (307, "/acme-new/page")
    assert client_of("outsider").get("/acme/page").status_code == 404  # type: ignore[operator]


def test_errors_for_people_become_pages_in_the_shell(world: World, client_of: object) -> None:
    response = client_of("viewer").get("/acme/busy")  # type: ignore[operator]
    assert response.status_code == 409
    page = response.content.decode()
    assert "The sync is running." in page
    assert "Wait for it to end." in page
    assert 'aria-label="Workspaces"' in page


def test_errors_are_json_for_whoever_asks_for_it(world: World, client_of: object) -> None:
    response = client_of("viewer").get("/acme/busy", headers={"Accept": "application/json"})  # type: ignore[operator]
    assert response.json() == {
        "message": "The sync is running.",
        "details": {},
        "code": "conflict",
        "hint": "Wait for it to end.",
    }


@pytest.mark.parametrize("address", ["/undeclared", "/acme/undeclared"])
def test_undeclared_routes_are_refused(world: World, client_of: object, address: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="declares no permission"):
        client_of("owner").get(address)  # type: ignore[operator]


def test_public_and_signed_in_routes(world: World, client: Client, client_of: object) -> None:
    assert client.get("/hello").status_code == 200
    assert client.get("/account").status_code == 302
    assert client_of("member").get("/account").status_code == 200  # type: ignore[operator]


def test_every_answer_carries_its_correlation_id(world: World, client: Client) -> None:
    assert len(client.get("/hello", headers={"X-Request-Id": "mine"})["X-Request-Id"]) == 32


def test_home_leads_to_the_last_workspace(world: World, client_of: object) -> None:
    services.create_workspace(
        actor=world.acme.actor, organization=world.acme.workspace.organization, name="Aaa first by name"
    )
    client = client_of("owner")  # type: ignore[operator]
    assert client.get("/")["Location"] == "/aaa-first-by-name/"
    client.get("/acme/page")
    assert client.get("/")["Location"] == "/acme/"


def test_home_of_people_without_a_workspace_tells_whom_to_ask(world: World, client_of: object) -> None:
    response = client_of("member").get("/", follow=True)  # type: ignore[operator]
    assert response.redirect_chain == [("/welcome", 302)]
    assert "Ask an admin" in response.content.decode()


def test_someone_removed_is_out_at_once(world: World, client_of: object) -> None:
    client = client_of("editor")  # type: ignore[operator]
    assert client.get("/acme/page").status_code == 200
    with workspace_scope(world.acme.workspace.pk):
        services.remove_person(actor=world.acme.actor, member=world["editor"].memberships.get())
    assert client.get("/acme/page").status_code == 404
