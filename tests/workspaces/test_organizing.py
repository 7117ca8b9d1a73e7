"""Folders, labels, filters, saved filters, favourites and search, through pages and the API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from config.errors import Conflict, Invalid
from tests.api.calls import Call, caller, key_of
from tests.invariants.conftest import built, shared_world  # noqa: F401
from tests.world import Place, World
from workspaces import labels, services
from workspaces.folders import Tree
from workspaces.models import Folder
from workspaces.scoping import workspace_scope


@pytest.fixture
def place(shared_world: World) -> Iterator[Place]:  # noqa: F811
    """Acme with a folder Marketing, entered."""
    with workspace_scope(shared_world.acme.workspace.pk):
        yield shared_world.acme


@pytest.fixture
def world(shared_world: World) -> World:  # noqa: F811
    return shared_world


@pytest.fixture
def owner(world: World) -> Client:
    client = Client()
    client.force_login(world.owner)
    return client


@pytest.fixture
def call(place: Place) -> Call:
    return caller(key_of(place, place.owner))


MOVE = {"do": "move", "confirm": "1"}


def folder(place: Place, name: str, parent: Folder | None = None) -> Folder:
    return services.create_folder(actor=place.actor, workspace=place.workspace, name=name, parent=parent)


def page(client: Client, path: str) -> str:
    return client.get(f"/acme/{path}").content.decode()


def events_since(place: Place, last: int) -> list[str]:
    from governance.audit.models import AuditEntry

    rows = AuditEntry.objects.filter(workspace_id=place.workspace.pk, pk__gt=last).order_by("pk")
    return list(rows.values_list("event", flat=True))


def last_entry() -> int:
    from governance.audit.models import AuditEntry

    return AuditEntry.objects.latest("pk").pk


class TestFolders:
    def test_a_sync_is_where_its_model_is_and_takes_it_along(self, place: Place, owner: Client, call: Call) -> None:
        sync, inside = place.rows["sync"], folder(place, "Campaigns", place.rows["folder"])
        sent = {"do": "move", "confirm": "yes", "selected": [sync.pk], "folder": inside.pk}
        owner.post("/acme/syncs/organize", sent)
        assert call("get", f"/syncs/{sync.pk}").json()["folderId"] == str(inside.pk)
        assert call("get", f"/models/{sync.model_id}").json()["folderId"] == str(inside.pk)
        link = f'href="/acme/syncs/{sync.pk}"'
        for within in (inside, place.rows["folder"]):
            assert link in page(owner, f"syncs?folder={within.pk}")
        assert link not in page(owner, "syncs?folder=none")
        assert f'href="/acme/models/{sync.model_id}"' in page(owner, f"models?folder={inside.pk}")
        assert "Marketing" in page(owner, f"syncs?folder={inside.pk}")

    def test_a_folder_that_is_removed_leaves_what_it_held(self, place: Place, owner: Client) -> None:
        model, marketing = place.rows["model"], place.rows["folder"]
        child = folder(place, "Sales", marketing)
        folder(place, "Sales")
        owner.post(
            "/acme/models/organize", {"do": "move", "confirm": "1", "selected": [model.pk], "folder": marketing.pk}
        )
        last = last_entry()
        owner.post(f"/acme/folders/{marketing.pk}/remove")
        model.refresh_from_db()
        child.refresh_from_db()
        assert (model.folder, child.parent, child.name) == (None, None, "Sales 2")
        assert events_since(place, last) == ["folder.deleted"]

    def test_deleting_with_contents_tells_what_could_not_go(self, place: Place, owner: Client) -> None:
        from audiences.models import Audience
        from audiences.services.audiences import create_audience
        from syncs.models import Model

        model, marketing = place.rows["model"], place.rows["folder"]
        common = {"actor": place.actor, "parent": place.rows["schema_model"], "folder_id": marketing.pk}
        base = create_audience(**common, name="Base", definition={})
        made_of = {"where": {"conditions": [{"type": "audience", "audience": str(base.pk)}]}}
        create_audience(**common, name="Made of it", definition=made_of)
        owner.post(
            "/acme/models/organize", {"do": "move", "confirm": "1", "selected": [model.pk], "folder": marketing.pk}
        )
        owner.post(f"/acme/folders/{marketing.pk}/delete", {"confirm_name": "marketing"})
        assert Folder.objects.filter(pk=marketing.pk).exists()
        refused = owner.post(f"/acme/folders/{marketing.pk}/delete", {"confirm_name": "Marketing"})
        assert "This sync is running" in refused.content.decode()
        assert Model.objects.filter(pk=model.pk).exists()
        assert not Audience.objects.filter(folder=marketing).exists()  # also the one that another was made of

    def test_a_circle_is_refused_and_a_deep_tree_is_one_statement(
        self, place: Place, owner: Client, django_assert_num_queries: Any
    ) -> None:
        from syncs.access import models_in_view

        top = deepest = place.rows["folder"]
        for number in range(60):
            deepest = folder(place, f"Level {number}", deepest)
        with pytest.raises(Invalid, match="cannot be inside itself"):
            services.move_folder(actor=place.actor, folder=top, parent=deepest)
        owner_moves = {**MOVE, "selected": [place.rows["model"].pk], "folder": deepest.pk}
        owner.post("/acme/models/organize", owner_moves)
        with django_assert_num_queries(1):
            tree = Tree(rows=models_in_view(place.actor))
        assert (tree.nodes[top.pk].count, tree.unfiled) == (1, 0)
        assert len(tree.path(deepest.pk)) == 61
        assert [node.folder.pk for node in tree.shown(None)] == [top.pk]

    def test_only_admins_change_the_structure(self, world: World, place: Place) -> None:
        client = Client()
        client.force_login(world["editor"])
        assert client.post("/acme/folders/new", {"name": "Mine"}).status_code == 403
        moved = {**MOVE, "selected": [place.rows["model"].pk], "folder": place.rows["folder"].pk}
        assert client.post("/acme/models/organize", moved).status_code == 302
        client.force_login(world["viewer"])
        assert client.post("/acme/models/organize", {**moved, "folder": ""}).status_code == 403

    def test_an_audience_and_its_syncs_move_together(self, place: Place, world: World, call: Call) -> None:
        audience, sync, marketing = place.rows["audience"], place.rows["templated_sync"], place.rows["folder"]
        inside, client, last = folder(place, "Spring", marketing), Client(), last_entry()
        client.force_login(world["editor"])
        link = f'href="/acme/studio/audiences/{audience.pk}"'
        moved = {**MOVE, "selected": [audience.pk], "folder": inside.pk}
        assert client.post("/acme/studio/audiences/organize", moved).status_code == 302
        for within in (inside, marketing):
            assert link in page(client, f"studio/audiences?folder={within.pk}")
        assert link not in page(client, "studio/audiences?folder=none")
        assert link in page(client, "studio/audiences")
        assert f'href="/acme/syncs/{sync.pk}"' in page(client, f"syncs?folder={inside.pk}")
        assert "Spring" in page(client, f"studio/audiences/{audience.pk}")
        assert [row["id"] for row in call("get", f"/audiences?folderId={marketing.pk}").json()["data"]] == [
            str(audience.pk)
        ]
        client.post("/acme/syncs/organize", {**MOVE, "selected": [sync.pk], "folder": marketing.pk})
        assert call("get", f"/audiences/{audience.pk}").json()["folderId"] == str(marketing.pk)
        assert call("get", f"/syncs/{sync.pk}").json()["folderId"] == str(marketing.pk)
        assert call("patch", f"/audiences/{audience.pk}", {"folderId": None}).json()["folderId"] is None
        assert call("get", f"/syncs/{sync.pk}").json()["folderId"] is None
        assert events_since(place, last) == ["audience.moved"] * 3
        client.force_login(world["viewer"])
        assert client.post("/acme/studio/audiences/organize", moved).status_code == 403
        assert call("patch", f"/models/{sync.model_id}", {"folderId": inside.pk}).status_code == 404

    def test_new_models_and_audiences_begin_in_a_folder(self, place: Place, owner: Client, call: Call) -> None:
        parent, marketing = place.rows["schema_model"], place.rows["folder"]
        asked = page(owner, f"studio/audiences/new/{parent.pk}?folder={marketing.pk}")
        assert f'<option value="{marketing.pk}" selected>Marketing</option>' in asked
        made = call("post", "/audiences", {"parentModelId": parent.pk, "name": "New", "folderId": marketing.pk}).json()
        assert made["folderId"] == str(marketing.pk)

    def test_the_api_makes_changes_and_removes_folders(self, place: Place, call: Call) -> None:
        made = call("post", "/folders", {"name": "EU", "parentId": place.rows["folder"].pk}).json()
        assert made["parentId"] == str(place.rows["folder"].pk)
        assert call("patch", f"/folders/{made['id']}", {"parentId": None}).json()["parentId"] is None
        assert call("post", "/folders", {"name": "EU"}).json()["details"] == {
            "name": "There is already a folder “EU” here."
        }
        assert call("delete", f"/folders/{made['id']}").status_code == 204
        assert [row["name"] for row in call("get", "/folders").json()["data"]] == ["Marketing"]


class TestLabels:
    @pytest.mark.parametrize("text", ["brand", "=x", "brand=", "brand=a;b", "brand=<b>", f"{'k' * 81}=v", "a=b\x00"])
    def test_what_is_no_label_is_refused(self, text: str) -> None:
        with pytest.raises(Invalid):
            labels.parse_label(text)

    def test_letters_of_any_language_are_kept(self) -> None:
        assert labels.parse_label(" Région =  Île de_France-2 ") == ("Région", "Île de_France-2")

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("label=brand%3DACME", True),
            ("label=brand%3DOther", True),  # not on offer, so it narrows nothing
            ("label=brand%3DACME&label=tier%3Dgold", True),
            ("without=brand%3DACME", False),
            ("without=tier%3Dgold", False),
        ],
    )
    def test_lists_include_and_exclude(self, place: Place, owner: Client, query: str, found: bool) -> None:
        sync = place.rows["sync"]
        sent = {"do": "label", "confirm": "1", "selected": [sync.pk]}
        owner.post("/acme/syncs/organize", {**sent, "label_key": ["brand", "tier"], "label_value": ["ACME", "gold"]})
        assert (f'href="/acme/syncs/{sync.pk}"' in page(owner, f"syncs?{query}")) is found

    @pytest.mark.parametrize("kind", ["sync", "model", "source", "destination", "sequence"])
    def test_every_kind_carries_labels_on_pages_and_in_the_api(
        self, place: Place, owner: Client, call: Call, kind: str
    ) -> None:
        row, last = place.rows[kind], last_entry()
        sent = {"do": "label", "confirm": "1", "selected": [row.pk], "label_key": ["brand"], "label_value": ["ACME"]}
        owner.post(f"/acme/{kind}s/organize", sent)
        assert "<b>brand</b>ACME" in page(owner, f"{kind}s")
        path = f"/{'sync-sequences' if kind == 'sequence' else f'{kind}s'}/{row.pk}"
        field = "tags" if kind == "model" else "labels"
        assert call("get", path).json()[field] == {"brand": "ACME"}
        assert call("patch", path, {field: {"tier": "gold"}}).json()[field] == {"tier": "gold"}
        assert {"key": "tier", "value": "gold", "kind": kind} in call("get", "/labels").json()["data"]
        assert call("patch", path, {field: {"a;b": "c"}}).status_code == 422
        assert events_since(place, last) == [f"{kind}.labelled"] * 2

    def test_several_are_labelled_and_each_refusal_is_told(self, world: World, place: Place) -> None:
        client = Client()
        client.force_login(world["drafter"])
        sent = {"selected": [place.rows["sync"].pk], "action": "run"}
        body = client.post("/acme/syncs", sent).content.decode()
        assert "could not be" in body or "You need the right" in body


class TestSavedFilters:
    def test_a_list_opens_with_the_chosen_filter(self, place: Place, owner: Client) -> None:
        sent = {"page": "syncs", "name": "Failing now", "query": "health=failed&after=zzz", "first": "yes"}
        saved = owner.post("/acme/saved-filters", sent)
        assert saved["Location"].startswith("/acme/syncs?health=failed&view=")
        assert owner.get("/acme/syncs")["Location"] == saved["Location"]
        assert owner.get("/acme/syncs?view=all").status_code == 200
        assert "Failing now" in page(owner, "syncs?view=all")

    def test_people_see_their_own_and_shared_ones(self, world: World, place: Place, owner: Client) -> None:
        viewer = Client()
        viewer.force_login(world["viewer"])
        sent = {"page": "models", "name": "SQL ones", "query": "method=sql"}
        owner.post("/acme/saved-filters", sent)
        assert "SQL ones" not in page(viewer, "models")
        owner.post("/acme/saved-filters", {**sent, "name": "Everyone’s", "shared": "yes"})
        assert "Everyone’s" in page(viewer, "models")
        viewer.post("/acme/saved-filters", {**sent, "name": "Pushed", "shared": "yes"})
        assert "Pushed" not in page(owner, "models")

    @pytest.mark.parametrize("query", ["", "view=3", "q=" + "x" * 2_100])
    def test_what_cannot_be_kept_is_refused(self, place: Place, call: Call, query: str) -> None:
        response = call("post", "/saved-filters", {"page": "syncs", "name": "Odd", "query": query})
        assert response.status_code == 422

    def test_the_api_renames_and_deletes(self, place: Place, call: Call) -> None:
        path = f"/saved-filters/{place.rows['saved_filter'].pk}"
        assert call("patch", path, {"name": "Broken"}).json()["name"] == "Broken"
        assert call("delete", path).status_code == 204
        assert call("get", path).status_code == 404


class TestFavourites:
    def test_a_star_is_kept_for_one_person(self, world: World, place: Place, owner: Client, call: Call) -> None:
        sync, last = place.rows["sync"], last_entry()
        star = f"/acme/favourites/sync/{sync.pk}"
        for _ in range(2):
            owner.post(star, {"on": "yes"})
        assert 'aria-pressed="true"' in page(owner, f"syncs/{sync.pk}")
        assert str(sync) in page(owner, "favourites")
        assert call("get", "/favourites").json()["data"] == [{"kind": "sync", "id": str(sync.pk), "name": str(sync)}]
        groups = owner.get("/acme/palette").json()["groups"]
        assert [group["label"] for group in groups] == ["Favourites", "Opened last"]
        assert call("delete", f"/favourites/sync/{sync.pk}").status_code == 204
        assert owner.post("/acme/favourites/sync/999999", {"on": "yes"}).status_code == 404
        assert events_since(place, last) == ["favourite.added", "favourite.removed"]

    def test_there_is_a_bound(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("workspaces.services.views.MOST_FAVOURITES", 0)
        with pytest.raises(Conflict, match="0 favourites"):
            services.add_favourite(
                actor=place.actor, workspace=place.workspace, kind="sync", object_id=place.rows["sync"].pk
            )


class TestSearch:
    @pytest.mark.parametrize(
        ("words", "label"),
        [
            ("custom", "Customers"),
            ("FROM customers", "in its query or columns"),
            ("Nightly", "Sequences"),
            ("marketing", "Folders"),
            ("owner@acme", "People"),
            ("audit", "Pages and settings"),
            ("Custmoers", "names like it"),
            ("zzzz qqqq xxxx", "Nothing found"),
            ("' OR 1=1 --", "Nothing found"),
        ],
    )
    def test_everything_is_found(self, place: Place, owner: Client, words: str, label: str) -> None:
        body = owner.get("/acme/search", {"q": words}).content.decode()
        assert label in body

    def test_a_run_is_found_by_its_id(self, place: Place, owner: Client) -> None:
        run = place.rows["run"]
        assert f"/acme/syncs/{run.sync_id}/runs/{run.pk}" in owner.get("/acme/search", {"q": run.pk}).content.decode()

    def test_rights_decide_what_is_found(self, world: World, place: Place) -> None:
        client = Client()
        client.force_login(world["viewer"])
        body = client.get("/acme/search", {"q": "Customers"}).content.decode()
        assert "Audit log" not in body
        assert "Notification channels" not in client.get("/acme/search", {"q": "notification"}).content.decode()
