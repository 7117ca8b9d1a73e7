"""Who may ask, what a request may hold, and lists: filters, order and pages."""

from __future__ import annotations

import sys
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from tests.workspaces.scim.support import Pusher
from tests.world import BUILDER, World
from workspaces import services
from workspaces.models import ScimToken
from workspaces.scoping import unscoped, workspace_scope


class TestTokens:
    def test_nothing_opens_without_one(self, acme: Pusher, world: World) -> None:
        with workspace_scope(world.acme.workspace.pk):
            key = services.create_api_key(
                actor=BUILDER, workspace=world.acme.workspace, name="k", owner=world.owner
            ).secret
        for header in ("", "Bearer ", "Bearer nonsense", f"Basic {acme.token}", f"Bearer {key}", acme.token):
            answer = acme.send("GET", "ServiceProviderConfig", Authorization=header)
            assert answer.status_code == 401, header
            assert answer["WWW-Authenticate"].startswith("Bearer")
            assert answer.said["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]

    def test_it_opens_nothing_else(self, acme: Pusher) -> None:
        headers = {"Authorization": f"Bearer {acme.token}"}
        assert Client().get("/api/v1/members", headers=headers).status_code == 401

    def test_a_new_one_replaces_the_old(self, acme: Pusher) -> None:
        newer = Pusher.of(acme.place)
        assert acme.send("GET", "Users").status_code == 401
        assert newer.send("GET", "Users").status_code == 200

    def test_only_its_digest_is_kept(self, acme: Pusher) -> None:
        with unscoped("the test looks at the row"):
            row = ScimToken.objects.get()
        assert acme.token not in str(vars(row))
        assert acme.token.startswith(row.prefix)

    def test_failures_are_limited_and_right_tokens_still_work(self, acme: Pusher) -> None:
        answers = [acme.send("GET", "Users", Authorization=f"Bearer {n}") for n in range(32)]
        assert {a.status_code for a in answers[:25]} == {401}
        assert (answers[-1].status_code, answers[-1]["Retry-After"]) == (429, "60")
        assert acme.send("GET", "Users").status_code == 200

    def test_requests_are_limited(self, acme: Pusher, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(settings, "API_RATE_LIMIT", "3/3600s")
        assert [acme.send("GET", "Users").status_code for _ in range(5)][-1] == 429

    def test_the_page_makes_shows_once_and_removes_it(self, acme: Pusher, world: World) -> None:
        client = Client()
        client.force_login(world.owner)
        page = client.get("/acme/organization/single-sign-on").content.decode()
        assert f"{settings.BASE_URL}/api/scim/v2" in page
        assert "Not used yet" in page
        made = client.post("/acme/organization/single-sign-on/scim-token")
        if made.status_code == 302:
            pytest.fail(f"asked to prove who they are: {made['Location']}")
        token = made.content.decode().partition("hrscim_")[2].partition('"')[0]
        assert "no-store" in made["Cache-Control"]
        assert token not in client.get("/acme/organization/single-sign-on").content.decode()
        pusher = Pusher(acme.place, f"hrscim_{token}")
        pusher.add_user()
        assert "1 person, 0 groups" in client.get("/acme/organization/single-sign-on").content.decode()
        client.post("/acme/organization/single-sign-on/scim-token/remove")
        assert pusher.send("GET", "Users").status_code == 401

    def test_it_ends_with_the_provider(self, acme: Pusher, world: World) -> None:
        with workspace_scope(world.acme.workspace.pk):
            services.remove_identity_provider(actor=BUILDER, provider=world.acme.rows["identity_provider"])
        assert acme.send("GET", "Users").status_code == 401


HOSTILE_BODIES: dict[str, Any] = {
    "empty": b"",
    "not JSON": b"{",
    "a list": b"[]",
    "deep": b'{"userName": "a@b.test", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "NUL": {"userName": "a\x00@b.test"},
    "half a character": b'{"userName": "\\ud800@b.test"}',
    "no address": {"userName": "grace"},
    "not an address": {"userName": "grace", "emails": [{"value": "grace"}]},
    "long": {"userName": "x" * 500 + "@b.test"},
    "many addresses": {"userName": "a", "emails": [{"value": f"{n}@b.test"} for n in range(51)]},
    "a number": {"userName": 7},
    "an object for a name": {"userName": {"a": 1}},
    "two primary": {"userName": "a", "emails": [{"value": f"{n}@b.test", "primary": True} for n in range(2)]},
}


def test_hostile_bodies_are_refused(acme: Pusher) -> None:
    path = f"Users/{acme.add_user()['id']}"
    got = {
        name: [acme.send(method, where, body) for method, where in (("POST", "Users"), ("PUT", path), ("PATCH", path))]
        for name, body in HOSTILE_BODIES.items()
    }
    statuses = {name: [answer.status_code for answer in answers] for name, answers in got.items()}
    assert statuses == dict.fromkeys(HOSTILE_BODIES, [400] * 3)
    assert {answer.said["status"] for answers in got.values() for answer in answers} == {"400"}
    assert acme.names("Users") == ["grace@acme.test"]


def test_bodies_have_a_limit(acme: Pusher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "DATA_UPLOAD_MAX_MEMORY_SIZE", 2_000)
    answer = acme.send("POST", "Users", {"userName": "a@acme.test", "title": "x" * 2_000})
    assert (answer.status_code, answer.said["status"]) == (413, "413")


def test_a_patch_has_a_limit(acme: Pusher) -> None:
    path = f"Users/{acme.add_user()['id']}"
    answer = acme.patch(path, *[{"op": "replace", "path": "displayName", "value": "x"}] * 1_001)
    assert (answer.status_code, answer.said["scimType"]) == (400, "tooMany")


HOSTILE_FILTERS = {
    "unknown": 'shoeSize eq "7"',
    "unfinished": 'userName eq "',
    "deep": "not (" * 900 + 'userName eq "a"' + ")" * 900,
    "long": " or ".join(['userName eq "a"'] * 2_000),
    "many": " or ".join(['id eq "1"'] * 101),
    "NUL": 'userName eq "a\\u0000"',
    "half a character": 'userName eq "\\ud800"',
    "order of a flag": "active gt true",
    "text for a flag": 'active eq "x"',
    "no time": 'meta.created gt "yesterday"',
    "endless time": 'meta.created gt "9999999-01-01T00:00:00Z"',
    "selection of one": 'userName[value eq "a"]',
    "null order": "userName gt null",
    "password": 'password eq "x"',
    "sub of a sub": 'emails.value.value eq "x"',
}


def test_hostile_filters_are_refused(acme: Pusher) -> None:
    got = {name: acme.send("POST", "Users/.search", {"filter": text}) for name, text in HOSTILE_FILTERS.items()}
    assert {name: answer.status_code for name, answer in got.items()} == dict.fromkeys(HOSTILE_FILTERS, 400)
    assert {answer.said["status"] for answer in got.values()} == {"400"}


# What each finds among ada, bob and cyd.
FILTERS = {
    'userName eq "ADA@acme.test"': "a",
    'externalId eq "X1"': "a",
    'not (externalId eq "X1")': "bc",
    'displayName co "DA"': "a",
    'displayName ew "100%"': "b",
    'displayName co "_"': "",
    "displayName pr": "ab",
    "displayName eq null": "c",
    'name.familyName sw "love"': "a",
    "active eq false": "c",
    "active ne false": "ab",
    'emails eq "b@acme.test"': "b",
    'emails[type eq "home" and value co "ACME"]': "b",
    'emails[type eq "work"].value eq "b@acme.test"': "",
    'emails.type ne "home"': "ac",
    "emails.primary eq true": "abc",
    'userName eq "bob" or (active eq false and externalId pr)': "bc",
    'userName gt "ada@acme.test"': "bc",
    'meta.created gt "2020-01-01T00:00:00Z"': "abc",
    'meta.lastModified le "2020-01-01T00:00:00Z"': "",
    'id eq "nobody"': "",
    'id sw "x" or id co "y" or id gt "z"': "",
    "id pr": "abc",
    'id eq "99999999999999999999"': "",
    'urn:ietf:params:scim:schemas:core:2.0:User:userName eq "bob"': "b",
    "groups pr": "",
    'userName eq "x\' OR 1=1 --"': "",
}
ORDERS = {
    "sortBy=userName&sortOrder=descending": "cba",
    "sortBy=displayName": "abc",
    "sortBy=displayName&sortOrder=descending": "cba",
    "sortBy=emails.value": "abc",
    "sortBy=active": "cab",
    "sortBy=meta.created&sortOrder=descending": "cba",
    "startIndex=2&count=1": "b",
    "startIndex=-5&count=2": "ab",
    "startIndex=4": "",
    "count=0": "",
    "count=99999999999": "abc",
}


def test_a_process_understands_the_first_filter_it_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Identity providers ask for a name before they ever push one."""
    import scim2_models

    known = find_spec("workspaces.scim.resources")
    assert known is not None
    assert known.origin is not None
    spec = spec_from_file_location("untouched_resources", known.origin)
    assert spec is not None
    assert spec.loader is not None
    untouched = module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, untouched)  # where the models look their annotations up
    spec.loader.exec_module(untouched)
    for model, text in ((untouched.User, 'userName eq "ada"'), (untouched.Group, 'displayName eq "makers"')):
        search: Any = scim2_models.SearchRequest
        assert search[model].model_validate({"filter": text}).filter is not None


class TestLists:
    @pytest.fixture
    def people(self, acme: Pusher) -> Pusher:
        acme.add_user("ada@acme.test", displayName="Ada", externalId="X1", name={"familyName": "Lovelace"})
        acme.add_user("bob", displayName="bob 100%", emails=[{"value": "B@acme.test", "type": "home", "primary": True}])
        acme.add_user("cyd@acme.test", active=False, externalId="x1")
        return acme

    def test_filters(self, people: Pusher) -> None:
        got = {text: people.send("POST", "Users/.search", {"filter": text}).said for text in FILTERS}
        found = {text: "".join(sorted(u["userName"][0] for u in said["Resources"])) for text, said in got.items()}
        assert found == FILTERS
        assert {text: said["totalResults"] for text, said in got.items()} == {t: len(f) for t, f in FILTERS.items()}

    def test_orders_and_pages(self, people: Pusher) -> None:
        got = {order: people.send("GET", f"Users?{order}").said for order in ORDERS}
        assert {o: "".join(u["userName"][0] for u in said["Resources"]) for o, said in got.items()} == ORDERS
        counts = {order: (said["totalResults"], said["itemsPerPage"]) for order, said in got.items()}
        assert counts == {order: (3, len(found)) for order, found in ORDERS.items()}

    def test_nonsense_is_refused(self, people: Pusher) -> None:
        queries = ("count=x", "sortBy=shoeSize", "sortBy=emails[type eq 1]", "startIndex=1.5", "sortBy=groups.display")
        assert {q: people.send("GET", f"Users?{q}").status_code for q in queries} == dict.fromkeys(queries, 400)

    def test_a_page_costs_the_same_for_one_and_for_many(self, people: Pusher, django_assert_num_queries: Any) -> None:
        people.send("GET", "Users")
        for count in (1, 3):
            with django_assert_num_queries(5):
                people.send("GET", f"Users?count={count}")


def test_other_addresses_and_methods(acme: Pusher) -> None:
    assert acme.send("GET", "Nothing").status_code == 404
    assert acme.send("GET", "Users/abc").status_code == 404
    assert acme.send("GET", "Users/99999999999999999999").status_code == 404
    assert acme.send("POST", "Bulk", {}).status_code == acme.send("GET", "Me").status_code == 501
    wrong = acme.send("DELETE", "Users")
    assert (wrong.status_code, wrong["Allow"]) == (405, "GET, POST")
    assert acme.send("GET", 'Schemas?filter=id eq "x"').status_code == 403
