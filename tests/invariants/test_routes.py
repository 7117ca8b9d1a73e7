"""Every route declares what it takes, and holds everybody to it.

The matrix is {anonymous, another organization, a member without the right, a
member with it} × every route × reading and writing, generated from the URL table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase

import pytest
from django.http import HttpResponse
from django.test import Client

from governance.audit.models import AuditEntry
from tests.invariants.addresses import ELSEWHERE, NOTHING_THERE, PARAMETERS, Route, matrix_routes, routes
from tests.invariants.walks import every, stretches
from tests.support.grids import one_of
from tests.world import BUILDER, PEOPLE, World
from workspaces import services
from workspaces.models import User
from workspaces.permissions import Permission
from workspaces.roles import BUILT_IN
from workspaces.routes import Audience
from workspaces.scoping import workspace_scope

PAGES = [r for r in matrix_routes() if r.in_workspace]
REST = [r for r in matrix_routes() if r.is_rest and r.declaration and r.declaration.audience is Audience.PERMITTED]
OPEN = [r for r in matrix_routes() if not r.in_workspace and r not in REST]
METHODS = ("GET", "POST")
Ask = Callable[..., HttpResponse]
JSON = "application/json"


@pytest.fixture(scope="module")
def sessions(built: World) -> dict[str, str]:
    """A session cookie for each person, as signing in costs more than the requests."""
    people = {**built.people, "outsider": built.outsider}
    return {name: session_of(user) for name, user in people.items()}


def session_of(user: User) -> str:
    """As it is once somebody is at work: the first page of a session writes down that it is used, and where."""
    client = Client()
    client.force_login(user)
    client.get("/acme/audit-log", headers={"Accept": JSON})
    return client.cookies["sessionid"].value


@pytest.fixture(scope="module")
def keys(built: World) -> dict[str, str]:
    """An API key of each person that the matrix of endpoints asks as."""
    return {name: key_of(built, name) for name in (*PEOPLE, "owner", "outsider")}


@pytest.fixture
def world(shared_world: World, sessions: dict[str, str], keys: dict[str, str]) -> World:
    return shared_world


@pytest.fixture
def ask(sessions: dict[str, str]) -> Ask:
    """One request of a person (or of nobody); server errors raise, so that no answer hides them.

    Whoever will be refused asks for JSON: drawing the page around the words, which is the same everywhere, takes
    longer than refusing.
    """

    def request(who: str, method: str, address: str, accept: str = "") -> HttpResponse:
        client = Client(headers={"Accept": accept} if accept else {})
        if who:
            client.cookies["sessionid"] = sessions[who]
        answer = client.generic(method, address)
        if answer.streaming:
            list(answer)  # a file is closed once it was read
        return answer  # type: ignore[return-value]

    return request


def call(secret: str, method: str, address: str) -> HttpResponse:
    """One request of a program."""
    headers = {"Authorization": f"Bearer {secret}"} if secret else {}
    return Client().generic(method, address, "{}", content_type="application/json", headers=headers)  # type: ignore[return-value]


def key_of(world: World, who: str) -> str:
    place = world.globex if who == "outsider" else world.acme
    owner = world.outsider if who == "outsider" else world[who]
    with workspace_scope(place.workspace.pk):
        made = services.create_api_key(actor=BUILDER, workspace=place.workspace, name=who, owner=owner)
    return made.secret


def methods(route: Route) -> list[str]:
    """What a REST view answers to; pages are read and written to."""
    declared = getattr(getattr(route.view, "cls", None), "permission", None)
    # What is deleted answers nothing any more, so that comes last.
    return sorted(declared, key=lambda method: method == "DELETE") if declared else list(METHODS)


def lacking(needed: tuple[Permission, ...]) -> list[str]:
    """People of acme whose role lacks some of it."""
    return [name for name, kind in PEOPLE.items() if not set(needed) <= BUILT_IN[kind]]


def test_every_role_that_lacks_a_right_is_refused_somewhere() -> None:
    """Also in a run that takes one of them at each route; what a role may do does not depend on the route."""
    refused = {
        name
        for route in PAGES
        if route.declaration
        for method in METHODS
        for name in one_of(lacking(route.declaration.needed(method)), f"{route} {method}")
    }
    assert refused == {name for name in PEOPLE if name in lacking(tuple(Permission))}


def test_every_route_declares_what_it_takes() -> None:
    assert [str(route) for route in routes() if route.declaration is None] == []


def test_routes_of_a_workspace_declare_permissions() -> None:
    loose = [str(r) for r in PAGES if r.declaration and r.declaration.audience is not Audience.PERMITTED]
    assert loose == []


def test_open_routes_say_why() -> None:
    assert all(r.declaration.reason for r in OPEN if r.declaration)


def test_what_stands_elsewhere_or_for_parameters_is_needed() -> None:
    names = [route.name for route in routes()]
    assert [pattern for pattern in ELSEWHERE if not any(fnmatchcase(name, pattern) for name in names)] == []
    used = {
        next(pattern for pattern in PARAMETERS if fnmatchcase(f"{route.name}.{name}", pattern))
        for route in matrix_routes()
        for name in route.parameters
    }
    assert sorted(set(PARAMETERS) - used) == []


@pytest.mark.parametrize("stretch", stretches(OPEN))
def test_open_routes_answer_everybody(world: World, ask: Ask, stretch: list[Route]) -> None:
    every(stretch, lambda route: answers_everybody(route, ask, route.address(world.acme)))


def answers_everybody(route: Route, ask: Ask, address: str) -> None:
    anonymous = ask("", "GET", address)
    if route.declaration and route.declaration.audience is Audience.SIGNED_IN:
        assert anonymous["Location"].startswith("/accounts/login/")
    else:
        assert anonymous.status_code < 400
    assert ask("viewer", "GET", address).status_code < 400


@pytest.mark.parametrize("stretch", stretches(PAGES))
def test_pages_are_held_to_what_they_declare(world: World, ask: Ask, stretch: list[Route]) -> None:
    every(stretch, lambda route: page_is_held(world, ask, route))


def page_is_held(world: World, ask: Ask, route: Route) -> None:
    """Everybody in one world: what is refused changes nothing, and the owner's writing comes last."""
    for method in METHODS:
        strangers_are_kept_out(world, ask, route, method)
        with no_trace(world, route, method):
            members_without_the_right_are_refused(world, ask, route, method)
    those_with_the_right_are_let_in(world, ask, route)


@pytest.mark.parametrize(("who", "words"), [("viewer", "You need the right to"), ("outsider", "no such workspace")])
def test_whoever_is_refused_sees_a_page_that_says_so(
    world: World, sessions: dict[str, str], who: str, words: str
) -> None:
    client = Client()
    client.cookies["sessionid"] = sessions[who]
    answer = client.get("/acme/audit-log")
    assert answer["Content-Type"].startswith("text/html")
    assert words in answer.content.decode()


def strangers_are_kept_out(world: World, ask: Ask, route: Route, method: str) -> None:
    address = route.address(world.acme)
    assert ask("", method, address)["Location"].startswith("/accounts/login/?next="), f"anonymous {method}"
    assert ask("outsider", method, address, JSON).status_code == 404, f"outsider {method}"
    assert ask("member", method, address, JSON).status_code == 404, (
        f"member {method}: in the organization, but in no group"
    )
    if route.names_rows:
        at_home = route.address(world.globex, rows=world.acme)
        assert ask("outsider", method, at_home, JSON).status_code in (404, 405), f"outsider {method}: foreign ids"


def members_without_the_right_are_refused(world: World, ask: Ask, route: Route, method: str) -> None:
    assert route.declaration is not None
    for name in one_of(lacking(route.declaration.needed(method)), f"{route} {method}"):
        assert ask(name, method, route.address(world.acme), JSON).status_code == 403, f"{name} {method}"


def those_with_the_right_are_let_in(world: World, ask: Ask, route: Route) -> None:
    """To write. That they may read every page is seen where its cost is counted (``test_query_counts.py``)."""
    status = ask("owner", "POST", route.address(world.acme)).status_code
    assert status not in (401, 403, 404), f"owner POST: {status}"
    assert status < 500, f"owner POST: {status}"


@contextmanager
def no_trace(world: World, route: Route, method: str) -> Iterator[None]:
    """Nothing that people may not do is recorded as done."""
    if method == "GET":
        yield  # reading is recorded where it reveals something, also for those who may
        return
    before = done(world)
    yield
    assert done(world) == before, f"{route} is in the log although it was refused"


def done(world: World) -> int:
    """Entries of the audit log, but for those that tell of somebody refused."""
    with workspace_scope(world.acme.workspace.pk):
        return AuditEntry.objects.exclude(event__startswith="session.").exclude(event="access.denied").count()


@pytest.mark.parametrize("stretch", stretches(REST))
def test_endpoints_are_held_to_what_they_declare(world: World, keys: dict[str, str], stretch: list[Route]) -> None:
    every(stretch, lambda route: endpoint_is_held(world, keys, route))


def endpoint_is_held(world: World, keys: dict[str, str], route: Route) -> None:
    """The same for programs, by every method that the endpoint takes."""
    for method in methods(route):
        for secret in ("", "hr_wrong"):
            assert call(secret, method, route.address(world.acme)).status_code == 401, f"{secret or 'no key'} {method}"
        if route.names_rows:
            answer = call(keys["outsider"], method, route.address(world.acme))
            assert answer.status_code == 404, f"outsider {method}: foreign ids"
        needs = route.view.cls.permission[method]
        for name in one_of(lacking(needs if isinstance(needs, tuple) else (needs,)), f"{route} {method}"):
            answer = call(keys[name], method, route.address(world.acme))
            assert answer.status_code == 403, f"key of {name} {method}"
    for method in methods(route):
        status = call(keys["owner"], method, route.address(world.acme)).status_code
        refused = (401, 403, 405) if route.name in NOTHING_THERE else (401, 403, 404, 405)
        assert status not in refused, f"key of owner {method}: {status}"
        assert status < 500, f"key of owner {method}"


def test_every_parameter_has_a_value() -> None:
    missing = [
        f"{route}.{name}"
        for route in matrix_routes()
        for name in route.parameters
        if not any(fnmatchcase(f"{route.name}.{name}", pattern) for pattern in PARAMETERS)
    ]
    assert missing == [], "say what stands for it: PARAMETERS in tests/invariants/addresses.py"
